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

/** A snapshot of the mutant, and the timers that have expired and were not started again, though what waits for them is still there. */
interface Own {
  readonly snapshot: AnyMachineSnapshot;
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
  readonly #restored = new Map<number, Own>();
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
    if (from < firstOwn && territory.knows(from, event) && !this.touches(territory.touches(from, event))) return { to: territory.to(from, event), word: territory.word(from, event), started: territory.started(from, event) };
    const key = from * territory.events.length + event;
    const known = this.#moves.get(key);
    if (known !== undefined) return known;
    const move = this.#step(this.at(from), from, event);
    this.#moves.set(key, move);
    return move;
  }

  at(whereabouts: Whereabouts): Own {
    if (this.isOwn(whereabouts)) return this.#own[whereabouts - firstOwn]!;
    const known = this.#restored.get(whereabouts);
    if (known !== undefined) return known;
    const restored = { snapshot: restore(this.machine, keep(this.#territory.places[whereabouts]!)) as AnyMachineSnapshot, spent: none };
    this.#restored.set(whereabouts, restored);
    return restored;
  }

  /** The timers that run, by the events of their expiry. */
  runs(whereabouts: Whereabouts): readonly string[] {
    const { snapshot, spent } = this.at(whereabouts);
    return spent.size === 0 ? expiries(snapshot) : expiries(snapshot).filter((timer) => !spent.has(timer));
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
    if (!this.isOwn(whereabouts)) return this.#territory.eventsAt(whereabouts);
    const { snapshot, spent } = this.at(whereabouts);
    return this.#territory.eventsIn(snapshot).filter((event) => !spent.has(this.#territory.events[event]!.type));
  }

  #step({ snapshot, spent }: Own, from: Whereabouts, number: number): Move {
    const event = this.#territory.events[number]!;
    if (!this.#territory.isExpiry(number)) return this.#moved(() => this.#take(snapshot, event), spent);
    if (!this.runs(from).includes(event.type)) return this.stays(from);
    return this.#moved(() => this.#take(snapshot, event), spent, event.type);
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
    return {
      to: this.#whereabouts(snapshot, stillSpent(taken, snapshot, spent, expired)),
      word: this.#territory.words.of(wordOf(answerOf(taken))),
      started: this.#territory.starts.of(startedIn(taken).join()),
    };
  }

  #whereabouts(snapshot: AnyMachineSnapshot, spent: ReadonlySet<string>): Whereabouts {
    const key = keyOf(snapshot);
    const place = spent.size === 0 ? this.#territory.find(key) : undefined;
    if (place !== undefined) return place;
    const word = [key, ...[...spent].sort()].join();
    const known = this.#ownNumbers.get(word);
    if (known !== undefined) return known;
    const number = firstOwn + this.#own.push({ snapshot, spent }) - 1;
    this.#ownNumbers.set(word, number);
    return number;
  }
}

/** A timer that expired is spent, unless nobody took notice: then it may come again, as with the original. What is started anew, or not waited for any more, is not spent. */
function stillSpent(taken: Step, snapshot: AnyMachineSnapshot, spent: ReadonlySet<string>, expired: string | undefined): ReadonlySet<string> {
  const noticed = expired !== undefined && taken.handled ? [expired] : [];
  if (spent.size + noticed.length === 0) return none;
  const waitedFor = expiries(snapshot);
  const started = startedIn(taken);
  return new Set([...spent, ...noticed].filter((timer) => waitedFor.includes(timer) && !started.includes(timer)));
}
