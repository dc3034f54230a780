import type { Clock, Timer } from "../clock.ts";
import { PeerMisbehaved } from "../errors.ts";
import type { HeaderFields } from "./content.ts";
import type { SipMessage } from "./message.ts";
import type { Flow } from "./transport.ts";
import { formatNameAddr, parseNameAddr, parseUri, unquote, uriEquals } from "./uri.ts";
import type { NameAddr, Uri } from "./uri.ts";

/** Where a user's device can be reached. @see RFC 3261 §10.3 */
export interface Binding {
  /** The Contact's URI. */
  readonly uri: string;
  /** The Contact header field's value as it came: feature tags, q, +sip.instance. */
  readonly contact: string;
  /** +sip.instance, which tells the user's devices apart. @see RFC 5626 §4.1 */
  readonly instance: string | undefined;
  readonly regId: string | undefined;
  /** The flow, and nothing else, leads to the device. @see RFC 5626 §5.3 */
  readonly outbound: boolean;
  /** 0 to 1. */
  readonly q: number;
  /** On the endpoint's clock. */
  readonly expiresAt: number;
  /** What the registration came on. */
  readonly flow: Flow;
  /** Proxies between us and the device. @see RFC 3327 §5.3 */
  readonly path: readonly string[];
}

interface Registered extends Binding {
  readonly callId: string;
  readonly seq: number;
}

export interface RegistrarOptions {
  readonly clock: Clock;
  readonly domain: string;
  readonly maxBindings: number;
  readonly maxBindingsPerUser: number;
  readonly minS: number;
  readonly maxS: number;
}

/** What a REGISTER is answered with. */
export interface Registration {
  readonly status: number;
  readonly headers: HeaderFields;
}

const defaultExpiresS = 3600;
const contactOctetsAtMost = 4096;
const sweepMs = 60_000;

/** The registrar and location service of one domain. @see RFC 3261 §10.3 */
export class Registrar {
  readonly #options: RegistrarOptions;
  readonly #users = new Map<string, readonly Registered[]>();
  #size = 0;
  #sweep: Timer | undefined;

  constructor(options: RegistrarOptions) {
    this.#options = { ...options, domain: options.domain.toLowerCase() };
  }

  /** Bindings, of all users. */
  get size(): number {
    return this.#size;
  }

  close(): void {
    this.#sweep?.stop();
  }

  /** The bindings of an address-of-record, one for each device, highest q first; undefined for a URI that is none of ours. */
  lookup(uri: Uri): readonly Binding[] | undefined {
    const user = this.#userOf(uri);
    return user === undefined ? undefined : newestOfDevices(this.#reachable(user));
  }

  /** The user's name; of a tel URI the number. A URI with a port names a host, not the domain. */
  #userOf(uri: Uri): string | undefined {
    const { scheme, user, host, port } = uri;
    if (user === undefined) return undefined;
    if (scheme === "tel") return withoutSeparators(user);
    const ours = (scheme === "sip" || scheme === "sips") && port === undefined && host.toLowerCase() === this.#options.domain;
    return ours ? unescape(user.split(";", 1)[0] ?? "") : undefined;
  }

  #reachable(user: string): readonly Registered[] {
    const now = this.#options.clock.now();
    return (this.#users.get(user) ?? []).filter((binding) => binding.expiresAt > now && !(binding.outbound && binding.flow.closed));
  }

  /**
   * Answers a REGISTER, all of it or nothing.
   *
   * @throws {PeerMisbehaved} SIP_MALFORMED, 400: To is no SIP URI, a Contact or an expiry breaks the grammar.
   */
  register(request: SipMessage, flow: Flow): Registration {
    if (!/^sips?:/i.test(request.to.uri)) throw malformed("the address-of-record is a SIP or SIPS URI");
    const user = this.#userOf(parseUri(request.to.uri));
    if (user === undefined) return { status: 404, headers: [] };
    const contacts = request.list("contact");
    const before = this.#reachable(user);
    const after = contacts.includes("*") ? this.#withoutAll(request, contacts, before) : this.#with(request, flow, contacts, before);
    if (!Array.isArray(after)) return after;
    return this.#keep(user, after) ?? { status: 200, headers: this.#answer(request, after) };
  }

