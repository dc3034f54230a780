/**
 * Tours against a server whose timers nobody commands: they pass by themselves, and a tour must not be in their way.
 *
 * What the server holds back for a moment, as a second NOTIFY, is waited for at once: it belongs to the step that caused it.
 * Before any other timer could pass that the tour does not speak of, the tour ends.
 */
import { delayOf } from "../../machines/inspect.ts";
import type { Policies, TimerName } from "../../machines/policies.ts";
import { ControllingFunction, type Stimulus } from "../composition/controlling-function.ts";
import { modelPolicy } from "../roleplay/policy-sets.ts";
import { startOf, walk, type Place, type Reach, type Step } from "../roleplay/possible-steps.ts";
import type { WireTour } from "../roleplay/verdict.ts";
import { endingStep, mostEndings, possibleStep } from "./ending.ts";
import { isTimer, moments } from "./pics.ts";

/** What a step takes besides its silence, on a machine with other things to do. */
const stepMs = 300;
/** More of them do not run at a time. */
const mostMoments = 8;

export interface RealTime {
  readonly policies: Policies;
  readonly quiescenceMs: number;
  readonly reach: Reach;
}

const models = new Map<string, ControllingFunction>();

/** A tour as it can be played in real time; undefined: it is one of a timer that would pass before its turn. */
export function inRealTime(tour: WireTour, { policies, quiescenceMs, reach }: RealTime): WireTour | undefined {
  const { closed } = tour;
  const key = JSON.stringify([policies, closed]);
  const of = models.get(key) ?? new ControllingFunction(modelPolicy({ policies, closed }), { spool: "immediate" });
  models.set(key, of);

  const steps: Step[] = [];
  const running = new Map<string, number>();
  let place = startOf(of);
  let now = 0;
  const take = (wanted: Step | undefined): boolean => {
    const planned = wanted && possibleStep(of, place, reach, wanted);
    const walked = planned && walk(of, place, planned);
    if (planned === undefined || walked === undefined) return false;
    const { step, after } = withMoments(of, walked.place, planned);
    now += stepMs + quiescenceMs + Math.max(0, ...step.map((stimulus) => lengthOf(policies, stimulus) ?? 0));
    if (isLate(of, after, policies, running, now)) return false;
    place = after;
    return steps.push(step) > 0;
  };
  for (const step of tour.steps) if (!take(step)) break;
  for (let endings = 0; endings < mostEndings && take(endingStep(of, place, reach)); endings++);
  const passed = new Set(steps.flat().map(({ event }) => delayOf(event.type)));
  const features = tour.features.filter((name) => !isTimer(name) || passed.has(name));
  return features.length < tour.features.length && tour.id.startsWith("basic/") ? undefined : { ...tour, features, steps };
}

const lengthOf = (policies: Policies, { event }: Stimulus): number | undefined => {
  const timer = delayOf(event.type);
  return timer === undefined ? undefined : policies[timer as TimerName];
};

/** The step, and after it the moments that pass. */
function withMoments(of: ControllingFunction, from: Place, planned: Step): { readonly step: Step; readonly after: Place } {
  const passing: Stimulus[] = [];
  let after = from;
  while (passing.length < mostMoments) {
    const moment = of.timers(after.server).find(({ event }) => moments.includes(delayOf(event.type) as TimerName));
    const walked = moment && walk(of, after, [moment]);
    if (moment === undefined || walked === undefined) break;
    passing.push(moment);
    after = walked.place;
  }
  return { step: [...planned, ...passing], after };
}

/** Of a timer's length; what is left is for a machine that is slow. */
const most = 0.75;

/** Whether a timer has run for so long that it may pass before the next step is over. */
function isLate(of: ControllingFunction, place: Place, policies: Policies, running: Map<string, number>, now: number): boolean {
  const timers = of.timers(place.server);
  const keys = new Set(timers.map(({ on, event }) => `${on} ${event.type}`));
  for (const key of running.keys()) if (!keys.has(key)) running.delete(key);
  return timers.some((timer) => {
    const key = `${timer.on} ${timer.event.type}`;
    const since = running.get(key) ?? now;
    running.set(key, since);
    return now - since > most * lengthOf(policies, timer)! && isSeen(of, place, timer);
  });
}

/** Some timers pass and nothing happens: that of an MSRP session which is there, for one. */
const isSeen = (of: ControllingFunction, place: Place, timer: Stimulus): boolean => walk(of, place, [timer])?.turns.some(({ shown }) => shown.length > 0) ?? false;

