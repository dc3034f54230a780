/** Holds the second focus against the tours of the machines: what a peer can see of every step, and nothing else. */
import type { Effect } from "../../machines/effects.ts";
import type { GroupFileTransferInput } from "../../machines/group-file-transfer.ts";
import type { GroupSessionInput } from "../../machines/group-session.ts";
import type { LargeMessageInput } from "../../machines/large-message.ts";
import type { Warning } from "../../machines/terms.ts";
import { toursOf, type Tour } from "../tours.ts";
import { SecondGroupFileTransfer, SecondGroupSession, SecondLargeMessage, type Heard } from "./second-focus.ts";

/** The machines that the second focus has decided once more. */
export const subjects = ["group-session", "group-file-transfer", "large-message"] as const;
export type Subject = (typeof subjects)[number];

/** A fresh object of the second focus, with one of its faults or with none. */
export function secondOf(subject: Subject, input: unknown, fault?: number) {
  switch (subject) {
    case "group-session":
      return new SecondGroupSession(input as GroupSessionInput, fault);
    case "group-file-transfer":
      return new SecondGroupFileTransfer(input as GroupFileTransferInput, fault);
    case "large-message":
      return new SecondLargeMessage(input as LargeMessageInput, fault);
  }
}

// ---------------------------------------------------------------- what a peer can see

interface Said {
  readonly effects: readonly Effect[];
  readonly refusal?: { readonly protocol: string; readonly status?: number; readonly warning?: Warning } | undefined;
  readonly over: boolean;
}

/** Effects that nobody sees when they have no target, and where their targets stand. */
const targets: { readonly [T in Effect["type"]]?: string } = { invite: "seats", release: "seats", relay: "to", expelSubscribers: "seats", releaseRecipients: "recipients" };

/** An effect as a word: its targets are a set, and so are the recipients of a file. Undefined when it reaches nobody. */
function wordOf(effect: { readonly type: Effect["type"] }): string | undefined {
  const params = Object.entries(effect)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]: [string, unknown]) => [name, Array.isArray(value) ? value.toSorted((one, other) => one - other) : value] as const);
  const reached = params.find(([name]) => name === targets[effect.type])?.[1];
  return Array.isArray(reached) && reached.length === 0 ? undefined : JSON.stringify(Object.fromEntries(params));
}

/** A refusal is the answer that it puts on the wire; silence is none. */
function answerOf({ refusal }: Said): Effect | undefined {
  if (refusal === undefined || refusal.protocol === "silence") return undefined;
  const { protocol, status, warning } = refusal;
  return (protocol === "sip" ? { type: "answer", status, ...(warning && { warning }) } : { type: "answerMsrp", status }) as Effect;
}

/** All that a peer can see of one step: what is asked for, in whatever order, the answer, and whether it is over. */
export function seen(said: Said): readonly string[] {
  const answer = answerOf(said);
  const words = [...said.effects, ...(answer ? [answer] : [])].flatMap((effect) => wordOf(effect) ?? []);
  return said.over ? [...words.sort(), "over"] : words.sort();
}

// ---------------------------------------------------------------- tours

/** Where a tour and the second focus part; after that the tour cannot go on with it. */
export interface Disagreement {
  readonly tour: Tour;
  readonly at: number;
  readonly machine: readonly string[];
  readonly second: readonly string[];
}

const known = new WeakMap<Said, string>();

function wordOfExpected(expected: Said): string {
  const before = known.get(expected);
  if (before !== undefined) return before;
  const word = seen(expected).join();
  known.set(expected, word);
  return word;
}

/** The first step of a tour that the second focus answers otherwise; undefined when there is none. */
export function disagreementIn(tour: Tour, fault?: number): Disagreement | undefined {
  const second = secondOf(tour.name as Subject, tour.input, fault);
  for (const [at, { event, expected }] of tour.steps.entries()) {
    const said = second.take(event as Heard);
    if (seen(said).join() !== wordOfExpected(expected)) return { tour, at, machine: seen(expected), second: seen(said) };
  }
  return undefined;
}

/** The first recommended tour of a machine with which the second focus does not agree. */
export function firstDisagreement(subject: Subject, fault?: number): Disagreement | undefined {
  for (const tour of toursOf(subject)) {
    const found = disagreementIn(tour, fault);
    if (found) return found;
  }
  return undefined;
}
