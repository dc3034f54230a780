/** What a page of the site knows: the review, and what every event of a world led to. Types alone. */
import type { Review } from "../review/review-shape.ts";

export interface Site {
  readonly review: Review;
  readonly cases: { readonly [machine: string]: readonly Case[] };
}

/** With this input, this event took these rules somewhere; without rules, nobody took it. */
export interface Case {
  /** Index into the machine's `inputs`. */
  readonly input: number;
  /** Index into its `events`. */
  readonly event: number;
  readonly rules: readonly number[];
}
