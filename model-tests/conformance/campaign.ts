/** Plays tours against one server, many at a time, each in bounded time, and all of them before a deadline. */
import type { TourVerdict, Verdict } from "../roleplay/verdict.ts";

/** What of a tour is known before it is played. */
export interface Planned {
  readonly id: string;
  readonly title: string;
  readonly features: readonly string[];
}

export interface Campaign<Tour extends Planned> {
  readonly tours: readonly Tour[];
  readonly play: (tour: Tour) => Promise<TourVerdict>;
  /** Tours at a time. */
  readonly parallel: number;
  /** No tour is waited for longer. */
  readonly tourMs: number;
  /** What is not over then is left as it is. */
  readonly deadlineMs: number;
  /** Tours that may end without one pass; 0: any number. */
  readonly giveUpAfter: number;
  /** Stops the campaign: an operator's impatience. */
  readonly interrupted?: Promise<unknown>;
  readonly onVerdict: (verdict: TourVerdict) => void;
}

export interface Outcome {
  /** In the order of the tours. */
  readonly verdicts: readonly TourVerdict[];
  /** Why tours were not played, if there are such. */
  readonly stopped: string | undefined;
}

export const counted = (verdicts: readonly { readonly verdict: Verdict }[], verdict: Verdict): number => verdicts.filter((one) => one.verdict === verdict).length;

/** Never rejects, and never takes longer than its deadline. */
export async function playAll<Tour extends Planned>({ tours, play, parallel, tourMs, deadlineMs, giveUpAfter, interrupted, onVerdict }: Campaign<Tour>): Promise<Outcome> {
  const verdicts = new Map<Tour, TourVerdict>();
  const waiting = tours.values();
  let stopped: string | undefined;
  let stop = (_: string): void => {};
  const over = new Promise<void>((resolve) => (stop = (why) => {
    stopped ??= why;
    resolve();
  }));
  const deadline = setTimeout(() => stop(`the deadline of ${deadlineMs / 1000} s has passed`), deadlineMs);
  void interrupted?.then(() => stop("interrupted"));

  const settle = (tour: Tour, verdict: TourVerdict): void => {
    verdicts.set(tour, verdict);
    onVerdict(verdict);
    const ended = [...verdicts.values()];
    if (giveUpAfter > 0 && ended.length >= giveUpAfter && ended.length < tours.length && counted(ended, "pass") === 0)
      stop(`none of the first ${ended.length} tours passed: this looks like no Controlling Function, or not like the one that the PICS describes`);
  };

  const run = async (): Promise<void> => {
    for (const tour of waiting) {
      if (stopped !== undefined) return;
      const verdict = await Promise.race([bounded(tour, play, tourMs), over]);
      if (stopped === undefined && verdict) settle(tour, verdict);
      else if (verdict) verdicts.set(tour, verdict);
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, tours.length) }, run));
  clearTimeout(deadline);
  return { verdicts: tours.map((tour) => verdicts.get(tour) ?? without(tour, `not played to its end: ${stopped}`)), stopped };
}

/** A tour that says nothing in time, or breaks, decides nothing about the server. */
async function bounded<Tour extends Planned>(tour: Tour, play: (tour: Tour) => Promise<TourVerdict>, ms: number): Promise<TourVerdict> {
  let late: NodeJS.Timeout | undefined;
  const tooLate = new Promise<TourVerdict>((resolve) => (late = setTimeout(() => resolve(without(tour, `the tour was not over after ${ms} ms`)), ms)));
  try {
    return await Promise.race([play(tour), tooLate]);
  } catch (fault) {
    return without(tour, `the tester broke: ${(fault as Error).stack ?? String(fault)}`);
  } finally {
    clearTimeout(late);
  }
}

const without = ({ id, title, features }: Planned, why: string): TourVerdict => ({ id, title, features, verdict: "inconclusive", why, steps: [], ladder: [], ms: 0 });
