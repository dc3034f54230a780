/**
 * A mutant beside its original.
 *
 * Where a step comes by nothing that was mutated, the mutant takes the step that the original takes in the same snapshot: only
 * the others are taken by the mutant itself.
 */
import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { keep, restore, start, step, type Step } from "../../machines/step.ts";
import { expiries, keyOf } from "../explore.ts";
import { answerOf, wordOf } from "../graph.ts";
import type { Mutant } from "./mutants.ts";
import type { Territory } from "./territory.ts";

/** Where a mutant is: a place of the territory, or one of its own, numbered after all of them. */
export type Whereabouts = number;

export interface Move {
  readonly to: Whereabouts;
  readonly word: number;
}

/** A snapshot of the mutant, and the timers that have expired and were not started again though their states are still there. */
interface Own {
  readonly snapshot: AnyMachineSnapshot;
  readonly spent: ReadonlySet<string>;
}

/** Room for the places of the original; those of the mutant come after. */
const firstOwn = 2 ** 26;

const nothing = wordOf({ effects: [], refusal: undefined, handled: false, over: false });

export class Twin {
  readonly machine: AnyStateMachine;
  readonly #territory: Territory;
  /** By list of touches. */
  readonly #touched: readonly boolean[] = [];
  readonly #mutant: Mutant;
  readonly #own: Own[] = [];
  readonly #ownKeys = new Map<string, Whereabouts>();
  readonly #restored = new Map<number, AnyMachineSnapshot>();
  readonly #moves = new Map<number, Move>();

  constructor(territory: Territory, mutant: Mutant) {
    this.#territory = territory;
    this.#mutant = mutant;
    this.machine = mutant.machine();
  }

  /** Whether a step of the original came by what was mutated. */
  touches(list: number): boolean {
    const touched = this.#touched as boolean[];
    return (touched[list] ??= this.#territory.touchLists[list]!.some(this.#mutant.touched));
  }

  start(input: unknown): Move {
    return this.#moved(() => start(this.machine, input as never), new Set(), undefined);
  }

  step(from: Whereabouts, event: number): Move {
    const territory = this.#territory;
    if (from < firstOwn && territory.knows(from, event) && !this.touches(territory.touches(from, event))) return { to: territory.to(from, event), word: territory.word(from, event) };
    const key = from * territory.events.length + event;
    const known = this.#moves.get(key);
    if (known !== undefined) return known;
    const move = this.#step(from, event);
    this.#moves.set(key, move);
    return move;
  }

  #step(from: Whereabouts, at: number): Move {
    const territory = this.#territory;
    const event = territory.events[at]!;
    const { snapshot, spent } = from < firstOwn ? { snapshot: this.#restore(from), spent: none } : this.#own[from - firstOwn]!;
    if (territory.isExpiry(at) && (spent.has(event.type) || !expiries(snapshot).includes(event.type))) return { to: from, word: territory.words.indexOf(nothing) };
    return this.#moved(() => step(this.machine, snapshot, event), spent, territory.isExpiry(at) ? event.type : undefined);
  }

  #restore(place: number): AnyMachineSnapshot {
    const known = this.#restored.get(place);
    if (known !== undefined) return known;
    const restored = restore(this.machine, keep(this.#territory.places[place]!)) as AnyMachineSnapshot;
    this.#restored.set(place, restored);
    return restored;
  }

  #moved(move: () => Step, spent: ReadonlySet<string>, expired: string | undefined): Move {
    const { words } = this.#territory;
    let taken: Step;
    try {
      taken = move();
    } catch (error) {
      // A machine that throws is one that a peer can tell, at once and for good.
      return { to: firstOwn - 1, word: words.indexOf(`throws ${(error as Error).message}`) };
    }
    const snapshot = taken.snapshot as AnyMachineSnapshot;
    const left = new Set(spent);
    if (expired !== undefined && taken.handled) left.add(expired);
    const running = new Set(left.size === 0 ? [] : expiries(snapshot));
    for (const change of taken.timers) if (change.change === "start") left.delete(change.event);
    for (const timer of left) if (!running.has(timer)) left.delete(timer);
    return { to: this.#whereabouts(snapshot, left), word: words.indexOf(wordOf(answerOf(taken))) };
  }

  #whereabouts(snapshot: AnyMachineSnapshot, spent: ReadonlySet<string>): Whereabouts {
    const key = keyOf(snapshot);
    const place = spent.size === 0 ? this.#territory.find(key) : -1;
    if (place !== -1) return place;
    const ownKey = `${key} ${[...spent].sort().join()}`;
    const known = this.#ownKeys.get(ownKey);
    if (known !== undefined) return known;
    this.#ownKeys.set(ownKey, firstOwn + this.#own.length);
    return firstOwn + this.#own.push({ snapshot, spent }) - 1;
  }
}

const none: ReadonlySet<string> = new Set();
