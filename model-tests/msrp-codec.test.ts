import fc from "fast-check";
import { readdirSync, readFileSync } from "node:fs";
import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { PeerMisbehaved } from "../runtime/errors.ts";
import type { RequestHead } from "../runtime/msrp/message.ts";
import { FrameParser } from "../runtime/msrp/parse.ts";
import { endLineBeginning, formatBodilessRequest, formatReportFields, formatResponse, formatSendFields, formatSendHead, formatTransactionId, FrameWriter } from "../runtime/msrp/serialise.ts";
import { PendingRequests } from "../runtime/msrp/transaction.ts";
import { firstOfPath, formatMsrpUri, msrpUriEquals, parseMsrpUri, parsePath, pathEquals } from "../runtime/msrp/uri.ts";

const folder = new URL("fixtures/msrp/", import.meta.url);
const fixture = (name: string): Buffer => readFileSync(new URL(`${name}.msrp`, folder));
const namesIn = (path: string): string[] =>
  readdirSync(new URL(path, folder))
    .filter((file) => file.endsWith(".msrp"))
    .map((file) => path + file.replace(/\.msrp$/, ""));
const whole = namesIn("");
const malformed = namesIn("malformed/");

interface Request {
  readonly kind: "request";
  readonly head: RequestHead;
  readonly fault: number | undefined;
  body: string;
  flag: string;
}
interface Response {
  readonly kind: "response";
  readonly status: number;
  readonly id: string;
}
interface Broken {
  readonly kind: "broken";
  readonly status: number;
}

/** Everything that a parser says of these segments. */
function read(...segments: readonly Buffer[]): (Request | Response | Broken)[] {
  const found: (Request | Response | Broken)[] = [];
  const last = () => found.at(-1) as Request;
  const parser = new FrameParser({
    onRequest: (head, fault) => void found.push({ kind: "request", head, fault: fault?.status, body: "", flag: "" }),
    onBody(octets) {
      expect(octets.length).toBeGreaterThan(0);
      last().body += octets.toString("latin1");
    },
    onEnd: (flag) => void (last().flag = flag),
    onResponse: (status, octets, start, end) => void found.push({ kind: "response", status, id: octets.toString("latin1", start, end) }),
  });
  try {
    for (const segment of segments) parser.push(segment);
  } catch (error) {
    if (!(error instanceof PeerMisbehaved)) throw error;
    found.push({ kind: "broken", status: error.status });
  }
  return found;
}

function cut(octets: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(octets.length / size) }, (_, k) => octets.subarray(k * size, (k + 1) * size));
}

const alice = "msrp://192.0.2.1:9/a1;tcp";
const focus = "msrp://198.51.100.10:2855/cfA;tcp";

