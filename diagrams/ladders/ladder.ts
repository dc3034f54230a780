/** A conversation as a sequence chart: an SVG document, made without a browser and in one. It has no font of its own, as statecharts have none before `fonts.ts`. */
import { textWidth } from "../charts/lettering.ts";
import { themed, typography, type Palette, type Rule } from "../charts/style.ts";

export interface Conversation {
  readonly title: string;
  readonly lifelines: readonly Lifeline[];
  readonly rows: readonly Row[];
}

export interface Lifeline {
  readonly id: string;
  readonly says: string;
}

export type Row = (
  /** Dashed: inside the Controlling Function, where nothing goes over a wire. */
  | { readonly kind: "message"; readonly from: string; readonly to: string; readonly says: string; readonly clauses?: readonly string[]; readonly dashed?: boolean }
  | { readonly kind: "state"; readonly at: string; readonly says: string }
  | { readonly kind: "timer"; readonly at: string; readonly says: string; readonly clauses?: readonly string[] }
  | { readonly kind: "note"; readonly says: string }
) & {
  /** The step of a walk that it belongs to: a page finds it by that. */
  readonly step?: number;
};

const margin = 24;
const titleHeight = 40;
const headHeight = 34;
const leading = 15;
const size = 12;
const small = 10;
const titleSize = 16;
const spacing = { least: 150, most: 300 } as const;
const pill = 210;

interface Text {
  readonly lines: readonly string[];
  readonly tags: readonly Tag[];
}

/** What a clause says, and what we decided, are told apart by look. */
interface Tag {
  readonly text: string;
  readonly part: "tag" | "tag decided";
}

/** Placed: the middle of each lifeline. */
interface Frame {
  readonly middles: ReadonlyMap<string, number>;
  readonly width: number;
  readonly gap: number;
}

