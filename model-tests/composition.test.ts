/**
 * The Controlling Function and everybody it talks to: every state and every move of small companies, and walks through large ones.
 *
 * The counts are asserted exactly, so that a change of any machine shows. What must not be is shown as a ladder.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { check } from "./composition/checker.ts";
import { Composition, type Scenario } from "./composition/composition.ts";
import { Rows } from "./composition/interning.ts";
import { deadlock, ladder, possibleIn, replay, type Recording } from "./composition/replay.ts";
import { everythingOf, scenarios, type Explored } from "./composition/scenarios.ts";
import { seededFaults, type SeededFault } from "./composition/seeded-faults.ts";
import { tolerations } from "./composition/tolerations.ts";
import { walkAtRandom } from "./composition/walk.ts";
import { expectExplored, exploreMs } from "./composition/expected.ts";

const few = [...scenarios.values()].filter(({ isLarge, isOfMany }) => !isLarge && !isOfMany);

describe("every state and every move of", () => {
  for (const scenario of few) test(scenario.name, { timeout: exploreMs }, () => expectExplored(scenario));

  test("them all: what a machine may refuse or leave unanswered is met somewhere", { timeout: 4 * exploreMs }, () => {
    const met = new Set(few.flatMap((scenario) => [...expectExplored(scenario).tolerated]));
    expect(tolerations.map(({ because }) => because).filter((because) => !met.has(because))).toEqual([]);
  });
});

describe("folding: users who are alike change places and nothing else changes, so the states without folding are those with it", () => {
  const whole: { readonly [scenario: string]: readonly [states: number, moves: number] } = {
    "a chat of three": [163_688, 723_526],
    "a file to two: the sender is answered allAnswered": [166_073, 764_658],
  };
  for (const [name, counts] of Object.entries(whole)) {
    test(name, { timeout: exploreMs }, () => {
      let folded: Rows | undefined;
      const { states, edges } = check(scenarios.get(name)!, {
        fold: false,
        onState: (state, composition) => {
          const row = state.slice();
          composition.canonicalise(row);
          (folded ??= new Rows(composition.width)).indexOf(row);
        },
      });
      expect({ counts: [states, edges], folded: folded!.size }).toEqual({ counts, folded: expectExplored(scenarios.get(name)!).states });
    });
  }
});

/** Where a seeded fault shows first. */
const whereItShows: { readonly [F in SeededFault]: { readonly scenario: string; readonly finds: string } } = {
  "a 2xx that crosses our CANCEL is not seen": { scenario: "a chat of two", finds: "unspecified reception: leg 1.0, withdrawing, gets sip.accepted [RFC 3261 §12.2.2]" },
  "a BYE that crosses ours is not answered": { scenario: "a chat of two", finds: "unspecified reception: leg 0.0, releasing, gets sip.BYE [RFC 3261 §12.2.2]" },
  "a 603 that crosses our CANCEL is taken for any answer": {
    scenario: "a chat of two, long-lived: who comes back",
    finds: "603 is the user's refusal, also when it crosses our CANCEL: who said it is no member any more, unless it is there on another device [RFC 3261 §21.6.2]",
  },
  "a group that closes does not see that a dialog was released": { scenario: "a chat of two", finds: "the group counts the dialogs that there are [RFC 4579 §5]" },
  "a message goes to everybody": { scenario: "a chat of two with a message", finds: "a sender never gets its own message [RFC 7701 §6.1]" },
  "a sender that cancels is not heard": { scenario: "a file to one", finds: deadlock },
};

const broken = (fault: SeededFault, scenario: string): Explored => ({ ...scenarios.get(scenario)!, replaced: seededFaults[fault] });

describe("a fault that is put in is found:", () => {
  for (const [fault, { scenario, finds: says }] of Object.entries(whereItShows) as [SeededFault, (typeof whereItShows)[SeededFault]][]) {
    test(fault, { timeout: exploreMs }, () => {
      const { findings } = check(broken(fault, scenario), { stopAtFirst: true });
      expect(findings[0]?.what).toBe(says);
    });
  }
});

describe("kept counterexamples", () => {
  const directory = new URL("composition/replays/", import.meta.url);
  for (const file of readdirSync(directory).sort()) {
    const { scenario: name, fault, finds: says, moves } = JSON.parse(readFileSync(new URL(file, directory), "utf8")) as Recording;
    const whole = scenarios.get(name)!;

    test.skipIf(fault === undefined)(`${file}: with the fault it is found again`, () => {
      const scenario = broken(fault as SeededFault, name);
      expect(replay(scenario, moves).faults.map((met) => met.says), ladder(scenario, moves)).toContain(says);
    });

    test(`${file}: the machines as they are go the same way as far as they can, nothing is wrong on it, and from there to the end`, () => {
      const { composition, states, faults } = replay(whole, moves, { asFarAsPossible: true });
      expect(faults, ladder(whole, moves)).toEqual([]);
      expect(endsFrom(composition, states.at(-1)!)).toBe(true);
    });
  }
});

/** Whether the end can be reached from a state. */
function endsFrom(composition: Composition, from: Int32Array): boolean {
  const rows = new Rows(composition.width);
  rows.indexOf(from);
  const state = new Int32Array(composition.width);
  for (let at = 0; at < rows.size; at++) {
    rows.read(at, state);
    if (composition.isOver(state)) return true;
    for (const { to } of possibleIn(composition, state)) if (to !== undefined) rows.indexOf(to);
  }
  return false;
}

describe("walks at random through what is too large to be looked at", () => {
  const seed = Number(process.env["CPM_TEST_SEED"] ?? 1);
  const walk = (scenario: Scenario) => {
    const { finding, ...walked } = walkAtRandom(scenario, { seed, walks: 60, length: 400 });
    console.log(`${scenario.name}: ${walked.walks} walks, ${walked.steps} steps, each walk to the end, seed ${seed}, ${(walked.steps / walked.seconds).toFixed(0)} steps/s`);
    expect(finding && `${finding.what}\n${ladder(scenario, finding.moves)}`).toBeUndefined();
    return walked;
  };

  test("eight participants and a file", { timeout: exploreMs }, () => {
    expect(walk(everythingOf(8, [])).steps).toBeGreaterThan(10_000);
  });

  test("eight participants and a file on a bad network", { timeout: exploreMs }, () => {
    expect(walk(everythingOf(8, ["loss", "duplication", "overtaking"])).steps).toBeGreaterThan(10_000);
  });
});
