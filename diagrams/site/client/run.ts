/** The real machine, run in the page: a script of events, and what each of them did. */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine, AnyStateNode } from "xstate";
import { machines, type MachineName } from "../../../machines/index.ts";
import { transitions } from "../../../machines/inspect.ts";
import { start, step, type Step } from "../../../machines/step.ts";
import { asked, askedOnTheWay, expiries } from "../../../model-tests/explore.ts";

/** Where a machine is, and how it came there. */
export interface Place {
  readonly snapshot: AnyMachineSnapshot;
  /** What led here; absent at the start. */
  readonly event?: AnyEventObject;
  readonly step: Step;
  /** The rules that were taken on the way here, the eventless ones too. */
  readonly rules: readonly number[];
}

export class Run {
  readonly name: MachineName;
  readonly places: readonly Place[];
  readonly #machine: AnyStateMachine;

  constructor(name: MachineName, input: unknown, events: readonly AnyEventObject[]) {
    this.name = name;
    this.#machine = machines[name];
    const begun = start(this.#machine, input);
    const places: Place[] = [{ snapshot: begun.snapshot as AnyMachineSnapshot, step: begun, rules: [] }];
    for (const event of events) places.push(this.#next(places.at(-1)!.snapshot, event));
    this.places = places;
  }

  /** What an event would do after the last one. */
  try(at: number, event: AnyEventObject): Place {
    return this.#next(this.places[at]!.snapshot, event);
  }

  /** The rules that an event asks for and whose guards do not hold. */
  barred(at: number, event: AnyEventObject): number[] {
    return asked(this.#machine, this.places[at]!.snapshot, event).flatMap(({ transition, enabled }) => (enabled ? [] : [ruleOf(this.#machine, transition)]));
  }

  /** The timers that run, as the events of their expiry. */
  timers(at: number): string[] {
    return expiries(this.places[at]!.snapshot);
  }

  #next(from: AnyMachineSnapshot, event: AnyEventObject): Place {
    const next = step(this.#machine, from, event);
    const rules = next.handled ? askedOnTheWay(this.#machine, from, event).flatMap(({ transition, enabled }) => (enabled ? [ruleOf(this.#machine, transition)] : [])) : [];
    return { snapshot: next.snapshot as AnyMachineSnapshot, event, step: next, rules: [...new Set(rules)] };
  }
}

const ruleOf = (machine: AnyStateMachine, transition: unknown): number => transitions(machine).findIndex((each) => each === transition) + 1;

/** The ids of the states that a snapshot is in, outermost first; without the machine itself. */
export const activeIn = ({ _nodes }: AnyMachineSnapshot): string[] => _nodes.filter((node: AnyStateNode) => node.parent !== undefined).map(({ id }) => id);

export const leavesIn = ({ _nodes }: AnyMachineSnapshot): AnyStateNode[] => _nodes.filter(({ type }) => type === "atomic" || type === "final");
