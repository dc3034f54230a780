import type { AnyTransitionDefinition } from "xstate";
import type { Effect } from "../../machines/effects.ts";
import { machines, type MachineName } from "../../machines/index.ts";
import { transitions } from "../../machines/inspect.ts";
import type { Refusal } from "../../machines/refusals.ts";
import type { Step, TimerChange } from "../../machines/step.ts";
import type { Cause, Instance, Observer, RunningTimers } from "../session.ts";

/** A machine began, or took a step, as a page is told of it. */
export interface ObservedStep {
  readonly kind: "step";
  /** Counted over everything that is looked at. */
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly machine: MachineName;
  readonly instance: string;
  /** What the instance began with; only of its first state. */
  readonly input?: unknown;
  readonly event?: { readonly type: string };
  readonly state: unknown;
  readonly context: unknown;
  /** It is another one than before. */
  readonly contextMoved: boolean;
  readonly effects: readonly Effect[];
  /** In order: a stop and a start of one name is a move. */
  readonly timers: readonly { readonly change: TimerChange["change"]; readonly timer: string }[];
  readonly taken: readonly TakenTransition[];
  /** False: no transition took the event, and `refusal` is what it was answered. */
  readonly handled: boolean;
  readonly refusal: Refusal | null;
  readonly over: boolean;
}

/** A transition as the machine declares it: `rule` is its number in the pictures, `branch` counts those of the same state and event from 0, in the order in which they are tried. */
export interface TakenTransition {
  readonly rule: number;
  readonly from: string;
  readonly event: string;
  readonly branch: number;
}

/** The timers of a machine that run from now on; comes behind the step that moved them. */
export interface ObservedTimers {
  readonly kind: "timers";
  readonly machine: MachineName;
  readonly instance: string;
  readonly timers: RunningTimers;
}

export type Observed = ObservedStep | ObservedTimers;

/** Somebody who looks at one process. Called within the turn: it keeps what it sees and does its work later. */
export interface Watcher {
  see(observed: Observed): void;
  /** The process is over. */
  ended(): void;
}

/** Where a server lets others look on: `Turns` has one. */
interface Observable {
  observer: Observer | undefined;
}

/** Tells watchers what the machines do that they look at. While nobody looks, nobody calls. */
export class Inspection implements Observer {
  readonly #turns: Observable;
  readonly #now: () => number;
  readonly #watchers = new Map<string, Set<Watcher>>();
  /** The context that each was seen with last. */
  #contexts = new WeakMap<Instance, unknown>();
  #number = 0;

  /** `now`: milliseconds since the epoch. */
  constructor(turns: Observable, now: () => number) {
    this.#turns = turns;
    this.#now = now;
  }

  /** Watchers there are. */
  get size(): number {
    let size = 0;
    for (const { size: some } of this.#watchers.values()) size += some;
    return size;
  }

  /** Looks at the process `of` from now on. @returns how to look away */
  watch(of: string, watcher: Watcher): () => void {
    const watchers = this.#watchers.get(of) ?? new Set();
    this.#watchers.set(of, watchers.add(watcher));
    this.#turns.observer = this;
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#watchers.get(of) === watchers) this.#forget(of);
    };
  }

  #forget(of: string): void {
    this.#watchers.delete(of);
    if (this.#watchers.size > 0) return;
    this.#turns.observer = undefined;
    this.#contexts = new WeakMap();
  }

  stepped(instance: Instance, cause: Cause, done: Step): void {
    const watchers = this.#watchers.get(instance.of);
    if (watchers === undefined) return;
    const seen = this.#observed(instance, cause, done);
    for (const watcher of watchers) watcher.see(seen);
  }

  #observed(instance: Instance, cause: Cause, done: Step): ObservedStep {
    const { effects, timers, handled, refusal } = done;
    const { name, instance: id, snapshot, over } = instance;
    const { context } = snapshot;
    const contextMoved = this.#contexts.get(instance) !== context;
    this.#contexts.set(instance, context);
    return {
      kind: "step",
      number: (this.#number += 1),
      at: this.#now(),
      machine: name,
      instance: id,
      ...cause,
      state: snapshot.value,
      context,
      contextMoved,
      effects,
      timers: timers.map((change) => ({ change: change.change, timer: change.event.split(".", 3)[2] ?? "" })),
      taken: takenBy(name, done),
      handled,
      refusal: refusal ?? null,
      over,
    };
  }

  timed({ name, of, instance, timers }: Instance): void {
    const watchers = this.#watchers.get(of);
    if (watchers === undefined) return;
    for (const watcher of watchers) watcher.see({ kind: "timers", machine: name, instance, timers });
  }

  ended(of: string): void {
    const watchers = this.#watchers.get(of);
    if (watchers === undefined) return;
    this.#forget(of);
    for (const watcher of watchers) watcher.ended();
  }
}

/** A step that was seen before, as that of most messages, is one and the same; finding its transitions asks all guards once more. */
const found = new WeakMap<Step, readonly TakenTransition[]>();

function takenBy(machine: MachineName, done: Step): readonly TakenTransition[] {
  const taken = found.get(done) ?? done.taken.map((transition) => declared(machine, transition));
  found.set(done, taken);
  return taken;
}

const declarations = new Map<MachineName, readonly AnyTransitionDefinition[]>();

function declared(machine: MachineName, transition: AnyTransitionDefinition): TakenTransition {
  const all = declarations.get(machine) ?? transitions(machines[machine]);
  declarations.set(machine, all);
  const { source, eventType } = transition;
  return { rule: all.indexOf(transition) + 1, from: source.id, event: eventType, branch: source.transitions.get(eventType)?.indexOf(transition) ?? 0 };
}
