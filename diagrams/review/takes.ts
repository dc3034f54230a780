/** Which transitions a walk takes, found by running the machine: no exploration is needed for it. */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { machines, type MachineName } from "../../machines/index.ts";
import { transitions } from "../../machines/inspect.ts";
import { start, step } from "../../machines/step.ts";
import { askedOnTheWay, keyOf } from "../../model-tests/explore.ts";

interface Place {
  readonly snapshot: AnyMachineSnapshot;
  /** By the event, where it leads and the rules that it takes. */
  readonly next: Map<AnyEventObject, { readonly to: Place; readonly rules: readonly number[] }>;
}

/** Walks through one machine; where two meet, both go on from what is known. */
export class Takes {
  readonly #machine: AnyStateMachine;
  readonly #rules: ReadonlyMap<unknown, number>;
  readonly #places = new Map<string, Place>();
  readonly #starts = new Map<unknown, Place>();

  constructor(name: MachineName) {
    this.#machine = machines[name];
    this.#rules = new Map(transitions(this.#machine).map((transition, index) => [transition, index + 1]));
  }

  /** The rules that each event takes, in order. */
  along(input: unknown, events: readonly AnyEventObject[]): (readonly number[])[] {
    const known = this.#starts.get(input);
    let place = known ?? this.#place(start(this.#machine, input as never).snapshot as AnyMachineSnapshot);
    if (!known) this.#starts.set(input, place);
    return events.map((event) => {
      const { to, rules } = this.#next(place, event);
      place = to;
      return rules;
    });
  }

  #place(snapshot: AnyMachineSnapshot): Place {
    const key = keyOf(snapshot);
    const place = this.#places.get(key) ?? { snapshot, next: new Map() };
    this.#places.set(key, place);
    return place;
  }

  #next(place: Place, event: AnyEventObject): { readonly to: Place; readonly rules: readonly number[] } {
    const known = place.next.get(event);
    if (known) return known;
    const { snapshot, handled } = step(this.#machine, place.snapshot, event);
    const taken = handled ? askedOnTheWay(this.#machine, place.snapshot, event).flatMap(({ transition, enabled }) => (enabled ? [this.#rules.get(transition)!] : [])) : [];
    const next = { to: handled ? this.#place(snapshot as AnyMachineSnapshot) : place, rules: taken };
    place.next.set(event, next);
    return next;
  }
}
