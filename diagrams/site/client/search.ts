/** One box for everything that has a name: states, events, clauses, effects, refusals, requirements, purposes, ambiguities, flows, policies. */
import type { Grounds } from "../../../machines/clauses.ts";
import { clauses } from "../../../machines/inspect.ts";
import { pathOf, review } from "./data.ts";
import { h, type Child } from "./element.ts";
import { to, type Route, type View } from "./route.ts";
import { counted, spaced, triggerName } from "./words.ts";

interface Entry {
  readonly kind: string;
  readonly title: string;
  readonly says: string;
  readonly href: string;
  /** In small letters, all that it can be found by. */
  readonly words: string;
}

const entry = (kind: string, title: string, says: string, href: string, ...more: readonly string[]): Entry => ({ kind, title, says, href, words: [kind, title, says, ...more].join(" ").toLowerCase() });
const because = (grounds: Grounds | undefined): string => (grounds === undefined ? "" : "cites" in grounds ? grounds.cites.join(", ") : `${grounds.decides} (${clauses(grounds).join(", ")})`);

let index: readonly Entry[] | undefined;

/** Made when somebody first looks for something. */
const entries = (): readonly Entry[] => (index ??= [
  ...review.machines.flatMap(({ name, says, chart, refusals }) => [
    entry("machine", name, says, to(["machine", name])),
    ...chart.transitions.map(({ rule, from, to: target, trigger, guard, effects, grounds }) =>
      entry(
        "rule",
        `${name} rule ${rule}: ${pathOf(from)}, ${triggerName(trigger)}${guard === undefined ? "" : ` [${spaced(guard)}]`}`,
        [effects.map(spaced).join(", "), target === undefined ? "" : `→ ${pathOf(target)}`, because(grounds)].filter(Boolean).join(" · "),
        to(["machine", name, "rules", rule]),
        guard ?? "",
        ...effects,
      ),
    ),
    ...chart.states.map(({ id, path, grounds }) => entry("state", `${name}: ${path}`, because(grounds), to(["machine", name, "state", id]), id)),
    ...[...new Set(chart.transitions.flatMap(({ trigger }) => (trigger.kind === "event" ? [trigger.event] : [])))].map((event) => entry("event", event, `what follows it in ${name}`, to(["event", name, event]))),
    ...Object.entries(refusals).map(([event, { answer, grounds }]) => entry("refusal", `${event} that no rule of ${name} takes: ${answer}`, because(grounds), to(["event", name, event]))),
  ]),
  ...[...review.text.change1, ...review.text.change2].map(({ quote, asks, clause }) => entry("text", quote, asks, to([]), clause)),
  ...review.clauses.map(({ clause, title }) => entry("clause", clause, title, to(["clauses", clause]))),
  ...review.requirements.map(({ item, function: does, reference, status }) => entry("requirement", item, `${does} · ${reference} · ${status}`, to(["requirements", item]))),
  ...review.ambiguities.map(({ id, open, chosen, clauses: beside }) => entry("ambiguity", open, chosen, to(["ambiguities", id]), ...beside)),
  ...review.policies.map(({ name, means, grounds }) => entry("policy", spaced(name), `${means} · ${because(grounds)}`, to(["policy", name]), name)),
  ...review.flows.map(({ id, title, number, prose }) => entry("flow", `${title}, ${number}`, prose.slice(0, 160), to(["flow", id]), id)),
  ...review.purposes.map(({ id, title }) => entry("purpose", id, title, to(["purposes", id]))),
  ...review.changes.map(({ id, title, says }) => entry("change", title, says, to(["changes", id]))),
]);

const literally = (word: string): string => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** What all words of the question are in; what has them whole first, and in its title before all. */
function found(question: string): Entry[] {
  const words = question.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const isWhole = (text: string) => words.every((word) => new RegExp(`(?<![\\p{L}\\p{N}])${literally(word)}(?![\\p{L}\\p{N}])`, "u").test(text));
  const rank = ({ title, words: all }: Entry): number => {
    const low = title.toLowerCase();
    if (low === question.toLowerCase()) return 0;
    return isWhole(low) ? 1 : isWhole(all) ? 2 : words.every((word) => low.includes(word)) ? 3 : 4;
  };
  const hits = entries().filter((each) => words.every((word) => each.words.includes(word)));
  return hits.map((hit, place) => ({ hit, place, rank: rank(hit) })).sort((a, b) => a.rank - b.rank || a.place - b.place).map(({ hit }) => hit);
}

/** How many of a kind are shown before one asks for all. */
const most = 12;

export function searchPage({ query }: Route): View {
  const question = query.get("q") ?? "";
  const hits = found(question);
  const kinds = [...new Set(hits.map(({ kind }) => kind))];
  return {
    title: question === "" ? "Search" : `Search: ${question}`,
    content: [
      h("h1", { tabindex: -1 }, question === "" ? "Search" : `What speaks of “${question}”`),
      h("p", { class: "lead" }, question === "" ? "A state, an event, a clause, an effect, a requirement, a number: type it into the box." : `${counted(hits.length, "result")}.`),
      kinds.map((kind) => {
        const own = hits.filter((hit) => hit.kind === kind);
        return h("section", { class: "hits" }, h("h2", {}, plural(kind), h("small", { class: "quiet" }, ` ${own.length}`)), results(own.slice(0, most), question), own.length > most && h("details", {}, h("summary", {}, `${own.length - most} more`), results(own.slice(most), question)));
      }),
    ],
  };
}

const plural = (kind: string) => ({ text: "The text", policy: "Policies", ambiguity: "Ambiguities" })[kind] ?? `${kind[0]!.toUpperCase()}${kind.slice(1)}s`;

const results = (hits: readonly Entry[], question: string): HTMLElement => h("ul", { class: "results" }, hits.map(({ title, says, href }) => h("li", {}, h("a", { href }, marked(title, question)), says !== "" && h("p", {}, marked(says, question)))));

/** The words of the question stand out. */
function marked(text: string, question: string): Child {
  const words = question.split(/\s+/).filter(Boolean).map(literally);
  if (words.length === 0) return text;
  return text.split(new RegExp(`(${words.join("|")})`, "gi")).map((piece, at) => (at % 2 === 1 ? h("mark", {}, piece) : piece));
}
