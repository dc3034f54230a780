/**
 * A second engine, which knows nothing of this project: Spin explores the same compositions, counts the same states and moves, and
 * asserts the same things. No partial-order reduction, no claim, and no symmetry on either side.
 */
import { expect, test } from "vitest";
import { check } from "./composition/checker.ts";
import { exploreMs } from "./composition/expected.ts";
import { isSpinInstalled, promelaOf, runSpin } from "./composition/promela.ts";
import { scenarios, type Explored } from "./composition/scenarios.ts";
import { seededFaults, type SeededFault } from "./composition/seeded-faults.ts";

const named = (name: string): Explored => scenarios.get(name)!;

if (!isSpinInstalled()) {
  test("Spin is there", (context) => {
    console.log("not run: spin needs spin and gcc");
    if (process.env["CPM_TEST_ALL"] === "1") throw new Error("spin or gcc is missing");
    context.skip();
  });
} else {
  for (const name of ["a chat of two", "a chat of two: every refusal, CANCEL and lost connections", "a chat of two, long-lived: who comes back", "a closed group of two that adds and removes", "a chat of three", "a file to two: the sender is answered firstAccept"]) {
    test(`${name}: as many states and as many moves, and nothing wrong in any of them`, { timeout: exploreMs }, () => {
      const ours = check(named(name), { fold: false });
      const theirs = runSpin(promelaOf(ours));
      console.log(`${name}: ${ours.states} states, ${ours.edges} moves; ours in ${ours.seconds.toFixed(1)} s, Spin's in ${theirs.seconds.toFixed(1)} s with its compilation`);
      // What pan calls transitions is stored + matched: it counts the state in which it begins, to which no move led.
      expect({ states: theirs.states, moves: theirs.transitions - 1, errors: theirs.errors }, theirs.output).toEqual({ states: ours.states, moves: ours.edges, errors: 0 });
      expect(ours.findings).toEqual([]);
    });
  }

  for (const name of ["a chat of two", "a file to one"]) {
    test(`${name}: whatever has begun is over one day, if everybody who can go on gets its turn`, { timeout: exploreMs }, () => {
      const run = runSpin(promelaOf(check(named(name), { fold: false })), { liveness: true });
      expect(run.errors, run.output).toBe(0);
    });
  }

  test("a chat of two whose group nobody ends, and which nobody leaves, is not over one day", { timeout: exploreMs }, () => {
    const chat = named("a chat of two");
    const stays: Explored = { ...chat, operator: [], timers: [], dialogs: chat.dialogs.map((dialog) => ({ ...dialog, acts: dialog.acts.filter((act) => act === "create" || act === "accept") })) };
    const run = runSpin(promelaOf(check(stays, { fold: false })), { liveness: true });
    expect(run.error, run.output).toMatch(/^acceptance cycle/);
  });

  const faults: readonly (readonly [SeededFault, string])[] = [
    ["a 2xx that crosses our CANCEL is not seen", "a chat of two"],
    ["a message goes to everybody", "a chat of two with a message"],
    ["a sender that cancels is not heard", "a file to one"],
  ];
  for (const [fault, name] of faults) {
    test(`a fault that is put in is found by both: ${fault}`, { timeout: exploreMs }, () => {
      const ours = check({ ...named(name), replaced: seededFaults[fault] }, { fold: false });
      const theirs = runSpin(promelaOf(ours));
      expect(ours.findings.length).toBeGreaterThan(0);
      expect(theirs.errors, theirs.output).toBe(1);
      expect(theirs.error).toMatch(/^assertion violated/);
    });
  }
}
