/**
 * Text as it is set in a picture: words in a manner, lines of them, and how wide they are.
 *
 * Widths come from the table below and never from a machine's fonts, so that every machine prints the same octets. They are
 * those of DejaVu Sans and Verdana, the widest that a viewer is likely to have: in any other font there is room to spare.
 */

/** `cited` and `decided` are never to be taken for each other: a clause says so, or we do. */
export type Manner = "plain" | "strong" | "quiet" | "cited" | "decided";

/** A word that is never broken. */
export interface Word {
  readonly text: string;
  readonly manner: Manner;
  /** The rule whose number this word is: it is set bold. */
  readonly rule?: number;
}

/** One without words is a gap between paragraphs. */
export type Line = readonly Word[];

export const fontFamily = "'DejaVu Sans', Verdana, Geneva, sans-serif";

/** From line to line, and the height of a gap. */
const pitch = 14;
const gap = 6;

const heightOf = (line: Line) => (line.length === 0 ? gap : pitch);

export const blockHeight = (lines: readonly Line[]): number => lines.reduce((sum, line) => sum + heightOf(line), 0);

/** Lines below each other, each with the height at which it begins. */
export function stacked(lines: readonly Line[]): { readonly line: Line; readonly top: number }[] {
  return lines.map((line, index) => ({ line, top: blockHeight(lines.slice(0, index)) }));
}

/** Words of a text, all in one manner. */
export function words(text: string, manner: Manner = "plain"): Word[] {
  return text.split(" ").filter(Boolean).map((word) => ({ text: word, manner }));
}

export function lineWidth(line: Line, size: number): number {
  const space = textWidth(" ", size);
  return line.reduce((sum, word) => sum + textWidth(word.text, size, isBold(word)), Math.max(0, line.length - 1) * space);
}

export const isBold = ({ manner, rule }: Word): boolean => manner === "strong" || rule !== undefined;

/** Breaks between words, as late as `width` allows; a word that is wider has a line of its own. */
export function wrap(line: Line, size: number, width: number): Line[] {
  const lines: Word[][] = [[]];
  for (const word of line.flatMap((each) => split(each, size, width))) {
    const last = lines.at(-1)!;
    if (last.length > 0 && lineWidth([...last, word], size) > width) lines.push([word]);
    else last.push(word);
  }
  return lines;
}

/** A word wider than the line is broken after a dot or before a capital, where names have their joints. */
function split(word: Word, size: number, width: number): Word[] {
  if (textWidth(word.text, size, isBold(word)) <= width) return [word];
  const pieces = word.text.split(/(?<=\.)|(?=[A-Z])/);
  const parts = [""];
  for (const piece of pieces) {
    if (parts.at(-1) !== "" && textWidth(parts.at(-1) + piece, size, isBold(word)) > width) parts.push(piece);
    else parts[parts.length - 1] += piece;
  }
  return parts.map((text) => ({ ...word, text }));
}

export function textWidth(text: string, size: number, bold = false): number {
  const table = bold ? boldWidths : plainWidths;
  let thousandths = 0;
  for (const character of text) thousandths += table.get(character) ?? widest;
  return (thousandths * size) / 1000;
}

const widest = 1100;

/** Advance widths in thousandths of the size, and the characters that have them. */
const plainWidths = widths([
  [278, "'ijl"],
  [318, "IJ ,.·"],
  [352, "/:;\\|f"],
  [401, "-()[]t!"],
  [460, 'r"'],
  [531, "*_`§–∥sz?"],
  [592, "cLFkvxy"],
  [615, "PTYoae"],
  [636, "EhnuSbdgpq$0123456789{}"],
  [698, "KAVXZBRC"],
  [752, "UNH"],
  [787, "◇DG&OQ"],
  [838, "w#+<=>^~→×↻≥"],
  [1000, "Mm%W@…"],
]);

const boldWidths = widths([
  [348, "'ijl "],
  [380, "/\\|IJ,.·"],
  [415, ":;-"],
  [500, "f!()[]tr_`§–∥"],
  [600, '"*?zcs'],
  [665, "Lxvyk"],
  [696, "aeTFEo$0123456789"],
  [736, "hnu{}bdgpqSYZPC"],
  [785, "B◇RXAVK"],
  [838, "UGDHN#+<=>^~→×↻≥"],
  [924, "OQ&w"],
  [1100, "M@…%mW"],
]);

function widths(rows: readonly (readonly [thousandths: number, characters: string])[]): ReadonlyMap<string, number> {
  return new Map(rows.flatMap(([thousandths, characters]) => [...characters].map((character) => [character, thousandths] as const)));
}
