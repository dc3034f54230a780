/** Every reachable leaf state against every event, as a page of Markdown that also reads as text. */
import { clauses } from "../machines/inspect.ts";
import { refusals, type Refusal } from "../machines/refusals.ts";
import type { Statechart, State } from "./graph.ts";
import type { Outcome, Survey } from "./survey.ts";

export function matrix(chart: Statechart, survey: Survey): string {
  const page = new Page(chart, survey);
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
  readonly #survey: Survey;
  readonly #leaves: readonly State[];
  readonly #missed: readonly State[];
  readonly #paths: ReadonlyMap<string, string>;

  constructor(chart: Statechart, survey: Survey) {
    const leaves = chart.states.filter(({ children }) => children.length === 0);
    this.#survey = survey;
    this.#leaves = leaves.filter(({ id }) => survey.leaves.has(id));
    this.#missed = leaves.filter(({ id }) => !survey.leaves.has(id));
    this.#paths = new Map(chart.states.map(({ id, path }) => [id, path]));
  }

  grid(): string[] {
    const legend = this.#leaves.map(({ path }, index) => `${column(index)} \`${path}\``).join(" · ");
    const rows = this.#survey.events.map((event) => [`\`${event}\``, ...this.#leaves.map((leaf) => this.#cell(leaf, event))]);
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
    const events = this.#survey.events.filter((event) => this.#leaves.some((leaf) => this.#survey.outcomes(leaf.id, event).some(isRefused)));
    if (events.length === 0) return [];
    const rows = events.map((event) => {
      const refusal = refusals[event as keyof typeof refusals];
      return [`\`${event}\``, answer(refusal), because(refusal)];
    });
    return ["## Refusals", "", ...table(["event", "answer", "because"], rows), ""];
  }

  #cell(leaf: State, event: string): string {
    const outcomes = this.#survey.outcomes(leaf.id, event);
    if (outcomes.length === 0) return event.startsWith("after ") ? "" : hole;
    const shown = Object.entries(signs).flatMap(([kind, sign]) => (outcomes.some((outcome) => outcome.kind === kind) ? [sign] : []));
    const codes = outcomes.filter(isRefused).map(({ refusal }) => code(refusal));
    return [shown.join(""), ...new Set(codes)].filter(Boolean).join(" ");
  }

  #handled(leaf: State): string[] {
    const rows = this.#survey.events.flatMap((event) => {
      const outcomes = this.#survey.outcomes(leaf.id, event);
      return outcomes.every(isRefused) ? [] : [[`\`${event}\``, this.#told(outcomes)]];
    });
    return rows.length === 0 ? [] : [...table(["event", "what happens"], rows), ""];
  }

  #refusedIn(leaf: State): string[] {
    const events = new Map<string, string[]>();
    for (const event of this.#survey.events) {
      const outcomes = this.#survey.outcomes(leaf.id, event);
      const [first] = outcomes;
      if (!first || !isRefused(first) || !outcomes.every(isRefused)) continue;
      const said = answer(first.refusal);
      events.set(said, [...(events.get(said) ?? []), event]);
    }
    return events.size === 0 ? [] : [...[...events].map(([said, refused]) => `- refused, ${said}: ${refused.map((event) => `\`${event}\``).join(", ")}`), ""];
  }

  /** One phrase for each thing that can come of it, with the rules by which it does. */
  #told(outcomes: readonly Outcome[]): string {
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

  #phrase(outcome: Outcome): string {
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
        return `refused, ${answer(outcome.refusal)}`;
    }
  }
}

const isRefused = (outcome: Outcome): outcome is Extract<Outcome, { kind: "refused" }> => outcome.kind === "refused";

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

function answer(refusal: Refusal): string {
  switch (refusal.protocol) {
    case "sip":
      return `SIP ${refusal.status}${refusal.warning ? ` ${refusal.warning}` : ""}`;
    case "msrp":
      return `MSRP ${refusal.status}`;
    case "silence":
      return "silence";
  }
}

function because({ grounds }: Refusal): string {
  const named = clauses(grounds).join(", ");
  return "cites" in grounds ? named : `*${grounds.decides}* (decided, beside ${named})`;
}

/** A table of Markdown whose columns also stand below each other as text. */
function table(heading: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = heading.map((name, index) => Math.max(3, ...[name, ...rows.map((row) => row[index]!)].map((cell) => [...cell].length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, index) => cell + " ".repeat(widths[index]! - [...cell].length)).join(" | ")} |`;
  return [line(heading), `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...rows.map(line)];
}
