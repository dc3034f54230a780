/**
 * The blocks of the flows in `flows/*.md`, written from the standard, and the walk of one through its machine.
 *
 * A `flow` block names its machine. Its lines: `given NAME=VALUE …` changes the input; `EVENT NAME=VALUE … -> EFFECTS` is one
 * step, with everything it asks for, in order, separated by `, `, each with its values; `after TIMER` lets a running timer expire;
 * `nothing` is a step that asks for nothing, `refused STATUS` and `silence` are an event that no transition takes; `is STATE` is
 * where the machine now rests. A `wire` block is played on sockets, by `wire/flows.test.ts`.
 */
import { readdirSync, readFileSync } from "node:fs";
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { machines, type MachineName } from "../machines/index.ts";
import { delayOf } from "../machines/inspect.ts";
import { defaults } from "../machines/policies.ts";
import { start, step, type Step } from "../machines/step.ts";
import { expiries } from "./explore.ts";

export interface Block {
  readonly file: string;
  readonly title: string;
  readonly kind: "flow" | "wire";
  /** Among the blocks of its kind in its file, from 1. */
  readonly number: number;
  /** A machine; or the policies of a focus. */
  readonly of: string;
  readonly lines: readonly string[];
  /** What is written between the block before and this one. */
  readonly prose: string;
}

const directory = new URL("flows/", import.meta.url);

export function blocks(): Block[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".md"))
    .sort()
    .flatMap((file) => blocksOf(file, readFileSync(new URL(file, directory), "utf8")));
}

function blocksOf(file: string, text: string): Block[] {
  const title = /^# (.*)$/m.exec(text)?.[1] ?? file;
  const count = { flow: 0, wire: 0 };
  let end = 0;
  return [...text.matchAll(/^```(flow|wire) *([^\n]*)\n(.*?)^```$/gms)].map((found) => {
    const [whole, kind, of = "", body = ""] = found as unknown as [string, Block["kind"], string?, string?];
    const prose = text.slice(end, found.index);
    end = found.index + whole.length;
    return { file, title, kind, number: (count[kind] += 1), of, lines: body.split("\n").filter((line) => line.trim() !== ""), prose };
  });
}

// ---------------------------------------------------------------- the walk

/** What a machine is made with when its block does not say otherwise. */
const usual: { readonly [N in MachineName]: object } = {
  "group-file-transfer": defaults,
  "large-message": { ...defaults, recipients: 2, recipientList: "none" },
  "large-message-sender": {},
  "large-message-recipient": {},
  "group-session": { ...defaults, closed: false, longLived: true },
  "group-participant": {},
  "conference-subscription": {},
};

const value = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/** `NAME=VALUE NAME=VALUE`. */
const values = (words: readonly string[]): Record<string, unknown> => Object.fromEntries(words.map((word) => [word.slice(0, word.indexOf("=")), value(word.slice(word.indexOf("=") + 1))]));

const words = (text: string) => text.trim().split(/\s+/);

function eventOf(text: string, snapshot: AnyMachineSnapshot): AnyEventObject {
  const [type = "", ...params] = words(text);
  if (type !== "after") return { type, ...values(params) };
  const expiry = expiries(snapshot).find((timer) => delayOf(timer) === params[0]);
  if (expiry === undefined) throw new Error(`${params[0]} does not run`);
  return { type: expiry };
}

const shown = (param: unknown) => (typeof param === "string" ? param : JSON.stringify(param));

/** What a step did, as a flow writes it. */
function outcome({ effects, handled, refusal }: Step): string {
  if (!handled) return refusal === undefined || refusal.protocol === "silence" ? "silence" : `refused ${refusal.status}`;
  return effects.map(({ type, ...params }) => [type, ...Object.values(params).map(shown)].join(" ")).join(", ") || "nothing";
}

/** What the machine of a block is made with. */
export const inputOf = ({ of, lines }: Block): object => ({ ...usual[of as MachineName], ...values(lines.filter((line) => line.startsWith("given ")).flatMap((line) => words(line).slice(1))) });

/** Walks the lines through the machine; throws at the first that is not so. `visit` is shown every event and where it came. */
export function walk(block: Block, visit: (from: AnyMachineSnapshot, event: AnyEventObject) => void = () => {}): void {
  const { of, lines } = block;
  if (!Object.hasOwn(machines, of)) throw new Error(`no machine is called ${of}`);
  const machine: AnyStateMachine = machines[of as MachineName];
  let snapshot = start(machine, inputOf(block)).snapshot as AnyMachineSnapshot;
  for (const line of lines.filter((line) => !line.startsWith("given "))) {
    if (line.startsWith("is ")) {
      const state = `${machine.id}.${line.slice(3).trim()}`;
      const ids = snapshot._nodes.map(({ id }) => id);
      if (!ids.includes(state)) throw new Error(`${line}: it is in ${ids.join(", ")}`);
      continue;
    }
    const [written, expected] = line.split(" -> ");
    if (written === undefined || expected === undefined) throw new Error(`this is no line of a flow: ${line}`);
    const event = eventOf(written, snapshot);
    visit(snapshot, event);
    const next = step(machine, snapshot, event);
    if (outcome(next) !== expected.trim()) throw new Error(`${line}: it is ${outcome(next)}`);
    snapshot = next.snapshot as AnyMachineSnapshot;
  }
}
