/**
 * Tours: long walks through a machine, each a test of whoever claims to be that machine.
 *
 * A suite is made by a generator, which walks on, and a stop condition, which says when there is enough: `greedy` always goes
 * to the nearest edge that shows something new, `random` where the seed says; both stop when every goal is reached or the
 * budget of steps is spent. Events that are refused or ignored are edges too, which a tour takes in passing.
 */
import type { AnyEventObject, AnyStateMachine, AnyTransitionDefinition } from "xstate";
import type { Clause } from "../machines/clauses.ts";
import { machines, type MachineName } from "../machines/index.ts";
import { clauses, grounds } from "../machines/inspect.ts";
import { worlds } from "../machines/worlds.ts";
import { askedOnTheWay, told } from "./explore.ts";
import { GoalList, goalsOf, type Goals } from "./goals.ts";
import { graphOf, type Answer, type Graph } from "./graph.ts";
import { invariants } from "./invariants.ts";

export { goalClassOf } from "./goals.ts";

export interface TourStep {
  readonly event: AnyEventObject;
  readonly expected: Answer;
  /** The edge of the graph. */
  readonly edge: number;
}

export interface Tour {
  /** The machine, the number of its input in the world, the number of the tour. */
  readonly id: string;
  readonly name: MachineName;
  readonly input: unknown;
  readonly steps: readonly TourStep[];
}

/**
 * What a suite has to show.
 *
 * `recommended`: every goal class, every transition, every guard deciding alone both ways. `0-switch`: every transition and
 * every branch. `1-switch`: every pair of transitions taken back to back. `all-edges`: every event in every snapshot. `random`: nothing.
 */
export type Criterion = "recommended" | "0-switch" | "1-switch" | "all-edges" | "random";

export interface TourOptions {
  readonly generator?: "greedy" | "random";
  /** Of the random generator. */
  readonly seed?: number;
  /** The most steps of all tours of one input together. */
  readonly budget?: number;
  /** The most steps of one tour, as far as the way to the next goal allows: what can be read when it fails. */
  readonly length?: number;
}

const defaults = { seed: 1, length: 120 };

// ---------------------------------------------------------------- graphs

const graphs = new Map<string, Graph>();

/** The graph of a machine for one input of its world, without what its surroundings cannot do; made once. */
export function graphAt(name: MachineName, input: number): Graph {
  const key = `${name}/${input}`;
  const graph = graphs.get(key) ?? graphOf(name, worlds[name].inputs[input], invariants[name].possible);
  graphs.set(key, graph);
  return graph;
}

// ---------------------------------------------------------------- terrain

/** What a generator walks on: places, and arcs with goals between them. The walk starts in place 0. */
interface Terrain {
  /** The arcs of place `i` are `first[i]` up to but not including `first[i + 1]`. */
  readonly first: Int32Array;
  readonly to: Int32Array;
  /** The edge of the graph that an arc stands for. */
  readonly edge: Int32Array;
  readonly goals: Goals;
}

const terrainOf = (graph: Graph, goals: Goals): Terrain => ({ first: graph.first, to: graph.to, edge: Int32Array.from(graph.to.keys()), goals });

/** Every pair of transitions is a goal: a place is a snapshot and what was taken last, and arcs that say the same are one. */
function terrainOfPairs(graph: Graph): Terrain {
  const machine: AnyStateMachine = machines[graph.name];
  const sets = new Map<string, number>();
  const takenAt = Int32Array.from(graph.to, (_, edge) => {
    const { handled } = graph.answers[graph.answer[edge]!]!;
    const word = handled ? transitionsTaken(machine, graph, edge).map(idOf).join("&") : "";
    return sets.get(word) ?? (sets.set(word, sets.size), sets.size - 1);
  });
  const words = [...sets.keys()];
  const places = new Map<number, number>();
  const queue: { readonly at: number; readonly last: number }[] = [];
  const placeOf = (at: number, last: number): number => {
    const key = at * (words.length + 1) + last;
    const known = places.get(key);
    if (known !== undefined) return known;
    places.set(key, queue.length);
    return queue.push({ at, last }) - 1;
  };
  placeOf(0, words.length);
  const [first, to, edges, goals] = [[0], [] as number[], [] as number[], new GoalList()];
  for (let place = 0; place < queue.length; place++) {
    const { at, last } = queue[place]!;
    const known = new Set<number>();
    for (let edge = graph.first[at]!; edge < graph.first[at + 1]!; edge++) {
      const taken = takenAt[edge]!;
      const next = placeOf(graph.to[edge]!, taken);
      if (words[taken] === "" || known.has(next) || graph.snapshots[at]!.status !== "active") continue;
      known.add(next);
      to.push(next);
      edges.push(edge);
      if (last < words.length) goals.add(last * words.length + taken, () => `${words[last]} then ${words[taken]}`);
      goals.next();
    }
    first.push(to.length);
  }
  return { first: Int32Array.from(first), to: Int32Array.from(to), edge: Int32Array.from(edges), goals: goals.done };
}

