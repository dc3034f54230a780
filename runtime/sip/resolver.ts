import { lookup, Resolver as DnsResolver } from "node:dns/promises";
import { isIP, isIPv6 } from "node:net";
import { defaultPorts, type Target, type TransportName } from "./flow.ts";
import type { Uri } from "./uri.ts";

/** The part of `node:dns/promises` that is used. */
export interface Dns {
  resolveNaptr(name: string): Promise<readonly Naptr[]>;
  resolveSrv(name: string): Promise<readonly Srv[]>;
  lookup(name: string, options: { readonly all: true }): Promise<readonly { readonly address: string }[]>;
}

export interface Naptr {
  readonly flags: string;
  readonly service: string;
  readonly replacement: string;
  readonly order: number;
  readonly preference: number;
}

export interface Srv {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

export interface ResolverOptions {
  readonly dns?: Dns | undefined;
  /** In the order of our preference where the peer's domain states none. */
  readonly transports?: readonly TransportName[] | undefined;
  /** Targets, and records of one kind, that are looked at. */
  readonly maxTargets?: number | undefined;
  /** A number in [0, 1) that shares the load between servers of one priority. */
  chance?(): number;
}

/** Where the next look-up begins: a name, and a port if it is known. */
interface Server {
  readonly transport: TransportName;
  readonly name: string;
  readonly port: number | undefined;
}

const services: readonly { readonly service: string; readonly transport: TransportName; readonly prefix: string }[] = [
  { service: "SIP+D2U", transport: "udp", prefix: "_sip._udp." },
  { service: "SIP+D2T", transport: "tcp", prefix: "_sip._tcp." },
  { service: "SIPS+D2T", transport: "tls", prefix: "_sips._tcp." },
];

/** Finds the targets of a SIP URI, best first, for one to be tried after the other. @see RFC 3263 §4 */
export class Resolver {
  readonly #dns: Dns;
  readonly #transports: readonly TransportName[];
  readonly #maxTargets: number;
  readonly #chance: () => number;

  constructor({ dns = systemDns(), transports = ["udp", "tcp", "tls"], maxTargets = 8, chance = Math.random }: ResolverOptions = {}) {
    this.#dns = dns;
    this.#transports = transports;
    this.#maxTargets = maxTargets;
    this.#chance = chance;
  }

  /** The targets; none where the URI is no SIP URI, names a transport that we do not have, or its name has no address. */
  async resolve(uri: Uri): Promise<Target[]> {
    if (uri.scheme !== "sip" && uri.scheme !== "sips") return [];
    const transports = this.#allowed(uri);
    const name = withoutBrackets(uri.params.get("maddr") ?? uri.host);
    const targets: Target[] = [];
    for (const server of await this.#servers(name, uri.port, transports, uri.params.has("transport"))) {
      targets.push(...(await this.#targets(server, name)));
      if (targets.length >= this.#maxTargets) break;
    }
    return targets.slice(0, this.#maxTargets);
  }

  /** The transports that the URI leaves us. @see RFC 3261 §19.1.1, §26.2.2, RFC 3263 §4.1 */
  #allowed(uri: Uri): readonly TransportName[] {
    const asked = uri.params.get("transport")?.toLowerCase();
    const secure = uri.scheme === "sips";
    if (asked === undefined) return secure ? this.#transports.filter((transport) => transport === "tls") : this.#transports;
    // Over TLS both `sips:…;transport=tcp` and the deprecated `sip:…;transport=tls`.
    const wanted = secure && asked === "tcp" ? "tls" : asked;
    return this.#transports.filter((transport) => transport === wanted && (!secure || transport === "tls"));
  }

  async #servers(name: string, port: number | undefined, transports: readonly TransportName[], asked: boolean): Promise<readonly Server[]> {
    const [first] = transports;
    if (first === undefined) return [];
    if (isIP(name) !== 0 || port !== undefined) return [{ transport: first, name, port }];
    const found = asked ? await this.#srvOfTransports(name, transports) : await this.#srvByNaptr(name, transports);
    return found.length > 0 ? found : [{ transport: first, name, port: undefined }];
  }

  /** @see RFC 3263 §4.1 */
  async #srvByNaptr(name: string, transports: readonly TransportName[]): Promise<readonly Server[]> {
    const records = await orNone(this.#dns.resolveNaptr(name));
    const usable = records
      .slice(0, this.#maxTargets)
      .toSorted((a, b) => a.order - b.order || a.preference - b.preference)
      .flatMap(({ flags, service, replacement }) => {
        const known = services.find((s) => s.service === service.toUpperCase() && transports.includes(s.transport));
        return known !== undefined && flags.toLowerCase() === "s" ? [{ transport: known.transport, name: replacement }] : [];
      });
    if (usable.length === 0) return this.#srvOfTransports(name, transports);
    return this.#srv(usable);
  }

  #srvOfTransports(name: string, transports: readonly TransportName[]): Promise<readonly Server[]> {
    return this.#srv(transports.flatMap((transport) => services.filter((s) => s.transport === transport).map(({ prefix }) => ({ transport, name: prefix + name }))));
  }

  async #srv(questions: readonly { readonly transport: TransportName; readonly name: string }[]): Promise<readonly Server[]> {
    const answers = await Promise.all(questions.map(({ name }) => orNone(this.#dns.resolveSrv(name))));
    return answers.flatMap((records, i) => {
      const transport = questions[i]?.transport;
      // A server named "." says that the service is not there.
      const offered = records.filter(({ name }) => name !== "." && name !== "").slice(0, this.#maxTargets);
      return transport === undefined ? [] : this.#inOrder(offered).map(({ name, port }) => ({ transport, name, port }));
    });
  }

  /** By priority, and at random by weight within one. @see RFC 3263 §4.2 */
  #inOrder(records: readonly Srv[]): Srv[] {
    const key = new Map(records.map((record) => [record, this.#chance() ** (1 / Math.max(record.weight, 0.01))]));
    return records.toSorted((a, b) => a.priority - b.priority || (key.get(b) ?? 0) - (key.get(a) ?? 0));
  }

  /** TLS asks the certificate for the name that the URI gave, not for the one that DNS made of it. */
  async #targets({ transport, name, port = defaultPorts[transport] }: Server, asked: string): Promise<Target[]> {
    const addresses = isIP(name) !== 0 ? [{ address: name }] : await orNone(this.#dns.lookup(name, { all: true }));
    return addresses
      .filter(({ address }) => isIP(address) !== 0)
      .slice(0, this.#maxTargets)
      .map(({ address: host }) => (transport === "tls" && isIP(asked) === 0 ? { transport, host, port, name: asked } : { transport, host, port }));
  }
}

/** `node:dns`, which gives up in seconds; addresses also from the hosts file. */
function systemDns(): Dns {
  const resolver = new DnsResolver({ timeout: 2_000, tries: 2 });
  return {
    resolveNaptr: (name) => resolver.resolveNaptr(name),
    resolveSrv: (name) => resolver.resolveSrv(name),
    lookup: (name, options) => lookup(name, options),
  };
}

/** No answer is the same as no record: the next way of RFC 3263 is tried. */
async function orNone<R>(records: Promise<readonly R[]>): Promise<readonly R[]> {
  try {
    return await records;
  } catch {
    return [];
  }
}

function withoutBrackets(host: string): string {
  return host.startsWith("[") && isIPv6(host.slice(1, -1)) ? host.slice(1, -1) : host;
}
