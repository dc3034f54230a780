import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { PeerMisbehaved } from "../runtime/errors.ts";
import { octetsToText, SipMessage, textToOctets } from "../runtime/sip/message.ts";
import { answerTo, isKeepAlive, parseDatagram, SipUnreadable, StreamParser, validate } from "../runtime/sip/parse.ts";
import type { Arrival } from "../runtime/sip/parse.ts";
import { createResponse, serialise } from "../runtime/sip/serialise.ts";
import { formatNameAddr, quote } from "../runtime/sip/uri.ts";

const folder = new URL("fixtures/sip/", import.meta.url);
const fixture = (name: string): Buffer => readFileSync(new URL(name + ".sip", folder));
const fixtures = readdirSync(folder).map((file) => ({ name: file.replace(".sip", ""), octets: readFileSync(new URL(file, folder)) }));

const octets = (text: string): Buffer => Buffer.from(text.replaceAll("\n", "\r\n"), "latin1");

/** An OPTIONS with what `change` makes of its lines. */
function options(change: (lines: string[]) => string[] = (lines) => lines, body = ""): Buffer {
  const lines = [
    "OPTIONS sip:cf.home.example SIP/2.0",
    "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKo1",
    "Max-Forwards: 70",
    "From: <sip:alice@home.example>;tag=a1",
    "To: <sip:cf.home.example>",
    "Call-ID: o1@192.0.2.1",
    "CSeq: 1 OPTIONS",
    "Content-Length: " + body.length,
  ];
  return Buffer.concat([octets(change(lines).join("\n") + "\n\n"), Buffer.from(body)]);
}

/** An OPTIONS with the line that starts like `line` replaced by it, or without it if it has no value. */
const withLine = (line: string) => {
  const name = line.slice(0, line.indexOf(":") + 1);
  return options((lines) => lines.flatMap((old) => (old.startsWith(name) ? (line === name ? [] : [line]) : [old])));
};
const plus = (...more: string[]) => options((lines) => [...lines.slice(0, -1), ...more, ...lines.slice(-1)]);
const startingWith = (line: string) => options(([, ...lines]) => [line, ...lines]);

function faultOf(read: () => unknown): PeerMisbehaved {
  try {
    read();
  } catch (fault) {
    if (fault instanceof PeerMisbehaved) return fault;
    throw fault;
  }
  throw new Error("nothing was thrown");
}

const read = (datagram: Buffer): SipMessage => {
  const message = parseDatagram(datagram);
  validate(message);
  return message;
};

/** What a stream told, in a form that can be compared. */
const told = (arrivals: readonly Arrival[]): string[] =>
  arrivals.map((arrival) => {
    if (arrival instanceof SipMessage) return serialise(arrival).toString("latin1");
    return arrival instanceof SipUnreadable ? arrival.message : arrival.keepAlive;
  });

