import type { Writable } from "node:stream";
import { comments, type ByteRange, type ContinuationFlag, type FailureReport, type HeaderFields, type ReportStatus } from "./message.ts";
import { firstOfPath } from "./uri.ts";

/** Octets of a transaction identifier: 16 of the connection, 8 of the sequence number. */
export const idOctets = 24;

const prefixOctets = 16;
const hexDigits = Buffer.from("0123456789abcdef");
/** A chunk above this must be interruptible: its Byte-Range end is `*`. @see RFC 4975 §7.1.1 */
const maxFixedOctets = 2048;

export function formatByteRange(range: ByteRange): string {
  return `${range.start}-${range.end}/${range.total}`;
}

/** The Byte-Range of a chunk of `octets` that begins `offset` octets into the message. */
export function chunkRange(offset: number, octets: number, total: number | undefined): ByteRange {
  return { start: offset + 1, end: octets > maxFixedOctets ? "*" : offset + octets, total: total ?? "*" };
}

/** The header fields of a SEND but for the paths and Byte-Range. */
export interface SendFields {
  readonly messageId: string;
  readonly failureReport: FailureReport;
  readonly successReport: boolean;
  readonly headers: HeaderFields;
  readonly contentType: string;
}

/** What stands between the paths and the body of a SEND. */
export function formatSendFields(fields: SendFields, byteRange: ByteRange): string {
  let text = `Message-ID: ${fields.messageId}\r\nByte-Range: ${formatByteRange(byteRange)}\r\n`;
  if (fields.failureReport !== "yes") text += `Failure-Report: ${fields.failureReport}\r\n`;
  if (fields.successReport) text += "Success-Report: yes\r\n";
  for (const [name, value] of fields.headers) text += `${oneLine(name)}: ${oneLine(value)}\r\n`;
  return `${text}Content-Type: ${oneLine(fields.contentType)}\r\n\r\n`;
}

/** The beginning of every SEND of a session on one connection; the sequence number of the transaction is filled in as it is written. */
export function formatSendHead(prefix: string, toPath: string, fromPath: string): Buffer {
  return Buffer.from(`MSRP ${prefix}00000000 SEND\r\nTo-Path: ${toPath}\r\nFrom-Path: ${fromPath}\r\n`, "latin1");
}

/** A request without a body; `fields` from `formatBindFields` or `formatReportFields`. */
export function formatBodilessRequest(transactionId: string, method: "SEND" | "REPORT", toPath: string, fromPath: string, fields: string): string {
  return `MSRP ${transactionId} ${method}\r\nTo-Path: ${toPath}\r\nFrom-Path: ${fromPath}\r\n${fields}-------${transactionId}$\r\n`;
}

export function formatTransactionId(prefix: string, sequence: number): string {
  return prefix + sequence.toString(16).padStart(idOctets - prefixOctets, "0");
}

/** The fields of the empty SEND that binds a session to a connection. @see RFC 4975 §5.4 */
export function formatBindFields(messageId: string): string {
  return `Message-ID: ${messageId}\r\nByte-Range: 1-0/0\r\n`;
}

/** @see RFC 4975 §7.1.2 */
export function formatReportFields(messageId: string, byteRange: ByteRange, status: ReportStatus): string {
  const code = String(status.status).padStart(3, "0");
  return `Message-ID: ${messageId}\r\nByte-Range: ${formatByteRange(byteRange)}\r\nStatus: 000 ${code} ${oneLine(status.comment)}\r\n`;
}

/** A response to a request from `fromPath` to us at `localPath`; to a SEND it goes one hop back, to anything else all the way. @see RFC 4975 §7.2 */
export function formatResponse(request: { transactionId: string; method: string; fromPath: string }, localPath: string, status: number, comment?: string): string {
  const toPath = request.method === "SEND" ? firstOfPath(request.fromPath) : request.fromPath;
  const words = oneLine(comment ?? comments.get(status) ?? "");
  const code = String(status).padStart(3, "0");
  return `MSRP ${request.transactionId} ${code}${words && ` ${words}`}\r\nTo-Path: ${toPath}\r\nFrom-Path: ${localPath}\r\n-------${request.transactionId}$\r\n`;
}

