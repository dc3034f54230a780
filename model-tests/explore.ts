/**
 * Everything a machine can do in its world: every snapshot that can be reached, and every event in every one of them.
 *
 * The walk is `getAdjacencyMap` of `xstate/graph`, breadth first, over our `step` as actor logic. A delayed transition is an
 * event of the snapshots in which its timer runs.
 */
import { getMicrosteps, type AnyEventObject, type AnyMachineSnapshot, type AnyStateMachine, type AnyStateNode, type AnyTransitionDefinition } from "xstate";
import { getAdjacencyMap } from "xstate/graph";
import { machines, type MachineName } from "../machines/index.ts";
import { keep, start, step, type Step } from "../machines/step.ts";
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

/** Narrows a world: events that its surroundings cannot cause in a snapshot. */
export type Possible = (snapshot: AnyMachineSnapshot, event: AnyEventObject) => boolean;

/** A snapshot as a word: two snapshots with one key cannot be told apart. */
export const keyOf = (snapshot: AnyMachineSnapshot): string => JSON.stringify(keep(snapshot));

/** The timers that run in a snapshot, as the events of their expiry. */
export const expiries = (snapshot: AnyMachineSnapshot): string[] =>
  snapshot.status === "active" ? snapshot._nodes.flatMap((node) => [...new Set(node.after.map(({ eventType }) => eventType as string))]) : [];

/** Walks one machine from one input of its world, and shows every edge once. */
export function explore(name: MachineName, input: unknown, visit: (edge: Edge) => void = () => {}, possible: Possible = () => true): Territory {
  const machine: AnyStateMachine = machines[name];
  const world: readonly AnyEventObject[] = worlds[name].events;
  const initial = start(machine, input);
  const places = new Map([[keyOf(initial.snapshot), initial.snapshot as AnyMachineSnapshot]]);
  const discoveries = new Map<string, { readonly from: AnyMachineSnapshot; readonly event: AnyEventObject }>();
  let edges = 0;

  let next = initial;
  const events = (snapshot: AnyMachineSnapshot) => [...world, ...expiries(snapshot).map((type) => ({ type }))];
  // Only what discovers is left in the map: its queue is an array, and shifting one of all edges is quadratic in them.
  const discovers = (from: AnyMachineSnapshot, event: AnyEventObject): boolean => {
    if (!possible(from, event)) return false;
    next = step(machine, from, event);
    edges += 1;
    const key = keyOf(next.snapshot);
    const isNew = !places.has(key);
    if (isNew) {
      places.set(key, next.snapshot);
      discoveries.set(key, { from, event });
    }
    visit({ from, event, step: next });
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

/** One transition that XState asked whether it is enabled, and the answer. */
export interface Asked {
  readonly transition: AnyTransitionDefinition;
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
  return [...answers].map(([transition, enabled]) => ({ transition, enabled }));
}

function isOneEnabled(machine: AnyStateMachine, alternatives: readonly AnyTransitionDefinition[], snapshot: AnyMachineSnapshot, event: AnyEventObject, answers: Map<AnyTransitionDefinition, boolean>): boolean {
  for (const transition of alternatives) {
    const enabled = transition.guard === undefined || holds(machine, transition.guard, { context: snapshot.context, event });
    answers.set(transition, enabled);
    if (enabled) return true;
  }
  return false;
}

/**
 * All that is asked on the way of one event, the eventless transitions that follow included.
 *
 * The snapshots in between come from `getMicrosteps`: every one but the last is where an eventless transition was taken.
 */
export function askedOnTheWay(machine: AnyStateMachine, from: AnyMachineSnapshot, event: AnyEventObject): Asked[] {
  const between = getMicrosteps(machine, from, event as never).map(([snapshot]) => snapshot);
  return [asked(machine, from, event), ...between.filter(({ status }) => status === "active").map((snapshot) => asked(machine, snapshot, event, true))].flat();
}

type Guard = string | { readonly type: string; readonly params?: unknown } | { readonly name: string; readonly guards: readonly Guard[] };
type Predicate = (at: { readonly context: unknown; readonly event: AnyEventObject }, params: unknown) => boolean;

/** Whether a named guard, or a combination of named ones, holds. */
function holds(machine: AnyStateMachine, guard: unknown, at: { readonly context: unknown; readonly event: AnyEventObject }): boolean {
  const asked = guard as Guard;
  if (typeof asked === "string") return (machine.implementations.guards as Record<string, Predicate>)[asked]!(at, undefined);
  if ("type" in asked) return (machine.implementations.guards as Record<string, Predicate>)[asked.type]!(at, asked.params);
  const parts = asked.guards.map((part) => () => holds(machine, part, at));
  switch (asked.name) {
    case "and":
      return parts.every((part) => part());
    case "or":
      return parts.some((part) => part());
    case "not":
      return !parts[0]!();
    default:
      throw new TypeError(`no combination of guards is called ${asked.name}`);
  }
}
