/** A laid-out statechart as an SVG document. */
import type { State, Statechart, Transition } from "./graph.ts";
import { sizes, type Arrow, type Box, type Label, type Picture, type Point } from "./layout.ts";
import { blockHeight, fontFamily, isBold, stacked, words, type Line, type Manner, type Word } from "./lettering.ts";
import { ruleTable, type Row } from "./rule-table.ts";
import { manner } from "./wording.ts";

const ink = { plain: "#1f2328", strong: "#1f2328", quiet: "#57606a", cited: "#0550ae", decided: "#8a4b00" } as const satisfies Record<Manner, string>;
const paper = "#ffffff";
const faint = "#d0d7de";
/** A state that holds others, by how deep it lies. */
const shades = ["#fafbfc", "#f1f5f9", "#e6eef7", "#dbe7f4"] as const;

const top = 44;
const legendHeight = 64;
const narrowest = 1200;
const bend = 7;

export function drawing(chart: Statechart, picture: Picture): string {
  const table = ruleTable(chart, Math.max(picture.width, narrowest));
  const width = Math.ceil(table.width + 4 * sizes.margin);
  const tableTop = top + Math.ceil(picture.height) + legendHeight;
  const height = tableTop + table.height + 2 * sizes.margin;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${fontFamily}" font-size="${sizes.text}" role="img">`,
    `<title>${escaped(chart.name)}</title>`,
    `<defs>${arrowHead("plain")}${arrowHead("cited")}${arrowHead("decided")}</defs>`,
    `<rect width="${width}" height="${height}" fill="${paper}"/>`,
    `<text x="${2 * sizes.margin}" y="28" font-size="18" font-weight="700" fill="${ink.strong}">${escaped(chart.name)}</text>`,
    `<g transform="translate(${Math.round((width - picture.width) / 2)} ${top})">`,
    ...picture.boxes.map(box),
    ...picture.dots.map(({ x, y }) => `<circle cx="${x}" cy="${y}" r="${sizes.dot}" fill="${ink.plain}"/>`),
    ...picture.arrows.map(arrow),
    ...picture.boxes.map(inscription),
    ...picture.arrows.map(({ label }) => (label ? labelled(label) : "")),
    `</g>`,
    ...stacked(legend).map(({ line, top: below }) => text(line, 2 * sizes.margin, top + Math.ceil(picture.height) + sizes.leading + below)),
    `<g transform="translate(${2 * sizes.margin} ${tableTop})">`,
    ...table.rows.map((row) => tableRow(row, table.width)),
    `</g>`,
    `</svg>`,
    "",
  ].join("\n");
}

const legend: readonly Line[] = [
  words("● begins here · double border: final · dashed box: one of several regions at once · dashed arrow: after a delay, named by its policy"),
  words("numbers are rules, spelled below: alternatives of one event are tried in their order"),
  [...words("blue, upright: a clause says so", "cited"), ...words("·"), ...words("brown, slanted: the clauses are silent, and we decided", "decided")],
];

// ---------------------------------------------------------------- states

function box({ state, x, y, width, height }: Box): string {
  const stroke = `stroke="${ink[manner(state.grounds)]}"`;
  const frame = { x, y, width, height };
  return [
    `<g data-state="${escaped(state.id)}">`,
    rectangle(frame, `rx="9" fill="${ground(state)}" ${stroke}${state.isRegion ? dashes(6, 4) : ""}`),
    state.kind === "final" ? rectangle(inset(frame, 3), `rx="6" fill="none" ${stroke}`) : "",
    `</g>`,
  ].join("");
}

/** Drawn above the arrows, with a rim in the colour of the box: an arrow to an inner state may cross it. */
function inscription({ state, x, y, width, grounds, rows }: Box): string {
  const holds = state.children.length > 0;
  const left = x + sizes.margin;
  const anchor = holds ? "" : ` text-anchor="middle"`;
  const start = holds ? left : x + width / 2;
  const baseline = y + sizes.heading - 7;
  const rowsTop = y + sizes.heading + blockHeight(grounds) + 4;
  return [
    `<g class="inside" stroke="${ground(state)}" stroke-width="3" paint-order="stroke">`,
    `<text x="${tenths(start)}" y="${tenths(baseline)}" font-size="${sizes.title}" font-weight="700" fill="${ink.strong}"${anchor}>${escaped(state.key)}</text>`,
    ...stacked(grounds).map(({ line, top }) => text(line, start, baseline + sizes.leading + top, anchor)),
    ...stacked(rows).map(({ line, top }) => text(line, left, rowsTop + sizes.leading + top)),
    `</g>`,
    rows.length > 0 ? horizontal(x, rowsTop, width, faint) : "",
  ].join("");
}

