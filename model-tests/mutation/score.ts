/** What the recommended tours of a machine are worth: how many of its mutants they kill, and which mutants nobody can tell. */
import type { AnyEventObject } from "xstate";
import { machines, type MachineName } from "../../machines/index.ts";
import { worlds } from "../../machines/worlds.ts";
import { invariants } from "../invariants.ts";
import { wordOf } from "../graph.ts";
import { toursOf, type Tour } from "../tours.ts";
import { distinguishes } from "./equivalence.ts";
import { mutantsOf, sitesOf, type Mutant } from "./mutants.ts";
import { Territory, type World } from "./territory.ts";
import { Twin } from "./twin.ts";

export interface Missed {
  readonly mutant: Mutant;
  /** The shortest that tells it from the original. */
  readonly trace: readonly AnyEventObject[];
}

export interface Report {
  readonly name: MachineName;
  readonly mutants: number;
  readonly killed: number;
  readonly missed: readonly Missed[];
  /** No peer can tell these from the original. */
  readonly equivalent: readonly Mutant[];
  readonly seconds: number;
}

export const distinguishable = ({ killed, missed }: Report): number => killed + missed.length;

export function mutationOf(name: MachineName, tours: readonly Tour[] = toursOf(name)): Report {
  const began = performance.now();
  const world: World = worlds[name];
  const { inputs, more } = worlds[name].larger;
  const larger: World = { inputs, events: [...world.events, ...more] };
  const sites = sitesOf(machines[name], [...new Set(larger.events.map(({ type }) => type))]);
  const suite = new Suite(name, tours, new Territory(name, sites, world));
  const territory = new Territory(name, sites, larger, invariants[name].possible).explore();

  let [mutants, killed] = [0, 0];
  const missed: Missed[] = [];
  const equivalent: Mutant[] = [];
  for (const mutant of mutantsOf(machines[name], sites)) {
    if (mutant.ifTouched && !territory.touchLists.some((list) => list.some(mutant.touched))) continue;
    mutants += 1;
    if (suite.kills(mutant)) {
      killed += 1;
      continue;
    }
    const trace = distinguishes(territory, larger.inputs, mutant);
    if (trace === undefined) equivalent.push(mutant);
    else missed.push({ mutant, trace });
  }
  return { name, mutants, killed, missed, equivalent, seconds: (performance.now() - began) / 1000 };
}

/** One tour in the territory of the original. */
interface Walk {
  readonly tour: Tour;
  readonly input: number;
  /** Where each step begins, and its event. */
  readonly places: Int32Array;
  readonly events: Int32Array;
}

/** Tours, as a judge of mutants. */
class Suite {
  readonly #territory: Territory;
  readonly #inputs: readonly unknown[];
  readonly #walks: readonly Walk[];

  constructor(name: MachineName, tours: readonly Tour[], territory: Territory) {
    this.#territory = territory;
    this.#inputs = worlds[name].inputs;
    const events = new Map(territory.events.map((event, number) => [JSON.stringify(event), number]));
    this.#walks = tours.map((tour) => {
      const input = this.#inputs.indexOf(tour.input);
      const numbers = Int32Array.from(tour.steps, ({ event }) => events.get(JSON.stringify(event))!);
      let place = territory.initial[input]!.to;
      const places = numbers.map((event, at) => {
        const from = place;
        place = territory.to(from, event);
        // The tour and the territory were made apart: what they expect is the same.
        if (territory.words.items[territory.word(from, event)] !== wordOf(tour.steps[at]!.expected)) throw new Error(`${tour.id}: step ${at} is not expected so`);
        return from;
      });
      return { tour, input, places, events: numbers };
    });
  }

  /** Whether one of the tours shows something else with the mutant; those that come by the mutation soonest go first. */
  kills(mutant: Mutant): boolean {
    const twin = new Twin(this.#territory, mutant);
    const starts = this.#inputs.map((input) => twin.start(input));
    if (starts.some(({ word }, input) => word !== this.#territory.initial[input]!.word)) return true;
    const strays = starts.map(({ to }, input) => to !== this.#territory.initial[input]!.to);
    const first = this.#walks.map((walk) => (strays[walk.input] ? 0 : this.#nextTouched(twin, walk, 0)));
    return [...this.#walks.keys()]
      .filter((walk) => first[walk]! < this.#walks[walk]!.events.length)
      .sort((a, b) => first[a]! - first[b]!)
      .some((walk) => this.#tells(twin, this.#walks[walk]!, first[walk]!, starts));
  }

  #nextTouched(twin: Twin, { places, events }: Walk, from: number): number {
    for (let at = from; at < events.length; at++) if (twin.touches(this.#territory.touches(places[at]!, events[at]!))) return at;
    return events.length;
  }

  #tells(twin: Twin, walk: Walk, from: number, starts: readonly { readonly to: number }[]): boolean {
    const { places, events, input } = walk;
    const territory = this.#territory;
    let whereabouts = from === 0 ? starts[input]!.to : places[from]!;
    for (let at = from; at < events.length; ) {
      const move = twin.step(whereabouts, events[at]!);
      if (move.word !== territory.word(places[at]!, events[at]!)) return true;
      at += 1;
      whereabouts = move.to;
      if (whereabouts !== places[at]) continue;
      // Together again: there is nothing to be seen before the next step that comes by.
      at = this.#nextTouched(twin, walk, at);
      whereabouts = places[at]!;
    }
    return false;
  }
}
