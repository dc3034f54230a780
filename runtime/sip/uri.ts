import { alphanumericsAnd, escapeOctets, formatParams, malformed, quote, Scanner, skip, sliceTrimmed, unquote, uriOctets } from "./grammar.ts";
import type { OctetSet, Params } from "./grammar.ts";

export { quote, unquote };
export type { Params };

/**
 * A URI in parts. Every part is escaped as it was; names of parameters are in lower case.
 *
 * @see RFC 3261 §19.1.1
 */
export interface Uri {
  /** In lower case. */
  readonly scheme: string;
  /** The user; of a tel URI the telephone-subscriber. */
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Empty unless the scheme is sip or sips. An IPv6 address keeps its brackets. */
  readonly host: string;
  readonly port?: number | undefined;
  readonly params: Params;
  /** What follows the question mark. */
  readonly headers: string | undefined;
  /** What follows the scheme, where that is none of sip, sips and tel. */
  readonly opaque?: string | undefined;
}

/** A name-addr or an addr-spec. `display` is unescaped; `params` are the header field's. @see RFC 3261 §20.10 */
export interface NameAddr {
  readonly display: string;
  readonly uri: string;
  readonly params: Params;
}

const none: Params = new Map();

const octetsBut = (set: OctetSet, excluded: string): OctetSet =>
  set.map((member, octet) => (excluded.includes(String.fromCharCode(octet)) ? 0 : member));

/** Outside `<>`, these three end an addr-spec. @see RFC 3261 §20.10 */
const addrSpecOctets = octetsBut(uriOctets, ";?,");
const userOctets = octetsBut(uriOctets, "@:");
const paramOctets = octetsBut(uriOctets, ";?");
const paramNameOctets = octetsBut(paramOctets, "=");

const schemeOctets = alphanumericsAnd("+.-");

/** The length of the scheme that `text` starts with; a colon and something else must follow it. */
function schemeLength(text: string): number {
  const length = skip(text, 0, schemeOctets);
  if (!/^[A-Za-z]/.test(text) || text[length] !== ":" || length + 1 === text.length)
    malformed("RFC 3261 §19.1.1", "the URI has no scheme");
  return length;
}

/**
 * A URI of any scheme; those of sip, sips and tel in parts.
 *
 * @throws {PeerMisbehaved} SIP_MALFORMED, 400: the grammar is broken. @see RFC 3261 §25.1
 */
export function parseUri(text: string): Uri {
  if (skip(text, 0, uriOctets) !== text.length) malformed("RFC 3261 §19.1.1", "the URI has a character that must be escaped");
  const colon = schemeLength(text);
  const scheme = text.slice(0, colon).toLowerCase();
  const rest = text.slice(colon + 1);
  if (scheme === "sip" || scheme === "sips") return parseSipUri(scheme, rest);
  if (scheme === "tel") return parseTelUri(rest);
  return { scheme, host: "", params: none, headers: undefined, opaque: rest };
}

function parseSipUri(scheme: string, text: string): Uri {
  const scan = new Scanner(text, "RFC 3261 §19.1.1");
  // A user part may hold ";", "?" and "/"; only "@" ends it.
  const { user, password } = parseUserinfo(scan);
  const host = scan.host();
  const port = scan.port();
  const params = parseUriParams(scan);
  const headers = scan.takes("?") ? text.slice(scan.at) : undefined;
  if (headers === undefined && !scan.done) scan.fail("the URI has something after its host");
  return { scheme, user, password, host, port, params, headers };
}

function parseUserinfo(scan: Scanner): { user?: string; password?: string } {
  const end = scan.text.indexOf("@");
  if (end < 0) return {};
  const user = scan.some(userOctets, "the user");
  if (scan.takes("@")) return { user };
  scan.expect(":");
  const password = scan.text.slice(scan.at, end);
  scan.at = end + 1;
  return { user, password };
}

function parseUriParams(scan: Scanner): Params {
  if (!scan.sees(";")) return none;
  const params = new Map<string, string | null>();
  while (scan.takes(";")) {
    const name = scan.some(paramNameOctets, "a parameter's name").toLowerCase();
    const value = scan.takes("=") ? scan.some(paramOctets, "a parameter's value") : null;
    if (!params.has(name)) params.set(name, value);
  }
  return params;
}

function parseTelUri(text: string): Uri {
  const scan = new Scanner(text, "RFC 3261 §19.1.6");
  const user = scan.some(paramOctets, "the telephone number");
  const params = parseUriParams(scan);
  if (!scan.done) scan.fail("the tel URI has something after its parameters");
  return { scheme: "tel", user, host: "", params, headers: undefined };
}

/** What each part is written with. A bare "@" anywhere would make a user of all before it. */
const written = {
  password: octetsBut(uriOctets, "@"),
  host: octetsBut(uriOctets, "@;?"),
  param: octetsBut(paramOctets, "@"),
  paramName: octetsBut(paramNameOctets, "@"),
  headers: octetsBut(uriOctets, "@"),
};

/** The URI of its parts. What a part cannot hold is escaped, so that no part reaches into the next. */
export function formatUri(uri: Uri): string {
  const { scheme, user, password, host, port, headers, opaque } = uri;
  if (opaque !== undefined) return `${scheme}:${escapeOctets(opaque, uriOctets)}`;
  const params = formatUriParams(uri.params);
  if (scheme === "tel") return `tel:${escapeOctets(user ?? "", written.param)}${params}`;
  let text = scheme + ":";
  if (user !== undefined) {
    text += escapeOctets(user, userOctets);
    if (password !== undefined) text += ":" + escapeOctets(password, written.password);
    text += "@";
  }
  text += escapeOctets(host, written.host);
  if (port !== undefined) text += ":" + port;
  return text + params + (headers === undefined ? "" : "?" + escapeOctets(headers, written.headers));
}

