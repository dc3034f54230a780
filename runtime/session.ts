/**
 * Drives machines: the turn, and one instance in it.
 *
 * One arrival is one turn: every machine that it concerns runs to quiescence through one FIFO before the next is looked at.
 */
import type { AnyMachineSnapshot } from "xstate";
import type { Effect } from "../machines/effects.ts";
import type { Event } from "../machines/events.ts";
import { machines, type MachineName } from "../machines/index.ts";
import type { TimerName } from "../machines/policies.ts";
import type { Refusal } from "../machines/refusals.ts";
import type { Step } from "../machines/step.ts";
import type { Timer } from "./clock.ts";
import { stepsOf, type Steps } from "./known-steps.ts";
import { Tally } from "./tally.ts";
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

/** Whose timer it is: of an instance of a machine in the process `of`, the `number`th that began on this server. */
export interface RunningTimer {
  readonly of: string;
  readonly machine: MachineName;
  readonly number: number;
  readonly timer: TimerName;
}

/** What lets the timers of machines expire: every `Clock` does. */
export interface MachineClock {
  /** Milliseconds; never goes back. */
  now(): number;
  after(ms: number, fire: () => void, whose: RunningTimer): Timer;
}

/** A running machine as others see it. */
export interface Instance {
  readonly name: MachineName;
  readonly of: string;
  readonly instance: string;
  readonly snapshot: AnyMachineSnapshot;
  readonly over: boolean;
  readonly timers: RunningTimers;
}

export type RunningTimers = readonly { readonly timer: TimerName; readonly leftMs: number }[];

/** Somebody who looks on at machines and changes nothing. Called within the turn: it must be quick and throw nothing. */
export interface Observer {
  /** A machine has begun, or has taken a step; what the step asks for is not done yet. */
  stepped(instance: Instance, cause: Cause, done: Step): void;
  /** Timers of the machine were started or stopped. */
  timed(instance: Instance): void;
  /** The process is over, with all its machines. */
  ended(of: string): void;
}

/** Why a machine is where it is: its first state is its input's doing. */
export type Cause = { readonly input: unknown } | { readonly event: Told };

/** What has happened since the start. */
export class TurnCounts {
  turns = 0;
  readonly steps = Object.fromEntries(Object.keys(machines).map((name) => [name, 0])) as Record<MachineName, number>;
  /** Timers that run now. */
  timers = 0;
  readonly expired = new Tally("timer");
}

export interface TurnsOptions<Arrival> {
  readonly clock: MachineClock;
  readonly trace?: Trace | undefined;
  /** A step or an effect threw: ours to mend. The snapshot is as it was before; the peer gets 500. */
  readonly failed: (fault: unknown, arrival: Arrival | undefined) => void;
}

/** The turns of one server. */
export class Turns<Arrival> {
  readonly options: TurnsOptions<Arrival>;
  readonly counts = new TurnCounts();
  /** Whoever looks on; nobody, most of the time. */
  observer: Observer | undefined;
  #waiting: Waiting<Arrival>[] = [];
  #arrival: Arrival | undefined;
  #running = false;
  #sessions = 0;

  constructor(options: TurnsOptions<Arrival>) {
    this.options = options;
  }

  /** For `Session`: one more begins. */
  get nextNumber(): number {
    return this.#sessions++;
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
    this.counts.turns += 1;
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

/** A timer that runs. */
interface Armed {
  readonly name: TimerName;
  /** Of the machines' clock. */
  readonly endsAtMs: number;
  readonly timer: Timer;
}

/** One running instance of a machine. */
export class Session<Arrival> implements Instance {
  readonly name: MachineName;
  /** The process it belongs to, for the trace. */
  readonly of: string;
  readonly instance: string;
  readonly #number: number;
  readonly #steps: Steps;
  readonly #turns: Turns<Arrival>;
  readonly #around: Surroundings<Arrival>;
  readonly #timers = new Map<string, Armed>();
  #snapshot: AnyMachineSnapshot;

  constructor(turns: Turns<Arrival>, name: MachineName, input: unknown, of: string, instance: string, around: Surroundings<Arrival>) {
    this.name = name;
    this.of = of;
    this.instance = instance;
    this.#number = turns.nextNumber;
    this.#steps = stepsOf(name, input);
    this.#turns = turns;
    this.#around = around;
    const { done, snapshot } = this.#steps.start();
    this.#snapshot = snapshot;
    this.#told({ input }, done);
    this.#perform(done, undefined);
  }

  get snapshot(): AnyMachineSnapshot {
    return this.#snapshot;
  }

  get over(): boolean {
    return this.#snapshot.status !== "active";
  }

  /** The timers that run, and the milliseconds that each has left. */
  get timers(): RunningTimers {
    const now = this.#turns.options.clock.now();
    return [...this.#timers.values()].map(({ name, endsAtMs }) => ({ timer: name, leftMs: Math.max(0, Math.round(endsAtMs - now)) }));
  }

  /** Tells the machine an event, in this turn or in one of its own. */
  tell(event: Told): void {
    this.#turns.tell(this, event);
  }

  /** For `Turns`: one step. */
  take(event: Told, arrival: Arrival | undefined): void {
    const { done, snapshot } = this.#steps.step(this.#snapshot, event);
    const before = this.#snapshot;
    this.#snapshot = snapshot;
    this.#turns.counts.steps[this.name] += 1;
    this.#told({ event }, done);
    const { refusal } = done;
    if (refusal) this.#around.refuse(refusal, arrival);
    this.#perform(done, arrival);
    if (this.over && before.status === "active") this.#end();
  }

  #told(cause: Cause, done: Step): void {
    this.#turns.options.trace?.line(this.of, this.name, this.instance, cause, done);
    this.#turns.observer?.stepped(this, cause, done);
  }

  /** Timers come last: what an effect settles, as a session interval, decides how long they are. */
  #perform(done: Step, arrival: Arrival | undefined): void {
    for (const effect of done.effects) this.#around.perform(effect, arrival);
    for (const change of done.timers) {
      this.#disarm(change.event);
      if (change.change === "start") this.#arm(change.name, change.event);
    }
    if (done.timers.length > 0) this.#turns.observer?.timed(this);
  }

  #arm(name: TimerName, event: string): void {
    const ms = this.#around.lengthOf(name);
    if (ms === Infinity) return;
    const { options, counts } = this.#turns;
    const whose = { of: this.of, machine: this.name, number: this.#number, timer: name };
    this.#timers.set(event, { name, endsAtMs: options.clock.now() + ms, timer: options.clock.after(ms, () => this.#expire(name, event), whose) });
    counts.timers += 1;
  }

  #disarm(event: string): void {
    const armed = this.#timers.get(event);
    if (armed === undefined) return;
    armed.timer.stop();
    this.#timers.delete(event);
    this.#turns.counts.timers -= 1;
  }

  #expire(name: TimerName, event: string): void {
    this.#disarm(event);
    this.#turns.counts.expired.add(name);
    this.tell({ type: event as `xstate.after.${string}` });
  }

  #end(): void {
    for (const event of [...this.#timers.keys()]) this.#disarm(event);
    this.#around.ended();
  }
}
