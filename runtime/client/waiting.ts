import type { Clock } from "../clock.ts";
import { systemClock } from "../clock.ts";

/** How long anything is waited for unless said otherwise. */
export const patienceMs = 5_000;

/** What was waited for did not come in time; the message says what it was. */
export class DeadlineMissed extends Error {
  override readonly name = "DeadlineMissed";

  constructor(what: string, withinMs: number, instead = "") {
    super(`waited ${withinMs} ms for ${what}${instead}`);
  }
}

/** Something that comes once. */
export class Eventual<T> {
  readonly #what: string;
  readonly #clock: Clock;
  readonly #listeners: ((value: T) => void)[] = [];
  #settled: { readonly value: T } | undefined;

  constructor(what: string, clock: Clock = systemClock) {
    this.#what = what;
    this.#clock = clock;
  }

  /** Undefined until it has come. */
  get value(): T | undefined {
    return this.#settled?.value;
  }

  /** It has come; only the first time counts. */
  settle(value: T): void {
    if (this.#settled) return;
    this.#settled = { value };
    for (const listener of this.#listeners.splice(0)) listener(value);
  }

  /** Calls the listener when it comes; at once where it has come. */
  on(listener: (value: T) => void): void {
    if (this.#settled) listener(this.#settled.value);
    else this.#listeners.push(listener);
  }

  /** @throws {DeadlineMissed} it did not come in time */
  within(ms: number = patienceMs): Promise<T> {
    return new Promise((resolve, reject) => {
      const deadline = this.#clock.after(ms, () => reject(new DeadlineMissed(this.#what, ms)));
      this.on((value) => {
        deadline.stop();
        resolve(value);
      });
    });
  }
}

interface Waiting<T> {
  readonly matches: (item: T) => boolean;
  readonly take: (item: T) => void;
}

/** Things that come one after the other, kept until somebody takes them. */
export class Arrivals<T> {
  readonly #what: string;
  readonly #clock: Clock;
  readonly #show: (item: T) => string;
  readonly #listeners = new Set<(item: T) => void>();
  readonly #waiting = new Set<Waiting<T>>();
  readonly #kept: T[] = [];

  /** `show` says in an error what came instead. */
  constructor(what: string, clock: Clock = systemClock, show: (item: T) => string = String) {
    this.#what = what;
    this.#clock = clock;
    this.#show = show;
  }

  /** What nobody has taken, in the order in which it came. The oldest goes when there is too much of it. */
  get kept(): readonly T[] {
    return this.#kept;
  }

  /** Hears everything from now on, taken or not. @returns what ends it */
  on(listener: (item: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  arrive(item: T): void {
    for (const listener of this.#listeners) listener(item);
    for (const waiting of this.#waiting) {
      if (!waiting.matches(item)) continue;
      this.#waiting.delete(waiting);
      return waiting.take(item);
    }
    if (this.#kept.push(item) > mostKept) this.#kept.shift();
  }

  /**
   * Takes the first that matches, now or when it comes.
   *
   * @throws {DeadlineMissed} it did not come in time
   */
  next(matches: (item: T) => boolean = () => true, withinMs: number = patienceMs, what: string = this.#what): Promise<T> {
    const at = this.#kept.findIndex(matches);
    if (at >= 0) return Promise.resolve(this.#kept.splice(at, 1)[0] as T);
    return new Promise((resolve, reject) => {
      const deadline = this.#clock.after(withinMs, () => {
        this.#waiting.delete(waiting);
        const others = this.#kept.slice(-3).map(this.#show).join("; ");
        reject(new DeadlineMissed(what, withinMs, others === "" ? "" : `; there came: ${others}`));
      });
      const take = (item: T) => {
        deadline.stop();
        resolve(item);
      };
      const waiting: Waiting<T> = { matches, take };
      this.#waiting.add(waiting);
    });
  }
}

/** More than any script leaves lying about; a load test that takes nothing must not grow. */
const mostKept = 1_000;
