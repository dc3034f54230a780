import { grammar, parse, write } from "sdp-transform";
import type { OctetRange, Octets } from "../../machines/terms.ts";
import { PeerMisbehaved } from "../errors.ts";
import { parseMediaType } from "./media-type.ts";

/**
 * A session description as the Controlling Function needs it.
 *
 * Text is held as octets are (one character an octet), so that what we do not
 * read leaves as it came; only a file's name is Unicode.
 */
export interface SessionDescription {
  readonly origin: Origin;
  /** s=; a description without it has "-". */
  readonly subject: string;
  /** The host of the session's c= line. */
  readonly connection?: string | undefined;
  /** The session-level attributes that we do not read, without `a=`. */
  readonly attributes?: readonly string[] | undefined;
  readonly media: readonly Media[];
}

/** o=. The numbers are decimal digits, too long for a number type. @see RFC 4566 §5.2 */
export interface Origin {
  readonly username: string;
  readonly sessionId: string;
  readonly sessionVersion: string;
  readonly host: string;
}

export type Media = MessageMedia | OtherMedia;

/** One m=message line over MSRP. What the session level says for all media is repeated here. */
export interface MessageMedia {
  readonly kind: "message";
  /** 0 rejects or closes. */
  readonly port: number;
  readonly protocol: "TCP/MSRP" | "TCP/TLS/MSRP";
  /** The host of c=. */
  readonly connection?: string | undefined;
  /** MSRP URIs, the nearest hop first; empty where a=path is missing. */
  readonly path: readonly string[];
  readonly setup?: Setup | undefined;
  readonly direction: Direction;
  readonly acceptTypes: readonly string[];
  /** `undefined` where the attribute is missing, which is not the same as empty. */
  readonly acceptWrappedTypes?: readonly string[] | undefined;
  /** The largest message that this side wants to receive. */
  readonly maxSize?: Octets | undefined;
  readonly msrpCema?: boolean | undefined;
  /** The tokens of a=chatroom; `undefined` where the attribute is missing. */
  readonly chatroom?: readonly string[] | undefined;
  readonly fingerprints?: readonly Fingerprint[] | undefined;
  readonly file?: FileDescription | undefined;
  /** The attributes that we do not read, without `a=`. */
  readonly attributes?: readonly string[] | undefined;
}

/** A media line that is not ours: answered with port 0. */
export interface OtherMedia {
  readonly kind: "other";
  readonly type: string;
  readonly port: number;
  readonly protocol: string;
  readonly formats: string;
  readonly attributes?: readonly string[] | undefined;
}

export type Direction = "sendrecv" | "sendonly" | "recvonly" | "inactive";
export type Setup = "active" | "passive" | "actpass" | "holdconn";

export interface Fingerprint {
  readonly hash: string;
  readonly value: string;
}

/** The file that a media line transfers. @see RFC 5547 §6 */
export interface FileDescription {
  readonly selector: FileSelector;
  readonly transferId?: string | undefined;
  readonly disposition?: string | undefined;
  /** a=file-icon, a `cid:` URL. */
  readonly icon?: string | undefined;
  readonly date?: FileDate | undefined;
  readonly range?: FileRange | undefined;
}

export interface FileSelector {
  /** Unicode; what came percent-encoded is decoded. */
  readonly name?: string | undefined;
  /** With its parameters, as written. */
  readonly type?: string | undefined;
  readonly size?: Octets | undefined;
  readonly hashes?: readonly Fingerprint[] | undefined;
}

/** Dates as written: RFC 5322 date-time with a numeric zone. */
export interface FileDate {
  readonly creation?: string | undefined;
  readonly modification?: string | undefined;
  readonly read?: string | undefined;
}

/**
 * Octets of the file from `start` up to but not including `end`; the first octet is 0.
 *
 * Not a=file-range, which starts at 1 and includes its end. `end` is
 * `undefined` where the attribute says `*`: up to the end of the file.
 */
