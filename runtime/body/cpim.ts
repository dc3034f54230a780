import { PeerMisbehaved } from "../errors.ts";

/**
 * A CPIM message over the octets that carried it: nothing is copied but its header, as text.
 *
 * Every chat message is read by this, so the rest is looked up when somebody asks.
 */
export interface CpimMessage {
  readonly octets: Buffer;
  /** The URI of From, of visible ASCII alone. */
  readonly from: string;
  /** The URIs of To in order, likewise. */
  readonly to: readonly string[];
  /** Every header line ends with CRLF. Otherwise pass on `withCrlf` and not the octets: phones read strictly. */
  readonly canonical: boolean;
  /** The first octets, one character each: message headers, header fields of the content, perhaps more. */
  readonly head: string;
  readonly contentFieldsStart: number;
  /** Where the content starts; the end of the octets where there is none. */
  readonly contentStart: number;
}

/** The header of nearly every chat message fits here; a longer one is looked at again. */
const usualHeadOctets = 1024;
const mostHeadOctets = 16_384;

const LF = "\n";
const CR = 13;
const colonCode = 58;

const malformed = (detail: string) => new PeerMisbehaved("CPIM_MALFORMED", "RFC 3862 §2", 400, detail);

/**
 * Reads the header of a CPIM message.
 *
 * Forgiven, because deployed clients write it: addresses without angle
 * brackets, names in any case, bare LF, no content at all.
 *
 * @throws {PeerMisbehaved} CPIM_MALFORMED, 400: no From or two, an address that is no URI, a line without a name, a header above 16 KiB
 */
export function parseCpim(octets: Buffer): CpimMessage {
  return readHead(octets, usualHeadOctets) ?? readHead(octets, mostHeadOctets) ?? fail(`a header above ${mostHeadOctets} octets`);
}

function fail(detail: string): never {
  throw malformed(detail);
}

interface Addresses {
  from: string | undefined;
  readonly to: string[];
}

/** `undefined` where the header is longer than what was looked at. */
function readHead(octets: Buffer, limit: number): CpimMessage | undefined {
  const head = octets.toString("latin1", 0, Math.min(limit, octets.length));
  const addresses: Addresses = { from: undefined, to: [] };
  let canonical = true;
  let contentFieldsStart = -1;
  let contentStart = -1;
  let at = 0;
  while (contentStart < 0) {
    const lineFeed = head.indexOf(LF, at);
    if (lineFeed < 0) break;
    const crlf = head.charCodeAt(lineFeed - 1) === CR;
    const end = crlf ? lineFeed - 1 : lineFeed;
    canonical &&= crlf;
    if (end > at) {
      if (contentFieldsStart < 0) readHeader(head, at, end, addresses);
    } else if (contentFieldsStart < 0) contentFieldsStart = lineFeed + 1;
    else contentStart = lineFeed + 1;
    at = lineFeed + 1;
  }
  if (contentStart < 0) {
    if (head.length < octets.length) return undefined;
    if (at < head.length) throw malformed("the last header line does not end");
    contentStart = head.length;
    if (contentFieldsStart < 0) contentFieldsStart = contentStart;
  }
  const { from, to } = addresses;
  if (from === undefined) throw malformed("no From header");
  return { octets, from, to, canonical, head, contentFieldsStart, contentStart };
}

/** Two From headers are refused: whoever checks the one and shows the other is deceived. */
function readHeader(head: string, at: number, end: number, addresses: Addresses): void {
  if (isField(head, at, "from")) {
    if (addresses.from !== undefined) throw malformed("two From headers");
    addresses.from = addressOf(head.slice(at + "from:".length, end));
  } else if (isField(head, at, "to")) {
    addresses.to.push(addressOf(head.slice(at + "to:".length, end)));
  } else {
    const colon = head.indexOf(":", at);
    if (colon <= at || colon >= end) throw malformed("a header line without a name");
  }
}

/** The line at `at` is a header of that name, which is given in lower case. */
const isField = (head: string, at: number, name: string): boolean =>
  head.charCodeAt(at + name.length) === colonCode && (head.startsWith(name, at) || head.slice(at, at + name.length).toLowerCase() === name);

/** The URI of `Formal name <URI>`, or of a URI that stands alone. */
function addressOf(value: string): string {
  const open = value.lastIndexOf("<");
  const uri = open < 0 ? value.trim() : value.slice(open + 1, closing(value, open));
  if (!isVisible(uri)) throw malformed("an address that is no URI");
  return uri;
}

function closing(value: string, open: number): number {
  const close = value.indexOf(">", open);
  if (close < 0) throw malformed("an address that does not close");
  return close;
}

/** A URI may go from here into a header field or a log: it has no space and no control character. */
function isVisible(uri: string): boolean {
  for (let index = 0; index < uri.length; index += 1) {
    const code = uri.charCodeAt(index);
    if (code < 33 || code > 126) return false;
  }
  return uri.includes(":");
}

/** The first value of a message header, as written; the name in any case. */
export const headerOf = ({ head, contentFieldsStart }: CpimMessage, name: string): string | undefined => firstBetween(head, 0, contentFieldsStart, name.toLowerCase());

