/**
 * Tours: long walks through a machine, each a test of whoever claims to be that machine.
 *
 * A suite is made by a generator, which walks on, and a stop condition, which says when there is enough: `greedy` always goes
 * to the nearest edge that shows something new, `random` where the seed says; both stop when every goal is reached or the
 * budget of steps is spent. Events that are refused or ignored are edges too, which a tour takes in passing.
 */
import type { AnyEventObject } from "xstate";
import type { Clause } from "../machines/clauses.ts";
import type { MachineName } from "../machines/index.ts";
import { clauses, grounds } from "../machines/inspect.ts";
import { worlds } from "../machines/worlds.ts";
import { checksOf } from "./checks.ts";
import { told } from "./explore.ts";
import { askedAt, Decisions, eventClassOf, goalClassOf, GoalList, leavesOf, Numbered, placeClassOf } from "./goals.ts";
import { graphOf, type Answer, type Graph } from "./graph.ts";
import { invariants } from "./invariants.ts";
import { walk, type Terrain } from "./walks.ts";

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
 * - `recommended`: every goal class, every transition, every named guard deciding alone both ways; after every transition, in
 *   whatever leaf it began, all that can come next, taken or not, and words of events that tell where it led from every place with
 *   the same memory; and in every leaf every event that is taken, right after all that is passed over in silence there, so that it
 *   was passed over.
 * - `0-switch`: every transition, and every named guard deciding alone both ways.
 * - `1-switch`: every pair of transitions taken back to back.
 * - `all-edges`: every event in every snapshot.
 * - `random`: nothing in particular.
 */
export type Criterion = "recommended" | "0-switch" | "1-switch" | "all-edges" | "random";

export interface TourOptions {
  /** Who walks; greedy unless the criterion is random. */
  readonly generator?: "greedy" | "random";
  /** Of the random generator; 1 unless given. */
  readonly seed?: number;
  /** The most steps of all tours of one input together: without a bound for the greedy generator, else 240, unless given. */
  readonly budget?: number;
  /** The most steps of one tour, as far as the way to its last goal allows; 120 unless given: so many can be read when it fails. */
  readonly length?: number;
}

// ---------------------------------------------------------------- graphs

const graphs = new Map<string, Graph>();

/** The graph of a machine for one input of its world, without what its surroundings cannot do; made once. */
export function graphAt(name: MachineName, input: number): Graph {
  const key = `${name}/${input}`;
  const graph = graphs.get(key) ?? graphOf(name, worlds[name].inputs[input], invariants[name].possible);
  graphs.set(key, graph);
  return graph;
}

// ---------------------------------------------------------------- what each criterion wants

interface Wanted {
  readonly goals: readonly ("classes" | "decisions" | "silence" | "edges")[];
  /** What comes after every transition: anything, or another transition. */
  readonly then?: "anything" | "transitions";
  /** Where every transition led is told from every place with the same memory that it could have led to. */
  readonly checks?: true;
}

const wanted: { readonly [C in Criterion]: Wanted } = {
  recommended: { goals: ["classes", "decisions", "silence"], then: "anything", checks: true },
  "0-switch": { goals: ["decisions"] },
  "1-switch": { goals: [], then: "transitions" },
  "all-edges": { goals: ["edges"] },
  random: { goals: [] },
};

/** A machine that does no more different things than that can afford to show also what comes one silent step later. */
const few = 40;

interface Ground extends Terrain {
  /** The edge of the graph for each edge of the terrain: those that leave where the machine has ended are no part of it. */
  readonly edges: Int32Array;
}

const isSilent = ({ effects, refusal, over }: Answer) => effects.length === 0 && !over && (refusal === undefined || refusal.protocol === "silence");

