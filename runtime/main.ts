#!/usr/bin/env node
/** The command line: `cpm-cf serve`. */
import { closeSync, openSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Admin } from "./admin/admin.ts";
import type { Server } from "./admin/metrics.ts";
import { systemClock } from "./clock.ts";
import { ControlledClock } from "./controlled-clock.ts";
import { ConfigurationRefused, help, logLevels, readConfiguration, type Configuration, type LogLevel } from "./config.ts";
import { MsrpEndpoint } from "./msrp/endpoint.ts";
import { systemRandom } from "./random.ts";
import { ControllingFunction } from "./sessions.ts";
import { SipEndpoint } from "./sip/endpoint.ts";
import { Spool } from "./store/spool.ts";
import { Trace } from "./trace.ts";

/** How long the end of all sessions may take. */
const endMs = 8_000;

type Log = (level: LogLevel, message: string) => void;

async function main(args: readonly string[]): Promise<void> {
  const [command, ...rest] = args;
  if (args.includes("--help") || command === "help") return void process.stdout.write(help());
  if (command !== "serve") throw new ConfigurationRefused(`${command === undefined ? "a command is needed" : `${JSON.stringify(command)} is no command`}; there is: serve`);
  await serve(readConfiguration(rest, process.env), () => readConfiguration(rest, process.env));
}

async function serve(configuration: Configuration, readAgain: () => Configuration): Promise<void> {
  const log = logOf(configuration.logLevel);
  const trace = configuration.trace === undefined ? undefined : new Trace(traceFile(configuration.trace), systemClock.wall, (fault) => log("error", `the trace cannot be written: ${fault.message}`));
  const spool = await openSpool(configuration.data);
  const controlled = configuration.clock === "controlled" ? new ControlledClock() : undefined;
  const focus = new ControllingFunction({
    clock: systemClock,
    machineClock: controlled,
    random: systemRandom,
    domain: configuration.domain,
    factory: configuration.factory,
    trusted: configuration.trusted,
    trace,
    refused: once((host) => log("warn", `${host} is not trusted (--trust) and gets 403`)),
    failed: (fault) => log("error", fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)),
  });
  focus.policies = configuration.policies;
  const sip = sipEndpoint(configuration, focus);
  const msrp = msrpEndpoint(configuration);
  focus.begin(sip, msrp, spool);
  await listen(configuration, sip, msrp);

  process.on("SIGHUP", () => {
    try {
      focus.policies = readAgain().policies;
      log("info", "the policies were read again");
    } catch (fault) {
      log("error", `the policies stay as they are: ${(fault as Error).message}`);
    }
  });
  let admin: Admin | undefined;
  const stop = (): void => {
    process.removeAllListeners("SIGTERM").removeAllListeners("SIGINT");
    void end(focus, sip, msrp, spool, trace, log).then(() => admin?.close()).then(() => process.exit(0));
  };
  process.on("SIGTERM", stop).on("SIGINT", stop);
  // A clock that nobody commands any more lets nothing expire.
  if (controlled) controlled.obey(process.stdin.once("end", stop), process.stdout);
  admin = await openAdmin(configuration, { focus, sip, msrp, spool }, log);
}

async function end(focus: ControllingFunction, sip: SipEndpoint, msrp: MsrpEndpoint, spool: Spool, trace: Trace | undefined, log: Log): Promise<void> {
  const late = new Promise<"late">((resolve) => setTimeout(resolve, endMs, "late").unref());
  const outcome = await Promise.race([focus.end().then(() => "ended" as const), late]);
  if (outcome === "late") log("warn", `${focus.groupCount} groups had not ended after ${endMs} ms`);
  await Promise.race([Promise.all([sip.close(), msrp.close(), trace?.close()]), new Promise((resolve) => setTimeout(resolve, 1_000).unref())]);
  spool.close();
}

/** Says each word once; after a thousand of them it has said enough. */
function once(say: (word: string) => void): (word: string) => void {
  const said = new Set<string>();
  return (word) => {
    if (said.has(word) || said.size === 1_000) return;
    said.add(word);
    say(word);
  };
}

/** @throws {ConfigurationRefused} it cannot be written */
function traceFile(file: string): string {
  try {
    closeSync(openSync(file, "a", 0o600));
    return file;
  } catch (fault) {
    throw new ConfigurationRefused(`--trace: cannot write ${file}: ${(fault as NodeJS.ErrnoException).code}`);
  }
}