const idOf = ({ source, eventType, guard }: AnyTransitionDefinition): string => `${source.id} ${eventType}${guard === undefined ? "" : ` ${source.transitions.get(eventType)?.findIndex((each) => each.guard === guard) ?? ""}`}`;

// ---------------------------------------------------------------- generators

/** Which goals are still to be reached, and where. */
class Open {
  left: number;
  /** By arc: how many of its goals are open. */
  readonly ofArc: Int32Array;
  /** By place: how many of its arcs have an open goal. */
  readonly ofPlace: Int32Array;
  readonly #terrain: Terrain;
  readonly #reached: Uint8Array;
  readonly #from: Int32Array;
  /** The arcs of goal `g` are `#arcs[#first[g]]` and on. */
  readonly #first: Int32Array;
  readonly #arcs: Int32Array;

  constructor(terrain: Terrain) {
    const { first, to, goals } = terrain;
    this.#terrain = terrain;
    this.left = goals.count;
    this.#reached = new Uint8Array(goals.count);
    this.#from = new Int32Array(to.length);
    for (let place = 0; place + 1 < first.length; place++) this.#from.fill(place, first[place], first[place + 1]);
    this.#first = new Int32Array(goals.count + 1);
    for (const goal of goals.ids) this.#first[goal + 1]! += 1;
    for (let goal = 0; goal < goals.count; goal++) this.#first[goal + 1]! += this.#first[goal]!;
    const next = this.#first.slice();
    this.#arcs = new Int32Array(goals.ids.length);
    this.ofArc = new Int32Array(to.length);
    this.ofPlace = new Int32Array(first.length - 1);
    for (let arc = 0; arc < to.length; arc++) {
      this.ofArc[arc] = goals.first[arc + 1]! - goals.first[arc]!;
      if (this.ofArc[arc]! > 0) this.ofPlace[this.#from[arc]!]! += 1;
      for (let at = goals.first[arc]!; at < goals.first[arc + 1]!; at++) this.#arcs[next[goals.ids[at]!]!++] = arc;
    }
  }

  take(arc: number): void {
    const { goals } = this.#terrain;
    for (let at = goals.first[arc]!; at < goals.first[arc + 1]!; at++) {
      const goal = goals.ids[at]!;
      if (this.#reached[goal]) continue;
      this.#reached[goal] = 1;
      this.left -= 1;
      for (let other = this.#first[goal]!; other < this.#first[goal + 1]!; other++) this.#close(this.#arcs[other]!);
    }
  }

  #close(arc: number): void {
    this.ofArc[arc]! -= 1;
    if (this.ofArc[arc] === 0) this.ofPlace[this.#from[arc]!]! -= 1;
  }
}

type Generator = (terrain: Terrain, open: Open, at: number) => readonly number[];

/** The arcs to the nearest open goal, that one included; none when none can be reached from here. */
function greedy(terrain: Terrain): Generator {
  const { first, to } = terrain;
  const before = new Int32Array(first.length - 1);
  const seen = new Int32Array(first.length - 1);
  const queue = new Int32Array(first.length - 1);
  let round = 0;

  const nearest = (open: Open, at: number): number => {
    round += 1;
    seen[at] = round;
    queue[0] = at;
    for (let head = 0, tail = 1; head < tail; head++) {
      const place = queue[head]!;
      if (open.ofPlace[place]! > 0) return place;
      for (let arc = first[place]!; arc < first[place + 1]!; arc++) {
        const next = to[arc]!;
        if (seen[next] === round) continue;
        seen[next] = round;
        before[next] = arc;
        queue[tail++] = next;
      }
    }
    return -1;
  };
  const fromOf = new Int32Array(to.length);
  for (let place = 0; place + 1 < first.length; place++) fromOf.fill(place, first[place], first[place + 1]);

  return (_, open, at) => {
    const goal = nearest(open, at);
    if (goal === -1) return [];
    const way = [best(terrain, open, goal)];
    for (let place = goal; place !== at; place = fromOf[before[place]!]!) way.push(before[place]!);
    return way.reverse();
  };
}

/** What stays is taken before what moves on, and what ends comes last; then the one that shows most. */
function best({ first, to }: Terrain, open: Open, place: number): number {
  let chosen = -1;
  let most = -1;
  for (let arc = first[place]!; arc < first[place + 1]!; arc++) {
    if (open.ofArc[arc] === 0) continue;
    const next = to[arc]!;
    if (next === place) return arc;
    const worth = first[next] === first[next + 1] ? 0 : open.ofArc[arc]!;
    if (worth > most) [chosen, most] = [arc, worth];
  }
  return chosen;
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

/** One arc, of those that move three times out of four. */
function random({ first, to }: Terrain, seed: number): Generator {
  const upTo = randomFrom(seed);
  return (_, __, at) => {
    const arcs = Array.from({ length: first[at + 1]! - first[at]! }, (_, k) => first[at]! + k);
    const moving = arcs.filter((arc) => to[arc] !== at);
    const chosen = moving.length > 0 && upTo(4) > 0 ? moving : arcs;
    return chosen.length === 0 ? [] : [chosen[upTo(chosen.length)]!];
  };
}

/** Walks until every goal is reached or the budget is spent; a walk that can go nowhere, or is long enough, begins anew. */
function walks(terrain: Terrain, generate: Generator, open: Open, length: number, budget: number): number[][] {
  const found: number[][] = [];
  let [walk, at, spent]: [number[], number, number] = [[], 0, 0];
  const hasGoals = open.left > 0;
  while (spent < budget && (!hasGoals || open.left > 0)) {
    const way = walk.length < length ? generate(terrain, open, at) : [];
    if (way.length === 0) {
      if (walk.length === 0) break;
      found.push(walk);
      [walk, at] = [[], 0];
      continue;
    }
    for (const arc of way) {
      open.take(arc);
      walk.push(arc);
      at = terrain.to[arc]!;
    }
    spent += way.length;
  }
  return walk.length > 0 ? [...found, walk] : found;
}

// ---------------------------------------------------------------- tours

const known = new Map<string, readonly Tour[]>();

/** The tours of a machine, through every input of its world; made once. */
export function toursOf(name: MachineName, criterion: Criterion = "recommended", options: TourOptions = {}): readonly Tour[] {
  const key = JSON.stringify([name, criterion, options]);
  const tours = known.get(key) ?? worlds[name].inputs.flatMap((_, input) => toursThrough(name, input, criterion, options));
  known.set(key, tours);
  return tours;
}

const terrains: { readonly [C in Criterion]: (graph: Graph) => Terrain } = {
  recommended: (graph) => terrainOf(graph, goalsOf(graph, { classes: true, decisions: true })),
  "0-switch": (graph) => terrainOf(graph, goalsOf(graph, { decisions: true })),
  "1-switch": terrainOfPairs,
  "all-edges": (graph) => terrainOf(graph, goalsOf(graph, { edges: true })),
  random: (graph) => terrainOf(graph, goalsOf(graph, {})),
};

function toursThrough(name: MachineName, input: number, criterion: Criterion, options: TourOptions): Tour[] {
  const { seed = defaults.seed, length = defaults.length, generator = criterion === "random" ? "random" : "greedy" } = options;
  const budget = options.budget ?? (criterion === "random" ? length : Infinity);
  const graph = graphAt(name, input);
  const terrain = terrains[criterion](graph);
  const generate = generator === "random" ? random(terrain, seed) : greedy(terrain);
  const found = walks(terrain, generate, new Open(terrain), length, budget);
  const digits = String(found.length - 1).length;
  return found.map((arcs, number) => ({
    id: `${name}/${input}/${String(number).padStart(digits, "0")}`,
    name,
    input: graph.input,
    steps: arcs.map((arc) => stepOf(graph, terrain.edge[arc]!)),
  }));
}

const stepOf = (graph: Graph, edge: number): TourStep => ({ event: graph.events[graph.event[edge]!]!, expected: graph.answers[graph.answer[edge]!]!, edge });

/** What the recommended tours of a machine have to reach, and do. */
export function goalClassesOf(name: MachineName): { readonly total: number; readonly covered: number } {
  let [total, covered] = [0, 0];
  worlds[name].inputs.forEach((_, input) => {
    const goals = goalsOf(graphAt(name, input), { classes: true });
    const reached = new Set<number>();
    for (const { steps } of toursOf(name).filter(({ id }) => id.startsWith(`${name}/${input}/`)))
      for (const { edge } of steps) for (let at = goals.first[edge]!; at < goals.first[edge + 1]!; at++) reached.add(goals.ids[at]!);
    total += goals.count;
    covered += reached.size;
  });
  return { total, covered };
}

// ---------------------------------------------------------------- telling

function transitionsTaken(machine: AnyStateMachine, graph: Graph, edge: number): AnyTransitionDefinition[] {
  return askedOnTheWay(machine, graph.snapshots[graph.from[edge]!]!, graph.events[graph.event[edge]!]!).flatMap(({ transition, enabled }) => (enabled ? [transition] : []));
}

/** `event params → effects (params) [clauses]`: one step of a tour as a reader wants it. */
export function describeStep(tour: Tour, at: number): string {
  const { event, expected, edge } = tour.steps[at]!;
  const graph = graphAt(tour.name, Number(tour.id.split("/")[1]));
  const taken = transitionsTaken(machines[tour.name], graph, edge);
  const why = expected.refusal ? clauses(expected.refusal.grounds) : taken.flatMap((transition): readonly Clause[] => clauses(grounds(transition)!));
  return `${told([event])} → ${toldAnswer(expected)} [${[...new Set(why)].join(", ")}]`;
}

export function toldAnswer({ effects, refusal, over }: Answer): string {
  const said = effects.map((effect) => told([effect]));
  if (refusal !== undefined) said.push(refusal.protocol === "silence" ? "silence" : told([{ type: refusal.protocol, status: refusal.status }]));
  if (said.length === 0) said.push("nothing");
  return [...said, ...(over ? ["over"] : [])].join("; ");
}
