/** The pages that are read: the text, the figures, the lists. */
import type { AmbiguityReview, ClauseReview, MatrixCell, MatrixOutcome, RequirementReview, SentenceReview } from "../../review/review-shape.ts";
import { chartAlone, ChartView, cropped } from "./chart-view.ts";
import { ambiguityOf, machineOf, pathOf, review } from "./data.ts";
import { append, h, list, picture, table, type Child } from "./element.ts";
import { questions } from "./questions.ts";
import { to, type Route, type View } from "./route.ts";
import { ambiguityLink, clauseLink, counted, flowLink, groundsText, machineLink, part, requirementLink, ruleLink, shownLink, stateLink, testsText, tourLink, wireList } from "./words.ts";

const heading = (title: string, lead?: Child): Child => [h("h1", { tabindex: -1 }, title), lead !== undefined && h("p", { class: "lead" }, lead)];
const pill = (says: string) => h("span", { class: `pill ${says.replaceAll(" ", "-")}` }, says);
const joined = (items: readonly Child[], by = ", "): Child => items.map((item, index) => [index > 0 && by, item]);

// ---------------------------------------------------------------- the text

export function textPage(): View {
  const { change1, change2 } = review.text;
  return {
    title: "The text",
    content: [
      heading("The change request, and what became of it", "Section 9.3.1 phrase by phrase and every line of section 4.2, beside the states, rules and policies that show it, the tests that hold it, and what it leaves open."),
      h("section", { class: "ask", "aria-labelledby": "ask" }, h("h2", { id: "ask" }, "Ask"), list(questions.map(({ asks, href }) => h("a", { href }, asks)))),
      h("h2", { id: "change-1" }, "Change 1: section 9.3.1, CPM File Transfer in Group Session Handling"),
      h("ol", { class: "sentences" }, change1.map(sentence)),
      h("h2", { id: "change-2" }, "Change 2: section 4.2, the list of version 2.0"),
      h("ol", { class: "sentences lines" }, change2.map(sentence)),
    ],
  };
}

function sentence({ id, clause, quote, asks, status, why, shows, tests, ambiguities, requirements }: SentenceReview): HTMLElement {
  return h(
    "li",
    { id: `sentence-${id}`, class: "sentence" },
    h("div", { class: "said" }, h("blockquote", {}, quote), h("p", {}, asks), h("p", { class: "meta" }, clauseLink(clause), " ", pill(status))),
    h(
      "div",
      { class: "became" },
      why !== undefined && h("p", {}, why),
      list(shows.map(shownLink), { class: "bare" }),
      shows.length > 0 && h("p", { class: "meta" }, "Shown by ", testsText(tests), tests.flows.length > 0 && [": ", joined(tests.flows.map(flowLink), "; ")]),
      ambiguities.length > 0 && h("details", {}, h("summary", {}, counted(ambiguities.length, "ambiguity", "ambiguities")), list(ambiguities.map(ambiguityLink))),
      requirements.length > 0 && h("details", {}, h("summary", {}, counted(requirements.length, "requirement")), list(requirements.map(requirementLink))),
    ),
  );
}

// ---------------------------------------------------------------- overview

export function overviewPage(): View {
  return {
    title: "Overview",
    content: [
      heading("Overview", "The machines of the specification, in the order in which to read them, and the evidence for each."),
      h(
        "ul",
        { class: "cards" },
        review.machines.map(({ name, says, chart, tours, pictures }) =>
          h(
            "li",
            { class: "card" },
            pictures[0] && h("a", { href: to(["machine", name]), class: "thumbnail", tabindex: -1, "aria-hidden": "true" }, thumbnail(pictures[0].svg)),
            h("h2", {}, machineLink(name)),
            h("p", {}, says),
            h("p", { class: "meta" }, `${counted(chart.states.length, "state")} · ${counted(chart.transitions.length, "rule")} · ${counted(tours.length, "tour")}`),
          ),
        ),
      ),
      h("h2", {}, "The figures"),
      table("The evidence for each machine", review.figures.head, review.figures.rows, { class: "figures" }),
    ],
  };
}

