/** Every reachable leaf state against every event, as a page of Markdown that also reads as text. */
import { clauses } from "../../machines/inspect.ts";
import { refusals, type Refusal } from "../../machines/refusals.ts";
import type { Statechart, State } from "../charts/graph.ts";
import { table } from "./markdown.ts";
import type { MatrixCell, MatrixOutcome, MatrixReview } from "./review-shape.ts";
import { answer } from "./survey.ts";

export function matrix(chart: Statechart, surveyed: MatrixReview): string {
  const page = new Page(chart, surveyed);
  return [
    `# ${chart.name}: every state, every event`,
    "",
    `What each event does in each leaf state, everywhere that the machine gets to in its world (\`machines/worlds.ts\`). Numbers in parentheses are the rules of [the picture](${chart.name}.svg).`,
    "",
    ...key,
    "",
    ...page.grid(),
    "",
    ...page.unreached(),
    ...page.states(),
    ...page.refused(),
  ].join("\n");
}

/** What a cell of the grid shows, in the order in which it shows them. */
const signs = { leads: "→", stays: "=", ignored: "○", elsewhere: "·", lapses: "×" } as const;
const hole = "?";

const key = [
  "    →   leads to another state",
  "    =   is answered or noted, and the state stays",
  "    ○   is ignored, on purpose",
  "    ·   belongs to another region, and this one stays",
  "    ×   lapses: a timer runs out, and no guard holds",
  "    481 is refused by SIP; m481 by MSRP; – by silence, for nobody waits for an answer",
  "    ?   a hole: the world has no such event",
  "    (nothing) the timer does not run",
];

class Page {
  readonly #matrix: MatrixReview;
  readonly #leaves: readonly State[];
  readonly #missed: readonly State[];
  readonly #paths: ReadonlyMap<string, string>;

  constructor(chart: Statechart, matrix: MatrixReview) {
    const leaves = chart.states.filter(({ children }) => children.length === 0);
    this.#matrix = matrix;
    this.#leaves = leaves.filter(({ id }) => matrix.leaves.includes(id));
    this.#missed = leaves.filter(({ id }) => matrix.unreached.includes(id));
    this.#paths = new Map(chart.states.map(({ id, path }) => [id, path]));
  }

  grid(): string[] {
    const legend = this.#leaves.map(({ path }, index) => `${column(index)} \`${path}\``).join(" · ");
    const rows = this.#matrix.events.map((event) => [`\`${event}\``, ...this.#leaves.map((leaf) => this.#cell(leaf, event))]);
    return [legend, "", ...table(["", ...this.#leaves.map((_, index) => column(index))], rows)];
  }

  unreached(): string[] {
    return this.#missed.length === 0 ? [] : [`Not reached in this world: ${this.#missed.map(({ path }) => `\`${path}\``).join(", ")}.`, ""];
  }

  states(): string[] {
    return this.#leaves.flatMap((leaf, index) => [`## ${column(index)} \`${leaf.path}\``, "", ...this.#handled(leaf), ...this.#refusedIn(leaf)]);
  }

  /** What refusals.ts answers wherever the grid says so. */
  refused(): string[] {
    const events = this.#matrix.events.filter((event) => this.#leaves.some((leaf) => this.#cellOf(leaf, event).outcomes.some(isRefused)));
    if (events.length === 0) return [];
    const rows = events.map((event) => {
      const refusal = refusals[event as keyof typeof refusals];
      return [`\`${event}\``, answer(refusal), because(refusal)];
    });
    return ["## Refusals", "", ...table(["event", "answer", "because"], rows), ""];
  }

  #cellOf = ({ id }: State, event: string): MatrixCell => this.#matrix.cells[this.#matrix.leaves.indexOf(id)]![this.#matrix.events.indexOf(event)]!;

  #cell(leaf: State, event: string): string {
    const { is, outcomes } = this.#cellOf(leaf, event);
    if (is !== "met") return is === "hole" ? hole : "";
    const shown = Object.entries(signs).flatMap(([kind, sign]) => (outcomes.some((outcome) => outcome.kind === kind) ? [sign] : []));
    const codes = outcomes.filter(isRefused).map(() => code(refusals[event as keyof typeof refusals]));
    return [shown.join(""), ...new Set(codes)].filter(Boolean).join(" ");
  }

  #handled(leaf: State): string[] {
    const rows = this.#matrix.events.flatMap((event) => {
      const outcomes = this.#cellOf(leaf, event).outcomes;
      return outcomes.every(isRefused) ? [] : [[`\`${event}\``, this.#told(outcomes)]];
    });
    return rows.length === 0 ? [] : [...table(["event", "what happens"], rows), ""];
  }

  #refusedIn(leaf: State): string[] {
    const events = new Map<string, string[]>();
    for (const event of this.#matrix.events) {
      const outcomes = this.#cellOf(leaf, event).outcomes;
      const [first] = outcomes;
      if (!first || !isRefused(first) || !outcomes.every(isRefused)) continue;
      events.set(first.answer, [...(events.get(first.answer) ?? []), event]);
    }
    return events.size === 0 ? [] : [...[...events].map(([said, refused]) => `- refused, ${said}: ${refused.map((event) => `\`${event}\``).join(", ")}`), ""];
  }

  /** One phrase for each thing that can come of it, with the rules by which it does. */
  #told(outcomes: readonly MatrixOutcome[]): string {
    const phrases = new Map<string, Set<number>>();
    for (const outcome of outcomes) {
      const phrase = this.#phrase(outcome);
      const rules = "rules" in outcome ? outcome.rules : [];
      phrases.set(phrase, new Set([...(phrases.get(phrase) ?? []), ...rules]));
    }
    const ordered = [...phrases].map(([phrase, rules]) => ({ phrase, rules: [...rules].sort((one, other) => one - other) }));
    ordered.sort((one, other) => (one.rules[0] ?? Infinity) - (other.rules[0] ?? Infinity));
    return ordered.map(({ phrase, rules }) => (rules.length > 0 ? `${phrase} (${rules.join(", ")})` : phrase)).join("; ");
  }

  #phrase(outcome: MatrixOutcome): string {
    switch (outcome.kind) {
      case "leads":
        return `→ ${outcome.to.map((id) => `\`${this.#paths.get(id)}\``).join(" + ")}${outcome.carried ? ", carried along" : ""}`;
      case "stays":
        return "stays";
      case "ignored":
        return "ignored";
      case "elsewhere":
        return "another region's";
      case "lapses":
        return "lapses";
      case "refused":
        return `refused, ${outcome.answer}`;
    }
  }
}

const isRefused = (outcome: MatrixOutcome): outcome is Extract<MatrixOutcome, { kind: "refused" }> => outcome.kind === "refused";

const column = (index: number) => `s${index + 1}`;

function code(refusal: Refusal): string {
  switch (refusal.protocol) {
    case "sip":
      return String(refusal.status);
    case "msrp":
      return `m${refusal.status}`;
    case "silence":
      return "–";
  }
}

function because({ grounds }: Refusal): string {
  const named = clauses(grounds).join(", ");
  return "cites" in grounds ? named : `*${grounds.decides}* (decided, beside ${named})`;
}