describe("whole", () => {
  const request = (name: string) => {
    const found = read(fixture(name));
    expect(found).toHaveLength(1);
    return found[0] as Request;
  };

  test("a SEND with a CPIM message", () => {
    const { head, body, flag, fault } = request("send-cpim");
    expect(head).toEqual({
      transactionId: "t9aa",
      method: "SEND",
      toPath: focus,
      fromPath: alice,
      messageId: "m9aa",
      byteRange: { start: 1, end: body.length, total: body.length },
      failureReport: "yes",
      successReport: false,
      contentType: "message/cpim",
      status: undefined,
      headers: [],
    });
    expect([flag, fault]).toEqual(["$", undefined]);
    expect(body).toMatch(/^From: <sip:alice@home.example>\r\n.*\r\n\r\nHello$/s);
  });

  test("the SEND that binds, with and without Byte-Range", () => {
    expect(request("send-bind")).toMatchObject({ head: { byteRange: { start: 1, end: 0, total: 0 }, contentType: undefined }, body: "", flag: "$" });
    expect(request("send-bind-without-byte-range")).toMatchObject({ head: { byteRange: undefined }, fault: undefined, flag: "$" });
  });

  test("chunks: more to come, abandoned, total unknown", () => {
    expect(request("send-first-chunk")).toMatchObject({ head: { byteRange: { start: 1, end: "*", total: 8192 } }, body: "the first octets", flag: "+" });
    expect(request("send-abandoned")).toMatchObject({ head: { byteRange: { start: 17, end: "*", total: 8192 } }, body: "no more", flag: "#" });
    expect(request("send-total-unknown")).toMatchObject({ head: { byteRange: { start: 1, end: "*", total: "*" } }, body: "short", flag: "$" });
  });

  test("a body of things that are nearly an end-line", () => {
    const { head, body } = request("send-body-like-end-lines");
    expect(body.length).toBe(head.byteRange!.total);
    expect(body).toContain("-------c004$ \r\n");
  });

  test("a body of no octets, with and without the CRLF that ends it", () => {
    for (const name of ["send-empty-body", "send-empty-body-without-its-crlf"]) {
      expect(request(name)).toMatchObject({ head: { contentType: "text/plain" }, body: "", flag: "$", fault: undefined });
    }
  });

  test("names and values in other spellings", () => {
    expect(request("send-other-spellings")).toMatchObject({
      head: {
        toPath: focus,
        fromPath: alice,
        messageId: "m15a",
        byteRange: { start: 1, end: 2, total: 2 },
        failureReport: "partial",
        successReport: true,
        contentType: "text/plain",
        headers: [["Content-length", "2"]],
      },
      body: "hi",
    });
  });

  test("IPv6 addresses, a path through relays, the longest transaction identifier", () => {
    expect(request("send-ipv6").head.toPath).toBe("msrp://[2001:db8::a]:2855/cfA;tcp");
    const { head } = request("send-through-relays");
    expect(parsePath(head.fromPath)).toHaveLength(3);
    expect(head).toMatchObject({ failureReport: "no", headers: [["Content-Disposition", "notification"]] });
    expect(request("send-longest-id").head.transactionId).toHaveLength(32);
  });

  test("a REPORT, also one that uses the identifier of the SEND again", () => {
    expect(request("report").head).toMatchObject({ method: "REPORT", messageId: "m9aa", status: { status: 200, comment: "OK" } });
    const [send, report] = read(Buffer.concat([fixture("send-cpim"), fixture("report-with-the-id-of-the-send")]));
    expect((send as Request).head.transactionId).toBe((report as Request).head.transactionId);
    expect(report).toMatchObject({ head: { method: "REPORT", status: { status: 413, comment: "" } } });
  });

  test("a method that we do not know is a request all the same", () => {
    expect(request("nickname")).toMatchObject({ head: { method: "NICKNAME", headers: [["Use-Nickname", '"Alice the great"']] }, fault: undefined });
  });

  test.each([
    ["response-200", 200, "t10a"],
    ["response-481", 481, "t10b"],
    ["response-without-comment", 200, "t10c"],
    ["response-with-more-fields", 413, "t10d"],
  ])("%s", (name, status, id) => {
    expect(read(fixture(name))).toEqual([{ kind: "response", status, id }]);
  });

  test("a body is the same memory as the segment", () => {
    const segment = fixture("send-cpim");
    let shared = false;
    const ignore = () => {};
    new FrameParser({ onRequest: ignore, onEnd: ignore, onResponse: ignore, onBody: (octets) => void (shared = octets.buffer === segment.buffer) }).push(segment);
    expect(shared).toBe(true);
  });
});

