/**
 * The configuration, typed: from the command line, else the environment, else a file, else the defaults.
 */
import { readFileSync } from "node:fs";
import { BlockList, isIP } from "node:net";
import { createSecureContext } from "node:tls";
import { parseArgs } from "node:util";
import { defaults, notAbove, policies as known, type Policies, type PolicyName } from "../machines/policies.ts";
import { PeerMisbehaved } from "./errors.ts";
import { parseUri } from "./sip/uri.ts";

/** Something in the configuration is wrong; the message is one line and says what. */
export class ConfigurationRefused extends Error {
  override readonly name = "ConfigurationRefused";
}

const refuse = (detail: string): never => {
  throw new ConfigurationRefused(detail);
};

export interface ListenAddress<T extends string> {
  readonly transport: T;
  readonly host: string;
  readonly port: number;
}

export const logLevels = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof logLevels)[number];

export const clocks = ["system", "controlled"] as const;

export interface Configuration {
  readonly listen: readonly ListenAddress<"udp" | "tcp" | "tls">[];
  readonly msrp: readonly ListenAddress<"tcp" | "tls">[];
  /** What Contact, Via and MSRP paths name where a listener's address is a wildcard. */
  readonly advertise: string | undefined;
  readonly tls: { readonly key: string; readonly cert: string } | undefined;
  readonly domain: string;
  readonly factory: string;
  readonly data: string;
  readonly trusted: BlockList;
  readonly route: string | undefined;
  readonly policies: Policies;
  /** Read again at SIGHUP. */
  readonly file: string | undefined;
  readonly trace: string | undefined;
  /** `controlled`: the timers of machines expire when standard input says so. */
  readonly clock: (typeof clocks)[number];
  readonly admin: AdminAddress | undefined;
  readonly logLevel: LogLevel;
}

/** Where the operator is served. */
export interface AdminAddress {
  readonly host: string;
  readonly port: number;
  /** What every request has to show; never undefined beyond loopback. */
  readonly token: string | undefined;
  /** Somebody asked for it: then it is there, or the server does not start. */
  readonly wanted: boolean;
}

interface Option {
  readonly value: string;
  readonly repeatable?: boolean;
  readonly default?: string | readonly string[];
  readonly help: string;
}

/** The keys of the command line and of the file; in the environment `CPM_` and upper case. */
const options = {
  listen: {
    value: "TRANSPORT:HOST:PORT",
    repeatable: true,
    default: ["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"],
    help: "where SIP listens: udp, tcp or tls; an IPv6 host in brackets; port 0 is any",
  },
  msrp: { value: "TRANSPORT:HOST:PORT", repeatable: true, default: ["tcp:127.0.0.1:2855"], help: "where MSRP listens: tcp or tls" },
  advertise: { value: "HOST", help: "what Contact and MSRP paths name where a listener is a wildcard" },
  "tls-key": { value: "FILE", help: "the private key of TLS, PEM" },
  "tls-cert": { value: "FILE", help: "the certificate of TLS, PEM" },
  domain: { value: "NAME", default: "cpm.example", help: "the domain whose users register here" },
  factory: { value: "URI", default: "sip:conference-factory@cpm.example", help: "the Conference-factory URI" },
  data: { value: "FOLDER", default: "./data", help: "where files are spooled" },
  trust: { value: "ADDRESS[/BITS]", repeatable: true, default: ["127.0.0.0/8", "::1"], help: "peers whose word for who speaks is taken" },
  route: { value: "URI", help: "the outbound proxy, e.g. sip:127.0.0.1:5070;lr; in an IMS the S-CSCF" },
  policy: { value: "NAME=VALUE", repeatable: true, help: "a service-provider policy, limit or timer; see below" },
  config: { value: "FILE", help: "these keys in JSON; SIGHUP reads its policies again" },
  trace: { value: "FILE", help: "append one line of NDJSON for every step of every machine" },
  clock: { value: "CLOCK", default: "system", help: "system; or, for testers, controlled: the timers of machines expire when a line of standard input says so" },
  admin: { value: "ADDRESS:PORT", default: "127.0.0.1:8060", help: "where the operator is served over HTTP: health, metrics, groups; port 0 is any, none is nowhere; beyond loopback it needs a token" },
  "admin-token": { value: "FILE", help: "a file with the token that the operator then has to show; in the environment CPM_ADMIN_TOKEN is the token itself" },
  "log-level": { value: "LEVEL", default: "info", help: "error, warn, info or debug" },
} as const satisfies Record<string, Option>;

