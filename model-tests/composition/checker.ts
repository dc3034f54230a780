/**
 * Looks at every state of a composition, breadth first: so whatever it finds, it has found the shortest way there.
 *
 * Where the states are too many, it walks at random from a seed instead, and says so.
 */
import { Composition, faultText, type Fault, type Move, type Scenario } from "./composition.ts";
import { Column, Rows } from "./interning.ts";
import { deadlock, neverOver } from "./replay.ts";

/** One thing that must not be, and the shortest way to it. */
export interface Finding {
  readonly what: string;
  /** The moves in words, from the beginning; the last one is the one that must not be, unless the state itself is wrong. */
  readonly moves: readonly string[];
  /** The state before the last move, or that is itself wrong, in words. */
  readonly state: string;
}

export interface Exploration {
  /** With all turns that were met in it. */
  readonly composition: Composition;
  readonly states: number;
  readonly edges: number;
  /** States in which everything is over. */
  readonly ends: number;
  /** The longest of the shortest ways. */
  readonly depth: number;
  readonly servers: number;
  readonly turns: number;
  readonly seconds: number;
  readonly findings: readonly Finding[];
}

export interface CheckOptions {
  /** Fold states that differ only in who is who among those who are alike. True unless said. */
  readonly fold?: boolean;
  /** Give up above so many states, and say so. */
  readonly maxStates?: number;
  /** Stop at the first finding. */
  readonly stopAtFirst?: boolean;
  /** Told of every state; the row is used again. */
  readonly onState?: (state: Int32Array, composition: Composition) => void;
}

/** Every state, every move. @throws when there are more than `maxStates`: what was not seen is not claimed */
export function check(scenario: Scenario, options: CheckOptions = {}): Exploration {
  const began = performance.now();
  const composition = new Composition(scenario);
  const search = new Search(composition, options);
  search.run();
  return {
    composition,
    states: search.rows.size,
    edges: search.edges,
    ends: search.ends,
    depth: search.depth,
    servers: composition.servers.items.length,
    turns: composition.turns.length,
    seconds: (performance.now() - began) / 1000,
    findings: search.findings,
  };
}

class Search {
  readonly composition: Composition;
  readonly rows: Rows;
  readonly #options: CheckOptions;
  readonly #fold: boolean;
  readonly #parents = new Column();
  /** The successors of state `i` are those from `#first` of `i` up to that of `i + 1`. */
  readonly #successors = new Column();
  readonly #first = new Column();
  readonly #over = new Set<number>();
  readonly #found = new Map<string, { readonly at: number; readonly move: Move | undefined }>();
  edges = 0;
  ends = 0;
  depth = 0;

  constructor(composition: Composition, options: CheckOptions) {
    this.composition = composition;
    this.rows = new Rows(composition.width);
    this.#options = options;
    this.#fold = options.fold ?? true;
  }

  run(): void {
    const { composition, rows } = this;
    const state = new Int32Array(composition.width);
    const first = composition.initial.slice();
    if (this.#fold) composition.canonicalise(first);
    rows.indexOf(first);
    this.#parents.push(-1);
    let at = 0;
    let isLayerEnd = 1;
    const visitor = {
      move: (to: Int32Array) => {
        this.edges += 1;
        if (this.#fold) composition.canonicalise(to);
        const before = rows.size;
        const index = rows.indexOf(to);
        if (rows.size > before) this.#parents.push(at);
        this.#successors.push(index);
      },
      fault: (fault: Fault, move: Move) => this.#find(faultText(fault), at, move),
    };
    for (; at < rows.size; at++) {
      if (at === isLayerEnd) {
        this.depth += 1;
        isLayerEnd = rows.size;
      }
      if (rows.size > (this.#options.maxStates ?? Infinity)) throw new RangeError(`more than ${this.#options.maxStates} states: nothing is claimed of ${composition.scenario.name}`);
      rows.read(at, state);
      this.#options.onState?.(state, composition);
      const edges = this.#successors.length;
      this.#first.push(edges);
      const fault = composition.faultIn(state);
      if (fault !== undefined) this.#find(faultText(fault), at, undefined);
      composition.expand(state, visitor);
      if (composition.isOver(state)) this.#over.add(at);
      else if (this.#successors.length === edges) this.#find(deadlock, at, undefined);
      if (this.#options.stopAtFirst && this.#found.size > 0) return;
    }
    this.#first.push(this.#successors.length);
    this.ends = this.#over.size;
    this.#checkEnds();
  }

  /** From every state the end can be reached: backwards from the ends, as sweeps against the order of discovery. */
  #checkEnds(): void {
    const reaches = new Uint8Array(this.rows.size);
    for (const end of this.#over) reaches[end] = 1;
    for (let changed = true; changed; ) {
      changed = false;
      for (let at = this.rows.size - 1; at >= 0; at--) {
        if (reaches[at] === 1) continue;
        for (let edge = this.#first.at(at); edge < this.#first.at(at + 1); edge++) {
          if (reaches[this.#successors.at(edge)] !== 1) continue;
          reaches[at] = 1;
          changed = true;
          break;
        }
      }
    }
    const lost = reaches.indexOf(0);
    if (lost >= 0) this.#find(neverOver, lost, undefined);
  }

  /** The first of its kind is the nearest. */
  #find(what: string, at: number, move: Move | undefined): void {
    if (!this.#found.has(what)) this.#found.set(what, { at, move });
  }

  get findings(): Finding[] {
    return [...this.#found].map(([what, { at, move }]) => ({ what, ...this.#way(at, move) }));
  }

  /** The way in words. Folding has forgotten who was who: it is walked once more, in the states as they are. */
  #way(to: number, last: Move | undefined): Pick<Finding, "moves" | "state"> {
    const { composition, rows } = this;
    const indexes: number[] = [];
    for (let at = to; at > 0; at = this.#parents.at(at)) indexes.unshift(at);
    let state: Int32Array = composition.initial.slice();
    const told: string[] = [];
    for (const index of indexes) {
      let found: { readonly state: Int32Array; readonly move: Move } | undefined;
      const move = (next: Int32Array, which: Move) => {
        if (found !== undefined) return;
        const reached = next.slice();
        const folded = next.slice();
        if (this.#fold) composition.canonicalise(folded);
        if (rows.indexOf(folded) === index) found = { state: reached, move: which };
      };
      composition.expand(state, { move, fault: () => {} });
      told.push(composition.describe(state, found!.move));
      state = found!.state;
    }
    if (last === undefined) return { moves: told, state: composition.told(state) };
    // The folded state is this one with some users in other seats: the same move is there, perhaps another user's.
    const folded = new Int32Array(composition.width);
    rows.read(to, folded);
    let fault = "";
    composition.expand(folded, { move: () => {}, fault: (one, move) => void (move === last && (fault = faultText(one))) });
    let lastMove: Move | undefined;
    composition.expand(state, { move: () => {}, fault: (one, move) => void (lastMove === undefined && sameKind(faultText(one), fault) && (lastMove = move)) });
    return { moves: [...told, composition.describe(state, lastMove ?? last)], state: composition.told(state) };
  }
}

/** A text without the names in it. */
const sameKind = (one: string, other: string): boolean => one === other || one.split(":")[0] === other.split(":")[0];