describe("however it is cut", () => {
  test.each([...whole, ...malformed])("%s", (name) => {
    const octets = fixture(name);
    const expected = read(octets);
    expect(read(...cut(octets, 1))).toEqual(expected);
    if (octets.length > 2000) return;
    for (let at = 1; at < octets.length; at++) expect(read(octets.subarray(0, at), octets.subarray(at))).toEqual(expected);
  });

  test("many frames in one segment, and in segments of any size", () => {
    const all = Buffer.concat(whole.map(fixture));
    const expected = whole.flatMap((name) => read(fixture(name)));
    expect(expected).toHaveLength(whole.length);
    for (const size of [all.length, 1, 2, 3, 7, 64, 1460]) expect(read(...cut(all, size))).toEqual(expected);
  });

  test("octets of a body are handed on before its end is there", () => {
    const octets = fixture("send-first-chunk");
    const before = octets.subarray(0, octets.indexOf("the first octets") + 10);
    expect(read(before)).toMatchObject([{ body: "the first ", flag: "" }]);
  });

  test("nothing is told while suspended", () => {
    const told: string[] = [];
    const parser = new FrameParser({
      onRequest(head) {
        told.push(head.transactionId);
        parser.suspend();
      },
      onBody: () => void told.push("body"),
      onEnd: (flag) => void told.push(flag),
      onResponse: () => {},
    });
    parser.push(Buffer.concat([fixture("send-bind"), fixture("send-cpim")]));
    expect(told).toEqual(["e1bind"]);
    parser.push(fixture("report"));
    expect(told).toEqual(["e1bind"]);
    parser.resume();
    expect(told).toEqual(["e1bind", "$", "t9aa"]);
    parser.resume();
    expect(told).toEqual(["e1bind", "$", "t9aa", "body", "$", "r001"]);
    parser.resume();
    expect(told.at(-1)).toBe("$");
  });
});

describe("malformed", () => {
  test.each(malformed.filter((name) => name.includes("/framing-")))("%s breaks the framing", (name) => {
    expect(read(fixture(name), fixture("report"))).toEqual([{ kind: "broken", status: 400 }]);
  });

  test.each(malformed.filter((name) => name.includes("/field-")))("%s is one bad request", (name) => {
    expect(read(fixture(name), fixture("report"))).toMatchObject([{ fault: 400, flag: "$" }, { head: { method: "REPORT" } }]);
  });

  test("a broken request can be answered when its paths were there", () => {
    const ignore = () => {};
    const user = { onRequest: ignore, onBody: ignore, onEnd: ignore, onResponse: ignore };
    const withPaths = new FrameParser(user);
    expect(() => withPaths.push(fixture("malformed/framing-control-character"))).toThrow(PeerMisbehaved);
    expect(withPaths.answerable).toMatchObject({ transactionId: "b006", toPath: focus, fromPath: alice });
    const without = new FrameParser(user);
    expect(() => without.push(fixture("malformed/framing-no-paths"))).toThrow(PeerMisbehaved);
    expect(without.answerable).toBeUndefined();
  });

  test("no octets but a frame's own make the parser fail in another way than PeerMisbehaved", () => {
    const seeds = [...whole, ...malformed].map(fixture).filter((octets) => octets.length < 2000);
    const mutation = fc.record({
      seed: fc.nat(seeds.length - 1),
      next: fc.nat(seeds.length - 1),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      drop: fc.nat(6),
      insert: fc.uint8Array({ maxLength: 6 }),
      size: fc.integer({ min: 1, max: 300 }),
    });
    fc.assert(
      fc.property(mutation, ({ seed, next, at, drop, insert, size }) => {
        const octets = seeds[seed]!;
        const place = Math.floor(at * octets.length);
        const mutated = Buffer.concat([octets.subarray(0, place), insert, octets.subarray(place + drop), seeds[next]!]);
        expect(read(...cut(mutated, size))).toEqual(read(mutated));
      }),
      { numRuns: 4000, seed: 4975 },
    );
  });

  test.each([
    ["a body of beginnings of end-lines", (octets: number) => [Buffer.concat([fixture("send-first-chunk").subarray(0, -18), Buffer.alloc(octets, "\r\n-------c001")])]],
    ["a body of carriage returns in small segments", (octets: number) => cut(Buffer.concat([fixture("send-first-chunk").subarray(0, -18), Buffer.alloc(octets, "\r")]), 100)],
    ["one segment of responses", (octets: number) => [Buffer.alloc(octets, fixture("response-200"))]],
  ])("%s takes time in proportion", (_, build) => {
    const time = (octets: number) => {
      const segments = build(octets);
      let least = Infinity;
      for (let run = 0; run < 5; run++) {
        const begin = process.cpuUsage();
        read(...segments.slice(0, 1));
        const parser = new FrameParser({ onRequest() {}, onBody() {}, onEnd() {}, onResponse() {} });
        try {
          for (const segment of segments) parser.push(segment);
        } catch (error) {
          if (!(error instanceof PeerMisbehaved)) throw error;
        }
        least = Math.min(least, process.cpuUsage(begin).user);
      }
      return least;
    };
    time(100_000);
    // Four times the octets; twenty milliseconds are the grain of the measurement.
    expect(time(1_600_000)).toBeLessThan(time(400_000) * 8 + 20_000);
  });
});

