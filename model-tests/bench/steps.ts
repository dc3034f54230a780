/**
 * The machines without a network: steps a second of `step()`, each machine walking its own world, and what a session weighs.
 *
 * The walk is the same for both: a random one with a fixed seed, begun again at every final state. The peer is the public
 * `transition()` of XState.
 *
 *   node --expose-gc model-tests/bench/steps.ts [seconds a figure]
 */
import { initialTransition, transition, type AnyEventObject, type AnyMachineSnapshot, type AnyStateMachine } from "xstate";
import { machines, type MachineName } from "../../machines/index.ts";
import { defaults } from "../../machines/policies.ts";
import { start, step } from "../../machines/step.ts";
import { worlds } from "../../machines/worlds.ts";
import { systemClock } from "../../runtime/clock.ts";
import { Session, Turns } from "../../runtime/session.ts";
import { expiries } from "../explore.ts";
import { printTable, ratio } from "./table.ts";

const seconds = Number(process.argv[2] ?? 1);
const sessions = 10_000;

/** One event of a walk; undefined: from the start again. */
type Walk = readonly (AnyEventObject | undefined)[];

const rows = Object.keys(machines).map((name) => {
  const machine: AnyStateMachine = machines[name as MachineName];
  const input = worlds[name as MachineName].inputs[0];
  const walk = walkThrough(name as MachineName, machine, input);
  let [ours, publicly] = [0, 0];
  // By turns, and the best of each counts: everything else is other work of the machine.
  for (let turn = 0; turn < 4; turn++) {
    publicly = Math.max(publicly, stepsPerSecond(walk, () => initialTransition(machine, input)[0], (snapshot, event) => transition(machine, snapshot, event)[0]));
    ours = Math.max(ours, stepsPerSecond(walk, () => start(machine, input).snapshot, (snapshot, event) => step(machine, snapshot, event).snapshot));
  }
  return [name, ours, publicly, ratio(ours, publicly), octetsOfSession(name as MachineName, input)];
});
printTable(["machine", "step() a second", "transition() a second", "ratio", `octets a session, of ${sessions.toLocaleString("en")}`], rows);

/** Half of the events are ones that move the machine, where there are any: else most steps would be refusals. */
function walkThrough(name: MachineName, machine: AnyStateMachine, input: unknown): Walk {
  const walk: (AnyEventObject | undefined)[] = [];
  let seed = 1;
  const upTo = (count: number): number => (seed = (seed * 48_271) % 0x7fffffff) % count;
  let at = start(machine, input).snapshot as AnyMachineSnapshot;
  while (walk.length < 2_000) {
    const events: AnyEventObject[] = [...worlds[name].events, ...expiries(at).map((type) => ({ type }))];
    const moving = events.filter((event) => step(machine, at, event).snapshot !== at);
    const choice = moving.length > 0 && upTo(2) === 0 ? moving : events;
    const event = choice[upTo(choice.length)]!;
    walk.push(event);
    at = step(machine, at, event).snapshot as AnyMachineSnapshot;
    if (at.status !== "active") {
      walk.push(undefined);
      at = start(machine, input).snapshot as AnyMachineSnapshot;
    }
  }
  return walk;
}

function stepsPerSecond(walk: Walk, begin: () => unknown, next: (snapshot: AnyMachineSnapshot, event: AnyEventObject) => unknown): number {
  const begun = performance.now();
  let steps = 0;
  while (performance.now() - begun < seconds * 250) {
    let at = begin();
    for (const event of walk) at = event === undefined ? begin() : next(at as AnyMachineSnapshot, event);
    steps += walk.length;
  }
  return (steps / (performance.now() - begun)) * 1000;
}

/** The heap that sessions take in their first state, as they stand in a server: with their timers, without anything of SIP or MSRP. */
function octetsOfSession(name: MachineName, input: unknown): number {
  const turns = new Turns<never>({ clock: systemClock, failed: (fault) => console.error(fault) });
  const around = { perform() {}, refuse() {}, lengthOf: (timer: keyof typeof defaults) => defaults[timer] as number, ended() {} };
  const kept: Session<never>[] = [];
  const before = heap();
  for (let k = 0; k < sessions; k++) kept.push(new Session(turns, name, input, "of", "instance", around as never));
  const octets = (heap() - before) / kept.length;
  return Math.round(octets);
}

function heap(): number {
  globalThis.gc!();
  return process.memoryUsage().heapUsed;
}
