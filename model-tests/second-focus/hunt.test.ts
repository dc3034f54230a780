/**
 * What the recommended tours are worth: they agree with a second focus that was written without sight of the machines, and find
 * the forty faults that were planted in it before any of them was walked.
 *
 * Where the two did not agree at first is in `disagreements.md`, with what settled it.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeStep, toursOf } from "../tours.ts";
import { disagreementIn, firstDisagreement, subjects, type Disagreement } from "./differ.ts";
import { faults } from "./faults.ts";

const toursMs = 300_000;
const told: string[] = [];
const found = new Map<number, Disagreement>();

beforeAll(() => {
  for (const subject of subjects) toursOf(subject);
}, toursMs);
afterAll(() => console.log([`planted faults: ${found.size} of ${faults.length} found, and where`, ...told].join("\n")));

const parted = ({ tour, at, machine, second }: Disagreement) => `${tour.id}, step ${at}: ${describeStep(tour, at)}\nmachine: ${machine.join()}\nsecond focus: ${second.join()}`;

describe("the faultless second focus agrees with every recommended tour", () => {
  test.each(subjects)("%s", (subject) => {
    expect(toursOf(subject).length).toBeGreaterThan(0);
    const apart = toursOf(subject).flatMap((tour) => disagreementIn(tour) ?? []);
    expect(apart.slice(0, 3).map(parted)).toEqual([]);
  });
});

describe("the recommended tours find a planted fault", () => {
  test.each(faults)("$number $machine, $category: $says", ({ number, machine }) => {
    const apart = firstDisagreement(machine, number);
    expect(apart).toBeDefined();
    found.set(number, apart!);
    told.push(`${String(number).padStart(2)}  ${apart!.tour.id}, step ${apart!.at}: ${describeStep(apart!.tour, apart!.at)}`);
  });

  test("and at least 38 of the 40", () => {
    expect(faults.filter(({ number }) => found.has(number)).length).toBeGreaterThanOrEqual(38);
  });
});
