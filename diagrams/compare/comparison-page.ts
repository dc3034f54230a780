/** A comparison as one page that needs nothing else: a statechart for each machine that differs, beside it what changed. */
import { readFileSync } from "node:fs";
import type { Piece } from "./compare.ts";
import { machineLists, otherLists, overviewHead, overviewRow, saysClauses, toldRevision, type Item, type List } from "./comparison-words.ts";
import type { Comparison, MachineChange, Revision } from "./comparison.ts";
import { fontOfAll } from "../charts/fonts.ts";
import { parts, type Statechart } from "../charts/graph.ts";
import { layout } from "../charts/layout.ts";
import { signs } from "../charts/lettering.ts";
import { dark, light, type Palette } from "../charts/style.ts";
import { drawing } from "../charts/svg.ts";

/** Of both revisions, laid out once, for a page that has the font. */
export const unionDrawing = async (union: Statechart): Promise<string> => drawing(union, await layout(union));

/** `says` stands below the title, a paragraph each. */
export async function comparisonPage(comparison: Comparison, title = "What changed", says: readonly string[] = []): Promise<string> {
  const { before, after, machines } = comparison;
  const drawn = await Promise.all(machines.map(async (change) => ({ change, drawings: await drawings(change.difference.chart) })));
  const others = otherLists(comparison).map(list).join("");
  return [
    `<!DOCTYPE html>`,
    `<html lang="en">`,
    `<head>`,
    `<meta charset="utf-8">`,
    `<meta name="viewport" content="width=device-width, initial-scale=1">`,
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; font-src data:; img-src data:">`,
    `<title>${text(title)}</title>`,
    `<style>${await fontOfAll(drawn.flatMap((each) => each.drawings.map(({ svg }) => svg)))}`,
    colours,
    `${readFileSync(new URL("comparison.css", import.meta.url), "utf8")}</style>`,
    `</head>`,
    `<body>`,
    `<header><h1>${text(title)}</h1>${says.map((each) => `<p>${text(each)}</p>`).join("")}`,
    `<p>From ${revision(before)}<br>to ${revision(after)}</p>`,
    `<button type="button" id="theme">Dark or light</button></header>`,
    `<main>`,
    machines.length === 0 ? `<p><strong>Nothing differs in any machine.</strong></p>` : overview(machines),
    ...drawn.map(section),
    others === "" ? "" : `<h2>Beside the machines</h2><div class="others">${others}</div>`,
    `</main>`,
    `<script>${script}</script>`,
    `</body>`,
    `</html>`,
    "",
  ].join("\n");
}

const revision = (of: Revision) => `<strong>${text(of.name)}</strong>${text(toldRevision(of).slice(of.name.length))}`;

