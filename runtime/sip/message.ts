import { formatParams, isDigit, isToken, malformed, octetsToText, safeValue, Scanner, skip, splitList, textToOctets } from "./grammar.ts";
import type { Params } from "./grammar.ts";
import { reasonPhrases } from "./reason-phrases.ts";
import { parseNameAddr } from "./uri.ts";
import type { NameAddr } from "./uri.ts";

export { octetsToText, textToOctets };
export type { NameAddr, Params };

/** One value of a Via header field. @see RFC 3261 §20.42 */
export interface Via {
  /** In upper case. */
  readonly transport: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly params: Params;
  readonly raw: string;
}

/** @see RFC 3261 §20.16 */
export interface CSeq {
  readonly seq: number;
  readonly method: string;
}

/** One line of the header. */
export interface HeaderField {
  /** As it was spelled. */
  readonly name: string;
  /** What all spellings of the name share: its long form in lower case. */
  readonly key: string;
  /** Without folds and the white space around it. */
  readonly value: string;
}

const compactForms: Readonly<Record<string, string>> = {
  a: "accept-contact",
  b: "referred-by",
  c: "content-type",
  d: "request-disposition",
  e: "content-encoding",
  f: "from",
  i: "call-id",
  j: "reject-contact",
  k: "supported",
  l: "content-length",
  m: "contact",
  n: "identity-info",
  o: "event",
  r: "refer-to",
  s: "subject",
  t: "to",
  u: "allow-events",
  v: "via",
  x: "session-expires",
  y: "identity",
};

/** Spellings and their keys. Both bounds keep a peer that invents names from growing it. */
const keys = new Map<string, string>();
const keysAtMost = 1024;
const keyOctetsAtMost = 64;

/**
 * The key of a header field's name in any case, long or compact.
 *
 * @throws {PeerMisbehaved} SIP_MALFORMED, 400: the name is no token. @see RFC 3261 §7.3.1
 */
export function headerKey(name: string): string {
  const known = keys.get(name);
  if (known !== undefined) return known;
  if (!isToken(name)) malformed("RFC 3261 §7.3.1", "the name of a header field is no token");
  // Copied: a slice would keep the whole message that it came in.
  const copy = Buffer.from(name, "latin1").toString("latin1");
  const lower = copy.toLowerCase();
  const key = compactForms[lower] ?? lower;
  if (keys.size < keysAtMost && name.length <= keyOctetsAtMost) keys.set(copy, key);
  return key;
}

const nothing: Buffer = Buffer.alloc(0);

/**
 * A request or a response.
 *
 * Header fields are raw and in order; what is not understood passes as it
 * came. Strings are octets (latin1): `octetsToText` and `textToOctets` convert
 * what is meant as text. What `add`, `set` and `prepend` are given cannot leave
 * its header field: line ends become spaces.
 *
 * @see RFC 3261 §7
 */
export class SipMessage {
  /** Empty in a response. */
  method = "";
  /** The Request-URI, empty in a response. */
  uri = "";
  /** The Status-Code, 0 in a request. */
  status = 0;
  reason = "";
  /** May be a view of the octets that the message was read from. */
  body: Buffer = nothing;
  readonly #fields: HeaderField[];
  #via: readonly Via[] | undefined;
  #from: NameAddr | undefined;
  #to: NameAddr | undefined;
  #cseq: CSeq | undefined;

  /** For the codec: `fields` are taken over as they are. */
  constructor(fields: HeaderField[] = []) {
    this.#fields = fields;
  }

  static request(method: string, uri: string): SipMessage {
    const message = new SipMessage();
    message.method = method;
    message.uri = uri;
    return message;
  }

  static response(status: number, reason: string = reasonPhrases[status] ?? ""): SipMessage {
    const message = new SipMessage();
    message.status = status;
    message.reason = reason;
    return message;
  }

  get isRequest(): boolean {
    return this.status === 0;
  }

  /** The header, line by line. */
  get fields(): readonly HeaderField[] {
    return this.#fields;
  }

