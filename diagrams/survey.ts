/** What every event does in every leaf state, everywhere that the machine gets to in its world. */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import { machines, type MachineName } from "../machines/index.ts";
import { delayOf, transitions } from "../machines/inspect.ts";
import type { Refusal } from "../machines/refusals.ts";
import { worlds } from "../machines/worlds.ts";
import { explore, type Edge } from "../model-tests/explore.ts";

/** What came of one event in one leaf state; there are several where guards decide. */
export type Outcome =
  /** To other leaves, by a transition of this state, or `carried` along by one of another region. */
  | { readonly kind: "leads"; readonly to: readonly string[]; readonly rules: readonly number[]; readonly carried: boolean }
  /** Answered or noted: the state stays. */
  | { readonly kind: "stays"; readonly rules: readonly number[] }
  /** A transition to nowhere, without effect. */
  | { readonly kind: "ignored"; readonly rules: readonly number[] }
  /** This state says nothing, another region does. */
  | { readonly kind: "elsewhere"; readonly rules: readonly number[] }
  /** A timer that ran out while no guard of its transitions held: nobody is there to be refused. */
  | { readonly kind: "lapses" }
  /** No transition takes it. */
  | { readonly kind: "refused"; readonly refusal: Refusal };

export interface Survey {
  /** Ids of the leaf states that were reached. */
  readonly leaves: ReadonlySet<string>;
  /** Every event of the world; a delay as `after <policy>`. */
  readonly events: readonly string[];
  /** Without outcomes: the event was never there. A timer does not run in every state. */
  outcomes(leaf: string, event: string): readonly Outcome[];
}

export function survey(name: MachineName): Survey {
  const surveyor = new Surveyor(name);
  for (const input of worlds[name].inputs) {
    const { initial, places } = explore(name, input, (edge) => surveyor.visit(edge));
    for (const snapshot of [initial.snapshot, ...places.values()]) surveyor.rest(snapshot as AnyMachineSnapshot);
  }
  return surveyor;
}

class Surveyor implements Survey {
  readonly leaves = new Set<string>();
  readonly events: readonly string[];
  readonly #rules: ReadonlyMap<AnyTransitionDefinition, number>;
  readonly #cells = new Map<string, Map<string, Outcome>>();

  constructor(name: MachineName) {
    const machine: AnyStateMachine = machines[name];
    const declared = transitions(machine);
    this.#rules = new Map(declared.map((transition, index) => [transition, index + 1]));
    const types = [...worlds[name].events.map(({ type }) => type), ...declared.map(({ eventType }) => eventType).filter((type) => type !== "")];
    const names = types.map(eventName);
    const isDelay = (each: string) => each.startsWith("after ");
    this.events = [...new Set([...names.filter((each) => !isDelay(each)), ...names.filter(isDelay)])];
  }

  outcomes(leaf: string, event: string): readonly Outcome[] {
    return [...(this.#cells.get(`${leaf} ${event}`)?.values() ?? [])];
  }

  rest(snapshot: AnyMachineSnapshot): void {
    for (const { id } of leavesOf(snapshot)) this.leaves.add(id);
  }

  visit(edge: Edge): void {
    const before = leavesOf(edge.from);
    const after = leavesOf(edge.step.snapshot as AnyMachineSnapshot);
    const { taken } = edge.step;
    for (const leaf of before) this.#note(leaf, edge.event, this.#outcome(leaf, before, after, taken, edge));
  }

  #outcome(leaf: AnyStateNode, before: readonly AnyStateNode[], after: readonly AnyStateNode[], taken: readonly AnyTransitionDefinition[], { step }: Edge): Outcome {
    if (!step.handled) return step.refusal ? { kind: "refused", refusal: step.refusal } : { kind: "lapses" };
    const own = taken.filter(({ source }) => contains(source as AnyStateNode, leaf));
    const rules = (own.length > 0 ? own : taken).map((transition) => this.#rules.get(transition)!);
    if (!after.includes(leaf)) return { kind: "leads", to: successors(leaf, before, after).map(({ id }) => id), rules, carried: own.length === 0 };
    if (own.length === 0) return { kind: "elsewhere", rules };
    return own.every(({ target, actions }) => target === undefined && actions.length === 0) ? { kind: "ignored", rules } : { kind: "stays", rules };
  }

  #note(leaf: AnyStateNode, { type }: AnyEventObject, outcome: Outcome): void {
    const cell = `${leaf.id} ${eventName(type)}`;
    const outcomes = this.#cells.get(cell) ?? new Map<string, Outcome>();
    this.#cells.set(cell, outcomes.set(word(outcome), outcome));
  }
}

/** Two outcomes of one event in one leaf with the same word are the same. */
function word(outcome: Outcome): string {
  const rules = "rules" in outcome ? outcome.rules : [];
  return outcome.kind === "leads" ? `leads ${rules} ${outcome.to}` : `${outcome.kind} ${rules}`;
}

function eventName(type: string): string {
  const delay = delayOf(type);
  return delay === undefined ? type : `after ${delay}`;
}

const leavesOf = (snapshot: AnyMachineSnapshot): AnyStateNode[] => snapshot._nodes.filter(({ type }) => type === "atomic" || type === "final");

/** The leaves that took a leaf's place: in the smallest state around it that has new ones. */
function successors(leaf: AnyStateNode, before: readonly AnyStateNode[], after: readonly AnyStateNode[]): AnyStateNode[] {
  const arrived = after.filter((each) => !before.includes(each));
  for (let around = leaf.parent; around !== undefined; around = around.parent) {
    const inside = arrived.filter((each) => contains(around!, each));
    if (inside.length > 0) return inside;
  }
  return [];
}

function contains(outer: AnyStateNode, inner: AnyStateNode): boolean {
  for (let each: AnyStateNode | undefined = inner; each !== undefined; each = each.parent) if (each === outer) return true;
  return false;
}
