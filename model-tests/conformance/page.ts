/**
 * The report as one page: it asks for nothing outside itself, runs no script, and shows what peers wrote as text. It is HTML and
 * well-formed XML at once, so that a strict parser can tell what is in it.
 *
 * A failed tour is a ladder, step by step. The step that decided it has what was expected and what came side by side, with the
 * octets: of the server under test, and of the specification's own server in the same tour.
 */
import type { LadderLine, TourVerdict, Verdict, WireStep } from "../roleplay/verdict.ts";
import { linesOf } from "./octets.ts";
import { decisiveStep, findings, lastLine, linesOfStep, wasPlayed, whyOf, type Report } from "./report.ts";
import { style } from "./style.ts";

/** Text that becomes markup only by way of `html`. */
class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

type Value = Html | string | number | undefined | false | readonly Value[];

/** Markup. Whatever is not markup itself is escaped: there is no other way into the page. */
function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(parts.map((part, index) => part + (index < values.length ? markup(values[index]) : "")).join(""));
}

function markup(value: Value): string {
  if (value instanceof Html) return value.markup;
  if (typeof value === "object") return value.map(markup).join("");
  return value === undefined || value === false ? "" : text(String(value));
}

/** Characters that change the direction of text or are not seen are shown by their number. */
const text = (raw: string): string =>
  raw.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`).replace(/[^\P{C}\n]|[\p{Zl}\p{Zp}]/gu, (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, "0")}`);

// ---------------------------------------------------------------- the page

const verdicts: readonly Verdict[] = ["fail", "inconclusive", "pass"];
const words: Readonly<Record<Verdict, string>> = { pass: "passed", fail: "failed", inconclusive: "inconclusive" };

