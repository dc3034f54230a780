import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A process that is measured. */
export interface Measured {
  readonly pid: number;
  stop(): Promise<void>;
}

export interface Server extends Measured {
  /** The ports of the SIP listeners. */
  readonly udp: number;
  readonly tcp: number;
  /** Of the operator's interface, where `more` asks for one. */
  readonly admin: number | undefined;
}

const program = fileURLToPath(new URL("../../runtime/main.ts", import.meta.url));

/** The Controlling Function as a process of its own. `core`: the one that it runs on, alone. `flags`: of Node; `more`: of the server. */
export async function startServer(policies: Readonly<Record<string, string | number>>, { core, flags = [], more = [] }: { core?: number; flags?: readonly string[]; more?: readonly string[] } = {}): Promise<Server> {
  const data = mkdtempSync(join(tmpdir(), "cpm-bench-"));
  const options = ["--listen", "udp:127.0.0.1:0", "--listen", "tcp:127.0.0.1:0", "--msrp", "tcp:127.0.0.1:0", "--data", data, "--admin", "none", ...more];
  for (const [name, value] of Object.entries(policies)) options.push("--policy", `${name}=${value}`);
  const child = start([process.execPath, ...flags, program, "serve", ...options], core);
  const ports = await listeners(child, more.includes("--admin") ? 4 : 3);
  return {
    pid: child.pid!,
    udp: ports.get("sip udp")!,
    tcp: ports.get("sip tcp")!,
    admin: ports.get("admin http"),
    async stop() {
      await stop(child);
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** Ports by what a server says of itself: `listening sip udp 127.0.0.1:5060`. */
export async function listeners(child: ChildProcess, count: number): Promise<Map<string, number>> {
  const ports = new Map<string, number>();
  for await (const line of createInterface(child.stdout!)) {
    const [, listener = "", port = ""] = /^listening (\S+ \S+) .*:(\d+)$/.exec(line) ?? [];
    if (ports.set(listener, Number(port)).size === count) return ports;
  }
  throw new Error("the server does not listen");
}

/** Starts a program in a session of its own. `core`: the one that it runs on. */
export function start(command: readonly string[], core?: number): ChildProcess {
  const [program = "", ...args] = core === undefined ? command : ["taskset", "-c", String(core), ...command];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"], detached: true });
  const kill = (): void => signal(child, "SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.removeListener("exit", kill));
  return child;
}

/** SIGTERM, and after two seconds SIGKILL: what is left of the sessions is nobody's. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  signal(child, "SIGTERM");
  const late = setTimeout(() => signal(child, "SIGKILL"), 2_000);
  await exit;
  clearTimeout(late);
}

/** To the program and the processes that it made. */
function signal({ pid }: ChildProcess, name: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(-pid!, name);
  } catch {
    // It has ended.
  }
}

/** What a program and the processes that it made have used of the processors, in seconds; `/proc` counts hundredths. */
export function cpuSeconds(pid: number): number {
  let hundredths = 0;
  for (const name of readdirSync("/proc")) {
    const fields = /^\d+$/.test(name) ? statOf(name) : [];
    if (Number(fields[3]) === pid) hundredths += Number(fields[11]) + Number(fields[12]);
  }
  return hundredths / 100;
}

/** The fields of `/proc/PID/stat` behind the program's name: state, parent, group, session and so on; none when it has ended. */
function statOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)!.split(" ");
  } catch {
    return [];
  }
}

/** What a process has of the machine's memory. */
export function residentMegabytes(pid: number): number {
  const [, kilobytes = "0"] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? [];
  return Number(kilobytes) / 1024;
}
