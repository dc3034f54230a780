/**
 * Whether the recommended tours are worth anything: every first-order mutant of every machine is killed by one of them, or is
 * one that they may miss.
 *
 * What no tour can tell is a list that was read by somebody, `mutation/equivalent.json`: with why nobody can tell, or nobody but
 * who has a clock. A mutant that is new there fails the test until it is written down.
 */
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { machines, type MachineName } from "../machines/index.ts";
import { inReadme, mutantFigures, mutants } from "./evidence-table.ts";
import { distinguishes } from "./mutation/equivalence.ts";
import { mutantsOf } from "./mutation/mutants.ts";
import { fieldOf, mutationOf, score, toldReport } from "./mutation/score.ts";

/** Of the mutants that can be told, the tours kill so many. */
const leastScore = 0.995;
/** Of all mutants, so many may be such that no tour can kill them: above it the world is too poor, or there are rules too many. */
const mostAlike = 0.05;

const reviewed = JSON.parse(readFileSync(new URL("mutation/equivalent.json", import.meta.url), "utf8")) as Readonly<
  Record<MachineName, { readonly nobody: Readonly<Record<string, string>>; readonly clock: Readonly<Record<string, string>> }>
>;
const names = Object.keys(machines) as MachineName[];

const reports: string[] = [];
afterAll(() => console.log(reports.join("\n")));

for (const name of names) {
  test(`${name}: the tours kill its mutants`, { timeout: 300_000 }, () => {
    const report = mutationOf(name);
    reports.push(toldReport(report));
    expect(report.equivalent.map(({ id }) => id)).toEqual(Object.keys(reviewed[name].nobody));
    expect(report.timed.map(({ mutant }) => mutant.id)).toEqual(Object.keys(reviewed[name].clock));
    expect(score(report), toldReport(report)).toBeGreaterThanOrEqual(leastScore);
    expect((report.equivalent.length + report.timed.length) / report.mutants).toBeLessThanOrEqual(mostAlike);
    expect(inReadme(name)[mutants], "npm run verify -- --table --write takes over a change").toBe(mutantFigures(report));
  });
}

test("every mutant that no tour can kill has its reason", () => {
  expect(Object.keys(reviewed)).toEqual(names);
  for (const { nobody, clock } of Object.values(reviewed)) for (const why of [...Object.values(nobody), ...Object.values(clock)]) expect(why).toMatch(/\S/);
});

// The search lets a mutant go with its original wherever nothing mutated is come by.
describe("walking with the original is no short cut to another result", () => {
  for (const name of ["conference-subscription", "group-file-transfer", "large-message-recipient"] as const) {
    test(name, { timeout: 120_000 }, () => {
      const { sites, larger } = fieldOf(name);
      larger.explore();
      const different = mutantsOf(machines[name], sites).filter((mutant) => distinguishes(larger, mutant)?.length !== distinguishes(larger, { ...mutant, touched: () => true })?.length);
      expect(different.map(({ id }) => id)).toEqual([]);
    });
  }
});
