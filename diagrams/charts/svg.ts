/**
 * A laid-out statechart as an SVG document.
 *
 * Every state is a group with `data-state`, every arrow's text and every text about rules inside a state a group with `data-rules`;
 * each says in words what it is, and can be made a button. What belongs to them in other layers has the same attribute and is
 * hidden from whoever listens. There are no ids: any number of drawings may stand in one page.
 */
import type { State, Statechart, Transition } from "./graph.ts";
import { sizes, type Arrow, type Box, type Label, type Picture, type Point, type Rectangle } from "./layout.ts";
import { blockHeight, lineWidth, runs, signs, stacked, words, type Line, type Word } from "./lettering.ts";
import { ruleTable, type Row } from "./rule-table.ts";
import { statechartStyle } from "./style.ts";
import { manner, ruleSaid, stateName, stateSaid } from "./wording.ts";

/** Of what stands below the title. */
export const top = 44;
const narrowest = 1100;
const bend = 7;
/** Of an arrow's head, from tip to neck. */
const head = 8;

/** Without a font of its own: in a page that has it, or before fonts.ts puts it in. */
export function drawing(chart: Statechart, picture: Picture): string {
  const table = ruleTable(chart, Math.max(picture.width, narrowest));
  const width = Math.ceil(table.width + 4 * sizes.margin);
  const tableTop = top + Math.ceil(picture.height) + legendHeight(chart);
  return sheet(chart.name, { width, height: tableTop + table.height + 2 * sizes.margin }, [
    title(chart.name),
    chartAt(chart, picture, { x: Math.round((width - picture.width) / 2), y: top }),
    legendAt(chart, top + Math.ceil(picture.height)),
    rowsAt(table.rows, table.width, { x: 2 * sizes.margin, y: tableTop }),
  ]);
}

