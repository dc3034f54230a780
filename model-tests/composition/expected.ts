/** How many states and moves every scenario has: a change of a machine, of a client or of the bounds shows here. */
import { expect } from "vitest";
import { check } from "./checker.ts";
import { rowOf, toldRow } from "./evidence.ts";
import { keep, ladder } from "./replay.ts";
import type { Explored } from "./scenarios.ts";

/** Of one scenario, when other things want the processors too. */
export const exploreMs = 120_000;

/** States, moves, and states in which everything is over. */
const expected: { readonly [scenario: string]: readonly [states: number, moves: number, ends: number] } = {
  "a chat of four": [921_167, 5_235_287, 103],
  "a file to three": [1_250_247, 7_328_048, 2],
  "a chat of two and a file": [1_161_195, 6_067_362, 40],
  "a chat of two": [2_410, 7_282, 16],
  "a chat of two with a message": [14_580, 55_683, 13],
  "a chat of three": [83_090, 367_443, 58],
  "a chat of two: every refusal, CANCEL and lost connections": [74_590, 343_566, 16],
  "a chat of two: re-INVITE from both sides": [570_344, 2_820_375, 14],
  "a chat of two, long-lived: messages, silence, and who is away is called again": [189_607, 902_412, 51],
  "a chat of two, long-lived: who comes back": [357_982, 1_755_600, 50],
  "a chat of three with messages": [493_945, 2_723_619, 23],
  "a group of two that adds and removes": [782_400, 3_382_291, 260],
  "a closed group of two that adds and removes": [29_499, 99_644, 50],
  "a chat of two: two messages are lost": [27_124, 100_479, 47],
  "a chat of two: two messages come twice": [43_330, 147_236, 46],
  "a chat of two: two messages overtake others": [10_847, 34_236, 46],
  "a chat of two: one message is lost, overtakes or comes twice, while sessions are refreshed": [560_390, 2_500_461, 28],
  "a chat of two: timers shorter than a message is under way": [26_933, 112_414, 16],
  "a file to two: the sender is answered early": [704_640, 4_002_055, 2],
  "a file to two: the sender is answered firstAccept": [257_161, 1_319_704, 2],
  "a file to two: the sender is answered allAnswered": [84_502, 389_194, 2],
  "a file to two: who does not indicate the types, exclude": [59_864, 289_507, 2],
  "a file to two: who does not indicate the types, sendAnyway": [50_910, 247_431, 2],
  "a file to two: who does not indicate the types, sendUnwrapped": [50_910, 247_431, 2],
  "a file to two: who does not indicate the types, rejectAll": [76_974, 377_723, 2],
  "a file to one": [2_931, 9_392, 2],
  "a file to one: whatever its two ends do, and the server stops": [474_971, 2_534_060, 2],
  "a file to one: re-INVITE from both sides": [226_928, 1_142_562, 2],
  "a file to one: two messages are lost": [111_548, 515_260, 4],
  "a file to one: two messages overtake others": [13_926, 50_687, 4],
  "a file to one: timers shorter than a message is under way": [5_623, 20_576, 2],
  "a file where files are not supported": [8, 10, 2],
};

interface Met {
  readonly states: number;
  /** Why arrivals were refused or left unanswered, where that is allowed. */
  readonly tolerated: ReadonlySet<string>;
}
const known = new Map<string, Met>();

/** Explores the scenario, once a process: nothing must be found, and the counts must be those above. */
export function expectExplored(scenario: Explored): Met {
  const before = known.get(scenario.name);
  if (before !== undefined) return before;
  const explored = check(scenario);
  const { states, edges, ends, findings, composition } = explored;
  console.log(toldRow(rowOf(scenario, explored)));
  const told = findings.map(({ what, moves }) => `${what}\n${ladder(scenario, moves)}\nkept in ${keep({ scenario: scenario.name, finds: what, moves })}; in composition/replays it is a test`);
  expect(told).toEqual([]);
  expect([states, edges, ends]).toEqual(expected[scenario.name]);
  const met = { states, tolerated: composition.tolerated };
  known.set(scenario.name, met);
  return met;
}
