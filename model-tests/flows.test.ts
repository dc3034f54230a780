/**
 * The flows of `flows/*.md`, written from the standard, walked through the machines.
 *
 * A block names its machine. Its lines: `given NAME=VALUE …` changes the input; `EVENT NAME=VALUE … -> EFFECTS` is one step, with
 * everything it asks for, in order, separated by `, `, each with its values; `after TIMER` lets a running timer expire; `nothing`
 * is a step that asks for nothing, `refused STATUS` and `silence` are an event that no transition takes; `is STATE` is where the
 * machine now rests.
 */
import { readdirSync, readFileSync } from "node:fs";
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { describe, expect, test } from "vitest";
import { machines, type MachineName } from "../machines/index.ts";
import { delayOf } from "../machines/inspect.ts";
import { defaults } from "../machines/policies.ts";
import { start, step, type Step } from "../machines/step.ts";
import { expiries } from "./explore.ts";

const directory = new URL("flows/", import.meta.url);

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

function walk(name: MachineName, lines: readonly string[]): void {
  const machine: AnyStateMachine = machines[name];
  const given = lines.filter((line) => line.startsWith("given ")).flatMap((line) => words(line).slice(1));
  let snapshot = start(machine, { ...usual[name], ...values(given) }).snapshot as AnyMachineSnapshot;
  for (const line of lines.filter((line) => !line.startsWith("given "))) {
    if (line.startsWith("is ")) {
      const state = `${machine.id}.${line.slice(3).trim()}`;
      expect(snapshot._nodes.map(({ id }) => id)).toContain(state);
      continue;
    }
    const [event, expected] = line.split(" -> ");
    if (event === undefined || expected === undefined) throw new Error(`this is no line of a flow: ${line}`);
    const next = step(machine, snapshot, eventOf(event, snapshot));
    expect(outcome(next), line).toBe(expected.trim());
    snapshot = next.snapshot;
  }
}

for (const file of readdirSync(directory).filter((name) => name.endsWith(".md")).sort()) {
  const text = readFileSync(new URL(file, directory), "utf8");
  const title = /^# (.*)$/m.exec(text)?.[1] ?? file;

  describe(`${file}: ${title}`, () => {
    const blocks = [...text.matchAll(/^```flow (\S+)\n(.*?)^```$/gms)];
    for (const [index, [, name = "", body = ""]] of blocks.entries()) {
      test(`${index + 1}: ${name}`, () => {
        expect(Object.keys(machines)).toContain(name);
        walk(name as MachineName, body.split("\n").filter((line) => line.trim() !== ""));
      });
    }
  });
}
