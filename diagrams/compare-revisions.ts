/**
 * What became of the machines between two revisions of the repository: their union, their tours, and the tables beside them.
 *
 * Each revision's machines are laid in a directory of their own, with today's evidence beside them, and asked in a process of
 * their own (`revision.ts`). The directories are gone when the comparison is there, and when it fails.
 */
import { fork, spawnSync, type ChildProcess } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compare, compareRows, isSame, type Aspect, type Difference, type RowChange } from "./compare.ts";
import { compareTours, type Tours } from "./compare-tours.ts";
import type { Statechart, Transition } from "./graph.ts";
import type { Answers, Described, Description, Question } from "./revision.ts";

/** What is wrong with a revision, or with its name: the message names it. */
export class RevisionError extends Error {}

export interface Comparison {
  readonly before: Revision;
  readonly after: Revision;
  /** Those that differ. */
  readonly machines: readonly MachineChange[];
  /** Machines whose text differs, and nothing that they do. */
  readonly reworded: readonly string[];
  readonly lines: readonly LineChange[];
  readonly policies: readonly RowChange[];
  readonly refusals: readonly RowChange[];
}

export interface Revision {
  /** As it was asked for; the working tree has no commit. */
  readonly name: string;
  readonly commit?: string;
  readonly subject?: string;
}

export interface MachineChange {
  readonly difference: Difference;
  /** Guards and memory that keep their names, and are defined otherwise. */
  readonly redefined: readonly Redefined[];
  /** Absent of a machine that is new or gone; a sentence where its tours cannot be made. */
  readonly tours?: Tours | string;
}

export interface Redefined {
  readonly name: string;
  /** Rules whose guards it is. */
  readonly rules: readonly number[];
}

/** A line of the change request: what changed in its words, and the changed things that it shows in. */
export interface LineChange extends RowChange {
  readonly asks: string;
  readonly rests: readonly { readonly machine: string; readonly rule?: number; readonly state?: string }[];
}

const root = fileURLToPath(new URL("..", import.meta.url));

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

async function comparison(before: Tree, after: Tree): Promise<Comparison> {
  const [was, is] = await Promise.all([before.ask({ ask: "describe" }), after.ask({ ask: "describe" })]);
  const names = [...new Set([...is.machines, ...was.machines].map(({ chart }) => chart.name))];
  const changed: MachineChange[] = [];
  const reworded: string[] = [];
  for (const name of names) {
    const [one, other] = [was, is].map(({ machines }) => machines.find(({ chart }) => chart.name === name));
    if (one?.fingerprint === other?.fingerprint) continue;
    const change = await machineChange(one, other, before, after);
    if (isChanged(change)) changed.push(change);
    else reworded.push(name);
  }
  const rows = (of: "policies" | "refusals") => compareRows(was[of] ?? [], is[of] ?? []);
  const policies = rows("policies");
  return { before: before.revision, after: after.revision, machines: changed, reworded, lines: lineChanges(was, is, changed, policies), policies, refusals: rows("refusals") };
}

async function machineChange(one: Described | undefined, other: Described | undefined, before: Tree, after: Tree): Promise<MachineChange> {
  const difference = compare(one?.chart, other?.chart);
  if (!one || !other) return { difference, redefined: [] };
  return { difference, redefined: redefined(one, other), tours: await compareTours(difference.name, before, after) };
}

const isChanged = ({ difference, redefined, tours }: MachineChange) =>
  !isSame(difference) || redefined.length > 0 || typeof tours === "string" || (tours !== undefined && tours.gone.length + tours.come.length > 0);

function redefined(one: Described, other: Described): Redefined[] {
  const names = Object.keys(other.definitions).filter((name) => name in one.definitions && one.definitions[name] !== other.definitions[name]);
  return names.map((name) => ({ name, rules: other.chart.transitions.filter((rule) => uses(rule, name)).map(({ rule }) => rule) }));
}

function uses({ guard = "", effects }: Transition, definition: string): boolean {
  const [kind, name] = definition.split(" ");
  return kind === "guard" ? guard.split(" ").includes(name!) : effects.includes(name!);
}

// ---------------------------------------------------------------- lines of the change request

