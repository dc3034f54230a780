/**
 * Checks: short tours after which nobody doubts where the machine is.
 *
 * What a step says shows what was done; where it led shows later, if ever. So after every transition, from every leaf state in
 * which it is taken, come words of events that no other leaf state with the same memory answers the same. And so it is after
 * everything that is ignored in a leaf state: silence was silence, and moved nothing.
 */
import { wordOf, type Answer, type Graph } from "./graph.ts";

/** An expiry of what does not run: nobody hears of it. */
const nothing: Answer = { effects: [], refusal: undefined, handled: false, over: false };

/** More pairs of snapshots than are looked at before two of them are taken for alike. */
const mostPairs = 3_000;

/** The checks of a graph, as edges from the start. `takenAt` names the transitions of an edge; it is empty where there are none. Classes in `shown` need no check, and get those that are checked here. */
export function checksOf(graph: Graph, takenAt: (edge: number) => string, shown: Set<string> = new Set()): number[][] {
  const { snapshots, from, to, event, events, first } = graph;
  const ways = waysOf(graph);
  const suspicion = new Suspicion(graph);
  const leaves = snapshots.map(({ value }) => JSON.stringify(value));
  const isNew = (what: string) => shown.size < shown.add(what).size;
  const checks: number[][] = [];
  for (let place = 0; place < snapshots.length; place++) {
    if (snapshots[place]!.status !== "active") continue;
    const ignored: number[] = [];
    for (let edge = first[place]!; edge < first[place + 1]!; edge++) {
      const taken = takenAt(edge);
      if (taken === "") {
        if (to[edge] === from[edge] && isNew(`${leaves[place]} ignores ${events[event[edge]!]!.type}`)) ignored.push(edge);
      } else if (snapshots[to[edge]!]!.status === "active" && isNew(`${leaves[place]} ${taken} ${leaves[to[edge]!]}`)) {
        for (const word of suspicion.against(to[edge]!)) checks.push([...ways(place), edge, ...word]);
      }
    }
    if (ignored.length > 0) for (const word of suspicion.against(place)) checks.push([...ways(place), ...ignored, ...word]);
  }
  return checks;
}

/** The shortest way to a place, as edges. */
function waysOf({ snapshots, from, to }: Graph): (place: number) => number[] {
  const discovery = new Int32Array(snapshots.length).fill(-1);
  // The graph was walked breadth first: the first edge to a place is the nearest.
  for (let edge = to.length - 1; edge >= 0; edge--) discovery[to[edge]!] = edge;
  return (place) => {
    const way: number[] = [];
    for (let at = place; at !== 0; at = from[discovery[at]!]!) way.push(discovery[at]!);
    return way.reverse();
  };
}

/** A place, and one that might be taken for it. */
interface Pair {
  readonly place: number;
  readonly other: number;
  readonly before: Pair | undefined;
  /** By which the place was come to. */
  readonly edge: number;
}

/** Which places might be taken for which, and what tells them apart. */
class Suspicion {
  readonly #graph: Graph;
  /** By answer, what a peer sees of it. */
  readonly #words: readonly string[];
  readonly #nothing = wordOf(nothing);
  readonly #known = new Map<number, readonly (readonly number[])[]>();
  /** Places with the same memory. */
  readonly #alike = new Map<string, number[]>();
  /** By place and event, the edge; -1 where the event does not come. */
  readonly #edges: Int32Array;

  constructor(graph: Graph) {
    const { snapshots, events, answers, from, event } = graph;
    this.#graph = graph;
    this.#words = answers.map(wordOf);
    this.#edges = new Int32Array(snapshots.length * events.length).fill(-1);
    for (let edge = 0; edge < from.length; edge++) this.#edges[from[edge]! * events.length + event[edge]!] = edge;
    snapshots.forEach(({ context, status }, place) => {
      if (status !== "active") return;
      const memory = JSON.stringify(context);
      const alike = this.#alike.get(memory) ?? [];
      alike.push(place);
      this.#alike.set(memory, alike);
    });
  }

  /** Words of edges that tell a place from all that can be told from it, and have its memory. */
  against(place: number): readonly (readonly number[])[] {
    const known = this.#known.get(place);
    if (known !== undefined) return known;
    const words: (readonly number[])[] = [];
    for (const other of this.#alike.get(JSON.stringify(this.#graph.snapshots[place]!.context))!) {
      if (other === place || words.some((word) => this.#tells(word, other))) continue;
      const word = this.#shortest(place, other);
      if (word !== undefined) words.push(word);
    }
    this.#known.set(place, words);
    return words;
  }

  #tells(word: readonly number[], other: number): boolean {
    let at = other;
    for (const edge of word) {
      const next = this.#step(at, edge);
      if (next === undefined) return false;
      if (next.differs) return true;
      at = next.to;
    }
    return false;
  }

  #shortest(place: number, other: number): readonly number[] | undefined {
    const { first, to, snapshots } = this.#graph;
    const queue: Pair[] = [{ place, other, before: undefined, edge: -1 }];
    const seen = new Set([place * snapshots.length + other]);
    for (let head = 0; head < Math.min(queue.length, mostPairs); head++) {
      const pair = queue[head]!;
      for (let edge = first[pair.place]!; edge < first[pair.place + 1]!; edge++) {
        const next = this.#step(pair.other, edge);
        if (next === undefined) continue;
        const then: Pair = { place: to[edge]!, other: next.to, before: pair, edge };
        if (next.differs) return wordTo(then);
        const key = then.place * snapshots.length + then.other;
        if (then.place === then.other || seen.has(key)) continue;
        seen.add(key);
        queue.push(then);
      }
    }
    return undefined;
  }

  /** What another place makes of the event of an edge; undefined where the event does not come there. */
  #step(other: number, edge: number): { readonly to: number; readonly differs: boolean } | undefined {
    const { event, events, to, answer } = this.#graph;
    const expected = this.#words[answer[edge]!]!;
    const its = this.#edges[other * events.length + event[edge]!]!;
    if (its !== -1) return { to: to[its]!, differs: this.#words[answer[its]!] !== expected };
    return events[event[edge]!]!.type.startsWith("xstate.after.") ? { to: other, differs: this.#nothing !== expected } : undefined;
  }
}

const wordTo = ({ before, edge }: Pair): number[] => (before === undefined ? [] : [...wordTo(before), edge]);
