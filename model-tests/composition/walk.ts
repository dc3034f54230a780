/** Walks at random where the states are too many to look at all: the seed says where, and nothing is claimed of what was not met. */
import { randomFrom } from "../walks.ts";
import type { Finding } from "./checker.ts";
import { Composition, faultText, kindOf, type Scenario } from "./composition.ts";
import { deadlock, neverOver, possibleIn, shortened, type Possible } from "./replay.ts";

export interface Walks {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly walks: number;
  readonly steps: number;
  readonly seconds: number;
  /** The first thing that must not be, with its moves cut short. */
  readonly finding: Finding | undefined;
}

/** What would end most walks early, or needs patience, is left aside most of the time. */
const rare: ReadonlySet<string> = new Set(["operator", "expires", "loses", "repeats", "timesOut", "asksInVain"]);

/** After the walk the server stops and users do nothing but hang up: so many moves later at most, everything is over. */
const movesToTheEnd = 2_000;

/** Each walk takes `length` steps at random, and then goes to where everything is over. */
export function walkAtRandom(scenario: Scenario, { seed, walks, length }: { readonly seed: number; readonly walks: number; readonly length: number }): Walks {
  const began = performance.now();
  const below = randomFrom(seed);
  let steps = 0;
  for (let walk = 1; walk <= walks; walk++) {
    const one = new Walk(scenario, below);
    const says = one.atRandom(length) ?? one.toTheEnd();
    steps += one.moves.length;
    if (says === undefined) continue;
    const finding = { what: `${says} (seed ${seed}, walk ${walk})`, moves: shortened(scenario, one.moves, says), state: one.composition.told(one.state) };
    return { scenario, seed, walks: walk, steps, seconds: (performance.now() - began) / 1000, finding };
  }
  return { scenario, seed, walks, steps, seconds: (performance.now() - began) / 1000, finding: undefined };
}

class Walk {
  readonly composition: Composition;
  readonly moves: string[] = [];
  state: Int32Array;
  readonly #below: (bound: number) => number;

  constructor(scenario: Scenario, below: (bound: number) => number) {
    this.composition = new Composition(scenario);
    this.state = this.composition.initial;
    this.#below = below;
  }

  /** What must not be, if it was met. */
  atRandom(length: number): string | undefined {
    while (this.moves.length < length) {
      const possible = this.#possible();
      if (possible.length === 0) return this.composition.isOver(this.state) ? undefined : deadlock;
      const common = possible.filter(({ move }) => !rare.has(kindOf(move)));
      const wrong = this.#go(common.length > 0 && this.#below(20) > 0 ? common : possible);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }

  /** Everything arrives, the server stops, and nobody does anything but hang up. */
  toTheEnd(): string | undefined {
    for (let left = movesToTheEnd; left > 0; left--) {
      if (this.composition.isOver(this.state)) return undefined;
      const possible = this.#possible();
      const of = (...kinds: readonly string[]) => possible.filter(({ move }) => kinds.includes(kindOf(move)));
      const hangUps = of("acts").filter(({ move }) => / ?: (leave|drop)$/.test(this.composition.describe(this.state, move)));
      const choices = [of("hears", "readsMsrp", "arrives", "arrivesMsrp"), of("operator"), [...of("expires", "timesOut", "asksInVain"), ...hangUps]].find((some) => some.length > 0);
      if (choices === undefined) return deadlock;
      const wrong = this.#go(choices);
      if (wrong !== undefined) return wrong;
    }
    return neverOver;
  }

  #possible(): Possible[] {
    return possibleIn(this.composition, this.state).filter(({ to, fault }) => to !== undefined || !fault?.isBound);
  }

  #go(choices: readonly Possible[]): string | undefined {
    const { move, to, fault } = choices[this.#below(choices.length)]!;
    this.moves.push(this.composition.describe(this.state, move));
    if (fault !== undefined && !fault.isBound) return faultText(fault);
    this.state = to!;
    const wrong = this.composition.faultIn(this.state);
    return wrong && faultText(wrong);
  }
}