  /** `*` only alone and with Expires: 0. @see RFC 3261 §10.3, step 6 */
  #withoutAll(request: SipMessage, contacts: readonly string[], before: readonly Registered[]): Registered[] | Registration {
    if (contacts.length > 1 || readSeconds(request.get("expires")) !== 0) throw malformed("the wildcard needs Expires: 0 and no other Contact");
    return before.some((binding) => isStale(binding, request)) ? outOfOrder : [];
  }

  #with(request: SipMessage, flow: Flow, contacts: readonly string[], before: readonly Registered[]): Registered[] | Registration {
    let bindings = [...before];
    for (const contact of contacts) {
      const address = readContact(contact);
      const expiresS = this.#expiresOf(address, request);
      if (expiresS === undefined) return { status: 423, headers: [["Min-Expires", String(this.#options.minS)]] };
      const others = bindings.filter((binding) => !isSameDevice(binding, address));
      if (bindings.some((binding) => isSameDevice(binding, address) && isStale(binding, request))) return outOfOrder;
      bindings = expiresS === 0 ? others : [...others, this.#bind(request, flow, contact, address, expiresS)];
    }
    return bindings;
  }

  /** In seconds; undefined when it is too brief. @see RFC 3261 §10.3, step 7 */
  #expiresOf(address: NameAddr, request: SipMessage): number | undefined {
    const asked = readSeconds(address.params.get("expires") ?? request.get("expires")) ?? defaultExpiresS;
    if (asked > 0 && asked < this.#options.minS && asked < 3600) return undefined;
    return Math.min(asked, this.#options.maxS);
  }

  #bind(request: SipMessage, flow: Flow, contact: string, { uri, params }: NameAddr, expiresS: number): Registered {
    const instance = params.get("+sip.instance");
    const regId = params.get("reg-id") ?? undefined;
    const q = Number(params.get("q") ?? 1);
    return {
      uri,
      contact,
      instance: instance == null ? undefined : unquote(instance),
      regId,
      outbound: (regId !== undefined && instance != null) || parseUri(uri).params.has("ob"),
      q: q >= 0 && q <= 1 ? q : 1,
      expiresAt: this.#options.clock.now() + expiresS * 1000,
      flow,
      path: request.list("path"),
      callId: request.callId,
      seq: request.cseq.seq,
    };
  }

  #keep(user: string, bindings: readonly Registered[]): Registration | undefined {
    const { maxBindings, maxBindingsPerUser } = this.#options;
    const stored = this.#users.get(user)?.length ?? 0;
    const size = this.#size - stored + bindings.length;
    const grows = bindings.length > stored;
    if (grows && (bindings.length > maxBindingsPerUser || size > maxBindings)) return { status: 503, headers: [["Retry-After", "60"]] };
    this.#size = size;
    if (bindings.length === 0) this.#users.delete(user);
    else this.#users.set(user, bindings);
    if (this.#size > 0) this.#sweep ??= this.#options.clock.after(sweepMs, () => this.#removeExpired());
    return undefined;
  }

  /** Users who never come back do not stay for ever. */
  #removeExpired(): void {
    this.#sweep = undefined;
    for (const user of this.#users.keys()) this.#keep(user, this.#reachable(user));
  }

  /** @see RFC 3261 §10.3, step 8 */
  #answer(request: SipMessage, bindings: readonly Registered[]): HeaderFields {
    const now = this.#options.clock.now();
    const contacts = bindings.map((binding) => ["Contact", `${withoutExpires(binding)};expires=${Math.ceil((binding.expiresAt - now) / 1000)}`] as const);
    const path = request.list("path").map((value) => ["Path", value] as const);
    const outbound = bindings.some((binding) => binding.regId !== undefined) && request.has("supported", "outbound");
    return [...contacts, ...path, ...(outbound ? [["Require", "outbound"] as const] : [])];
  }
}

const outOfOrder: Registration = { status: 500, headers: [["Retry-After", "1"]] };

const malformed = (detail: string) => new PeerMisbehaved("SIP_MALFORMED", "RFC 3261 §10.3", 400, detail);

function readSeconds(value: string | null | undefined): number | undefined {
  if (value === undefined) return undefined;
  // RFC 3261 §20.19: a malformed expiry counts as 3600.
  return value !== null && /^\d{1,10}$/.test(value.trim()) ? Number(value) : defaultExpiresS;
}

function readContact(contact: string): NameAddr {
  if (contact.length > contactOctetsAtMost) throw malformed("a Contact is too long");
  const address = parseNameAddr(contact);
  const { scheme } = parseUri(address.uri);
  if (scheme !== "sip" && scheme !== "sips") throw malformed("a Contact is no SIP URI");
  return address;
}

/** @see RFC 5626 §6, RFC 3261 §10.3 */
function isSameDevice(binding: Registered, { uri, params }: NameAddr): boolean {
  const instance = params.get("+sip.instance");
  if (instance != null && binding.instance !== undefined) return binding.instance === unquote(instance) && binding.regId === (params.get("reg-id") ?? undefined);
  return instance == null && binding.instance === undefined && uriEquals(binding.uri, uri);
}

/** The same client has registered something later already. */
function isStale(binding: Registered, request: SipMessage): boolean {
  return binding.callId === request.callId && binding.seq >= request.cseq.seq;
}

/** A device with several flows is reached on the newest. */
function newestOfDevices(bindings: readonly Registered[]): readonly Registered[] {
  const devices = new Map<string, Registered>();
  for (const binding of bindings) devices.set(binding.instance ?? binding.uri, binding);
  return [...devices.values()].sort((a, b) => b.q - a.q);
}

function withoutExpires({ uri, contact }: Registered): string {
  const { display, params } = parseNameAddr(contact);
  return formatNameAddr({ display, uri, params: new Map([...params].filter(([name]) => name !== "expires")) });
}

const withoutSeparators = (number: string) => number.replace(/[-.()]/g, "");

function unescape(user: string): string {
  try {
    return decodeURIComponent(user);
  } catch {
    return user;
  }
}
