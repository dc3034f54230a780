import { createHash } from "node:crypto";
import { PeerMisbehaved } from "../errors.ts";
import { isToken, malformed, skip, sliceTrimmed, splitList, uriOctets } from "./grammar.ts";
import { headerKey, parseDecimal, parseVia, SipMessage } from "./message.ts";
import type { HeaderField, Via } from "./message.ts";
import { createResponse } from "./serialise.ts";
import { parseNameAddr, parseUri } from "./uri.ts";

/** What a peer may make us hold of one message. */
export interface SipLimits {
  /** From the start line to the blank line. */
  readonly headOctets: number;
  readonly bodyOctets: number;
  /** Lines of the header. */
  readonly headerFields: number;
  /** Values of Via. */
  readonly vias: number;
}

export const sipLimits: SipLimits = { headOctets: 32 * 1024, bodyOctets: 1024 * 1024, headerFields: 200, vias: 70 };

/**
 * A CRLF between messages is a pong; the next one in a row makes a ping of the two, and is told too.
 *
 * @see RFC 5626 §3.5.1
 */
export interface KeepAlive {
  readonly keepAlive: "ping" | "pong";
}

/** A message that could not be read. */
export class SipUnreadable extends PeerMisbehaved {
  override readonly name = "SipUnreadable";
  /** What there is of it, for `answerTo`. */
  readonly octets: Buffer;

  constructor(fault: PeerMisbehaved, octets: Buffer) {
    super(fault.fault, fault.clause, fault.status, "");
    this.message = fault.message;
    this.octets = octets;
  }
}

const endOfHead = Buffer.from("\r\n\r\n");
const [CR, LF] = [0x0d, 0x0a];

const tooLarge = (detail: string): PeerMisbehaved => new PeerMisbehaved("SIP_TOO_LARGE", "RFC 3261 §21.5.7", 513, detail);

/** Whether a datagram only keeps a binding open (nothing, CRLFs or NULs) and is no message. */
export function isKeepAlive(octets: Buffer): boolean {
  return octets.every((octet) => octet === CR || octet === LF || octet === 0);
}

/**
 * The message of one datagram. What follows the body is ignored; a body without Content-Length reaches to the end.
 *
 * @throws {SipUnreadable} SIP_MALFORMED, 400: the grammar is broken, or Content-Length is beyond the datagram.
 * @throws {SipUnreadable} SIP_VERSION, 505: another version. @throws {SipUnreadable} SIP_TOO_LARGE, 513: above the limits.
 * @see RFC 3261 §18.3
 */
export function parseDatagram(octets: Buffer, limits: Partial<SipLimits> = {}): SipMessage {
  try {
    return readDatagram(octets, { ...sipLimits, ...limits });
  } catch (fault) {
    throw fault instanceof PeerMisbehaved ? new SipUnreadable(fault, octets) : fault;
  }
}

function readDatagram(octets: Buffer, limits: SipLimits): SipMessage {
  let start = 0;
  while (octets[start] === CR || octets[start] === LF) start++;
  const end = octets.indexOf(endOfHead, start);
  if (end < 0) malformed("RFC 3261 §7.5", "the header has no end");
  if (end - start > limits.headOctets) throw tooLarge("the header is too long");
  const message = parseHead(octets.toString("latin1", start, end), limits);
  const rest = octets.length - end - endOfHead.length;
  const length = contentLength(message) ?? rest;
  if (length > rest) malformed("RFC 3261 §18.3", "Content-Length is beyond the datagram");
  if (length > limits.bodyOctets) throw tooLarge("the body is too long");
  if (length > 0) message.body = octets.subarray(end + endOfHead.length, end + endOfHead.length + length);
  return message;
}

/** The message of a start line and header, without the blank line. */
function parseHead(head: string, limits: SipLimits): SipMessage {
  let end = endOfLine(head, 0);
  const fields: HeaderField[] = [];
  const message = new SipMessage(fields);
  parseStartLine(head.slice(0, end), message);
  while (end < head.length) {
    const start = end + 2;
    end = endOfField(head, start);
    if (fields.length === limits.headerFields) throw tooLarge("the header has too many fields");
    fields.push(parseField(head, start, end));
  }
  return message;
}

