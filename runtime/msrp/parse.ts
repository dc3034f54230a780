import { PeerMisbehaved } from "../errors.ts";
import type { ByteRange, ContinuationFlag, FailureReport, ReportStatus, RequestHead } from "./message.ts";

/** Takes what a stream of frames consists of, in order: a request is its head, its body in any number of pieces, and its end. */
export interface FrameUser {
  /** `fault`: the framing is sound but a header field is not; to be answered 400. */
  onRequest(head: RequestHead, fault: PeerMisbehaved | undefined): void;
  /** A view of the octets that were pushed. Never empty. */
  onBody(octets: Buffer): void;
  onEnd(flag: ContinuationFlag): void;
  /** The transaction identifier is at `idStart` to `idEnd` of `octets`: most responses are matched without a string of it. */
  onResponse(status: number, octets: Buffer, idStart: number, idEnd: number): void;
}

/** Octets of a start line and header fields together. */
const maxHeadOctets = 8192;
const maxIdOctets = 32;
const minIdOctets = 4;

const tab = 9;
const lf = 10;
const cr = 13;
const blank = 32;
const hyphen = 45;
const hyphens = 7;
const nothing = Buffer.alloc(0);

/** Every octet that `ident` of RFC 4975 §9 allows after the first, which is alphanumeric. */
const identOctets = new Uint8Array(256);
for (const octet of Buffer.from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")) identOctets[octet] = 1;
for (const octet of Buffer.from(".-+%=")) identOctets[octet] = 2;

/**
 * Takes MSRP frames out of a stream of octets, however it is cut.
 *
 * A head is read when it is complete; the octets of a body are handed on as
 * they arrive. Nothing is collected but an incomplete head and the few octets
 * that may be the beginning of an end-line; nothing is looked at twice.
 *
 * @see RFC 4975 §9
 */
export class FrameParser {
  readonly #user: FrameUser;
  #buffer: Buffer = nothing;
  /** Where in the buffer the current head, or the rest of the current body, begins. */
  #at = 0;
  #running = false;
  #suspended = false;

  // The head: lines found so far as pairs of start and end, relative to `#at` as `#scanned` and `#lineStart` are.
  #scanned = 0;
  #lineStart = 0;
  readonly #lines: number[] = [];
  /** How many numbers of `#lines` count: emptying the array itself would give its memory back each time. */
  #lineEnds = 0;
  #idEnd = 0;
  /** 0 for a request. */
  #status = 0;
  /** Octets of the last response, and of that up to the end of its transaction identifier. */
  #responseOctets = 0;
  #responseIdEnd = 0;

  /** CRLF, seven hyphens and the transaction identifier: what ends the body; empty while in a head. */
  #endMark: Buffer = nothing;
  /** The CRLF of the blank line can be the one of the end-line, and is no octet of the body. */
  #skip = 0;
  /** How a request without a body ended, while its user wants to hear nothing. */
  #flagDue: ContinuationFlag | undefined;

  constructor(user: FrameUser) {
    this.#user = user;
  }

  /**
   * Takes the next octets and tells the user what they complete.
   *
   * @throws {PeerMisbehaved} MSRP_MALFORMED, 400: the framing is broken; nothing can be read any more
   */
  push(octets: Buffer): void {
    this.#buffer = this.#at < this.#buffer.length ? Buffer.concat([this.#buffer.subarray(this.#at), octets]) : octets;
    this.#at = 0;
    this.#run();
  }

  /** Tells the user nothing more, not even of what was pushed already, until `resume`. */
  suspend(): void {
    this.#suspended = true;
  }

  /** @throws {PeerMisbehaved} as `push` */
  resume(): void {
    this.#suspended = false;
    this.#run();
  }

  /** What of a broken request can still be answered: its transaction and paths, if it got that far. */
  get answerable(): RequestHead | undefined {
    if (this.#endMark !== nothing || this.#status !== 0 || this.#lineEnds < 6) return undefined;
    const { head } = this.#readRequest();
    return head.toPath && head.fromPath ? head : undefined;
  }

  #run(): void {
    if (this.#running) return;
    this.#running = true;
    try {
      while (!this.#suspended && this.#step());
    } finally {
      this.#running = false;
    }
    // A few octets must not keep a whole segment alive.
    this.#buffer = this.#at < this.#buffer.length ? Buffer.from(this.#buffer.subarray(this.#at)) : nothing;
    this.#at = 0;
  }

  /** @returns whether there was enough to go on */
  #step(): boolean {
    if (this.#flagDue !== undefined) return this.#tellEnd(this.#flagDue);
    if (this.#at === this.#buffer.length) return false;
    return this.#endMark === nothing ? this.#readHead() : this.#readBody();
  }

  #tellEnd(flag: ContinuationFlag): boolean {
    this.#flagDue = undefined;
    this.#user.onEnd(flag);
    return true;
  }

  /**
   * Reads a response that is as long as the last one, as most are: one peer's
   * differ in little but their identifiers. Measured: this halves what a
   * response costs. Of its header fields nothing is used.
   *
   * @returns false where it is none, or the shortcut cannot tell
   */
  #readLikeLast(): boolean {
    const buffer = this.#buffer;
    const frame = this.#at;
    const end = frame + this.#responseOctets;
    const idEnd = frame + this.#responseIdEnd;
    if (end > buffer.length || buffer[idEnd] !== blank || buffer[frame] !== 0x4d) return false;
    const endLine = end - 2 - 1 - (idEnd - frame - 5) - hyphens;
    if (buffer[endLine - 1] !== lf || buffer[end - 3] !== 0x24 || buffer[end - 2] !== cr || buffer[end - 1] !== lf) return false;
    for (let at = endLine; at < endLine + hyphens; at++) if (buffer[at] !== hyphen) return false;
    for (let at = frame + 5, same = endLine + hyphens; at < idEnd; at++, same++) {
      if (buffer[at] !== buffer[same] || identOctets[buffer[at]!] === 0) return false;
    }
    const status = readStatus(buffer, idEnd + 1, idEnd + 5);
    if (status === 0) return false;
    this.#nextFrom(end);
    this.#user.onResponse(status, buffer, frame + 5, idEnd);
    return true;
  }

  /** @returns whether there was enough to go on */
  #readHead(): boolean {
    if (this.#responseOctets > 0 && this.#scanned === 0 && this.#readLikeLast()) return true;
    const buffer = this.#buffer;
    const frame = this.#at;
    const limit = Math.min(buffer.length, frame + maxHeadOctets);
    let at = frame + this.#scanned;
    for (; at < limit; at++) {
      const octet = buffer[at]!;
      if (octet >= blank || octet === tab) continue;
      if (octet !== cr) throw malformed("a header field has a control character");
      if (at + 1 >= limit) break;
      if (buffer[at + 1] !== lf) throw malformed("a line ends with CRLF");
      const line = frame + this.#lineStart;
      if (line === frame) this.#readStartLine(at);
      else if (at === line) return this.#enterBody(at + 2);
      else if (buffer[line] === hyphen && this.#isEndLine(line, at)) return this.#endHead(at);
      this.#lines[this.#lineEnds++] = line - frame;
      this.#lines[this.#lineEnds++] = at - frame;
      this.#lineStart = at + 2 - frame;
      at++;
    }
    if (at - frame >= maxHeadOctets - 1) throw malformed("the header fields are too long");
    this.#scanned = at - frame;
    return false;
  }

  #readStartLine(end: number): void {
    const buffer = this.#buffer;
    const id = this.#at + 5;
    if (buffer[this.#at] !== 0x4d || buffer.toString("latin1", this.#at, id) !== "MSRP ") throw malformed("a frame begins with MSRP");
    let at = id;
    while (at < end && identOctets[buffer[at]!] !== 0) at++;
    const octets = at - id;
    if (octets < minIdOctets || octets > maxIdOctets || identOctets[buffer[id]!] !== 1 || buffer[at] !== blank || at === end) {
      throw malformed("a transaction identifier has 4 to 32 octets of its alphabet");
    }
    this.#idEnd = at - this.#at;
    this.#status = readStatus(buffer, at + 1, end);
    if (this.#status === 0) assertMethod(buffer, at + 1, end);
  }

  #isEndLine(line: number, end: number): boolean {
    const buffer = this.#buffer;
    const idOctets = this.#idEnd - 5;
    if (end - line !== hyphens + idOctets + 1 || readFlag(buffer[end - 1]) === undefined) return false;
    for (let at = line; at < line + hyphens; at++) if (buffer[at] !== hyphen) return false;
    for (let k = 0; k < idOctets; k++) if (buffer[line + hyphens + k] !== buffer[this.#at + 5 + k]) return false;
    return true;
  }

  /** The blank line came: a body follows, which only a request has. */
  #enterBody(body: number): boolean {
    if (this.#status !== 0) throw malformed("a response has no body");
    const { head, fault } = this.#readRequest();
    assertAnswerable(head);
    this.#endMark = Buffer.from(`\r\n-------${head.transactionId}`, "latin1");
    this.#skip = 2;
    this.#nextFrom(body - 2);
    this.#user.onRequest(head, fault);
    return true;
  }

  /** The end-line came without a body. */
  #endHead(end: number): boolean {
    if (this.#status !== 0) {
      const frame = this.#at;
      this.#responseOctets = end + 2 - frame;
      this.#responseIdEnd = this.#idEnd;
      this.#nextFrom(end + 2);
      this.#user.onResponse(this.#status, this.#buffer, frame + 5, frame + this.#idEnd);
      return true;
    }
    const { head, fault } = this.#readRequest();
    assertAnswerable(head);
    this.#flagDue = readFlag(this.#buffer[end - 1])!;
    this.#nextFrom(end + 2);
    this.#user.onRequest(head, fault);
    return true;
  }

  #nextFrom(at: number): void {
    this.#at = at;
    this.#scanned = this.#lineStart = this.#lineEnds = 0;
  }

  #readRequest(): { head: RequestHead; fault: PeerMisbehaved | undefined } {
    const last = this.#lines[this.#lineEnds - 1]!;
    return readRequest(this.#buffer.toString("latin1", this.#at, this.#at + last), this.#idEnd, this.#lines, this.#lineEnds);
  }

  /** @returns whether there was enough to go on */
  #readBody(): boolean {
    const buffer = this.#buffer;
    const mark = this.#endMark;
    for (let from = this.#at; ; ) {
      const found = buffer.indexOf(mark, from);
      if (found < 0) return this.#handOn(beginningOf(mark, buffer, this.#at));
      const flagAt = found + mark.length;
      if (flagAt + 3 > buffer.length) return this.#handOn(found);
      const flag = readFlag(buffer[flagAt]);
      if (flag !== undefined && buffer[flagAt + 1] === cr && buffer[flagAt + 2] === lf) {
        this.#handOn(found);
        this.#endMark = nothing;
        this.#at = flagAt + 3;
        this.#user.onEnd(flag);
        return true;
      }
      from = found + 1;
    }
  }

  /** Hands on the octets of the body before `end`. @returns false: what is left has to wait */
  #handOn(end: number): boolean {
    const start = this.#at + this.#skip;
    if (end < start) return false;
    this.#skip = 0;
    this.#at = end;
    if (end > start) this.#user.onBody(this.#buffer.subarray(start, end));
    return false;
  }
}

/** Where at the end of `buffer` the mark may begin, or the end. The mark has a CR at its beginning only, so the last one decides. */
function beginningOf(mark: Buffer, buffer: Buffer, from: number): number {
  const last = buffer.lastIndexOf(cr);
  const octets = buffer.length - last;
  if (last < from || octets > mark.length || buffer.compare(mark, 0, octets, last) !== 0) return buffer.length;
  return last;
}

/** @returns 0 if there is no status code, as in a request */
function readStatus(buffer: Buffer, at: number, end: number): number {
  if (at + 3 > end || (at + 3 < end && buffer[at + 3] !== blank)) return 0;
  let status = 0;
  for (let k = 0; k < 3; k++) {
    const digit = buffer[at + k]! - 0x30;
    if (digit < 0 || digit > 9) return 0;
    status = status * 10 + digit;
  }
  return status < 100 ? 0 : status;
}

function assertMethod(buffer: Buffer, start: number, end: number): void {
  for (let at = start; at < end; at++) {
    if (buffer[at]! < 0x41 || buffer[at]! > 0x5a) throw malformed("a method is a word in upper case");
  }
  if (start === end) throw malformed("a request has a method");
}

function readFlag(octet: number | undefined): ContinuationFlag | undefined {
  return octet === 0x24 ? "$" : octet === 0x2b ? "+" : octet === 0x23 ? "#" : undefined;
}

/** Without a path back nobody can be told what is wrong. */
function assertAnswerable(head: RequestHead): void {
  if (!head.toPath || !head.fromPath) throw malformed("a request has a To-Path and a From-Path");
}

type Known = "toPath" | "fromPath" | "messageId" | "byteRange" | "failureReport" | "successReport" | "contentType" | "status";

/** The names as the standard spells them and in lower case; any other spelling is lowered first. */
const knownNames = new Map<string, Known>();
for (const [name, field] of [
  ["To-Path", "toPath"],
  ["From-Path", "fromPath"],
  ["Message-ID", "messageId"],
  ["Byte-Range", "byteRange"],
  ["Failure-Report", "failureReport"],
  ["Success-Report", "successReport"],
  ["Content-Type", "contentType"],
  ["Status", "status"],
] as const) {
  knownNames.set(name, field).set(name.toLowerCase(), field);
}

const noValues: Record<Known, undefined> = {
  toPath: undefined,
  fromPath: undefined,
  messageId: undefined,
  byteRange: undefined,
  failureReport: undefined,
  successReport: undefined,
  contentType: undefined,
  status: undefined,
};

/** Reads the lines of a head that has been found complete: `lines` are pairs of start and end in `text`, `lineEnds` numbers of them. */
function readRequest(text: string, idEnd: number, lines: readonly number[], lineEnds: number): { head: RequestHead; fault: PeerMisbehaved | undefined } {
  const values: Record<Known, string | undefined> = { ...noValues };
  const headers: [string, string][] = [];
  let fault: PeerMisbehaved | undefined;
  for (let k = 2; k < lineEnds; k += 2) {
    const start = lines[k]!;
    const end = lines[k + 1]!;
    const colon = text.indexOf(":", start);
    if (colon <= start || colon >= end) {
      fault ??= malformed("a header field has a name and a value");
      continue;
    }
    const name = text.slice(start, colon);
    const value = text.slice(text.charCodeAt(colon + 1) === blank ? colon + 2 : colon + 1, end).trim();
    const field = knownNames.get(name) ?? knownNames.get(name.toLowerCase());
    if (field === undefined) headers.push([name, value]);
    else if (values[field] === undefined) values[field] = value;
    else fault ??= malformed(`${name} is there twice`);
  }
  const method = text.slice(idEnd + 1, lines[1]);
  const byteRange = values.byteRange === undefined ? undefined : parseByteRange(values.byteRange);
  const status = values.status === undefined ? undefined : parseStatus(values.status);
  const messageId = values.messageId ?? "";
  if (values.byteRange !== undefined && byteRange === undefined) fault ??= malformed("Byte-Range is no range of octets");
  if (values.status !== undefined && status === undefined) fault ??= malformed("Status has a namespace and a code");
  if ((method === "SEND" || method === "REPORT") && !isIdent(messageId)) fault ??= malformed("Message-ID is an identifier");
  const head: RequestHead = {
    transactionId: text.slice(5, idEnd),
    method,
    toPath: values.toPath ?? "",
    fromPath: values.fromPath ?? "",
    messageId,
    byteRange,
    failureReport: failureReportOf(values.failureReport),
    successReport: values.successReport?.toLowerCase() === "yes",
    contentType: values.contentType,
    status,
    headers,
  };
  return { head, fault };
}

/** Anything but `no` and `partial` wants every response, as its absence does. */
function failureReportOf(value: string | undefined): FailureReport {
  const lower = value?.toLowerCase();
  return lower === "no" || lower === "partial" ? lower : "yes";
}

/** Some stacks make longer identifiers than the grammar; they are carried, and bounded by the head. */
function isIdent(text: string): boolean {
  if (text.length === 0 || text.length > 256) return false;
  for (let k = 0; k < text.length; k++) if (text.charCodeAt(k) <= blank || text.charCodeAt(k) > 126) return false;
  return true;
}

/** @returns undefined where the text is none, or says what cannot be: a position 0, an end before the start or beyond the total */
export function parseByteRange(text: string): ByteRange | undefined {
  const dash = text.indexOf("-");
  const slash = text.indexOf("/", dash);
  if (dash < 0 || slash < 0) return undefined;
  const start = parsePosition(text.slice(0, dash));
  const end = parsePositionOrStar(text.slice(dash + 1, slash));
  const total = parsePositionOrStar(text.slice(slash + 1));
  if (start === undefined || start === 0 || end === undefined || total === undefined) return undefined;
  if (end !== "*" && (end < start - 1 || (total !== "*" && end > total))) return undefined;
  if (total !== "*" && start - 1 > total) return undefined;
  return { start, end, total };
}

function parsePositionOrStar(text: string): number | "*" | undefined {
  return text === "*" ? "*" : parsePosition(text);
}

/** A whole number that a double holds exactly. */
function parsePosition(text: string): number | undefined {
  if (text.length === 0 || text.length > 16) return undefined;
  let position = 0;
  for (let k = 0; k < text.length; k++) {
    const digit = text.charCodeAt(k) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    position = position * 10 + digit;
  }
  return position < Number.MAX_SAFE_INTEGER ? position : undefined;
}

/** The value of Status: a namespace, which is 000 always, a code and a comment. @see RFC 4975 §7.1.2 */
export function parseStatus(text: string): ReportStatus | undefined {
  const match = /^000 +(\d{3})(?: (.*))?$/.exec(text);
  return match ? { status: Number(match[1]), comment: match[2] ?? "" } : undefined;
}

function malformed(detail: string): PeerMisbehaved {
  return new PeerMisbehaved("MSRP_MALFORMED", "RFC 4975 §9", 400, detail);
}