/** `reached` are goals of other inputs of the same machine: what says nothing of the policies is shown once. */
function groundOf(graph: Graph, wanted: Wanted, reached: Set<string>): Ground {
  const edges = Int32Array.from(graph.from.keys()).filter((edge) => graph.snapshots[graph.from[edge]!]!.status === "active");
  const first = new Int32Array(graph.snapshots.length + 1);
  for (const edge of edges) first[graph.from[edge]! + 1]! += 1;
  for (let place = 0; place < graph.snapshots.length; place++) first[place + 1]! += first[place]!;

  const [dones, nexts, decisions] = [new Numbered(), new Numbered(), new Decisions(graph.name)];
  const [done, next] = [new Int32Array(edges.length).fill(-1), new Int32Array(edges.length).fill(-1)];
  const goals = new GoalList();
  const [places, happenings] = [new Numbered(), new Numbered()];
  const saidOf = graph.events.map((event) => told([event]));
  const leaves = graph.snapshots.map((snapshot) => leavesOf(snapshot).split("+"));
  edges.forEach((edge, at) => {
    const from = graph.snapshots[graph.from[edge]!]!;
    const event = graph.events[graph.event[edge]!]!;
    const answers = askedAt(graph, edge);
    const taken = decisions.taken(answers);
    if (taken.length > 0) done[at] = dones.of((wanted.then === "anything" ? decisions.leaving(answers) : taken).join());
    if (wanted.then !== undefined && taken.length > 0) next[at] = nexts.of(taken.join());
    if (wanted.then === "anything" && taken.length === 0) next[at] = nexts.of(saidOf[graph.event[edge]!]!);
    goals.edge([
      ...(wanted.goals.includes("edges") ? [String(edge)] : []),
      ...(wanted.goals.includes("classes") ? [`class ${places.of(placeClassOf(from))} ${happenings.of(eventClassOf(from, event))}`] : []),
      ...(wanted.goals.includes("decisions") ? [...taken, ...decisions.branches(answers, event)].filter((goal) => !reached.has(goal)) : []),
      ...(wanted.goals.includes("silence") && taken.length > 0 ? leaves[graph.from[edge]!]!.map((leaf) => `${quietly}${leaf}, then ${saidOf[graph.event[edge]!]}`).filter((goal) => !reached.has(goal)) : []),
    ]);
  });

  const { says } = goals.goals;
  for (const goal of says) reached.add(goal);
  const [doneWords, nextWords] = [dones.words, nexts.words];
  // What is a goal here is reached here.
  const isGoal = (did: number, comes: number, between: 0 | 1) =>
    (between === 0 || doneWords.length <= few) && reached.size < reached.add(`${doneWords[did]}, then ${between === 0 ? "" : "one silent step, then "}${nextWords[comes]}`).size;
  return {
    first,
    to: edges.map((edge) => graph.to[edge]!),
    edges,
    goals: goals.goals,
    pairs: { done, next, dones: doneWords.length, nexts: nextWords.length, isGoal },
    silent: Uint8Array.from(edges, (edge) => (isSilent(graph.answers[graph.answer[edge]!]!) ? 1 : 0)),
    afterSilence: Uint8Array.from(says, (goal) => (goal.startsWith(quietly) ? 1 : 0)),
  };
}

const quietly = "in silence in ";

// ---------------------------------------------------------------- tours

const known = new Map<string, readonly Tour[]>();

/** The tours of a machine, through every input of its world; made once. */
export function toursOf(name: MachineName, criterion: Criterion = "recommended", options: TourOptions = {}): readonly Tour[] {
  const key = JSON.stringify([name, criterion, options]);
  const tours = known.get(key) ?? toursThroughAll(name, criterion, options);
  known.set(key, tours);
  return tours;
}

function toursThroughAll(name: MachineName, criterion: Criterion, options: TourOptions): Tour[] {
  const reached = new Set<string>();
  const reachesAll = options.budget === undefined && options.generator !== "random";
  return worlds[name].inputs.flatMap((_, input) => toursThrough(name, input, criterion, options, reachesAll ? reached : new Set()));
}

function toursThrough(name: MachineName, input: number, criterion: Criterion, options: TourOptions, reached: Set<string>): Tour[] {
  const { generator = criterion === "random" ? "random" : "greedy", seed = 1, budget = generator === "random" ? 240 : Infinity, length = 120 } = options;
  const graph = graphAt(name, input);
  const ground = groundOf(graph, wanted[criterion], reached);
  const { walks } = walk(ground, { generator, seed, budget, length });
  const decisions = new Decisions(name);
  const checks = wanted[criterion].checks && budget === Infinity ? checksOf(graph, (edge) => decisions.taken(askedAt(graph, edge)).join(), reached) : [];
  const ways = [...walks.map((edges) => edges.map((at) => ground.edges[at]!)), ...checks];
  const digits = String(ways.length - 1).length;
  return ways.map((edges, number) => ({
    id: `${name}/${input}/${String(number).padStart(digits, "0")}`,
    name,
    input: graph.input,
    steps: edges.map((edge) => stepOf(graph, edge)),
  }));
}

