import type { AnyMachineSnapshot, AnyStateMachine, SnapshotFrom } from "xstate";
import { machines, type MachineName } from "../machines/index.ts";
import { keep, start, step, type Step } from "../machines/step.ts";

/** A step, and where it leads: a snapshot that was known before, where there is one. */
export interface Taken {
  readonly done: Step;
  readonly snapshot: AnyMachineSnapshot;
}

/**
 * `start` and `step` of a machine, and what they said before.
 *
 * They are pure: what was said once of a snapshot and an event holds for good. XState is half of what a message between two
 * costs, and a fifth of a call.
 */
export interface Steps {
  start(): Taken;
  step(snapshot: AnyMachineSnapshot, event: { readonly type: string }): Taken;
}

/** More than the automata have; else what peers say could make them grow. */
const mostSteps = 10_000;

/** A machine that is made without input: one small automaton, through whose snapshots all instances walk. */
class SharedSteps implements Steps {
  readonly #machine: AnyStateMachine;
  readonly #steps = new Map<AnyMachineSnapshot, Map<string, Taken>>();
  /** By what they are as JSON. */
  readonly #snapshots = new Map<string, AnyMachineSnapshot>();
  readonly #first: Taken;
  #size = 0;

  constructor(machine: AnyStateMachine) {
    this.#machine = machine;
    this.#first = this.#known(start(machine, undefined));
  }

  start(): Taken {
    return this.#first;
  }

  step(snapshot: AnyMachineSnapshot, event: { readonly type: string }): Taken {
    const name = JSON.stringify(event);
    const steps = this.#steps.get(snapshot) ?? new Map<string, Taken>();
    const before = steps.get(name);
    if (before) return before;
    const taken = this.#known(step(this.#machine, snapshot as SnapshotFrom<AnyStateMachine>, event));
    if (this.#size < mostSteps) {
      this.#size += 1;
      this.#steps.set(snapshot, steps.set(name, taken));
    }
    return taken;
  }

  #known(done: Step): Taken {
    const key = JSON.stringify(keep(done.snapshot));
    const snapshot = this.#snapshots.get(key) ?? done.snapshot;
    if (this.#size < mostSteps) this.#snapshots.set(key, snapshot);
    return { done, snapshot };
  }
}

/** Enough for those who write at the same time. */
const mostRepeated = 8;

/** A machine that is made with input: its instance remembers, until it moves, what left it where it is, as most messages of a chat do. */
class OwnSteps implements Steps {
  readonly #machine: AnyStateMachine;
  readonly #input: unknown;
  readonly #repeated = new Map<string, Taken>();

  constructor(machine: AnyStateMachine, input: unknown) {
    this.#machine = machine;
    this.#input = input;
  }

  start(): Taken {
    const done = start(this.#machine, this.#input);
    return { done, snapshot: done.snapshot };
  }

  step(snapshot: AnyMachineSnapshot, event: { readonly type: string }): Taken {
    const before = this.#repeated.size > 0 ? this.#repeated.get(JSON.stringify(event)) : undefined;
    if (before) return before;
    const done = step(this.#machine, snapshot as SnapshotFrom<AnyStateMachine>, event);
    if (!isSame(snapshot, done.snapshot)) {
      this.#repeated.clear();
      return { done, snapshot: done.snapshot };
    }
    const taken = { done, snapshot };
    if (this.#repeated.size < mostRepeated) this.#repeated.set(JSON.stringify(event), taken);
    return taken;
  }
}

/** The machine has not moved: the same states, the same context. */
function isSame(before: AnyMachineSnapshot, after: AnyMachineSnapshot): boolean {
  const states = after._nodes;
  return before.context === after.context && before._nodes.length === states.length && before._nodes.every((state, k) => state === states[k]);
}

const shared = new Map<MachineName, Steps>();

export function stepsOf(name: MachineName, input: unknown): Steps {
  if (input !== undefined) return new OwnSteps(machines[name], input);
  const steps = shared.get(name) ?? new SharedSteps(machines[name]);
  shared.set(name, steps);
  return steps;
}