type Key = keyof typeof options;
const keys = Object.keys(options) as Key[];
const optionOf = (key: Key): Option => options[key];

/** What was said for each key, however it was said. */
type Said = { readonly [K in Key]?: readonly string[] };

/**
 * @throws {ConfigurationRefused} an unknown key, a value out of its range, a file that cannot be read
 */
export function readConfiguration(args: readonly string[], environment: NodeJS.ProcessEnv): Configuration {
  const commandLine = fromArguments(args);
  const surroundings = fromEnvironment(environment);
  const file = commandLine.config?.[0] ?? surroundings.config?.[0];
  const said = (key: Key): readonly string[] => commandLine[key] ?? surroundings[key] ?? inFile[key] ?? [optionOf(key).default ?? []].flat();
  const inFile = file === undefined ? {} : fromFile(file);
  const one = (key: Key): string | undefined => said(key).at(-1);
  const listen = said("listen").map((text) => listenAddress(text, ["udp", "tcp", "tls"], "--listen"));
  const msrp = said("msrp").map((text) => listenAddress(text, ["tcp", "tls"], "--msrp"));
  const tls = tlsOf(one("tls-key"), one("tls-cert"));
  if (tls === undefined && [...listen, ...msrp].some(({ transport }) => transport === "tls")) refuse("a tls listener needs --tls-key and --tls-cert");
  if (msrp.length === 0) refuse("--msrp: at least one listener is needed");
  const advertise = one("advertise");
  const wildcard = [...listen, ...msrp].find(({ host }) => host === "0.0.0.0" || host === "::");
  if (wildcard !== undefined && advertise === undefined) refuse(`${wildcard.host} is no address that a peer can reach: --advertise names the one that Contact and MSRP paths show`);
  return {
    listen,
    msrp,
    advertise: advertise === undefined ? undefined : hostName(advertise, "--advertise"),
    tls,
    domain: hostName(one("domain")!, "--domain"),
    factory: sipUri(one("factory")!, "--factory"),
    data: one("data")!,
    trusted: blockList(said("trust")),
    route: one("route") === undefined ? undefined : sipUri(one("route")!, "--route"),
    policies: policiesOf([...(inFile.policy ?? []), ...(surroundings.policy ?? []), ...(commandLine.policy ?? [])]),
    file,
    trace: one("trace"),
    clock: clocks.find((clock) => clock === one("clock")) ?? refuse(`--clock: one of ${clocks.join(", ")}`),
    admin: adminAddress(one("admin")!, one("admin-token"), environment["CPM_ADMIN_TOKEN"], [commandLine, surroundings, inFile].some(({ admin }) => admin !== undefined)),
    logLevel: logLevels.find((level) => level === one("log-level")) ?? refuse(`--log-level: one of ${logLevels.join(", ")}`),
  };
}

function fromArguments(args: readonly string[]): Said {
  const declared = Object.fromEntries(keys.map((key) => [key, { type: "string", multiple: true }] as const));
  try {
    return parseArgs({ args: [...args], options: declared, strict: true, allowPositionals: false }).values as Said;
  } catch (fault) {
    return refuse((fault as Error).message.split(/[\r\n]/, 1)[0]!.replace(/\. To specify.*/, ""));
  }
}

