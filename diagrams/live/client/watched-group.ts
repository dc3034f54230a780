/** One group as its stream tells of it: every machine where it stands now, and what has happened since we look on. */
import type { GroupShown, Seat, StepTold, Told, Transfer } from "./shapes.ts";

/** Steps and notes that are kept; older ones are let go. So are machines that are over, where there are many. */
const keptAtMost = 400;
const machinesAtMost = 500;

export interface MachineNow {
  readonly machine: string;
  readonly instance: string;
  state: unknown;
  context: unknown;
  over: boolean;
  /** Ends by the clock of `performance`. */
  timers: readonly { readonly timer: string; readonly endsAt: number }[];
  /** The rules that its last step took, and when, by the same clock. */
  taken: readonly number[];
  takenAt: number;
}

/** What happened: a step, with where its machine was before, or something to say in between. */
export type Happened = { readonly kind: "step"; readonly step: StepTold; readonly before: unknown } | { readonly kind: "note"; readonly at: number; readonly says: string };

export const keyOf = ({ machine, instance }: { readonly machine: string; readonly instance: string }): string => `${machine}/${instance}`;

/** `gone`: it was not there any more when we asked again. */
export type Following = "connecting" | "live" | "lost" | "ended" | "gone";

export class WatchedGroup {
  readonly id: string;
  readonly machines = new Map<string, MachineNow>();
  readonly #changed: () => void;
  readonly #somebodyNew: () => void;
  #happened: Happened[] = [];
  #letGo = 0;
  #shown: GroupShown | undefined;
  #state: Following = "connecting";
  /** Everybody who has had a seat or a file since we look on: what is over is still spoken of. */
  readonly seats = new Map<number, Seat>();
  readonly transfers = new Map<string, Transfer>();

  /** `somebodyNew`: a machine began that is of a seat or a file of which nothing is known yet. */
  constructor(id: string, changed: () => void, somebodyNew: () => void) {
    this.id = id;
    this.#changed = changed;
    this.#somebodyNew = somebodyNew;
  }

  get shown(): GroupShown | undefined {
    return this.#shown;
  }

  get state(): Following {
    return this.#state;
  }

  /** In order, the last at the end. */
  get happened(): readonly Happened[] {
    return this.#happened;
  }

  /** How much happened before that and is no longer kept. */
  get letGo(): number {
    return this.#letGo;
  }

  /** What the list says of it. */
  show(group: GroupShown): void {
    this.#shown = group;
    for (const seat of group.seats) this.seats.set(seat.seat, seat);
    for (const transfer of group.fileTransfers) this.transfers.set(transfer.id, transfer);
    this.#changed();
  }

  lost(): void {
    if (this.#state === "live") this.#state = "lost";
    this.#changed();
  }

  /** It is not there. Where the stream still runs, that tells of the end. */
  gone(): void {
    if (this.#state === "ended" || this.#state === "live") return;
    this.#note("The group is not here any more: it has ended, or the server has started again.");
    this.#end("gone");
  }

  #end(state: "ended" | "gone"): void {
    this.#state = state;
    for (const machine of this.machines.values()) machine.timers = [];
    this.#changed();
  }

  take({ event, data }: Told): void {
    switch (event) {
      case "snapshot":
        if (this.#state === "lost") this.#note("The connection was lost. What happened until here was not told; this is how everything stands now.");
        this.#state = "live";
        this.#begin(data);
        break;
      case "step":
        this.#step(data);
        break;
      case "timers":
        this.#at(data).timers = ends(data.timers);
        break;
      case "dropped":
        this.#note(`${data.seen} steps and timers were dropped: this page did not read fast enough. This is how everything stands now.`);
        break;
      case "ended":
        this.#note("The group has ended.");
        this.#end("ended");
    }
    this.#changed();
  }

  #begin(group: Extract<Told, { event: "snapshot" }>["data"]): void {
    this.machines.clear();
    for (const { machine, instance, state, context, over, timers } of group.machines) {
      this.machines.set(keyOf({ machine, instance }), { machine, instance, state, context, over, timers: ends(timers), taken: [], takenAt: 0 });
    }
    this.show(group);
  }

  #step(step: StepTold): void {
    const known = this.machines.get(keyOf(step));
    const [owner = ""] = step.instance.split(".");
    if (known === undefined && !this.transfers.has(owner) && !this.seats.has(Number(owner))) this.#somebodyNew();
    this.#keep({ kind: "step", step, before: known?.state });
    const machine = this.#at(step);
    machine.state = step.state;
    if ("context" in step) machine.context = step.context;
    machine.over = step.over;
    if (step.over) machine.timers = [];
    machine.taken = step.taken.map(({ rule }) => rule);
    machine.takenAt = performance.now();
  }

  #at({ machine, instance }: { readonly machine: string; readonly instance: string }): MachineNow {
    const key = keyOf({ machine, instance });
    const known = this.machines.get(key) ?? { machine, instance, state: "", context: {}, over: false, timers: [], taken: [], takenAt: 0 };
    this.machines.set(key, known);
    if (this.machines.size > machinesAtMost) this.#forgetOne();
    return known;
  }

  #forgetOne(): void {
    for (const [key, { over }] of this.machines) if (over) return void this.machines.delete(key);
  }

  #note(says: string): void {
    this.#keep({ kind: "note", at: Date.now(), says });
  }

  #keep(one: Happened): void {
    this.#happened.push(one);
    if (this.#happened.length <= keptAtMost) return;
    // A quarter at a time, so that what is drawn does not shift with every step.
    const less = this.#happened.length - Math.floor(keptAtMost * 0.75);
    this.#letGo += less;
    this.#happened = this.#happened.slice(less);
  }
}

const ends = (timers: readonly { readonly timer: string; readonly leftMs: number }[]) => timers.map(({ timer, leftMs }) => ({ timer, endsAt: performance.now() + leftMs }));
