/**
 * Walks through a graph until there is enough: a generator, which walks on, and a stop condition, which says when it is over.
 *
 * Arrays of integers and searches from place to place; nothing here knows what a machine is.
 */
import type { Goals } from "./goals.ts";

/** Places, and edges with goals between them. The walk starts in place 0. */
export interface Terrain {
  /** The edges of place `i` are `first[i]` up to but not including `first[i + 1]`. */
  readonly first: Int32Array;
  readonly to: Int32Array;
  readonly goals: Goals;
  readonly pairs: Pairs;
  /** By edge, 1 where nothing is said. */
  readonly silent: Uint8Array;
  /** By goal, 1 where it is reached only right after everything that does nothing and says nothing in its place. */
  readonly afterSilence: Uint8Array;
}

/**
 * Goals that two edges reach together: what was done, and what comes next, at once or after one step that says nothing. An edge
 * that does nothing does not count.
 */
export interface Pairs {
  /** By edge; -1 when it does nothing. */
  readonly done: Int32Array;
  /** By edge; -1 when it is no goal after any other. */
  readonly next: Int32Array;
  readonly dones: number;
  readonly nexts: number;
  /** Whether what comes next after what was done, and so many silent steps between, is a goal: it is asked of every pair that can be. */
  readonly isGoal: (done: number, next: number, between: 0 | 1) => boolean;
}

/** A walk on: the edges that come next, none when nothing can come. */
type Generator = (at: number, last: number, earlier: number) => readonly number[];

/** The edges of an index, by what they are indexed by. */
class Index {
  readonly first: Int32Array;
  readonly edges: Int32Array;

  constructor(count: number, ids: Int32Array, edgeOf: (position: number) => number) {
    this.first = new Int32Array(count + 1);
    for (const id of ids) this.first[id + 1]! += 1;
    for (let id = 0; id < count; id++) this.first[id + 1]! += this.first[id]!;
    const next = this.first.slice();
    this.edges = new Int32Array(ids.length);
    ids.forEach((id, position) => {
      this.edges[next[id]!] = edgeOf(position);
      next[id]! += 1;
    });
  }
}

/** For every edge, the place it leaves. */
export function placesOf(first: Int32Array): Int32Array {
  const places = new Int32Array(first.at(-1)!);
  for (let place = 0; place + 1 < first.length; place++) places.fill(place, first[place], first[place + 1]);
  return places;
}

/** Rows of bits. */
class Bits {
  readonly #words: number;
  readonly #bits: Int32Array;

  constructor(rows: number, columns: number) {
    this.#words = Math.ceil(columns / 32);
    this.#bits = new Int32Array(rows * this.#words);
  }

