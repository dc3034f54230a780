/**
 * The graph of a machine in its world, interned: what tours, mutants and tables are made from.
 *
 * Snapshots, events and answers are numbers; an edge is a row of four. One walk (`explore`) makes it, exactly and whole.
 */
import type { AnyEventObject, AnyMachineSnapshot } from "xstate";
import type { MachineName } from "../machines/index.ts";
import type { Step } from "../machines/step.ts";
import { explore, keyOf, type Bounds, type Possible } from "./explore.ts";

/** What a peer can tell of one step: what was asked for and answered, and whether the machine is over. Timers are not seen. */
export interface Answer {
  readonly effects: Step["effects"];
  readonly refusal: Step["refusal"];
  readonly handled: boolean;
  readonly over: boolean;
}

export interface Graph {
  readonly name: MachineName;
  readonly input: unknown;
  /** In the order of discovery; the first is where the machine starts. */
  readonly snapshots: readonly AnyMachineSnapshot[];
  readonly keys: readonly string[];
  /** The world's events, and the expiries of timers that were met. */
  readonly events: readonly AnyEventObject[];
  readonly answers: readonly Answer[];
  /** What the machine asks for when it starts. */
  readonly initial: Answer;
  /** Rows by edge. */
  readonly from: Int32Array;
  readonly event: Int32Array;
  readonly to: Int32Array;
  readonly answer: Int32Array;
  /** The edges of snapshot `i` are `first[i]` up to but not including `first[i + 1]`. */
  readonly first: Int32Array;
}

/** What a step shows to whoever sees the wire and not the machine. */
export function answerOf({ effects, refusal, handled, snapshot }: Step): Answer {
  return { effects, refusal, handled, over: (snapshot as AnyMachineSnapshot).status !== "active" };
}

/** An answer as a word: two answers with one word cannot be told apart from outside. `handled` is inside knowledge and not in it, and silence says nothing. */
export const wordOf = ({ effects, refusal, over }: Answer): string =>
  JSON.stringify([effects, refusal === undefined || refusal.protocol === "silence" ? null : { ...refusal, grounds: undefined }, over]);

class Interned<T> {
  readonly items: T[] = [];
  readonly #indexes = new Map<string, number>();

  indexOf(word: string, item: T): number {
    const known = this.#indexes.get(word);
    if (known !== undefined) return known;
    this.#indexes.set(word, this.items.length);
    return this.items.push(item) - 1;
  }
}

/** Walks one machine from one input of its world, to the end. @throws BoundReached when the world is larger than `within` */
export function graphOf(name: MachineName, input: unknown, possible?: Possible, within?: Bounds): Graph {
  const snapshots = new Interned<AnyMachineSnapshot>();
  const events = new Interned<AnyEventObject>();
  const answers = new Interned<Answer>();
  const keys: string[] = [];
  const known = new Map<AnyMachineSnapshot, number>();
  const indexOf = (snapshot: AnyMachineSnapshot, word?: string): number => {
    const before = known.get(snapshot);
    if (before !== undefined) return before;
    const key = word ?? keyOf(snapshot);
    const index = snapshots.indexOf(key, snapshot);
    keys[index] = key;
    if (snapshots.items[index] === snapshot) known.set(snapshot, index);
    return index;
  };

  const rows: number[] = [];
  const territory = explore(name, input, ({ from, event, step }, key) => {
    const { snapshot } = step as { snapshot: AnyMachineSnapshot };
    const answer = answerOf(step);
    rows.push(indexOf(from), events.indexOf(JSON.stringify(event), event), indexOf(snapshot, key), answers.indexOf(`${answer.handled}${wordOf(answer)}`, answer));
  }, possible, within);
  indexOf(territory.initial.snapshot as AnyMachineSnapshot);

  const count = rows.length / 4;
  const column = (offset: number) => Int32Array.from({ length: count }, (_, row) => rows[row * 4 + offset]!);
  const from = column(0);
  const first = new Int32Array(snapshots.items.length + 1).fill(count);
  for (let edge = count - 1; edge >= 0; edge--) first[from[edge]!] = edge;
  // A snapshot without edges begins where the next one does.
  for (let at = snapshots.items.length - 1; at >= 0; at--) if (first[at]! > first[at + 1]! || first[at] === count) first[at] = Math.min(first[at]!, first[at + 1]!);
  return {
    name,
    input,
    snapshots: snapshots.items,
    keys,
    events: events.items,
    answers: answers.items,
    initial: answerOf(territory.initial),
    from,
    event: column(1),
    to: column(2),
    answer: column(3),
    first,
  };
}
