/** The table below a picture: every rule spelled, and why every rule and every state is so. */
import type { Grounds } from "../machines/clauses.ts";
import type { State, Statechart } from "./graph.ts";
import { sizes } from "./layout.ts";
import { blockHeight, words, wrap, type Line } from "./lettering.ts";
import { guardText, ruleNumber, tag, triggerText } from "./wording.ts";

export interface Table {
  readonly width: number;
  readonly height: number;
  readonly rows: readonly Row[];
}

export interface Row {
  readonly y: number;
  readonly height: number;
  readonly isHeading: boolean;
  readonly cells: readonly { readonly x: number; readonly lines: readonly Line[] }[];
}

/** Shares of the width: rule, state, event and guard, effects, next state, grounds. */
const columns = [4, 13, 20, 24, 13, 26] as const;
const gap = 10;

type Cells = readonly Line[];

export function ruleTable(chart: Statechart, width: number): Table {
  const paths = new Map(chart.states.map(({ id, path }) => [id, path]));
  const rules = chart.transitions.map((each): Cells => [
    [ruleNumber(each)],
    words(paths.get(each.from) ?? chart.name, "strong"),
    [...words(triggerText(each.trigger)), ...words(guardText(each), "quiet")],
    words(each.effects.join(", ") || (each.to === undefined ? "ignored" : ""), "quiet"),
    words(each.to === undefined ? "" : `→ ${paths.get(each.to)}`, "strong"),
    reason(each.grounds),
  ]);
  const states = chart.states.map((each): Cells => [[], words(each.path, "strong"), words(kindText(each), "quiet"), words(inOut(each), "quiet"), [], reason(each.grounds)]);
  return set([headings("rule", "state", "event [guard]", "effects", "leads to", "because"), ...rules, headings("", "state", "", "", "", "because"), ...states], width);
}

const headings = (...names: string[]): Cells => names.map((name) => words(name, "quiet"));

/** The decision in full, and the clauses. */
function reason(of: Grounds | undefined): Line {
  return of && "decides" in of ? [...words(`${of.decides};`, "decided"), ...tag(of)] : tag(of);
}

function kindText({ kind, isRegion }: State): string {
  if (isRegion) return "region";
  return kind === "atomic" ? "" : kind;
}

const inOut = ({ entry, exit }: State) => [...entry.map((effect) => `entry / ${effect}`), ...exit.map((effect) => `exit / ${effect}`)].join(", ");

function set(table: readonly Cells[], width: number): Table {
  const shares = columns.reduce((sum, share) => sum + share, 0);
  const widths = columns.map((share) => Math.floor((share / shares) * width));
  const starts = widths.map((_, column) => widths.slice(0, column).reduce((sum, each) => sum + each, 0));
  const rows: Row[] = [];
  let y = 0;
  for (const line of table) {
    const cells = line.map((cell, column) => ({ x: starts[column]!, lines: wrap(cell, sizes.text, widths[column]! - gap) }));
    const height = Math.max(...cells.map(({ lines }) => blockHeight(lines))) + 5;
    rows.push({ y, height, isHeading: line.every((cell) => cell.every(({ manner }) => manner === "quiet")), cells });
    y += height;
  }
  return { width, height: y, rows };
}
