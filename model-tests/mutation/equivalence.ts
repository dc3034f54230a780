/**
 * Whether a peer can tell a mutant from its original: decided exactly, in a world that both walk together.
 *
 * As long as both are in one snapshot they go where the original goes, which is known: so the search begins at the steps that
 * come by what was mutated, and goes on where the two are in different snapshots.
 */
import type { AnyEventObject } from "xstate";
import type { Mutant } from "./mutants.ts";
import type { Territory } from "./territory.ts";
import { Twin, type Whereabouts } from "./twin.ts";

/** The two in different snapshots, and how they came there. */
interface Pair {
  readonly place: number;
  readonly twin: Whereabouts;
  readonly depth: number;
  readonly before: Pair | number;
  readonly event: number;
}

/** More pairs than any mutant of ours has: a search that gets there would perhaps not come back. */
const mostPairs = 5_000_000;

/**
 * The shortest trace after which the two have shown different things; undefined when there is none.
 *
 * The territory has been explored.
 */
export function distinguishes(territory: Territory, inputs: readonly unknown[], mutant: Mutant): AnyEventObject[] | undefined {
  const twin = new Twin(territory, mutant);
  const pairs: Pair[] = [];
  const known = new Set<string>();
  const add = (pair: Pair): void => {
    if (pair.place === pair.twin) return;
    const key = `${pair.place} ${pair.twin}`;
    if (known.has(key)) return;
    known.add(key);
    if (pairs.push(pair) > mostPairs) throw new Error(`${mutant.id}: more than ${mostPairs} pairs of snapshots`);
  };
  const told = (place: Pair | number, ...events: number[]): AnyEventObject[] => {
    if (typeof place === "number") return [...territory.way(place), ...events].map((event) => territory.events[event]!);
    return place.event === -1 ? events.map((event) => territory.events[event]!) : told(place.before, place.event, ...events);
  };

  for (const [number, input] of inputs.entries()) {
    const original = territory.initial[number]!;
    const move = twin.start(input);
    if (move.word !== original.word) return [];
    add({ place: original.to, twin: move.to, depth: 0, before: original.to, event: -1 });
  }

  let head = 0;
  const fromPair = (pair: Pair): AnyEventObject[] | undefined => {
    for (const event of territory.eventsIn(pair.place)) {
      const move = twin.step(pair.twin, event);
      if (move.word !== territory.word(pair.place, event)) return told(pair, event);
      add({ place: territory.to(pair.place, event), twin: move.to, depth: pair.depth + 1, before: pair, event });
    }
    return undefined;
  };
  for (let place = 0; place < territory.size; place++) {
    for (; (pairs[head]?.depth ?? Infinity) < territory.depth[place]!; head++) {
      const trace = fromPair(pairs[head]!);
      if (trace) return trace;
    }
    for (const event of territory.eventsIn(place)) {
      if (!twin.touches(territory.touches(place, event))) continue;
      const move = twin.step(place, event);
      if (move.word !== territory.word(place, event)) return told(place, event);
      add({ place: territory.to(place, event), twin: move.to, depth: territory.depth[place]! + 1, before: place, event });
    }
  }
  for (; head < pairs.length; head++) {
    const trace = fromPair(pairs[head]!);
    if (trace) return trace;
  }
  return undefined;
}