describe("responses that are as long as the last one", () => {
  const response = (id: string, words = "200 OK") => Buffer.from(`MSRP ${id} ${words}\r\nTo-Path: ${focus}\r\nFrom-Path: ${alice}\r\n-------${id}$\r\n`);

  test("are read like any other", () => {
    const ids = ["aaaa1", "aaaa2", "bbbb3", "aa1", "aaaa4"];
    const words = ["200 OK", "200 OK", "413 No", "200 OK", "481 Go"];
    const found = read(Buffer.concat([response(ids[0]!, words[0]), response(ids[1]!, words[1]), response(ids[2]!, words[2]), response(ids[4]!, words[4])]));
    expect(found).toEqual([200, 200, 413, 481].map((status, k) => ({ kind: "response", status, id: ids[[0, 1, 2, 4][k]!] })));
  });

  test("a request of that length is a request", () => {
    const first = response("aaaa1");
    const fields = `To-Path: ${focus}\r\nFrom-Path: ${alice}\r\n`;
    const request = Buffer.from(`MSRP aaaa2 REPORT\r\n${fields}-------aaaa2$\r\n`);
    expect(request.length).toBe(first.length);
    expect(read(first, request)).toMatchObject([{ kind: "response" }, { kind: "request", head: { method: "REPORT" }, fault: 400 }]);
  });

  test("one whose end-line names another transaction is none", () => {
    const broken = response("aaaa2");
    broken[broken.length - 4] = 0x33;
    expect(read(response("aaaa1"), broken)).toEqual([{ kind: "response", status: 200, id: "aaaa1" }]);
  });
});

