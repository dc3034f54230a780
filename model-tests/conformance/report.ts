/** What a run found, as the report says it: the same for people, pages and machines. */
import type { LadderLine, TourVerdict, WireStep } from "../roleplay/verdict.ts";

export interface Report {
  readonly target: string;
  readonly factory: string;
  /** The file; undefined: the defaults. */
  readonly pics: string | undefined;
  readonly steps: number;
  readonly seed: number;
  readonly quiescenceMs: number;
  readonly begun: Date;
  readonly ms: number;
  readonly verdicts: readonly TourVerdict[];
  /** What the tours kept away from: items of the statement. */
  readonly leftOut: readonly string[];
  /** Why tours were not played, if there are such. */
  readonly stopped: string | undefined;
  /** Failed tours as the specification's own server plays them, by their id. */
  readonly references: ReadonlyMap<string, TourVerdict>;
}

/** The step at which a tour came to its verdict, and its number from 1; undefined for a tour that failed before its first. */
export function decisiveStep({ steps, verdict }: TourVerdict): { readonly step: WireStep; readonly number: number } | undefined {
  const at = steps.findIndex((step) => step.verdict === verdict);
  return verdict === "pass" || at < 0 ? undefined : { step: steps[at]!, number: at + 1 };
}

/** Why a tour did not pass, in one line. */
export function whyOf(tour: TourVerdict): string {
  return decisiveStep(tour)?.step.why ?? tour.why ?? "it does not say";
}

/** Something passed between it and the server. */
export const wasPlayed = ({ ladder, steps }: TourVerdict): boolean => ladder.length > 0 || steps.length > 0;

export interface Finding {
  readonly why: string;
  /** Those of every step that shows it. */
  readonly clauses: readonly string[];
  readonly tours: readonly TourVerdict[];
}

/** Failed tours by what they found: one fault of a server shows in many. Those that show most stand first. */
export function findings(verdicts: readonly TourVerdict[]): Finding[] {
  const found = new Map<string, { why: string; clauses: readonly string[]; tours: TourVerdict[] }>();
  for (const tour of verdicts.filter(({ verdict }) => verdict === "fail")) {
    const clauses = decisiveStep(tour)?.step.clauses ?? [];
    const why = whyOf(tour);
    const finding = found.get(alike(tour, why)) ?? { why, clauses, tours: [] };
    finding.tours.push(tour);
    finding.clauses = finding.clauses.filter((clause) => clauses.includes(clause));
    found.set(alike(tour, why), finding);
  }
  return [...found.values()].sort((a, b) => b.tours.length - a.tours.length);
}

/** Without what differs from tour to tour: who it was, identifiers and numbers. */
function alike({ ladder }: TourVerdict, why: string): string {
  const names = new Set(ladder.flatMap(({ from, to }) => [from, to]));
  return why.replace(/[\w-]+/g, (word) => (names.has(word) || /^[0-9a-f]{6,}$/i.test(word) || /^\d{4,}$/.test(word) ? "#" : word));
}

/** What passed while a step was under way. */
export const linesOfStep = ({ ladder }: TourVerdict, at: number): LadderLine[] => ladder.filter(({ step }) => step === at);

/** The last line of the run and of its report. */
export function lastLine(verdicts: readonly TourVerdict[]): string {
  const count = (wanted: TourVerdict["verdict"]) => verdicts.filter(({ verdict }) => verdict === wanted).length;
  return `${count("pass")} passed, ${count("fail")} failed, ${count("inconclusive")} inconclusive`;
}
