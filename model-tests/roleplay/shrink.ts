/** Cuts a tour that fails to one that still fails and from which no step can be left out. */
import { isDeepStrictEqual } from "node:util";
import { ControllingFunction } from "../composition/controlling-function.ts";
import { modelPolicy } from "./policy-sets.ts";
import { startOf, stepsAt, walk, type Reach, type Step } from "./possible-steps.ts";
import { spoolOf } from "./scene.ts";
import type { WireTour } from "./verdict.ts";

/** Whether every step can be taken where it comes. */
export function isWalkable(tour: WireTour): boolean {
  const spool = spoolOf(tour);
  const of = new ControllingFunction(modelPolicy(tour), { spool: spool === "ready" ? "immediate" : "separate" });
  const reach: Reach = { without: new Set(), timers: () => true, spool };
  let place = startOf(of);
  for (const step of tour.steps) {
    if (!stepsAt(of, place, reach).some((one) => isDeepStrictEqual(one, step))) return false;
    const walked = walk(of, place, step);
    if (walked === undefined) return false;
    place = walked.place;
  }
  return true;
}

/** Leaves out ever smaller pieces, the last ones first, as long as what is left can be walked and fails. */
export async function shrink(tour: WireTour, fails: (tour: WireTour) => Promise<boolean>): Promise<WireTour> {
  let steps: readonly Step[] = tour.steps;
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let end = steps.length; end > 0; end = Math.min(end, steps.length) - size) {
      const shorter = { ...tour, steps: [...steps.slice(0, Math.max(0, end - size)), ...steps.slice(end)] };
      if (shorter.steps.length > 0 && isWalkable(shorter) && (await fails(shorter))) steps = shorter.steps;
    }
  }
  return { ...tour, steps, title: `${tour.title}, cut to ${steps.length}` };
}
