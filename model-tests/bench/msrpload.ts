import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Measured } from "./server.ts";

/** What the load generator prints of a room; its units are in the names. */
export interface RoomFigures {
  readonly deliveries_per_cpu_s: number;
  readonly deliveries_per_s: number;
  readonly p99_ms: number;
  readonly setup_s: number;
  readonly server_rss_kB: number;
}

export interface JoinsFigures {
  readonly joins_per_s: number;
  readonly cpu_us_per_join: number;
  readonly rss_kB_at_a_tenth: number;
  readonly rss_kB: number;
}

/** The load generator, compiled for this run; undefined, and a line, where it cannot be. */
export function compileLoad(): Load | undefined {
  const folder = mkdtempSync(join(tmpdir(), "msrpload-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const program = join(folder, "msrpload");
  const { status } = spawnSync("gcc", ["-O2", "-w", "-o", program, fileURLToPath(new URL("msrpload.c", import.meta.url)), "-lcrypto"]);
  if (status === 0) return new Load(program);
  console.log("not run: needs gcc and libssl-dev");
  return undefined;
}

/** Where the load goes: our Controlling Function through its factory, or a stand-in that takes every URI for a room. */
export interface Target {
  readonly sipPort: number;
  readonly server: Measured;
  readonly factory: boolean;
}

export class Load {
  readonly #program: string;

  constructor(program: string) {
    this.#program = program;
  }

  /** One sender, so many receivers, 200-octet bodies in CPIM. */
  room(target: Target, receivers: number, options: Readonly<Record<string, number>>): Promise<RoomFigures> {
    return this.#run("room", target, receivers + 1, { size: 200, ...options });
  }

  /** Members of a group of `n` join and go by turns. */
  joins(target: Target, n: number, joins: number): Promise<JoinsFigures> {
    return this.#run("joins", target, n, { msgs: joins, timeout: 600 });
  }

  async #run<F>(mode: string, { sipPort, server, factory }: Target, n: number, options: Readonly<Record<string, number>>): Promise<F> {
    const user = factory ? "conference-factory" : `room${Math.random().toString(36).slice(2)}`;
    const args = [mode, "--sip", `sip:${user}@127.0.0.1:${sipPort}`, "--n", String(n), "--pid", String(server.pid)];
    if (factory) args.push("--factory", "--domain", "cpm.example");
    for (const [name, value] of Object.entries(options)) args.push(`--${name}`, String(value));
    const { stdout } = await promisify(execFile)(this.#program, args);
    return JSON.parse(stdout) as F;
  }
}