const stepOf = (graph: Graph, edge: number): TourStep => ({ event: graph.events[graph.event[edge]!]!, expected: graph.answers[graph.answer[edge]!]!, edge });

/** The number of the input in the world. */
export const inputOf = ({ id }: Tour): number => Number(id.split("/")[1]);

/** The graph that a tour goes through. */
export const graphOfTour = (tour: Tour): Graph => graphAt(tour.name, inputOf(tour));

/** The tour that takes these events; what cannot happen where it has got is left out. */
export function tourAlong(name: MachineName, input: number, events: readonly AnyEventObject[], number: string): Tour {
  const graph = graphAt(name, input);
  const numbers = new Map(graph.events.map((event, at) => [JSON.stringify(event), at]));
  const steps: TourStep[] = [];
  let place = 0;
  for (const event of events) {
    if (graph.snapshots[place]!.status !== "active") break;
    const wanted = numbers.get(JSON.stringify(event));
    for (let edge = graph.first[place]!; edge < graph.first[place + 1]!; edge++) {
      if (graph.event[edge] !== wanted) continue;
      steps.push(stepOf(graph, edge));
      place = graph.to[edge]!;
      break;
    }
  }
  return { id: `${name}/${input}/${number}`, name, input: graph.input, steps };
}

/** The goal classes of a machine, and those that its recommended tours reach. */
export function goalClassesOf(name: MachineName): { readonly total: number; readonly covered: number } {
  const tours = toursOf(name);
  const counts = worlds[name].inputs.map((_, input) => {
    const { snapshots, events, from, event } = graphAt(name, input);
    const classAt = (edge: number) => goalClassOf(name, snapshots[from[edge]!]!, events[event[edge]!]!);
    const all = new Set(Array.from(from.keys()).filter((edge) => snapshots[from[edge]!]!.status === "active").map(classAt));
    const covered = new Set(tours.filter((tour) => inputOf(tour) === input).flatMap(({ steps }) => steps.map(({ edge }) => classAt(edge))));
    return { total: all.size, covered: covered.size };
  });
  return { total: sum(counts.map(({ total }) => total)), covered: sum(counts.map(({ covered }) => covered)) };
}

/** The transitions of a machine, the answers of its guards that decide alone, and those that its recommended tours do not reach. */
export function decisionsOf(name: MachineName): { readonly transitions: number; readonly branches: number; readonly missed: readonly string[] } {
  const decisions = new Decisions(name);
  const { transitions, branches } = decisions.declared;
  const missed = new Set([...transitions, ...branches]);
  for (const tour of toursOf(name)) {
    for (const { edge, event } of tour.steps) {
      const answers = askedAt(graphOfTour(tour), edge);
      for (const reached of [...decisions.taken(answers), ...decisions.branches(answers, event)]) missed.delete(reached);
    }
  }
  return { transitions: transitions.length, branches: branches.length, missed: [...missed] };
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);

// ---------------------------------------------------------------- telling

/** `event params → effects (params) [clauses]`: one step of a tour as a reader wants it. */
export function describeStep(tour: Tour, at: number): string {
  const { event, expected, edge } = tour.steps[at]!;
  return `${told([event])} → ${toldAnswer(expected)} [${whyOf(graphOfTour(tour), edge, expected).join(", ")}]`;
}

function whyOf(graph: Graph, edge: number, { refusal }: Answer): readonly Clause[] {
  if (refusal !== undefined) return clauses(refusal.grounds);
  const taken = askedAt(graph, edge).filter(({ enabled }) => enabled);
  return [...new Set(taken.flatMap(({ transition }): readonly Clause[] => clauses(grounds(transition)!)))];
}

/** What an answer says, as words. */
export function toldAnswer({ effects, refusal, over }: Answer): string {
  const said = effects.map((effect) => told([effect]));
  if (refusal !== undefined) said.push(refusal.protocol === "silence" ? "silence" : told([{ type: refusal.protocol, status: refusal.status }]));
  if (said.length === 0) said.push("nothing");
  return [...said, ...(over ? ["over"] : [])].join("; ");
}
