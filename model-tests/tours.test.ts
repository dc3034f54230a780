/**
 * The recommended tours of every machine, and seeded random walks, with the live driver: the timers are armed, expire and are
 * stopped as in a server, and what the driver remembers of earlier steps is used as in a server.
 *
 * A tour that fails is cut to the fewest events that fail, printed and saved (see `replay.ts`). `CPM_TEST_SEED` gives other walks.
 */
import { describe, expect, test } from "vitest";
import { machines, type MachineName } from "../machines/index.ts";
import { worlds } from "../machines/worlds.ts";
import { failureOf, replays, tourOfReplay } from "./replay.ts";
import { driverSubject, run } from "./subject.ts";
import { inputOf, toursOf, type Tour } from "./tours.ts";

const seed = Number(process.env["CPM_TEST_SEED"] ?? 5);
const stepsOfAWalk = 600;

function walk(tour: Tour, more = ""): void {
  const begin = driverSubject(tour.name);
  if (run(tour, begin) !== undefined) expect.fail(`${more}${failureOf(tour, begin)}`);
}

/** How an input differs from the first of its world. */
function told(name: MachineName, input: number): string {
  const [first, given] = [worlds[name].inputs[0] ?? {}, worlds[name].inputs[input] ?? {}] as [Record<string, unknown>, Record<string, unknown>];
  const differences = Object.entries(given).filter(([policy, value]) => first[policy] !== value);
  return differences.length === 0 ? "" : ` with ${differences.map(([policy, value]) => `${policy}=${String(value)}`).join(" ")}`;
}

describe.each(Object.keys(machines) as MachineName[])("%s", (name) => {
  const tours = toursOf(name);

  for (const tour of tours) {
    test(`${tour.id}${told(name, inputOf(tour))}: ${tour.steps.length} steps`, () => walk(tour));
  }

  const walks = toursOf(name, "random", { seed, budget: stepsOfAWalk });
  test.each([...worlds[name].inputs.keys()])(`${stepsOfAWalk} random steps through input %i, seed ${seed}`, (input) => {
    for (const tour of walks.filter((each) => inputOf(each) === input)) walk(tour, `seed ${seed}\n`);
  });
});

describe("replays", () => {
  test.each(replays())("$file: $replay.says", ({ file, replay }) => walk(tourOfReplay(file, replay)));
});
