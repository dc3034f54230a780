import type { Clock } from "../clock.ts";

export interface SourceBudgetOptions {
  readonly clock: Clock;
  readonly messagesPerSecond: number;
  /** Messages that a source may send at once. */
  readonly burst: number;
  /** Sources remembered; the oldest is forgotten for a new one and then starts afresh. */
  readonly maxSources: number;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

/** How many messages each source address may still send: a token bucket a source. */
export class SourceBudget {
  readonly #options: SourceBudgetOptions;
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: SourceBudgetOptions) {
    this.#options = options;
  }

  /** Takes what a source has sent, into debt if need be; answers how many milliseconds it has to be quiet now. */
  take(source: string, messages: number): number {
    const { messagesPerSecond } = this.#options;
    const bucket = this.#filled(source);
    if (bucket.tokens >= 0) bucket.tokens -= messages;
    return bucket.tokens >= 0 ? 0 : Math.ceil((-bucket.tokens * 1000) / messagesPerSecond);
  }

  #filled(source: string): Bucket {
    const { clock, messagesPerSecond, burst, maxSources } = this.#options;
    const now = clock.now();
    const bucket = this.#buckets.get(source);
    if (bucket === undefined) {
      for (const oldest of this.#buckets.keys()) {
        if (this.#buckets.size < maxSources) break;
        this.#buckets.delete(oldest);
      }
      const fresh = { tokens: burst, filledAt: now };
      this.#buckets.set(source, fresh);
      return fresh;
    }
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.filledAt) * messagesPerSecond) / 1000);
    bucket.filledAt = now;
    return bucket;
  }
}
