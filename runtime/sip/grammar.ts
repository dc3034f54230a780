import { isIPv6 } from "node:net";
import type { Clause } from "../../machines/clauses.ts";
import { PeerMisbehaved } from "../errors.ts";

/*
 * The basic rules of RFC 3261 §25.1.
 *
 * Strings are octets (latin1) throughout. That is why white space is only SP
 * and HTAB here, and never what `trim` or `\s` take it for: the octet A0 is
 * half of a letter in UTF-8.
 */

/** The parameters of a header field or URI: names in lower case, values as on the wire (a quoted-string keeps its quotes), null without a value. */
export type Params = ReadonlyMap<string, string | null>;

/** A set of octets. */
export type OctetSet = Uint8Array;

/** The octets of `characters` and of the alphanumerics. */
export function alphanumericsAnd(characters: string): OctetSet {
  const set = new Uint8Array(256);
  const alphanumerics = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (const octet of Buffer.from(alphanumerics + characters, "latin1")) set[octet] = 1;
  return set;
}

const whitespaceOctets: OctetSet = Uint8Array.from({ length: 256 }, (_, octet) => Number(octet === 0x20 || octet === 0x09));
const tokenOctets = alphanumericsAnd("-.!%*_+`'~");
const hostOctets = alphanumericsAnd("-._");
/** What a parameter's value may be without quotes: a token or a host. */
const valueOctets = alphanumericsAnd("-.!%*_+`'~[]:");
/** What no URI can do without escaping is left out: controls, space, the delimiters of a name-addr, anything beyond ASCII. */
export const uriOctets: OctetSet = Uint8Array.from({ length: 256 }, (_, octet) =>
  Number(octet > 0x20 && octet < 0x7f && !'<>"'.includes(String.fromCharCode(octet))),
);

/** @throws {PeerMisbehaved} SIP_MALFORMED, 400: always. `detail` is ours, never the peer's octets. */
export function malformed(clause: Clause, detail: string): never {
  throw new PeerMisbehaved("SIP_MALFORMED", clause, 400, detail);
}

/** The first place at or after `at` whose octet is not in `set`. */
export function skip(text: string, at: number, set: OctetSet): number {
  while (at < text.length && set[text.charCodeAt(at)] === 1) at++;
  return at;
}

export const isToken = (text: string): boolean => text !== "" && skip(text, 0, tokenOctets) === text.length;

/** `text` between `start` and `end`, without the white space around it. */
export function sliceTrimmed(text: string, start: number, end: number): string {
  while (start < end && whitespaceOctets[text.charCodeAt(start)] === 1) start++;
  while (end > start && whitespaceOctets[text.charCodeAt(end - 1)] === 1) end--;
  return text.slice(start, end);
}

/** Reads one header field value from left to right; every method that finds something else than it reads throws SIP_MALFORMED, 400. */
export class Scanner {
  readonly text: string;
  at = 0;
  readonly #clause: Clause;

  constructor(text: string, clause: Clause) {
    this.text = text;
    this.#clause = clause;
  }

  fail(detail: string): never {
    malformed(this.#clause, detail);
  }

  get done(): boolean {
    return this.at === this.text.length;
  }

  /** Whether `character` comes next. */
  sees(character: string): boolean {
    return this.text[this.at] === character;
  }

  /** Takes `character` if it comes next. */
  takes(character: string): boolean {
    if (!this.sees(character)) return false;
    this.at++;
    return true;
  }

  expect(character: string): void {
    if (!this.takes(character)) this.fail(`"${character}" is missing`);
  }

  whitespace(): void {
    this.at = skip(this.text, this.at, whitespaceOctets);
  }

  /** `character` with any white space around it, such as SLASH and EQUAL are. */
  separator(character: string): void {
    this.whitespace();
    this.expect(character);
    this.whitespace();
  }

  /** All octets of `set` that come next; there must be one. */
  some(set: OctetSet, what: string): string {
    const start = this.at;
    this.at = skip(this.text, start, set);
    if (this.at === start) this.fail(`${what} is missing`);
    return this.text.slice(start, this.at);
  }

  token(): string {
    return this.some(tokenOctets, "a token");
  }

  /** A quoted-string, with its quotes. */
  quotedString(): string {
    const start = this.at;
    this.expect('"');
    this.at = endOfQuoted(this.text, this.at);
    if (this.at > this.text.length) this.fail("a quoted-string has no end");
    return this.text.slice(start, this.at);
  }

  /** A hostname, IPv4address or IPv6reference. */
  host(): string {
    if (!this.sees("[")) return this.some(hostOctets, "a host");
    const end = this.text.indexOf("]", this.at) + 1;
    const reference = this.text.slice(this.at, end);
    if (!isIPv6(reference.slice(1, -1))) this.fail("the host is no IPv6 address");
    this.at = end;
    return reference;
  }

  /** The port after a colon, if there is a colon. */
  port(): number | undefined {
    if (!this.takes(":")) return undefined;
    this.whitespace();
    const start = this.at;
    let port = 0;
    for (; isDigit(this.text.charCodeAt(this.at)); this.at++) port = port * 10 + this.text.charCodeAt(this.at) - 0x30;
    if (this.at - start > 5 || port < 1 || port > 65535) this.fail("the port is no port");
    return port;
  }

  /** All that remains, as parameters. Of two with one name the first counts. */
  params(): Params {
    const params = new Map<string, string | null>();
    for (this.whitespace(); !this.done; this.whitespace()) {
      this.expect(";");
      this.whitespace();
      const name = this.token().toLowerCase();
      const value = this.#paramValue();
      if (!params.has(name)) params.set(name, value);
    }
    return params;
  }

  #paramValue(): string | null {
    this.whitespace();
    if (!this.takes("=")) return null;
    this.whitespace();
    return this.sees('"') ? this.quotedString() : this.some(valueOctets, "a parameter's value");
  }
}