export interface FileRange {
  readonly start: Octets;
  readonly end: Octets | undefined;
}

/** Far above any description that a messaging client sends; below what would cost a millisecond's multiple to read. */
const mostOctets = 32_768;
const mostMedia = 32;
const mostLines = 1000;

type RawValue = string | number;

/** A line as `sdp-transform` leaves it: anything that looks like an integer is a number. */
interface RawLines {
  [name: string]: unknown;
  readonly connection?: { readonly ip?: RawValue };
  readonly direction?: Direction;
  readonly setup?: RawValue;
  readonly fingerprints?: readonly { readonly hash: RawValue; readonly value: RawValue }[];
  readonly invalid?: readonly { readonly value?: RawValue }[];
}

interface GrammarRule {
  name?: string;
  push?: string;
  names?: string[];
  reg: RegExp;
  format: string | ((value: string) => string);
}

declare module "sdp-transform" {
  const grammar: Record<string, GrammarRule[]>;
}

const single = (name: string, attribute: string): GrammarRule => ({
  name,
  reg: new RegExp(`^${attribute}:(.*)$`),
  format: `${attribute}:%s`,
});

/** An attribute that may stand without a value. */
const optional = (name: string, attribute: string): GrammarRule => ({
  name,
  reg: new RegExp(`^${attribute}(?::(.*))?$`),
  format: (value) => (value === "" ? attribute : `${attribute}:%s`),
});

/**
 * The attributes of MSRP and of file transfer, in the order in which we write them.
 *
 * They replace the library's own, which are those of RTP: an attribute that is
 * not ours then passes untouched instead of being read and written again.
 */
const attributes: GrammarRule[] = [
  single("path", "path"),
  { name: "setup", reg: /^setup:(active|passive|actpass|holdconn)$/, format: "setup:%s" },
  { push: "fingerprints", names: ["hash", "value"], reg: /^fingerprint:(\S+) (\S+)$/, format: "fingerprint:%s %s" },
  single("acceptTypes", "accept-types"),
  single("acceptWrappedTypes", "accept-wrapped-types"),
  { name: "msrpCema", reg: /^(msrp-cema)$/, format: "%s" },
  optional("chatroom", "chatroom"),
  optional("fileSelector", "file-selector"),
  single("fileTransferId", "file-transfer-id"),
  single("fileDisposition", "file-disposition"),
  single("fileDate", "file-date"),
  single("fileIcon", "file-icon"),
  single("fileRange", "file-range"),
  { name: "direction", reg: /^(sendrecv|recvonly|sendonly|inactive)$/, format: "%s" },
  { name: "maxSize", reg: /^max-size:(\d{1,20})$/, format: "max-size:%s" },
  { push: "invalid", names: ["value"], reg: /(.*)/, format: "%s" },
];
grammar["a"]!.splice(0, Infinity, ...attributes);
Object.assign(grammar["o"]![0]!, {
  reg: /^(\S+) (\d{1,20}) (\d{1,20}) IN IP([46]) (\S+)$/,
  names: ["username", "sessionId", "sessionVersion", "ipVer", "address"],
  format: "%s %s %s IN IP%s %s",
});
Object.assign(grammar["m"]![0]!, { reg: /^(\S+) (\d{1,5})(?:\/\d+)? (\S+)(?: (.*))?$/ });

const malformed = (detail: string, clause: "RFC 4566 §5" | "RFC 5547 §6" = "RFC 4566 §5") =>
  new PeerMisbehaved("SDP_MALFORMED", clause, 400, detail);

/**
 * Reads a session description.
 *
 * A missing s= or t= line is forgiven, because deployed clients leave them out.
 *
 * @throws {PeerMisbehaved} SDP_MALFORMED, 400: no v=0, no readable o= or m= line, a broken file attribute, or too large
 */