function overview(machines: readonly MachineChange[]): string {
  const cells = (tag: string, row: readonly string[]) => row.map((cell) => `<${tag}>${text(cell)}</${tag}>`).join("");
  const rows = machines.map((change) => {
    const [first, ...rest] = overviewRow(change);
    return `<tr><td><a href="#${text(change.difference.name)}">${text(first!)}</a></td>${cells("td", rest)}</tr>`;
  });
  return `<table><thead><tr>${cells("th", overviewHead)}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

interface Drawn {
  readonly change: MachineChange;
  readonly drawings: readonly { readonly of: string; readonly svg: string }[];
}

/** Of a large machine also the parts in which something is marked. */
const drawings = (chart: Statechart) => Promise.all([chart, ...parts(chart).filter(isMarked)].map(async (each) => ({ of: each.name, svg: await unionDrawing(each) })));

function section({ change, drawings }: Drawn): string {
  const { name } = change.difference;
  return [
    `<section id="${text(name)}">`,
    `<h2>${text(overviewRow(change)[0]!)}</h2>`,
    `<div class="pair">`,
    `<div>${drawings.map(figure).join("\n")}</div>`,
    `<div class="beside" tabindex="0" role="region" aria-label="What changed: ${text(name)}">${machineLists(change).map(list).join("")}</div>`,
    `</div>`,
    `</section>`,
  ].join("\n");
}

/** A part that is new or gone as a whole shows no more than the whole. */
const isMarked = ({ root, states, transitions }: Statechart) => [...states, ...transitions].some(({ mark }) => mark) && root.children.some(({ mark }) => mark !== "added" && mark !== "removed");

const figure = ({ of: name, svg }: Drawn["drawings"][number]): string =>
  `<figure><figcaption><span>${text(name)}, both revisions in one picture</span><button type="button" class="fit" aria-pressed="false">Fit the width</button></figcaption><div class="view" tabindex="0" role="region" aria-label="${text(name)}, both revisions">${svg}</div></figure>`;

const list = ({ title, note, items }: List): string => `<h3>${text(title)}</h3>${note ? `<p class="note">${text(note)}</p>` : ""}<ul>${items.map(item).join("\n")}</ul>`;

function item({ mark, rule, state, name, note, aspects, clauses, given, way }: Item): string {
  const place = rule !== undefined ? `[data-rules~="${rule}"]` : state !== undefined ? `[data-state="${state}"]` : undefined;
  const details = [
    ...(given ? [detail("with", text(given))] : []),
    ...(way ? [detail("after", `<ol>${way.map((step) => `<li>${text(step)}</li>`).join("")}</ol>`)] : []),
    ...aspects.map(({ of, pieces }) => detail(of, pieces.map(piece).join(""))),
  ];
  return [
    `<li${mark ? ` class="${mark}"` : ""}${place === undefined ? "" : ` tabindex="0" data-to="${text(place)}"`}>`,
    mark ? `<span class="mark">${signs[mark]} ${mark}</span>` : "",
    `<span class="name">${text(name)}</span>`,
    note ? ` <span class="note">${text(note)}</span>` : "",
    details.length > 0 ? `<dl>${details.join("")}</dl>` : "",
    clauses.length === 0 || saysClauses(aspects) ? "" : `<div class="clauses">${text(clauses.join(", "))}</div>`,
    `</li>`,
  ].join("");
}

const detail = (of: string, inner: string): string => `<dt>${text(of)}</dt><dd>${inner}</dd>`;

const tags = { added: "ins", removed: "del" } as const;
const piece = ({ text: said, mark }: Piece): string => (mark ? `<${tags[mark]}>${text(said)}</${tags[mark]}>` : text(said));

const text = (said: string) => said.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

const variables = ({ paper, ink, quiet, line, cited, added, removed, changed }: Palette) =>
  Object.entries({ paper, ink, quiet, line, cited, added, removed, changed }).map(([name, colour]) => `--${name}:${colour}`).join(";");

/** As the reader's system has it, or as the button says. */
const colours = [
  `:root{${variables(light)};color-scheme:light}`,
  `@media screen and (prefers-color-scheme:dark){:root:not([data-theme=light]){${variables(dark)};color-scheme:dark}}`,
  `@media screen{:root[data-theme=dark]{${variables(dark)};color-scheme:dark}}`,
].join("\n");

/** Colours by hand, a picture that fits, and the way from the list to the picture. */
const script = `
document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
});
for (const button of document.querySelectorAll(".fit")) {
  button.addEventListener("click", () => {
    const fits = button.closest("figure").querySelector(".view").classList.toggle("fits");
    button.setAttribute("aria-pressed", String(fits));
  });
}
const middle = (start, size, outer, room) => start - outer - (room - size) / 2;
for (const view of document.querySelectorAll(".view")) {
  const first = view.querySelector("svg :is(.label, .told, .state):is(.added, .removed, .changed, :has(.added, .removed, .changed))");
  if (!first) continue;
  const [place, frame] = [first, view].map((each) => each.getBoundingClientRect());
  view.scrollTo(middle(place.left, place.width, frame.left, frame.width), middle(place.top, place.height, frame.top, frame.height));
}
const show = (item) => {
  const section = item.closest("section");
  for (const each of section.querySelectorAll("svg .picked")) each.classList.remove("picked");
  const places = section.querySelectorAll("svg " + item.dataset.to);
  for (const each of places) each.classList.add("picked");
  if (places.length > 0) places[0].scrollIntoView({ block: "center", inline: "center" });
};
for (const item of document.querySelectorAll("li[data-to]")) {
  item.addEventListener("click", () => show(item));
  item.addEventListener("keydown", (event) => { if (event.key === "Enter") show(item); });
}
`;
