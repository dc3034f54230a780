/**
 * The only file that runs XState: a machine as a pure function from snapshot and event to snapshot, effects and timers.
 *
 * One inert actor scope is shared by all steps; what XState would execute is collected and handed back as data.
 */
import { createEmptyActor } from "xstate";
import type { AnyActorScope, AnyEventObject, AnyMachineSnapshot, AnyStateMachine, AnyTransitionDefinition, EventFromLogic, ExecutableActionObject, InputFrom, SnapshotFrom } from "xstate";
import type { Effect } from "./effects.ts";
import type { TimerName } from "./policies.ts";
import { refusals, type Refusal } from "./refusals.ts";

/** A timer as data. `event` names it: what is stopped is what was started, and when it expires the machine gets that event. */
export type TimerChange =
  | { readonly change: "start"; readonly name: TimerName; readonly event: string }
  | { readonly change: "stop"; readonly event: string };

/** What one event did: where the machine now is, and what it asks for, in order. */
export class Step<M extends AnyStateMachine = AnyStateMachine> {
  readonly snapshot: SnapshotFrom<M>;
  readonly effects: readonly Effect[];
  /** In order: a stop and a start of one `event` is a move. */
  readonly timers: readonly TimerChange[];
  /** False when no transition was enabled: the machine has not moved. */
  readonly handled: boolean;
  readonly #machine: M;
  readonly #before: SnapshotFrom<M> | undefined;
  readonly #event: AnyEventObject;

  constructor(machine: M, before: SnapshotFrom<M> | undefined, event: AnyEventObject, snapshot: SnapshotFrom<M>, asked: Asked) {
    this.snapshot = snapshot;
    this.effects = asked.effects;
    this.timers = asked.timers;
    this.#machine = machine;
    this.#before = before;
    this.#event = event;
    this.handled = before === undefined || snapshot !== before || asked.effects.length > 0 || this.taken.length > 0;
  }

  /** The transitions that the event selected; the eventless ones that followed are not in it. */
  get taken(): readonly AnyTransitionDefinition[] {
    return this.#before === undefined ? [] : taken(this.#machine, this.#before, this.#event);
  }

  /** What an event that no transition takes is answered with; undefined when it was handled. */
  get refusal(): Refusal | undefined {
    return this.handled ? undefined : refusals[this.#event.type as keyof typeof refusals];
  }
}

interface Asked {
  readonly effects: Effect[];
  readonly timers: TimerChange[];
}

/** Puts `machine` in its initial state. What it asks for there counts like any other effect. */
export function start<M extends AnyStateMachine>(machine: M, input: InputFrom<M>): Step<M> {
  const snapshot = collect(() => machine.getInitialSnapshot(scope, input) as SnapshotFrom<M>);
  return new Step(machine, undefined, { type: "xstate.init" }, snapshot, asked());
}

/**
 * Advances `machine` by one event. Pure: the same arguments always give the same step.
 *
 * An exception leaves everything as it was.
 */
export function step<M extends AnyStateMachine>(machine: M, snapshot: SnapshotFrom<M>, event: EventFromLogic<M> | AnyEventObject): Step<M> {
  const next = collect(() => machine.transition(snapshot as AnyMachineSnapshot, event as EventFromLogic<M>, scope) as SnapshotFrom<M>);
  return new Step(machine, snapshot, event as AnyEventObject, next, asked());
}

/** The transitions that `event` selects in `snapshot`, empty when it is refused. */
export function taken(machine: AnyStateMachine, snapshot: AnyMachineSnapshot, event: AnyEventObject): readonly AnyTransitionDefinition[] {
  return machine.getTransitionData(snapshot, event);
}

/** The snapshots that a step goes through: after the transitions that `event` selects, and after each round of eventless ones. The last is where it ends. */
export function between(machine: AnyStateMachine, snapshot: AnyMachineSnapshot, event: AnyEventObject): readonly AnyMachineSnapshot[] {
  sink = [];
  return machine.microstep(snapshot, event, scope);
}

/** The snapshot as plain JSON: all that has to be kept to go on later. */
export interface Kept {
  readonly value: unknown;
  readonly context: unknown;
  readonly status: string;
}

export function keep({ value, context, status }: AnyMachineSnapshot): Kept {
  return { value, context, status };
}

/** The snapshot that `keep` kept. Timers are not in it: the runtime owns deadlines and restores them. */
export function restore<M extends AnyStateMachine>(machine: M, kept: Kept): SnapshotFrom<M> {
  return machine.restoreSnapshot({ ...kept, historyValue: {}, children: {} } as never, scope) as SnapshotFrom<M>;
}

let sink: ExecutableActionObject[] = [];
const inert = createEmptyActor();
const scope = {
  self: inert,
  system: inert.system,
  id: "",
  sessionId: "",
  logger() {},
  defer() {},
  stopChild() {},
  emit() {},
  actionExecutor: (action: ExecutableActionObject) => void sink.push(action),
} as unknown as AnyActorScope;

function collect<S extends { readonly status: string; readonly error?: unknown }>(run: () => S): S {
  sink = [];
  const snapshot = run();
  if (snapshot.status === "error") throw snapshot.error;
  return snapshot;
}

/** `setup` has checked each action's params against `Effect`; XState's own result type forgets it. */
function asked(): Asked {
  const effects: Effect[] = [];
  const timers: TimerChange[] = [];
  for (const { type, params } of sink) {
    if (type === "xstate.raise") {
      const raised = params as unknown as { event: { type: string }; delay?: number };
      // Without a delay it was an event of this very step.
      if (raised.delay !== undefined) timers.push(started(raised));
    } else if (type === "xstate.cancel") timers.push({ change: "stop", event: (params as unknown as { sendId: string }).sendId });
    else if (type.startsWith("xstate.")) throw new Error(`a machine asked XState for ${type}, which is not pure`);
    else effects.push((params === undefined ? { type } : { type, ...(params as object) }) as Effect);
  }
  return { effects, timers };
}

/** XState names the event of a delayed transition `xstate.after.<delay>.<state>`. */
function started({ event }: { readonly event: { readonly type: string } }): TimerChange {
  const name = event.type.split(".", 3)[2] as TimerName;
  return { change: "start", name, event: event.type };
}
