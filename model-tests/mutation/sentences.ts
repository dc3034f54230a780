/** Which mutants the sentences of `invariants.ts` would find without a tour: those that break one on the way of their own. */
import type { Edge } from "../explore.ts";
import type { Sentence } from "../invariants.ts";
import type { Mutant } from "./mutants.ts";
import type { Territory } from "./territory.ts";
import { Twin, type Whereabouts } from "./twin.ts";

/** A mutant may count without end: so many snapshots of its own are looked into, those first that are nearest. */
const mostOwn = 200;

/**
 * Whether a mutant breaks a sentence, or throws. The territory has been explored.
 *
 * Where it goes with its original, that has kept them all. It is looked for where the original came by its shortest way and the
 * mutant comes by the same, and from there on, but not far: so some that break a sentence are not found.
 */
export function breaks(territory: Territory, mutant: Mutant, sentences: readonly Sentence[]): boolean {
  let isBroken = false;
  const watch = (edge: Edge) => (isBroken ||= !sentences.every((sentence) => keeps(sentence, edge)));
  const twin = new Twin(territory, mutant, watch);
  const own = new Set<Whereabouts>();
  /** By place, whether the mutant comes there too. */
  const comes: boolean[] = [];

  for (const [number, input] of territory.inputs.entries()) {
    const { to } = twin.start(input);
    if (twin.hasThrown(to) || !sentences.every(({ inPlace }) => inPlace?.(twin.at(to)) ?? true)) return true;
    if (twin.isOwn(to)) own.add(to);
    else comes[to] = true;
    if (to !== territory.initial[number]!.to) comes[territory.initial[number]!.to] ??= false;
  }
  const breaksIn = (from: Whereabouts, event: number): boolean => {
    const { to } = twin.step(from, event);
    if (twin.isOwn(to)) own.add(to);
    return isBroken || twin.hasThrown(to);
  };

  for (let place = 0; place < territory.places.length; place++) {
    const before = territory.discovery(place);
    comes[place] ??= before !== undefined && comes[before.from]! && twin.step(before.from, before.event).to === place;
    if (!comes[place]) continue;
    for (let event = 0; event < territory.events.length; event++) {
      if (territory.knows(place, event) && twin.touches(territory.touches(place, event)) && breaksIn(place, event)) return true;
    }
  }
  let looked = 0;
  for (const from of own) {
    if (looked++ === mostOwn) return false;
    for (const event of twin.eventsIn(from)) if (breaksIn(from, event)) return true;
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