export function parseSdp(octets: Uint8Array): SessionDescription {
  if (octets.length > mostOctets) throw malformed(`above ${mostOctets} octets`);
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString("latin1");
  if (text.includes("\0")) throw malformed("a zero octet");
  if (text.split("\n", mostLines + 1).length > mostLines) throw malformed(`above ${mostLines} lines`);
  const raw = parse(text) as unknown as RawLines & { version?: unknown; origin?: Record<string, RawValue>; name?: RawValue; media: RawLines[] };
  if (!text.startsWith("v=") || raw.version !== 0) throw malformed("the description does not begin with v=0");
  if (raw.origin?.["address"] === undefined) throw malformed("no readable o= line");
  if (raw.media.length > mostMedia) throw malformed(`above ${mostMedia} media lines`);
  return {
    origin: {
      username: String(raw.origin["username"]),
      sessionId: String(raw.origin["sessionId"]),
      sessionVersion: String(raw.origin["sessionVersion"]),
      host: String(raw.origin["address"]),
    },
    subject: String(raw.name ?? "-"),
    connection: textOf(raw.connection?.ip),
    attributes: unread(raw),
    media: raw.media.map((media) => readMedia(media, raw)),
  };
}

const textOf = (value: unknown): string | undefined => (value === undefined ? undefined : String(value));

const unread = (raw: RawLines): string[] => (raw.invalid ?? []).map(({ value }) => String(value ?? ""));

function readMedia(raw: RawLines, session: RawLines): Media {
  const type = textOf(raw["type"]);
  const port = Number(raw["port"]);
  if (type === undefined || port > 65_535) throw malformed("an m= line is not readable");
  const protocol = String(raw["protocol"]);
  const upper = protocol.toUpperCase();
  if (type === "message" && (upper === "TCP/MSRP" || upper === "TCP/TLS/MSRP")) return readMessageMedia(raw, session, port, upper);
  return { kind: "other", type, port, protocol, formats: textOf(raw["payloads"]) ?? "", attributes: unread(raw) };
}

function readMessageMedia(raw: RawLines, session: RawLines, port: number, protocol: MessageMedia["protocol"]): MessageMedia {
  const words = (name: string): string[] | undefined => (name in raw ? String(raw[name] ?? "").split(" ").filter((word) => word !== "") : undefined);
  return {
    kind: "message",
    port,
    protocol,
    connection: textOf(raw.connection?.ip ?? session.connection?.ip),
    path: words("path") ?? [],
    setup: (raw.setup ?? session.setup) as Setup | undefined,
    direction: raw.direction ?? session.direction ?? "sendrecv",
    acceptTypes: words("acceptTypes") ?? [],
    acceptWrappedTypes: words("acceptWrappedTypes"),
    maxSize: raw["maxSize"] === undefined ? undefined : wholeNumber(String(raw["maxSize"])),
    msrpCema: "msrpCema" in raw,
    chatroom: words("chatroom"),
    fingerprints: (raw.fingerprints ?? session.fingerprints ?? []).map(({ hash, value }) => ({ hash: String(hash), value: String(value) })),
    file: readFile(raw),
    attributes: unread(raw),
  };
}

/** A decimal number; one that no number type holds exactly is the largest that it does: no limit of ours is near. */
const wholeNumber = (digits: string): number => Math.min(Number(digits), Number.MAX_SAFE_INTEGER);

function readFile(raw: RawLines): FileDescription | undefined {
  if (!("fileSelector" in raw) && !("fileTransferId" in raw)) return undefined;
  return {
    selector: parseFileSelector(textOf(raw["fileSelector"]) ?? ""),
    transferId: textOf(raw["fileTransferId"]),
    disposition: textOf(raw["fileDisposition"]),
    icon: textOf(raw["fileIcon"]),
    date: "fileDate" in raw ? parseFileDate(String(raw["fileDate"])) : undefined,
    range: "fileRange" in raw ? parseFileRange(String(raw["fileRange"])) : undefined,
  };
}