/** The boxes and arrows alone: the words could not be read. */
function thumbnail(svg: string): SVGSVGElement {
  const drawing = picture(svg);
  const chart = drawing.querySelector("[data-state]")?.parentElement;
  for (const each of [...drawing.children]) if (each !== (chart as unknown) && each.tagName !== "style") each.remove();
  for (const each of drawing.querySelectorAll("text, .label, .told, .inside")) each.remove();
  for (const each of [drawing, ...drawing.querySelectorAll("[role]")]) for (const name of ["role", "aria-label"]) each.removeAttribute(name);
  return cropped(drawing);
}

// ---------------------------------------------------------------- matrix

export function matrixPage({ path: [, name = review.machines[0]!.name] }: Route): View | undefined {
  const machine = machineOf(name);
  if (machine === undefined) return undefined;
  const { events, leaves, cells, unreached, holes } = machine.matrix;
  return {
    title: `Matrix of ${name}`,
    content: [
      heading(`Every state, every event: ${name}`, "What each event does in each state that has no states below it, everywhere that the machine gets to in its world."),
      h("nav", { class: "views", "aria-label": "Matrices" }, review.machines.map((each) => h("a", { href: to(["matrix", each.name]), "aria-current": each.name === name && "page" }, each.name))),
      h("p", { class: "key" }, Object.entries(signs).map(([kind, [sign, says]]) => h("span", { class: `key-${kind}` }, h("b", {}, sign), ` ${says}`)), h("span", { class: "key-hole" }, h("b", {}, "?"), ` a hole: the world never has it there (${holes})`)),
      table(`Matrix of ${name}`, ["event", ...leaves.map(stateLink)], events.map((event, row) => [h("code", {}, event), ...leaves.map((leaf, column) => cell(machine.name, leaf, event, cells[column]![row]!))]), { class: "matrix" }),
      unreached.length > 0 && h("p", { class: "quiet" }, "Not reached in this world: ", joined(unreached.map(stateLink)), "."),
      h("h2", {}, "Refusals"),
      table("Refusals", ["event", "answer", "because"], Object.entries(machine.refusals).map(([event, { answer, grounds }]) => [h("code", {}, event), answer, groundsText(grounds)])),
    ],
  };
}

const signs: { readonly [K in MatrixOutcome["kind"]]: readonly [string, string] } = {
  leads: ["→", "leads elsewhere"],
  stays: ["=", "is answered or noted, the state stays"],
  ignored: ["○", "is ignored, on purpose"],
  elsewhere: ["·", "belongs to another region"],
  lapses: ["×", "a timer runs out, no guard holds"],
  refused: ["404", "is refused with this answer; – by silence"],
};

function cell(machine: string, leaf: string, event: string, { is, outcomes }: MatrixCell): Child {
  if (is === "stopped") return "";
  if (is === "hole") return h("span", { class: "hole", title: "the world never has it there" }, "?");
  const words = outcomes.map(outcomeText);
  const marks = [...new Set(outcomes.map((outcome) => (outcome.kind === "refused" ? (outcome.answer === "silence" ? "–" : outcome.answer.replace("SIP ", "").replace("MSRP ", "m").split(" ")[0]!) : signs[outcome.kind][0])))].join(" ");
  const rules = [...new Set(outcomes.flatMap((outcome) => ("rules" in outcome ? outcome.rules : [])))];
  const title = `${event} in ${pathOf(leaf)}: ${words.join("; ")}`;
  return rules.length === 0 ? h("span", { class: `cell ${outcomes[0]?.kind ?? ""}`, title }, marks) : h("a", { class: `cell ${outcomes[0]?.kind ?? ""}`, href: to(["machine", machine, "rules", rules.join(".")]), title, "aria-label": title }, marks);
}