export function pageOf(report: Report): string {
  const of = (verdict: Verdict) => report.verdicts.filter((tour) => tour.verdict === verdict);
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<title>${lastLine(report.verdicts)}: ${report.target}</title>
<style>${new Html(style)}</style>
</head>
<body>
${head(report)}
<main>
${found(report)}
${of("fail").map((tour) => inFull(report, tour))}
${inconclusive(report, of("inconclusive"))}
${passed(of("pass"))}
${leftOut(report)}
</main>
</body>
</html>
`.markup;
}

function head({ target, factory, pics, seed, quiescenceMs, begun, ms, verdicts: all, stopped }: Report): Html {
  const counts = verdicts.map((verdict) => ({ verdict, count: all.filter((tour) => tour.verdict === verdict).length }));
  return html`<header>
<h1>Conformance of a CPM Controlling Function</h1>
<dl class="about">
<div><dt>target</dt><dd>${target}</dd></div>
<div><dt>factory</dt><dd>${factory}</dd></div>
<div><dt>PICS</dt><dd>${pics ?? "none: the defaults"}</dd></div>
<div><dt>played</dt><dd>${begun.toISOString().slice(0, 19).replace("T", " ")} UTC, ${(ms / 1000).toFixed(1)} s</dd></div>
<div><dt>seed</dt><dd>${seed}</dd></div>
<div><dt>silence after</dt><dd>${quiescenceMs} ms</dd></div>
</dl>
<div class="counts">${counts.map(({ verdict, count }) => html`<a class="count v-${verdict}${count === 0 && " none"}" href="#${verdict}"><b>${count}</b> ${words[verdict]}</a>`)}</div>
<div class="bar" role="img" aria-label="${lastLine(all)}">${counts.filter(({ count }) => count > 0).map(({ verdict, count }) => html`<i class="v-${verdict}" style="flex:${count}"></i>`)}</div>
${stopped !== undefined && html`<p class="stopped">Stopped early: ${stopped}.</p>`}
</header>`;
}

/** One fault of a server shows in many tours: the table to read first. */
function found({ verdicts: all }: Report): Html | undefined {
  const rows = findings(all);
  if (rows.length === 0) return undefined;
  return html`<section id="fail">
<h2>Findings</h2>
<div class="wide"><table>
<thead><tr><th class="number">tours</th><th>what was found</th><th>clauses of the step</th><th>first seen in</th></tr></thead>
<tbody>${rows.map(({ why, clauses, tours }) => html`<tr><td class="number">${tours.length}</td><td>${why}</td><td>${chips(clauses)}</td><td class="name"><a href="#${anchor(tours[0]!)}">${tours[0]!.id}</a></td></tr>`)}</tbody>
</table></div>
</section>`;
}

const anchor = ({ id }: TourVerdict): string => `tour-${id.replace(/[^\w-]/g, "-")}`;
const chips = (clauses: readonly string[]): Html => html`<span class="clauses">${clauses.map((clause) => html`<span class="clause">${clause}</span> `)}</span>`;

// ---------------------------------------------------------------- one tour in full

function inFull(report: Report, tour: TourVerdict): Html {
  const decisive = decisiveStep(tour);
  const reference = report.references.get(tour.id);
  const columns = columnsOf(tour);
  const steps = tour.steps.map((step, at) => stepOf(tour, step, at, columns, step === decisive?.step, reference));
  const early = steps.slice(0, Math.max(0, (decisive?.number ?? steps.length) - 1 - near));
  return html`<article class="tour" id="${anchor(tour)}">
<h3><span class="verdict v-${tour.verdict}">${tour.verdict}</span> ${tour.id} <small>${tour.title}</small></h3>
<p class="why">${decisive !== undefined && `Step ${decisive.number} of ${tour.steps.length}: `}${whyOf(tour)}</p>
<div class="ladder">
${heads(columns)}
${rungs(columns, linesOfStep(tour, -1))}
${early.length > 0 && html`<details class="fold"><summary>steps 1 to ${early.length}</summary>${early}</details>`}
${steps.slice(early.length)}
</div>
</article>`;
}

/** So many steps before the one that decided are not folded. */
const near = 3;

function stepOf(tour: TourVerdict, step: WireStep, at: number, columns: readonly string[], isDecisive: boolean, reference: TourVerdict | undefined): Html {
  const lines = linesOfStep(tour, at);
  return html`<section class="step${isDecisive && " decisive"}">
<h4><span class="number">${at + 1}</span> ${step.says} ${chips(step.clauses)}${step.verdict !== "pass" && html` <span class="verdict v-${step.verdict}">${step.verdict}</span>`}</h4>
${rungs(columns, lines)}
${isDecisive && sideBySide(tour, step, at, reference)}
</section>`;
}

/** What was expected and what came: as sentences, and as octets. */
function sideBySide(tour: TourVerdict, { expected, observed }: WireStep, at: number, reference: TourVerdict | undefined): Html {
  const target = focusOf(tour);
  const received = linesOfStep(tour, at).filter(({ from }) => from === target);
  const wanted = reference && linesOfStep(reference, at).filter(({ from }) => from === focusOf(reference));
  return html`<div class="pair">
<div class="side"><h5>Expected</h5>${sentences(expected)}</div>
<div class="side"><h5>Observed</h5>${sentences(observed)}</div>
${wanted && html`<div class="side"><h5>Octets, from the specification's own server</h5>${octets(wanted)}</div>`}
<div class="side${wanted === undefined && " alone"}"><h5>Octets, from the server under test</h5>${octets(received)}</div>
</div>`;
}

const sentences = (said: readonly string[]): Html => (said.length === 0 ? html`<p class="nothing">nothing</p>` : html`<ul>${said.map((sentence) => html`<li>${sentence}</li>`)}</ul>`);

const octets = (lines: readonly LadderLine[]): Html =>
  lines.length === 0 ? html`<p class="nothing">nothing came</p>` : html`${lines.map((line) => html`<figure><figcaption>to ${line.to}, ${line.at.toFixed(0)} ms</figcaption>${pre(line)}</figure>`)}`;

const pre = (line: LadderLine): Html => html`<pre>${linesOf(line.octets).join("\n")}</pre>`;

// ---------------------------------------------------------------- the ladder

/** Of everybody in a ladder, the one with whom all others speak. */
function focusOf({ ladder }: TourVerdict): string {
  const counts = new Map<string, number>();
  for (const { from, to } of ladder) for (const one of [from, to]) counts.set(one, (counts.get(one) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? "";
}

/** Who takes part, from left to right: the focus stands second, as in the standards' figures. */
function columnsOf(tour: TourVerdict): string[] {
  const focus = focusOf(tour);
  const others = [...new Set(tour.ladder.flatMap(({ from, to }) => [from, to]))].filter((one) => one !== focus);
  return tour.ladder.length === 0 ? [] : [...others.slice(0, 1), focus, ...others.slice(1)];
}

/** Lifelines stand in the middle of columns of equal width; positions are of a hundred. */
const middle = (columns: readonly string[], index: number): number => ((index + 0.5) / columns.length) * 100;

const heads = (columns: readonly string[]): Html | undefined =>
  columns.length === 0 ? undefined : html`<div class="rung heads"><span class="at">ms</span><span class="lane">${columns.map((name) => html`<span>${name}</span>`)}</span><span></span></div>`;

const rungs = (columns: readonly string[], lines: readonly LadderLine[]): Html => html`${lines.map((line) => rung(columns, line))}`;

function rung(columns: readonly string[], line: LadderLine): Html {
  const [from, to] = [columns.indexOf(line.from), columns.indexOf(line.to)];
  const left = middle(columns, Math.min(from, to));
  const right = middle(columns, Math.max(from, to));
  return html`<details class="rung"><summary><span class="at">${line.at.toFixed(0)}</span><span class="lane">${columns.map((_, index) => html`<i class="life" style="left:${middle(columns, index)}%"></i>`)}<i class="arrow ${from < to ? "right" : "left"}" style="left:${left}%;width:${right - left}%"></i></span><span class="says">${line.says}</span></summary>${pre(line)}</details>`;
}

// ---------------------------------------------------------------- the rest, folded

function inconclusive(report: Report, tours: readonly TourVerdict[]): Html | undefined {
  if (tours.length === 0) return undefined;
  const played = tours.filter(wasPlayed);
  const left = tours.filter((tour) => !wasPlayed(tour));
  return html`<section id="inconclusive">
<h2>Inconclusive</h2>
${played.map((tour) => inFull(report, tour))}
${left.length > 0 && html`<details class="fold"><summary>${left.length} that were not played to their end</summary>${tableOf(left.map((tour) => [tour.id, tour.title, whyOf(tour)]))}</details>`}
</section>`;
}

function passed(tours: readonly TourVerdict[]): Html | undefined {
  if (tours.length === 0) return undefined;
  return html`<section id="pass">
<h2>Passed</h2>
<details class="fold"><summary>${tours.length === 1 ? "1 tour" : `${tours.length} tours`}</summary>
${tours.map((tour) => html`<details class="fold one"><summary>${tour.id} <small>${tour.title}</small></summary><ol>${tour.steps.map(({ says, clauses }) => html`<li>${says} ${chips(clauses)}</li>`)}</ol></details>`)}
</details>
</section>`;
}

function leftOut({ leftOut: items }: Report): Html | undefined {
  if (items.length === 0) return undefined;
  return html`<section>
<h2>Left out</h2>
<p>The tours kept away from what the statement of the server does not have:</p>
<ul>${items.map((item) => html`<li>${item}</li>`)}</ul>
</section>`;
}

const tableOf = (rows: readonly (readonly string[])[]): Html => html`<div class="wide"><table><tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table></div>`;