describe("round trip", () => {
  const ident = fc.stringMatching(/^[0-9A-Za-z][0-9A-Za-z.\-+%=]{3,31}$/);
  const value = fc.stringMatching(/^[!-~]([ -~]{0,40}[!-~])?$/);

  test("a SEND", () => {
    const send = fc.record({
      messageId: ident,
      body: fc.uint8Array({ maxLength: 600 }),
      offset: fc.nat(2 ** 40),
      failureReport: fc.constantFrom("yes" as const, "no" as const, "partial" as const),
      successReport: fc.boolean(),
      contentType: value,
      disposition: value,
      sequence: fc.nat(2 ** 31),
      flag: fc.constantFrom("$" as const, "+" as const, "#" as const),
      size: fc.integer({ min: 1, max: 700 }),
    });
    fc.assert(
      fc.property(send, ({ body, offset, disposition, sequence, flag, size, ...fields }) => {
        const headers = [["Content-Disposition", disposition]] as const;
        const byteRange = { start: offset + 1, end: offset + body.length, total: "*" as const };
        const octets = written((writer) => {
          writer.beginFrame(formatSendHead("0123456789abcdef", focus, alice), sequence);
          writer.text(formatSendFields({ ...fields, headers }, byteRange));
          writer.put(Buffer.from(body));
          writer.put(endLineBeginning);
          writer.endFrame(flag);
        });
        const transactionId = formatTransactionId("0123456789abcdef", sequence);
        expect(read(...cut(octets, size))).toEqual([
          {
            kind: "request",
            head: { ...fields, transactionId, method: "SEND", toPath: focus, fromPath: alice, byteRange, headers, status: undefined },
            fault: undefined,
            body: Buffer.from(body).toString("latin1"),
            flag,
          },
        ]);
      }),
      { numRuns: 500, seed: 4975 },
    );
  });

  test("a REPORT and a response, whatever their comment is", () => {
    fc.assert(
      fc.property(ident, fc.string(), fc.integer({ min: 100, max: 999 }), (messageId, comment, status) => {
        const byteRange = { start: 1, end: 5, total: 5 };
        const report = formatBodilessRequest("r123", "REPORT", focus, alice, formatReportFields(messageId, byteRange, { status, comment }));
        const response = formatResponse({ transactionId: "t123", method: "SEND", fromPath: `${alice} ${focus}` }, focus, status, comment);
        expect(read(Buffer.from(report + response, "latin1"))).toMatchObject([
          { head: { method: "REPORT", messageId, byteRange, status: { status } }, fault: undefined, flag: "$" },
          { kind: "response", status, id: "t123" },
        ]);
        expect(response).toContain(`\r\nTo-Path: ${alice}\r\n`);
      }),
      { numRuns: 500, seed: 4975 },
    );
  });

  test("many frames, long and short, through sockets that take and that keep what is written", () => {
    for (const takes of [true, false]) {
      const bodies = [10, 40_000, 300, 20_000, 16_384, 16_383, 5].flatMap((octets) => [octets, octets + 1]).map((octets, k) => Buffer.alloc(octets, 65 + k));
      const octets = written((writer, flush) => {
        bodies.forEach((body, k) => {
          writer.beginFrame(formatSendHead("0123456789abcdef", focus, alice), k);
          writer.text(formatSendFields({ messageId: "m123", failureReport: "yes", successReport: false, headers: [], contentType: "text/plain" }, { start: 1, end: "*", total: "*" }));
          writer.put(body);
          writer.put(endLineBeginning);
          writer.endFrame("$");
          if (k % 3 === 2) flush();
        });
      }, takes);
      expect(read(octets).map((found) => (found as Request).body)).toEqual(bodies.map((body) => body.toString("latin1")));
    }
  });

  /** What a writer gives to a socket; one that does not take what is written looks at it only in the end. */
  function written(write: (writer: FrameWriter, flush: () => void) => void, takes = true): Buffer {
    const writer = new FrameWriter();
    const pieces: Buffer[] = [];
    const release: (() => void)[] = [];
    const take = (octets: Buffer, done: () => void) => {
      if (takes) pieces.push(Buffer.from(octets));
      else release.push(() => pieces.push(Buffer.from(octets)));
      if (takes) done();
      else release.push(done);
    };
    const socket = new Writable({
      write: (octets: Buffer, _, done) => take(octets, done),
      writev: (chunks, done) => take(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)), done),
    });
    write(writer, () => writer.writeTo(socket));
    if (writer.octets > 0) writer.writeTo(socket);
    for (let step = release.shift(); step; step = release.shift()) step();
    return Buffer.concat(pieces);
  }
});