/**
 * Reads the value of a=file-selector. Tags that RFC 5547 does not know are skipped.
 *
 * @throws {PeerMisbehaved} SDP_MALFORMED, 400: a size that is no number, or a hash that is no hash
 */
export function parseFileSelector(text: string): FileSelector {
  const selector: { name?: string; type?: string; size?: number; hashes: Fingerprint[] } = { hashes: [] };
  for (const [tag, value] of scanTagged(text)) {
    if (tag === "name") selector.name = decodeName(value);
    if (tag === "type") selector.type = value;
    if (tag === "size") selector.size = readSize(value);
    if (tag === "hash") selector.hashes.push(readHash(value));
  }
  return selector;
}

function readSize(value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw malformed("a file's size is no number", "RFC 5547 §6");
  return Number(value);
}

function readHash(text: string): Fingerprint {
  const colon = text.indexOf(":");
  const hash = text.slice(0, colon).toLowerCase();
  const value = text.slice(colon + 1).toUpperCase();
  const octets = (value.length + 1) / 3;
  if (colon < 1 || octets > 64 || (hash === "sha-1" && octets !== 20) || !/^[0-9A-F]{2}(?::[0-9A-F]{2})*$/.test(value))
    throw malformed("a file's hash is not readable", "RFC 5547 §6");
  return { hash, value };
}

/** The pairs `tag:value` or `tag:"value"` between spaces; quotes inside a value protect spaces and stay. */
function scanTagged(text: string): [tag: string, value: string][] {
  const pairs: [string, string][] = [];
  let at = 0;
  while (at < text.length) {
    if (text[at] === " ") {
      at += 1;
      continue;
    }
    const end = endOfTagged(text, at);
    const colon = text.indexOf(":", at);
    if (colon < 0 || colon >= end) throw malformed("a value stands without its tag", "RFC 5547 §6");
    pairs.push([text.slice(at, colon).toLowerCase(), withoutQuotes(text.slice(colon + 1, end))]);
    at = end;
  }
  return pairs;
}

function endOfTagged(text: string, from: number): number {
  let quoted = false;
  let at = from;
  while (at < text.length && (quoted || text[at] !== " ")) {
    if (text[at] === '"') quoted = !quoted;
    at += 1;
  }
  return at;
}

const withoutQuotes = (text: string): string => (text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text);

function parseFileDate(text: string): FileDate {
  const dates = new Map(scanTagged(text));
  return { creation: dates.get("creation"), modification: dates.get("modification"), read: dates.get("read") };
}

/** A file's name is UTF-8 with `%` and two digits for what cannot stand; a `%` without digits stands for itself. */
const decodeName = (octets: string): string =>
  Buffer.from(octets.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16))), "latin1").toString("utf8");

