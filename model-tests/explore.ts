/**
 * Everything a machine can do in its world: every snapshot that can be reached, and every event in every one of them.
 *
 * The walk is `getAdjacencyMap` of `xstate/graph`, breadth first, over our `step` as actor logic. A delayed transition is an
 * event of the snapshots in which its timer runs.
 */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import { getAdjacencyMap } from "xstate/graph";
import { machines, type MachineName } from "../machines/index.ts";
import { between, keep, start, step, type Step } from "../machines/step.ts";
import { worlds } from "../machines/worlds.ts";

/** One event in one snapshot, and what came of it. */
export interface Edge {
  readonly from: AnyMachineSnapshot;
  readonly event: AnyEventObject;
  readonly step: Step;
}

/** What was walked. */
export interface Territory {
  readonly machine: AnyStateMachine;
  readonly input: unknown;
  readonly initial: Step;
  /** Every snapshot, by its key, in the order of discovery. */
  readonly places: ReadonlyMap<string, AnyMachineSnapshot>;
  readonly edges: number;
  /** The shortest way to a snapshot: the events from the start. */
  way(to: AnyMachineSnapshot): AnyEventObject[];
}

/** How far a walk may go. A world that is larger is not explored in part: the walk fails. */
export interface Bounds {
  readonly snapshots: number;
  readonly ms: number;
}

/** Far more than the worlds need, and what a machine can hold. */
export const bounds: Bounds = { snapshots: 200_000, ms: 300_000 };

export class BoundReached extends Error {
  constructor(name: MachineName, bound: keyof Bounds, most: number) {
    super(`${name}: its world is larger than the bound of ${most} ${bound}: nothing is known of the rest`);
  }
}

/** Narrows a world: events that its surroundings cannot cause in a snapshot. */
export type Possible = (snapshot: AnyMachineSnapshot, event: AnyEventObject) => boolean;

/** A snapshot as a word: two snapshots with one key cannot be told apart. */
export const keyOf = (snapshot: AnyMachineSnapshot): string => JSON.stringify(keep(snapshot));

/** The timers that run in a snapshot, as the events of their expiry. */
export const expiries = (snapshot: AnyMachineSnapshot): string[] =>
  snapshot.status === "active" ? snapshot._nodes.flatMap((node) => [...new Set(node.after.map(({ eventType }) => eventType as string))]) : [];

/** Walks one machine from one input of its world, and shows every edge once, with the key of where it leads. @throws BoundReached rather than stop early */
export function explore(name: MachineName, input: unknown, visit: (edge: Edge, key: string) => void = () => {}, possible: Possible = () => true, { snapshots, ms }: Bounds = bounds): Territory {
  const began = performance.now();
  const machine: AnyStateMachine = machines[name];
  const world: readonly AnyEventObject[] = worlds[name].events;
  const initial = start(machine, input);
  const places = new Map([[keyOf(initial.snapshot), initial.snapshot as AnyMachineSnapshot]]);
  const discoveries = new Map<string, { readonly from: AnyMachineSnapshot; readonly event: AnyEventObject }>();
  let edges = 0;

  let next = initial;
  let last = { snapshot: initial.snapshot as AnyMachineSnapshot, key: keyOf(initial.snapshot) };
  const events = (snapshot: AnyMachineSnapshot) => [...world, ...expiries(snapshot).map((type) => ({ type }))];
  // Only what discovers is left in the map: its queue is an array, and shifting one of all edges is quadratic in them.
  const discovers = (from: AnyMachineSnapshot, event: AnyEventObject): boolean => {
    if (!possible(from, event)) return false;
    next = step(machine, from, event);
    edges += 1;
    if (from !== last.snapshot) last = { snapshot: from, key: keyOf(from) };
    const key = next.snapshot === from ? last.key : keyOf(next.snapshot);
    const isNew = !places.has(key);
    if (performance.now() - began > ms) throw new BoundReached(name, "ms", ms);
    if (isNew) {
      if (places.size === snapshots) throw new BoundReached(name, "snapshots", snapshots);
      places.set(key, next.snapshot);
      discoveries.set(key, { from, event });
    }
    visit({ from, event, step: next }, key);
    return isNew;
  };
  const logic = { getInitialSnapshot: () => initial.snapshot, transition: () => next.snapshot };
  getAdjacencyMap(logic as never, { events: events as never, filterEvents: discovers as never, serializeState: keyOf as never });

  const way = (to: AnyMachineSnapshot): AnyEventObject[] => {
    const discovery = discoveries.get(keyOf(to));
    return discovery === undefined ? [] : [...way(discovery.from), discovery.event];
  };
  return { machine, input, initial, places, edges, way };
}

