/**
 * Whether a peer can tell a mutant from its original: decided exactly, in a world that both walk together.
 *
 * As long as both are in one snapshot they go where the original goes, which is known: so the search begins at the steps that
 * come by what was mutated, and goes on where the two are in different snapshots. A timer is seen by its expiry alone, and only
 * what runs in the original is let expire: a mutant in which it does not run does nothing.
 */
import type { AnyEventObject } from "xstate";
import type { Mutant } from "./mutants.ts";
import type { Territory } from "./territory.ts";
import { Twin, type Move, type Whereabouts } from "./twin.ts";

/** The two in different snapshots. */
interface Pair {
  readonly place: number;
  readonly twin: Whereabouts;
  /** The events from the start, and how many. */
  readonly way: Way;
  readonly depth: number;
}

/** A place to which both went together, and the events after it. */
interface Way {
  readonly from: Pair | number;
  readonly event: number;
}

/** More pairs than any mutant has in a world of ours: a search that gets there might never come back. */
const mostPairs = 5_000_000;

/** The shortest trace after which the two have shown different things; undefined when there is none. The territory has been explored. */
export function distinguishes(territory: Territory, mutant: Mutant): AnyEventObject[] | undefined {
  const way = new Search(territory, mutant).run();
  return way === undefined ? undefined : eventsOf(territory, way).map((event) => territory.events[event]!);
}

const eventsOf = (territory: Territory, { from, event }: Way): number[] => [
  ...(typeof from === "number" ? territory.way(from) : eventsOf(territory, from.way)),
  // At the start no event has been yet.
  ...(event === atStart ? [] : [event]),
];
const atStart = -1;

class Search {
  readonly #territory: Territory;
  readonly #mutant: Mutant;
  readonly #twin: Twin;
  readonly #pairs: Pair[] = [];
  readonly #known = new Set<string>();

  constructor(territory: Territory, mutant: Mutant) {
    this.#territory = territory;
    this.#mutant = mutant;
    this.#twin = new Twin(territory, mutant);
  }

  /** Breadth first: by the depth of places and pairs alike. */
  run(): Way | undefined {
    const { inputs, initial, places, depth } = this.#territory;
    for (const [number, input] of inputs.entries()) {
      const { to, word } = initial[number]!;
      const way = { from: to, event: atStart };
      if (!this.#agree(word, to, this.#twin.start(input), way, 0)) return way;
    }
    let head = 0;
    for (let place = 0; place < places.length; place++) {
      for (; (this.#pairs[head]?.depth ?? Infinity) < depth[place]!; head++) {
        const way = this.#fromPair(this.#pairs[head]!);
        if (way !== undefined) return way;
      }
      const way = this.#from(place, place, place, depth[place]!);
      if (way !== undefined) return way;
    }
    for (; head < this.#pairs.length; head++) {
      const way = this.#fromPair(this.#pairs[head]!);
      if (way !== undefined) return way;
    }
    return undefined;
  }

  #fromPair(pair: Pair): Way | undefined {
    return this.#from(pair.place, pair.twin, pair, pair.depth);
  }

  /** Gives both every event that can come; the way to where they disagree. */
  #from(place: number, twin: Whereabouts, from: Pair | number, depth: number): Way | undefined {
    const territory = this.#territory;
    for (let event = 0; event < territory.events.length; event++) {
      if (!territory.knows(place, event)) continue;
      if (place === twin && !this.#twin.touches(territory.touches(place, event))) continue;
      const way = { from, event };
      if (!this.#agree(territory.word(place, event), territory.to(place, event), this.#twin.step(twin, event), way, depth + 1)) return way;
    }
    return undefined;
  }

  #agree(word: number, to: number, move: Move, way: Way, depth: number): boolean {
    if (word !== move.word) return false;
    if (to === move.to) return true;
    const key = `${to} ${move.to}`;
    if (this.#known.has(key)) return true;
    this.#known.add(key);
    if (this.#pairs.push({ place: to, twin: move.to, way, depth }) > mostPairs) throw new Error(`${this.#mutant.id}: more than ${mostPairs} pairs of snapshots`);
    return true;
  }
}
