/** Walks at random where the states are too many to look at all: the seed says where, and nothing is claimed of what was not met. */
import { randomFrom } from "../walks.ts";
import type { Finding } from "./checker.ts";
import { Composition, faultText, kindOf, type Scenario } from "./composition.ts";
import { deadlock, possibleIn, shortened } from "./replay.ts";

export interface Walks {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly walks: number;
  readonly steps: number;
  /** Walks that came to where everything is over. */
  readonly ended: number;
  readonly seconds: number;
  /** The first thing that must not be, with its moves cut short. */
  readonly finding: Finding | undefined;
}

/** What would end most walks early, or needs patience, is left aside most of the time. */
const rare: ReadonlySet<string> = new Set(["operator", "expires", "loses", "repeats", "timesOut", "asksInVain"]);

/** Each walk goes on until everything is over, or has `length` steps. */
export function walkAtRandom(scenario: Scenario, { seed, walks, length }: { readonly seed: number; readonly walks: number; readonly length: number }): Walks {
  const began = performance.now();
  const below = randomFrom(seed);
  let [steps, ended] = [0, 0];
  let finding: Finding | undefined;
  for (let walk = 0; walk < walks && finding === undefined; walk++) {
    const composition = new Composition(scenario);
    let state: Int32Array = composition.initial;
    const moves: string[] = [];
    const found = (says: string) => {
      finding = { what: `${says} (seed ${seed}, walk ${walk + 1})`, moves: shortened(scenario, moves, says), state: composition.told(state) };
    };
    while (moves.length < length && finding === undefined) {
      const wrong = composition.faultIn(state);
      if (wrong !== undefined) {
        found(faultText(wrong));
        break;
      }
      const possible = possibleIn(composition, state).filter(({ to, fault }) => to !== undefined || !fault?.isBound);
      const isOver = composition.isOver(state) && moves.length > 0;
      if (isOver) ended += 1;
      if (possible.length === 0 && !isOver) found(deadlock);
      if (possible.length === 0 || isOver) break;
      const common = possible.filter(({ move }) => !rare.has(kindOf(move)));
      const from = common.length > 0 && below(20) > 0 ? common : possible;
      const { move, to, fault } = from[below(from.length)]!;
      moves.push(composition.describe(state, move));
      steps += 1;
      if (fault !== undefined && !fault.isBound) found(faultText(fault));
      if (to === undefined) break;
      state = to;
    }
  }
  return { scenario, seed, walks, steps, ended, seconds: (performance.now() - began) / 1000, finding };
}
