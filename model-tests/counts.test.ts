/** What there is of every machine is counted, so that a change shows; and what the recommended tours have to reach, they reach. */
import { afterAll, describe, expect, test } from "vitest";
import { machines, type MachineName } from "../machines/index.ts";
import { worlds } from "../machines/worlds.ts";
import { countsOf, expected } from "./counts.ts";
import { cellsOf, inReadme, walkedColumns } from "./evidence-table.ts";
import { bounds, explore } from "./explore.ts";
import { graphOf } from "./graph.ts";
import { decisionsOf, goalClassesOf } from "./tours.ts";

const countMs = 120_000;
const names = Object.keys(machines) as MachineName[];

afterAll(() => console.log(`every world was explored whole, within the bounds of ${bounds.snapshots} snapshots and ${bounds.ms} ms an input`));

test("counts.json has the machines there are", () => {
  expect(Object.keys(expected())).toEqual(names);
});

describe.each(names)("%s", (name) => {
  test("is as large as counts.json says; node model-tests/counts.ts --write takes over a change", { timeout: countMs }, () => {
    expect(countsOf(name)).toEqual(expected()[name]);
  });

  test("its paths are as many as the README says; npm run verify -- --table --write takes over a change", { timeout: countMs }, () => {
    expect(inReadme(name, Object.keys(walkedColumns))).toEqual(cellsOf(walkedColumns, name));
  });

  test("its tours take every transition, let every guard decide alone both ways, and reach every goal class", { timeout: countMs }, () => {
    expect(decisionsOf(name).missed).toEqual([]);
    const { total, covered } = goalClassesOf(name);
    expect(covered).toBe(total);
  });
});

describe("a walk that is not whole fails", () => {
  const name = "large-message-recipient";
  const [input] = worlds[name].inputs;
  const whole = explore(name, input).places.size;

  test("above the bound of snapshots", () => {
    expect(() => explore(name, input, undefined, undefined, { ...bounds, snapshots: whole - 1 })).toThrow(`${name}: its world is larger than the bound of ${whole - 1} snapshots`);
    expect(explore(name, input, undefined, undefined, { ...bounds, snapshots: whole }).places.size).toBe(whole);
  });

  test("above the bound of time", () => {
    expect(() => explore(name, input, undefined, undefined, { ...bounds, ms: 0 })).toThrow("its world is larger than the bound of 0 ms");
  });

  test("and so there is no graph of it", () => {
    expect(() => graphOf(name, input, undefined, { ...bounds, snapshots: 2 })).toThrow("bound of 2 snapshots");
  });
});