function outcomeText(outcome: MatrixOutcome): string {
  switch (outcome.kind) {
    case "leads":
      return `leads to ${outcome.to.map(pathOf).join(" and ")} (rule ${outcome.rules.join(", ")})`;
    case "refused":
      return `refused, ${outcome.answer}`;
    case "lapses":
      return "lapses";
    default:
      return `${{ stays: "the state stays", ignored: "ignored", elsewhere: "another region's" }[outcome.kind]} (rule ${outcome.rules.join(", ")})`;
  }
}

// ---------------------------------------------------------------- requirements and purposes

export function requirementsPage({ path: [, item], query }: Route): View {
  const isUntested = query.get("only") === "untested";
  const chosen = review.requirements.filter((each) => (item === undefined || each.item === item) && (!isUntested || each.untested));
  const untested = review.requirements.filter((each) => each.untested);
  return {
    title: "Requirements",
    content: [
      heading("Requirements", "In the form of static conformance requirements: M is mandatory, O optional; each with what it asks of a Controlling Function, where it stands, and what shows it."),
      h(
        "nav",
        { class: "views", "aria-label": "Which requirements" },
        h("a", { href: to(["requirements"]), "aria-current": item === undefined && !isUntested && "page" }, `All ${review.requirements.length}`),
        h("a", { href: to(["requirements"], { only: "untested" }), "aria-current": isUntested && "page" }, `Without a test: ${untested.length}`),
      ),
      isUntested && h("p", { class: "answer" }, untested.length === 0 ? "Every requirement has a test." : `${counted(untested.length, "requirement")} of ${review.requirements.length} ${untested.length === 1 ? "has" : "have"} no test: ${[...new Set(untested.map(({ is }) => is))].map((is) => `${untested.filter((each) => each.is === is).length} ${is}`).join(", ")}.`),
      table(
        "Requirements",
        ["item", "function", "reference", "status", "needs", "modelled", "shown by"],
        chosen.map((each) => [
          h("a", { href: to(["requirements", each.item]), id: each.item, class: "item" }, each.item),
          [each.function, each.from === "derived" && h("small", { class: "quiet" }, " derived")],
          clauseLink(each.reference),
          each.status,
          list(each.needs.map(requirementLink), { class: "bare" }),
          [pill(each.is), each.why !== undefined && h("p", { class: "why" }, each.why)],
          each.untested ? h("b", { class: "bad" }, "no test") : testsText(each.tests),
        ]),
      ),
      item !== undefined && requirementDetails(chosen[0]),
    ],
  };
}

function requirementDetails(requirement: RequirementReview | undefined): Child {
  if (requirement === undefined) return h("p", {}, "There is no such requirement.");
  const { item, shows, tests, needs } = requirement;
  return h(
    "section",
    {},
    part("Where it shows", list(shows.map(shownLink))),
    part("Needs", list(needs.map(requirementLink))),
    part("Flows", list(tests.flows.map(flowLink))),
    tests.wire.length > 0 && part("Tests on the wire", wireList(tests.wire)),
    part("Test purposes", list(review.purposes.filter(({ requirements }) => requirements.includes(item)).map(({ id, title }) => [h("a", { href: to(["purposes", id]) }, id), ` ${title}`]))),
  );
}

export function purposesPage({ path: [, id] }: Route): View {
  const chosen = id === undefined ? review.purposes : review.purposes.filter((each) => each.id === id);
  return {
    title: "Test purposes",
    content: [
      heading("Test purposes", "In the form of an enabler test specification, written from the tours: one for each rule, along the tour that shows it soonest."),
      id !== undefined && h("p", {}, h("a", { href: to(["purposes"]) }, "All test purposes")),
      id === undefined && h("nav", { class: "views", "aria-label": "Purposes by machine" }, review.machines.map(({ name }) => h("a", { href: to(["purposes"]), onclick: (event: Event) => (event.preventDefault(), document.getElementById(`purposes-${name}`)?.scrollIntoView()) }, name))),
      review.machines.map(({ name }) => {
        const own = chosen.filter(({ machine }) => machine === name);
        return own.length > 0 && h("section", {}, h("h2", { id: `purposes-${name}` }, name), own.map((purpose) => folded([h("b", {}, purpose.id), ` ${purpose.title}`], () => purposeTable(purpose), id !== undefined)));
      }),
    ],
  };
}

