/**
 * The evidence as figures: one row a machine, printed by `npm run verify -- --table` and kept in the README between two comments.
 *
 * Every figure but the seconds is exact: tests hold the README to it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { machines, type MachineName } from "../machines/index.ts";
import { check } from "./composition/checker.ts";
import { properties } from "./composition/evidence.ts";
import { boundsOf, scenarios } from "./composition/scenarios.ts";
import { countsOf, type Counts } from "./counts.ts";
import { ofEveryMachine } from "./invariants.ts";
import { distinguishable, mutationOf, type Report } from "./mutation/score.ts";
import { simplePaths, transitionPairs, type Share } from "./paths.ts";
import { wireCoverage, wireTours } from "./roleplay/wire-tours.ts";
import { goalClassesOf } from "./tours.ts";

export interface Table {
  readonly header: readonly string[];
  /** The first cell is the name of the row. */
  readonly rows: readonly (readonly string[])[];
}

// ---------------------------------------------------------------- figures

const written = (figure: number): string => figure.toLocaleString("en");
const share = ({ taken, total }: Share): string => (taken === total ? written(total) : `${written(taken)} of ${written(total)}`);
const sum = (figures: readonly number[]): number => figures.reduce((total, each) => total + each, 0);

export const mutantFigures = (report: Report): string => [report.killed, distinguishable(report), report.timed.length, report.equivalent.length].map(written).join(" / ");

/** What is counted without a walk of our own: `counts.json` has it too. */
export const countedColumns = {
  // The machine itself is none of its states.
  states: ({ states }) => written(states - 1),
  transitions: ({ transitions }) => written(transitions),
  "guard branches": ({ branches }) => written(branches),
  invariants: ({ sentences }) => written(ofEveryMachine.length + sentences),
  snapshots: ({ snapshots }) => written(snapshots),
  edges: ({ edges }) => written(edges),
  tours: ({ tours }) => written(tours),
  steps: ({ steps }) => written(steps),
} as const satisfies Record<string, (counts: Counts) => string>;

/** What is walked. */
export const walkedColumns = {
  "goal classes": (machine) => {
    const { covered, total } = goalClassesOf(machine);
    return share({ taken: covered, total });
  },
  "transition pairs": (machine) => share(transitionPairs(machine)),
  "simple paths": (machine) => {
    const paths = simplePaths(machine);
    return paths.upTo === undefined ? share(paths) : `${share(paths)} up to ${paths.upTo} states`;
  },
} as const satisfies Record<string, (machine: MachineName) => string>;

/** What tours on the wire show of a machine. */
export interface OnTheWire {
  readonly tours: number;
  readonly transitions: Share;
  /** How many goal classes. */
  readonly classes: number;
}

/** What tours on the wire show; they are of all machines together. */
export const wireColumns = {
  "tours on the wire": ({ tours }) => written(tours),
  "goal classes on the wire": ({ classes }) => written(classes),
  "transitions on the wire": ({ transitions }) => share(transitions),
} as const satisfies Record<string, (shown: OnTheWire) => string>;

export const mutants = "mutants killed / distinguishable / by a clock alone / equivalent";

/** All figures of those machines, without those of the wire if there are not all; `told` hears of each row when it is made. */
export function machineTable(of: readonly MachineName[], told: (row: readonly string[]) => void = () => {}): Table {
  const isAll = of.length === Object.keys(machines).length;
  // They are no machine's own: their seconds are nobody's.
  if (isAll) wireTours();
  const rows = of.map((machine) => {
    const began = performance.now();
    const figures = [
      ...Object.values(cellsOf(countedColumns, countsOf(machine))),
      ...Object.values(cellsOf(walkedColumns, machine)),
      ...(isAll ? Object.values(cellsOf(wireColumns, onTheWire(machine))) : []),
      mutantFigures(mutationOf(machine)),
    ];
    const row = [machine, ...figures, secondsSince(began)];
    told(row);
    return row;
  });
  return { header: ["machine", ...Object.keys(countedColumns), ...Object.keys(walkedColumns), ...(isAll ? Object.keys(wireColumns) : []), mutants, "seconds"], rows };
}

function onTheWire(machine: MachineName): OnTheWire {
  const { tours, transitions, classes } = wireCoverage(machine);
  return { tours, transitions, classes: classes.size };
}

/** The cells of those columns, by their names: what the README has to say too. */
export const cellsOf = <T>(columns: Readonly<Record<string, (of: T) => string>>, of: T): Readonly<Record<string, string>> => Object.fromEntries(Object.entries(columns).map(([column, figure]) => [column, figure(of)]));

const secondsSince = (began: number): string => ((performance.now() - began) / 1000).toFixed(1);

/** The compositions of many, and in one row all that are smaller. Every state of each is looked at. */
export function compositionTable(told: (row: readonly string[]) => void = () => {}): Table {
  const explored = [...scenarios.values()].filter(({ isLarge }) => isLarge !== true);
  const small = explored.filter(({ isOfMany }) => isOfMany !== true);
  const groups = [
    ...explored.filter(({ isOfMany }) => isOfMany === true).map((scenario) => ({ what: scenario.name, scenarios: [scenario], bounds: boundsOf(scenario) })),
    { what: `${small.length} smaller ones, together`, scenarios: small, bounds: "`npm run verify -- --all` tells each" },
  ];
  const rows = groups.map(({ what, scenarios, bounds }) => {
    const began = performance.now();
    const found = scenarios.map((scenario) => check(scenario));
    const row = [what, written(properties.length), written(sum(found.map(({ states }) => states))), written(sum(found.map(({ edges }) => edges))), bounds, secondsSince(began)];
    told(row);
    return row;
  });
  return { header: ["composition", "properties", "states", "edges", "bounds", "seconds"], rows };
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

/** What the README says in a row, by column; in those columns alone, if they are named. */
export function inReadme(row: string, columns?: readonly string[]): Readonly<Record<string, string>> {
  const [, evidence] = readmeParts();
  const found = tablesIn(evidence).flatMap(({ header, rows }) => rows.filter(([name]) => name === row).flatMap((cells) => header.map((column, at): [string, string] => [column, cells[at] ?? ""])));
  return Object.fromEntries(columns === undefined ? found : found.filter(([column]) => columns.includes(column)));
}