function parseStartLine(line: string, message: SipMessage): void {
  if (isStatusLine(line)) parseStatusLine(line, message);
  else parseRequestLine(line, message);
}

const isStatusLine = (line: string): boolean => line.slice(0, 4).toUpperCase() === "SIP/";

/** Exactly one space between the parts, none around them. @see RFC 3261 §7.1 */
function parseRequestLine(line: string, message: SipMessage): void {
  const first = line.indexOf(" ");
  const last = line.lastIndexOf(" ");
  message.method = line.slice(0, Math.max(first, 0));
  message.uri = line.slice(first + 1, last);
  if (!isToken(message.method)) malformed("RFC 3261 §7.1", "the method is no token");
  checkVersion(line.slice(last + 1));
  if (message.uri === "" || skip(message.uri, 0, uriOctets) !== message.uri.length) malformed("RFC 3261 §7.1", "the Request-URI is no URI");
}

/** @see RFC 3261 §7.2 */
function parseStatusLine(line: string, message: SipMessage): void {
  const parts = /^(SIP\/[0-9.]+) ([1-6][0-9][0-9])(?: ([^\r\n]*))?$/i.exec(line);
  if (parts === null) malformed("RFC 3261 §7.2", "the Status-Line breaks the grammar");
  checkVersion(parts[1] ?? "");
  message.status = Number(parts[2]);
  message.reason = parts[3] ?? "";
}

function checkVersion(version: string): void {
  if (version === "SIP/2.0") return;
  if (!/^SIP\/[0-9]+\.[0-9]+$/i.test(version)) malformed("RFC 3261 §7.1", "the SIP-Version breaks the grammar");
  if (version.slice(4) !== "2.0") throw new PeerMisbehaved("SIP_VERSION", "RFC 3261 §21.5.6", 505, "the SIP-Version is not 2.0");
}

function endOfLine(head: string, at: number): number {
  const end = head.indexOf("\r\n", at);
  return end < 0 ? head.length : end;
}

/** The end of the header field that starts at `at`, its folds included. @see RFC 3261 §7.3.1 */
function endOfField(head: string, at: number): number {
  let end = endOfLine(head, at);
  while (head[end + 2] === " " || head[end + 2] === "\t") end = endOfLine(head, end + 2);
  return end;
}

function parseField(head: string, start: number, end: number): HeaderField {
  const colon = head.indexOf(":", start);
  if (colon < 0 || colon > end) malformed("RFC 3261 §7.3.1", "a header field has no colon");
  const name = sliceTrimmed(head, start, colon);
  const value = sliceTrimmed(head, colon + 1, end);
  return { name, key: headerKey(name), value: value.includes("\r") || value.includes("\n") ? unfold(value) : value };
}

/** `value` with a space for each fold. A CR or LF that is no fold could end a line for the next reader, and is a fault. */
function unfold(value: string): string {
  const lines = value.split("\r\n").map((line) => sliceTrimmed(line, 0, line.length));
  const unfolded = lines.join(" ");
  if (unfolded.includes("\r") || unfolded.includes("\n")) malformed("RFC 3261 §7.3.1", "a header field has a bare CR or LF");
  return sliceTrimmed(unfolded, 0, unfolded.length);
}

/** @throws {PeerMisbehaved} SIP_MALFORMED, 400: it is repeated or no number. @see RFC 3261 §20.14 */
function contentLength(message: SipMessage): number | undefined {
  let value: string | undefined;
  for (const field of message.fields) {
    if (field.key !== "content-length") continue;
    if (value !== undefined) malformed("RFC 3261 §20.14", "Content-Length is repeated");
    value = field.value;
  }
  if (value === undefined) return undefined;
  return parseDecimal(value, Number.MAX_SAFE_INTEGER) ?? malformed("RFC 3261 §20.14", "Content-Length is no number");
}

/** Each of these at most once: two values would have two meanings. @see RFC 3261 §7.3.1 */
const single = new Set(["from", "to", "call-id", "cseq", "max-forwards", "content-length", "content-type", "expires", "date"]);