const encodeName = (name: string): string =>
  Buffer.from(name, "utf8")
    .toString("latin1")
    .replace(/[\0-\x1f"%\x7f]/g, (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);

/**
 * Reads the value of a=file-range.
 *
 * @throws {PeerMisbehaved} SDP_MALFORMED, 400: not two numbers, a start of 0, or an end before the start
 */
export function parseFileRange(text: string): FileRange {
  const match = /^(\d{1,15})-(\d{1,15}|\*)$/.exec(text);
  const first = Number(match?.[1]);
  const last = match?.[2] === "*" ? undefined : Number(match?.[2]);
  if (match === null || first < 1 || (last !== undefined && last < first)) throw malformed("a=file-range is not readable", "RFC 5547 §6");
  return { start: first - 1, end: last };
}

/**
 * The octets of the file that the transfer carries, where the description says enough to know.
 *
 * Without a=file-range that is the whole file.
 */
export function octetRange({ selector, range }: FileDescription): OctetRange | undefined {
  const end = range?.end ?? selector.size;
  return end === undefined ? undefined : { start: range?.start ?? 0, end };
}

export const formatFileRange = ({ start, end }: FileRange): string => `${start + 1}-${end ?? "*"}`;

/** Writes the value of a=file-selector. */
export function formatFileSelector({ name, type, size, hashes }: FileSelector): string {
  const parts: string[] = [];
  if (name !== undefined) parts.push(`name:"${encodeName(name)}"`);
  if (type !== undefined) parts.push(`type:${type}`);
  if (size !== undefined) parts.push(`size:${size}`);
  for (const { hash, value } of hashes ?? []) parts.push(`hash:${hash}:${value}`);
  return parts.join(" ");
}

/** Writes a session description, with CRLF. */
export function formatSdp(description: SessionDescription): Buffer {
  const { origin, subject, connection } = description;
  const raw = {
    version: 0,
    origin: { ...origin, ipVer: ipVersion(origin.host), address: origin.host },
    name: oneLine(subject) || "-",
    ...(connection !== undefined && { connection: { version: ipVersion(connection), ip: connection } }),
    timing: { start: 0, stop: 0 },
    invalid: (description.attributes ?? []).map((value) => ({ value: oneLine(value) })),
    media: description.media.map((media) => (media.kind === "message" ? writeMessageMedia(media, connection) : writeOtherMedia(media))),
  };
  return Buffer.from(write(raw as never), "latin1");
}

const ipVersion = (host: string): 4 | 6 => (host.includes(":") ? 6 : 4);

/** No value can end its line and begin another. */
const oneLine = (text: string): string => text.replace(/[\r\n\0]/g, " ");

const writeOtherMedia = ({ type, port, protocol, formats, attributes = [] }: OtherMedia) => ({
  type,
  port,
  protocol,
  payloads: formats,
  invalid: attributes.map((value) => ({ value: oneLine(value) })),
});

function writeMessageMedia(media: MessageMedia, sessionConnection: string | undefined) {
  const { file, connection } = media;
  const values: Record<string, string | undefined> = {
    path: listed(media.path),
    setup: media.setup,
    acceptTypes: listed(media.acceptTypes),
    acceptWrappedTypes: media.acceptWrappedTypes?.join(" "),
    msrpCema: media.msrpCema === true ? "msrp-cema" : undefined,
    chatroom: media.chatroom?.join(" "),
    fileSelector: file && formatFileSelector(file.selector),
    fileTransferId: file?.transferId,
    fileDisposition: file?.disposition,
    fileDate: file?.date && formatFileDate(file.date),
    fileIcon: file?.icon,
    fileRange: file?.range && formatFileRange(file.range),
    direction: media.direction,
    maxSize: media.maxSize?.toString(),
  };
  const written = Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, oneLine(value)]]));
  return {
    type: "message",
    port: media.port,
    protocol: media.protocol,
    payloads: "*",
    ...(connection !== undefined && connection !== sessionConnection && { connection: { version: ipVersion(connection), ip: connection } }),
    ...Object.fromEntries(written),
    fingerprints: media.fingerprints ?? [],
    invalid: (media.attributes ?? []).map((value) => ({ value: oneLine(value) })),
  };
}

const listed = (words: readonly string[]): string | undefined => (words.length > 0 ? words.join(" ") : undefined);

const dateTags = ["creation", "modification", "read"] as const;

const formatFileDate = (date: FileDate): string =>
  dateTags.flatMap((tag) => (date[tag] === undefined ? [] : [`${tag}:"${date[tag]}"`])).join(" ");

/**
 * The media line that the session uses: the first m=message over MSRP that is open and has a path.
 *
 * @throws {PeerMisbehaved} SDP_NO_MESSAGE_MEDIA, 488: there is none
 */
export function messageMedia(description: SessionDescription): MessageMedia {
  const media = description.media.find(isUsable);
  if (media === undefined) throw new PeerMisbehaved("SDP_NO_MESSAGE_MEDIA", "RFC 4975 §8", 488, "no open m=message line with a path");
  return media;
}

