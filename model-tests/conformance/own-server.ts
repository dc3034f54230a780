/** The specification's own server, run as a statement (PICS) says: to try the tester, and to show beside another server's octets what was expected. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { defaults, type Policies, type PolicyName } from "../../machines/policies.ts";
import { ServerProcess } from "../../runtime/client/server-process.ts";
import { parseUri } from "../../runtime/sip/uri.ts";
import type { ControlledClock, RunningTimer, Target } from "../roleplay/verdict.ts";

export interface OwnServerOptions {
  readonly policies: Policies;
  readonly factory: string;
  readonly transport: "udp" | "tcp";
  readonly quiescenceMs: number;
  /** Its policy timers pass on command, and not by themselves. */
  readonly controlled: boolean;
  /** What is run in place of the server; for faults that are planted. */
  readonly serve?: readonly string[];
}

/** Tests keep the trace where `CPM_TRACES` says, and judge it; a program with a planted fault is not expected to be faithful. */
function traced(directory: string, serve: readonly string[] | undefined): readonly string[] {
  const traces = process.env["CPM_TRACES"];
  return traces === undefined || serve !== undefined ? [] : ["--trace", join(traces, `${basename(directory)}.ndjson`)];
}

export class OwnServer {
  readonly target: Target;
  readonly #process: ServerProcess;
  readonly #directory: string;

  private constructor(process: ServerProcess, directory: string, { factory, transport, quiescenceMs, controlled }: OwnServerOptions) {
    const { host, port } = process.address("sip", transport);
    this.#process = process;
    this.#directory = directory;
    this.target = { host, port, transport, factory, quiescenceMs, ...(controlled && { controlled: new CommandedClock(process) }) };
  }

  /** @throws {Error} it ended before it listened */
  static async start(options: OwnServerOptions): Promise<OwnServer> {
    const { policies, factory, controlled, serve } = options;
    const directory = await mkdtemp(join(tmpdir(), "cpm-conformance-"));
    const told = (Object.keys(policies) as PolicyName[]).filter((name) => policies[name] !== defaults[name]).flatMap((name) => ["--policy", `${name}=${policies[name]}`]);
    try {
      const process = await ServerProcess.start([
        ...["--listen", "udp:127.0.0.1:0", "--listen", "tcp:127.0.0.1:0", "--msrp", "tcp:127.0.0.1:0", "--admin", "none", "--data", directory],
        ...traced(directory, serve),
        ...["--factory", factory, "--domain", parseUri(factory).host, ...(controlled ? ["--clock", "controlled"] : []), ...told],
      ], serve);
      return new OwnServer(process, directory, options);
    } catch (fault) {
      await rm(directory, { recursive: true, force: true });
      throw fault;
    }
  }

  async stop(): Promise<void> {
    // Nobody is left who would answer the ends of what has not ended.
    await this.#process.stop(500);
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Lets timers of a server process expire, one command at a time. */
class CommandedClock implements ControlledClock {
  readonly #process: ServerProcess;
  #last: Promise<unknown> = Promise.resolve();

  constructor(process: ServerProcess) {
    this.#process = process;
  }

  expire(timer: RunningTimer): Promise<boolean> {
    const answer = this.#last.then(() => this.#process.ask(JSON.stringify({ expire: timer }), (line) => /^\{"(expired|refused)":/.test(line)));
    this.#last = answer.catch(() => {});
    return answer.then((line) => (JSON.parse(line) as { readonly expired?: boolean }).expired === true);
  }
}
