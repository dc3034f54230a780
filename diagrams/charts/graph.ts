/** A machine as plain data: what a picture, a table or a page draws, and nothing of XState. */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import type { Grounds } from "../../machines/clauses.ts";
import { delayOf, grounds, named, nodes, transitions } from "../../machines/inspect.ts";

export interface Statechart {
  readonly name: string;
  /** The machine itself: it holds the states and is not drawn. */
  readonly root: State;
  /** Every state but the root, in document order. */
  readonly states: readonly State[];
  /** Every transition, in the order in which they are declared and tried. */
  readonly transitions: readonly Transition[];
  /** Effects that tell the machine itself of an event at once, by their name. */
  readonly raises?: { readonly [effect: string]: string };
}

/** What became of it between two revisions: only where a statechart is the union of both. */
export type Mark = "added" | "removed" | "changed";

export interface State {
  readonly id: string;
  readonly key: string;
  /** From the root down, e.g. `open.dialog.confirmed`. */
  readonly path: string;
  /** `history` leads where its state was when it was left last; `deep`, in all that it holds. */
  readonly kind: "atomic" | "compound" | "parallel" | "final" | "history" | "deep";
  /** One of the regions of a parallel state. */
  readonly isRegion: boolean;
  readonly children: readonly State[];
  /** The id of the child in which a compound state begins. */
  readonly initial?: string;
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  readonly grounds: Grounds | undefined;
  readonly mark?: Mark;
  /** Stands for one outside what the picture shows. */
  readonly isStub?: boolean;
  /** What it holds has a picture of its own. */
  readonly isFolded?: boolean;
}

export interface Transition {
  /** Counted from 1 in document order: the number by which pictures and tables speak of it. */
  readonly rule: number;
  readonly from: string;
  /** Absent when it goes nowhere: it answers, or it ignores. */
  readonly to?: string;
  /** Leaves its source and enters it again, even where it leads back into it: external, as SCXML says. */
  readonly reenters: boolean;
  readonly trigger: Trigger;
  readonly guard?: string;
  /** What is left when no guarded alternative of the same trigger held. */
  readonly isOtherwise: boolean;
  readonly effects: readonly string[];
  readonly grounds: Grounds | undefined;
  readonly mark?: Mark;
  readonly changes?: Changes;
}

/** What was said before and is now, aspect by aspect: `guard`, `effects`. */
export type Changes = readonly { readonly of: string; readonly pieces: readonly { readonly text: string; readonly mark?: "added" | "removed" }[] }[];

export type Trigger =
  | { readonly kind: "event"; readonly event: string }
  /** Named by the policy that holds its length. */
  | { readonly kind: "delay"; readonly policy: string }
  /** Taken as soon as its guard holds. */
  | { readonly kind: "always" };

export function statechart(name: string, machine: AnyStateMachine): Statechart {
  return {
    name,
    root: state(machine.root),
    states: nodes(machine.root).slice(1).map(state),
    transitions: transitions(machine).map(transition),
    raises: raisesOf(machine),
  };
}

function raisesOf({ implementations }: AnyStateMachine): { readonly [effect: string]: string } {
  const raising = Object.entries(implementations.actions as unknown as Record<string, { readonly type?: string; readonly event?: { readonly type: string } }>);
  return Object.fromEntries(raising.flatMap(([name, { type, event }]) => (type === "xstate.raise" && event !== undefined ? [[name, event.type]] : [])));
}

/**
 * A state with all that it holds, as a chart of its own. What lies outside is there where an arrow comes from it or leads to it, as
 * a stub by its path.
 */
export function within(chart: Statechart, id: string): Statechart {
  const whole = chart.states.find((state) => state.id === id)!;
  const inner = [whole, ...below(whole)];
  const isInner = (of: string | undefined) => inner.some((state) => state.id === of);
  const transitions = chart.transitions.filter(({ from, to }) => isInner(from) || isInner(to));
  const ends = new Set(transitions.flatMap(({ from, to = from }) => [from, to]));
  const stubs = chart.states.filter((state) => ends.has(state.id) && !isInner(state.id)).map(stub);
  const { initial, ...root } = chart.root;
  return { name: id, root: { ...root, children: [whole, ...stubs] }, states: [...inner, ...stubs], transitions };
}

