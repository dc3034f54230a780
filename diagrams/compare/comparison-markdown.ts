/** A comparison as Markdown, fit for the comment of a pull request. */
import type { Aspect, Piece } from "./compare.ts";
import { machineLists, otherLists, overviewHead, overviewRow, saysClauses, toldRevision, type Item, type List } from "./comparison-words.ts";
import type { Comparison } from "./comparison.ts";
import { table } from "../review/markdown.ts";

/** `says` stands below the title, a paragraph each. */
export function markdown(comparison: Comparison, title = "What changed", says: readonly string[] = []): string {
  const { before, after, machines } = comparison;
  return [
    `# ${text(title)}`,
    "",
    ...says.flatMap((paragraph) => [text(paragraph), ""]),
    `From ${text(toldRevision(before))} to ${text(toldRevision(after))}.`,
    "",
    ...(machines.length === 0 ? ["Nothing differs in any machine."] : table(overviewHead, machines.map(overviewRow))),
    "",
    ...machines.flatMap((change) => [`## ${text(change.difference.name)}`, "", ...machineLists(change).flatMap((each) => list(each, "###"))]),
    ...otherLists(comparison).flatMap((each) => list(each, "##")),
  ].join("\n");
}

const list = ({ title, note, items }: List, level: string): string[] => [`${level} ${title}`, "", ...(note ? [note, ""] : []), ...items.map(item), ""];

function item({ mark, name, note, aspects, clauses, given, way }: Item): string {
  const heading = [mark && `${signs[mark]} ${mark}:`, code(name), note && `(${text(note)})`].filter(Boolean).join(" ");
  const said = [...(given ? [`with ${code(given)}`] : []), ...(way ? [`after ${way.map(code).join(", ")}`] : []), ...aspects.map(aspect), ...(saysClauses(aspects) || clauses.length === 0 ? [] : [`clauses: ${clauses.join(", ")}`])];
  return `- ${heading}${said.length > 0 ? `\n  - ${said.join("\n  - ")}` : ""}`;
}

const signs = { added: "➕", removed: "➖", changed: "✏️" } as const;

const aspect = ({ of, pieces }: Aspect) => `${of}: ${pieces.map(piece).join("")}`;

const ends = { added: "**", removed: "~~" } as const;
const piece = ({ text: said, mark }: Piece) => (mark ? `${ends[mark]}${text(said)}${ends[mark]}` : text(said));

const text = (said: string) => said.replaceAll(/[\\`*_{}[\]<>#|~@]/g, "\\$&");
const code = (said: string) => `\`${said.replaceAll("`", "'")}\``;
