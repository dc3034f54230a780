/** The text, the requirements, the test purposes and the ambiguities as documents: Markdown to read, and tables for spreadsheets. */
import { csv } from "./csv.ts";
import { plainTable } from "./markdown.ts";
import type { AmbiguityReview, PurposeReview, RequirementReview, Review, SentenceReview, Shown, Tests, WireTest } from "./review-shape.ts";

/** Every document, by the name of its file. */
export function documents({ text, requirements, purposes, ambiguities, machines }: Review): ReadonlyMap<string, string> {
  const named = namesOf(machines);
  return new Map([
    ["text.md", textPage(text, named)],
    ["requirements.md", requirementsPage(requirements, named)],
    ["requirements.csv", requirementsTable(requirements, named)],
    ["purposes.csv", purposesTable(purposes)],
    ["ambiguities.md", ambiguitiesPage(ambiguities, named)],
    ["ambiguities.csv", ambiguitiesTable(ambiguities, named)],
  ]);
}

// ---------------------------------------------------------------- words

type Named = (shown: Shown) => string;

/** A place as a reader finds it: a rule by its number in its picture, with the name that it has there. */
function namesOf(machines: Review["machines"]): Named {
  const rules = new Map(machines.map(({ name, rules }) => [name, rules]));
  return (shown) => {
    switch (shown.what) {
      case "state":
        return shown.state;
      case "rule":
        return `${rules.get(shown.machine)![shown.rule - 1]!.name} (rule ${shown.rule})`;
      case "policy":
        return `policy ${shown.policy}`;
      case "refusal":
        return `refusal of ${shown.event}`;
    }
  };
}

const counted = (count: number, one: string, more = `${one}s`) => (count === 0 ? [] : [`${count.toLocaleString("en")} ${count === 1 ? one : more}`]);
const wireWord = ({ file, title }: WireTest) => `${file}: ${title}`;

/** What shows it, in a few words. */
const testWords = ({ tours, wireTours, wire, flows }: Tests): string =>
  [...counted(tours, "tour"), ...counted(wireTours, "tour on the wire", "tours on the wire"), ...counted(wire.length, "test on the wire", "tests on the wire"), ...flows].join(", ") || "none";

// ---------------------------------------------------------------- the text

function textPage({ change1, change2 }: Review["text"], named: Named): string {
  return [
    "# The change request, sentence by sentence",
    "",
    "What each sentence asks, in our words, and what it became. A few words of the original stand first, to find it by.",
    "",
    "## Change 1: section 9.3.1",
    "",
    ...change1.flatMap((each) => sentenceLines(each, named)),
    "## Change 2: section 4.2",
    "",
    ...change2.flatMap((each) => sentenceLines(each, named)),
  ].join("\n");
}

function sentenceLines({ id, depth, quote, asks, status, why, shows, tests, ambiguities, requirements }: SentenceReview, named: Named): string[] {
  return [
    `${"#".repeat(3 + depth)} ${id} “… ${quote} …”`,
    "",
    `${asks.charAt(0).toUpperCase()}${asks.slice(1)}.`,
    "",
    ...(status === "heading" ? [] : [
      `- **${status}**${why === undefined ? "" : `: ${why}`}`,
      ...(shows.length === 0 ? [] : ["- shows in:", ...shows.map((shown) => `  - ${code(named(shown))}`)]),
      `- tests: ${testWords(tests)}`,
      ...tests.wire.map((test) => `  - ${wireWord(test)}`),
      ...(requirements.length === 0 ? [] : [`- requirements: ${requirements.join(", ")}`]),
      ...(ambiguities.length === 0 ? [] : [`- can be read in more than one way: ${ambiguities.join(", ")}`]),
      "",
    ]),
  ];
}

const code = (text: string) => `\`${text}\``;

// ---------------------------------------------------------------- the requirements

const tested = ({ tests, untested }: RequirementReview) => (untested ? "**no test**" : testWords(tests));

