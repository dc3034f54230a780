/** All that is read on paper, one part after the other: the text, every machine, the lists. */
import { review } from "./data.ts";
import { h, list, picture, type Child } from "./element.ts";
import { ruleTable } from "./machine-view.ts";
import { ambiguitiesPage, changesPage, clausesPage, matrixPage, overviewPage, requirementsPage, textPage } from "./pages.ts";
import { routeOf, type View } from "./route.ts";
import { counted, part } from "./words.ts";

interface Part {
  readonly title: string;
  readonly content: Child;
  readonly isWide?: boolean;
}

export function printView(): View {
  const here = routeOf("#/print");
  const parts: readonly Part[] = [
    { title: "The text", content: textPage().content },
    { title: "Overview", content: overviewPage().content, isWide: true },
    { title: "Changes", content: changesPage(here).content, isWide: true },
    ...review.machines.map((machine): Part => ({
      title: machine.name,
      isWide: true,
      content: [
        h("h1", {}, machine.name),
        h("p", { class: "lead" }, machine.says),
        h("p", {}, `${counted(machine.chart.states.length, "state")}, ${counted(machine.chart.transitions.length, "rule")}, ${counted(machine.tours.length, "tour")}. Drawings come first, then every rule in words, then every event in every state.`),
        part("What holds in every state of its world", list(machine.invariants.map(({ says, clause }) => `${says} (${clause})`))),
        machine.pictures.map(({ title, svg }) => h("figure", { class: "sheet-of-paper" }, h("figcaption", {}, title), picture(svg))),
        ruleTable(machine),
        matrixPage(routeOf(`#/matrix/${machine.name}`))?.content,
      ],
    })),
    { title: "Requirements", content: requirementsPage(routeOf("#/requirements")).content, isWide: true },
    { title: "Ambiguities", content: ambiguitiesPage(routeOf("#/ambiguities")).content },
    { title: "Clauses", content: clausesPage(routeOf("#/clauses")).content },
  ];
  const contents = h("ol", { class: "contents" }, parts.map(({ title }, at) => h("li", {}, h("a", { href: `#part-${at}` }, title), h("span", { class: "page-number" }))));
  const sections = parts.map(({ content, isWide }, at) => h("section", { id: `part-${at}`, class: isWide === true ? "print-part wide" : "print-part" }, content));
  for (const section of sections) onPaper(section);
  return {
    title: "The review",
    content: [h("section", { class: "print-part cover" }, h("h1", {}, "CPM Controlling Function"), h("p", { class: "lead" }, "CPM File Transfer in a CPM Group Session: the executable specification, for review."), h("h2", {}, "Contents"), contents), sections],
  };
}

/** Nothing is folded, nothing leads out of the paper, and a part has one heading of the first rank. */
function onPaper(section: HTMLElement): void {
  for (const details of section.querySelectorAll("details")) details.open = true;
  for (const link of section.querySelectorAll("a")) link.removeAttribute("href");
  for (const each of section.querySelectorAll("nav, .ask, .thumbnail, .inline, .sentence details")) each.remove();
  for (const heading of [...section.querySelectorAll("h1")].slice(1)) heading.replaceWith(h("h2", {}, ...heading.childNodes));
}