/**
 * What a message must have before a transaction is made of it.
 *
 * After it, none of the message's views throws, nor does `parseUri` of the
 * Request-URI or of an address in From, To, Contact, Route or Record-Route.
 *
 * @throws {PeerMisbehaved} SIP_MALFORMED, 400: a mandatory header field is missing, repeated or broken, or CSeq names another method.
 * @throws {PeerMisbehaved} SIP_TOO_LARGE, 513: too many Vias.
 * @see RFC 3261 §8.1.1 and §16.3
 */
export function validate(message: SipMessage, limits: Partial<SipLimits> = {}): void {
  const seen: string[] = [];
  for (const { key, value } of message.fields) {
    if (single.has(key)) {
      if (seen.includes(key)) malformed("RFC 3261 §7.3.1", `${key} is repeated`);
      seen.push(key);
    }
    checkField(key, value);
  }
  checkMandatory(message, limits.vias ?? sipLimits.vias);
  if (message.isRequest) checkRequest(message);
}

function checkField(key: string, value: string): void {
  switch (key) {
    case "max-forwards":
      if (parseDecimal(value, 255) === undefined) malformed("RFC 3261 §20.22", "Max-Forwards is not 0 to 255");
      return;
    case "expires":
      if (parseDecimal(value, 2 ** 32 - 1) === undefined) malformed("RFC 3261 §20.19", "Expires is not 0 to 2**32-1");
      return;
    case "date":
      if (!value.endsWith("GMT")) malformed("RFC 3261 §20.17", "Date is not in GMT");
      return;
    case "contact":
    case "route":
    case "record-route":
      for (const address of splitList(value, [])) if (address !== "*") parseUri(parseNameAddr(address).uri);
  }
}

function checkMandatory(message: SipMessage, vias: number): void {
  if (message.via.length === 0) malformed("RFC 3261 §8.1.1", "Via is missing");
  if (message.via.length > vias) throw tooLarge("there are too many Vias");
  if (message.callId === "" || message.callId.includes(" ") || message.callId.includes("\t"))
    malformed("RFC 3261 §8.1.1.4", "Call-ID breaks the grammar");
  parseUri(message.from.uri);
  parseUri(message.to.uri);
  void message.cseq;
}

function checkRequest(message: SipMessage): void {
  if (message.cseq.method !== message.method) malformed("RFC 3261 §8.1.1.5", "CSeq names another method than the request");
  if (parseUri(message.uri).headers !== undefined) malformed("RFC 3261 §19.1.1", "the Request-URI has headers");
}

/**
 * The error response to a message that could not be read or was not valid: a
 * lenient second pass takes what it finds of Via, From, To, Call-ID and CSeq.
 * Its topmost Via can be read.
 *
 * The tag in To is always the same for the same octets, so that retransmissions
 * get the same answer without any state.
 *
 * @returns undefined where nobody is to be answered: to a response, to an ACK, without a Via
 * @see RFC 3261 §8.2.7
 */
export function answerTo(octets: Buffer, fault: PeerMisbehaved): SipMessage | undefined {
  const request = readLeniently(octets);
  if (request === undefined) return undefined;
  return createResponse(request, fault.status, undefined, tagOf(octets, request));
}

/** None where To cannot be read: nothing can be appended to it. */
function tagOf(octets: Buffer, request: SipMessage): string | undefined {
  return orUndefined(() => request.to) && createHash("sha256").update(octets).digest("hex").slice(0, 18);
}

const answered = new Set(["via", "from", "to", "call-id", "cseq"]);

/** A request that has what an answer needs; its Vias can be read. */
function readLeniently(octets: Buffer): SipMessage | undefined {
  const head = headOf(octets);
  const line = head.slice(0, endOfLine(head, 0));
  const request = SipMessage.request(line.split(" ", 1)[0] ?? "", "");
  if (isStatusLine(line) || request.method === "ACK") return undefined;
  for (const { name, key, value } of readableFields(head, line.length)) {
    if (!answered.has(key) || (key !== "via" && request.get(key) !== undefined)) continue;
    request.add(name, value);
  }
  return repairVias(request) ? request : undefined;
}

