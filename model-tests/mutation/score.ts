/** What the recommended tours of a machine are worth: how many of its mutants they kill, and which mutants nobody can tell. */
import type { AnyEventObject } from "xstate";
import { machines, type MachineName } from "../../machines/index.ts";
import { worlds } from "../../machines/worlds.ts";
import { told } from "../explore.ts";
import { wordOf } from "../graph.ts";
import { invariants, ofEveryMachine } from "../invariants.ts";
import { toursOf, type Tour } from "../tours.ts";
import { distinguishes } from "./equivalence.ts";
import { mutantsOf, sitesOf, type Mutant } from "./mutants.ts";
import { breaks } from "./sentences.ts";
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
  /** By a tour that showed something else. */
  readonly killed: number;
  /** Peers can tell these, and no tour does. */
  readonly missed: readonly Missed[];
  /** Only a peer with a clock can tell these: a timer starts anew, or does not, and expires at another time. No tour has a clock. */
  readonly timed: readonly Missed[];
  /** No peer can tell these from the original. */
  readonly equivalent: readonly Mutant[];
  /** At least so many break a sentence of `invariants.ts`; undefined when that was not asked. */
  readonly broken: number | undefined;
  /** The tours not counted. */
  readonly seconds: number;
}

export interface MutationOptions {
  readonly tours?: readonly Tour[];
  /** Walks every mutant through the world besides, and sees whether a sentence of `invariants.ts` fails. */
  readonly sentences?: boolean;
}

export const distinguishable = ({ killed, missed }: Report): number => killed + missed.length;

/** Of the mutants that can be told, the share that the tours tell. */
export const score = (report: Report): number => report.killed / distinguishable(report);

/** The report in lines: the numbers, and what was missed. */
export function toldReport(report: Report): string {
  const { name, mutants, killed, missed, timed, equivalent, broken, seconds } = report;
  const share = (count: number) => `${((100 * count) / mutants).toFixed(2)} %`;
  const numbers = `${name.padEnd(24)} ${String(mutants).padStart(5)} mutants: killed ${killed} of ${distinguishable(report)} that can be told (${(100 * score(report)).toFixed(2)} %), ${timed.length} only by a clock (${share(timed.length)}), ${equivalent.length} equivalent (${share(equivalent.length)})`;
  const besides = broken === undefined ? "" : `, at least ${broken} break a sentence`;
  return [`${numbers}${besides}; ${seconds.toFixed(1)} s`, ...missed.map(({ mutant, trace }) => `  missed ${mutant.id} [${mutant.clauses.join(", ")}]: ${told(trace)}`)].join("\n");
}

/** All mutants of a machine, each killed by a tour, told apart by a search, or equivalent. */
export function mutationOf(name: MachineName, options: MutationOptions = {}): Report {
  const tours = options.tours ?? toursOf(name);
  const began = performance.now();
  const { sites, smaller, larger } = fieldOf(name);
  const suite = new Suite(tours, smaller);
  larger.explore();

  const mutants = mutantsOf(machines[name], sites).filter((mutant) => !mutant.ifTouched || larger.touchLists.some((list) => list.some(mutant.touched)));
  const survivors = mutants.filter((mutant) => !suite.kills(mutant));
  const missed = survivors.flatMap((mutant) => toldApart(larger, mutant, false));
  const alike = without(survivors, missed);
  const timed = alike.flatMap((mutant) => toldApart(larger, mutant, true));
  if (options.sentences) smaller.explore();
  const broken = options.sentences ? mutants.filter((mutant) => breaks(smaller, mutant, [...ofEveryMachine, ...invariants[name].sentences])).length : undefined;
  return {
    name,
    mutants: mutants.length,
    killed: mutants.length - survivors.length,
    missed,
    timed,
    equivalent: without(alike, timed),
    broken,
    seconds: (performance.now() - began) / 1000,
  };
}

function toldApart(territory: Territory, mutant: Mutant, withClock: boolean): Missed[] {
  const trace = distinguishes(territory, mutant, withClock);
  return trace === undefined ? [] : [{ mutant, trace }];
}

const without = (mutants: readonly Mutant[], told: readonly Missed[]): Mutant[] => mutants.filter((mutant) => !told.some((each) => each.mutant === mutant));

/** Where mutants of a machine are told from it: the sites that can be mutated, and the original in both its worlds, unexplored. */
export function fieldOf(name: MachineName) {
  const { inputs, events, larger } = worlds[name] as World & { readonly larger: { readonly inputs: readonly unknown[]; readonly more: readonly AnyEventObject[] } };
  const all = [...new Map([...events, ...larger.more].map((event) => [JSON.stringify(event), event])).values()];
  const sites = sitesOf(machines[name], [...new Set(all.map(({ type }) => type))]);
  const { possible } = invariants[name];
  return { sites, smaller: new Territory(name, sites, { inputs, events }, possible), larger: new Territory(name, sites, { inputs: larger.inputs, events: all }, possible) };
}

/** One tour in the territory of the original. */
interface Walk {
  readonly input: number;
  /** Where each step begins, and its event. */
  readonly places: Int32Array;
  readonly events: Int32Array;
}

/** Tours, as a judge of mutants. */
class Suite {
  readonly #territory: Territory;
  readonly #walks: readonly Walk[];

  constructor(tours: readonly Tour[], territory: Territory) {
    this.#territory = territory;
    const numbers = new Map(territory.events.map((event, number) => [JSON.stringify(event), number]));
    this.#walks = tours.map(({ id, input, steps }) => {
      const number = territory.inputs.indexOf(input);
      const events = Int32Array.from(steps, ({ event }) => numbers.get(JSON.stringify(event))!);
      let place = territory.initial[number]!.to;
      const places = events.map((event, at) => {
        const from = place;
        place = territory.to(from, event);
        // The tour and the territory were made apart.
        if (territory.words.words[territory.word(from, event)] !== wordOf(steps[at]!.expected)) throw new Error(`${id}: the original does not take step ${at} so`);
        return from;
      });
      return { input: number, places, events };
    });
  }

  /** Whether one of the tours shows something else with the mutant; those that come by the mutation soonest go first. */
  kills(mutant: Mutant): boolean {
    const { inputs, initial } = this.#territory;
    const twin = new Twin(this.#territory, mutant);
    const starts = inputs.map((input) => twin.start(input));
    if (starts.some(({ word }, input) => word !== initial[input]!.word)) return true;
    const first = this.#walks.map((walk) => (starts[walk.input]!.to === initial[walk.input]!.to ? this.#nextTouched(twin, walk, 0) : 0));
    return [...this.#walks.keys()]
      .filter((walk) => first[walk]! < this.#walks[walk]!.events.length)
      .sort((a, b) => first[a]! - first[b]!)
      .some((walk) => this.#tells(twin, this.#walks[walk]!, first[walk]!, starts[this.#walks[walk]!.input]!.to));
  }

  #nextTouched(twin: Twin, { places, events }: Walk, from: number): number {
    for (let at = from; at < events.length; at++) if (twin.touches(this.#territory.touches(places[at]!, events[at]!))) return at;
    return events.length;
  }

  #tells(twin: Twin, walk: Walk, from: number, start: number): boolean {
    const { places, events } = walk;
    let whereabouts = from === 0 ? start : places[from]!;
    for (let at = from; at < events.length; ) {
      const move = twin.step(whereabouts, events[at]!);
      if (move.word !== this.#territory.word(places[at]!, events[at]!)) return true;
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
