import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { PeerMisbehaved } from "../runtime/errors.ts";
import { SipMessage } from "../runtime/sip/message.ts";
import { answerTo, parseDatagram, StreamParser, validate } from "../runtime/sip/parse.ts";
import type { Arrival, SipLimits } from "../runtime/sip/parse.ts";
import { createResponse, serialise } from "../runtime/sip/serialise.ts";
import { parseNameAddr, parseUri } from "../runtime/sip/uri.ts";

const seeds = ["rfc4475", "sip"].flatMap((folder) =>
  readdirSync(new URL(`fixtures/${folder}/`, import.meta.url))
    .filter((name) => /\.(dat|sip)$/.test(name))
    .map((name) => readFileSync(new URL(`fixtures/${folder}/${name}`, import.meta.url))),
);

/** Numbers below `bound`, the same for the same seed (mulberry32). */
function numbers(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

type Pick = (bound: number) => number;

const pieces = [
  "\r\n", "\r\n\r\n", "\r", "\n", "\r\n ", ":", ";", ",", "<", ">", '"', "\\", "(", ")", "@", "=", "?", "[", "]", "%", "%00", "\0", " ", "\t", "\x7f", "\xff", "sip:", "SIP/2.0", "Via: ",
  "Content-Length: 5\r\n", "Content-Length: -1\r\n", "99999999999999999999", "From: <sip:a@b>\r\n", "l:0\r\n", ";tag=", "\u00c3\u00a0", "v: SIP/2.0/UDP [::1]\r\n", "ACK ", "__proto__: x\r\n", "constructor", ";__proto__=x",
].map((piece) => Buffer.from(piece, "latin1"));

const anyOf = <T>(values: readonly T[], pick: Pick): T => values[pick(values.length)] as T;

/** Each takes some octets of `octets` out and puts others in. */
const mutations: readonly ((octets: Buffer, pick: Pick) => Buffer)[] = [
  (octets, pick) => splice(octets, pick, 1, Buffer.of(pick(256))),
  (octets, pick) => splice(octets, pick, 0, anyOf(pieces, pick)),
  (octets, pick) => splice(octets, pick, 1 + pick(20), anyOf(pieces, pick)),
  (octets, pick) => splice(octets, pick, 1 + pick(100), Buffer.alloc(0)),
  (octets, pick) => splice(octets, pick, 0, octets.subarray(pick(octets.length), pick(octets.length))),
  (octets, pick) => splice(octets, pick, pick(200), crossed(anyOf(seeds, pick), pick)),
  (octets, pick) => octets.subarray(0, pick(octets.length)),
];

function splice(octets: Buffer, pick: Pick, removed: number, added: Buffer): Buffer {
  const at = pick(octets.length + 1);
  return Buffer.concat([octets.subarray(0, at), added, octets.subarray(at + removed)]);
}

function crossed(octets: Buffer, pick: Pick): Buffer {
  const at = pick(octets.length);
  return octets.subarray(at, at + pick(300));
}

function mutant(pick: Pick): Buffer {
  let octets: Buffer = anyOf(seeds, pick);
  for (let left = 1 + pick(4); left > 0; left--) octets = anyOf(mutations, pick)(octets, pick);
  return octets;
}

function orFault<T>(read: () => T): T | PeerMisbehaved {
  try {
    return read();
  } catch (fault) {
    if (fault instanceof PeerMisbehaved) return fault;
    throw fault;
  }
}

/** Everything that the codec offers about a message that is valid: none of it may throw. */
function views(message: SipMessage): unknown {
  const addresses = ["contact", "route", "record-route"].flatMap((name) => message.list(name)).filter((value) => value !== "*");
  return [
    [message.method, message.isRequest && parseUri(message.uri), message.status, message.reason],
    [message.via, message.cseq, message.callId],
    [message.from, message.to, ...addresses.map(parseNameAddr)].map((address) => [address, parseUri(address.uri)]),
    message.fields.filter(({ key }) => key !== "content-length").map(({ key, value }) => [key, value]),
    message.body.toString("latin1"),
  ];
}

function checkDatagram(octets: Buffer): void {
  const message = orFault(() => {
    const read = parseDatagram(octets);
    validate(read);
    return read;
  });
  if (message instanceof PeerMisbehaved) return checkAnswer(octets, message);
  const again = parseDatagram(serialise(message));
  validate(again);
  expect(views(again)).toEqual(views(message));
  if (message.isRequest) checkResponse(createResponse(message, 200, undefined, "t"));
}

function checkAnswer(octets: Buffer, fault: PeerMisbehaved): void {
  const answer = answerTo(octets, fault);
  if (answer === undefined) return;
  expect(answer.via[0]?.host).toBeTruthy();
  expect(parseDatagram(serialise(answer)).status).toBe(fault.status);
}

function checkResponse(response: SipMessage): void {
  const read = parseDatagram(serialise(response));
  validate(read);
  expect(read.to.params.has("tag")).toBe(true);
}

const told = (arrivals: readonly Arrival[]): readonly string[] =>
  arrivals.map((arrival) =>
    arrival instanceof SipMessage ? serialise(arrival).toString("latin1") : arrival instanceof PeerMisbehaved ? arrival.message : arrival.keepAlive,
  );

function checkStream(octets: Buffer, pick: Pick): void {
  const whole = new StreamParser();
  const cut = new StreamParser();
  const expected = told(whole.push(octets));
  const arrivals: Arrival[] = [];
  for (let at = 0; at < octets.length; ) {
    const end = at + 1 + pick(200);
    arrivals.push(...cut.push(octets.subarray(at, end)));
    at = end;
  }
  expect(told(arrivals)).toEqual(expected);
  expect([cut.waiting, cut.broken]).toEqual([whole.waiting, whole.broken]);
}

test("mutated messages are read or refused, and nothing else happens", () => {
  const budgetMs = 3000;
  const until = performance.now() + budgetMs;
  let read = 0;
  for (let seed = 1; performance.now() < until || seed < 200; seed++) {
    const pick = numbers(seed);
    const octets = mutant(pick);
    try {
      checkDatagram(octets);
      checkStream(Buffer.concat([octets, anyOf(seeds, pick)]), pick);
    } catch (error) {
      throw new Error(`seed ${seed}: ${JSON.stringify(octets.toString("latin1"))}`, { cause: error });
    }
    read++;
  }
  expect(read).toBeGreaterThanOrEqual(199);
});

describe("time is linear in the octets", () => {
  const start = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:a@b>;tag=1\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n";
  const repeated = (piece: string) => (octets: number) => piece.repeat(octets / piece.length);
  const header = (before: string, piece: string, after = "") => (octets: number) => `${start}To: <sip:b@c>\r\n${before}${repeated(piece)(octets)}${after}\r\n\r\n`;
  const to = (before: string, piece: string, after = "") => (octets: number) => `${start}To: ${before}${repeated(piece)(octets)}${after}\r\n\r\n`;

  const families: Readonly<Record<string, (octets: number) => string>> = {
    "line ends": repeated("\r\n"),
    "one letter": repeated("x"),
    "a long method": (octets) => repeated("M")(octets) + " sip:a SIP/2.0\r\n\r\n",
    "spaces in the start line": (octets) => "OPTIONS" + repeated(" ")(octets) + "\r\n\r\n",
    "a long reason": (octets) => "SIP/2.0 200 " + repeated("x ")(octets) + "\r\n\r\n",
    "empty lines of header": header("", "x:\r\n"),
    "lines without colon": (octets) => start.replace("OPTIONS sip", "( sip") + repeated("x\r\n")(octets) + "\r\n",
    "folds": header("X: a", "\r\n a"),
    "empty folds": header("X:", "\r\n "),
    "spaces after a name": header("X", " ", ": y"),
    "spaces after a value": header("X: y", " "),
    "a long name": header("", "x", ": y"),
    "many Vias": header("Via: a", ","),
    "a Via with many parameters": header("Via: SIP/2.0/UDP a", ";x=y"),
    "white space in a Via": header("Via: SIP/2.0/UDP a", " \t", ";"),
    "many Contacts": header("Contact: <sip:a@b>", ",<sip:a@b>"),
    "brackets in a list": header("Contact: ", "<,"),
    "comments that never end": header("Contact: , ", " ("),
    "comments one in another": header("Contact: , ", "(", ")"),
    "quotes in a list": header("Contact: ,", '"'),
    "escapes in a list": header("Contact: ,\"", "\\"),
    "a quoted-string that never ends": to('"', "a"),
    "escapes that never end": to('"', "\\"),
    "a long display name of tokens": to("", "a "),
    "tokens and no bracket": to("a ", "a "),
    "brackets": to("", "<"),
    "a long URI": to("<sip:", "a", ">"),
    "a long user and no host": to("<sip:", "a", "@>"),
    "many @": to("<sip:", "@", ">"),
    "many colons": to("<sip:a", ":", "@b>"),
    "URI parameters": to("<sip:a", ";a=b", ">"),
    "escapes in a URI": to("<sip:", "%41", "@b>"),
    "IPv6 brackets": to("<sip:", "[", ">"),
    "IPv6 colons": to("<sip:[", ":", "]>"),
    "a long port": to("<sip:a:", "1", ">"),
    "parameters": to("<sip:a@b>", ";x"),
    "parameters of quotes": to("<sip:a@b>", ';x="\\""'),
    "spaces before a parameter": to("<sip:a@b>;x", " ", "="),
    "a long number": header("Max-Forwards: ", "9"),
    "a long Content-Length": header("Content-Length: ", "0"),
  };

  const large: Partial<SipLimits> = { headOctets: 2 ** 20, headerFields: 2 ** 20, vias: 2 ** 20 };

  /** The least of several runs: what else the machine does only adds. */
  function milliseconds(octets: Buffer, limits: Partial<SipLimits>): number {
    let least = Infinity;
    for (let run = 0; run < 5; run++) {
      const began = performance.now();
      const fault = orFault(() => validate(parseDatagram(octets, limits), limits));
      if (fault instanceof PeerMisbehaved) answerTo(octets, fault);
      least = Math.min(least, performance.now() - began);
    }
    return least;
  }

  /** Whether twice the octets take at most 2.6 times as long; a quadratic reader's 4 would be seen in every attempt. */
  function growsLinearly(octets: (count: number) => Buffer): boolean {
    for (let attempt = 0; attempt < 8; attempt++) {
      const half = milliseconds(octets(32 * 1024), large);
      const full = milliseconds(octets(64 * 1024), large);
      // A tenth of a millisecond is what a run's noise may be.
      if (full < 50 && full < 2.6 * half + 0.1) return true;
    }
    return false;
  }

  for (const [name, family] of Object.entries(families))
    test(name, () => {
      const octets = (count: number) => Buffer.from(family(count), "latin1");
      expect(milliseconds(octets(64 * 1024), {})).toBeLessThan(50);
      expect(growsLinearly(octets)).toBe(true);
    });

  test("a stream octet by octet", () => {
    const octets = Buffer.from(`${start}To: <sip:b@c>\r\nX: ${"x".repeat(30_000)}\r\nContent-Length: 200000\r\n\r\n${"y".repeat(200_000)}`);
    const parser = new StreamParser();
    const began = performance.now();
    let arrived = 0;
    for (let at = 0; at < octets.length; at++) arrived += parser.push(octets.subarray(at, at + 1)).length;
    expect(arrived).toBe(1);
    expect(performance.now() - began).toBeLessThan(2000);
  });
});
