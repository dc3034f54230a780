/** Which tours a server gets that says this of itself. */
import type { TimerName } from "../../machines/policies.ts";
import type { PolicySet } from "../roleplay/policy-sets.ts";
import type { WireTour } from "../roleplay/verdict.ts";
import { wireTours } from "../roleplay/wire-tours.ts";
import { basicTours } from "./basic-tours.ts";
import { absent, tooLong, type Pics } from "./pics.ts";

export interface Plan {
  readonly tours: readonly WireTour[];
  /** What the tours keep away from, by the statement. */
  readonly leftOut: readonly string[];
}

export interface PlanOptions {
  readonly pics: Pics;
  readonly steps: number;
  readonly seed: number;
  readonly only: readonly string[];
  /** Policy timers pass on command: their length does not matter. */
  readonly controlled: boolean;
  readonly longestWaitMs: number;
}

export function planOf({ pics, steps, seed, only, controlled, longestWaitMs }: PlanOptions): Plan {
  const without = new Set(absent(pics));
  const outOfReach = controlled ? [] : tooLong(pics, longestWaitMs);
  const open: PolicySet = { name: "open", policies: pics.policies, closed: false, spool: "ready" };
  const sets = without.has("closedGroups") ? [open] : [open, { ...open, name: "closed", closed: true }];
  const walked = steps === 0 ? [] : wireTours({ sets, steps, seed, without, timers: (name) => !outOfReach.includes(name as TimerName) });
  const tours = [...sets.flatMap((set) => basicTours(set, without)), ...walked];
  const patterns = only.map(patternOf);
  return {
    tours: patterns.length === 0 ? tours : tours.filter((tour) => patterns.some((pattern) => [tour.id, tour.title, ...tour.features].some((text) => pattern.test(text)))),
    leftOut: [
      ...[...without].map((name) => `what needs ${name}`),
      ...listed("timers whose length is not told", outOfReach.filter((name) => pics.unknown.has(name))),
      ...listed(`timers longer than --longest-wait ${longestWaitMs}`, outOfReach.filter((name) => !pics.unknown.has(name))),
    ],
  };
}

const listed = (what: string, names: readonly string[]): string[] => (names.length === 0 ? [] : [`${what}: ${names.join(", ")}`]);

/** A word anywhere in the text; `*` is anything. */
const patternOf = (word: string): RegExp => new RegExp(word.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*"), "i");
