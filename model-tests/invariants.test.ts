/**
 * Every sentence of `invariants.ts`, in every snapshot of every machine that can be reached, and on every event there.
 *
 * A sentence that does not hold shows the shortest way to where it fails.
 */
import type { AnyEventObject, AnyMachineSnapshot } from "xstate";
import { beforeAll, describe, expect, test } from "vitest";
import type { MachineName } from "../machines/index.ts";
import { worlds } from "../machines/worlds.ts";
import { explore, keyOf, told, type Edge } from "./explore.ts";
import { invariants, ofEveryMachine, type Sentence } from "./invariants.ts";

const exploreMs = 240_000;

for (const name of Object.keys(invariants) as MachineName[]) {
  const { sentences, possible } = invariants[name];
  const all = [...ofEveryMachine, ...sentences];

  describe(name, () => {
    /** The first place where a sentence fails: the walk is breadth first, so it is the nearest. */
    const counterexamples = new Map<Sentence, string>();
    const endless: string[] = [];

    beforeAll(() => {
      for (const input of worlds[name].inputs) {
        const failures = new Map<Sentence, Edge>();
        const ways = new WaysBack();
        const territory = explore(name, input, (edge) => {
          ways.visit(edge);
          for (const sentence of all) if (!failures.has(sentence) && !holds(sentence, edge)) failures.set(sentence, edge);
        }, possible);

        const at = (snapshot: AnyMachineSnapshot, ...more: AnyEventObject[]) => `${JSON.stringify(input)}: ${told([...territory.way(snapshot), ...more])}`;
        for (const [sentence, { from, event, step }] of failures) {
          if (counterexamples.has(sentence)) continue;
          counterexamples.set(sentence, [at(from, event), `in ${keyOf(from)}`, `asks ${JSON.stringify(step.effects)}`, `and is in ${keyOf(step.snapshot)}`].join("\n  "));
        }
        const over = [...territory.places].filter(([, { status }]) => status === "done").map(([key]) => key);
        const ending = ways.from(over);
        endless.push(...[...territory.places].filter(([key]) => !ending.has(key)).slice(0, 1).map(([, snapshot]) => at(snapshot)));
      }
    }, exploreMs);

    for (const sentence of all) {
      test(`${sentence.says} [${sentence.beside}]`, () => {
        expect(counterexamples.get(sentence) ?? "holds").toBe("holds");
      });
    }

    test("whatever has happened, the end can still be reached", () => {
      expect(endless).toEqual([]);
    });
  });
}

const holds = ({ onEdge, inPlace }: Sentence, edge: Edge) => (onEdge?.(edge) ?? true) && (inPlace?.(edge.step.snapshot) ?? true);

/** Where one can have come from. */
class WaysBack {
  readonly #before = new Map<string, Set<string>>();
  #from: { readonly snapshot: AnyMachineSnapshot; readonly key: string } | undefined;

  visit({ from, step }: Edge): void {
    if (step.snapshot === from) return;
    if (this.#from?.snapshot !== from) this.#from = { snapshot: from, key: keyOf(from) };
    const to = keyOf(step.snapshot);
    const before = this.#before.get(to) ?? new Set();
    this.#before.set(to, before.add(this.#from.key));
  }

  /** Everything from where one of `ends` can be reached. */
  from(ends: readonly string[]): ReadonlySet<string> {
    const found = new Set(ends);
    for (const end of found) for (const before of this.#before.get(end) ?? []) found.add(before);
    return found;
  }
}
