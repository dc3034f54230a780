/**
 * What became of the tours of a machine: those of either revision, walked in the other.
 *
 * A tour is the same as long as every event is answered the same, whatever its number. Where an answer differs it is gone, or
 * new; tours that part in one state, at one event, with answers of one kind, are told together, by the shortest of them.
 */
import { delayOf } from "../../machines/inspect.ts";
import { told } from "../../model-tests/explore.ts";
import type { Answering } from "./comparison.ts";
import type { Met, Way } from "./ways.ts";

export interface Tours {
  /** How many there are, before and after. */
  readonly of: readonly [number, number];
  readonly partings: readonly Parting[];
}

export interface Parting {
  /** Tours of before that part so and are gone; tours of now that do and are new. */
  readonly gone: number;
  readonly come: number;
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
    const [ours, theirs] = await Promise.all([before.tours(machine), after.tours(machine)]);
    const walked = (ways: readonly Way[]) => Promise.all([before.walk(machine, ways), after.walk(machine, ways)]);
    return { of: [ours.length, theirs.length], partings: together([...partings("gone", ours, ...(await walked(ours))), ...partings("come", theirs, ...(await walked(theirs)))]) };
  } catch (error) {
    return `its tours cannot be compared: ${(error as Error).message}`;
  }
}

function partings(became: "gone" | "come", ways: readonly Way[], before: readonly (readonly Met[])[], after: readonly (readonly Met[])[]): Parting[] {
  return ways.flatMap(({ input, events }, number): Parting[] => {
    const [was, is] = [before[number]!, after[number]!];
    const at = was.findIndex(({ word }, index) => word !== is[index]?.word);
    if (at < 0) return [];
    return [
      {
        gone: became === "gone" ? 1 : 0,
        come: became === "come" ? 1 : 0,
        at: was[at]!.at,
        event: at === 0 ? "it begins" : toldEvent(events[at - 1]!),
        was: was[at]!.says,
        is: is[at]?.says ?? "nothing, for it is over",
        given: toldInput(input),
        way: was.slice(1, at).map(({ says }, index) => `${toldEvent(events[index]!)} → ${says}`),
      },
    ];
  });
}

const kind = (said: string) => said.split(" ")[0]!;

/** One for all that part in one state, at one event, with the same effects: the least example stands for their parameters. */
function together(all: readonly Parting[]): Parting[] {
  const groups = new Map<string, Parting>();
  for (const parting of all) {
    const key = JSON.stringify([parting.at, kind(parting.event), ...[parting.was, parting.is].map((said) => said.split("; ").map(kind))]);
    const known = groups.get(key);
    const shortest = known === undefined || parting.way.length < known.way.length ? parting : known;
    groups.set(key, { ...shortest, gone: (known?.gone ?? 0) + parting.gone, come: (known?.come ?? 0) + parting.come });
  }
  return [...groups.values()].sort((one, other) => one.way.length - other.way.length);
}

function toldEvent({ type, ...params }: Way["events"][number]): string {
  const delay = delayOf(type);
  return told([{ type: delay === undefined ? type : `after ${delay}`, ...params }]);
}

const toldInput = (input: unknown): string => Object.entries((input ?? {}) as object).map(([name, value]) => `${name}=${String(value)}`).join(", ");