function requirementsPage(requirements: readonly RequirementReview[], named: Named): string {
  const untested = requirements.filter((each) => each.untested);
  return [
    "# Static conformance requirements",
    "",
    "M is mandatory, O optional: an enhancement, what holds only where something else is supported, or what we ask beside the change request.",
    `Of ${requirements.length} items ${requirements.length - untested.length} are tested; ${untested.length} are not: ${untested.map(({ item }) => item).join(", ")}.`,
    "",
    ...plainTable(
      ["Item", "Function", "Reference", "Status", "Requirement", "Shown by"],
      requirements.map((each) => [each.item, each.function, each.reference, each.status, each.needs.join(" AND "), tested(each)]),
    ),
    "",
    ...requirements.flatMap((each) => [
      `## ${each.item}`,
      "",
      `${each.function} — ${each.reference}, ${each.from}.`,
      "",
      `- **${each.is}**${each.why === undefined ? "" : `: ${each.why}`}`,
      ...each.shows.map((shown) => `- ${code(named(shown))}`),
      ...each.tests.wire.map((test) => `- ${wireWord(test)}`),
      ...each.tests.flows.map((flow) => `- ${flow}`),
      ...(each.untested ? ["- **no test**"] : []),
      "",
    ]),
  ].join("\n");
}

const requirementsTable = (requirements: readonly RequirementReview[], named: Named): string =>
  csv([
    ["Item", "Function", "Reference", "Status", "Requirement", "From", "Is", "Because", "Shows in", "Tours", "Tours on the wire", "Tests on the wire", "Flows", "Tested"],
    ...requirements.map((each) => [
      each.item,
      each.function,
      each.reference,
      each.status,
      each.needs.join(" AND "),
      each.from,
      each.is,
      each.why ?? "",
      each.shows.map(named).join("; "),
      String(each.tests.tours),
      String(each.tests.wireTours),
      each.tests.wire.map(wireWord).join("; "),
      each.tests.flows.join("; "),
      each.untested ? "no" : "yes",
    ]),
  ]);

const purposesTable = (purposes: readonly PurposeReview[]): string =>
  csv([
    ["Id", "Title", "Machine", "Rule", "Reference", "Requirement", "Tour", "Given", "Preamble", "Steps", "Expected", "Verdict", "Tour on the wire", "Tests on the wire"],
    ...purposes.map((each) => [
      each.id,
      each.title,
      each.machine,
      String(each.rule),
      each.references.join(", "),
      each.requirements.join(", "),
      each.tour,
      each.given,
      each.preamble.map((line, index) => `${index + 1}. ${line}`).join("\n"),
      each.steps.join("\n"),
      each.expected.join("\n"),
      each.verdict,
      each.wireTour ?? "none: no peer can cause it",
      String(each.wireTests.length),
    ]),
  ]);

// ---------------------------------------------------------------- the ambiguities

const kinds: { readonly [K in AmbiguityReview["kind"]]: { readonly heading: string; readonly says: string } } = {
  text: { heading: "What the change request leaves open, and a machine decides", says: "Each with the readings, and the one that we chose." },
  question: { heading: "What it leaves open, and no machine decides", says: "Each with who decides it instead, or when it will be." },
  decision: { heading: "What no clause says, and we decided", says: "Each beside the clauses that are silent, with the places that it grounds." },
};

function ambiguitiesPage(ambiguities: readonly AmbiguityReview[], named: Named): string {
  return [
    "# Ambiguities and decisions",
    "",
    ...(Object.keys(kinds) as AmbiguityReview["kind"][]).flatMap((kind) => {
      const of = ambiguities.filter((each) => each.kind === kind);
      return [`## ${kinds[kind].heading}`, "", `${kinds[kind].says} There are ${of.length}.`, "", ...of.flatMap((each) => ambiguityLines(each, named))];
    }),
  ].join("\n");
}

const ambiguityLines = ({ id, clauses, questions, open, options, chosen, why, shows }: AmbiguityReview, named: Named): string[] => [
  `### ${id} ${open}`,
  "",
  `- beside ${clauses.join(", ")}`,
  ...questions.map((question) => `- asked: ${question.says} (${question.id})`),
  ...(options.length === 0 ? [] : [`- could be: ${options.join(" · ")}`]),
  `- **${chosen}**`,
  ...(why === undefined ? [] : [`- ${why}`]),
  ...shows.map((shown) => `- ${code(named(shown))}`),
  "",
];

const ambiguitiesTable = (ambiguities: readonly AmbiguityReview[], named: Named): string =>
  csv([
    ["Id", "Kind", "Beside", "Open", "Options", "Chosen", "Because", "Questions", "Shows in"],
    ...ambiguities.map((each) => [each.id, each.kind, each.clauses.join(", "), each.open, each.options.join("; "), each.chosen, each.why ?? "", each.questions.map(({ id }) => id).join(", "), each.shows.map(named).join("; ")]),
  ]);
