/** Which tours a server gets that says this of itself. */
import type { TimerName } from "../../machines/policies.ts";
import type { PolicySet } from "../roleplay/policy-sets.ts";
import type { Reach } from "../roleplay/possible-steps.ts";
import type { WireTour } from "../roleplay/verdict.ts";
import { wireTours } from "../roleplay/wire-tours.ts";
import { basicTours } from "./basic-tours.ts";
import { absent, moments, tooLong, type Pics } from "./pics.ts";
import { inRealTime } from "./real-time.ts";

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
  readonly quiescenceMs: number;
  /** Policy timers pass on command: their length does not matter. */
  readonly controlled: boolean;
  readonly longestWaitMs: number;
}

export function planOf({ pics, steps, seed, only, quiescenceMs, controlled, longestWaitMs }: PlanOptions): Plan {
  const without = new Set<string>(absent(pics));
  const outOfReach: readonly string[] = controlled ? [] : tooLong(pics, longestWaitMs);
  const waited = (name: string): boolean => !outOfReach.includes(name) && (controlled || !moments.includes(name as TimerName));
  const reach: Reach = { without, timers: waited, spool: "ready" };
  const open: PolicySet = { name: "open", policies: pics.policies, closed: false, spool: "ready" };
  const sets = without.has("closedGroups") ? [open] : [open, { ...open, name: "closed", closed: true }];
  const walked = steps === 0 ? [] : wireTours({ sets, steps, seed, without, timers: waited });
  const all = [...sets.flatMap((set) => basicTours(set, reach)), ...walked];
  const wanted = only.length === 0 ? all : all.filter((tour) => only.some((word) => isMeant(word, tour, all)));
  const tours = controlled ? wanted : wanted.flatMap((tour) => inRealTime(tour, { policies: pics.policies, quiescenceMs, reach }) ?? []);
  const early = wanted.filter(({ id }) => !tours.some((tour) => tour.id === id));
  return {
    tours,
    leftOut: [
      ...[...without].map((name) => `what needs ${name}`),
      ...listed("timers whose length is not told", outOfReach.filter((name) => pics.unknown.has(name as TimerName))),
      ...listed("tours of timers that are too short for what comes before", early.map(({ id }) => id)),
      ...listed(`timers longer than --longest-wait ${longestWaitMs}`, outOfReach.filter((name) => !pics.unknown.has(name as TimerName))),
    ],
  };
}

const listed = (what: string, names: readonly string[]): string[] => (names.length === 0 ? [] : [`${what}: ${names.join(", ")}`]);

/** The tour of that name; else, a word anywhere in what is said of a tour, `*` being anything. */
function isMeant(word: string, { id, title, features }: WireTour, all: readonly WireTour[]): boolean {
  if (all.some((tour) => tour.id === word)) return id === word;
  const pattern = new RegExp(word.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&")).join(".*"), "i");
  return [id, title, ...features].some((text) => pattern.test(text));
}