  /** The value of the first header field with this name, in any case, long or compact. */
  get(name: string): string | undefined {
    const key = headerKey(name);
    for (const field of this.#fields) if (field.key === key) return field.value;
    return undefined;
  }

  /** The values of all header fields with this name, one a line. */
  getAll(name: string): string[] {
    const key = headerKey(name);
    return this.#fields.filter((field) => field.key === key).map((field) => field.value);
  }

  /** The comma-separated values of all header fields with this name. */
  list(name: string): string[] {
    const key = headerKey(name);
    const values: string[] = [];
    for (const field of this.#fields) if (field.key === key) splitList(field.value, values);
    return values;
  }

  /** Whether a comma-separated value, without its parameters, is `token` in any case. */
  has(name: string, token: string): boolean {
    const wanted = token.toLowerCase();
    return this.list(name).some((value) => value.split(";", 1)[0]?.trimEnd().toLowerCase() === wanted);
  }

  add(name: string, value: string): this {
    this.#fields.push(headerField(name, value));
    return this.#changed();
  }

  /** Puts the value where the first header field with this name is, or last; removes the others. */
  set(name: string, value: string): this {
    const field = headerField(name, value);
    const at = this.#fields.findIndex(({ key }) => key === field.key);
    if (at < 0) return this.add(name, value);
    this.delete(name);
    this.#fields.splice(at, 0, field);
    return this.#changed();
  }

  prepend(name: string, value: string): this {
    this.#fields.unshift(headerField(name, value));
    return this.#changed();
  }

  delete(name: string): this {
    const key = headerKey(name);
    for (let at = this.#fields.length - 1; at >= 0; at--) if (this.#fields[at]?.key === key) this.#fields.splice(at, 1);
    return this.#changed();
  }

  /** @throws {PeerMisbehaved} SIP_MALFORMED, 400: a Via breaks the grammar. */
  get via(): readonly Via[] {
    return (this.#via ??= this.list("via").map(parseVia));
  }

  /** @throws {PeerMisbehaved} SIP_MALFORMED, 400: From is missing or breaks the grammar. */
  get from(): NameAddr {
    return (this.#from ??= parseNameAddr(this.#mandatory("from")));
  }

  /** @throws {PeerMisbehaved} SIP_MALFORMED, 400: To is missing or breaks the grammar. */
  get to(): NameAddr {
    return (this.#to ??= parseNameAddr(this.#mandatory("to")));
  }

  /** @throws {PeerMisbehaved} SIP_MALFORMED, 400: CSeq is missing, breaks the grammar or is 2**31 or more. */
  get cseq(): CSeq {
    return (this.#cseq ??= parseCSeq(this.#mandatory("cseq")));
  }

  /** @throws {PeerMisbehaved} SIP_MALFORMED, 400: Call-ID is missing. */
  get callId(): string {
    return this.#mandatory("call-id");
  }

  /** Replaces the topmost value of Via. @throws {PeerMisbehaved} SIP_MALFORMED, 400: there is none. */
  setTopVia(raw: string): void {
    const at = this.#fields.findIndex(({ key }) => key === "via");
    const top = this.#fields[at];
    if (top === undefined) malformed("RFC 3261 §8.1.1", "Via is missing");
    const [, ...others] = splitList(top.value, []);
    this.#fields[at] = headerField(top.name, [raw, ...others].join(", "));
    this.#changed();
  }

  #mandatory(key: string): string {
    return this.get(key) ?? malformed("RFC 3261 §8.1.1", `${key} is missing`);
  }

  /** Forgets the views of what the header was. */
  #changed(): this {
    this.#via = this.#from = this.#to = this.#cseq = undefined;
    return this;
  }
}

const headerField = (name: string, value: string): HeaderField => ({ name, key: headerKey(name), value: safeValue(value) });

/** @throws {PeerMisbehaved} SIP_MALFORMED, 400: the grammar is broken. @see RFC 3261 §20.42 */
export function parseVia(raw: string): Via {
  const scan = new Scanner(raw, "RFC 3261 §20.42");
  if (scan.token().toUpperCase() !== "SIP") scan.fail("the protocol is not SIP");
  scan.separator("/");
  scan.token();
  scan.separator("/");
  const transport = scan.token().toUpperCase();
  scan.whitespace();
  const host = scan.host();
  scan.whitespace();
  const port = scan.port();
  return { transport, host, port, params: scan.params(), raw };
}

/** One value of Via, e.g. for `prepend` and `setTopVia`. */
export function formatVia({ transport, host, port, params }: Omit<Via, "raw">): string {
  return `SIP/2.0/${transport} ${host}${port === undefined ? "" : ":" + port}${formatParams(params)}`;
}

const seqBound = 2 ** 31;

function parseCSeq(value: string): CSeq {
  const scan = new Scanner(value, "RFC 3261 §8.1.1.5");
  const digits = scan.token();
  scan.whitespace();
  const method = scan.token();
  if (!scan.done) scan.fail("CSeq has something after its method");
  return { seq: parseDecimal(digits, seqBound - 1) ?? scan.fail("CSeq is not below 2**31"), method };
}

const decimalDigits = Uint8Array.from({ length: 256 }, (_, octet) => Number(isDigit(octet)));

/** A decimal number of at most `max`; undefined if it is something else. Leading zeros are no fault. */
export function parseDecimal(text: string, max: number): number | undefined {
  if (text === "" || skip(text, 0, decimalDigits) !== text.length) return undefined;
  const number = Number(text);
  return number <= max ? number : undefined;
}