const isUsable = (media: Media): media is MessageMedia => media.kind === "message" && media.port !== 0 && media.path.length > 0;

/**
 * The answer to `offer`: `accepted` in the place of the media line that the session uses, port 0 for every other.
 *
 * Without `accepted` every line is rejected.
 *
 * @see RFC 3264 §6
 */
export function answerTo(offer: SessionDescription, own: Pick<SessionDescription, "origin" | "connection">, accepted?: MessageMedia): SessionDescription {
  const used = offer.media.find(isUsable);
  return {
    ...own,
    subject: "-",
    media: offer.media.map((media) => (accepted !== undefined && media === used ? { ...accepted, protocol: media.protocol } : rejected(media))),
  };
}

/** The media line with port 0; a rejected file is still named. @see RFC 5547 §8.3 */
export function rejected(media: Media): Media {
  if (media.kind === "other") return { kind: "other", type: media.type, port: 0, protocol: media.protocol, formats: media.formats };
  return {
    kind: "message",
    port: 0,
    protocol: media.protocol,
    path: [],
    direction: answerDirection(media.direction),
    acceptTypes: media.acceptTypes,
    file: media.file && { selector: media.file.selector, transferId: media.file.transferId },
  };
}

/**
 * What an answer says about the offered file.
 *
 * Icon, disposition and dates are for offers alone. The receiver of the file
 * repeats what names it, and not its hash, which it cannot vouch for; the
 * sender repeats the hash too.
 *
 * @see RFC 5547 §8.3
 */
export function fileInAnswer({ selector, transferId, range }: FileDescription, direction: Direction): FileDescription {
  const { name, type, size, hashes } = selector;
  return { selector: { name, type, size, hashes: direction === "recvonly" ? [] : hashes }, transferId, range };
}

/** @see RFC 3264 §6.1 */
export function answerDirection(offered: Direction): Direction {
  if (offered === "sendonly") return "recvonly";
  if (offered === "recvonly") return "sendonly";
  return offered;
}

/**
 * The answer to an offered a=setup: passive wherever the offer leaves the choice.
 *
 * An offer without the attribute is of RFC 4975, whose offerer connects; the answer then has none either.
 *
 * @see RFC 6135 §4.2
 */
export function answerSetup(offered: Setup | undefined): Setup | undefined {
  switch (offered) {
    case undefined:
      return undefined;
    case "passive":
      return "active";
    case "holdconn":
      return "holdconn";
    case "active":
    case "actpass":
      return "passive";
  }
}

/** The origin of the next description in the same session that differs from the last. @see RFC 3264 §8 */
export const nextVersion = (origin: Origin): Origin => ({ ...origin, sessionVersion: (BigInt(origin.sessionVersion) + 1n).toString() });

/** The description repeats one that the session has: same o= line, so nothing in it has changed. @see RFC 3264 §8 */
export const isRepeated = (next: Origin, last: Origin): boolean =>
  next.username === last.username && next.sessionId === last.sessionId && next.sessionVersion === last.sessionVersion;

/**
 * `acceptTypes`, the value of a=accept-types or a=accept-wrapped-types, covers the media type.
 *
 * An entry is `*`, `image/*` or a type; the parameters of an entry must all be the type's own.
 *
 * @see RFC 4975 §8.6
 */
export function acceptsType(acceptTypes: readonly string[], type: string): boolean {
  const wanted = parseMediaType(type);
  const main = wanted.essence.slice(0, wanted.essence.indexOf("/") + 1);
  return acceptTypes.some((entry) => {
    if (entry === "*" || entry === "*/*") return true;
    const accepted = parseMediaType(entry);
    if (accepted.essence !== wanted.essence && accepted.essence !== `${main}*`) return false;
    return [...accepted.parameters].every(([name, value]) => wanted.parameters.get(name)?.toLowerCase() === value.toLowerCase());
  });
}
