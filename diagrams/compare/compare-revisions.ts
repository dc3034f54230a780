/**
 * What became of the machines between two revisions of the repository: their union, their tours, and the tables beside them.
 *
 * Each revision's machines are laid in a directory of their own, with today's evidence beside them, and asked in a process of
 * their own (`revision.ts`). The directories are gone when the comparison is there, and when it fails.
 */
import { fork, spawnSync, type ChildProcess } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { comparison, type Answering, type Comparison, type Revision } from "./comparison.ts";
import { markdown } from "./comparison-markdown.ts";
import { comparisonPage } from "./comparison-page.ts";
import type { Description } from "./description.ts";
import type { Question } from "./revision.ts";
import type { Met, Way } from "./ways.ts";

/** What is wrong with a revision, or with its name: the message names it. */
export class RevisionError extends Error {}

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Prints a comparison: a page into `report/`, whose path it tells, or Markdown to standard output. A revision that is none, or does not load, is the caller's fault. */
export async function printComparison([before, after]: readonly string[], as: "page" | "markdown" = "page"): Promise<void> {
  try {
    const compared = await compareRevisions(before!, after);
    if (as === "markdown") return void process.stdout.write(markdown(compared));
    const [one, other] = [compared.before, compared.after].map(({ commit }) => commit?.slice(0, 10) ?? "working-tree");
    const path = join(root, "report", `changes-${one}-${other}.html`);
    mkdirSync(join(root, "report"), { recursive: true });
    writeFileSync(path, await comparisonPage(compared));
    console.log(path);
  } catch (fault) {
    if (!(fault instanceof RevisionError)) throw fault;
    console.error(`diagrams: ${fault.message}`);
    process.exitCode = 2;
  }
}

/** Compares two revisions of the repository; without the second one, with the working tree. @throws RevisionError */
export async function compareRevisions(before: string, after?: string): Promise<Comparison> {
  const revisions = [resolved(before), after === undefined ? { name: "the working tree" } : resolved(after)] as const;
  const directory = mkdtempSync(join(tmpdir(), "cpm-compare-"));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  process.once("exit", remove);
  const stop = () => process.exit(130);
  process.once("SIGINT", stop).once("SIGTERM", stop);
  const open: Tree[] = [];
  try {
    for (const [index, revision] of revisions.entries()) open.push(new Tree(revision, join(directory, String(index))));
    return await comparison(open[0]!, open[1]!);
  } finally {
    for (const tree of open) tree.close();
    remove();
    process.off("exit", remove).off("SIGINT", stop).off("SIGTERM", stop);
  }
}

/** The name goes to git as an argument that cannot be an option, and never to a shell. */
function resolved(name: string): Revision & { readonly commit: string } {
  const found = git("rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`);
  if (found.error) throw new RevisionError(`git cannot be run: ${found.error.message}`);
  if (found.stderr.includes("not a git repository")) throw new RevisionError("there is no git repository here, and so no revision");
  const commit = found.stdout.toString().trim().split("\n").at(-1)!;
  if (found.status !== 0 || !/^[0-9a-f]{40,64}$/.test(commit)) throw new RevisionError(`${name || "an empty name"} is no revision of this repository`);
  return { name, commit, subject: git("log", "-1", "--format=%s", commit).stdout.toString().trim() };
}

const git = (...words: readonly string[]) => spawnSync("git", words, { cwd: root, maxBuffer: 1 << 28 });

/** A revision's machines with today's evidence, and the process that answers for them. */
class Tree implements Answering {
  readonly revision: Revision;
  readonly #process: ChildProcess;
  #complaints = "";

  constructor(revision: Revision, directory: string) {
    this.revision = revision;
    mkdirSync(directory);
    const { name, commit } = revision;
    if (commit === undefined) cpSync(join(root, "machines"), join(directory, "machines"), { recursive: true });
    else unpack(name, commit, directory);
    if (!existsSync(join(directory, "machines", "index.ts"))) throw new RevisionError(`${name} has no machines/index.ts: there is nothing to compare`);
    for (const room of ["diagrams/charts", "diagrams/compare", "model-tests"]) {
      mkdirSync(join(directory, room), { recursive: true });
      for (const file of readdirSync(join(root, room)).filter((each) => each.endsWith(".ts") && !each.endsWith(".test.ts"))) lay(join(room, file), directory);
    }
    // How machines are read and run is no part of what they say: the evidence is made with today's.
    for (const file of ["machines/inspect.ts", "machines/step.ts", "package.json"]) lay(file, directory);
    symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
    this.#process = fork(join(directory, "diagrams", "compare", "revision.ts"), [], { cwd: directory, execArgv: [], stdio: ["ignore", "ignore", "pipe", "ipc"] });
    this.#process.stderr!.on("data", (text: Buffer) => (this.#complaints += text.toString()));
  }

  describe(): Promise<Description> {
    return this.#ask({ ask: "describe" });
  }

  tours(machine: string): Promise<readonly Way[]> {
    if (process.stderr.isTTY) console.error(`diagrams: tours of ${machine} at ${this.revision.name}; those of a large machine take a minute`);
    return this.#ask({ ask: "tours", machine });
  }

  walk(machine: string, ways: readonly Way[]): Promise<readonly (readonly Met[])[]> {
    return this.#ask({ ask: "walk", machine, ways });
  }

  #ask<A>(question: Question): Promise<A> {
    const { name } = this.revision;
    return new Promise((resolve, reject) => {
      const ended = () => reject(new RevisionError(`${name} does not load: ${this.#complaints.trim().split("\n").find((line) => line.includes("Error")) ?? "its process ended"}`));
      this.#process.once("exit", ended);
      this.#process.once("message", (reply: { readonly answer: A } | { readonly fault: string }) => {
        this.#process.off("exit", ended);
        if ("answer" in reply) resolve(reply.answer);
        else reject(new RevisionError(`${name} does not ${question.ask === "describe" ? "load" : "answer"}: ${reply.fault}`));
      });
      this.#process.send(question, (error) => error && ended());
    });
  }

  close(): void {
    this.#process.removeAllListeners();
    this.#process.kill();
  }
}

const lay = (file: string, directory: string) => cpSync(join(root, file), join(directory, file));

function unpack(name: string, commit: string, directory: string): void {
  const archive = git("archive", "--format=tar", commit, "machines");
  if (archive.status !== 0) throw new RevisionError(`${name} has no machines/: there is nothing to compare`);
  const unpacked = spawnSync("tar", ["-x", "-C", directory], { input: archive.stdout });
  if (unpacked.status !== 0) throw new RevisionError(`${name} cannot be unpacked: ${unpacked.error?.message ?? unpacked.stderr.toString().trim()}`);
}