function headOf(octets: Buffer): string {
  let start = 0;
  while (octets[start] === CR || octets[start] === LF) start++;
  const end = octets.indexOf(endOfHead, start);
  const most = start + sipLimits.headOctets;
  return octets.toString("latin1", start, end < 0 ? Math.min(most, octets.length) : Math.min(end, most));
}

function* readableFields(head: string, end: number): Generator<HeaderField> {
  for (let lines = 0; end < head.length && lines < sipLimits.headerFields; lines++) {
    const start = end + 2;
    end = endOfField(head, start);
    const field = orUndefined(() => parseField(head, start, end));
    if (field !== undefined) yield field;
  }
}

/** Leaves each Via as far as it can be read, on top, and those below the first only if they can; says whether the first can. */
function repairVias(request: SipMessage): boolean {
  const [top, ...others] = request.list("via").slice(0, sipLimits.vias).map(repairVia);
  if (top === undefined) return false;
  request.delete("via");
  for (const via of [top, ...others].reverse()) if (via !== undefined) request.prepend("Via", via.raw);
  return true;
}

/** Without its parameters if those are what cannot be read. */
const repairVia = (raw: string): Via | undefined => orUndefined(() => parseVia(raw)) ?? orUndefined(() => parseVia(raw.split(";", 1)[0] ?? ""));

function orUndefined<T>(read: () => T): T | undefined {
  const value = orFault(read);
  return value instanceof PeerMisbehaved ? undefined : value;
}

function orFault<T>(read: () => T): T | PeerMisbehaved {
  try {
    return read();
  } catch (fault) {
    if (fault instanceof PeerMisbehaved) return fault;
    throw fault;
  }
}

export type Arrival = SipMessage | KeepAlive | SipUnreadable;

const ping: KeepAlive = { keepAlive: "ping" };
const pong: KeepAlive = { keepAlive: "pong" };

/** The octets of the body that follows a head in a stream; there Content-Length is mandatory. @see RFC 3261 §18.3 */
function framing(message: SipMessage, limits: SipLimits): number {
  const length = contentLength(message) ?? malformed("RFC 3261 §18.3", "Content-Length is missing in a stream");
  if (length > limits.bodyOctets) throw tooLarge("the body is too long");
  return length;
}

/** A message with those header fields of `head` that can be read. */
const leniently = (head: string): SipMessage => new SipMessage([...readableFields(head, endOfLine(head, 0))]);

/** Octets of a message that is not complete. Grows by doubling, so that octet by octet costs no more than all at once. */
class HeldOctets {
  #store: Buffer = Buffer.alloc(0);
  #input: Buffer = this.#store;
  length = 0;

