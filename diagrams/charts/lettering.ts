/**
 * Text as it is set in a picture: words in a manner, lines of them, and how wide they are.
 *
 * Widths are those of the font that every picture has with it (fonts.ts), DejaVu Sans Condensed, and never of what a machine has
 * installed: every machine prints the same octets, and a page can count on them without the font's file.
 */

import type { Mark } from "./graph.ts";

/** `cited` and `decided` are never to be taken for each other: a clause says so, or we do. */
export type Manner = "plain" | "strong" | "quiet" | "cited" | "decided";

/** A word that is never broken. */
export interface Word {
  readonly text: string;
  readonly manner: Manner;
  /** The rule whose number this word is: it is set bold. */
  readonly rule?: number;
  /** What became of it between two revisions. */
  readonly mark?: Mark;
}

/** One without words is a gap between paragraphs. */
export type Line = readonly Word[];

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

/** Beside what became of something between two revisions stands a sign. */
export const signs: Readonly<Record<Mark, string>> = { added: "+", removed: "−", changed: "~" };

/** Neighbours in one manner are set as one. */
export function runs(line: Line): Word[] {
  const joined: Word[] = [];
  for (const word of line) {
    const last = joined.at(-1);
    if (last !== undefined && last.manner === word.manner && last.mark === word.mark && ![last, word].some(isAlone)) joined[joined.length - 1] = { ...last, text: `${last.text} ${word.text}` };
    else joined.push(word);
  }
  return joined;
}

const isAlone = ({ text, rule, mark }: Word) => rule !== undefined || (mark !== undefined && text === signs[mark]);

export function lineWidth(line: Line, size: number): number {
  const all = runs(line);
  return all.reduce((sum, word) => sum + textWidth(word.text, size, isBold(word)), Math.max(0, all.length - 1) * textWidth(" ", size));
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
  const table = bold ? boldAdvances : plainAdvances;
  let units = 0;
  for (const character of text) units += table.get(character) ?? widest;
  return (units * size) / unitsPerEm;
}

/** Of the font, in which a letter's advance is counted. */
export const unitsPerEm = 2048;

/** For what is not in the tables: room to spare. */
const widest = 2 * unitsPerEm;

/** Advances, and the characters that have them, upright and slanted alike. */
export const plainAdvances = advances([
  [506, "'"],
  [512, "ijlìíîï"],
  [543, "IJÌÍÎÏ"],
  [585, " ,.·‘’"],
  [621, "/:;\\|¦"],
  [648, "f"],
  [665, "-"],
  [719, "()[]"],
  [722, "t"],
  [738, "!¡²³¹"],
  [757, "r"],
  [847, "\""],
  [868, "ªº"],
  [921, "*_`§¨¯°´¸–∥"],
  [960, "s"],
  [967, "z"],
  [978, "?¿"],
  [1013, "cç"],
  [1026, "L"],
  [1060, "F"],
  [1067, "k"],
  [1087, "•"],
  [1090, "vxyýÿ"],
  [1111, "P"],
  [1125, "TYÝ"],
  [1127, "oðòóôõöø"],
  [1129, "aàáâãäå"],
  [1134, "eèéêë"],
  [1161, "ß"],
  [1164, "EÈÉÊË"],
  [1168, "hnuñùúûü"],
  [1170, "Sbdgpqþ"],
  [1172, "$0123456789{}¢£¤¥µ¶"],
  [1208, "K"],
  [1260, "AVÀÁÂÃÄÅ"],
  [1262, "XZ"],
  [1264, "B"],
  [1280, "R"],
  [1287, "CÇ"],
  [1349, "UÙÚÛÜ"],
  [1378, "NÑ"],
  [1386, "H"],
  [1417, "◇▲▼▶◀"],
  [1419, "D"],
  [1428, "GÐ"],
  [1437, "&"],
  [1450, "OQÒÓÔÕÖØ"],
  [1507, "w"],
  [1544, "#+<=>^~¬±×÷←↑→↓↔↻−≤≥≠✓✗"],
  [1590, "M"],
  [1608, "●○"],
  [1741, "■□"],
  [1751, "%"],
  [1786, "¼½¾"],
  [1795, "mÆ"],
  [1822, "W"],
  [1843, "@©®—…"],
]);

export const boldAdvances = advances([
  [564, "'"],
  [631, "ijlìíîï"],
  [641, " "],
  [673, "/\\|¦"],
  [685, "IJÌÍÎÏ"],
  [700, ",.·‘’"],
  [737, ":;"],
  [765, "-"],
  [801, "f"],
  [807, "²³¹"],
  [840, "!¡"],
  [842, "()[]"],
  [881, "t"],
  [909, "r"],
  [921, "_`§¨¯°´¸–∥"],
  [960, "\""],
  [963, "*"],
  [1039, "ªº"],
  [1069, "?¿"],
  [1072, "z"],
  [1092, "cç"],
  [1097, "s"],
  [1172, "¤¶"],
  [1174, "L"],
  [1178, "•"],
  [1188, "x"],
  [1201, "vyýÿ"],
  [1225, "k"],
  [1243, "aàáâãäå"],
  [1250, "eèéêë"],
  [1257, "T"],
  [1259, "EFÈÉÊË"],
  [1266, "oðòóôõöø"],
  [1282, "$0123456789¢£¥"],
  [1312, "hnu{}ñùúûü"],
  [1319, "bdgpqþ"],
  [1325, "ß"],
  [1327, "S"],
  [1334, "YÝ"],
  [1336, "Z"],
  [1350, "P"],
  [1352, "CÇ"],
  [1356, "µ"],
  [1404, "B"],
  [1417, "◇▲▼▶◀"],
  [1419, "R"],
  [1421, "X"],
  [1426, "AVÀÁÂÃÄÅ"],
  [1428, "K"],
  [1496, "UÙÚÛÜ"],
  [1512, "G"],
  [1530, "D"],
  [1542, "HNÑ"],
  [1544, "+<=>^~¬±×÷←↑→↓↔↻−≤≥≠✓✗"],
  [1566, "OQÒÓÔÕÖØ"],
  [1607, "&"],
  [1608, "●○"],
  [1702, "w"],
  [1741, "■□"],
  [1834, "M"],
  [1843, "@©®—…"],
  [1846, "%"],
  [1908, "¼½¾"],
  [1920, "m"],
  [1931, "æ"],
  [1999, "Æ"],
  [2033, "W"],
]);

function advances(rows: readonly (readonly [units: number, characters: string])[]): ReadonlyMap<string, number> {
  return new Map(rows.flatMap(([units, characters]) => [...characters].map((character) => [character, units] as const)));
}
