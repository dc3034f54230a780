/** Whether the server is there, as the whole page sees it; whoever asks again and again asks through it. */
import { Refused, Unreachable } from "./operator.ts";

/** Waits after the first, the second, … answer that did not come. */
const waitsMs = [500, 1_000, 2_000, 4_000, 8_000, 15_000] as const;

export interface Lost {
  /** Milliseconds since the epoch, by the clock of this machine. */
  readonly since: number;
  readonly nextTryAt: number;
}

export class Link {
  readonly #changed: () => void;
  #lost: Lost | undefined;
  #failures = 0;
  /** Who waits to try again. */
  readonly #waiting = new Set<() => void>();

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Since when there is no answer; undefined: there is. */
  get lost(): Lost | undefined {
    return this.#lost;
  }

  tryNow(): void {
    for (const go of [...this.#waiting]) go();
  }

  /** An answer came. */
  up(): void {
    this.#failures = 0;
    if (this.#lost === undefined) return;
    this.#lost = undefined;
    this.#changed();
    this.tryNow();
  }

  /**
   * Does it again and again, as long as `over` does not say so: so many milliseconds after the last time as `once` returns, and later
   * and later where the server does not answer. `undefined`: that was it.
   *
   * @throws {Refused} what the server refused, except that there is no room now
   */
  async repeat(over: AbortSignal, once: () => Promise<number | undefined>): Promise<void> {
    while (!over.aborted) {
      const ms = await once().catch((fault: unknown) => this.#failed(fault, over));
      if (ms === undefined) return;
      await this.#wait(ms, over);
    }
  }

  #failed(fault: unknown, over: AbortSignal): number | undefined {
    if (over.aborted) return undefined;
    if (fault instanceof Refused && fault.status === 503) return waitsMs[3];
    if (!(fault instanceof Unreachable)) throw fault;
    // Several who ask fail for one and the same reason.
    const known = this.#lost !== undefined && this.#lost.nextTryAt > Date.now();
    if (!known) this.#failures += 1;
    const ms = known ? this.#lost!.nextTryAt - Date.now() : waitsMs[Math.min(this.#failures, waitsMs.length) - 1]!;
    this.#lost = { since: this.#lost?.since ?? Date.now(), nextTryAt: Date.now() + ms };
    this.#changed();
    return ms;
  }

  /** A page that nobody sees asks for nothing. */
  async #wait(ms: number, over: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const go = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(go);
        resolve();
      };
      const timer = setTimeout(go, ms);
      this.#waiting.add(go);
      over.addEventListener("abort", go, { once: true });
    });
    while (document.hidden && !over.aborted) await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
  }
}
