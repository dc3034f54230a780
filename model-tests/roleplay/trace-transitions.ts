/** Which transitions a live trace has taken: what shows that something happened in the server, and not only on the wire. */
import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { machines, type MachineName } from "../../machines/index.ts";
import { delayOf } from "../../machines/inspect.ts";
import { start, step } from "../../machines/step.ts";
import type { TraceLine } from "../../runtime/trace.ts";
import { askedOnTheWay } from "../explore.ts";
import { nameOf } from "../places.ts";
import { unreachable, type Unreachable } from "./unreachable.ts";

/** By the names by which `scope.ts` speaks of them. */
export function transitionsIn(trace: string): ReadonlySet<string> {
  const snapshots = new Map<string, AnyMachineSnapshot>();
  const taken = new Set<string>();
  for (const text of trace.split("\n").filter((line) => line !== "")) {
    const { of, machine: name, instance, input, event } = JSON.parse(text) as TraceLine;
    const machine: AnyStateMachine = machines[name as MachineName];
    const key = `${name} ${of} ${instance}`;
    const before = snapshots.get(key);
    if (event === undefined || before === undefined) {
      snapshots.set(key, start(machine, input).snapshot);
      continue;
    }
    const done = step(machine, before, event);
    snapshots.set(key, done.snapshot);
    if (before.status === "active" && done.handled) for (const { transition, enabled } of askedOnTheWay(machine, before, event)) if (enabled) taken.add(nameOf(transition));
  }
  return taken;
}

/** Those of `unreachable.ts` that are reached so. */
export const reached = (how: Unreachable["reached"]): readonly string[] => unreachable.flatMap((each) => (each.reached === how ? [each.transition] : []));

/** The delays that machines name. */
export const namedTimers: readonly string[] = [...new Set(Object.values(machines).flatMap(({ implementations }) => Object.keys((implementations as { readonly delays: object }).delays)))].sort();

/** The delays that have passed in a live trace. */
export function timersIn(trace: string): ReadonlySet<string> {
  const lines = trace.split("\n").filter((line) => line.includes('"xstate.after.'));
  return new Set(lines.map((line) => delayOf((JSON.parse(line) as TraceLine).event?.type ?? "") ?? ""));
}
