/** How the drawings look: their colours on light and on dark ground, and the style sheet of a statechart. */

export interface Palette {
  readonly paper: string;
  readonly ink: string;
  readonly quiet: string;
  /** Of thin lines that part what belongs to different things. */
  readonly line: string;
  /** A clause says so. */
  readonly cited: string;
  /** The clauses are silent, and we decided. */
  readonly decided: string;
  readonly added: string;
  readonly removed: string;
  readonly changed: string;
  /** The ground of a state that holds others, by how deep it lies. */
  readonly shades: readonly [string, string, string, string];
  /** The ground of a state in which the machine is. */
  readonly active: string;
  /** Of its border, and of the arrow by which it came there. */
  readonly lively: string;
  /** Round what a reader has picked. */
  readonly picked: string;
}

export const light: Palette = {
  paper: "#ffffff",
  ink: "#1f2328",
  quiet: "#57606a",
  line: "#d0d7de",
  cited: "#0550ae",
  decided: "#8a4b00",
  added: "#116329",
  removed: "#a40e26",
  changed: "#6f2da8",
  shades: ["#fafbfc", "#f1f5f9", "#e6eef7", "#dbe7f4"],
  active: "#fff1b8",
  lively: "#0a6b2d",
  picked: "#c2186b",
};

export const dark: Palette = {
  paper: "#14181d",
  ink: "#e4e8ec",
  quiet: "#a3adb8",
  line: "#3a444f",
  cited: "#86b6f7",
  decided: "#e0a866",
  added: "#7ccf91",
  removed: "#ff9aa5",
  changed: "#d2a8ff",
  shades: ["#191f26", "#1e2630", "#232e3a", "#283644"],
  active: "#3d3400",
  lively: "#8fe3a5",
  picked: "#ff8ac2",
};

export const fontName = "CPM Diagram";

/** Where the font is not there: others of its kind. */
export const fontFamily = `'${fontName}','DejaVu Sans Condensed','DejaVu Sans',Verdana,sans-serif`;

/** Words are as wide as the sum of their letters: lettering.ts counts on it. */
export const typography = `font-family:${fontFamily};font-size:11px;font-kerning:none;font-variant-ligatures:none;text-rendering:geometricPrecision`;

/** What is set bold, and what is slanted. */
export const boldClasses: readonly string[] = ["title", "name", "strong", "rule", "mark"];
export const slantedClasses: readonly string[] = ["decided"];

/** A selector below what is styled, `""` for that itself, and what it is to look like. */
export type Rule = readonly [selector: string, look: string];

/**
 * Colours of a kind of drawing on light ground and on dark, below `scope`: as the reader's system has it, or as `data-theme` on the
 * drawing or on what holds it says. Printed they are light. No custom properties: programs that draw SVG seldom know them.
 */
export function themed(scope: string, rules: (colours: Palette) => readonly Rule[]): string {
  const below = (ground: string, colours: Palette) => rules(colours).map(([selector, look]) => `${ground} ${selector}`.trim() + `{${look}}`).join("\n");
  return [
    below(scope, light),
    `@media screen and (prefers-color-scheme:dark){\n${below(`${scope}:not([data-theme=light],[data-theme=light] *)`, dark)}\n}`,
    `@media screen{\n${below(`${scope}:is([data-theme=dark],[data-theme=dark] *)`, dark)}\n}`,
  ].join("\n");
}

const scope = "svg.statechart";

/** A selector for each: not every program that draws SVG knows `:is()`. */
const each = (names: readonly string[], selector: (name: string) => string) => names.map((name) => `${scope} ${selector(name)}`).join();

/**
 * Of a statechart. A page sets `active`, `taken`, `picked` and `dim` on the groups of states (`data-state`) and rules (`data-rules`);
 * a comparison has `added`, `removed` and `changed` on them.
 */
export const statechartStyle = [
  `${scope}{${typography}}`,
  // Whatever the page says of its own classes.
  `${scope} *{font:inherit}`,
  `${each(boldClasses, (name) => `.${name}`)}{font-weight:700}`,
  `${scope} .title{font-size:18px}`,
  `${scope} .name{font-size:13px}`,
  `${each(slantedClasses, (name) => `.${name}`)}{font-style:italic}`,
  `${scope} .word.added{text-decoration:underline}`,
  `${scope} .word.removed{text-decoration:line-through}`,
  `${scope} .region>rect{stroke-dasharray:6 4}`,
  `${scope} .stub>rect{stroke-dasharray:2 3}`,
  `${scope} .delayed .way{stroke-dasharray:4 3}`,
  `${scope} .way{fill:none}`,
  `${scope} .ground{fill:none;pointer-events:all}`,
  `${scope} .rimmed text{paint-order:stroke;stroke-width:3px}`,
  `${scope} .dim{opacity:.25}`,
  `${each(["active", "taken", "picked", "added", "removed", "changed"], (name) => `.state.${name}>rect,${scope} .arrow.${name}>.way`)}{stroke-width:2.5px}`,
  `${scope} .state.removed>rect,${scope} .arrow.removed>.way{stroke-dasharray:1 3;stroke-linecap:round}`,
  `${scope} [data-rules]:focus-visible,${scope} [data-state]:focus-visible{outline-offset:2px}`,
  themed(scope, colours),
].join("\n");

/** What comes later wins over what it is as particular as. */
function colours({ paper, ink, quiet, line, cited, decided, added, removed, changed, shades, active, lively, picked }: Palette): Rule[] {
  const marked = (name: string, colour: string): Rule[] => [
    [`.state.${name}>rect`, `stroke:${colour}`],
    [`.arrow.${name}>.way`, `stroke:${colour}`],
    [`.arrow.${name}>.head`, `fill:${colour}`],
    [`tspan.${name}`, `fill:${colour}`],
  ];
  return [
    ["", `background:${paper};fill:${ink}`],
    [".sheet", `fill:${paper}`],
    [".quiet", `fill:${quiet}`],
    [".cited", `fill:${cited}`],
    [".decided", `fill:${decided}`],
    [".rule-line", `stroke:${line}`],
    [".heading .rule-line", `stroke:${quiet}`],
    [".state>rect", `fill:${paper};stroke:${cited}`],
    [".state.beside>rect", `stroke:${decided}`],
    [".state.stub>rect", `stroke:${quiet}`],
    ...shades.map((shade, depth): Rule => [`.state.depth${depth}>rect`, `fill:${shade}`]),
    ...shades.map((shade, depth): Rule => [`.rimmed.depth${depth} text`, `stroke:${shade}`]),
    [".arrow>.way", `stroke:${cited}`],
    [".arrow>.head", `fill:${cited};stroke:none`],
    [".arrow.beside>.way", `stroke:${decided}`],
    [".arrow.beside>.head", `fill:${decided}`],
    [".arrow.begins>.way", `stroke:${ink}`],
    [".arrow.begins>.head", `fill:${ink}`],
    [".state>.final", `fill:none`],
    ...marked("added", added),
    ...marked("removed", removed),
    ...marked("changed", changed),
    [".state.active>rect:not(.final)", `fill:${active};stroke:${lively}`],
    [".rimmed.active text", `stroke:${active}`],
    [".arrow.taken>.way", `stroke:${lively}`],
    [".arrow.taken>.head", `fill:${lively}`],
    [".taken>.ground", `fill:${active}`],
    [".state.picked>rect", `stroke:${picked}`],
    [".arrow.picked>.way", `stroke:${picked}`],
    [".arrow.picked>.head", `fill:${picked}`],
    [".picked>.ground", `stroke:${picked};stroke-width:1.5px`],
  ];
}
