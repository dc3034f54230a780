/**
 * The evidence as figures: one row a machine, printed by `npm run verify -- --table` and kept in the README between two comments.
 *
 * Every figure but the seconds is exact: tests hold the README to it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { machines, type MachineName } from "../machines/index.ts";
import { nodes, transitions } from "../machines/inspect.ts";
import { worlds } from "../machines/worlds.ts";
import { check, type Exploration } from "./composition/checker.ts";
import type { Scenario } from "./composition/composition.ts";
import { scenarios } from "./composition/scenarios.ts";
import { sentences } from "./composition/sentences.ts";
import { conditions } from "./explore.ts";
import { invariants, ofEveryMachine } from "./invariants.ts";
import { distinguishable, mutationOf, type Report } from "./mutation/score.ts";
import { simplePaths, transitionPairs, type Share } from "./paths.ts";
import { goalClassesOf, graphAt, toursOf } from "./tours.ts";

export interface Table {
  readonly header: readonly string[];
  /** The first cell is the name of the row. */
  readonly rows: readonly (readonly string[])[];
}

// ---------------------------------------------------------------- figures

const written = (figure: number): string => figure.toLocaleString("en");
const share = ({ taken, total }: Share): string => (taken === total ? written(total) : `${written(taken)} of ${written(total)}`);
const sum = (figures: readonly number[]): number => figures.reduce((total, each) => total + each, 0);
const graphsOf = (machine: MachineName) => worlds[machine].inputs.map((_, input) => graphAt(machine, input));

export const mutantFigures = (report: Report): string => [report.killed, distinguishable(report), report.timed.length, report.equivalent.length].map(written).join(" / ");

/** What each column says of a machine. */
export const columns = {
  states: (machine) => written(nodes(machines[machine].root).length - 1),
  transitions: (machine) => written(transitions(machines[machine]).length),
  "guard branches": (machine) => written(2 * transitions(machines[machine]).flatMap(conditions).length),
  invariants: (machine) => written(ofEveryMachine.length + invariants[machine].sentences.length),
  snapshots: (machine) => written(sum(graphsOf(machine).map(({ snapshots }) => snapshots.length))),
  edges: (machine) => written(sum(graphsOf(machine).map(({ from }) => from.length))),
  tours: (machine) => written(toursOf(machine).length),
  steps: (machine) => written(sum(toursOf(machine).map(({ steps }) => steps.length))),
  "goal classes": (machine) => {
    const { covered, total } = goalClassesOf(machine);
    return share({ taken: covered, total });
  },
  "transition pairs": (machine) => share(transitionPairs(machine)),
  "simple paths": (machine) => {
    const paths = simplePaths(machine);
    return paths.upTo === undefined ? share(paths) : `${share(paths)} up to ${paths.upTo} states`;
  },
  "mutants killed / distinguishable / by a clock alone / equivalent": (machine) => mutantFigures(mutationOf(machine)),
} as const satisfies Record<string, (machine: MachineName) => string>;

export type Column = keyof typeof columns;

/** The rows of those machines; `told` hears of each when it is made. */
export function machineTable(of: readonly MachineName[], told: (row: readonly string[]) => void = () => {}): Table {
  const rows = of.map((machine) => {
    const began = performance.now();
    const cells = Object.values(columns).map((figure) => figure(machine));
    const row = [machine, ...cells, ((performance.now() - began) / 1000).toFixed(1)];
    told(row);
    return row;
  });
  return { header: ["machine", ...Object.keys(columns), "seconds"], rows };
}

const compositionHeader = ["composition", "invariants", "states", "edges", "longest way", "bounds", "seconds"];

/** What is kept small in a scenario, besides who takes part. */
function boundsOf({ capacity, budgets, hasty = [], timers }: Scenario): string {
  const budget = budgets.map(({ of, count }) => `${of.join(", ")} at most ${count}`);
  return [`${capacity} messages on a way`, ...budget, `timers ${timers.join(", ") || "none"}`, ...(hasty.length === 0 ? [] : [`hasty ${hasty.join(", ")}`])].join("; ");
}

/** The row of a scenario that was explored. */
export function compositionRow(scenario: Scenario, { states, edges, depth, seconds }: Exploration): readonly string[] {
  return [scenario.name, written(sentences.length), written(states), written(edges), written(depth), boundsOf(scenario), seconds.toFixed(1)];
}

/** The compositions that are explored whenever the tests run. */
export function compositionTable(told: (row: readonly string[]) => void = () => {}): Table {
  const rows = [...scenarios.values()].filter(({ isLarge }) => isLarge !== true).map((scenario) => {
    const row = compositionRow(scenario, check(scenario));
    told(row);
    return row;
  });
  return { header: compositionHeader, rows };
}

// ---------------------------------------------------------------- Markdown

export function inMarkdown({ header, rows }: Table): string {
  const lines = [header, header.map((_, column) => (column === 0 ? "---" : "--:")), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** The tables of a text. */
function tablesIn(text: string): Table[] {
  const cells = (line: string) => line.slice(1, -1).split("|").map((cell) => cell.trim());
  return [...text.matchAll(/(?:^\|.*\|\n)+/gm)].map(([table]) => {
    const [header = "", , ...rows] = table.trimEnd().split("\n");
    return { header: cells(header), rows: rows.map(cells) };
  });
}

const readme = new URL("../README.md", import.meta.url);
const [beginning, ending] = ["<!-- The evidence: npm run verify -- --table --write -->\n", "<!-- The end of the evidence. -->\n"];

function readmeParts(): readonly [before: string, evidence: string, after: string] {
  const text = readFileSync(readme, "utf8");
  const [before, rest] = text.split(beginning);
  const [evidence, after] = rest?.split(ending) ?? [];
  if (before === undefined || evidence === undefined || after === undefined) throw new Error(`README.md has no place between ${beginning.trim()} and ${ending.trim()}`);
  return [before, evidence, after];
}

/** Puts the tables into the README. */
export function writeReadme(tables: readonly Table[]): void {
  const [before, , after] = readmeParts();
  writeFileSync(readme, `${before}${beginning}\n${tables.map(inMarkdown).join("\n\n")}\n\n${ending}${after}`);
}

/** What the README says of a row, by column. */
export function inReadme(row: string): Readonly<Record<string, string>> {
  const [, evidence] = readmeParts();
  const found = tablesIn(evidence).flatMap(({ header, rows }) => rows.filter(([name]) => name === row).flatMap((cells) => header.map((column, at): [string, string] => [column, cells[at] ?? ""])));
  return Object.fromEntries(found);
}
