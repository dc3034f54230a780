/** The table below a picture: every rule spelled, and why every rule and every state is so. */
import type { Grounds } from "../../machines/clauses.ts";
import type { State, Statechart, Transition } from "./graph.ts";
import { sizes } from "./layout.ts";
import { blockHeight, words, wrap, type Line } from "./lettering.ts";
import { ruleNumber, stateName, tag, told, toldGuard, toldTrigger } from "./wording.ts";

export interface Table {
  readonly width: number;
  readonly height: number;
  readonly rows: readonly Row[];
}

export interface Row {
  readonly y: number;
  readonly height: number;
  readonly isHeading: boolean;
  /** What it is of. */
  readonly rule?: Transition;
  readonly state?: State;
  readonly cells: readonly { readonly x: number; readonly lines: readonly Line[] }[];
}

/** Shares of the width: rule, state, event and guard, effects, next state, grounds. */
const columns = [4, 17, 19, 21, 17, 24] as const;
const gap = 10;

interface Entry extends Pick<Row, "rule" | "state"> {
  readonly cells: readonly Line[];
}

export function ruleTable(chart: Statechart, width: number): Table {
  const paths = new Map(chart.states.map(({ id, path }) => [id, path]));
  const rules = chart.transitions.map((rule): Entry => ({
    rule,
    cells: [
      ruleNumber(rule),
      words(paths.get(rule.from) ?? chart.name, "strong"),
      [...toldTrigger(rule), ...toldGuard(rule, "quiet")],
      told(rule, "effects", rule.effects.join(", ") || (rule.to === undefined ? "ignored" : ""), "quiet"),
      rule.to === undefined ? [] : [...words("→", "strong"), ...told(rule, "leads to", paths.get(rule.to) ?? chart.name, "strong"), ...(isAnew(rule) ? words("(entered anew)", "quiet") : [])],
      reason(rule.grounds),
    ],
  }));
  const states = chart.states
    .filter(({ isStub }) => !isStub)
    .map((state): Entry => ({ state, cells: [[], stateName(state, state.path), words(kindText(state), "quiet"), words(inOut(state), "quiet"), [], reason(state.grounds)] }));
  return set([headings("rule", "state", "event [guard]", "effects", "leads to", "because"), ...rules, headings("", "state", "", "", "", "because"), ...states], width);
}

/** Left and entered, though the machine was in it: its timers begin again. */
const isAnew = ({ from, to, reenters }: Transition) => reenters && to !== undefined && `${from}.`.startsWith(`${to}.`);

const headings = (...names: string[]): Entry => ({ cells: names.map((name) => words(name, "quiet")) });

/** The decision in full, and the clauses. */
function reason(of: Grounds | undefined): Line {
  return of && "decides" in of ? [...words(`${of.decides};`, "decided"), ...tag(of)] : tag(of);
}

function kindText({ kind, isRegion }: State): string {
  if (isRegion) return "region";
  return kind === "atomic" ? "" : kind;
}

const inOut = ({ entry, exit }: State) => [...entry.map((effect) => `entry / ${effect}`), ...exit.map((effect) => `exit / ${effect}`)].join(", ");

function set(table: readonly Entry[], width: number): Table {
  const shares = columns.reduce((sum, share) => sum + share, 0);
  const widths = columns.map((share) => Math.floor((share / shares) * width));
  const starts = widths.map((_, column) => widths.slice(0, column).reduce((sum, each) => sum + each, 0));
  const rows: Row[] = [];
  let y = 0;
  for (const { cells: line, ...of } of table) {
    const cells = line.map((cell, column) => ({ x: starts[column]!, lines: wrap(cell, sizes.text, widths[column]! - gap) }));
    const height = Math.max(...cells.map(({ lines }) => blockHeight(lines))) + 5;
    rows.push({ y, height, isHeading: of.rule === undefined && of.state === undefined, ...of, cells });
    y += height;
  }
  return { width, height: y, rows };
}
