/** The server that tours are played against by ourselves: one process, whose policies change between tours and whose clock obeys. */
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { ServerProcess } from "../../runtime/client/server-process.ts";
import type { PolicySet } from "./policy-sets.ts";
import type { ControlledClock, RunningTimer, Target, WirePolicies } from "./verdict.ts";

const factory = "sip:conference-factory@cpm.example";

export class TourServer implements ControlledClock {
  readonly #process: ServerProcess;
  readonly #directory: string;
  /** Commands are answered in their order. */
  readonly #asked: ((line: string) => void)[] = [];
  readonly #ended: Promise<never>;
  #spool: PolicySet["spool"] = "ready";
  /** What it has printed that is no answer to us: faults of its own are among it. */
  readonly words: string[] = [];

  private constructor(process: ServerProcess, directory: string) {
    this.#process = process;
    this.#directory = directory;
    process.lines.on((line) => {
      if (line.startsWith("{")) this.#asked.shift()?.(line);
      else this.words.push(line);
    });
    this.#ended = new Promise((_, reject) => process.exit.on((code) => reject(new Error(`the server has ended, ${code}: ${this.words.slice(-20).join("\n")}`))));
    this.#ended.catch(() => {});
  }

  static async start(policies: WirePolicies = {}): Promise<TourServer> {
    const directory = await mkdtemp(join(tmpdir(), "cpm-tours-"));
    await writeFile(configIn(directory), JSON.stringify({ policy: policies }));
    const traces = process.env["CPM_TRACES"];
    const server = await ServerProcess.start([
      ...["--listen", "udp:127.0.0.1:0", "--listen", "tcp:127.0.0.1:0", "--msrp", "tcp:127.0.0.1:0", "--admin", "none", "--clock", "controlled"],
      ...["--domain", "cpm.example", "--factory", factory, "--data", join(directory, "data"), "--config", configIn(directory)],
      ...(traces === undefined ? [] : ["--trace", join(traces, `${basename(directory)}.ndjson`)]),
    ]);
    return new TourServer(server, directory);
  }

  target(transport: Target["transport"], quiescenceMs = 5): Target {
    const { host, port } = this.#process.address("sip", transport);
    return { host, port, transport, factory, controlled: this, quiescenceMs };
  }

  /** From now on it runs with this set. Nothing that began before may still go on. */
  async use({ policies, spool }: Pick<PolicySet, "policies" | "spool">): Promise<void> {
    await writeFile(configIn(this.#directory), JSON.stringify({ policy: policies }));
    await Promise.race([this.#process.reload(), this.#ended]);
    const folder = join(this.#directory, "data", "spool");
    // Without its folder no file can be kept.
    if ((spool === "exhausted") !== (this.#spool === "exhausted")) await (spool === "exhausted" ? rename(folder, `${folder}.away`) : rename(`${folder}.away`, folder));
    this.#spool = spool;
  }

  async expire(timer: RunningTimer): Promise<boolean> {
    const answer = new Promise<string>((resolve) => this.#asked.push(resolve));
    this.#process.say(JSON.stringify({ expire: timer }));
    return (JSON.parse(await Promise.race([answer, this.#ended])) as { readonly expired?: boolean }).expired === true;
  }

  async stop(): Promise<void> {
    await this.#process.stop(2_000);
    await rm(this.#directory, { recursive: true, force: true });
  }
}

const configIn = (directory: string): string => join(directory, "config.json");