function lineChanges(was: Description, is: Description, machines: readonly MachineChange[], policies: readonly RowChange[]): LineChange[] {
  const changes = new Map(compareRows(was.lines ?? [], is.lines ?? []).map((change) => [change.name, change]));
  const shown = places(was, is, machines);
  return [...new Set([...(is.lines ?? []), ...(was.lines ?? [])].map(({ name }) => name))].flatMap((name): LineChange[] => {
    const rows = [is, was].flatMap(({ lines }) => lines?.filter((line) => line.name === name) ?? []);
    const shows = rows.flatMap(({ says }) => says["shows in"]?.split(", ") ?? []);
    const rests = shown.filter(({ names }) => shows.some((each) => names.includes(each))).map(({ names: _, ...place }) => place);
    const touched = policies.some((policy) => shows.includes(`policy ${policy.name}`));
    const change = changes.get(name);
    if (!change && rests.length === 0 && !touched) return [];
    const { grounds, says } = rows[0]!;
    const clauses = grounds && "cites" in grounds ? grounds.cites : [];
    return [{ name, asks: says["asks"] ?? "", mark: change?.mark ?? "changed", clauses, aspects: change?.aspects ?? [], rests }];
  });
}

interface Place {
  readonly machine: string;
  readonly rule?: number;
  readonly state?: string;
  /** By which the lines speak of it. */
  readonly names: readonly string[];
}

/** Everything that changed, under the names that it had and has in `machines/scope.ts`. */
function places(was: Description, is: Description, machines: readonly MachineChange[]): Place[] {
  return machines.flatMap(({ difference: { name: machine, states, rules }, redefined }): Place[] => {
    const [one, other] = [was, is].map((each) => each.machines.find(({ chart }) => chart.name === machine)?.chart);
    const named = (chart: Statechart | undefined, rule: number | undefined) => chart?.transitions.filter((each) => each.rule === rule).flatMap(namesOf) ?? [];
    const otherwise = new Set(redefined.flatMap(({ rules }) => rules).filter((rule) => !rules.some((each) => each.rule === rule)));
    return [
      ...states.map(({ id, path }) => ({ machine, state: path, names: [id] })),
      ...rules.map(({ rule, was }) => ({ machine, rule, names: [...named(one, was), ...named(other, rule)] })),
      ...[...otherwise].map((rule) => ({ machine, rule, names: named(other, rule) })),
    ];
  });
}

/** `STATE EVENT`, and with its guard. */
function namesOf({ from, trigger, guard }: Transition): string[] {
  const event = trigger.kind === "event" ? trigger.event : trigger.kind === "delay" ? `xstate.after.${trigger.policy}` : "always";
  return guard === undefined ? [`${from} ${event}`] : [`${from} ${event}`, `${from} ${event} ${guard}`];
}

// ---------------------------------------------------------------- revisions

/** The name goes to git as an argument that cannot be an option, and never to a shell. */
function resolved(name: string): Revision & { readonly commit: string } {
  const found = git("rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`);
  const commit = found.stdout.toString().trim().split("\n").at(-1)!;
  if (found.status !== 0 || !/^[0-9a-f]{40,64}$/.test(commit)) throw new RevisionError(`${name || "an empty name"} is no revision of this repository`);
  return { name, commit, subject: git("log", "-1", "--format=%s", commit).stdout.toString().trim() };
}

const git = (...words: readonly string[]) => spawnSync("git", words, { cwd: root, maxBuffer: 1 << 28 });

/** A revision's machines with today's evidence, and the process that answers for them. */
export class Tree {
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
    for (const room of ["diagrams", "model-tests"]) {
      mkdirSync(join(directory, room));
      for (const file of readdirSync(join(root, room)).filter((each) => each.endsWith(".ts") && !each.endsWith(".test.ts"))) lay(join(room, file), directory);
    }
    // How machines are read and run is no part of what they say: the evidence is made with today's.
    for (const file of ["machines/inspect.ts", "machines/step.ts", "package.json"]) lay(file, directory);
    symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
    this.#process = fork(join(directory, "diagrams", "revision.ts"), [], { cwd: directory, execArgv: [], stdio: ["ignore", "ignore", "pipe", "ipc"] });
    this.#process.stderr!.on("data", (text: Buffer) => (this.#complaints += text.toString()));
  }

  /** @throws RevisionError when the revision cannot answer */
  async ask<Q extends Question>(question: Q): Promise<Answers[Q["ask"]]> {
    const { name } = this.revision;
    return new Promise((resolve, reject) => {
      const ended = () => reject(new RevisionError(`${name} does not load: ${this.#complaints.trim().split("\n").find((line) => line.includes("Error")) ?? "its process ended"}`));
      this.#process.once("exit", ended);
      this.#process.once("message", (reply: { readonly answer: Answers[Q["ask"]] } | { readonly fault: string }) => {
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
