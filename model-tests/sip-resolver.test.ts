import { describe, expect, test } from "vitest";
import { Resolver, type Dns, type Naptr, type ResolverOptions, type Srv } from "../runtime/sip/resolver.ts";
import { parseUri } from "../runtime/sip/uri.ts";

interface Zone {
  readonly naptr?: Readonly<Record<string, readonly Naptr[]>>;
  readonly srv?: Readonly<Record<string, readonly Srv[]>>;
  readonly addresses?: Readonly<Record<string, readonly string[]>>;
}

/** A DNS that knows one zone, and says of everything else that it is not there. */
function dnsOf({ naptr = {}, srv = {}, addresses = {} }: Zone, asked: string[] = []): Dns {
  const answer = <R>(kind: string, name: string, records: readonly R[] | undefined): Promise<readonly R[]> => {
    asked.push(`${kind} ${name}`);
    return records === undefined ? Promise.reject(new Error("ENOTFOUND")) : Promise.resolve(records);
  };
  return {
    resolveNaptr: (name) => answer("NAPTR", name, naptr[name]),
    resolveSrv: (name) => answer("SRV", name, srv[name]),
    lookup: (name) => answer("A", name, addresses[name]?.map((address) => ({ address }))),
  };
}

const srv = (name: string, port: number, priority = 1, weight = 1): Srv => ({ name, port, priority, weight });
const naptr = (order: number, service: string, replacement: string, flags = "s"): Naptr => ({ order, preference: 1, flags, service, replacement });

/** Targets as `transport host:port name`. */
async function resolve(uri: string, zone: Zone = {}, options: ResolverOptions = {}): Promise<string[]> {
  const targets = await new Resolver({ dns: dnsOf(zone), chance: () => 0.5, ...options }).resolve(parseUri(uri));
  return targets.map(({ transport, host, port, name }) => [transport, `${host}:${port}`, ...(name === undefined ? [] : [name])].join(" "));
}

const full: Zone = {
  naptr: {
    "cpm.example": [naptr(50, "SIP+D2T", "_sip._tcp.cpm.example"), naptr(10, "SIPS+D2T", "_sips._tcp.cpm.example"), naptr(90, "SIP+D2U", "_sip._udp.cpm.example"), naptr(1, "SIP+D2S", "_sip._sctp.cpm.example"), naptr(2, "E2U+sip", "x", "u")],
  },
  srv: {
    "_sip._udp.cpm.example": [srv("a.cpm.example", 5070)],
    "_sip._tcp.cpm.example": [srv("b.cpm.example", 5080, 20), srv("a.cpm.example", 5070, 10)],
    "_sips._tcp.cpm.example": [srv("a.cpm.example", 5071)],
    "_sip._udp.srv.example": [srv("b.cpm.example", 5090)],
    "_sip._tcp.srv.example": [srv("b.cpm.example", 5091)],
    "_sip._udp.none.example": [srv(".", 0)],
  },
  addresses: { "a.cpm.example": ["10.0.0.1", "2001:db8::1"], "b.cpm.example": ["10.0.0.2"], "cpm.example": ["10.0.0.9"], "plain.example": ["10.0.0.3"], "none.example": ["10.0.0.4"] },
};

describe("RFC 3263 §4", () => {
  test.each([
    ["sip:alice@10.0.0.1", ["udp 10.0.0.1:5060"]],
    ["sip:10.0.0.1:5070", ["udp 10.0.0.1:5070"]],
    ["sip:10.0.0.1;transport=TCP", ["tcp 10.0.0.1:5060"]],
    ["sip:10.0.0.1;transport=tls", ["tls 10.0.0.1:5061"]],
    ["sip:[2001:db8::1]:5070", ["udp 2001:db8::1:5070"]],
    ["sips:10.0.0.1", ["tls 10.0.0.1:5061"]],
    ["sips:10.0.0.1;transport=tcp", ["tls 10.0.0.1:5061"]],
    ["sips:10.0.0.1;transport=udp", []],
    ["sip:10.0.0.1;transport=sctp", []],
    ["tel:+15551234", []],
    ["sip:anything.example;maddr=10.0.0.5", ["udp 10.0.0.5:5060"]],
  ])("%s needs no DNS: %j", async (uri, targets) => {
    const asked: string[] = [];
    expect(await resolve(uri, {}, { dns: dnsOf(full, asked) })).toEqual(targets);
    expect(asked).toEqual([]);
  });

  test.each([
    ["sip:plain.example:5070", ["udp 10.0.0.3:5070"], "a port: addresses only"],
    ["sip:cpm.example:5070;transport=tcp", ["tcp 10.0.0.9:5070"], "a port and a transport: addresses only"],
    ["sip:cpm.example", ["tls 10.0.0.1:5071 cpm.example", "tls 2001:db8::1:5071 cpm.example", "tcp 10.0.0.1:5070", "tcp 2001:db8::1:5070", "tcp 10.0.0.2:5080", "udp 10.0.0.1:5070", "udp 2001:db8::1:5070"], "NAPTR in its order, without what we do not speak"],
    ["sips:cpm.example", ["tls 10.0.0.1:5071 cpm.example", "tls 2001:db8::1:5071 cpm.example"], "sips: TLS only"],
    ["sip:cpm.example;transport=udp", ["udp 10.0.0.1:5070", "udp 2001:db8::1:5070"], "a transport: its SRV"],
    ["sip:srv.example", ["udp 10.0.0.2:5090", "tcp 10.0.0.2:5091"], "no NAPTR: SRV of every transport"],
    ["sip:plain.example", ["udp 10.0.0.3:5060"], "no SRV: addresses and the default port"],
    ["sips:plain.example", ["tls 10.0.0.3:5061 plain.example"], "no SRV, sips"],
    ["sip:none.example;transport=udp", ["udp 10.0.0.4:5060"], "a service that is declared absent"],
    ["sip:nobody.example", [], "nothing at all"],
  ])("%s: %j, %s", async (uri, targets) => {
    expect(await resolve(uri, full)).toEqual(targets);
  });

  test("servers of one priority share the load by weight", async () => {
    const zone: Zone = { srv: { "_sip._udp.x.example": [srv("10.0.0.1", 1, 1, 90), srv("10.0.0.2", 2, 1, 10)] } };
    let seed = 1;
    const chance = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    let first = 0;
    for (let i = 0; i < 1000; i++) if ((await resolve("sip:x.example;transport=udp", zone, { chance }))[0] === "udp 10.0.0.1:1") first++;
    expect(first).toBeGreaterThan(860);
    expect(first).toBeLessThan(940);
  });

  test("a domain with a thousand records gives eight targets and few questions", async () => {
    const asked: string[] = [];
    const many = Array.from({ length: 1000 }, (_, i) => srv(`h${i}.x.example`, 5060));
    const addresses = Object.fromEntries(many.map(({ name }) => [name, Array.from({ length: 100 }, (_, i) => `10.0.0.${i}`)]));
    const dns = dnsOf({ srv: { "_sip._udp.x.example": many }, addresses }, asked);
    expect(await resolve("sip:x.example;transport=udp", {}, { dns })).toHaveLength(8);
    expect(asked.length).toBeLessThan(4);
  });

  test("only transports that we have are tried", async () => {
    expect(await resolve("sip:cpm.example", full, { transports: ["udp"] })).toEqual(["udp 10.0.0.1:5070", "udp 2001:db8::1:5070"]);
    expect(await resolve("sips:cpm.example", full, { transports: ["udp", "tcp"] })).toEqual([]);
  });
});