/** `shown`: as large as that, where it is not as large as it is. */
export function sheet(name: string, { width, height }: Pick<Rectangle, "width" | "height">, content: readonly string[], shown: { readonly width: number | string; readonly height: number | string } = { width, height }): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="statechart" width="${shown.width}" height="${shown.height}" viewBox="0 0 ${width} ${height}" role="group" aria-label="statechart ${escaped(name)}">`,
    `<style>`,
    statechartStyle,
    `</style>`,
    `<rect class="sheet" width="${width}" height="${height}"/>`,
    ...content,
    `</svg>`,
    "",
  ].join("\n");
}

export const title = (name: string): string => `<text class="title" x="${2 * sizes.margin}" y="28">${escaped(name)}</text>`;

export function chartAt(chart: Statechart, picture: Picture, { x, y }: Point): string {
  return [
    `<g transform="translate(${x} ${y})">`,
    ...picture.boxes.map(box),
    ...picture.dots.map(({ x, y }) => `<circle cx="${x}" cy="${y}" r="${sizes.dot}"/>`),
    ...picture.arrows.map(arrow),
    ...picture.boxes.map((each) => inscription(each, chart)),
    ...picture.arrows.map(({ label, transitions }) => (label ? labelled(label, transitions, chart) : "")),
    `</g>`,
  ].filter(Boolean).join("\n");
}

export const legendAt = (chart: Statechart, y: number): string => stacked(legendOf(chart)).map(({ line, top: below }) => text(line, 2 * sizes.margin, y + sizes.leading + below)).join("\n");

export const legendHeight = (chart: Statechart): number => blockHeight(legendOf(chart)) + 22;

export const legendWidth = (chart: Statechart): number => Math.max(...legendOf(chart).map((line) => lineWidth(line, sizes.text)));

const legendOf = ({ states, transitions }: Statechart): readonly Line[] => (states.some(({ mark }) => mark) || transitions.some(({ mark }) => mark) ? [...legend, markLegend] : legend);

const legend: readonly Line[] = [
  words("● begins here · double border: final · dashed box: one of several regions at once · dotted box: outside this picture"),
  words("dashed arrow: after a delay, named by its policy"),
  words("numbers are rules, spelled in the table: alternatives of one event are tried in their order"),
  [...words("blue, upright: a clause says so", "cited"), ...words("·"), ...words("brown, slanted: the clauses are silent, and we decided", "decided")],
];

const markLegend: Line = (["added", "removed", "changed"] as const).flatMap((mark): Word[] => [{ text: signs[mark], manner: "strong", mark }, ...words(`${mark} ·`)]).concat(words("of an arrow for several rules: some of them"));

// ---------------------------------------------------------------- states

function box({ state, x, y, width, height }: Box): string {
  const frame = { x, y, width, height };
  const classes = ["state", ...look(state), isBeside(state) && "beside", state.isRegion && "region", state.isStub && "stub"].filter(Boolean).join(" ");
  return [
    `<g class="${classes}" data-state="${escaped(state.id)}" role="img" aria-label="${escaped(stateSaid(state))}">`,
    rectangle(frame, `rx="${state.kind === "history" || state.kind === "deep" ? width / 2 : 9}"`),
    state.kind === "final" ? rectangle(inset(frame, 3), `rx="6" class="final"`) : "",
    `</g>`,
  ].join("");
}

/** Drawn above the arrows, in a box that holds others with a rim in its colour: an arrow to an inner state may cross it. */
function inscription({ state, x, y, width, grounds, told }: Box, chart: Statechart): string {
  const holds = state.children.length > 0;
  const left = x + sizes.margin;
  const anchor = holds ? "" : ` text-anchor="middle"`;
  const start = holds ? left : x + width / 2;
  const baseline = y + sizes.heading - 7;
  const rowsTop = y + sizes.heading + blockHeight(grounds) + 4;
  const inside = ["inside", ...look(state)].join(" ");
  const tops = told.map((_, index) => rowsTop + told.slice(0, index).reduce((sum, { lines }) => sum + blockHeight(lines), 0));
  const name = state.kind === "history" ? "H" : state.kind === "deep" ? "H*" : state.key;
  return [
    `<g class="${[inside, ...(holds ? ["rimmed"] : [])].join(" ")}" data-state="${escaped(state.id)}" aria-hidden="true">`,
    text(stateName(state, name), start, baseline, ` class="name"${anchor}`),
    ...stacked(grounds).map(({ line, top }) => text(line, start, baseline + sizes.leading + top, anchor)),
    ...told.flatMap(({ transitions, lines }, index) => (transitions.length > 0 ? [] : linesAt(lines, left, tops[index]!))),
    told.length > 0 ? horizontal(x, rowsTop, width) : "",
    `</g>`,
    ...told.map(({ transitions, lines }, index) => {
      if (transitions.length === 0) return "";
      const frame = { x: x + 2, y: tops[index]! + 1, width: width - 4, height: blockHeight(lines) };
      return `<g class="${["told", inside].join(" ")}" ${rulesOf(transitions, chart)}>${rectangle(frame, `rx="3" class="ground"`)}${linesAt(lines, left, tops[index]!).join("")}</g>`;
    }),
  ].join("");
}

const linesAt = (lines: readonly Line[], x: number, y: number) => stacked(lines).map(({ line, top }) => text(line, x, y + sizes.leading + top));

/** Words that the style sheet knows. */
function look({ children, path, mark }: State): string[] {
  return [...(children.length > 0 ? [`depth${Math.min(path.split(".").length, 4) - 1}`] : []), ...(mark ? [mark] : [])];
}

const isBeside = ({ grounds }: State | Transition) => manner(grounds) === "decided";

// ---------------------------------------------------------------- transitions

/** Brown when all that it stands for was decided; a dashed one waits. */
function arrow({ transitions, points }: Arrow): string {
  const marks = new Set(transitions.map(({ mark }) => mark));
  const [mark] = marks.size === 1 ? marks : transitions.some(({ mark }) => mark) ? (["changed"] as const) : [];
  const classes = [
    "arrow",
    transitions.length === 0 && "begins",
    transitions.length > 0 && transitions.every(isBeside) && "beside",
    transitions.some(({ trigger }) => trigger.kind === "delay") && "delayed",
    mark,
  ].filter(Boolean).join(" ");
  const [neck, tip] = [towards(points.at(-1)!, points.at(-2)!, head), points.at(-1)!];
  const rules = transitions.length === 0 ? "" : ` data-rules="${numbers(transitions)}"`;
  return `<g class="${classes}"${rules} aria-hidden="true"><path class="way" d="${rounded([...points.slice(0, -1), neck])}"/><path class="head" d="${triangle(neck, tip)}"/></g>`;
}

const numbers = (transitions: readonly Transition[]) => transitions.map(({ rule }) => rule).join(" ");

const rulesOf = (transitions: readonly Transition[], chart: Statechart) =>
  `data-rules="${numbers(transitions)}" role="img" aria-label="${escaped(transitions.map((each) => ruleSaid(each, chart)).join("; "))}"`;

function labelled({ x, y, width, height, lines }: Label, transitions: readonly Transition[], chart: Statechart): string {
  return [
    `<g class="label" ${rulesOf(transitions, chart)}>`,
    rectangle({ x, y, width, height }, `rx="3" class="ground"`),
    ...stacked(lines).map(({ line, top }) => text(line, x + 2, y + sizes.leading - 2 + top)),
    `</g>`,
  ].join("");
}

function triangle({ x, y }: Point, tip: Point): string {
  const [across, along] = [(tip.y - y) / 2, (tip.x - x) / 2];
  return `M${at(tip)}L${at({ x: x - across, y: y + along })}L${at({ x: x + across, y: y - along })}z`;
}

/** Straight pieces with rounded corners. */
function rounded(points: readonly Point[]): string {
  const pieces = points.slice(1, -1).map((corner, index) => {
    const before = towards(corner, points[index]!);
    const after = towards(corner, points[index + 2]!);
    return `L${at(before)}Q${at(corner)} ${at(after)}`;
  });
  return `M${at(points[0]!)}${pieces.join("")}L${at(points.at(-1)!)}`;
}

/** The point where the bend at `corner` begins, or so far from it. Pieces are upright or level. */
function towards(corner: Point, other: Point, most?: number): Point {
  const step = (from: number, to: number) => from + Math.sign(to - from) * (most ?? Math.min(bend, Math.abs(to - from) / 2));
  return { x: step(corner.x, other.x), y: step(corner.y, other.y) };
}

const at = ({ x, y }: Point) => `${tenths(x)} ${tenths(y)}`;
const tenths = (length: number) => Math.round(length * 10) / 10;

// ---------------------------------------------------------------- the table

export function rowsAt(rows: readonly Row[], width: number, { x, y }: Point): string {
  return [`<g transform="translate(${x} ${y})">`, ...rows.map((row) => tableRow(row, width)), `</g>`].join("\n");
}

function tableRow({ y, height, isHeading, rule, state, cells }: Row, width: number): string {
  const mark = (rule ?? state)?.mark;
  const classes = ["row", isHeading && "heading", mark].filter(Boolean).join(" ");
  const lines = cells.flatMap(({ x, lines }) => linesAt(lines, x, y));
  return `<g class="${classes}"${rule ? ` data-row="${rule.rule}"` : ""}>${lines.join("")}${horizontal(0, y + height - 2, width)}</g>`;
}

// ---------------------------------------------------------------- what all of it is made of

const rectangle = ({ x, y, width, height }: Rectangle, look: string) => `<rect x="${tenths(x)}" y="${tenths(y)}" width="${tenths(width)}" height="${tenths(height)}" ${look}/>`;
const inset = ({ x, y, width, height }: Rectangle, by: number): Rectangle => ({ x: x + by, y: y + by, width: width - 2 * by, height: height - 2 * by });
const horizontal = (x: number, y: number, width: number) => `<path class="rule-line" d="M${tenths(x)} ${tenths(y)}h${tenths(width)}"/>`;

function text(line: Line, x: number, y: number, look = ""): string {
  return line.length === 0 ? "" : `<text x="${tenths(x)}" y="${tenths(y)}"${look}>${runs(line).map(run).join(" ")}</text>`;
}

function run({ text, manner, rule, mark }: Word): string {
  const signed = mark !== undefined && text === signs[mark];
  const classes = [rule !== undefined && "rule", manner !== "plain" && manner, mark !== undefined && !signed && rule === undefined && "word", signed && "mark", mark].filter(Boolean).join(" ");
  if (classes === "") return escaped(text);
  return `<tspan class="${classes}"${rule === undefined ? "" : ` data-rule="${rule}"`}>${escaped(text)}</tspan>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
