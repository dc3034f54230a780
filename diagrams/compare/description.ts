/** A revision of the machines as plain data: the statecharts, and the tables beside them. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { AnyStateMachine } from "xstate";
import type { MachineName } from "../../machines/index.ts";
import type { Refusal } from "../../machines/refusals.ts";
import type { Row } from "./compare.ts";
import type { Statechart } from "../charts/graph.ts";

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

/** Of the machines beside this file. Whatever is not there, or does not load, is asked for only now. */
export async function describe(): Promise<Description> {
  const { machines } = await import("../../machines/index.ts");
  const { worlds } = await import("../../machines/worlds.ts");
  const { statechart } = await import("../charts/graph.ts");
  return {
    machines: Object.entries<AnyStateMachine>(machines).map(([name, machine]) => ({
      chart: statechart(name, machine),
      definitions: definitions(machine),
      fingerprint: createHash("sha256").update(`${sources(name)}${JSON.stringify(worlds[name as MachineName])}`).digest("hex"),
    })),
    lines: await rows("scope.ts", async () => {
      const { lines } = await import("../../machines/scope.ts");
      return Object.entries(lines).map(([name, { clause, asks, shows }]) => ({ name, grounds: { cites: [clause] }, says: { asks, "shows in": shows.join(", ") } }));
    }),
    policies: await rows("policies.ts", async () => {
      const { policies } = await import("../../machines/policies.ts");
      return Object.entries(policies).map(([name, policy]) => ({
        name,
        grounds: policy.grounds,
        says: { means: policy.means, values: "values" in policy ? policy.values.join(", ") : `${policy.unit}, from ${policy.least}`, default: String(policy.default) },
      }));
    }),
    refusals: await rows("refusals.ts", async () => {
      const { refusals } = await import("../../machines/refusals.ts");
      return Object.entries<Refusal>(refusals).map(([name, refusal]) => {
        const { grounds, ...answer } = refusal;
        return { name, grounds, says: { answer: Object.values(answer).join(" ") } };
      });
    }),
  };
}

const directory = new URL("../../machines/", import.meta.url);

const rows = async (file: string, read: () => Promise<Row[]>): Promise<Row[] | undefined> => (existsSync(new URL(file, directory)) ? read() : undefined);

export function definitions({ implementations }: AnyStateMachine): Record<string, string> {
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