describe("messages of CPM", () => {
  for (const { name, octets } of fixtures) {
    const canonical = octets.toString("latin1").replace("Content-length:", "Content-Length:").replace(":  ;;", ": ;;");

    test(`${name} is valid and comes back octet for octet`, () => {
      expect(serialise(read(octets)).toString("latin1")).toBe(canonical);
    });

    test(`${name} on a stream, cut at every octet`, () => {
      for (let cut = 0; cut <= octets.length; cut++) {
        const parser = new StreamParser();
        const arrivals = [...parser.push(octets.subarray(0, cut)), ...parser.push(octets.subarray(cut))];
        expect(told(arrivals)).toEqual([canonical]);
        expect([parser.waiting, parser.broken]).toEqual([undefined, false]);
      }
    });
  }

  test("the creation of a group, view by view", () => {
    const message = read(fixture("INVITE-group-creation"));
    expect(message.isRequest).toBe(true);
    expect([message.method, message.uri]).toEqual(["INVITE", "sip:cpm-factory@cf.home.example"]);
    expect(message.via).toHaveLength(1);
    expect(message.via[0]).toMatchObject({ transport: "TCP", host: "192.0.2.1", port: 5060 });
    expect(message.from).toMatchObject({ display: "", uri: "sip:alice@home.example" });
    expect(message.from.params.get("tag")).toBe("a1");
    expect(message.to.params.has("tag")).toBe(false);
    expect(message.cseq).toEqual({ seq: 1, method: "INVITE" });
    expect(message.callId).toBe("c1@192.0.2.1");
    expect(message.has("Require", "Recipient-List-Invite")).toBe(true);
    expect(message.has("Require", "recipient-list")).toBe(false);
    expect(message.list("Allow")).toHaveLength(11);
    expect(message.get("Conversation-ID")).toBe("f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
    expect(message.body.length).toBe(779);
  });

  test("the refusal of a file transfer carries its Warning", () => {
    const message = read(fixture("403-function-not-allowed"));
    expect(message.isRequest).toBe(false);
    expect([message.status, message.reason]).toEqual([403, "Forbidden"]);
    expect(message.get("warning")).toMatch(/^399 \S+ "122 Function not allowed"$/);
  });
});

describe("header fields", () => {
  const compact = read(fixture("INVITE-compact"));

  test("long names find compact ones, in any case, and the other way round", () => {
    expect(compact.get("FROM")).toBe(compact.get("f"));
    expect(compact.get("Session-Expires")).toBe("1800;refresher=uac");
    expect(compact.get("referred-by")).toBe('"Dave, Esq." <sip:dave@home.example>');
    expect(compact.has("Supported", "100rel")).toBe(true);
    expect(compact.via.map(({ host }) => host)).toEqual(["192.0.2.7", "192.0.2.8"]);
    expect(read(fixture("INVITE-group-creation")).get("t")).toBe("<sip:cpm-factory@cf.home.example>");
  });

  test("commas in quotes, brackets and comments separate nothing", () => {
    const message = SipMessage.request("OPTIONS", "sip:a@b").add("Contact", '"a, \\", b" <sip:a,b@c>;x="1,2" , <sip:d@e>').add("m", "sip:f@g");
    expect(message.list("Contact")).toEqual(['"a, \\", b" <sip:a,b@c>;x="1,2"', "<sip:d@e>", "sip:f@g"]);
    expect(compact.list("Referred-By")).toHaveLength(1);
    expect(compact.list("User-Agent")).toEqual(["one (with, a (nested) comment) two/1.0"]);
    expect(SipMessage.request("OPTIONS", "sip:a@b").add("Supported", "").list("Supported")).toEqual([]);
  });

  test("folds become a space each", () => {
    const message = read(plus("Subject: one", " two", "\t three  ", "X-Empty:", " "));
    expect(message.get("Subject")).toBe("one two three");
    expect(message.get("X-Empty")).toBe("");
  });

  test("adding, setting, prepending and deleting keep the order and forget the old views", () => {
    const message = read(fixture("INVITE-compact"));
    expect(message.via[0]?.host).toBe("192.0.2.7");
    message.prepend("Via", "SIP/2.0/TCP 192.0.2.9");
    expect(message.via[0]?.host).toBe("192.0.2.9");
    message.setTopVia("SIP/2.0/TCP 192.0.2.10");
    expect(message.via.map(({ host }) => host)).toEqual(["192.0.2.10", "192.0.2.7", "192.0.2.8"]);
    message.add("Route", "<sip:a;lr>").add("X", "1").add("route", "<sip:b;lr>").set("Route", "<sip:c;lr>");
    expect(message.getAll("Route")).toEqual(["<sip:c;lr>"]);
    expect(message.fields.at(-1)?.name).toBe("X");
    message.set("To", "<sip:x@y>;tag=t");
    expect(message.to.params.get("tag")).toBe("t");
    message.delete("v");
    expect(message.via).toEqual([]);
    expect(faultOf(() => message.setTopVia("SIP/2.0/UDP a")).fault).toBe("SIP_MALFORMED");
    expect(faultOf(() => SipMessage.response(200).callId).clause).toBe("RFC 3261 §8.1.1");
  });

  test("setTopVia leaves the other values of the line", () => {
    const message = read(fixture("INVITE-compact"));
    message.setTopVia("SIP/2.0/UDP 192.0.2.7;received=192.0.2.70");
    expect(message.getAll("Via")).toEqual(["SIP/2.0/UDP 192.0.2.7;received=192.0.2.70, SIP/2.0/TCP 192.0.2.8:5062;branch=z9hG4bKc0"]);
  });

  test("text beyond ASCII", () => {
    const message = read(fixture("REGISTER-instance"));
    expect(octetsToText(message.from.display)).toBe('Alice "A" Ångström');
    expect(message.via[0]).toMatchObject({ host: "[2001:db8::1]", port: 5061 });
    const sent = SipMessage.response(200).add("Subject", textToOctets("Grüße à la 日本"));
    expect(octetsToText(parseDatagram(serialise(sent)).get("Subject") ?? "")).toBe("Grüße à la 日本");
  });
});

describe("nothing leaves its header field", () => {
  const attacks = ["x\r\nEvil: 1", "x\nEvil: 1", "x\rEvil: 1", "x\r\n\r\nEvil: 1", "x\r\n Evil: 1", "x\u010d\u010aEvil: 1", "x\u560d\u560aEvil: 1", "\r\nEvil: 1\r\n"];
  const lines = (message: SipMessage) => serialise(message).toString("latin1").split(/[\r\n]+/);

  for (const attack of attacks)
    test(JSON.stringify(attack), () => {
      const message = SipMessage.request("OPTIONS" + attack, "sip:a@b" + attack)
        .add("Subject", attack)
        .add("Organization", "x")
        .set("Organization", attack)
        .prepend("Priority", attack)
        .add("Contact", formatNameAddr({ display: attack, uri: "sip:a@b" + attack, params: new Map([["p", attack]]) }))
        .add("Warning", `399 h ${quote(attack)}`)
        .add("Via", "SIP/2.0/UDP a");
      message.setTopVia(attack);
      const response = createResponse(message, 400, attack, attack);
      for (const line of [...lines(message), ...lines(response)]) expect(line).not.toMatch(/^\s*Evil/);
      expect(lines(message)).toHaveLength(9);
      expect(lines(response)).toHaveLength(4);
    });

  test("the name of a header field must be a token", () => {
    for (const name of ["", "a b", "a:", "a\r\nb", "\u00e9"]) expect(faultOf(() => SipMessage.response(200).add(name, "x")).fault).toBe("SIP_MALFORMED");
  });

  test("a bare CR or LF inside a header field is refused, it would end a line for the next reader", () => {
    for (const value of ["x\rEvil: 1", "x\nEvil: 1"]) {
      const datagram = Buffer.from(plus("Subject: SUBJECT").toString("latin1").replace("SUBJECT", value), "latin1");
      expect(faultOf(() => parseDatagram(datagram)).status).toBe(400);
    }
  });
});

describe("malformed", () => {
  const variants: Readonly<Record<string, readonly [datagram: Buffer, status: number]>> = {
    "no blank line": [Buffer.from("OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a\r\n"), 400],
    "no version": [startingWith("OPTIONS sip:cf.home.example"), 400],
    "no URI": [startingWith("OPTIONS  SIP/2.0"), 400],
    "a method that is no token": [startingWith("OPT(IONS sip:cf.home.example SIP/2.0"), 400],
    "a tab for a space": [startingWith("OPTIONS\tsip:cf.home.example SIP/2.0"), 400],
    "HTTP": [startingWith("GET / HTTP/1.1"), 400],
    "version 3.0": [startingWith("OPTIONS sip:cf.home.example SIP/3.0"), 505],
    "version 20": [startingWith("OPTIONS sip:cf.home.example SIP/20"), 400],
    "a version with a tail": [startingWith("OPTIONS sip:cf.home.example SIP/2.0x"), 400],
    "a Request-URI without scheme": [startingWith("OPTIONS cf.home.example SIP/2.0"), 400],
    "a Request-URI with a bad port": [startingWith("OPTIONS sip:cf.home.example:99999 SIP/2.0"), 400],
    "a status of two digits": [startingWith("SIP/2.0 20 OK"), 400],
    "a status of 700": [startingWith("SIP/2.0 700 Really"), 400],
    "a status with a sign": [startingWith("SIP/2.0 +20 OK"), 400],
    "a line without colon": [plus("Subject"), 400],
    "a name with a space": [plus("My Subject: x"), 400],
    "no name": [plus(": x"), 400],
    "no Via": [withLine("Via:"), 400],
    "no From": [withLine("From:"), 400],
    "no To": [withLine("To:"), 400],
    "no Call-ID": [withLine("Call-ID:"), 400],
    "no CSeq": [withLine("CSeq:"), 400],
    "two From": [plus("f: <sip:eve@home.example>;tag=e"), 400],
    "two Content-Length": [plus("l: 0"), 400],
    "an empty Via": [withLine("Via: "), 400],
    "an empty Call-ID": [withLine("Call-ID: "), 400],
    "a Call-ID of two words": [withLine("Call-ID: a b"), 400],
    "a From without scheme": [withLine("From: <alice>;tag=1"), 400],
    "a From with a bad sip URI": [withLine("From: <sip:@>;tag=1"), 400],
    "a CSeq without method": [withLine("CSeq: 1"), 400],
    "a CSeq without number": [withLine("CSeq: OPTIONS"), 400],
    "a CSeq of 2**31": [withLine("CSeq: 2147483648 OPTIONS"), 400],
    "a CSeq with a tail": [withLine("CSeq: 1 OPTIONS x"), 400],
    "a CSeq of another method": [withLine("CSeq: 1 options"), 400],
    "Max-Forwards of 256": [withLine("Max-Forwards: 256"), 400],
    "Max-Forwards of -1": [withLine("Max-Forwards: -1"), 400],
    "Expires of 2**32": [plus("Expires: 4294967296"), 400],
    "Content-Length in hexadecimal": [withLine("Content-Length: 0x0"), 400],
    "Content-Length beyond the datagram": [withLine("Content-Length: 1"), 400],
    "an empty Content-Length": [withLine("Content-Length: "), 400],
    "a Contact that is none": [plus("Contact: <sip:a@b>, x"), 400],
    "a Contact that ends in a comma": [plus("Contact: <sip:a@b>,"), 400],
    "a Route that is none": [plus("Route: <sip:a@b"), 400],
    "a header of more than 32 KB": [plus("X: " + "x".repeat(32768)), 513],
    "more than 200 header fields": [plus(...Array<string>(194).fill("X: y")), 513],
    "more than 70 Vias in one line": [plus("Via: " + Array(70).fill("SIP/2.0/UDP a").join(",")), 513],
  };

  for (const [name, [datagram, status]] of Object.entries(variants))
    test(`${name}: ${status}`, () => {
      const fault = faultOf(() => read(datagram));
      expect(fault.status).toBe(status);
      // No octet of the peer gets into what is logged.
      expect(fault.message).toMatch(/^[\x20-\x7e§]*$/);
    });

  test("at the limits it is read", () => {
    expect(read(plus(...Array<string>(192).fill("X: y"))).fields).toHaveLength(200 - 1);
    expect(read(plus(...Array<string>(193).fill("X: y"))).fields).toHaveLength(200);
    expect(read(plus("Via: " + Array(69).fill("SIP/2.0/UDP a").join(","))).via).toHaveLength(70);
    expect(read(withLine("CSeq: 2147483647 OPTIONS")).cseq.seq).toBe(2 ** 31 - 1);
    expect(faultOf(() => parseDatagram(options(undefined, "12345"), { bodyOctets: 4 })).status).toBe(513);
    expect(parseDatagram(options(undefined, "12345"), { bodyOctets: 5 }).body.toString()).toBe("12345");
  });

  test("what RFC 3261 wants tolerated is tolerated", () => {
    expect(read(Buffer.concat([octets("\n\n"), options()])).method).toBe("OPTIONS");
    expect(read(withLine("Max-Forwards:")).get("Max-Forwards")).toBeUndefined();
    expect(read(startingWith("OPTIONS sip:cf.home.example sip/2.0")).method).toBe("OPTIONS");
    expect(read(plus("Contact: *")).get("m")).toBe("*");
    expect(parseDatagram(Buffer.concat([withLine("Content-Length:"), octets("body")])).body.toString()).toBe("body");
    expect(parseDatagram(octets("SIP/2.0 200\nCall-ID: x\n\n"))).toMatchObject({ status: 200, reason: "" });
  });

  test("keep-alives are no messages", () => {
    for (const text of ["", "\r\n", "\r\n\r\n", "\0\0\0\0"]) expect(isKeepAlive(Buffer.from(text))).toBe(true);
    expect(isKeepAlive(options())).toBe(false);
    expect(faultOf(() => parseDatagram(octets("\n\n"))).status).toBe(400);
  });
});

describe("answers to what could not be read", () => {
  const answerOf = (datagram: Buffer) => answerTo(datagram, faultOf(() => read(datagram)));

  test("have what the request says of Via, From, To, Call-ID and CSeq, and a tag", () => {
    const answer = answerOf(startingWith("OPTIONS sip:cf.home.example SIP/3.0"));
    expect(serialise(answer as SipMessage).toString()).toMatch(
      /^SIP\/2\.0 505 Version Not Supported\r\nVia: SIP\/2\.0\/UDP 192\.0\.2\.1:5060;branch=z9hG4bKo1\r\nFrom: <sip:alice@home\.example>;tag=a1\r\nTo: <sip:cf\.home\.example>;tag=[0-9a-f]{18}\r\nCall-ID: o1@192\.0\.2\.1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n$/,
    );
  });

  test("are the same for a retransmission", () => {
    const [first, second] = [answerOf(withLine("Max-Forwards: 999")), answerOf(withLine("Max-Forwards: 999"))];
    expect(first?.to.params.get("tag")).toBe(second?.to.params.get("tag"));
  });

  test("do without what is missing, and without a tag where To cannot be read", () => {
    expect(answerOf(withLine("From:"))?.get("From")).toBeUndefined();
    expect(answerOf(withLine("To: <sip:x"))?.get("To")).toBe("<sip:x");
  });

  test("take a Via as far as it can be read", () => {
    expect(answerOf(withLine("Via: SIP/2.0/UDP 192.0.2.15;;,;,,"))?.getAll("Via")).toEqual(["SIP/2.0/UDP 192.0.2.15"]);
    const below = answerOf(plus("Via: garbage", "Via: SIP/2.0/TCP 192.0.2.2"));
    expect(below?.via.map(({ host }) => host)).toEqual(["192.0.2.1", "192.0.2.2"]);
  });

  test("are not given to responses, to ACK, or to nobody", () => {
    expect(answerOf(startingWith("SIP/2.0 700 Really"))).toBeUndefined();
    expect(answerOf(startingWith("ACK sip:cf.home.example SIP/3.0"))).toBeUndefined();
    expect(answerOf(withLine("Via:"))).toBeUndefined();
    expect(answerOf(withLine("Via: nonsense"))).toBeUndefined();
    expect(answerOf(octets("\x16\x03\x01\n\n"))).toBeUndefined();
  });

  test("are the response of a header above the limit, too", () => {
    expect(answerOf(plus("X: " + "x".repeat(40_000)))?.status).toBe(513);
  });
});

describe("responses, RFC 3261 §8.2.6", () => {
  const request = read(octets(
    "INVITE sip:b@home.example SIP/2.0\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\nRecord-Route: <sip:p;lr>\nVia: SIP/2.0/UDP b\nFrom: <sip:a@home.example>;tag=1\nt: <sip:b@home.example>\nCall-ID: x\nCSeq: 1 INVITE\nTimestamp: 5\nContact: <sip:a@a>\nContent-Length: 0\n\n",
  ));
  const names = (status: number) => createResponse(request, status, undefined, "T").fields.map(({ name }) => name);

  test("copy what they must, in order, spelled as it was", () => {
    expect(names(100)).toEqual(["Via", "Via", "From", "t", "Call-ID", "CSeq", "Timestamp"]);
    expect(names(183)).toEqual(["Via", "Record-Route", "Via", "From", "t", "Call-ID", "CSeq"]);
    expect(names(200)).toEqual(names(183));
    expect(names(486)).toEqual(["Via", "Via", "From", "t", "Call-ID", "CSeq"]);
  });

  test("get our tag, except 100 and where there is one", () => {
    expect(createResponse(request, 100, undefined, "T").to.params.has("tag")).toBe(false);
    const response = createResponse(request, 180, undefined, "T");
    expect(response.get("To")).toBe("<sip:b@home.example>;tag=T");
    expect(response.reason).toBe("Ringing");
    const within = read(fixture("BYE-file-transfer-by-sender"));
    expect(createResponse(within, 200, undefined, "T").get("To")).toBe(within.get("To"));
    expect(createResponse(request, 200, "Fine").reason).toBe("Fine");
  });
});

describe("streams", () => {
  const stream = Buffer.concat([
    octets("\n\n"),
    fixture("INVITE-group-creation"),
    fixture("CANCEL"),
    octets("\n"),
    startingWith("OPTIONS sip:cf.home.example SIP/3.0"),
    options(([, ...lines]) => ["OPTIONS  x SIP/2.0", ...lines], "the body that is passed over\r\n\r\n"),
    fixture("NOTIFY-conference"),
    octets("\n\n\n"),
  ]);
  const whole = told(new StreamParser().push(stream));

  test("messages, keep-alives and what cannot be read, in order", () => {
    const kinds = whole.map((entry) => entry.split(/[ :]/, 1)[0]);
    expect(kinds).toEqual(["pong", "ping", "INVITE", "CANCEL", "pong", "SIP_VERSION", "SIP_MALFORMED", "NOTIFY", "pong", "ping", "pong"]);
  });

  test("are told the same however they are cut", () => {
    for (const size of [1, 2, 3, 5, 7, 64, 997, 1460]) {
      const parser = new StreamParser();
      const arrivals: Arrival[] = [];
      for (let at = 0; at < stream.length; at += size) arrivals.push(...parser.push(stream.subarray(at, at + size)));
      expect(told(arrivals)).toEqual(whole);
      expect(parser.waiting).toBeUndefined();
    }
    for (let cut = 0; cut <= stream.length; cut++) {
      const parser = new StreamParser();
      expect(told([...parser.push(stream.subarray(0, cut)), ...parser.push(stream.subarray(cut))])).toEqual(whole);
    }
  });

  test("bodies that were handed out stay what they were", () => {
    const parser = new StreamParser();
    const message = (letter: string) => options(undefined, letter.repeat(100));
    const input = Buffer.concat(["a", "b", "c", "d"].map(message));
    const bodies: Buffer[] = [];
    for (let at = 0; at < input.length; at += 150)
      for (const arrival of parser.push(Buffer.from(input.subarray(at, at + 150)))) if (arrival instanceof SipMessage) bodies.push(arrival.body);
    expect(bodies.map(String)).toEqual(["a", "b", "c", "d"].map((letter) => letter.repeat(100)));
  });

  test("say what they wait for", () => {
    const parser = new StreamParser();
    const input = options(undefined, "12345");
    const head = input.length - 5;
    expect(parser.waiting).toBeUndefined();
    parser.push(input.subarray(0, 1));
    expect(parser.waiting).toBe("head");
    parser.push(input.subarray(1, head));
    expect(parser.waiting).toBe("body");
    parser.push(input.subarray(head));
    expect(parser.waiting).toBeUndefined();
    parser.push(octets("\n").subarray(0, 1));
    expect(parser.waiting).toBe("head");
  });

  const breaking: Readonly<Record<string, readonly [input: Buffer, status: number]>> = {
    "no Content-Length": [withLine("Content-Length:"), 400],
    "two Content-Length": [plus("Content-Length: 0"), 400],
    "a negative Content-Length": [withLine("Content-Length: -1"), 400],
    "a body above the limit": [withLine("Content-Length: 1048577"), 513],
    "a header above the limit": [plus("X: " + "x".repeat(32768)), 513],
    "a header without end": [Buffer.alloc(32 * 1024 + 1, "x"), 513],
    "a bare CR": [Buffer.from("\rX"), 400],
  };
  for (const [name, [input, status]] of Object.entries(breaking))
    test(`${name} breaks them: ${status}, and nothing more`, () => {
      const parser = new StreamParser();
      const [fault, ...rest] = parser.push(Buffer.concat([input, options()]));
      expect(fault).toBeInstanceOf(SipUnreadable);
      expect((fault as SipUnreadable).status).toBe(status);
      expect(rest).toEqual([]);
      expect([parser.broken, parser.waiting]).toEqual([true, undefined]);
      expect(parser.push(options())).toEqual([]);
    });

  test("a broken stream still gives the octets to answer", () => {
    const [fault] = new StreamParser().push(withLine("Content-Length: -1")) as [SipUnreadable];
    expect(answerTo(fault.octets, fault)?.status).toBe(400);
  });

  test("limits can be set", () => {
    const [fault] = new StreamParser({ headOctets: 64 }).push(options()) as [SipUnreadable];
    expect(fault.status).toBe(513);
    expect(fault.octets).toHaveLength(64);
  });
});