/** Every state that a state holds, in document order. */
export const below = ({ children }: State): State[] => children.flatMap((child) => [child, ...below(child)]);

function stub({ initial, ...state }: State): State {
  return { ...state, key: state.path, kind: "atomic", isRegion: false, children: [], entry: [], exit: [], isStub: true };
}

/** Without what some states hold: arrows from there and to there are theirs, and what happens inside is left to their own pictures. */
export function folded(chart: Statechart, ids: readonly string[]): Statechart {
  const hidden = new Map(ids.flatMap((id) => below(chart.states.find((state) => state.id === id)!).map((state) => [state.id, id] as const)));
  const seen = (id: string) => hidden.get(id) ?? id;
  const fold = (state: State): State => {
    if (!ids.includes(state.id)) return { ...state, children: state.children.map(fold) };
    const { initial, ...rest } = state;
    return { ...rest, children: [], isFolded: true };
  };
  const root = fold(chart.root);
  const transitions = chart.transitions
    .filter(({ from, to = from }) => !(ids.includes(seen(from)) && seen(from) === seen(to)))
    .map((each) => ({ ...each, from: seen(each.from), ...(each.to !== undefined && { to: seen(each.to) }) }));
  return { ...chart, root, states: below(root), transitions };
}

/** From so many states on, the states that hold others have pictures of their own. */
const many = 25;

export const parts = (chart: Statechart): Statechart[] =>
  chart.states.length > many ? chart.states.filter(({ children }) => children.length > 0).map(({ id }) => within(chart, id)) : [];

/** A state to which the event means nothing: no change, no effect. */
export const isIgnored = ({ to, effects }: Transition): boolean => to === undefined && effects.length === 0;

/** Transitions by the word that they share, in order. */
export function alike(transitions: readonly Transition[], word: (of: Transition) => string): ReadonlyMap<string, readonly Transition[]> {
  const groups = new Map<string, Transition[]>();
  for (const each of transitions) groups.set(word(each), [...(groups.get(word(each)) ?? []), each]);
  return groups;
}

function state(node: AnyStateNode): State {
  return {
    id: node.id,
    key: node.key,
    path: node.path.join("."),
    kind: node.type === "history" && node.history === "deep" ? "deep" : node.type,
    isRegion: node.parent?.type === "parallel",
    children: Object.values(node.states).map(state),
    ...(node.type === "compound" && { initial: node.initial.target[0]!.id }),
    entry: node.entry.filter(isDeclared).map(named),
    exit: node.exit.filter(isDeclared).map(named),
    grounds: grounds(node),
  };
}

function transition(definition: AnyTransitionDefinition, index: number): Transition {
  const { source, target, guard, actions } = definition;
  return {
    rule: index + 1,
    from: source.id,
    ...(target && { to: target[0]!.id }),
    reenters: definition.reenter === true,
    trigger: trigger(definition),
    ...(guard !== undefined && { guard: named(guard) }),
    isOtherwise: guard === undefined && alternatives(definition).length > 1,
    effects: actions.map(named),
    grounds: grounds(definition),
  };
}

function trigger({ eventType }: AnyTransitionDefinition): Trigger {
  const policy = delayOf(eventType);
  if (policy !== undefined) return { kind: "delay", policy };
  return eventType === "" ? { kind: "always" } : { kind: "event", event: eventType };
}

function alternatives({ source, eventType }: AnyTransitionDefinition): readonly unknown[] {
  return eventType === "" ? (source.always ?? []) : (source.transitions.get(eventType) ?? []);
}

/** XState starts and stops the timer of a delayed transition by actions of its own. */
function isDeclared(action: unknown): boolean {
  return typeof action !== "function" || !["xstate.raise", "xstate.cancel"].includes((action as unknown as { type: string }).type);
}