/** Made when it is opened: there are hundreds. */
function folded(says: Child, content: () => Child, isOpen: boolean): HTMLElement {
  const details = h("details", { class: "purpose", open: isOpen, ontoggle: () => details.open && details.children.length === 1 && append(details, [content()]) }, h("summary", {}, says));
  return details;
}

function purposeTable({ references, requirements, given, preamble, steps, expected, verdict, tour, machine, rule, wireTour, wireTests }: (typeof review.purposes)[number]): HTMLElement {
  const row = (name: string, says: Child) => says !== undefined && h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, says));
  const owner = machineOf(machine);
  return h(
    "table",
    { class: "sheet" },
    h(
      "tbody",
      {},
      row("Rule", owner && ruleLink(owner, rule)),
      row("References", joined(references.map(clauseLink))),
      row("Requirements", requirements.length > 0 ? joined(requirements.map((item) => h("a", { href: to(["requirements", item]) }, item))) : undefined),
      row("Given", given === "" ? undefined : given),
      row("Preamble", preamble.length === 0 ? "none" : h("ol", {}, preamble.map((line) => h("li", {}, line)))),
      row("Steps", h("ol", {}, steps.map((line) => h("li", {}, line)))),
      row("Expected", list(expected)),
      row("Verdict", verdict),
      row("Tour", tourLink(tour)),
      row("On the wire", wireTour),
      row("Wire tests", wireTests.length > 0 ? wireList(wireTests) : undefined),
    ),
  );
}

// ---------------------------------------------------------------- ambiguities

const kinds: { readonly [K in AmbiguityReview["kind"]]: string } = {
  text: "The change request can be read in more than one way",
  question: "Open around the text",
  decision: "Decided beside a clause that is silent",
};

export function ambiguitiesPage({ path: [, id] }: Route): View {
  const one = id === undefined ? undefined : ambiguityOf(id);
  return {
    title: "Ambiguities",
    content: [
      heading("Ambiguities", "What the text leaves open, what could have been chosen, what was, and where it shows. Say which of them you would decide otherwise."),
      id !== undefined && h("p", {}, h("a", { href: to(["ambiguities"]) }, "All ambiguities")),
      one !== undefined && h("ul", { class: "ambiguities" }, ambiguity(one)),
      id === undefined &&
        (Object.keys(kinds) as AmbiguityReview["kind"][]).map((kind) => {
          const own = review.ambiguities.filter((each) => each.kind === kind);
          return own.length > 0 && h("section", {}, h("h2", {}, `${kinds[kind]} `, h("small", { class: "quiet" }, String(own.length))), h("ul", { class: "ambiguities" }, own.map(ambiguity)));
        }),
    ],
  };
}

function ambiguity({ id, clauses, open, options, chosen, why, shows }: AmbiguityReview): HTMLElement {
  return h(
    "li",
    { class: "ambiguity" },
    h("h3", {}, h("a", { href: to(["ambiguities", id]) }, open)),
    h("p", { class: "meta" }, joined(clauses.map(clauseLink))),
    options.length > 0 && h("p", {}, h("b", { class: "label" }, "could be "), options.join("; ")),
    h("p", {}, h("b", { class: "label" }, "chosen "), chosen),
    why !== undefined && h("p", { class: "quiet" }, why),
    list(shows.map(shownLink), { class: "bare" }),
  );
}

// ---------------------------------------------------------------- clauses