function fromEnvironment(environment: NodeJS.ProcessEnv): Said {
  return Object.fromEntries(
    keys.flatMap((key) => {
      const value = environment[`CPM_${key.toUpperCase().replaceAll("-", "_")}`];
      return value === undefined || value === "" || key === "admin-token" ? [] : [[key, optionOf(key).repeatable ? value.split(/[\s,]+/).filter(Boolean) : [value]]];
    }),
  );
}

/** The keys in JSON; a repeatable one is a list, `policy` also an object. */
function fromFile(file: string): Said {
  const read = parseJson(readText(file, "--config"), file);
  if (typeof read !== "object" || read === null || Array.isArray(read)) return refuse(`${file}: not a JSON object`);
  return Object.fromEntries(
    Object.entries(read).map(([key, value]) => {
      if (!keys.includes(key as Key) || key === "config") return refuse(`${file}: unknown key ${JSON.stringify(key)}`);
      return [key, textsOf(value, key as Key, file)];
    }),
  );
}

function textsOf(value: unknown, key: Key, file: string): string[] {
  if (key === "policy" && typeof value === "object" && value !== null && !Array.isArray(value)) return Object.entries(value).map(([name, each]) => `${name}=${String(each)}`);
  const values = Array.isArray(value) ? value : [value];
  if (values.some((each) => typeof each !== "string" && typeof each !== "number")) return refuse(`${file}: ${key} must be text, or a list of texts`);
  return values.map(String);
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return refuse(`${file}: not JSON`);
  }
}

function readText(file: string, option: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (fault) {
    return refuse(`${option}: cannot read ${file}: ${(fault as NodeJS.ErrnoException).code}`);
  }
}

function listenAddress<T extends string>(text: string, transports: readonly T[], option: string): ListenAddress<T> {
  const colon = text.indexOf(":");
  const transport = transports.find((each) => each === text.slice(0, colon));
  const at = addressAndPort(text.slice(colon + 1));
  if (transport === undefined || at === undefined) return refuse(`${option}: ${JSON.stringify(text)} is no TRANSPORT:HOST:PORT with ${transports.join(", ")} and an IP address`);
  return { transport, ...at };
}

/** An IP address, in brackets where it has colons, and a port. */
function addressAndPort(text: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(\[[0-9a-fA-F:.%]+\]|[^:[\]]+):(\d{1,5})$/.exec(text);
  const host = match?.[1]?.replace(/^\[|\]$/g, "") ?? "";
  const port = Number(match?.[2]);
  return isIP(host) === 0 || !(port <= 65_535) ? undefined : { host, port };
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

function adminAddress(text: string, tokenFile: string | undefined, said: string | undefined, wanted: boolean): AdminAddress | undefined {
  if (text === "none") return undefined;
  const at = addressAndPort(text) ?? refuse(`--admin: ${JSON.stringify(text)} is neither ADDRESS:PORT with an IP address nor none`);
  const token = tokenFile === undefined ? said || undefined : readText(tokenFile, "--admin-token").trim();
  if (token !== undefined && !/^[A-Za-z0-9._~+/-]{16,256}=*$/.test(token)) refuse("the admin token has at least 16 letters, digits or . _ ~ + / -");
  if (token === undefined && !loopback.check(at.host, isIP(at.host) === 6 ? "ipv6" : "ipv4")) refuse(`--admin: ${text} is not loopback: --admin-token FILE or CPM_ADMIN_TOKEN has to say what an operator must show`);
  return { ...at, token, wanted };
}

function tlsOf(key: string | undefined, cert: string | undefined): Configuration["tls"] {
  if (key === undefined && cert === undefined) return undefined;
  if (key === undefined || cert === undefined) return refuse("--tls-key and --tls-cert go together");
  const read = { key: readText(key, "--tls-key"), cert: readText(cert, "--tls-cert") };
  try {
    createSecureContext(read);
  } catch {
    return refuse(`--tls-key, --tls-cert: ${key} and ${cert} are no private key and its certificate, in PEM`);
  }
  return read;
}

function sipUri(text: string, option: string): string {
  try {
    if (["sip", "sips"].includes(parseUri(text).scheme)) return text;
  } catch (fault) {
    if (!(fault instanceof PeerMisbehaved)) throw fault;
  }
  return refuse(`${option}: ${JSON.stringify(text)} is no SIP URI`);
}

/** A name or an address as it stands in URIs. @see RFC 3261 §25.1 */
function hostName(text: string, option: string): string {
  const isName = /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/.test(text);
  return text.length <= 253 && (isName || isIP(text) !== 0) ? text.toLowerCase() : refuse(`${option}: ${JSON.stringify(text)} is no host name`);
}

function blockList(subnets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = "", bits] = subnet.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    const most = family === "ipv6" ? 128 : 32;
    const length = bits === undefined ? most : /^\d+$/.test(bits) ? Number(bits) : Number.NaN;
    if (isIP(address) === 0 || !Number.isInteger(length) || length < 0 || length > most) refuse(`--trust: ${JSON.stringify(subnet)} is no address and no subnet`);
    list.addSubnet(address, length, family);
  }
  return list;
}

