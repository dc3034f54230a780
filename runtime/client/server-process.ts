import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Target, TransportName } from "../sip/transport.ts";
import { Arrivals, Eventual } from "./waiting.ts";

const program = fileURLToPath(new URL("../main.ts", import.meta.url));

/** `listening sip udp 127.0.0.1:5060` */
const listeningLine = /^listening (sip|msrp|admin) (udp|tcp|tls|http) \[?([^\]\s]+?)\]?:(\d+)$/;

/** The Controlling Function as a process of its own. */
export class ServerProcess {
  /** Lines that it prints, on standard output and standard error. */
  readonly lines = new Arrivals<string>("a line of the server");
  /** It has ended, with that exit code; null: by a signal. */
  readonly exit = new Eventual<number | null>("the server to end");
  readonly #child: ChildProcess;
  readonly #listeners: { readonly protocol: string; readonly target: Target }[] = [];

  private constructor(args: readonly string[]) {
    // Many servers run on one machine: the operator's interface is there for who asks for it.
    this.#child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "pipe"], env: { CPM_ADMIN: "none", ...process.env } });
    // It may end while it is spoken to.
    this.#child.stdin?.on("error", () => {});
    const kill = () => void this.#child.kill("SIGKILL");
    process.once("exit", kill);
    this.#child.on("exit", (code) => {
      process.removeListener("exit", kill);
      this.exit.settle(code);
    });
    readLines(this.#child, (line) => this.#hear(line));
  }

  /**
   * Starts it, and waits until as many listeners as asked for listen.
   *
   * @param serve what is run with these options
   * @throws {Error} it ended before
   */
  static async start(args: readonly string[], serve: readonly string[] = [program, "serve"]): Promise<ServerProcess> {
    const server = new ServerProcess([...serve, ...args]);
    const listening = new Eventual<"listening" | "ended">("the server to listen");
    const wanted = args.filter((arg) => arg === "--listen" || arg === "--msrp").length;
    const stop = server.lines.on(() => {
      if (server.#listeners.length >= wanted) listening.settle("listening");
    });
    server.exit.on(() => listening.settle("ended"));
    const outcome = await listening.within(15_000);
    stop();
    if (outcome === "ended") throw new Error(`the server ended before it listened:\n${server.lines.kept.join("\n")}`);
    return server;
  }

  #hear(line: string): void {
    const [, protocol = "", transport = "", host = "", port = ""] = listeningLine.exec(line) ?? [];
    if (protocol !== "") this.#listeners.push({ protocol, target: { transport: transport as TransportName, host, port: Number(port) } });
    this.lines.arrive(line);
  }

  /** Where it listens. @throws {Error} it does not */
  address(protocol: "sip" | "msrp", transport: TransportName): Target {
    const found = this.#listeners.find((listener) => listener.protocol === protocol && listener.target.transport === transport);
    if (found === undefined) throw new Error(`the server does not listen for ${protocol} on ${transport}`);
    return found.target;
  }

  /** Writes a line on its standard input, and waits for the line of standard output that answers. */
  ask(line: string, answers: (line: string) => boolean): Promise<string> {
    const answer = this.lines.next(answers);
    this.say(line);
    return answer;
  }

  /** Writes a line on its standard input. */
  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** SIGHUP: the policies are read again. */
  async reload(): Promise<void> {
    this.#child.kill("SIGHUP");
    await this.lines.next((line) => line.includes("the policies"), 5_000, "the server to read its policies again");
  }

  /** SIGTERM, unless it has ended. @returns the exit code; null where it had to be killed */
  async stop(patienceMs = 10_000): Promise<number | null> {
    this.#child.kill("SIGTERM");
    const kill = setTimeout(() => this.#child.kill("SIGKILL"), patienceMs);
    const code = await this.exit.within(patienceMs + 2_000);
    clearTimeout(kill);
    return code;
  }
}

function readLines({ stdout, stderr }: ChildProcess, hear: (line: string) => void): void {
  for (const stream of [stdout, stderr]) {
    let rest = "";
    stream?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      lines.forEach(hear);
    });
  }
}
