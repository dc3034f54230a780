import type { Clock, Timer } from "../runtime/clock.ts";

interface Waiting {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
}

/**
 * A clock that moves only when it is told to.
 *
 * Timers fire in the order of their instants, and of their start where those
 * are equal; a timer that is started by another one fires in the same advance
 * when its instant comes.
 */
export class VirtualClock implements Clock {
  #now = 0;
  #order = 0;
  readonly #wallAtZero: number;
  /** A heap, the next one first. */
  readonly #waiting: Waiting[] = [];
  readonly #stopped = new Set<Waiting>();

  constructor(wallAtZero = Date.UTC(2026, 0, 1)) {
    this.#wallAtZero = wallAtZero;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#wallAtZero + this.#now;
  }

  after(ms: number, fire: () => void): Timer {
    const timer = { at: this.#now + Math.max(ms, 0), order: this.#order++, fire };
    this.#push(timer);
    return { stop: () => void this.#stopped.add(timer) };
  }

  /** The instant of the next timer. */
  get next(): number | undefined {
    this.#dropStopped();
    return this.#waiting[0]?.at;
  }

  /** Moves on by `ms` and fires everything that falls due on the way. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let at = this.next; at !== undefined && at <= end; at = this.next) {
      this.#now = at;
      this.#pop()?.fire();
    }
    this.#now = end;
  }

  /** As `advance`, and lets promises settle before every timer, for what is partly asynchronous. */
  async advanceAsync(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settled();
    for (let at = this.next; at !== undefined && at <= end; at = this.next) {
      this.#now = at;
      this.#pop()?.fire();
      await settled();
    }
    this.#now = end;
  }

  #dropStopped(): void {
    for (let first = this.#waiting[0]; first !== undefined && this.#stopped.delete(first); first = this.#waiting[0]) this.#pop();
  }

  #push(timer: Waiting): void {
    const heap = this.#waiting;
    let at = heap.length;
    heap.push(timer);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, timer)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): Waiting | undefined {
    const heap = this.#waiting;
    const [first] = heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
      const child = right !== undefined && left !== undefined && isBefore(right, left) ? 2 * at + 2 : 2 * at + 1;
      const below = heap[child];
      if (below === undefined || isBefore(last, below)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Waiting, b: Waiting): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** After every promise that can settle without the world. */
function settled(): Promise<void> {
  return new Promise((done) => void setImmediate(done));
}