/** @throws {ConfigurationRefused} no NAME=VALUE, a name that is none, a value that the policy does not take, or not beside another's */
export function policiesOf(said: readonly string[]): Policies {
  const values: Record<string, string | number> = { ...defaults };
  for (const text of said) {
    const equals = text.indexOf("=");
    const name = text.slice(0, equals) as PolicyName;
    if (equals < 1) refuse(`--policy: ${JSON.stringify(text)} is no NAME=VALUE`);
    if (!Object.hasOwn(known, name)) refuse(`--policy: there is no policy ${JSON.stringify(name)}; --help lists them`);
    values[name] = policyValue(name, text.slice(equals + 1));
  }
  const wrong = notAbove.find(([least, most]) => values[least]! > values[most]!);
  if (wrong !== undefined) refuse(`--policy: ${wrong[0]} is ${values[wrong[0]]}, and must not be above ${wrong[1]}, which is ${values[wrong[1]]}`);
  return values as Policies;
}

function policyValue(name: PolicyName, value: string): string | number {
  const policy = known[name];
  if (policy.unit === "word") {
    const words: readonly string[] = policy.values;
    return words.includes(value) ? value : refuse(`--policy: ${name} is one of ${words.join(", ")}`);
  }
  const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
  return number >= policy.least ? number : refuse(`--policy: ${name} is a whole number of ${policy.unit}, at least ${policy.least}`);
}

/** What `--help` prints. */
export function help(): string {
  const lines = keys.map((key) => {
    const { value, default: byDefault, help: text, repeatable } = optionOf(key);
    const shown = byDefault === undefined ? "" : ` (default ${[byDefault].flat().join(" ")})`;
    return `  --${key} ${value}${repeatable ? " …" : ""}\n      ${text}${shown}`;
  });
  const policyLines = Object.entries(known).map(([name, policy]) => {
    const values = policy.unit === "word" ? policy.values.join("|") : policy.unit;
    return `  ${name}=${values}\n      ${policy.means} (default ${policy.default})`;
  });
  return [
    "cpm-cf serve [options]    the CPM Controlling Function on SIP and MSRP",
    "",
    "Options; those with … may be repeated. Each is also an environment variable, CPM_ and its name",
    "in upper case with _ for -, and a key of the --config file. The command line wins over the",
    "environment, the environment over the file.",
    "",
    ...lines,
    "  --help\n      this text",
    "",
    "Policies:",
    "",
    ...policyLines,
    "",
    "SIGHUP reads the policies of --config again, for what begins after it. SIGTERM and SIGINT end all",
    "sessions in order.",
    "",
  ].join("\n");
}