/** A way in one line. */
export const told = (events: readonly AnyEventObject[]): string =>
  events.map(({ type, ...params }) => [type, ...Object.entries(params).map(([name, value]) => `${name}=${JSON.stringify(value)}`)].join(" ")).join(" → ");

// ---------------------------------------------------------------- which transition was asked, and said what

/** One transition that XState asked whether it is enabled, where it was asked, and the answer. */
export interface Asked {
  readonly transition: AnyTransitionDefinition;
  readonly snapshot: AnyMachineSnapshot;
  readonly enabled: boolean;
}

/**
 * The transitions that are asked in a snapshot: from every leaf upwards, until one is enabled.
 *
 * Without an event, the eventless ones.
 */
export function asked(machine: AnyStateMachine, snapshot: AnyMachineSnapshot, event: AnyEventObject, eventless = false): Asked[] {
  const answers = new Map<AnyTransitionDefinition, boolean>();
  for (const leaf of snapshot._nodes) {
    if (leaf.type === "compound" || leaf.type === "parallel") continue;
    for (let node: AnyStateNode | undefined = leaf; node !== undefined; node = node.parent) {
      const alternatives = (eventless ? node.always : node.transitions.get(event.type)) ?? [];
      if (isOneEnabled(machine, alternatives as AnyTransitionDefinition[], snapshot, event, answers)) break;
    }
  }
  return [...answers].map(([transition, enabled]) => ({ transition, snapshot, enabled }));
}

function isOneEnabled(machine: AnyStateMachine, alternatives: readonly AnyTransitionDefinition[], snapshot: AnyMachineSnapshot, event: AnyEventObject, answers: Map<AnyTransitionDefinition, boolean>): boolean {
  for (const transition of alternatives) {
    const enabled = transition.guard === undefined || holds(machine, transition.guard, { context: snapshot.context, event });
    answers.set(transition, enabled);
    if (enabled) return true;
  }
  return false;
}

/** All that is asked on the way of one event, the eventless transitions that follow included: in every snapshot in between but the last one is taken. */
export function askedOnTheWay(machine: AnyStateMachine, from: AnyMachineSnapshot, event: AnyEventObject): Asked[] {
  return [asked(machine, from, event), ...between(machine, from, event).filter(({ status }) => status === "active").map((snapshot) => asked(machine, snapshot, event, true))].flat();
}

type Guard = string | { readonly type: string; readonly params?: unknown } | { readonly name: string; readonly guards: readonly Guard[] };
type Named = Exclude<Guard, { readonly guards: unknown }>;
type Predicate = (at: { readonly context: unknown; readonly event: AnyEventObject }, params: unknown) => boolean;

/** Whether a named guard, or a combination of named ones, holds. */
export function holds(machine: AnyStateMachine, guard: unknown, at: { readonly context: unknown; readonly event: AnyEventObject }): boolean {
  return combined(guard as Guard, says(machine, at));
}

function says(machine: AnyStateMachine, at: { readonly context: unknown; readonly event: AnyEventObject }): (named: Named) => boolean {
  const predicates = machine.implementations.guards as Record<string, Predicate>;
  return (named) => (typeof named === "string" ? predicates[named]!(at, undefined) : predicates[named.type]!(at, named.params));
}

/** Every part is asked, in the order in which they are written: an answer does not depend on what another one was. */
function combined(guard: Guard, say: (named: Named) => boolean): boolean {
  if (typeof guard === "string" || "type" in guard) return say(guard);
  const said = guard.guards.map((part) => combined(part, say));
  switch (guard.name) {
    case "and":
      return said.every(Boolean);
    case "or":
      return said.some(Boolean);
    case "not":
      return !said[0]!;
    default:
      throw new TypeError(`no combination of guards is called ${guard.name}`);
  }
}

/** The named guards of a transition, in the order in which they are written. */
export function conditions({ guard }: AnyTransitionDefinition): readonly unknown[] {
  const found: unknown[] = [];
  if (guard !== undefined) combined(guard as unknown as Guard, (named) => found.push(named) > 0);
  return found;
}

/**
 * What each named guard of a transition says where it was asked, if it decides alone: were it otherwise, the whole would be
 * otherwise. Undefined where it does not decide.
 *
 * A guard that stands alone always decides. So both answers of each are both branches, and where several are combined they
 * are modified condition/decision coverage.
 */
export function deciding(machine: AnyStateMachine, { transition, snapshot, enabled }: Asked, event: AnyEventObject): readonly (boolean | undefined)[] {
  const whole = transition.guard as unknown as Guard | undefined;
  if (whole === undefined) return [];
  const answers: boolean[] = [];
  const say = says(machine, { context: snapshot.context, event });
  combined(whole, (named) => (answers[answers.length] = say(named)));
  return answers.map((answer, part) => {
    let at = 0;
    return combined(whole, () => answers[at] !== (at++ === part)) === enabled ? undefined : answer;
  });
}
