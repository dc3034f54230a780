/** Which mutants the sentences of `invariants.ts` would find without a tour: those that break one on the way of their own. */
import type { Edge } from "../explore.ts";
import type { Sentence } from "../invariants.ts";
import type { Mutant } from "./mutants.ts";
import type { Territory } from "./territory.ts";
import { Twin, type Whereabouts } from "./twin.ts";

/** A mutant may count without end: after so many snapshots of its own it is given up, and counts as one that keeps every sentence. */
const mostOwn = 5_000;

/** Whether a mutant that walks its world breaks a sentence, or throws. Where it goes with its original, that has kept them all. The territory has been explored. */
export function breaks(territory: Territory, mutant: Mutant, sentences: readonly Sentence[]): boolean {
  let isBroken = false;
  const watch = (edge: Edge) => (isBroken ||= !sentences.every((sentence) => keeps(sentence, edge)));
  const twin = new Twin(territory, mutant, watch);
  const seen = new Set<Whereabouts>();
  const queue: Whereabouts[] = [];
  const go = (to: Whereabouts) => {
    if (seen.has(to)) return;
    seen.add(to);
    queue.push(to);
  };

  for (const input of territory.inputs) {
    const { to } = twin.start(input);
    if (twin.hasThrown(to)) return true;
    const snapshot = twin.at(to);
    if (!sentences.every(({ inPlace }) => inPlace?.(snapshot) ?? true)) return true;
    go(to);
  }
  let own = 0;
  for (const from of queue) {
    if (twin.isOwn(from) && ++own > mostOwn) return false;
    for (const event of twin.eventsIn(from)) {
      const { to } = twin.step(from, event);
      if (isBroken || twin.hasThrown(to)) return true;
      go(to);
    }
  }
  return false;
}

function keeps({ onEdge, inPlace }: Sentence, edge: Edge): boolean {
  try {
    return (onEdge?.(edge) ?? true) && (inPlace?.(edge.step.snapshot) ?? true);
  } catch {
    // A sentence that cannot be read where the mutant went does not hold there.
    return false;
  }
}