async function openSpool(data: string): Promise<Spool> {
  const directory = join(data, "spool");
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return await Spool.open({ directory, clock: systemClock, random: systemRandom, maxOctets: 64 * 2 ** 30, maxOpenFiles: 1024, minFreeOctets: 64 * 2 ** 20 });
  } catch (fault) {
    throw new ConfigurationRefused(`--data: ${directory} cannot be used: ${((fault as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? (fault as NodeJS.ErrnoException).code ?? (fault as Error).message}`);
  }
}

function sipEndpoint({ listen, domain, route, tls, advertise, policies }: Configuration, user: ControllingFunction): SipEndpoint {
  return new SipEndpoint({
    listen,
    user,
    domain,
    route,
    // Behind a proxy it is the proxy that records; without one, this is the home proxy too.
    recordRoute: route === undefined,
    tls,
    host: advertise,
    product: "CPM-serv/OMA2.0",
    supported: ["timer", "100rel", "norefersub"],
    understood: ["timer", "100rel", "norefersub", "recipient-list-invite", "multiple-refer"],
    accept: { INVITE: ["application/sdp", "multipart/mixed", "multipart/related", "application/resource-lists+xml", "message/cpim"] },
    events: ["conference"],
    sessionExpiresMs: policies.sessionExpiresMs,
    subscription: { maxS: Math.floor(policies.subscriptionMs / 1000) },
  });
}

function msrpEndpoint({ tls, policies }: Configuration): MsrpEndpoint {
  const { maxMessageOctets, bindMs, stallMs } = policies;
  // Larger chunks than for chat alone: a file to eight recipients costs much less.
  const limits = { maxMessageOctets, bindMs, chunkReceptionMs: stallMs, chunkOctets: 262_144 };
  return new MsrpEndpoint({ clock: systemClock, random: systemRandom, limits, ...(tls && { tls }) });
}

async function listen({ msrp: addresses, advertise }: Configuration, sip: SipEndpoint, msrp: MsrpEndpoint): Promise<void> {
  const bound = [];
  for (const { transport, host, port } of addresses) {
    const wildcard = host === "0.0.0.0" || host === "::";
    const listening = msrp.listen({ transport, host, port, ...(wildcard && advertise !== undefined && { advertisedHost: advertise }) });
    bound.push(await listening.catch((fault: NodeJS.ErrnoException) => refuseListener(`msrp ${transport}:${host}:${port}`, fault)));
  }
  const listeners = await sip.start().catch((fault: Error) => refuseListener(undefined, fault));
  for (const { transport, host, port } of listeners) say("sip", transport, host, port);
  for (const { transport, host, port } of bound) say("msrp", transport, host, port);
}

/** SIP's own faults name the listener already. */
function refuseListener(listener: string | undefined, fault: NodeJS.ErrnoException): never {
  if (listener === undefined) throw new ConfigurationRefused(fault.message);
  throw new ConfigurationRefused(`cannot listen on ${listener}: ${fault.code === "EADDRINUSE" ? "the port is in use" : (fault.code ?? fault.message)}`);
}

/** Nobody asked for the default address: where it is taken, as by a second server of this machine, this one does without. */
async function openAdmin({ admin: address }: Configuration, server: Server, log: Log): Promise<Admin | undefined> {
  if (address === undefined) return undefined;
  const { wanted, ...listener } = address;
  // Whoever does without it need not load it.
  const { Admin } = await import("./admin/admin.ts");
  const admin = new Admin({ ...listener, server, now: systemClock.wall, failed: (fault) => log("error", fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)) });
  try {
    const { host, port } = await admin.listen();
    say("admin", "http", host, port);
    return admin;
  } catch (fault) {
    const { code } = fault as NodeJS.ErrnoException;
    if (wanted || code !== "EADDRINUSE") return refuseListener(`--admin ${address.host}:${address.port}`, fault as NodeJS.ErrnoException);
    log("warn", `${address.host}:${address.port} is in use: this server runs without its operator's interface; --admin gives it another address, or none`);
    return undefined;
  }
}

function say(protocol: string, transport: string, host: string, port: number): void {
  process.stdout.write(`listening ${protocol} ${transport} ${host.includes(":") ? `[${host}]` : host}:${port}\n`);
}

/** Lines on standard error. Control characters never get there as they are. */
function logOf(least: LogLevel): Log {
  return (level, message) => {
    if (logLevels.indexOf(level) > logLevels.indexOf(least)) return;
    process.stderr.write(`${new Date().toISOString()} ${level} ${message.replace(/[\x00-\x09\x0b-\x1f\x7f]/g, "?")}\n`);
  };
}

main(process.argv.slice(2)).catch((fault: unknown) => {
  if (fault instanceof ConfigurationRefused) {
    process.stderr.write(`cpm-cf: ${fault.message}\n`);
    process.exit(2);
  }
  throw fault;
});