  has(row: number, column: number): boolean {
    return ((this.#bits[row * this.#words + (column >> 5)]! >> (column & 31)) & 1) === 1;
  }

  set(row: number, column: number): void {
    this.#bits[row * this.#words + (column >> 5)]! |= 1 << (column & 31);
  }

  clear(row: number, column: number): void {
    this.#bits[row * this.#words + (column >> 5)]! &= ~(1 << (column & 31));
  }

  /** Sets what another row has. */
  add(row: number, others: Bits, other: number): void {
    for (let word = 0; word < this.#words; word++) this.#bits[row * this.#words + word]! |= others.#bits[other * this.#words + word]!;
  }

  /** Whether a row has something in common with another. */
  meets(row: number, others: Bits, other: number): boolean {
    for (let word = 0; word < this.#words; word++) if (this.#bits[row * this.#words + word]! & others.#bits[other * this.#words + word]!) return true;
    return false;
  }

  get count(): number {
    return this.#bits.reduce((sum, word) => sum + bits(word), 0);
  }
}

/** Which goals are still to be reached, and where. */
class Open {
  left: number;
  /** By edge: how many of its goals are open. */
  readonly ofEdge: Int32Array;
  /** By place: how many of its edges have an open goal. */
  readonly ofPlace: Int32Array;
  readonly #terrain: Terrain;
  readonly #from: Int32Array;
  readonly #reached: Uint8Array;
  readonly #edgesOf: Index;
  /** What may come next in a place, and what after a silent step from there. */
  readonly #nextAt: Bits;
  readonly #laterAt: Bits;
  /** What is still to come right after what was done, and what after one silent step more. */
  readonly #after: Bits;
  readonly #later: Bits;

  constructor(terrain: Terrain, from: Int32Array) {
    const { first, to, goals, pairs, silent } = terrain;
    this.#terrain = terrain;
    this.#from = from;
    this.#reached = new Uint8Array(goals.count);
    this.#edgesOf = new Index(goals.count, goals.ids, edgeAt(goals.first));
    this.ofEdge = new Int32Array(to.length);
    this.ofPlace = new Int32Array(first.length - 1);
    const places = first.length - 1;
    this.#nextAt = new Bits(places, pairs.nexts);
    this.#laterAt = new Bits(places, pairs.nexts);
    this.#after = new Bits(pairs.dones, pairs.nexts);
    this.#later = new Bits(pairs.dones, pairs.nexts);
    for (let edge = 0; edge < to.length; edge++) {
      this.ofEdge[edge] = goals.first[edge + 1]! - goals.first[edge]!;
      if (this.ofEdge[edge]! > 0) this.ofPlace[from[edge]!]! += 1;
      if (pairs.next[edge]! >= 0) this.#nextAt.set(from[edge]!, pairs.next[edge]!);
    }
    const doing = [...to.keys()].filter((edge) => pairs.done[edge]! >= 0);
    for (const edge of doing) {
      this.#after.add(pairs.done[edge]!, this.#nextAt, to[edge]!);
      if (silent[edge]) this.#laterAt.add(from[edge]!, this.#nextAt, to[edge]!);
    }
    for (const edge of doing) this.#later.add(pairs.done[edge]!, this.#laterAt, to[edge]!);
    for (let done = 0; done < pairs.dones; done++) {
      for (let next = 0; next < pairs.nexts; next++) {
        if (this.#after.has(done, next) && !pairs.isGoal(done, next, 0)) this.#after.clear(done, next);
        if (this.#later.has(done, next) && !pairs.isGoal(done, next, 1)) this.#later.clear(done, next);
      }
    }
    this.left = goals.count + this.#after.count + this.#later.count;
  }

  /** Whether something open can be done in a place, when `last` was done last, and `earlier` before that. */
  isIn(place: number, last: number, earlier: number): boolean {
    if (this.ofPlace[place]! > 0) return true;
    if (earlier >= 0 && this.#nextAt.meets(place, this.#later, earlier)) return true;
    return last >= 0 && (this.#nextAt.meets(place, this.#after, last) || this.#laterAt.meets(place, this.#later, last));
  }

  /** How many open goals an edge reaches. */
  worth(edge: number, last: number, earlier: number): number {
    const next = this.#terrain.pairs.next[edge]!;
    if (next === -1) return this.ofEdge[edge]!;
    return this.ofEdge[edge]! + (last >= 0 && this.#after.has(last, next) ? 1 : 0) + (earlier >= 0 && this.#later.has(earlier, next) ? 1 : 0);
  }

  /** Whether an edge is the silent step before an open goal. */
  leadsOn(edge: number, last: number): boolean {
    const { pairs, silent, to } = this.#terrain;
    return last >= 0 && silent[edge] === 1 && pairs.done[edge]! >= 0 && this.#nextAt.meets(to[edge]!, this.#later, last);
  }

  /** Whether an edge reaches an open goal that wants silence before it. */
  wantsSilence(edge: number): boolean {
    const { goals, afterSilence } = this.#terrain;
    for (let at = goals.first[edge]!; at < goals.first[edge + 1]!; at++) if (afterSilence[goals.ids[at]!] && !this.#reached[goals.ids[at]!]) return true;
    return false;
  }

  take(edge: number, last: number, earlier: number, isAfterSilence: boolean): void {
    const { goals, pairs, afterSilence } = this.#terrain;
    const next = pairs.next[edge]!;
    this.#pass(this.#after, last, next);
    this.#pass(this.#later, earlier, next);
    for (let at = goals.first[edge]!; at < goals.first[edge + 1]!; at++) {
      const goal = goals.ids[at]!;
      if (this.#reached[goal] || (afterSilence[goal] && !isAfterSilence)) continue;
      this.#reached[goal] = 1;
      this.left -= 1;
      for (let other = this.#edgesOf.first[goal]!; other < this.#edgesOf.first[goal + 1]!; other++) this.#close(this.#edgesOf.edges[other]!);
    }
  }

  #pass(open: Bits, done: number, next: number): void {
    if (done === -1 || next === -1 || !open.has(done, next)) return;
    open.clear(done, next);
    this.left -= 1;
  }

  #close(edge: number): void {
    this.ofEdge[edge]! -= 1;
    if (this.ofEdge[edge] === 0) this.ofPlace[this.#from[edge]!]! -= 1;
  }
}

/** The edge that a position in `ids` belongs to. Asked in order. */
function edgeAt(first: Int32Array): (position: number) => number {
  let edge = 0;
  return (position) => {
    while (first[edge + 1]! <= position) edge += 1;
    return edge;
  };
}

function bits(word: number): number {
  let count = 0;
  for (let left = word; left !== 0; left &= left - 1) count += 1;
  return count;
}

// ---------------------------------------------------------------- generators

/** Always to the nearest edge with an open goal. */
function greedy(terrain: Terrain, open: Open, from: Int32Array): Generator {
  const { first, to, pairs, silent } = terrain;
  const before = new Int32Array(first.length - 1);
  const seen = new Int32Array(first.length - 1);
  const queue = new Int32Array(first.length - 1);
  const moves = movesOf(terrain);
  let round = 0;

  /** The last edge of the shortest way to where something open can be done; -1 when there is none. */
  const nearest = (start: number, last: number): number => {
    round += 1;
    seen[start] = round;
    queue[0] = start;
    for (let head = 0, tail = 1; head < tail; head++) {
      const place = queue[head]!;
      for (let move = moves.first[place]!; move < moves.first[place + 1]!; move++) {
        const edge = moves.edges[move]!;
        const next = to[edge]!;
        if (seen[next] !== round) {
          seen[next] = round;
          before[next] = edge;
          queue[tail++] = next;
        }
        if (open.isIn(next, pairs.done[edge]!, silent[edge] === 0 ? -1 : place === start ? last : pairs.done[before[place]!]!)) return edge;
      }
    }
    return -1;
  };

  return (at, last, earlier) => {
    if (open.isIn(at, last, earlier)) return [best(terrain, open, at, last, earlier)];
    const end = nearest(at, last);
    if (end === -1) return [];
    const way = [end];
    for (let place = from[end]!; place !== at; place = from[before[place]!]!) way.push(before[place]!);
    return way.reverse();
  };
}

/** What does nothing is taken first, then what stays, then what shows most; what ends comes last, and after it what only leads on. */
function best({ first, to, pairs }: Terrain, open: Open, place: number, last: number, earlier: number): number {
  let [chosen, most] = [-1, -1];
  for (let edge = first[place]!; edge < first[place + 1]!; edge++) {
    const worth = open.worth(edge, last, earlier);
    if (worth === 0) continue;
    if (pairs.done[edge] === -1) return edge;
    const next = to[edge]!;
    const rank = next === place ? 1000 : first[next] === first[next + 1] ? 0 : worth;
    if (rank > most) [chosen, most] = [edge, rank];
  }
  for (let edge = first[place]!; chosen === -1; edge++) if (open.leadsOn(edge, last)) chosen = edge;
  return chosen;
}

/** Of the edges of a place that do the same and lead to the same, one. */
function movesOf({ first, to, pairs }: Terrain): { readonly first: Int32Array; readonly edges: Int32Array } {
  const starts = new Int32Array(first.length);
  const edges: number[] = [];
  for (let place = 0; place + 1 < first.length; place++) {
    const known = new Set<number>();
    for (let edge = first[place]!; edge < first[place + 1]!; edge++) {
      const move = to[edge]! * pairs.dones + pairs.done[edge]!;
      if (pairs.done[edge] === -1 || known.has(move)) continue;
      known.add(move);
      edges.push(edge);
    }
    starts[place + 1] = edges.length;
  }
  return { first: starts, edges: Int32Array.from(edges) };
}

/** A number from 0 up to but not including `below`, and the next one at every call. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** One edge, of those that do something three times out of four. */
function random({ first, pairs }: Terrain, seed: number): Generator {
  const upTo = randomFrom(seed);
  return (at) => {
    const edges = Array.from({ length: first[at + 1]! - first[at]! }, (_, k) => first[at]! + k);
    const doing = edges.filter((edge) => pairs.done[edge] !== -1);
    const chosen = doing.length > 0 && upTo(4) > 0 ? doing : edges;
    return chosen.length === 0 ? [] : [chosen[upTo(chosen.length)]!];
  };
}

// ---------------------------------------------------------------- walks

const silenceIn = ({ first, silent, pairs }: Terrain, place: number): number[] =>
  Array.from({ length: first[place + 1]! - first[place]! }, (_, k) => first[place]! + k).filter((edge) => silent[edge] === 1 && pairs.done[edge] === -1);

export interface Walking {
  readonly generator: "greedy" | "random";
  /** Of the random generator. */
  readonly seed: number;
  /** The most steps of all walks together. */
  readonly budget: number;
  /** A walk that is so long begins anew. */
  readonly length: number;
}

export interface Walked {
  /** The edges of every walk. */
  readonly walks: readonly (readonly number[])[];
  readonly goals: number;
  /** Goals that were not reached before the budget was spent. */
  readonly left: number;
}

/** Walks until every goal is reached, if there are any, or the budget is spent; a walk that can go nowhere begins anew. */
export function walk(terrain: Terrain, { generator, seed, budget, length }: Walking): Walked {
  const from = placesOf(terrain.first);
  const open = new Open(terrain, from);
  const goals = open.left;
  const generate = generator === "greedy" ? greedy(terrain, open, from) : random(terrain, seed);
  const walks: number[][] = [];
  let [current, at, last, earlier, spent]: [number[], number, number, number, number] = [[], 0, -1, -1, 0];
  const go = (edge: number, isAfterSilence: boolean) => {
    open.take(edge, last, earlier, isAfterSilence);
    current.push(edge);
    spent += 1;
    at = terrain.to[edge]!;
    const done = terrain.pairs.done[edge]!;
    if (done !== -1) [last, earlier] = [done, terrain.silent[edge] ? last : -1];
  };
  while (spent < budget && (goals === 0 || open.left > 0)) {
    const way = current.length < length ? generate(at, last, earlier) : [];
    if (way.length === 0) {
      if (current.length === 0) {
        if (open.left > 0 && generator === "greedy") throw new Error(`${open.left} of ${goals} goals cannot be reached`);
        break;
      }
      walks.push(current);
      [current, at, last, earlier] = [[], 0, -1, -1];
      continue;
    }
    for (const edge of way) {
      const isGoal = edge === way.at(-1) && at === from[edge];
      const isAfterSilence = isGoal && open.wantsSilence(edge);
      if (isAfterSilence) for (const silent of silenceIn(terrain, at)) go(silent, false);
      go(edge, isAfterSilence);
    }
  }
  if (current.length > 0) walks.push(current);
  return { walks, goals, left: open.left };
}
