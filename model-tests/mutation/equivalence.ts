/**
 * Whether a peer can tell a mutant from its original: decided exactly, in a world that both walk together.
 *
 * As long as both are in one snapshot they go where the original goes, which is known: so the search begins at the steps that
 * come by what was mutated, and goes on where the two are in different snapshots.
 *
 * A timer is seen by its expiry alone. A peer without a clock sees it when it expires in the original: a mutant in which it does
 * not run does nothing then. A peer with a clock sees besides that it expires in the mutant too early, too late, or when it ought
 * not to run at all: how long timers are does not matter, but which of the two was started last does.
 */
import type { AnyEventObject } from "xstate";
import { expiries } from "../explore.ts";
import type { Mutant } from "./mutants.ts";
import type { Territory } from "./territory.ts";
import { Twin, type Move, type Whereabouts } from "./twin.ts";

/** The two, not in the same snapshot with the same timers. */
interface Pair {
  readonly place: number;
  readonly twin: Whereabouts;
  readonly lag: Lag;
  /** The events from the start, and how many. */
  readonly way: Way;
  readonly depth: number;
}

/** Timers that run in both, and which of the two started them last. */
interface Lag {
  /** The original: they expire in the mutant before their time. */
  readonly early: readonly string[];
  /** The mutant: they expire in it after their time. */
  readonly late: readonly string[];
}

/** A place to which both went together, or a pair, and the event after it. */
interface Way {
  readonly from: Pair | number;
  /** Undefined at the start, where no event has been. */
  readonly event: AnyEventObject | undefined;
}

/** More pairs than any mutant has in a world of ours: a search that gets there might never come back. */
const mostPairs = 5_000_000;

const inStep: Lag = { early: [], late: [] };

/** The shortest trace after which the two have shown different things; undefined when there is none. The territory has been explored. */
export function distinguishes(territory: Territory, mutant: Mutant, withClock = false): AnyEventObject[] | undefined {
  const way = new Search(territory, mutant, withClock).run();
  return way && eventsOf(territory, way);
}

function eventsOf(territory: Territory, { from, event }: Way): AnyEventObject[] {
  const before = typeof from === "number" ? territory.way(from).map((number) => territory.events[number]!) : eventsOf(territory, from.way);
  return event === undefined ? before : [...before, event];
}

class Search {
  readonly #territory: Territory;
  readonly #mutant: Mutant;
  readonly #twin: Twin;
  readonly #withClock: boolean;
  readonly #pairs: Pair[] = [];
  readonly #known = new Set<string>();
  readonly #timers: ReadonlyMap<string, number>;

  constructor(territory: Territory, mutant: Mutant, withClock: boolean) {
    this.#territory = territory;
    this.#mutant = mutant;
    this.#twin = new Twin(territory, mutant);
    this.#withClock = withClock;
    this.#timers = new Map([...territory.events.keys()].filter((event) => territory.isExpiry(event)).map((event) => [territory.events[event]!.type, event]));
  }

  /** Breadth first: by the depth of places and pairs alike. */
  run(): Way | undefined {
    const { inputs, initial, places, depth } = this.#territory;
    for (const [number, input] of inputs.entries()) {
      const way = { from: initial[number]!.to, event: undefined };
      if (!this.#agree(initial[number]!, this.#twin.start(input), inStep, way, 0)) return way;
    }
    let head = 0;
    const fromPairs = (before: number): Way | undefined => {
      for (; (this.#pairs[head]?.depth ?? Infinity) < before; head++) {
        const pair = this.#pairs[head]!;
        const way = this.#from(pair.place, pair.twin, pair.lag, pair, pair.depth);
        if (way !== undefined) return way;
      }
      return undefined;
    };
    for (let place = 0; place < places.length; place++) {
      const way = fromPairs(depth[place]!) ?? this.#together(place);
      if (way !== undefined) return way;
    }
    return fromPairs(Infinity);
  }

  /** The steps that come by what was mutated, from a place in which both are. */
  #together(place: number): Way | undefined {
    const territory = this.#territory;
    for (let event = 0; event < territory.events.length; event++) {
      if (!territory.knows(place, event) || !this.#twin.touches(territory.touches(place, event))) continue;
      const way = { from: place, event: territory.events[event]! };
      if (!this.#agree(this.#original(place, event), this.#twin.step(place, event), inStep, way, territory.depth[place]! + 1)) return way;
    }
    return undefined;
  }

  /** Gives both every event that can come; the way to where they disagree. */
  #from(place: number, twin: Whereabouts, lag: Lag, from: Pair, depth: number): Way | undefined {
    const territory = this.#territory;
    for (let event = 0; event < territory.events.length; event++) {
      if (!territory.knows(place, event)) continue;
      const given = territory.events[event]!;
      // It has come before in the mutant, and alone.
      if (lag.early.includes(given.type)) continue;
      const move = lag.late.includes(given.type) ? this.#twin.stays(twin) : this.#twin.step(twin, event);
      const way = { from, event: given };
      if (!this.#agree(this.#original(place, event), move, lag, way, depth + 1)) return way;
    }
    return this.#withClock ? this.#alone(place, twin, lag, from, depth) : undefined;
  }

  /** Lets expire what expires in the mutant alone. */
  #alone(place: number, twin: Whereabouts, lag: Lag, from: Pair, depth: number): Way | undefined {
    const snapshot = this.#territory.places[place]!;
    const running = expiries(snapshot);
    for (const type of this.#twin.runs(twin)) {
      const event = this.#timers.get(type)!;
      if ((running.includes(type) && !lag.early.includes(type)) || !this.#territory.isPossible(snapshot, event)) continue;
      const way = { from, event: { type, expires: running.includes(type) ? "too early" : "though it ought not to run" } };
      if (!this.#agree(this.#twin.stays(place), this.#twin.step(twin, event), lag, way, depth + 1)) return way;
    }
    return undefined;
  }

  #original(place: number, event: number): Move {
    return { to: this.#territory.to(place, event), word: this.#territory.word(place, event), started: this.#territory.started(place, event) };
  }

  /** Whether a peer sees the same; then it is seen to where they have come. */
  #agree(original: Move, twin: Move, before: Lag, way: Way, depth: number): boolean {
    if (original.word !== twin.word) return false;
    const lag = this.#withClock ? this.#lagOf(original, twin, before) : inStep;
    if (original.to === twin.to && lag.early.length + lag.late.length === 0) return true;
    const key = `${original.to} ${twin.to} ${lag.early.join()} ${lag.late.join()}`;
    if (this.#known.has(key)) return true;
    this.#known.add(key);
    if (this.#pairs.push({ place: original.to, twin: twin.to, lag, way, depth }) > mostPairs) throw new Error(`${this.#mutant.id}: more than ${mostPairs} pairs of snapshots`);
    return true;
  }

  #lagOf(original: Move, twin: Move, { early, late }: Lag): Lag {
    if (original.started === twin.started && early.length + late.length === 0) return inStep;
    const [first, second] = [original, twin].map(({ started }) => this.#territory.starts.words[started]!.split(",")) as [string[], string[]];
    const running = this.#twin.runs(twin.to);
    const both = expiries(this.#territory.places[original.to]!).filter((timer) => running.includes(timer));
    const lasts = (starting: readonly string[], other: readonly string[], lagging: readonly string[]) =>
      both.filter((timer) => (starting.includes(timer) ? !other.includes(timer) : lagging.includes(timer) && !other.includes(timer)));
    return { early: lasts(first, second, early), late: lasts(second, first, late) };
  }
}
