import { PeerIncompatible, PeerMisbehaved } from "../errors.ts";
import { parseMediaType, type MediaType } from "./media-type.ts";

/** One part of a body, or a body that is not multipart as its own only part. @see RFC 2046 §5.1 */
export interface BodyPart {
  readonly contentType: MediaType;
  readonly disposition: MediaType | undefined;
  /** Without its angle brackets. */
  readonly contentId: string | undefined;
  /** Content-Transfer-Encoding in lower case; `binary` where there is none. */
  readonly transferEncoding: string;
  /** As transferred: see `decodeContent`. */
  readonly content: Buffer;
  /** Header fields and content, octet for octet, so that a part can be passed on unread. */
  readonly raw: Buffer;
}

/** The header fields that describe a body, as written. */
export interface BodyFields {
  readonly contentType: string;
  readonly disposition?: string | undefined;
  /** With its angle brackets. */
  readonly contentId?: string | undefined;
  readonly transferEncoding?: string | undefined;
}

const mostParts = 32;
const mostHeaderOctets = 8192;
/** RFC 2046 allows 70; some clients write more. */
const longestBoundary = 200;

const malformed = (detail: string) => new PeerMisbehaved("MULTIPART_MALFORMED", "RFC 2046 §5.1", 400, detail);

/**
 * The parts of a message's body; a body that is not multipart is one part.
 *
 * A multipart inside a multipart stays one part, unread.
 *
 * @throws {PeerMisbehaved} MULTIPART_MALFORMED, 400: no boundary, no delimiter, no end, too many parts or header fields
 */
export function parseBody(fields: BodyFields, body: Buffer): BodyPart[] {
  const contentType = parseMediaType(fields.contentType);
  if (!contentType.essence.startsWith("multipart/")) return [createPart(fields, body)];
  const boundary = contentType.parameters.get("boundary") ?? "";
  if (boundary === "" || boundary.length > longestBoundary) throw malformed("the boundary is missing or too long");
  return splitParts(body, Buffer.from(`--${boundary}`, "latin1")).map(readPart);
}

function splitParts(body: Buffer, dashBoundary: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let open = nextDelimiter(body, dashBoundary, 0);
  while (open !== undefined && !open.closes) {
    const next = nextDelimiter(body, dashBoundary, open.end);
    if (next === undefined) throw malformed("the last part does not end");
    if (parts.length === mostParts) throw malformed(`above ${mostParts} parts`);
    parts.push(body.subarray(open.end, Math.max(open.end, beforeLineEnd(body, next.start))));
    open = next;
  }
  if (parts.length === 0) throw malformed("no part");
  return parts;
}

const CR = 13;
const LF = 10;
const dash = 45;

/** The delimiter line at or after `from`. `end` is the octet after it. */
function nextDelimiter(body: Buffer, dashBoundary: Buffer, from: number): { start: number; end: number; closes: boolean } | undefined {
  for (let start = body.indexOf(dashBoundary, from); start >= 0; start = body.indexOf(dashBoundary, start + 1)) {
    if (start > 0 && body[start - 1] !== LF) continue;
    let end = start + dashBoundary.length;
    if (body[end] === dash && body[end + 1] === dash) return { start, end: end + 2, closes: true };
    while (body[end] === 32 || body[end] === 9) end += 1;
    if (body[end] === CR) end += 1;
    if (body[end] === LF) return { start, end: end + 1, closes: false };
  }
  return undefined;
}

/** The line end before a delimiter belongs to the delimiter. */
function beforeLineEnd(body: Buffer, at: number): number {
  if (body[at - 1] !== LF) return at;
  return body[at - 2] === CR ? at - 2 : at - 1;
}

function readPart(raw: Buffer): BodyPart {
  const { fields, contentStart } = readFields(raw);
  return {
    contentType: parseMediaType(fields.get("content-type") ?? "text/plain"),
    disposition: optionalMediaType(fields.get("content-disposition")),
    contentId: withoutBrackets(fields.get("content-id")),
    transferEncoding: (fields.get("content-transfer-encoding") ?? "binary").toLowerCase(),
    content: raw.subarray(contentStart),
    raw,
  };
}

const optionalMediaType = (text: string | undefined): MediaType | undefined => (text === undefined ? undefined : parseMediaType(text));

const withoutBrackets = (id: string | undefined): string | undefined => (id?.startsWith("<") && id.endsWith(">") ? id.slice(1, -1) : id);

