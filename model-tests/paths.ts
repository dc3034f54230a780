/**
 * Paths through a machine: pairs of transitions, and simple paths through its states; how many there are, and how many of them
 * the recommended tours take.
 */
import type { AnyTransitionDefinition } from "xstate";
import { machines, type MachineName } from "../machines/index.ts";
import { transitions } from "../machines/inspect.ts";
import { worlds } from "../machines/worlds.ts";
import { askedOnTheWay } from "./explore.ts";
import type { Graph } from "./graph.ts";
import { graphAt, inputOf, toursOf, type Tour } from "./tours.ts";

/** So many of so many. */
export interface Share {
  readonly taken: number;
  readonly total: number;
}

export interface SimplePaths extends Share {
  /** The most states on a path; undefined: longer ones do not exist. */
  readonly upTo?: number;
}

const toursThrough = (name: MachineName, input: number): readonly Tour[] => toursOf(name).filter((tour) => inputOf(tour) === input);

// ---------------------------------------------------------------- transitions on edges

/** The transitions that are taken on each edge of a graph, by their place among `transitions(machine)`. */
export interface TakenOn {
  readonly sets: readonly (readonly number[])[];
  /** By edge, the number of its set; set 0 is empty. */
  readonly of: Int32Array;
}

const known = new WeakMap<Graph, TakenOn>();

/** Made once for a graph. */
export function takenOn(graph: Graph): TakenOn {
  const before = known.get(graph);
  if (before !== undefined) return before;
  const machine = machines[graph.name];
  const numbers = new Map<AnyTransitionDefinition, number>(transitions(machine).map((transition, number) => [transition, number]));
  const indexes = new Map([["", 0]]);
  const sets: number[][] = [[]];
  const of = Int32Array.from(graph.from, (from, edge) => {
    if (!graph.answers[graph.answer[edge]!]!.handled) return 0;
    const taken = askedOnTheWay(machine, graph.snapshots[from]!, graph.events[graph.event[edge]!]!).flatMap(({ transition, enabled }) => (enabled ? [numbers.get(transition)!] : []));
    const word = taken.join();
    if (!indexes.has(word)) indexes.set(word, sets.push(taken) - 1);
    return indexes.get(word)!;
  });
  const made = { sets, of };
  known.set(graph, made);
  return made;
}

// ---------------------------------------------------------------- pairs

/** Pairs of transitions of which the second is the next that is taken after the first. */
export function transitionPairs(name: MachineName): Share {
  const count = transitions(machines[name]).length;
  const all = new Set<number>();
  const taken = new Set<number>();
  worlds[name].inputs.forEach((_, input) => {
    const graph = graphAt(name, input);
    const { sets, of } = takenOn(graph);
    const add = (pairs: Set<number>, first: number, second: number) => {
      for (const one of sets[first]!) for (const next of sets[second]!) pairs.add(one * count + next);
    };
    /** By snapshot, the sets by which it is entered; an edge on which nothing is taken does not move. */
    const entered = graph.snapshots.map(() => new Set<number>());
    graph.to.forEach((to, edge) => of[edge]! > 0 && entered[to]!.add(of[edge]!));
    const seen = new Set<number>();
    graph.from.forEach((from, edge) => {
      const second = of[edge]!;
      if (second === 0) return;
      for (const first of entered[from]!) {
        const key = first * sets.length + second;
        if (seen.has(key)) continue;
        seen.add(key);
        add(all, first, second);
      }
    });
    for (const { steps } of toursThrough(name, input)) {
      let last = 0;
      for (const { edge } of steps) {
        const next = of[edge]!;
        if (next === 0) continue;
        add(taken, last, next);
        last = next;
      }
    }
  });
  return { taken: taken.size, total: all.size };
}

// ---------------------------------------------------------------- simple paths

/** Paths are counted up to the length at which there are more than so many. */
const mostPaths = 20_000;

/** The states that have none below them, together: where a machine is, whatever it remembers. */
const whereabouts = (graph: Graph): string[] => graph.snapshots.map(({ _nodes }) => _nodes.filter(({ type }) => type === "atomic" || type === "final").map(({ id }) => id).join(" "));

/** Paths through the states of a machine on which no state comes twice, of two states at least; a tour takes one when it goes that way anywhere. */
export function simplePaths(name: MachineName): SimplePaths {
  const numbers = new Map<string, number>();
  const numberOf = (word: string): number => numbers.get(word) ?? (numbers.set(word, numbers.size), numbers.size - 1);
  const after: Set<number>[] = [];
  const routes: number[][] = [];
  worlds[name].inputs.forEach((_, input) => {
    const graph = graphAt(name, input);
    const at = whereabouts(graph).map(numberOf);
    graph.from.forEach((from, edge) => {
      const [here, there] = [at[from]!, at[graph.to[edge]!]!];
      if (here !== there) (after[here] ??= new Set()).add(there);
    });
    for (const { steps } of toursThrough(name, input)) {
      const route = [at[0]!];
      for (const { edge } of steps) if (at[graph.to[edge]!] !== route.at(-1)) route.push(at[graph.to[edge]!]!);
      routes.push(route);
    }
  });

  let total = 0;
  let longest = 1;
  let paths = [...numbers.values()].map((state) => [state]);
  while (paths.length > 0) {
    const longer: number[][] = [];
    for (const path of paths) for (const next of after[path.at(-1)!] ?? []) if (!path.includes(next)) longer.push([...path, next]);
    if (longer.length === 0 || total + longer.length > mostPaths) break;
    total += longer.length;
    longest += 1;
    paths = longer;
  }
  const isCut = paths.some((path) => [...(after[path.at(-1)!] ?? [])].some((next) => !path.includes(next)));
  return { taken: takenBy(routes, longest), total, ...(isCut && { upTo: longest }) };
}

/** How many simple paths of up to so many states are somewhere on the routes. */
function takenBy(routes: readonly (readonly number[])[], longest: number): number {
  const taken = new Set<string>();
  for (const route of routes) {
    for (let from = 0; from < route.length; from++) {
      const seen = new Set([route[from]!]);
      let word = `${route[from]!}`;
      for (let to = from + 1; to < route.length && seen.size < longest && !seen.has(route[to]!); to++) {
        seen.add(route[to]!);
        word += `,${route[to]!}`;
        taken.add(word);
      }
    }
  }
  return taken.size;
}
