/** What can be done at a place of a tour, and how a tour ends what it began. */
import { isDeepStrictEqual } from "node:util";
import { delayOf } from "../../machines/inspect.ts";
import type { ControllingFunction } from "../composition/controlling-function.ts";
import { stepsAt, type Place, type Reach, type Step } from "../roleplay/possible-steps.ts";

/** The step as it can be done there, if it can. A timer may be named by its delay alone. */
export const possibleStep = (of: ControllingFunction, place: Place, reach: Reach, step: Step): Step | undefined => stepsAt(of, place, reach).find((one) => isDeepStrictEqual(one, step) || isTimerOf(one, step));

const isTimerOf = ([possible]: Step, [wanted]: Step): boolean => possible.on === wanted.on && delayOf(possible.event.type) === wanted.event.type;

/** So many steps are made to end what is left. */
export const mostEndings = 30;

/** Somebody hangs up, or gives an answer that is waited for: what leaves less to do comes first. */
export function endingStep(of: ControllingFunction, place: Place, reach: Reach): Step | undefined {
  const options = stepsAt(of, place, reach);
  return endings.map((isEnding) => options.find(([{ on, event }]) => isEnding(on, event))).find((option) => option !== undefined);
}

const endings: readonly ((on: string, event: Step[0]["event"]) => boolean)[] = [
  (_, event) => event.type === "sip.BYE.answered",
  (_, event) => event.type === "sip.CANCEL",
  (_, event) => event.type === "sip.rejected" && event["outcome"] === "declined",
  (on, event) => event.type === "sip.BYE" && event["reason"] === "callCompleted" && !on.startsWith("leg "),
  (on, event) => event.type === "sip.SUBSCRIBE" && event["expires"] === "zero" && on.startsWith("subscription "),
  (_, event) => event.type === "sip.ACK",
  (_, event) => event.type === "sip.BYE" && event["reason"] === "callCompleted",
];