/** All values of a message header, as written; the name in any case. */
export function headersOf({ head, contentFieldsStart }: CpimMessage, name: string): string[] {
  const lower = name.toLowerCase();
  const values: string[] = [];
  for (let at = findField(head, 0, contentFieldsStart, lower); at >= 0; at = findField(head, nextLine(head, at, contentFieldsStart), contentFieldsStart, lower))
    values.push(valueAt(head, at + lower.length + 1, contentFieldsStart));
  return values;
}

/** A header field of the content, such as Content-Type. */
export const contentFieldOf = ({ head, contentFieldsStart, contentStart }: CpimMessage, name: string): string | undefined =>
  firstBetween(head, contentFieldsStart, contentStart, name.toLowerCase());

/** The content, octet for octet. */
export const contentOf = ({ octets, contentStart }: CpimMessage): Buffer => octets.subarray(contentStart);

function firstBetween(head: string, start: number, stop: number, name: string): string | undefined {
  const at = findField(head, start, stop, name);
  return at < 0 ? undefined : valueAt(head, at + name.length + 1, stop);
}

/** Where the field of that name, given in lower case, begins; -1 where there is none. */
function findField(head: string, start: number, stop: number, name: string): number {
  let at = start;
  while (at < stop && !isField(head, at, name)) at = nextLine(head, at, stop);
  return at < stop ? at : -1;
}

function nextLine(head: string, at: number, stop: number): number {
  const lineFeed = head.indexOf(LF, at);
  return lineFeed < 0 ? stop : lineFeed + 1;
}

/** A field goes on in lines that begin with space. @see RFC 2045 §3 */
function endOfField(head: string, at: number, stop: number): number {
  let end = nextLine(head, at, stop);
  while (end < stop && (head[end] === " " || head[end] === "\t")) end = nextLine(head, end, stop);
  return end;
}

/** Without the parameters of a CPIM header (`Subject:;lang=fr Objet`), without folds, and as UTF-8. */
function valueAt(head: string, from: number, stop: number): string {
  const written = head.slice(from, endOfField(head, from, stop));
  const space = written.startsWith(";") ? written.indexOf(" ") : 0;
  const unfolded = (space < 0 ? "" : written.slice(space)).trim();
  const value = unfolded.includes(LF) ? unfolded.replace(/\r?\n/g, "") : unfolded;
  return /[\x80-\xff]/.test(value) ? Buffer.from(value, "latin1").toString("utf8") : value;
}

const imdnNamespace = "urn:ietf:params:imdn";

/**
 * The value of a disposition notification header, such as Message-ID, whatever prefix the sender chose for them.
 *
 * @see RFC 5438 §6
 */
export const imdnHeaderOf = (message: CpimMessage, name: string): string | undefined => headerOf(message, `${imdnPrefix(message)}${name}`);

/** `NS: imdn <urn:ietf:params:imdn>` with or without the space; a message that declares nothing means `imdn`. */
function imdnPrefix(message: CpimMessage): string {
  for (const declaration of headersOf(message, "NS")) {
    const open = declaration.indexOf("<");
    if (open >= 0 && declaration.slice(open + 1, declaration.indexOf(">", open)).toLowerCase() === imdnNamespace) {
      const prefix = declaration.slice(0, open).trim();
      return prefix === "" ? "" : `${prefix}.`;
    }
  }
  return "imdn.";
}

/** The message with CRLF at the end of every header line. */
export function withCrlf({ octets, head, contentStart }: CpimMessage): Buffer {
  const lines = head.slice(0, contentStart).replace(/\r?\n/g, "\r\n");
  return Buffer.concat([Buffer.from(lines, "latin1"), octets.subarray(contentStart)]);
}

/** A CPIM message to be written. */
export interface CpimFields {
  readonly from: string;
  readonly to: readonly string[];
  readonly cc?: readonly string[] | undefined;
  /** RFC 3339. */
  readonly dateTime?: string | undefined;
  readonly subject?: string | undefined;
  /** Disposition notification headers by their names without prefix. @see RFC 5438 §6 */
  readonly imdn?: Readonly<Record<string, string | undefined>> | undefined;
  readonly contentType?: string | undefined;
  readonly contentDisposition?: string | undefined;
  readonly content?: Uint8Array | undefined;
}

/** Writes a CPIM message. Without `contentType` it has headers alone, as in the INVITE of a file transfer. */
export function formatCpim(fields: CpimFields): Buffer {
  const { content = new Uint8Array() } = fields;
  const imdn = Object.entries(fields.imdn ?? {});
  const header = [
    line("From", `<${fields.from}>`),
    ...fields.to.map((uri) => line("To", `<${uri}>`)),
    ...(fields.cc ?? []).map((uri) => line("cc", `<${uri}>`)),
    line("DateTime", fields.dateTime),
    line("Subject", fields.subject),
    ...(imdn.length > 0 ? [line("NS", `imdn <${imdnNamespace}>`)] : []),
    ...imdn.map(([name, value]) => line(`imdn.${name}`, value)),
    "\r\n",
  ].join("");
  if (fields.contentType === undefined) return Buffer.from(header);
  const contentFields = [line("Content-Type", fields.contentType), line("Content-Disposition", fields.contentDisposition), line("Content-Length", String(content.length)), "\r\n"].join("");
  return Buffer.concat([Buffer.from(header + contentFields), content]);
}

/** No value can end its line and begin another. */
const line = (name: string, value: string | undefined): string => (value === undefined ? "" : `${name}: ${value.replace(/[\0-\x1f\x7f]/g, " ")}\r\n`);