export function clausesPage({ path: [, clause] }: Route): View {
  const one = clause === undefined ? undefined : review.clauses.find((each) => each.clause === clause);
  if (clause !== undefined) return { title: clause, content: one === undefined ? [heading(clause), h("p", {}, "Nothing rests on it.")] : clauseDetails(one) };
  const documents = [...new Set(review.clauses.map((each) => each.clause.split(" §")[0]!))];
  return {
    title: "Clauses",
    content: [
      heading("Clauses", "Every clause that is cited, decided beside, or in scope. Open one for everything that rests on it."),
      documents.map((document) => {
        const own = review.clauses.filter((each) => each.clause.startsWith(`${document} §`));
        return h(
          "section",
          {},
          h("h2", {}, document, h("small", { class: "quiet" }, ` ${own[0]?.title ?? ""}`)),
          table(
            `Clauses of ${document}`,
            ["clause", "cited by", "decided beside", "tours", "wire tests", "invariants", ""],
            own.map((each) => [clauseLink(each.clause), each.cites.length, each.beside.length, each.tours.toLocaleString("en"), each.wire.length, each.invariants.length, each.exception ?? each.inferred ?? (each.inScope ? "" : "beyond the scope")]),
            { class: "numbers" },
          ),
        );
      }),
    ],
  };
}

function clauseDetails({ clause, title, inScope, exception, inferred, cites, beside, tours, wire, wireTours, flows, invariants }: ClauseReview): Child {
  const inText = [...review.text.change1, ...review.text.change2].filter((each) => each.clause === clause);
  return [
    heading(clause, title),
    h("p", {}, pill(inScope ? "in scope" : "beyond the scope"), ` ${counted(cites.length, "place")} cite it, ${beside.length} were decided beside it. ${counted(tours, "tour")}, ${wireTours.toLocaleString("en")} on the wire, take a rule that rests on it.`),
    exception !== undefined && h("p", {}, h("b", { class: "label" }, "not modelled "), exception),
    inferred !== undefined && h("p", {}, h("b", { class: "label" }, "inferred "), inferred),
    part("What it says, in our words", list([...new Set(inText.map(({ asks }) => asks))])),
    part("Cited by", list(cites.map(shownLink))),
    part("Decided beside it", list(beside.map(shownLink))),
    part("Invariants", list(invariants.map(({ machine, says }) => [says, h("small", { class: "quiet" }, ` ${machine}`)]))),
    part("Requirements", list(review.requirements.filter(({ reference }) => reference === clause).map(({ item }) => requirementLink(item)))),
    part("Ambiguities", list(review.ambiguities.filter(({ clauses }) => clauses.includes(clause as never)).map(({ id }) => ambiguityLink(id)))),
    part("Flows", list(flows.map((flow) => (review.flows.some(({ id }) => id === flow) ? flowLink(flow) : flow)))),
    wire.length > 0 && part("Tests on the wire", wireList(wire, 12)),
  ];
}

// ---------------------------------------------------------------- changes

export function changesPage({ path: [, id] }: Route): View {
  const chosen = review.changes.filter((each) => id === undefined || each.id === id);
  const marks = ["added", "removed", "changed"].map((mark) => [h("span", { class: `mark ${mark}` }, mark), " "]);
  return {
    title: "Changes",
    content: [
      heading("Changes", "What a change does to the machines: both of them drawn as one, with what was added, removed and changed marked."),
      h("p", { class: "key" }, marks),
      chosen.length === 0 && h("p", {}, "There is no such change."),
      chosen.map(({ id: name, title, says, machines, rules }) =>
        h(
          "section",
          { class: "change" },
          h("h2", {}, h("a", { href: to(["changes", name]) }, title)),
          h("p", { class: "answer" }, says),
          h("h3", {}, "The rules that changed"),
          table(
            `Rules changed by ${title}`,
            ["", "rule", "machine", "clauses"],
            rules.map((rule) => [h("span", { class: `mark ${rule.mark}` }, rule.mark), rule.says, machineLink(rule.machine), joined(rule.clauses.map(clauseLink))]),
          ),
          machines.map(({ machine, svg }) => h("figure", { class: "comparison" }, h("figcaption", {}, machine, h("span", { class: "quiet" }, ", before and after")), new ChartView([{ title: `${machine}, before and after`, svg }], undefined, chartAlone).element)),
        ),
      ),
    ],
  };
}