function formatUriParams(params: Params): string {
  let text = "";
  for (const [name, value] of params) {
    text += ";" + escapeOctets(name, written.paramName);
    if (value !== null) text += "=" + escapeOctets(value, written.param);
  }
  return text;
}

/**
 * Whether two URIs are equivalent. Not transitive: parameters that only one of them has are passed over.
 *
 * @throws {PeerMisbehaved} SIP_MALFORMED, 400: one is no URI.
 * @see RFC 3261 §19.1.4
 */
export function uriEquals(a: Uri | string, b: Uri | string): boolean {
  const left = typeof a === "string" ? parseUri(a) : a;
  const right = typeof b === "string" ? parseUri(b) : b;
  if (left.scheme !== right.scheme || left.opaque !== right.opaque) return false;
  if (left.scheme === "tel") return telEquals(left, right);
  return (
    sameEscaped(left.user, right.user) &&
    sameEscaped(left.password, right.password) &&
    left.host.toLowerCase() === right.host.toLowerCase() &&
    left.port === right.port &&
    uriParamsEqual(left.params, right.params) &&
    headersEqual(left.headers, right.headers)
  );
}

/** These count even if only one of the two has them. */
const paramsThatCount = new Set(["user", "ttl", "method", "maddr", "transport"]);

function uriParamsEqual(left: Params, right: Params): boolean {
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    if (left.has(name) && right.has(name)) {
      if (!sameIgnoringCase(left.get(name), right.get(name))) return false;
    } else if (paramsThatCount.has(name)) return false;
  }
  return true;
}

/** Every header must be in both; their order does not matter. */
function headersEqual(left: string | undefined, right: string | undefined): boolean {
  return left === right || headerList(left) === headerList(right);
}

function headerList(headers: string | undefined): string | undefined {
  return headers
    ?.split("&")
    .map((header) => {
      const name = header.split("=", 1)[0] ?? "";
      return name.toLowerCase() + plain(header.slice(name.length));
    })
    .sort()
    .join("&");
}

/** Numbers are compared without visual separators, parameters all of them. */
function telEquals(left: Uri, right: Uri): boolean {
  const digits = (uri: Uri) => (uri.user ?? "").replace(/[-.()]/g, "").toLowerCase();
  if (digits(left) !== digits(right) || left.params.size !== right.params.size) return false;
  for (const [name, value] of left.params)
    if (!right.params.has(name) || !sameIgnoringCase(value, right.params.get(name))) return false;
  return true;
}

const sameEscaped = (left: string | undefined, right: string | undefined): boolean =>
  left === right || (left !== undefined && right !== undefined && plain(left) === plain(right));

const sameIgnoringCase = (left: string | null | undefined, right: string | null | undefined): boolean =>
  left === right || (typeof left === "string" && typeof right === "string" && plain(left).toLowerCase() === plain(right).toLowerCase());

/** `text` with the escapes of unreserved characters undone: only those are equivalent to their characters. */
function plain(text: string): string {
  if (!text.includes("%")) return text;
  return text.replace(/%[0-9A-Fa-f]{2}/g, (escape) => {
    const character = String.fromCharCode(parseInt(escape.slice(1), 16));
    return /[A-Za-z0-9\-_.!~*'()]/.test(character) ? character : escape.toUpperCase();
  });
}

/** Octets beyond ASCII are let pass although the grammar wants them quoted: devices send names that way. */
const displayOctets: OctetSet = Uint8Array.from({ length: 256 }, (_, octet) =>
  Number(octet >= 0x80 || octet === 0x09 || /[A-Za-z0-9\-.!%*_+`'~ ]/.test(String.fromCharCode(octet))),
);

/**
 * A name-addr or addr-spec with the parameters of its header field.
 *
 * @throws {PeerMisbehaved} SIP_MALFORMED, 400: the grammar is broken. @see RFC 3261 §20.10
 */
export function parseNameAddr(text: string): NameAddr {
  const scan = new Scanner(text, "RFC 3261 §20.10");
  const display = scan.sees('"') ? unquote(scan.quotedString()) : parseDisplayTokens(scan);
  scan.whitespace();
  const uri = display === undefined ? scan.some(addrSpecOctets, "the URI") : parseBracketed(scan);
  schemeLength(uri);
  return { display: display ?? "", uri, params: scan.params() };
}

/** The display name before a `<`; undefined when there is no `<`, only an addr-spec. */
function parseDisplayTokens(scan: Scanner): string | undefined {
  const bracket = scan.text.indexOf("<");
  if (bracket < 0) return undefined;
  scan.at = skip(scan.text, 0, displayOctets);
  if (scan.at !== bracket) scan.fail("the display name needs quotes");
  return sliceTrimmed(scan.text, 0, bracket);
}

function parseBracketed(scan: Scanner): string {
  scan.expect("<");
  const uri = scan.some(uriOctets, "the URI");
  scan.expect(">");
  return uri;
}

/** A name-addr. What `uri` cannot hold is escaped, a display name is always quoted. */
export function formatNameAddr(address: { readonly display?: string; readonly uri: string; readonly params?: Params }): string {
  const { display = "", uri, params = none } = address;
  return `${display === "" ? "" : quote(display) + " "}<${escapeOctets(uri, uriOctets)}>${formatParams(params)}`;
}
