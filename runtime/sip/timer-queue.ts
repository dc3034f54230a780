import type { Clock, Timer } from "../clock.ts";

/**
 * Very many timers of very few lengths.
 *
 * Timers of one length expire in the order in which they were started, so that
 * every length is a queue with one timer of the clock: starting and stopping
 * are a few pointer writes, where a timer of the clock for each transaction
 * was measured at a tenth of a call.
 */
export class TimerQueues {
  readonly #clock: Clock;
  readonly #queues = new Map<number, TimerQueue>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  after(ms: number, fire: () => void): Timer {
    let queue = this.#queues.get(ms);
    if (queue === undefined) this.#queues.set(ms, (queue = new TimerQueue(this.#clock, ms)));
    return queue.start(fire);
  }
}

class TimerQueue {
  readonly #clock: Clock;
  readonly #ms: number;
  #first: QueuedTimer | undefined;
  #last: QueuedTimer | undefined;
  #armed = false;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
  }

  start(fire: () => void): Timer {
    const timer = new QueuedTimer(this, this.#clock.now() + this.#ms, fire);
    timer.before = this.#last;
    if (this.#last === undefined) this.#first = timer;
    else this.#last.after = timer;
    this.#last = timer;
    this.#arm();
    return timer;
  }

  remove(timer: QueuedTimer): void {
    if (timer.before === undefined) this.#first = timer.after;
    else timer.before.after = timer.after;
    if (timer.after === undefined) this.#last = timer.before;
    else timer.after.before = timer.before;
    timer.before = timer.after = undefined;
  }

  /** One timer of the clock runs while the queue has anything; it may find its own timer stopped, and then waits for the next. */
  #arm(): void {
    if (this.#armed || this.#first === undefined) return;
    this.#armed = true;
    this.#clock.after(Math.max(this.#first.deadline - this.#clock.now(), 0), () => this.#expire());
  }

  #expire(): void {
    this.#armed = false;
    const now = this.#clock.now();
    try {
      while (this.#first !== undefined && this.#first.deadline <= now) {
        const { fire } = this.#first;
        this.#first.stop();
        fire();
      }
    } finally {
      this.#arm();
    }
  }
}

class QueuedTimer implements Timer {
  before: QueuedTimer | undefined;
  after: QueuedTimer | undefined;
  readonly deadline: number;
  readonly fire: () => void;
  #queue: TimerQueue | undefined;

  constructor(queue: TimerQueue, deadline: number, fire: () => void) {
    this.#queue = queue;
    this.deadline = deadline;
    this.fire = fire;
  }

  stop(): void {
    this.#queue?.remove(this);
    this.#queue = undefined;
  }
}
