/** The report as plain text: the counts, what was found, and each failure in ten lines. */
import { escape } from "../../runtime/client/ladder.ts";
import type { TourVerdict, WireStep } from "../roleplay/verdict.ts";
import { decisiveStep, findings, lastLine, wasPlayed, whyOf, type Report } from "./report.ts";

const width = 150;
/** Expected and observed are shown up to here; the page has them whole. */
const most = 3;

export function textOf(report: Report): string {
  const { target, factory, pics, seed, quiescenceMs, begun, ms, verdicts, leftOut, stopped } = report;
  const bad = verdicts.filter(({ verdict }) => verdict !== "pass");
  const found = findings(verdicts);
  return [
    "Conformance of a CPM Controlling Function",
    "",
    `target   ${escape(target)}, factory ${escape(factory)}`,
    `PICS     ${escape(pics ?? "none: the defaults")}`,
    `played   ${begun.toISOString()}, ${(ms / 1000).toFixed(1)} s, seed ${seed}, silence after ${quiescenceMs} ms`,
    ...leftOut.map((item, index) => `${index === 0 ? "left out" : "        "} ${item}`),
    ...(stopped === undefined ? [] : [`STOPPED  ${escape(stopped, 300)}`]),
    "",
    ...(found.length === 0 ? [] : ["Findings, with the tours that show each", "", ...found.map(({ why, clauses, tours }) => `${String(tours.length).padStart(5)}  ${escape(why, width)}${listed(clauses)}`), ""]),
    ...bad.filter(wasPlayed).flatMap((tour) => [...failureText(report, tour), ""]),
    ...notPlayed(bad),
    lastLine(verdicts),
    "",
  ].join("\n");
}

const counted = (tours: number): string => `${tours} ${tours === 1 ? "tour" : "tours"}`;
const listed = (clauses: readonly string[]): string => (clauses.length === 0 ? "" : ` [${clauses.join(", ")}]`);

function notPlayed(bad: readonly TourVerdict[]): string[] {
  const left = bad.filter((tour) => !wasPlayed(tour));
  return left.length === 0 ? [] : [`${counted(left.length)} not played to the end, the first ${escape(left[0]!.id)}: ${escape(whyOf(left[0]!), 300)}`, ""];
}

/** One tour that did not pass, in ten lines at most. */
export function failureText({ target, factory, pics, steps, seed }: Report, tour: TourVerdict): string[] {
  const decisive = decisiveStep(tour);
  const again = `--target '${target}' --factory ${factory}${pics === undefined ? "" : ` --pics ${pics}`} --steps ${steps} --seed ${seed} --only '${tour.id}'`;
  return [
    `${tour.verdict.toUpperCase()} ${escape(tour.id)}: ${escape(tour.title, width)}`,
    ...(decisive === undefined ? [`  ${escape(whyOf(tour), width)}`] : stepText(tour, decisive.step, decisive.number)),
    `  again     npm run conformance -- ${escape(again, 400)}`,
  ];
}

/** At most eight. */
function stepText({ steps }: TourVerdict, { says, why, clauses, expected, observed }: WireStep, number: number): string[] {
  return [
    `  step ${number} of ${steps.length}: ${escape(says, width)}${listed(clauses)}`,
    ...(why === undefined ? [] : [`  because   ${escape(why, width)}`]),
    ...labelled("expected", expected.length === 0 ? ["nothing"] : expected),
    ...labelled("observed", observed.length === 0 ? ["nothing"] : observed),
  ];
}

function labelled(label: string, lines: readonly string[]): string[] {
  const shown = lines.length > most ? [...lines.slice(0, most - 1), `… and ${lines.length - most + 1} more`] : lines;
  return shown.map((line, index) => `  ${(index === 0 ? label : "").padEnd(10)}${escape(line, width)}`);
}