describe("URIs", () => {
  test("are taken apart", () => {
    expect(parseMsrpUri("MSRPS://user:x@Focus.Example:2855/a/B+=;TCP;more=1")).toEqual({ scheme: "msrps", host: "focus.example", port: 2855, sessionId: "a/B+=", transport: "tcp" });
    expect(parseMsrpUri("msrp://[2001:DB8::1]/s;tcp")).toEqual({ scheme: "msrp", host: "2001:db8::1", port: undefined, sessionId: "s", transport: "tcp" });
    expect(parseMsrpUri("msrp://relay.example:9;tcp").sessionId).toBe("");
    for (const text of ["msrp://192.0.2.1:9/a1;tcp", "msrps://[2001:db8::1]:2855/x;tcp", "msrp://h/y;tcp"]) expect(formatMsrpUri(parseMsrpUri(text))).toBe(text);
  });

  test.each(["", "sip:a@b", "msrp:/a;tcp", "msrp://;tcp", "msrp://h:99999/a;tcp", "msrp://h:/a;tcp", "msrp://h:x/a;tcp", "msrp://h/a", "msrp://h/a;", "msrp://[1.2.3.4]/a;tcp", "msrp://h/a b;tcp", "msrp://h/a\r\nX: y;tcp"])(
    "%j is none",
    (text) => {
      expect(() => parseMsrpUri(text)).toThrow(PeerMisbehaved);
    },
  );

  test.each([
    ["msrp://h:1/a;tcp", "msrp://H:1/a;TCP", true],
    ["msrp://h:1/a;tcp", "msrp://bob@h:1/a;tcp;x=y", true],
    ["msrp://[2001:db8:0::1]:1/a;tcp", "msrp://[2001:DB8::1]:1/a;tcp", true],
    ["msrp://h:1/a;tcp", "msrp://h:1/A;tcp", false],
    ["msrp://h:1/a;tcp", "msrps://h:1/a;tcp", false],
    ["msrp://h:2855/a;tcp", "msrp://h/a;tcp", false],
    ["msrp://h:1/a;tcp", "msrp://h:2/a;tcp", false],
    ["msrp://h:1/a;tcp", "msrp://h:1/a;ws", false],
    ["msrp://192.0.2.1:1/a;tcp", "msrp://[::ffff:192.0.2.1]:1/a;tcp", false],
  ])("%s and %s: %s", (a, b, equal) => {
    expect(msrpUriEquals(parseMsrpUri(a), parseMsrpUri(b))).toBe(equal);
  });

  test("paths are equal hop by hop, and bounded", () => {
    const path = `msrp://r:1/x;tcp ${alice}`;
    expect(firstOfPath(path)).toBe("msrp://r:1/x;tcp");
    expect(pathEquals(parsePath(path), parsePath(path.toUpperCase().replace("X", "x").replace("A1", "a1")))).toBe(true);
    expect(pathEquals(parsePath(path), parsePath(alice))).toBe(false);
    expect(() => parsePath(Array(40).fill(alice).join(" "))).toThrow(PeerMisbehaved);
    expect(() => parsePath(`${alice}  ${alice}`)).toThrow(PeerMisbehaved);
  });
});

describe("requests that wait for their response", () => {
  const prefix = "0123456789abcdef";
  const pendings = (count: number, requests: PendingRequests) =>
    Array.from({ length: count }, (_, k) => {
      const pending = { sentAt: k, settle() {} };
      return { pending, id: Buffer.from(formatTransactionId(prefix, requests.add(pending))) };
    });

  test("are found in any order, once, and by their own identifier only", () => {
    const requests = new PendingRequests(prefix);
    const sent = pendings(5000, requests);
    const order = sent.map((one, k) => ({ one, key: (k * 2_654_435_761) % 5000 })).sort((a, b) => a.key - b.key);
    for (const foreign of ["", "0123456789abcdef", "0123456789abcdee00000000", "0123456789abcdef0000138a", "0123456789abcdef0000000G", "0123456789abcdef000000000"]) {
      expect(requests.take(Buffer.from(foreign), 0, foreign.length)).toBeUndefined();
    }
    for (const { one } of order) {
      expect(requests.take(one.id, 0, one.id.length)).toBe(one.pending);
      expect(requests.take(one.id, 0, one.id.length)).toBeUndefined();
    }
    expect(requests.size).toBe(0);
  });

  test("are too late in the order in which they were sent; those without a response do not count", () => {
    const requests = new PendingRequests(prefix);
    const sent = pendings(4, requests);
    requests.add(undefined);
    const [later] = pendings(1, requests);
    requests.take(sent[1]!.id, 0, 24);
    expect([requests.takeBefore(3), requests.takeBefore(3), requests.takeBefore(3)]).toEqual([sent[0]!.pending, sent[2]!.pending, undefined]);
    expect(requests.size).toBe(2);
    expect(requests.take(later!.id, 0, 24)).toBe(later!.pending);
  });
});