/** The header fields, names in lower case and folded lines joined; a part without an empty line is all header fields. */
function readFields(raw: Buffer): { fields: Map<string, string>; contentStart: number } {
  const fields = new Map<string, string>();
  let last = "";
  let at = 0;
  while (at < raw.length) {
    const lineFeed = raw.indexOf(LF, at);
    const next = lineFeed < 0 ? raw.length : lineFeed + 1;
    const line = raw.toString("latin1", at, lineFeed < 0 ? next : beforeLineEnd(raw, next));
    at = next;
    if (line === "") break;
    if (at > mostHeaderOctets) throw malformed(`a part with above ${mostHeaderOctets} octets of header fields`);
    last = addField(fields, line, last);
  }
  return { fields, contentStart: at };
}

/** Adds a line to the fields and says to which one, so that a folded line can follow. */
function addField(fields: Map<string, string>, line: string, last: string): string {
  if (line.startsWith(" ") || line.startsWith("\t")) {
    fields.set(last, `${fields.get(last) ?? ""} ${line.trim()}`);
    return last;
  }
  const colon = line.indexOf(":");
  if (colon < 1) throw malformed("a header field without a name");
  const name = line.slice(0, colon).trim().toLowerCase();
  if (!fields.has(name)) fields.set(name, line.slice(colon + 1).trim());
  return name;
}

/** A part of our own making. */
export function createPart(fields: BodyFields, content: Uint8Array): BodyPart {
  const lines = [["Content-Type", fields.contentType], ["Content-Disposition", fields.disposition], ["Content-ID", fields.contentId], ["Content-Transfer-Encoding", fields.transferEncoding]]
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${oneLine(value)}\r\n`]));
  const octets = Buffer.from(content.buffer, content.byteOffset, content.length);
  return {
    contentType: parseMediaType(fields.contentType),
    disposition: optionalMediaType(fields.disposition),
    contentId: withoutBrackets(fields.contentId),
    transferEncoding: (fields.transferEncoding ?? "binary").toLowerCase(),
    content: octets,
    raw: Buffer.concat([Buffer.from(`${lines.join("")}\r\n`, "latin1"), octets]),
  };
}

/** No value can end its line and begin another. */
const oneLine = (text: string): string => text.replace(/[\r\n\0]/g, " ");

/** The Content-Type of what `formatMultipart` writes with the same boundary. */
export const multipartType = (boundary: string): string => `multipart/mixed;boundary="${boundary}"`;

/** Writes the parts, each octet for octet. The caller gives a boundary that no part can contain: 72 random bits or more. */
export function formatMultipart(parts: readonly BodyPart[], boundary: string): Buffer {
  const delimiter = Buffer.from(`\r\n--${boundary}\r\n`, "latin1");
  const pieces = parts.flatMap(({ raw }, index) => [index === 0 ? delimiter.subarray(2) : delimiter, raw]);
  return Buffer.concat([...pieces, Buffer.from(`\r\n--${boundary}--\r\n`, "latin1")]);
}

/** The part that a `cid:` URL names. @see RFC 2392 §2 */
export function partOfCid(parts: readonly BodyPart[], url: string): BodyPart | undefined {
  const encoded = /^cid:(.*)$/i.exec(url)?.[1];
  if (encoded === undefined) return undefined;
  const id = encoded.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
  return parts.find((part) => part.contentId === id);
}

/**
 * The content without its transfer encoding.
 *
 * @throws {PeerIncompatible} MULTIPART_MALFORMED, 415: an encoding that RFC 2045 does not know
 */
export function decodeContent({ content, transferEncoding }: BodyPart): Buffer {
  switch (transferEncoding) {
    case "7bit":
    case "8bit":
    case "binary":
      return content;
    case "base64":
      return Buffer.from(content.toString("latin1"), "base64");
    case "quoted-printable":
      return decodeQuotedPrintable(content);
    default:
      throw new PeerIncompatible("MULTIPART_MALFORMED", "RFC 2045 §6.1", 415, "an unknown Content-Transfer-Encoding");
  }
}

/** A `=` at a line's end joins the lines; one that is no escape stands for itself. */
const decodeQuotedPrintable = (content: Buffer): Buffer =>
  Buffer.from(
    content
      .toString("latin1")
      .replace(/=(?:\r?\n|([0-9A-Fa-f]{2}))/g, (_, digits?: string) => (digits === undefined ? "" : String.fromCharCode(parseInt(digits, 16)))),
    "latin1",
  );