const ground = ({ children, path }: State): string => (children.length === 0 ? paper : shades[Math.min(path.split(".").length, shades.length) - 1]!);

// ---------------------------------------------------------------- transitions

/** Brown when all that it stands for was decided; a dashed one waits. */
function arrow({ transitions, points }: Arrow): string {
  const colour: Manner = transitions.length === 0 ? "plain" : transitions.every(({ grounds }) => manner(grounds) === "decided") ? "decided" : "cited";
  const waits = transitions.some(({ trigger }) => trigger.kind === "delay");
  return `<path data-rules="${rules(transitions)}" d="${rounded(points)}" fill="none" stroke="${ink[colour]}"${waits ? dashes(4, 3) : ""} marker-end="url(#${colour})"/>`;
}

const rules = (transitions: readonly Transition[]) => transitions.map(({ rule }) => rule).join(" ");

function labelled({ x, y, width, height, lines }: Label): string {
  return [
    `<g class="label">`,
    rectangle({ x, y, width, height }, `fill="${paper}" fill-opacity="0.8"`),
    ...stacked(lines).map(({ line, top }) => text(line, x + 2, y + sizes.leading - 2 + top)),
    `</g>`,
  ].join("");
}

const arrowHead = (colour: Manner) =>
  `<marker id="${colour}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L10 5L0 10z" fill="${ink[colour]}"/></marker>`;

/** Straight pieces with rounded corners. */
function rounded(points: readonly Point[]): string {
  const pieces = points.slice(1, -1).map((corner, index) => {
    const before = towards(corner, points[index]!);
    const after = towards(corner, points[index + 2]!);
    return `L${at(before)}Q${at(corner)} ${at(after)}`;
  });
  return `M${at(points[0]!)}${pieces.join("")}L${at(points.at(-1)!)}`;
}

/** The point where the bend at `corner` begins. Pieces are upright or level. */
function towards(corner: Point, other: Point): Point {
  const step = (from: number, to: number) => from + Math.sign(to - from) * Math.min(bend, Math.abs(to - from) / 2);
  return { x: step(corner.x, other.x), y: step(corner.y, other.y) };
}

const at = ({ x, y }: Point) => `${tenths(x)} ${tenths(y)}`;
const tenths = (length: number) => Math.round(length * 10) / 10;

// ---------------------------------------------------------------- the table

function tableRow({ y, height, isHeading, cells }: Row, width: number): string {
  const lines = cells.flatMap(({ x, lines }) => stacked(lines).map(({ line, top }) => text(line, x, y + sizes.leading + top)));
  return `<g class="row">${lines.join("")}${horizontal(0, y + height - 2, width, isHeading ? ink.quiet : faint)}</g>`;
}

// ---------------------------------------------------------------- what all of it is made of

interface Frame {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const rectangle = ({ x, y, width, height }: Frame, look: string) => `<rect x="${tenths(x)}" y="${tenths(y)}" width="${tenths(width)}" height="${tenths(height)}" ${look}/>`;
const inset = ({ x, y, width, height }: Frame, by: number): Frame => ({ x: x + by, y: y + by, width: width - 2 * by, height: height - 2 * by });
const horizontal = (x: number, y: number, width: number, colour: string) => `<path d="M${tenths(x)} ${tenths(y)}h${tenths(width)}" stroke="${colour}"/>`;
const dashes = (on: number, off: number) => ` stroke-dasharray="${on} ${off}"`;

function text(line: Line, x: number, y: number, anchor = ""): string {
  return line.length === 0 ? "" : `<text x="${tenths(x)}" y="${tenths(y)}"${anchor}>${runs(line).map(run).join(" ")}</text>`;
}

/** Neighbours in one manner are set as one. */
function runs(line: Line): Word[] {
  const joined: Word[] = [];
  for (const word of line) {
    const last = joined.at(-1);
    if (last?.manner === word.manner && last.rule === undefined && word.rule === undefined) joined[joined.length - 1] = { ...last, text: `${last.text} ${word.text}` };
    else joined.push(word);
  }
  return joined;
}

function run(word: Word): string {
  const rule = word.rule === undefined ? "" : ` data-rule="${word.rule}"`;
  const weight = isBold(word) ? ` font-weight="700"` : "";
  const slant = word.manner === "decided" ? ` font-style="italic"` : "";
  return `<tspan${rule} fill="${ink[word.manner]}"${weight}${slant}>${escaped(word.text)}</tspan>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
