import { grammar, parse } from "sdp-transform";
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

/** Lines as `sdp-transform` leaves them: anything that looks like an integer is a number. */
interface RawLines {
  readonly type?: RawValue;
  readonly port?: RawValue;
  readonly protocol?: RawValue;
  readonly payloads?: RawValue;
  readonly connection?: { readonly ip?: RawValue };
  readonly attributes?: readonly { readonly name: RawValue; readonly value?: RawValue }[];
}

interface RawDescription extends RawLines {
  readonly version?: unknown;
  readonly origin?: { readonly username: RawValue; readonly sessionId: RawValue; readonly sessionVersion: RawValue; readonly address?: RawValue };
  readonly name?: RawValue;
  readonly media: readonly RawLines[];
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

/** One rule for every attribute, in place of the library's own, which are those of RTP and cost a regular expression each. */
grammar["a"]!.splice(0, Infinity, { push: "attributes", names: ["name", "value"], reg: /^([^:]*)(?::(.*))?$/, format: "" });
Object.assign(grammar["o"]![0]!, {
  reg: /^(\S+) (\d{1,20}) (\d{1,20}) IN IP([46]) (\S+)$/,
  names: ["username", "sessionId", "sessionVersion", "ipVer", "address"],
  format: "%s %s %s IN IP%s %s",
});
Object.assign(grammar["m"]![0]!, { reg: /^(\S+) (\d{1,5})(?:\/\d+)? (\S+)(?: (.*))?$/ });

type Value = string | undefined;
const some = (value: Value): boolean => value !== undefined;
const none = (value: Value): boolean => value === undefined;
const like = (form: RegExp) => (value: Value) => value !== undefined && form.test(value);

/** The attributes of MSRP and of file transfer that we read, and with which values; every other passes untouched. */
const readable: ReadonlyMap<string, (value: Value) => boolean> = new Map([
  ["path", some],
  ["setup", like(/^(?:active|passive|actpass|holdconn)$/)],
  ["fingerprint", like(/^\S+ \S+$/)],
  ["accept-types", some],
  ["accept-wrapped-types", some],
  ["msrp-cema", none],
  ["chatroom", () => true],
  ["file-selector", () => true],
  ["file-transfer-id", some],
  ["file-disposition", some],
  ["file-date", some],
  ["file-icon", some],
  ["file-range", some],
  ["sendrecv", none],
  ["sendonly", none],
  ["recvonly", none],
  ["inactive", none],
  ["max-size", like(/^\d{1,20}$/)],
]);

/** The attributes of one level. */
interface Attributes {
  /** Those that we read, by name; the last of a repeated name. */
  readonly values: ReadonlyMap<string, string>;
  readonly direction: Direction | undefined;
  readonly fingerprints: readonly Fingerprint[];
  /** Those that we do not read, without `a=`. */
  readonly unread: readonly string[];
}

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
  const raw = parse(text) as unknown as RawDescription;
  if (!text.startsWith("v=") || raw.version !== 0) throw malformed("the description does not begin with v=0");
  if (raw.origin?.address === undefined) throw malformed("no readable o= line");
  if (raw.media.length > mostMedia) throw malformed(`above ${mostMedia} media lines`);
  const { username, sessionId, sessionVersion, address } = raw.origin;
  const attributes = readAttributes(raw);
  return {
    origin: { username: String(username), sessionId: String(sessionId), sessionVersion: String(sessionVersion), host: String(address) },
    subject: String(raw.name ?? "-"),
    connection: textOf(raw.connection?.ip),
    attributes: attributes.unread,
    media: raw.media.map((media) => readMedia(media, raw, attributes)),
  };
}

const textOf = (value: RawValue | undefined): string | undefined => (value === undefined ? undefined : String(value));

function readAttributes({ attributes = [] }: RawLines): Attributes {
  const values = new Map<string, string>();
  const fingerprints: Fingerprint[] = [];
  const unread: string[] = [];
  let direction: Direction | undefined;
  for (const raw of attributes) {
    const name = String(raw.name);
    const value = textOf(raw.value);
    if (readable.get(name)?.(value) !== true) unread.push(value === undefined ? name : `${name}:${value}`);
    else if (name === "fingerprint") fingerprints.push(readFingerprint(value!));
    else if (isDirection(name)) direction = name;
    else values.set(name, value ?? "");
  }
  return { values, direction, fingerprints, unread };
}

const isDirection = (name: string): name is Direction => name === "sendrecv" || name === "sendonly" || name === "recvonly" || name === "inactive";

function readFingerprint(text: string): Fingerprint {
  const space = text.indexOf(" ");
  return { hash: text.slice(0, space), value: text.slice(space + 1) };
}

function readMedia(raw: RawLines, session: RawLines, ofSession: Attributes): Media {
  const type = textOf(raw.type);
  const port = Number(raw.port);
  if (type === undefined || port > 65_535) throw malformed("an m= line is not readable");
  const attributes = readAttributes(raw);
  const protocol = String(raw.protocol);
  const upper = protocol.toUpperCase();
  if (type === "message" && (upper === "TCP/MSRP" || upper === "TCP/TLS/MSRP"))
    return { kind: "message", port, protocol: upper, connection: textOf((raw.connection ?? session.connection)?.ip), ...readMessageMedia(attributes, ofSession) };
  return { kind: "other", type, port, protocol, formats: textOf(raw.payloads) ?? "", attributes: attributes.unread };
}

