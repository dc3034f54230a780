import type { AnyEventObject, AnyStateMachine } from "xstate";
import { describe, expect, test } from "vitest";
import type { Effect } from "../machines/effects.ts";
import { machines, type MachineName } from "../machines/index.ts";
import { keep, start, step } from "../machines/step.ts";
import { worlds } from "../machines/worlds.ts";
import { Session, Turns, type Told } from "../runtime/session.ts";
import { expiries } from "./explore.ts";
import { VirtualClock } from "./virtual-clock.ts";

const names = Object.keys(machines) as MachineName[];

describe("a session takes the steps of its machine", () => {
  test.each(names)("%s: the same event again and again, and another one between", (name) => {
    const machine: AnyStateMachine = machines[name];
    for (const input of worlds[name].inputs) {
      for (let seed = 1; seed <= 20; seed++) {
        const performed: Effect[] = [];
        const wanted: Effect[] = [...start(machine, input).effects];
        const turns = new Turns<never>({ clock: new VirtualClock(), failed: (fault) => expect.fail(String(fault)) });
        const around = { perform: (effect: Effect) => void performed.push(effect), refuse() {}, lengthOf: () => Infinity, ended() {} };
        const session = new Session(turns, name, input, "of", "instance", around);
        let at = start(machine, input).snapshot;
        for (const event of walk(seed, () => [...worlds[name].events, ...expiries(at).map((type) => ({ type }))])) {
          const done = step(machine, at, event);
          at = done.snapshot;
          wanted.push(...done.effects);
          session.tell(event as Told);
          expect(keep(session.snapshot)).toEqual(keep(at));
        }
        expect(performed).toEqual(wanted);
      }
    }
  });
});

/** A walk with a seed, which likes to repeat the last four events. */
function* walk(seed: number, events: () => AnyEventObject[]): Generator<AnyEventObject> {
  const upTo = (count: number): number => (seed = (seed * 48_271) % 0x7fffffff) % count;
  const last: AnyEventObject[] = [];
  for (let k = 0; k < 60; k++) {
    const choice = upTo(3) === 0 || last.length === 0 ? events() : last;
    const event = { ...choice[upTo(choice.length)]! };
    last.push(event);
    if (last.length > 4) last.shift();
    yield event;
  }
}
