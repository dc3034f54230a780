import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { PeerMisbehaved } from "../runtime/errors.ts";
import { octetsToText } from "../runtime/sip/message.ts";
import type { SipMessage } from "../runtime/sip/message.ts";
import { answerTo, parseDatagram, StreamParser, validate } from "../runtime/sip/parse.ts";
import { serialise } from "../runtime/sip/serialise.ts";
import { parseNameAddr, parseUri } from "../runtime/sip/uri.ts";

/** One message of RFC 4475 and what becomes of it; see fixtures/rfc4475/SOURCE.md. */
interface Verdict {
  readonly file: string;
  readonly section: string;
  readonly title: string;
  readonly class: "valid" | "invalid" | "wellformed";
  readonly verdict: "read" | "drop" | 400 | 505;
  readonly rfc: string;
  readonly reads?: Readonly<Record<string, string | number>>;
}

const fixtures = new URL("fixtures/rfc4475/", import.meta.url);
const octetsOf = (file: string): Buffer => readFileSync(new URL(file, fixtures));
const { messages } = JSON.parse(octetsOf("verdicts.json").toString()) as { messages: Verdict[] };
const ofClass = (wanted: Verdict["class"]) => messages.filter((message) => message.class === wanted);

const title = ({ section, title, file }: Verdict) => `§${section} ${title} (${file})`;

function read(octets: Buffer): SipMessage {
  const message = parseDatagram(octets);
  validate(message);
  return message;
}

function faultOf(octets: Buffer): PeerMisbehaved {
  try {
    read(octets);
  } catch (fault) {
    if (fault instanceof PeerMisbehaved) return fault;
    throw fault;
  }
  throw new Error("it was read");
}

/** How each name in `reads` is found in a message. */
const views: Readonly<Record<string, (message: SipMessage) => string | number | undefined>> = {
  method: (message) => message.method,
  status: (message) => message.status,
  reason: (message) => octetsToText(message.reason),
  cseq: (message) => message.cseq.seq,
  maxForwards: (message) => Number(message.get("Max-Forwards")),
  viaCount: (message) => message.via.length,
  viaBranch: (message) => message.via[0]?.params.get("branch") ?? undefined,
  fromTag: (message) => message.from.params.get("tag") ?? undefined,
  toTag: (message) => message.to.params.get("tag") ?? undefined,
  fromDisplay: (message) => message.from.display,
  bodyOctets: (message) => message.body.length,
  contacts: (message) => message.list("Contact").length,
  contactQ: (message) => parseNameAddr(message.list("Contact")[0] ?? "").params.get("q") ?? undefined,
  requestScheme: (message) => parseUri(message.uri).scheme,
  requestUser: (message) => parseUri(message.uri).user,
  requestHost: (message) => parseUri(message.uri).host,
  subject: (message) => message.get("Subject"),
  unknown: (message) => message.get("UnknownHeaderWithUnusualValue"),
  parts: (message) => message.body.toString("latin1").split("--7a9cbec02ceef655\r\n").length - 1,
};

function readings(message: SipMessage, reads: Readonly<Record<string, string | number>>): Record<string, unknown> {
  return Object.fromEntries(Object.keys(reads).map((name) => [name, views[name]?.(message)]));
}

test("the corpus is complete: 13 valid, 22 invalid, 14 well-formed", () => {
  expect([ofClass("valid").length, ofClass("invalid").length, ofClass("wellformed").length]).toEqual([13, 22, 14]);
});

describe("read", () => {
  for (const verdict of [...ofClass("valid"), ...ofClass("wellformed")])
    test(title(verdict), () => {
      const { reads = {} } = verdict;
      const message = read(octetsOf(verdict.file));
      expect(readings(message, reads)).toEqual(reads);
      const again = read(serialise(message));
      expect(readings(again, reads)).toEqual(reads);
      expect(again.body.equals(message.body)).toBe(true);
    });

  test("§3.1.1.2 the display name has quoted controls, the user 8-bit parameters, and all of it passes untouched", () => {
    const octets = octetsOf("intmeth.dat");
    const spaced = octets.toString("latin1").replace("~:\xef", "~: \xef");
    expect(serialise(read(octets)).toString("latin1")).toBe(spaced);
    expect(read(octets).to.display).toBe("BEL:\x07 NUL:\x00 DEL:\x7f");
  });

  test("§3.1.1.8 what follows the first message of a datagram is ignored, on a stream it is the next message", () => {
    const octets = octetsOf("dblreq.dat");
    expect(read(octets).method).toBe("REGISTER");
    const methods = new StreamParser().push(octets).map((arrival) => ("method" in arrival ? arrival.method : "keepAlive" in arrival));
    expect(methods.slice(0, 3)).toEqual(["REGISTER", true, "INVITE"]);
  });

  test("§3.1.1.11 a binary body survives octet for octet", () => {
    const octets = octetsOf("mpart01.dat");
    const message = read(octets);
    expect(message.body.equals(octets.subarray(octets.indexOf("\r\n\r\n") + 4))).toBe(true);
    expect(serialise(message).equals(octets)).toBe(true);
  });
});

describe("refused", () => {
  for (const verdict of ofClass("invalid"))
    test(title(verdict), () => {
      const octets = octetsOf(verdict.file);
      const fault = faultOf(octets);
      const answer = answerTo(octets, fault);
      if (verdict.verdict === "drop") return expect(answer).toBeUndefined();
      expect(fault.status).toBe(verdict.verdict);
      expect(answer?.status).toBe(verdict.verdict);
      // The answer itself is a message that can be sent: its Via says where to.
      const sent = parseDatagram(serialise(answer as SipMessage));
      expect(sent.via[0]?.host).toMatch(/^[a-z0-9.-]+$/i);
    });

  test("§3.1.2.15 the comma in the display name is the reason, not the blank line that the file lacks", () => {
    const octets = Buffer.concat([octetsOf("baddn.dat"), Buffer.from("\r\n")]);
    expect(faultOf(octets).clause).toBe("RFC 3261 §20.10");
  });

  const streams: readonly (readonly [file: string, broken: boolean])[] = [
    ["ncl.dat", true],
    ["mcl01.dat", true],
    ["lwsruri.dat", false],
    ["badvers.dat", false],
    ["bigcode.dat", false],
  ];
  for (const [file, broken] of streams)
    test(`${file} on a stream: ${broken ? "its end is not known, the stream is broken" : "the stream goes on behind it"}`, () => {
      const parser = new StreamParser();
      const next = octetsOf("zeromf.dat");
      const arrivals = parser.push(Buffer.concat([octetsOf(file), next]));
      expect(arrivals[0]).toBeInstanceOf(PeerMisbehaved);
      expect(parser.broken).toBe(broken);
      expect(arrivals.length).toBe(broken ? 1 : 2);
    });
});
