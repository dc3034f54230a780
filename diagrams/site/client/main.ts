/** The frame of the site: its navigation, its box for searching, and the view that the address asks for. */
import { review } from "./data.ts";
import { h, replace } from "./element.ts";
import { flowPage, laddersPage, machineView } from "./machine-view.ts";
import { ambiguitiesPage, changesPage, clausesPage, matrixPage, overviewPage, purposesPage, requirementsPage, textPage } from "./pages.ts";
import { printView } from "./print-view.ts";
import { eventPage, policyPage } from "./questions.ts";
import { routeOf, to, type Route, type View } from "./route.ts";
import { searchPage } from "./search.ts";

const views: { readonly [first: string]: (route: Route) => View | undefined } = {
  "": textPage,
  overview: overviewPage,
  machine: machineView,
  flow: (route) => machineView(route) ?? flowPage(route),
  matrix: matrixPage,
  ladders: laddersPage,
  event: eventPage,
  policy: policyPage,
  requirements: requirementsPage,
  purposes: purposesPage,
  ambiguities: ambiguitiesPage,
  clauses: clausesPage,
  changes: changesPage,
  search: searchPage,
  print: printView,
};

const nothing: View = { title: "Nothing here", content: [h("h1", { tabindex: -1 }, "Nothing here"), h("p", {}, "No page has this address. ", h("a", { href: to([]) }, "The text"), " is where one begins.")] };

// ---------------------------------------------------------------- colours

const themes = ["auto", "light", "dark"] as const;
const signs = { auto: "◐", light: "☀", dark: "☾" } as const;
const kept = "cpm-theme";
/** A page from a file may not be allowed to keep anything. */
const remember = (theme: string) => {
  try {
    localStorage.setItem(kept, theme);
  } catch {}
};
const remembered = (): string | null => {
  try {
    return localStorage.getItem(kept);
  } catch {
    return null;
  }
};

const themeButton = h("button", { type: "button", class: "icon theme", onclick: () => paint(themes[(themes.indexOf(theme) + 1) % themes.length]!) });
let theme: (typeof themes)[number] = "auto";

function paint(to: (typeof themes)[number]): void {
  theme = to;
  if (to === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = to;
  themeButton.textContent = signs[to];
  themeButton.title = `Colours: ${to}`;
  themeButton.setAttribute("aria-label", `Colours: ${to}. Change them.`);
  remember(to);
}

// ---------------------------------------------------------------- frame

const field = h("input", { type: "search", name: "q", placeholder: "Search  /", "aria-label": "Search: state, event, clause, effect, requirement, number", autocomplete: "off", oninput: () => lookFor(field.value) });

/** While one types, the results are there, and the way back stays short. */
function lookFor(question: string): void {
  const address = to(["search"], { q: question });
  if (routeOf(location.hash).path[0] === "search") location.replace(address);
  else location.hash = address;
}

const link = (path: readonly string[], text: string) => h("li", {}, h("a", { href: to(path), "data-path": path.join("/") }, text));
const menu = h(
  "nav",
  { class: "menu", "aria-label": "Pages" },
  h("ul", {}, link([], "The text"), link(["overview"], "Overview"), link(["changes"], "Changes")),
  h("h2", {}, "Machines"),
  h("ul", {}, review.machines.map(({ name }) => link(["machine", name], name))),
  h("h2", {}, "Views"),
  h("ul", {}, link(["matrix"], "Matrix"), link(["ladders"], "Tours and flows"), link(["requirements"], "Requirements"), link(["purposes"], "Test purposes"), link(["ambiguities"], "Ambiguities"), link(["clauses"], "Clauses")),
);
const main = h("main", { id: "main", tabindex: -1 });
const menuButton = h("button", { type: "button", class: "icon menu-button", "aria-expanded": "false", "aria-label": "Pages", onclick: () => openMenu(menuButton.getAttribute("aria-expanded") === "false") }, "☰");

function openMenu(open: boolean): void {
  menuButton.setAttribute("aria-expanded", String(open));
  document.body.classList.toggle("menu-open", open);
}

// ---------------------------------------------------------------- views

let view: View | undefined;

function show(isFirst = false): void {
  const route = routeOf(location.hash);
  openMenu(false);
  for (const each of menu.querySelectorAll("a")) {
    const [first = "", second] = each.dataset["path"]!.split("/");
    const isHere = first === (route.path[0] ?? "") && (second === undefined || second === route.path[1]);
    if (isHere) each.setAttribute("aria-current", "page");
    else each.removeAttribute("aria-current");
  }
  if (view?.follow?.(route) === true) return;
  view?.leave?.();
  const isSearch = route.path[0] === "search";
  if (!isSearch) field.value = "";
  else if (document.activeElement !== field) field.value = route.query.get("q") ?? "";
  view = views[route.path[0] ?? ""]?.(route) ?? nothing;
  document.title = `${view.title} · CPM Controlling Function`;
  replace(main, view.content);
  main.dataset["page"] = route.path[0] ?? "text";
  if (isFirst || document.activeElement === field) return;
  window.scrollTo(0, 0);
  main.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement || event.target instanceof HTMLTextAreaElement;
  if (event.key === "/" && !isTyping) {
    event.preventDefault();
    field.focus();
    field.select();
  }
  if (event.key === "Escape") openMenu(false);
});
addEventListener("hashchange", () => show());

paint(themes.find((each) => each === remembered()) ?? "auto");
document.body.append(
  h("a", { class: "skip", href: "#main", onclick: (event: Event) => (event.preventDefault(), main.focus()) }, "To the content"),
  h(
    "header",
    { class: "top" },
    menuButton,
    h("a", { href: to([]), class: "name" }, "CPM", h("span", {}, " Controlling Function"), h("small", {}, " the specification, in pictures")),
    h("form", { role: "search", onsubmit: (event: Event) => (event.preventDefault(), main.querySelector<HTMLElement>(".results a")?.focus()) }, field),
    themeButton,
  ),
  menu,
  main,
);
show(true);
