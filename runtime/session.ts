/**
 * Drives machines: the turn, and one instance in it.
 *
 * One arrival is one turn: every machine that it concerns runs to quiescence through one FIFO before the next is looked at.
 */
import type { AnyMachineSnapshot, AnyStateMachine, SnapshotFrom } from "xstate";
import type { Effect } from "../machines/effects.ts";
import type { Event } from "../machines/events.ts";
import { machines, type MachineName } from "../machines/index.ts";
import type { TimerName } from "../machines/policies.ts";
import type { Refusal } from "../machines/refusals.ts";
import { keep, start, step, type Step } from "../machines/step.ts";
import type { Clock, Timer } from "./clock.ts";
import type { Trace } from "./trace.ts";

/** The effects that a world performs, one function each: a forgotten one does not compile. */
export type World<T extends Effect["type"], Arrival> = {
  readonly [K in T]: (effect: Extract<Effect, { type: K }>, arrival: Arrival | undefined) => void;
};

/** What an instance needs of whoever started it. */
export interface Surroundings<Arrival> {
  /** Performs one effect. `arrival` is the request that began this turn. */
  perform(effect: Effect, arrival: Arrival | undefined): void;
  /** Answers an event that no transition takes. */
  refuse(refusal: Refusal, arrival: Arrival | undefined): void;
  /** The length of a named delay in milliseconds; Infinity: it never ends. */
  lengthOf(timer: TimerName): number;
  /** The machine has reached a final state; its timers are stopped. */
  ended(): void;
}

/** What a machine can be told: an event of the list, or that a delay of its own has passed. */
export type Told = Event | { readonly type: `xstate.after.${string}` };

interface Waiting<Arrival> {
  readonly session: Session<Arrival>;
  readonly event: Told;
  readonly arrival: Arrival | undefined;
}

export interface TurnsOptions<Arrival> {
  readonly clock: Clock;
  readonly trace?: Trace | undefined;
  /** A step or an effect threw: ours to mend. The snapshot is as it was before; the peer gets 500. */
  readonly failed: (fault: unknown, arrival: Arrival | undefined) => void;
}

/** The turns of one server. */
export class Turns<Arrival> {
  readonly options: TurnsOptions<Arrival>;
  #waiting: Waiting<Arrival>[] = [];
  #arrival: Arrival | undefined;
  #running = false;

  constructor(options: TurnsOptions<Arrival>) {
    this.options = options;
  }

  /** An arrival that is no event of a running machine: `begin` starts machines or tells them; they run when it is done. */
  arrive(arrival: Arrival, begin: () => void): void {
    const before = this.#arrival;
    this.#arrival = arrival;
    try {
      this.#guard(begin);
    } finally {
      this.#arrival = before;
    }
    this.#run();
  }

  /** Queues an event: within a turn for that turn, else as a turn of its own. */
  tell(session: Session<Arrival>, event: Told, arrival: Arrival | undefined = this.#arrival): void {
    this.#waiting.push({ session, event, arrival });
    if (this.#arrival === undefined) this.#run();
  }

  #run(): void {
    if (this.#running) return;
    this.#running = true;
    for (let at = 0; at < this.#waiting.length; at++) {
      const { session, event, arrival } = this.#waiting[at]!;
      this.#arrival = arrival;
      this.#guard(() => session.take(event, arrival));
    }
    this.#waiting = [];
    this.#arrival = undefined;
    this.#running = false;
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (fault) {
      this.options.failed(fault, this.#arrival);
    }
  }
}

/** A step, and where it leads: a snapshot that was known before, where there is one. */
interface Taken {
  readonly done: Step;
  readonly snapshot: AnyMachineSnapshot;
}

/**
 * `start` and `step` of a machine, and what they said before.
 *
 * They are pure: what was said once of a snapshot and an event holds for good. XState is half of what a message between two
 * costs, and a fifth of a call.
 */
interface Steps {
  start(): Taken;
  step(snapshot: AnyMachineSnapshot, event: Told): Taken;
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

  step(snapshot: AnyMachineSnapshot, event: Told): Taken {
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

  step(snapshot: AnyMachineSnapshot, event: Told): Taken {
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

function stepsOf(name: MachineName, input: unknown): Steps {
  if (input !== undefined) return new OwnSteps(machines[name], input);
  const steps = shared.get(name) ?? new SharedSteps(machines[name]);
  shared.set(name, steps);
  return steps;
}

/** One running instance of a machine. */
export class Session<Arrival> {
  readonly name: MachineName;
  /** The process it belongs to, for the trace. */
  readonly of: string;
  readonly instance: string;
  readonly #steps: Steps;
  readonly #turns: Turns<Arrival>;
  readonly #around: Surroundings<Arrival>;
  readonly #timers = new Map<string, Timer>();
  #snapshot: AnyMachineSnapshot;

  constructor(turns: Turns<Arrival>, name: MachineName, input: unknown, of: string, instance: string, around: Surroundings<Arrival>) {
    this.name = name;
    this.of = of;
    this.instance = instance;
    this.#steps = stepsOf(name, input);
    this.#turns = turns;
    this.#around = around;
    const { done, snapshot } = this.#steps.start();
    this.#snapshot = snapshot;
    turns.options.trace?.line(of, name, instance, { input }, done);
    this.#perform(done, undefined);
  }

  get snapshot(): AnyMachineSnapshot {
    return this.#snapshot;
  }

  get over(): boolean {
    return this.#snapshot.status !== "active";
  }

  /** Tells the machine an event, in this turn or in one of its own. */
  tell(event: Told): void {
    this.#turns.tell(this, event);
  }

  /** For `Turns`: one step. */
  take(event: Told, arrival: Arrival | undefined): void {
    const { done, snapshot } = this.#steps.step(this.#snapshot, event);
    this.#turns.options.trace?.line(this.of, this.name, this.instance, { event }, done);
    const before = this.#snapshot;
    this.#snapshot = snapshot;
    const { refusal } = done;
    if (refusal) this.#around.refuse(refusal, arrival);
    this.#perform(done, arrival);
    if (this.over && before.status === "active") this.#end();
  }

  /** Timers come last: what an effect settles, as a session interval, decides how long they are. */
  #perform(done: Step, arrival: Arrival | undefined): void {
    for (const effect of done.effects) this.#around.perform(effect, arrival);
    for (const change of done.timers) {
      this.#timers.get(change.event)?.stop();
      if (change.change === "start") this.#arm(change.name, change.event);
      else this.#timers.delete(change.event);
    }
  }

  #arm(name: TimerName, event: string): void {
    const ms = this.#around.lengthOf(name);
    if (ms === Infinity) return void this.#timers.delete(event);
    this.#timers.set(event, this.#turns.options.clock.after(ms, () => this.tell({ type: event as `xstate.after.${string}` })));
  }

  #end(): void {
    for (const timer of this.#timers.values()) timer.stop();
    this.#timers.clear();
    this.#around.ended();
  }
}