function readMessageMedia({ values, direction, fingerprints, unread }: Attributes, session: Attributes): Omit<MessageMedia, "kind" | "port" | "protocol"> {
  const words = (name: string): string[] | undefined =>
    values
      .get(name)
      ?.split(" ")
      .filter((word) => word !== "");
  const maxSize = values.get("max-size");
  return {
    path: words("path") ?? [],
    setup: (values.get("setup") ?? session.values.get("setup")) as Setup | undefined,
    direction: direction ?? session.direction ?? "sendrecv",
    acceptTypes: words("accept-types") ?? [],
    acceptWrappedTypes: words("accept-wrapped-types"),
    maxSize: maxSize === undefined ? undefined : wholeNumber(maxSize),
    msrpCema: values.has("msrp-cema"),
    chatroom: words("chatroom"),
    fingerprints: fingerprints.length > 0 ? fingerprints : session.fingerprints,
    file: readFile(values),
    attributes: unread,
  };
}

/** A decimal number; one that no number type holds exactly is the largest that it does: no limit of ours is near. */
const wholeNumber = (digits: string): number => Math.min(Number(digits), Number.MAX_SAFE_INTEGER);

function readFile(values: Attributes["values"]): FileDescription | undefined {
  const selector = values.get("file-selector");
  const transferId = values.get("file-transfer-id");
  if (selector === undefined && transferId === undefined) return undefined;
  const date = values.get("file-date");
  const range = values.get("file-range");
  return {
    selector: parseFileSelector(selector ?? ""),
    transferId,
    disposition: values.get("file-disposition"),
    icon: values.get("file-icon"),
    date: date === undefined ? undefined : parseFileDate(date),
    range: range === undefined ? undefined : parseFileRange(range),
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

/**
 * Writes a session description, with CRLF.
 *
 * By itself: the library's writer tries every rule of its grammar on every description, which was a tenth of a call.
 */
export function formatSdp({ origin, subject, connection, attributes = [], media }: SessionDescription): Buffer {
  const { username, sessionId, sessionVersion, host } = origin;
  let text =
    line("v=", 0) +
    line("o=", `${username} ${sessionId} ${sessionVersion} ${addressOf(host)}`) +
    line("s=", subject || "-") +
    connectionLine(connection) +
    line("t=", "0 0") +
    lines("a=", attributes);
  for (const each of media) text += each.kind === "message" ? messageMediaLines(each, connection) : otherMediaLines(each);
  return Buffer.from(text, "latin1");
}

/** One line, none where there is no value. No value can end its line and begin another. */
const line = (start: string, value: string | number | undefined): string =>
  value === undefined ? "" : `${start}${String(value).replace(/[\r\n\0]/g, " ")}\r\n`;

const lines = (start: string, values: readonly string[]): string => values.map((value) => line(start, value)).join("");

const connectionLine = (host: string | undefined): string => (host === undefined ? "" : line("c=", addressOf(host)));

const addressOf = (host: string): string => `IN IP${host.includes(":") ? 6 : 4} ${host}`;

const otherMediaLines = ({ type, port, protocol, formats, attributes = [] }: OtherMedia): string =>
  line("m=", `${type} ${port} ${protocol} ${formats}`) + lines("a=", attributes);

function messageMediaLines(media: MessageMedia, sessionConnection: string | undefined): string {
  const { file, connection, fingerprints = [], attributes = [] } = media;
  return (
    line("m=", `message ${media.port} ${media.protocol} *`) +
    connectionLine(connection === sessionConnection ? undefined : connection) +
    line("a=path:", listed(media.path)) +
    line("a=setup:", media.setup) +
    lines("a=fingerprint:", fingerprints.map(({ hash, value }) => `${hash} ${value}`)) +
    line("a=accept-types:", listed(media.acceptTypes)) +
    line("a=accept-wrapped-types:", media.acceptWrappedTypes?.join(" ")) +
    (media.msrpCema === true ? line("a=", "msrp-cema") : "") +
    line("a=chatroom", media.chatroom && afterColon(media.chatroom.join(" "))) +
    (file === undefined ? "" : fileLines(file)) +
    line("a=", media.direction) +
    line("a=max-size:", media.maxSize) +
    lines("a=", attributes)
  );
}

const fileLines = ({ selector, transferId, disposition, date, icon, range }: FileDescription): string =>
  line("a=file-selector", afterColon(formatFileSelector(selector))) +
  line("a=file-transfer-id:", transferId) +
  line("a=file-disposition:", disposition) +
  line("a=file-date:", date && formatFileDate(date)) +
  line("a=file-icon:", icon) +
  line("a=file-range:", range && formatFileRange(range));

/** The value of an attribute that may stand without one. */
const afterColon = (value: string): string => (value === "" ? "" : `:${value}`);

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