export const isDigit = (octet: number): boolean => octet >= 0x30 && octet <= 0x39;

/** The place after the closing quote of the quoted-string whose content starts at `at`; beyond the end when there is none. */
function endOfQuoted(text: string, at: number): number {
  for (; at < text.length; at++) {
    const octet = text.charCodeAt(at);
    if (octet === 0x5c) at++;
    else if (octet === 0x22) return at + 1;
  }
  return text.length + 1;
}

/** The place after the comment that opens at `at`; comments nest. */
function endOfComment(text: string, at: number): number {
  let depth = 0;
  for (; at < text.length; at++) {
    const octet = text.charCodeAt(at);
    if (octet === 0x5c) at++;
    else if (octet === 0x28) depth++;
    else if (octet === 0x29 && --depth === 0) return at + 1;
  }
  return text.length;
}

/** Whether a parenthesis at `at` opens a comment; inside a word, as in a URI's user part, it is a character like others. */
const opensComment = (text: string, at: number): boolean => at === 0 || whitespaceOctets[text.charCodeAt(at - 1)] === 1;

/** Appends to `values` the values between the commas of `text`; commas in quoted-strings, `<>` and comments do not count. */
export function splitList(text: string, values: string[]): string[] {
  if (!text.includes(",")) {
    if (text !== "") values.push(text);
    return values;
  }
  let start = 0;
  let at = 0;
  let bracketed = false;
  while (at < text.length) {
    const octet = text.charCodeAt(at);
    if (octet === 0x22) {
      at = endOfQuoted(text, at + 1);
      continue;
    }
    if (octet === 0x28 && !bracketed && opensComment(text, at)) {
      at = endOfComment(text, at);
      continue;
    }
    if (octet === 0x3c) bracketed = true;
    else if (octet === 0x3e) bracketed = false;
    else if (octet === 0x2c && !bracketed) {
      values.push(sliceTrimmed(text, start, at));
      start = at + 1;
    }
    at++;
  }
  values.push(sliceTrimmed(text, start, text.length));
  return values;
}

const beyondOctets = /[\u0100-\uffff]/;
const unsafeInHeader = /[\r\n\u0100-\uffff]/;
const controls = /[\x00-\x08\x0a-\x1f\x7f]/g;

/** The octets of a text in UTF-8, as this codec's strings hold them. */
export const textToOctets = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

/** The text that octets mean in UTF-8, e.g. of a display name, a Subject or a reason phrase. */
export const octetsToText = (octets: string): string => Buffer.from(octets, "latin1").toString("utf8");

/** Octets as they are; what cannot be octets is text. Written as latin1, U+010A would be a line feed. */
const asOctets = (text: string): string => (beyondOctets.test(text) ? textToOctets(text) : text);

/** `value` as it may stand in a header field: octets, with no line end in them and no white space around them. */
export function safeValue(value: string): string {
  const octets = unsafeInHeader.test(value) ? asOctets(value).replace(/[\r\n]/g, " ") : value;
  return sliceTrimmed(octets, 0, octets.length);
}

/** `text` with every octet that is not in `allowed` as an escape. */
export function escapeOctets(text: string, allowed: OctetSet): string {
  if (skip(text, 0, allowed) === text.length) return text;
  let escaped = "";
  for (const octet of Buffer.from(asOctets(text), "latin1"))
    escaped += allowed[octet] === 1 ? String.fromCharCode(octet) : "%" + octet.toString(16).toUpperCase().padStart(2, "0");
  return escaped;
}

/** A quoted-string of `content` that is safe in any header field: controls, line ends among them, become spaces. @see RFC 3261 §25.1 */
export const quote = (content: string): string => '"' + asOctets(content).replace(controls, " ").replace(/["\\]/g, "\\$&") + '"';

/** The content of a quoted-string without its quotes and escapes; any other value as it is. */
export function unquote(value: string): string {
  if (!value.startsWith('"')) return value;
  const content = value.slice(1, -1);
  return content.includes("\\") ? content.replace(/\\([^])/g, "$1") : content;
}

/** Parameters as they follow a value; a value that could not be read back is quoted. */
export function formatParams(params: Params): string {
  let text = "";
  for (const [name, value] of params) {
    if (!isToken(name)) continue;
    text += ";" + name;
    if (value !== null) text += "=" + formatParamValue(value);
  }
  return text;
}

function formatParamValue(value: string): string {
  const plain = value !== "" && skip(value, 0, valueOctets) === value.length;
  return plain || isQuotedString(value) ? value : quote(value);
}

/** Whether `value` is exactly one quoted-string that `quote` would not have to change. */
function isQuotedString(value: string): boolean {
  return value.startsWith('"') && endOfQuoted(value, 1) === value.length && !unsafeInHeader.test(value);
}
