/**
 * Whoever claims to be a machine, and whether it is: a subject takes the events of a tour, and every answer is compared.
 */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from "xstate";
import type { Effect } from "../machines/effects.ts";
import { machines, type MachineName } from "../machines/index.ts";
import { delayOf } from "../machines/inspect.ts";
import type { TimerName } from "../machines/policies.ts";
import type { Refusal } from "../machines/refusals.ts";
import { start, step, type Step } from "../machines/step.ts";
import type { Timer } from "../runtime/clock.ts";
import { Session, Turns, type MachineClock, type RunningTimer, type Told } from "../runtime/session.ts";
import { expiries } from "./explore.ts";
import { answerOf, wordOf, type Answer, type Graph } from "./graph.ts";
import { graphOfTour, toldAnswer, type Tour } from "./tours.ts";

export interface Subject {
  /** What it asked for when it began. */
  readonly begun: Answer;
  take(event: AnyEventObject): Answer;
  /** The names of the timers that run, in the order of the alphabet. */
  readonly timers: readonly string[];
}

/** Begins a subject anew. */
export type Begin = (input: unknown) => Subject;

// ---------------------------------------------------------------- a machine

/** Any machine, taken step by step. */
export const machineSubject =
  (machine: AnyStateMachine): Begin =>
  (input) => {
    const running = new Set<string>();
    let snapshot: AnyMachineSnapshot;
    const taken = (next: Step): Answer => {
      snapshot = next.snapshot as AnyMachineSnapshot;
      for (const { change, event } of next.timers) {
        if (change === "start") running.add(event);
        else running.delete(event);
      }
      if (snapshot.status !== "active") running.clear();
      return answerOf(next);
    };
    return {
      begun: taken(start(machine, input as never)),
      take(event) {
        running.delete(event.type);
        return taken(step(machine, snapshot, event as never));
      },
      get timers() {
        return [...running].map((event) => delayOf(event)!).sort();
      },
    };
  };

// ---------------------------------------------------------------- the driver

/** A clock whose timers are armed and stopped by the driver, and expire one by one: the time is then that of the expiry, or later. */
class TourClock implements MachineClock {
  readonly #armed = new Set<{ readonly timer: TimerName; readonly endsAt: number; readonly fire: () => void }>();
  #now = 0;

  now(): number {
    return this.#now;
  }

  after(ms: number, fire: () => void, { timer }: RunningTimer): Timer {
    const armed = { timer, endsAt: this.#now + ms, fire };
    this.#armed.add(armed);
    return { stop: () => void this.#armed.delete(armed) };
  }

  get timers(): string[] {
    return [...this.#armed].map(({ timer }) => timer).sort();
  }

  expire(name: string): void {
    const [armed, ...others] = [...this.#armed].filter(({ timer }) => timer === name);
    if (armed === undefined) return;
    if (others.length > 0) throw new Error(`${name} runs twice: it cannot be told which of them expires`);
    this.#armed.delete(armed);
    this.#now = Math.max(this.#now, armed.endsAt);
    armed.fire();
  }
}

/** The live driver, `runtime/session.ts`, with timers that are really armed. */
export const driverSubject =
  (name: MachineName): Begin =>
  (input) => {
    const clock = new TourClock();
    let [effects, refusal]: [Effect[], Refusal | undefined] = [[], undefined];
    let ends = 0;
    const faults: unknown[] = [];
    const turns = new Turns<AnyEventObject>({ clock, failed: (fault) => void faults.push(fault) });
    const session = new Session<AnyEventObject>(turns, name, input, "tour", name, {
      perform: (effect) => void effects.push(effect),
      refuse: (answer) => void (refusal = answer),
      lengthOf: () => 1_000,
      ended: () => void ends++,
    });
    const answered = (): Answer => {
      if (faults.length > 0) throw new Error(`the driver failed: ${String(faults[0])}`);
      if (ends !== (session.over ? 1 : 0)) throw new Error(`the driver said ${ends} times that the machine has ended`);
      const answer = { effects, refusal, handled: refusal === undefined, over: session.over };
      [effects, refusal] = [[], undefined];
      return answer;
    };
    return {
      begun: answered(),
      take(event) {
        const timer = delayOf(event.type);
        if (timer === undefined) turns.tell(session, event as Told, event);
        else clock.expire(timer);
        return answered();
      },
      get timers() {
        return clock.timers;
      },
    };
  };

// ---------------------------------------------------------------- a tour

/** Where a subject did otherwise. */
export interface Deviation {
  /** The step of the tour; -1 when it began otherwise. */
  readonly at: number;
  readonly expected: string;
  readonly observed: string;
}

/** Walks a tour with a subject. @returns the first step at which it differs, undefined when it never does */
export function run(tour: Tour, begin: Begin): Deviation | undefined {
  const graph = graphOfTour(tour);
  const subject = begin(tour.input);
  const running = new RunningTimers(graph);
  const differs = (at: number, expected: Answer, observed: () => Answer): Deviation | undefined => {
    const timers = running.names;
    try {
      const answer = observed();
      if (wordOf(answer) === wordOf(expected) && subject.timers.join() === timers.join()) return undefined;
      return { at, expected: told(expected, timers), observed: told(answer, subject.timers) };
    } catch (fault) {
      return { at, expected: told(expected, timers), observed: `throws ${String(fault)}` };
    }
  };
  let deviation = differs(-1, graph.initial, () => subject.begun);
  for (let at = 0; at < tour.steps.length && deviation === undefined; at++) {
    const { event, expected, edge } = tour.steps[at]!;
    running.take(edge);
    deviation = differs(at, expected, () => subject.take(event));
  }
  return deviation;
}

/** The timers that the model says run: those of its states, but for one that expired and was not heeded. */
class RunningTimers {
  readonly #graph: Graph;
  readonly #spent = new Set<string>();
  #place = 0;

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  get names(): string[] {
    const expiring = expiries(this.#graph.snapshots[this.#place]!).filter((event) => !this.#spent.has(event));
    return expiring.map((event) => delayOf(event)!).sort();
  }

  take(edge: number): void {
    const { name, snapshots, events, event, answers, answer, to } = this.#graph;
    const from = snapshots[this.#place]!;
    const { type } = events[event[edge]!]!;
    this.#place = to[edge]!;
    const isHandled = answers[answer[edge]!]!.handled;
    if (this.#spent.size > 0 && isHandled) for (const change of step<AnyStateMachine>(machines[name], from, events[event[edge]!]!).timers) this.#spent.delete(change.event);
    if (!isHandled && delayOf(type) !== undefined) this.#spent.add(type);
  }
}

const told = (answer: Answer, timers: readonly string[]) => `${toldAnswer(answer)}${timers.length === 0 ? "" : ` (timers: ${timers.join(", ")})`}`;
