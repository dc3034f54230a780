/**
 * One revision of the machines, in a process of its own: what they are, their tours, and what they answer to tours of another.
 *
 * It is run in a tree that holds the revision's machines beside today's evidence (`compare-revisions.ts`), so that two
 * revisions never meet in one process.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from "xstate";
import type { MachineName } from "../machines/index.ts";
import type { Refusal } from "../machines/refusals.ts";
import type { Row } from "./compare.ts";
import type { Statechart } from "./graph.ts";

export type Question =
  | { readonly ask: "describe" }
  | { readonly ask: "tours"; readonly machine: string }
  | { readonly ask: "walk"; readonly machine: string; readonly ways: readonly Way[] };

/** The events of a tour, and the policies with which it begins. */
export interface Way {
  readonly input: unknown;
  readonly events: readonly AnyEventObject[];
}

export interface Description {
  readonly machines: readonly Described[];
  /** Lines of the change request; undefined where the revision has no such list. */
  readonly lines: readonly Row[] | undefined;
  readonly policies: readonly Row[] | undefined;
  readonly refusals: readonly Row[] | undefined;
}

export interface Described {
  readonly chart: Statechart;
  /** What guards and memory are defined as, by name: a text that differs may mean something else. */
  readonly definitions: Readonly<Record<string, string>>;
  /** The same where nothing that the machine is made of differs. */
  readonly fingerprint: string;
}

/** What a way met: the state, and what the next event was answered with. */
export interface Met {
  /** The leaf states, joined. */
  readonly at: string;
  readonly says: string;
  /** Two answers with one word cannot be told apart. */
  readonly word: string;
}

export interface Answers {
  readonly describe: Description;
  readonly tours: readonly Way[];
  /** For each way: how the machine begins, and what it does at each event, until it is over. */
  readonly walk: readonly (readonly Met[])[];
}

async function describe(): Promise<Description> {
  const { machines } = await import("../machines/index.ts");
  const { worlds } = await import("../machines/worlds.ts");
  const { statechart } = await import("./graph.ts");
  return {
    machines: Object.entries<AnyStateMachine>(machines).map(([name, machine]) => ({
      chart: statechart(name, machine),
      definitions: definitions(machine),
      fingerprint: createHash("sha256").update(`${sources(name)}${JSON.stringify(worlds[name as MachineName])}`).digest("hex"),
    })),
    lines: await rows("scope.ts", async () => {
      const { lines } = await import("../machines/scope.ts");
      return Object.entries(lines).map(([name, { clause, asks, shows }]) => ({ name, grounds: { cites: [clause] }, says: { asks, "shows in": shows.join(", ") } }));
    }),
    policies: await rows("policies.ts", async () => {
      const { policies } = await import("../machines/policies.ts");
      return Object.entries(policies).map(([name, policy]) => ({
        name,
        grounds: policy.grounds,
        says: { means: policy.means, values: "values" in policy ? policy.values.join(", ") : `${policy.unit}, from ${policy.least}`, default: String(policy.default) },
      }));
    }),
    refusals: await rows("refusals.ts", async () => {
      const { refusals } = await import("../machines/refusals.ts");
      return Object.entries<Refusal>(refusals).map(([name, refusal]) => {
        const { grounds, ...answer } = refusal;
        return { name, grounds, says: { answer: Object.values(answer).join(" ") } };
      });
    }),
  };
}

const directory = new URL("../machines/", import.meta.url);

const rows = async (file: string, read: () => Promise<Row[]>): Promise<Row[] | undefined> => (existsSync(new URL(file, directory)) ? read() : undefined);

function definitions({ implementations }: AnyStateMachine): Record<string, string> {
  const { guards, actions } = implementations as unknown as Record<"guards" | "actions", Record<string, { readonly assignment?: unknown }>>;
  const texts = [
    ...Object.entries(guards).map(([name, guard]) => [`guard ${name}`, String(guard)]),
    ...Object.entries(actions).flatMap(([name, { assignment }]) => (assignment === undefined ? [] : [[`memory ${name}`, told(assignment)]])),
  ];
  return Object.fromEntries(texts.map(([name, text]) => [name, text!.replaceAll(/\s+/g, " ")]));
}

const told = (assignment: unknown): string => (typeof assignment === "function" ? String(assignment) : Object.entries(assignment as object).map(([name, value]) => `${name}: ${String(value)}`).join(", "));

/** The machine's file and what it imports, without what says nothing: comments, and imports of types. All files, where none is called as the machine. */
function sources(name: string): string {
  const file = `${name}.ts`;
  const pending = existsSync(new URL(file, directory)) ? [file] : readdirSync(directory).filter((each) => each.endsWith(".ts"));
  const texts = new Map<string, string>();
  for (const each of pending) {
    const lines = readFileSync(new URL(each, directory), "utf8").split("\n").filter((line) => !/^\s*(\/?\*|\/\/|import type\b|$)/.test(line));
    texts.set(each, lines.join("\n"));
    for (const [, imported] of texts.get(each)!.matchAll(/from "\.\/([^"]+)"/g)) if (!pending.includes(imported!)) pending.push(imported!);
  }
  return [...texts].sort().flat().join("\n");
}

async function tours(machine: string): Promise<readonly Way[]> {
  const { toursOf } = await import("../model-tests/tours.ts");
  return toursOf(machine as MachineName).map(({ input, steps }) => ({ input, events: steps.map(({ event }) => event) }));
}

async function walk(name: string, ways: readonly Way[]): Promise<readonly (readonly Met[])[]> {
  const { machines } = await import("../machines/index.ts");
  const { start, step } = await import("../machines/step.ts");
  const { answerOf, wordOf } = await import("../model-tests/graph.ts");
  const { toldAnswer } = await import("../model-tests/tours.ts");
  const { leavesOf } = await import("../model-tests/goals.ts");
  const machine: AnyStateMachine = machines[name as MachineName];
  return ways.map(({ input, events }) => {
    const met: Met[] = [];
    let at = "";
    const note = (take: () => ReturnType<typeof start>): AnyMachineSnapshot | undefined => {
      try {
        const done = take();
        const answer = answerOf(done);
        met.push({ at, says: toldAnswer(answer), word: wordOf(answer) });
        at = leavesOf(done.snapshot as AnyMachineSnapshot);
        return answer.over ? undefined : (done.snapshot as AnyMachineSnapshot);
      } catch (error) {
        met.push({ at, says: `fails: ${(error as Error).message}`, word: "fails" });
        return undefined;
      }
    };
    let now = note(() => start(machine, input));
    for (const event of events) {
      if (now === undefined) break;
      const from = now;
      now = note(() => step(machine, from as never, event));
    }
    return met;
  });
}

process.on("message", async (question: Question) => {
  try {
    process.send!({ answer: await (question.ask === "describe" ? describe() : question.ask === "tours" ? tours(question.machine) : walk(question.machine, question.ways)) });
  } catch (error) {
    process.send!({ fault: error instanceof Error ? error.message : String(error) });
  }
});
