/**
 * How much of everything there is, by machine: the table `counts.json`, which a change of a machine or its world changes too.
 *
 * `node model-tests/counts.ts --write` writes it anew; the difference is to be read before it is kept.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { machines, type MachineName } from "../machines/index.ts";
import { nodes } from "../machines/inspect.ts";
import { worlds } from "../machines/worlds.ts";
import { invariants } from "./invariants.ts";
import { decisionsOf, goalClassesOf, graphAt, toursOf } from "./tours.ts";

export interface Counts {
  readonly states: number;
  readonly transitions: number;
  /** The answers of named guards: two each. */
  readonly branches: number;
  readonly sentences: number;
  /** Of the world. */
  readonly inputs: number;
  readonly events: number;
  /** Reached, over all inputs. */
  readonly snapshots: number;
  readonly edges: number;
  readonly goalClasses: number;
  /** Of the recommended tours. */
  readonly tours: number;
  readonly steps: number;
}

const file = new URL("counts.json", import.meta.url);

export const expected = (): Readonly<Record<string, Counts>> => JSON.parse(readFileSync(file, "utf8")) as Record<string, Counts>;

export function countsOf(name: MachineName): Counts {
  const graphs = worlds[name].inputs.map((_, input) => graphAt(name, input));
  const { transitions, branches } = decisionsOf(name);
  const tours = toursOf(name);
  return {
    states: nodes(machines[name].root).length,
    transitions,
    branches,
    sentences: invariants[name].sentences.length,
    inputs: worlds[name].inputs.length,
    events: worlds[name].events.length,
    snapshots: sum(graphs.map(({ snapshots }) => snapshots.length)),
    edges: sum(graphs.map(({ from }) => from.length)),
    goalClasses: goalClassesOf(name).total,
    tours: tours.length,
    steps: sum(tours.map(({ steps }) => steps.length)),
  };
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);

if (import.meta.main) {
  const names = Object.keys(machines) as MachineName[];
  const counted = JSON.stringify(Object.fromEntries(names.map((name) => [name, countsOf(name)])), undefined, 2);
  if (process.argv.includes("--write")) writeFileSync(file, `${counted}\n`);
  else console.log(counted);
}
