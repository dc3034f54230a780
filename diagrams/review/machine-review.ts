/** One machine with its evidence. */
import { readFileSync } from "node:fs";
import type { AnyEventObject } from "xstate";
import { machines, type MachineName } from "../../machines/index.ts";
import { refusals } from "../../machines/refusals.ts";
import { worlds } from "../../machines/worlds.ts";
import { invariants, ofEveryMachine } from "../../model-tests/invariants.ts";
import type { Taken, TransitionTrace } from "../../model-tests/traceability.ts";
import { timersOf, type MachineEvidence } from "./evidence.ts";
import { statechart } from "../charts/graph.ts";
import { picturesOf } from "./pictures.ts";
import type { MachineReview, RuleReview, TourReview } from "./review-shape.ts";
import { linesOf } from "./sources.ts";
import { answer } from "./survey.ts";
import { Takes } from "./takes.ts";
import { testsNaming } from "./tests.ts";

/** The events of a tour. */
export function eventsOf(name: MachineName, { events }: TourReview): AnyEventObject[] {
  const timers = timersOf(name);
  const world: readonly AnyEventObject[] = worlds[name].events;
  return events.map((index) => (index >= 0 ? world[index]! : timerEvents(timers)[-1 - index]!));
}

const timerEvents = (timers: readonly string[]): readonly AnyEventObject[] => {
  const key = timers.join();
  const known = expiries.get(key) ?? timers.map((type) => ({ type }));
  expiries.set(key, known);
  return known;
};
/** One object an expiry: walks that share events meet. */
const expiries = new Map<string, readonly AnyEventObject[]>();

/** What the tours of a machine take: by rule, each tour that does and the step, counted from 0, at which it does first. */
export function takenOf(name: MachineName, tours: readonly TourReview[]): ReadonlyMap<number, readonly { readonly tour: string; readonly step: number }[]> {
  const takes = new Takes(name);
  const taken = new Map<number, { readonly tour: string; readonly step: number }[]>();
  for (const tour of tours) {
    const seen = new Set<number>();
    takes.along(worlds[name].inputs[tour.input], eventsOf(name, tour)).forEach((rules, step) => {
      for (const rule of rules) {
        if (seen.has(rule)) continue;
        seen.add(rule);
        taken.set(rule, [...(taken.get(rule) ?? []), { tour: tour.id, step }]);
      }
    });
  }
  return taken;
}

const most = 12;

export function machineReview(name: MachineName, { matrix, tours }: MachineEvidence, traces: readonly TransitionTrace[], taken: ReturnType<typeof takenOf>): MachineReview {
  const machine = machines[name];
  return {
    name,
    says: saysOf(name),
    chart: statechart(name, machine),
    pictures: picturesOf(name),
    lines: linesOf(name),
    matrix,
    refusals: Object.fromEntries(matrix.events.flatMap((event) => (event in refusals ? [[event, { answer: answer(refusals[event as keyof typeof refusals]), grounds: refusals[event as keyof typeof refusals].grounds }]] : []))),
    invariants: [...ofEveryMachine, ...invariants[name].sentences].map(({ says, beside }) => ({ says, clause: beside })),
    inputs: worlds[name].inputs.map((input) => input ?? {}),
    events: worlds[name].events,
    timers: timersOf(name),
    tours,
    rules: traces.map((trace) => ruleReview(trace, ordinary(taken.get(trace.rule) ?? [], tours))),
  };
}

type Takers = readonly { readonly tour: string; readonly step: number }[];

/** Those that come to it soonest stand first, and of them those whose events stand first in the world: they are the most ordinary. */
function ordinary(taken: Takers, tours: readonly TourReview[]): Takers {
  const events = new Map(tours.map((tour) => [tour.id, tour.events]));
  const strangeness = ({ tour, step }: Takers[number]) => events.get(tour)!.slice(0, step + 1).reduce((sum, index) => sum + Math.abs(index), 0);
  const soonest = [...taken].sort((a, b) => a.step - b.step);
  const enough = soonest.filter(({ step }, index) => index < most || step === soonest[0]!.step);
  return enough.map((taker) => ({ taker, odd: strangeness(taker) })).sort((a, b) => a.taker.step - b.taker.step || a.odd - b.odd).map(({ taker }) => taker).slice(0, most);
}

function ruleReview({ rule, name, grounds, flows, wireTours = [], tours, unreachable }: TransitionTrace, firstTours: Takers): RuleReview {
  return {
    rule,
    name,
    tours: tours.count,
    firstTours,
    wireTours: wireTours.length,
    ...(wireTours[0] !== undefined && { firstWireTour: wireTours[0] }),
    wireTests: grounds === undefined ? [] : testsNaming("cites" in grounds ? grounds.cites : grounds.beside),
    flows,
    ...(unreachable !== undefined && { unreachable }),
  };
}

/** The taken transitions by name, as the relation wants them. */
export const takenByName = (traces: readonly { readonly rule: number; readonly name: string }[], taken: ReturnType<typeof takenOf>): [string, Taken][] =>
  traces.flatMap(({ rule, name }): [string, Taken][] => {
    const [first] = taken.get(rule) ?? [];
    return first === undefined ? [] : [[name, { tours: new Set(taken.get(rule)!.map(({ tour }) => tour)), first }]];
  });

/** The first sentence of the comment that its file begins with. */
function saysOf(name: MachineName): string {
  const text = readFileSync(new URL(`../../machines/${name}.ts`, import.meta.url), "utf8");
  const [, comment = ""] = /^\/\*\*(.*?)\*\//s.exec(text) ?? [];
  const words = comment.replaceAll(/^\s*\* ?/gm, "").trim().replaceAll(/\s+/g, " ");
  return /^.*?\.(?=\s|$)/.exec(words)?.[0] ?? words;
}