  /** All that is held with `octets` behind it; valid until the next call. */
  join(octets: Buffer): Buffer {
    if (this.length === 0) return (this.#input = octets);
    const length = this.length + octets.length;
    if (length > this.#store.length) this.#grow(length);
    this.#store.set(octets, this.length);
    return (this.#input = this.#store.subarray(0, length));
  }

  /** Holds the octets of the last `join` from `at` on. */
  keepFrom(at: number): void {
    const { length } = this.#input;
    // What was read may be in use as bodies: the rest moves elsewhere.
    if (at > 0 || this.length === 0) this.#store = Buffer.from(this.#input.subarray(at));
    this.length = length - at;
  }

  #grow(length: number): void {
    const store = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#store.length));
    store.set(this.#store.subarray(0, this.length));
    this.#store = store;
  }
}

/** A message whose head has come and whose body is still to come. `unreadable` instead of `message`: its body is passed over. */
interface Begun {
  readonly message: SipMessage | undefined;
  /** Where the body starts, counted from the start of the message. */
  readonly bodyStart: number;
  readonly bodyOctets: number;
}

/**
 * Cuts a stream into messages by Content-Length.
 *
 * A message that cannot be read is told as `SipUnreadable`; if its end is known
 * the stream goes on behind it, else the stream is `broken`. Holds at most one
 * message, within the limits.
 *
 * @see RFC 3261 §18.3
 */
export class StreamParser {
  readonly #limits: SipLimits;
  readonly #held = new HeldOctets();
  /** How far the held octets were searched for the end of the head. */
  #searched = 0;
  #begun: Begun | undefined;
  #crlfs = 0;
  #broken = false;

  constructor(limits: Partial<SipLimits> = {}) {
    this.#limits = { ...sipLimits, ...limits };
  }

  /** What has begun and not ended; undefined between messages. The stream cannot tell time: whoever feeds it limits how long a head takes. */
  get waiting(): "head" | "body" | undefined {
    if (this.#begun !== undefined) return "body";
    return this.#held.length > 0 ? "head" : undefined;
  }

  /** Whether the end of a message is not known: the connection is of no more use, and what else comes is ignored. */
  get broken(): boolean {
    return this.#broken;
  }

  push(octets: Buffer): Arrival[] {
    const arrivals: Arrival[] = [];
    if (this.#broken) return arrivals;
    const input = this.#held.join(octets);
    let at = 0;
    while (at < input.length) {
      const octets = this.#read(input.subarray(at), arrivals);
      if (octets < 0) break;
      at += octets;
    }
    this.#held.keepFrom(this.#broken ? input.length : at);
    return arrivals;
  }

  /** Reads what `input` starts with; returns the number of its octets, or -1 if its end has not come or is not known. */
  #read(input: Buffer, arrivals: Arrival[]): number {
    if (this.#begun === undefined) {
      if (input[0] === CR) return this.#readCrlf(input, arrivals);
      this.#crlfs = 0;
      if (!this.#readHead(input, arrivals)) return -1;
    }
    return this.#readBody(input, arrivals);
  }

  #readCrlf(input: Buffer, arrivals: Arrival[]): number {
    if (input.length < 2) return -1;
    if (input[1] !== LF) {
      this.#break(input, new PeerMisbehaved("SIP_MALFORMED", "RFC 3261 §7.5", 400, "a bare CR is before the start line"), arrivals);
      return -1;
    }
    this.#crlfs++;
    arrivals.push(this.#crlfs % 2 === 0 ? ping : pong);
    return 2;
  }

  #readHead(input: Buffer, arrivals: Arrival[]): boolean {
    const end = input.indexOf(endOfHead, this.#searched);
    if (end < 0 ? input.length > this.#limits.headOctets : end > this.#limits.headOctets) {
      this.#break(input, tooLarge("the header is too long"), arrivals);
      return false;
    }
    this.#searched = end < 0 ? Math.max(0, input.length - endOfHead.length + 1) : 0;
    if (end < 0) return false;
    this.#begin(input.subarray(0, end + endOfHead.length), arrivals);
    return this.#begun !== undefined;
  }

  #begin(head: Buffer, arrivals: Arrival[]): void {
    const text = head.toString("latin1", 0, head.length - endOfHead.length);
    const read = orFault(() => parseHead(text, this.#limits));
    const message = read instanceof SipMessage ? read : undefined;
    const bodyOctets = orFault(() => framing(message ?? leniently(text), this.#limits));
    if (bodyOctets instanceof PeerMisbehaved) return this.#break(head, read instanceof PeerMisbehaved ? read : bodyOctets, arrivals);
    if (read instanceof PeerMisbehaved) arrivals.push(new SipUnreadable(read, Buffer.from(head)));
    this.#begun = { message, bodyStart: head.length, bodyOctets };
  }

  #readBody(input: Buffer, arrivals: Arrival[]): number {
    const { message, bodyStart, bodyOctets } = this.#begun as Begun;
    const end = bodyStart + bodyOctets;
    if (input.length < end) return -1;
    this.#begun = undefined;
    if (message !== undefined) {
      if (bodyOctets > 0) message.body = input.subarray(bodyStart, end);
      arrivals.push(message);
    }
    return end;
  }

  #break(octets: Buffer, fault: PeerMisbehaved, arrivals: Arrival[]): void {
    this.#broken = true;
    arrivals.push(new SipUnreadable(fault, Buffer.from(octets.subarray(0, this.#limits.headOctets))));
  }
}