/** Lifelines are named again after so much of the chart, and stand no further apart than that. */
export function ladder(conversation: Conversation, { repeatAfter = 900, apart = spacing.most }: { readonly repeatAfter?: number; readonly apart?: number } = {}): string {
  const frame = framed(conversation, apart);
  const names = new Map(conversation.lifelines.map(({ id, says }) => [id, says]));
  const drawn: string[] = [];
  let y = titleHeight;
  let named = -Infinity;
  conversation.rows.forEach((row) => {
    if (y - named > repeatAfter) {
      drawn.push(heads(conversation, frame, y));
      named = y;
      y += headHeight + 14;
    }
    const { svg, height } = rowAt(row, frame, y);
    drawn.push(`<g class="${row.kind}"${row.step === undefined ? "" : ` data-step="${row.step}"`} role="img" aria-label="${escaped(said(row, names))}">${svg}</g>`);
    y += height;
  });
  if (conversation.rows.length === 0) {
    drawn.push(heads(conversation, frame, y));
    y += headHeight + 14;
  }
  const bottom = y + 10;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="ladder" width="${frame.width}" height="${bottom + margin}" viewBox="0 0 ${frame.width} ${bottom + margin}" role="group" aria-label="${escaped(`sequence chart: ${conversation.title}`)}">`,
    `<style>`,
    ladderStyle,
    `</style>`,
    `<rect class="sheet" width="${frame.width}" height="${bottom + margin}"/>`,
    `<text class="title" x="${margin}" y="26">${escaped(fitted(conversation.title, titleSize, frame.width - 2 * margin, true))}</text>`,
    ...[...frame.middles.values()].map((x) => `<line class="life" x1="${x}" x2="${x}" y1="${titleHeight}" y2="${bottom}"/>`),
    ...drawn,
    `</svg>`,
    "",
  ].join("\n");
}

/** A row for whoever listens. */
function said(row: Row, names: ReadonlyMap<string, string>): string {
  const clauses = "clauses" in row && row.clauses !== undefined && row.clauses.length > 0 ? ` (${row.clauses.join(", ")})` : "";
  switch (row.kind) {
    case "message":
      return `${names.get(row.from)} to ${names.get(row.to)}: ${row.says}${clauses}`;
    case "state":
      return `${names.get(row.at)} is now in ${row.says}`;
    case "timer":
      return `timer of ${names.get(row.at)}: ${row.says}${clauses}`;
    case "note":
      return row.says;
  }
}

// ---------------------------------------------------------------- where everything stands

/** Lifelines stand as far apart as what is said between neighbours wants, within reason. */
function framed({ title, lifelines, rows }: Conversation, most: number): Frame {
  const order = new Map(lifelines.map(({ id }, index) => [id, index]));
  const wanted = rows.map((row) => {
    if (row.kind !== "message") return 0;
    const apart = Math.max(1, Math.abs((order.get(row.from) ?? 0) - (order.get(row.to) ?? 0)));
    return (textWidth(row.says, size) + 30) / apart;
  });
  const heads = lifelines.map(({ says }) => textWidth(says, size, true) / 2 + 30);
  const gap = Math.ceil(Math.min(most, Math.max(spacing.least, ...wanted, ...heads)));
  const edge = Math.max(gap / 2, pill / 2) + margin;
  const middles = new Map(lifelines.map(({ id }, index) => [id, Math.round(edge + index * gap)]));
  const across = 2 * edge + (lifelines.length - 1) * gap;
  return { middles, gap, width: Math.ceil(Math.max(across, Math.min(900, textWidth(title, titleSize, true) + 2 * margin))) };
}

function heads({ lifelines }: Conversation, { middles, gap }: Frame, y: number): string {
  return lifelines
    .map(({ id, says }) => {
      const x = middles.get(id)!;
      const width = gap - 16;
      return `<g class="head"><rect x="${x - width / 2}" y="${y}" width="${width}" height="${headHeight}" rx="4"/>${placed(fitted(says, size, width - 12, true), x, y + headHeight / 2 + 4, "middle", "name")}</g>`;
    })
    .join("");
}

function rowAt(row: Row, frame: Frame, y: number): { readonly svg: string; readonly height: number } {
  switch (row.kind) {
    case "message":
      return row.from === row.to ? itself(row, frame, y) : message(row, frame, y);
    case "state":
      return capsule(row.says, frame.middles.get(row.at)!, frame, y);
    case "timer":
      return timer(row, frame, y);
    case "note":
      return note(row.says, frame, y);
  }
}

type Message = Extract<Row, { kind: "message" }>;

function message({ from, to, says, clauses, dashed }: Message, { middles }: Frame, y: number): { svg: string; height: number } {
  const [start, end] = [middles.get(from)!, middles.get(to)!];
  const { lines, tags } = set(says, clauses, Math.abs(end - start) - 24);
  const middle = (start + end) / 2;
  const line = y + lines.length * leading + 5;
  const tip = end > start ? -1 : 1;
  return {
    svg: [
      centred(lines, middle, y + leading - 3),
      `<path class="arrow${dashed ? " within" : ""}" d="M${start} ${line}H${end + tip * 2}"/>`,
      `<path class="tip" d="M${end} ${line}l${tip * 9} -4.5v9z"/>`,
      tagged(tags, middle, line + small + 3),
    ].join(""),
    height: line - y + (tags.length > 0 ? tags.length * (small + 3) + 4 : 0) + 10,
  };
}

/** Something that a lifeline says to itself. */
function itself({ from, says, clauses, dashed }: Message, { middles, gap }: Frame, y: number): { svg: string; height: number } {
  const x = middles.get(from)!;
  const { lines, tags } = set(says, clauses, gap - 60);
  const height = Math.max(lines.length * leading, 18);
  return {
    svg: [
      `<path class="arrow${dashed ? " within" : ""}" d="M${x} ${y + 4}H${x + 26}V${y + height + 2}H${x + 2}"/>`,
      `<path class="tip" d="M${x} ${y + height + 2}l9 -4.5v9z"/>`,
      ...lines.map((text, index) => placed(text, x + 33, y + 12 + index * leading, "start")),
      tagged(tags, x + 33, y + height + small + 4, "start"),
    ].join(""),
    height: height + tags.length * (small + 3) + 16,
  };
}

function capsule(says: string, x: number, { width }: Frame, y: number): { svg: string; height: number } {
  const lines = wrapped(says, size, pill - 24);
  const across = Math.min(pill, Math.max(...lines.map((line) => textWidth(line, size))) + 24);
  const height = lines.length * leading + 8;
  const left = Math.max(2, Math.min(x - across / 2, width - across - 2));
  return {
    svg: `<rect x="${round(left)}" y="${y}" width="${round(across)}" height="${height}" rx="${Math.min(14, height / 2)}"/>${centred(lines, left + across / 2, y + leading)}`,
    height: height + 10,
  };
}

function timer({ at, says, clauses }: Extract<Row, { kind: "timer" }>, { middles, gap }: Frame, y: number): { svg: string; height: number } {
  const x = middles.get(at)!;
  const { lines, tags } = set(says, clauses, gap - 50);
  const height = Math.max(20, lines.length * leading);
  return {
    svg: [
      `<circle cx="${x}" cy="${y + 10}" r="8"/><path class="hands" d="M${x} ${y + 5}V${y + 10}H${x + 4}"/>`,
      ...lines.map((text, index) => placed(text, x + 16, y + 14 + index * leading, "start")),
      tagged(tags, x + 16, y + height + small + 2, "start"),
    ].join(""),
    height: height + tags.length * (small + 3) + 12,
  };
}

function note(says: string, { width }: Frame, y: number): { svg: string; height: number } {
  const lines = wrapped(says, size, width - 2 * margin - 24);
  const height = lines.length * leading + 10;
  return { svg: `<rect x="${margin}" y="${y}" width="${width - 2 * margin}" height="${height}" rx="3"/>${lines.map((line, index) => placed(line, margin + 12, y + leading + 1 + index * leading, "start")).join("")}`, height: height + 10 };
}

// ---------------------------------------------------------------- text

const set = (says: string, clauses: readonly string[] | undefined, width: number): Text => ({
  lines: wrapped(says, size, Math.max(width, 60)),
  tags: [
    ...tagsOf((clauses ?? []).filter((clause) => !clause.startsWith("decided")), "tag", width),
    ...tagsOf((clauses ?? []).filter((clause) => clause.startsWith("decided")), "tag decided", width),
  ],
});

const tagsOf = (clauses: readonly string[], part: Tag["part"], width: number): Tag[] => (clauses.length === 0 ? [] : wrapped(clauses.join(", "), small, Math.max(width, 90)).map((text) => ({ text, part })));

/** Lines of words; a word that is wider than the line is broken. */
function wrapped(text: string, of: number, width: number): string[] {
  const lines = [""];
  for (const word of text.split(/\s+/).filter(Boolean).flatMap((each) => broken(each, of, width))) {
    const longer = lines.at(-1) === "" ? word : `${lines.at(-1)} ${word}`;
    if (textWidth(longer, of) <= width || lines.at(-1) === "") lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

function broken(word: string, of: number, width: number): string[] {
  if (textWidth(word, of) <= width) return [word];
  const pieces = [""];
  for (const letter of word) {
    if (textWidth(pieces.at(-1) + letter, of) > width) pieces.push(letter);
    else pieces[pieces.length - 1] += letter;
  }
  return pieces;
}

/** As much as there is room for. */
function fitted(text: string, of: number, width: number, bold = false): string {
  if (textWidth(text, of, bold) <= width) return text;
  let kept = [...text];
  while (kept.length > 1 && textWidth(`${kept.join("")}…`, of, bold) > width) kept = kept.slice(0, -1);
  return `${kept.join("")}…`;
}

const centred = (lines: readonly string[], x: number, y: number) => lines.map((line, index) => placed(line, x, y + index * leading, "middle")).join("");
const tagged = (tags: readonly Tag[], x: number, y: number, anchor: "start" | "middle" = "middle") => tags.map(({ text, part }, index) => placed(text, x, y + index * (small + 3), anchor, part)).join("");

function placed(text: string, x: number, y: number, anchor: "start" | "middle", part?: string): string {
  return `<text x="${round(x)}" y="${round(y)}"${anchor === "middle" ? ` text-anchor="middle"` : ""}${part === undefined ? "" : ` class="${part}"`}>${escaped(text)}</text>`;
}

const round = (of: number) => Math.round(of * 10) / 10;

/** Anybody may have written it: it is text and nothing else. Letters that XML cannot hold are shown as what they are not. */
const escaped = (text: string) =>
  text
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");

// ---------------------------------------------------------------- colours

const scope = "svg.ladder";

/** For every ladder, and for those alone. A page sets `picked` and `dim` on the groups of a step (`data-step`). */
export const ladderStyle = [
  `${scope}{${typography};font-size:${size}px}`,
  `${scope} :is(.title,.name){font-weight:700}`,
  `${scope} .title{font-size:${titleSize}px}`,
  `${scope} .tag{font-size:${small}px}`,
  `${scope} .decided{font-style:italic}`,
  `${scope} .arrow{fill:none;stroke-width:1.2px}`,
  `${scope} .within{stroke-dasharray:5 4}`,
  `${scope} :is(.message,.timer) text{paint-order:stroke;stroke-width:4px;stroke-linejoin:round}`,
  `${scope} .timer :is(circle,.hands){stroke-width:1.5px}`,
  `${scope} .hands{fill:none}`,
  `${scope} .dim{opacity:.35}`,
  `${scope} .picked :is(rect,.arrow){stroke-width:2.5px}`,
  themed(scope, colours),
].join("\n");

function colours({ paper, ink, quiet, line, cited, decided, shades, active, picked }: Palette): Rule[] {
  return [
    ["", `background:${paper};fill:${ink}`],
    [".sheet", `fill:${paper}`],
    [".life", `stroke:${quiet};stroke-opacity:.5`],
    [".head rect", `fill:${shades[1]};stroke:${quiet}`],
    [".message text", `stroke:${paper}`],
    [".timer text", `stroke:${paper}`],
    [".arrow", `stroke:${ink}`],
    [".tip", `fill:${ink}`],
    [".tag", `fill:${cited}`],
    [".tag.decided", `fill:${decided}`],
    [".state rect", `fill:${shades[3]};stroke:${cited}`],
    [".note rect", `fill:${shades[0]};stroke:${line}`],
    [".timer circle", `fill:${paper};stroke:${decided}`],
    [".hands", `stroke:${decided}`],
    [".picked .arrow", `stroke:${picked}`],
    [".picked .tip", `fill:${picked}`],
    [".picked rect", `fill:${active};stroke:${picked}`],
  ];
}