/** Text from elsewhere never ends a line. */
function oneLine(text: string): string {
  return /[\x00-\x1f\x7f]/.test(text) ? text.replace(/[\x00-\x1f\x7f]/g, " ") : text;
}

/** The CRLF that ends a body, and the beginning of the end-line. */
export const endLineBeginning = Buffer.from("\r\n-------");

/** Octets at a time that frames are put together in. */
const scratchOctets = 131_072;
/** A piece this long is given to the socket as it is; copying a shorter one is cheaper. */
const referenceOctets = 16_384;

/**
 * Puts frames together and gives them to a socket in one write.
 *
 * One writer serves every connection: octets are copied once, into a scratch
 * buffer that is used again as soon as the kernel has taken them.
 */
export class FrameWriter {
  #scratch = Buffer.allocUnsafeSlow(scratchOctets);
  /** Where in the scratch buffer the current write begins, its next piece begins, and its next octet goes. */
  #first = 0;
  #from = 0;
  #to = 0;
  #pieces: Buffer[] = [];
  #pieceOctets = 0;
  /** Where the transaction identifier of the frame that is begun was written. */
  #idIn = this.#scratch;
  #idAt = 0;

  /** Octets that wait for `writeTo`. */
  get octets(): number {
    return this.#pieceOctets + this.#to - this.#from;
  }

  /** `head` is from `formatSendHead`. */
  beginFrame(head: Buffer, sequence: number): void {
    this.#reserve(head.length);
    const start = this.#to;
    this.#copy(head);
    const scratch = (this.#idIn = this.#scratch);
    this.#idAt = start + 5;
    const last = this.#idAt + idOctets - 1;
    for (let k = 0, rest = sequence; k < 8; k++, rest >>>= 4) scratch[last - k] = hexDigits[rest & 15]!;
  }

  /** The end-line, whose beginning was put already. */
  endFrame(flag: ContinuationFlag): void {
    this.#reserve(idOctets + 3);
    const scratch = this.#scratch;
    let to = this.#to;
    for (let k = 0; k < idOctets; k++) scratch[to++] = this.#idIn[this.#idAt + k]!;
    scratch[to++] = flag.charCodeAt(0);
    scratch[to++] = 0x0d;
    scratch[to++] = 0x0a;
    this.#to = to;
  }

  text(latin1: string): void {
    this.#reserve(latin1.length);
    this.#to += this.#scratch.write(latin1, this.#to, "latin1");
  }

  put(octets: Buffer): void {
    if (octets.length >= referenceOctets) {
      this.#cut();
      this.#pieces.push(octets);
      this.#pieceOctets += octets.length;
    } else {
      this.#reserve(octets.length);
      this.#copy(octets);
    }
  }

  writeTo(socket: Writable): void {
    if (this.#pieces.length === 0) {
      socket.write(this.#scratch.subarray(this.#from, this.#to));
    } else {
      this.#cut();
      socket.cork();
      for (const piece of this.#pieces) socket.write(piece);
      socket.uncork();
      this.#pieces.length = 0;
      this.#pieceOctets = 0;
    }
    // Nothing left in the stream: the kernel has it all. Otherwise the stream still reads from there.
    if (socket.writableLength === 0) this.#to = this.#first;
    this.#first = this.#from = this.#to;
  }

  #copy(octets: Buffer): void {
    octets.copy(this.#scratch, this.#to);
    this.#to += octets.length;
  }

  #reserve(octets: number): void {
    if (this.#to + octets <= this.#scratch.length) return;
    this.#cut();
    this.#scratch = Buffer.allocUnsafeSlow(Math.max(scratchOctets, octets));
    this.#first = this.#from = this.#to = 0;
  }

  #cut(): void {
    if (this.#to === this.#from) return;
    this.#pieces.push(this.#scratch.subarray(this.#from, this.#to));
    this.#pieceOctets += this.#to - this.#from;
    this.#from = this.#to;
  }
}
