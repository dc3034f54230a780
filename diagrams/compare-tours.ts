/**
 * What became of the tours of a machine: those of either revision, walked in the other.
 *
 * A tour is the same as long as every event is answered the same, whatever its number. Where an answer differs it is gone, or
 * new; tours that part in one state, at one event, with the same two answers are told together, by the shortest of them.
 */
import { delayOf } from "../machines/inspect.ts";
import { told } from "../model-tests/explore.ts";
import type { Answers, Met, Question, Way } from "./revision.ts";

/** Who answers for a revision. */
export interface Answering {
  ask<Q extends Question>(question: Q): Promise<Answers[Q["ask"]]>;
}

export interface Tours {
  /** How many there are, before and after. */
  readonly of: readonly [number, number];
  /** Of before, answered otherwise now. */
  readonly gone: readonly Parting[];
  /** Of now, answered otherwise before. */
  readonly come: readonly Parting[];
}

export interface Parting {
  /** How many tours part so. */
  readonly tours: number;
  readonly at: string;
  readonly event: string;
  /** What it was answered with, and is. */
  readonly was: string;
  readonly is: string;
  /** The shortest way there: the policies, and every event with its answer. */
  readonly given: string;
  readonly way: readonly string[];
}

/** A sentence, where one of both cannot make its tours. */
export async function compareTours(machine: string, before: Answering, after: Answering): Promise<Tours | string> {
  try {
    const [ours, theirs] = await Promise.all([before.ask({ ask: "tours", machine }), after.ask({ ask: "tours", machine })]);
    const walked = (ways: readonly Way[]) => Promise.all([before.ask({ ask: "walk", machine, ways }), after.ask({ ask: "walk", machine, ways })]);
    const gone = partings(ours, ...(await walked(ours)));
    const come = partings(theirs, ...(await walked(theirs)));
    return { of: [ours.length, theirs.length], gone, come };
  } catch (error) {
    return `its tours cannot be compared: ${(error as Error).message}`;
  }
}

function partings(ways: readonly Way[], before: readonly (readonly Met[])[], after: readonly (readonly Met[])[]): Parting[] {
  const found = new Map<string, Parting>();
  ways.forEach(({ input, events }, number) => {
    const [was, is] = [before[number]!, after[number]!];
    const at = was.findIndex(({ word }, index) => word !== is[index]?.word);
    if (at < 0) return;
    const event = at === 0 ? "it begins" : toldEvent(events[at - 1]!);
    const parting: Parting = {
      tours: 1,
      at: was[at]!.at,
      event,
      was: was[at]!.says,
      is: is[at]?.says ?? "nothing, for it is over",
      given: toldInput(input),
      way: was.slice(1, at).map(({ says }, index) => `${toldEvent(events[index]!)} → ${says}`),
    };
    const key = JSON.stringify([parting.at, event, parting.was, parting.is]);
    const known = found.get(key);
    const shorter = known === undefined || parting.way.length < known.way.length ? parting : known;
    found.set(key, { ...shorter, tours: (known?.tours ?? 0) + 1 });
  });
  return [...found.values()].sort((one, other) => one.way.length - other.way.length);
}

function toldEvent({ type, ...params }: Way["events"][number]): string {
  const delay = delayOf(type);
  return told([{ type: delay === undefined ? type : `after ${delay}`, ...params }]);
}

const toldInput = (input: unknown): string => Object.entries((input ?? {}) as object).map(([name, value]) => `${name}=${String(value)}`).join(", ");
