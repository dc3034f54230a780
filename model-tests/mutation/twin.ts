/**
 * A mutant beside its original.
 *
 * Where a step comes by nothing that was mutated, the mutant takes the step that the original takes in the same snapshot: only
 * the others are taken by the mutant itself.
 */
import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { keep, restore, start, step, type Step } from "../../machines/step.ts";
import { expiries, keyOf, type Edge } from "../explore.ts";
import { answerOf, wordOf } from "../graph.ts";
import type { Mutant } from "./mutants.ts";
import { startedIn, type Territory } from "./territory.ts";

/** Where a mutant is: a place of the territory, or one of its own, numbered after all of them. */
export type Whereabouts = number;

/** As in the territory: where it gets, what a peer sees, which timers start. */
export interface Move {
  readonly to: Whereabouts;
  readonly word: number;
  readonly started: number;
}

/** Where the original never is: in a snapshot of its own, or in one of the original's with timers that are spent. */
interface Own {
  readonly at: AnyMachineSnapshot | number;
  /** Timers that have expired and were not started again, though what waits for them is still there. */
  readonly spent: ReadonlySet<string>;
}

/** Room for the places of the original; those of the mutant come after. */
const firstOwn = 2 ** 26;
/** Where a machine is that has thrown. */
const thrown = firstOwn - 1;

const none: ReadonlySet<string> = new Set();
const nothing = wordOf({ effects: [], refusal: undefined, handled: false, over: false });

export class Twin {
  readonly machine: AnyStateMachine;
  readonly #territory: Territory;
  readonly #mutant: Mutant;
  readonly #watch: (edge: Edge) => void;
  /** By list of touches. */
  readonly #touched: boolean[] = [];
  readonly #own: Own[] = [];
  readonly #ownNumbers = new Map<string, Whereabouts>();
  readonly #restored = new Map<number, AnyMachineSnapshot>();
  readonly #moves = new Map<number, Move>();

  /** `watch` sees every step that the mutant takes itself. */
  constructor(territory: Territory, mutant: Mutant, watch: (edge: Edge) => void = () => {}) {
    this.#territory = territory;
    this.#mutant = mutant;
    this.#watch = watch;
    this.machine = mutant.machine();
  }

  /** Whether a step of the original came by what was mutated: `list` is the number of what it touched. */
  touches(list: number): boolean {
    return (this.#touched[list] ??= this.#territory.touchLists[list]!.some(this.#mutant.touched));
  }

  start(input: unknown): Move {
    return this.#moved(() => start(this.machine, input as never), none);
  }

  step(from: Whereabouts, event: number): Move {
    const territory = this.#territory;
    const { at, spent } = this.#own[from - firstOwn] ?? { at: from, spent: none };
    if (typeof at === "number" && territory.knows(at, event) && !this.touches(territory.touches(at, event)) && !spent.has(territory.events[event]!.type)) {
      const [to, started] = [territory.to(at, event), territory.started(at, event)];
      const left = spent.size === 0 ? none : stillSpent(spent, territory.places[to]!, territory.starts.words[started]!.split(","));
      return { to: this.#numberOf(to, left), word: territory.word(at, event), started };
    }
    const key = from * territory.events.length + event;
    const known = this.#moves.get(key);
    if (known !== undefined) return known;
    const move = this.#step(from, event);
    this.#moves.set(key, move);
    return move;
  }

  /** The snapshot in which the mutant is there. */
  at(whereabouts: Whereabouts): AnyMachineSnapshot {
    const { at } = this.#own[whereabouts - firstOwn] ?? { at: whereabouts };
    if (typeof at !== "number") return at;
    const known = this.#restored.get(at);
    if (known !== undefined) return known;
    const restored = restore(this.machine, keep(this.#territory.places[at]!)) as AnyMachineSnapshot;
    this.#restored.set(at, restored);
    return restored;
  }

  /** The timers that run, by the events of their expiry. */
  runs(whereabouts: Whereabouts): readonly string[] {
    const { at, spent } = this.#own[whereabouts - firstOwn] ?? { at: whereabouts, spent: none };
    return expiries(typeof at === "number" ? this.#territory.places[at]! : at).filter((timer) => !spent.has(timer));
  }

  /** Nothing happens and nothing is seen. */
  stays(whereabouts: Whereabouts): Move {
    return { to: whereabouts, word: this.#territory.words.of(nothing), started: this.#territory.starts.of("") };
  }

  hasThrown(whereabouts: Whereabouts): boolean {
    return whereabouts === thrown;
  }

  isOwn(whereabouts: Whereabouts): boolean {
    return whereabouts >= firstOwn;
  }

  /** What can happen to the mutant there, as numbers of events. */
  eventsIn(whereabouts: Whereabouts): readonly number[] {
    const running = this.runs(whereabouts);
    return this.#territory.eventsIn(this.at(whereabouts)).filter((event) => !this.#territory.isExpiry(event) || running.includes(this.#territory.events[event]!.type));
  }

  #step(from: Whereabouts, number: number): Move {
    const event = this.#territory.events[number]!;
    const isExpiry = this.#territory.isExpiry(number);
    if (isExpiry && !this.runs(from).includes(event.type)) return this.stays(from);
    return this.#moved(() => this.#take(this.at(from), event), this.#own[from - firstOwn]?.spent ?? none, isExpiry ? event.type : undefined);
  }

  #take(from: AnyMachineSnapshot, event: Edge["event"]): Step {
    const taken = step(this.machine, from, event);
    this.#watch({ from, event, step: taken });
    return taken;
  }

  #moved(take: () => Step, spent: ReadonlySet<string>, expired?: string): Move {
    let taken: Step;
    try {
      taken = take();
    } catch (error) {
      // Who throws is told from who does not, whatever would come after.
      return { to: thrown, word: this.#territory.words.of(`throws ${(error as Error).message}`), started: this.#territory.starts.of("") };
    }
    const snapshot = taken.snapshot as AnyMachineSnapshot;
    // A timer of whose expiry nobody took notice may come again, as with the original.
    const left = expired !== undefined && taken.handled ? new Set([...spent, expired]) : spent;
    const started = startedIn(taken);
    return { to: this.#whereabouts(snapshot, stillSpent(left, snapshot, started)), word: this.#territory.words.of(wordOf(answerOf(taken))), started: this.#territory.starts.of(started.join()) };
  }

  #whereabouts(snapshot: AnyMachineSnapshot, spent: ReadonlySet<string>): Whereabouts {
    const key = keyOf(snapshot);
    const place = this.#territory.find(key);
    return place === undefined ? this.#ownNumberOf(key, snapshot, spent) : this.#numberOf(place, spent);
  }

  #numberOf(place: number, spent: ReadonlySet<string>): Whereabouts {
    return spent.size === 0 ? place : this.#ownNumberOf(String(place), place, spent);
  }

  #ownNumberOf(key: string, at: Own["at"], spent: ReadonlySet<string>): Whereabouts {
    const word = [key, ...[...spent].sort()].join();
    const known = this.#ownNumbers.get(word);
    if (known !== undefined) return known;
    const number = firstOwn + this.#own.push({ at, spent }) - 1;
    this.#ownNumbers.set(word, number);
    return number;
  }
}

/** What is started anew, or not waited for any more, is not spent. */
function stillSpent(spent: ReadonlySet<string>, snapshot: AnyMachineSnapshot, started: readonly string[]): ReadonlySet<string> {
  if (spent.size === 0) return none;
  const waitedFor = expiries(snapshot);
  return new Set([...spent].filter((timer) => waitedFor.includes(timer) && !started.includes(timer)));
}
