/** One machine: its chart, and beside it what is picked from it or what runs in it. */
import { flowConversation } from "../../ladders/conversations.ts";
import { ladder } from "../../ladders/ladder.ts";
import type { MachineReview } from "../../review/review-shape.ts";
import { chartAlone, ChartView, type Picked } from "./chart-view.ts";
import { machineOf, pathOf, review } from "./data.ts";
import { h, list, picture, replace, table, type Child } from "./element.ts";
import { rulesPanel, statePanel } from "./panel.ts";
import { to, type Route, type View } from "./route.ts";
import { RunPanel } from "./run-panel.ts";
import { scriptAt } from "./script.ts";
import { clauseLink, counted, flowLink, groundsText, part, spaced, stateLink, tourLink, triggerName } from "./words.ts";

export function machineView(route: Route): View | undefined {
  const machine = machineOf(scriptAt(route)?.script.name ?? route.path[1] ?? "");
  if (machine === undefined) return undefined;
  const { name, says, pictures } = machine;
  const address = ({ state, rules = [] }: Picked) => (state === undefined ? to(["machine", name, "rules", rules.join(".")]) : to(["machine", name, "state", state]));
  const chart = new ChartView(pictures, (picked) => void (location.hash = address(picked)), chartAlone);
  const tabs = links(machine);
  const panel = h("aside", { class: "panel", "aria-label": "What is picked" });
  let running: RunPanel | undefined;

  const follow = (next: Route): boolean => {
    const script = scriptAt(next);
    const isHere = [script === undefined, next.path[2] === "run", false, script !== undefined && next.path[2] !== "run"];
    tabs.querySelectorAll("a").forEach((tab, at) => (isHere[at] === true ? tab.setAttribute("aria-current", "page") : tab.removeAttribute("aria-current")));
    if ((script?.script.name ?? next.path[1]) !== name || !["machine", "flow"].includes(next.path[0] ?? "")) return false;
    if (script !== undefined) {
      chart.pick({});
      if (running !== undefined) running.follow(script.script, script.at);
      else replace(panel, (running = new RunPanel(script.script, script.at, chart)).element);
      return true;
    }
    if (running !== undefined) {
      running.stop();
      running = undefined;
      chart.light([], []);
    }
    const [, , kind, of = ""] = next.path;
    const rules = kind === "rules" ? of.split(".").map(Number).filter((rule) => rule > 0) : [];
    chart.pick(kind === "state" ? { state: of } : { rules });
    replace(panel, kind === "state" ? statePanel(machine, of) : kind === "rules" ? rulesPanel(machine, rules) : aboutPanel(machine));
    panel.scrollTop = 0;
    return true;
  };
  follow(route);

  return {
    title: name,
    content: [
      h("header", { class: "head" }, h("h1", { tabindex: -1 }, name), h("p", { class: "lead" }, says), tabs),
      h("div", { class: "bench" }, h("a", { class: "skip", href: location.hash, onclick: (event: Event) => (event.preventDefault(), panel.querySelector<HTMLElement>("h2, a, button")?.focus()) }, "Past the picture"), chart.element, panel),
      ruleTable(machine),
    ],
    follow,
    leave: () => running?.stop(),
  };
}

function links({ name }: MachineReview): HTMLElement {
  return h(
    "nav",
    { class: "views", "aria-label": "Views of this machine" },
    h("a", { href: to(["machine", name]) }, "Chart"),
    h("a", { href: to(["machine", name, "run", 0]) }, "Step by hand"),
    h("a", { href: to(["matrix", name]) }, "Matrix"),
    h("a", { href: to(["ladders", name]) }, "Tours and flows"),
  );
}

function aboutPanel(machine: MachineReview): Child {
  const { chart, tours, invariants, events, name } = machine;
  return [
    h("p", { class: "kicker" }, "the machine"),
    h("h2", { tabindex: -1 }, "What it holds"),
    h("p", {}, `${counted(chart.states.length, "state")}, ${counted(chart.transitions.length, "rule")}, ${counted(events.length, "event")} of its world, ${counted(tours.length, "tour")}.`),
    h("p", {}, "Pick a state or an arrow in the picture to see why it is so and what shows it, or ", h("a", { href: to(["machine", name, "run", 0]) }, "step through it by hand"), "."),
    part("States", stateTree(chart.root.children)),
    part("What holds in every state of its world", list(invariants.map(({ says, clause }) => [says, " ", clauseLink(clause)]))),
  ];
}

const stateTree = (states: MachineReview["chart"]["states"]): Child => list(states.map(({ id, children }) => [stateLink(id), stateTree(children)]), { class: "tree" });

export function ruleTable({ name, chart }: MachineReview): HTMLElement {
  return h(
    "section",
    { class: "rules-of" },
    h("h2", {}, "Rules"),
    h("p", { class: "quiet" }, "Alternatives of one event are tried in their order."),
    table(
      `Rules of ${name}`,
      ["", "in", "when", "if", "then", "goes to", "because"],
      chart.transitions.map(({ rule, from, to: target, trigger, guard, isOtherwise, effects, grounds }) => [
        h("a", { href: to(["machine", name, "rules", rule]), class: "number", "aria-label": `Rule ${rule}` }, rule),
        stateLink(from),
        h("code", {}, triggerName(trigger)),
        guard === undefined ? (isOtherwise ? h("span", { class: "quiet" }, "else") : "") : spaced(guard),
        effects.map((effect, index) => [index > 0 && h("br"), spaced(effect)]),
        target === undefined ? h("span", { class: "quiet" }, effects.length === 0 ? "ignored" : "stays") : stateLink(target),
        groundsText(grounds),
      ]),
      { class: "rule-table" },
    ),
  );
}

// ---------------------------------------------------------------- tours and flows

export function laddersPage({ path: [, of] }: Route): View | undefined {
  const chosen = of === undefined ? review.machines : review.machines.filter(({ name }) => name === of);
  if (chosen.length === 0) return undefined;
  return {
    title: of === undefined ? "Tours and flows" : `Tours and flows of ${of}`,
    content: [
      h("h1", { tabindex: -1 }, of === undefined ? "Tours and flows" : `Tours and flows of ${of}`),
      h("p", { class: "lead" }, "A flow is written by hand from the standard. A tour is a long walk that the machine itself gave: together the tours show every rule, every guard deciding both ways, and every event in every kind of place. Open one, and step through it with the chart lighting up and the ladder growing."),
      of === undefined && wireFlows(),
      chosen.map((machine) => {
        const flows = review.flows.filter(({ kind, of: name }) => kind === "flow" && name === machine.name);
        return h(
          "section",
          {},
          h("h2", {}, machine.name),
          part("Flows", list(flows.map(({ id, prose }) => [flowLink(id), h("span", { class: "quiet" }, ` ${firstSentence(prose)}`)]))),
          part("Tours", tourChoice(machine)),
        );
      }),
    ],
  };
}

const wireFlows = (): HTMLElement | undefined => {
  const flows = review.flows.filter(({ kind }) => kind === "wire");
  return flows.length === 0 ? undefined : h("section", {}, h("h2", {}, "On the wire"), h("p", { class: "quiet" }, "Conversations with a whole Controlling Function, played on sockets."), list(flows.map(({ id, prose }) => [flowLink(id), h("span", { class: "quiet" }, ` ${firstSentence(prose)}`)])));
};

const firstSentence = (prose: string): string => /[^#\s][^\n]*/.exec(prose.replace(/^#.*$/gm, "").replace(/\n(?=\S)/g, " ").trim())?.[0].split(/(?<=\.)\s/)[0] ?? "";

/** Those that each show a rule soonest, and any other by its number. */
function tourChoice(machine: MachineReview): Child {
  const rows = machine.rules.flatMap(({ rule, tours, firstTours: [first] }) => (first === undefined ? [] : [{ rule, tours, first }]));
  const field = h("input", { type: "text", placeholder: machine.tours[0]?.id.split("/").slice(1).join("/") ?? "", "aria-label": `Number of a tour of ${machine.name}`, size: 9 });
  return [
    h(
      "form",
      {
        class: "inline",
        onsubmit: (event: Event) => {
          event.preventDefault();
          const id = `${machine.name}/${field.value.trim()}`;
          if (machine.tours.some((tour) => tour.id === id)) location.hash = to(["machine", machine.name, "tour", ...field.value.trim().split("/")]);
          else field.setCustomValidity("There is no such tour."), field.reportValidity();
        },
        oninput: () => field.setCustomValidity(""),
      },
      h("label", {}, `${counted(machine.tours.length, "tour")}. Open number `, field),
      h("button", { type: "submit" }, "Open"),
    ),
    h(
      "details",
      {},
      h("summary", {}, "The tour that shows each rule soonest"),
      table(
        `Tours of ${machine.name} by rule`,
        ["rule", "in", "when", "if", "tours", "soonest in"],
        rows.map(({ rule, tours, first }) => {
          const { from, trigger, guard } = machine.chart.transitions[rule - 1]!;
          return [h("a", { href: to(["machine", machine.name, "rules", rule]), class: "number" }, rule), pathOf(from), h("code", {}, triggerName(trigger)), guard === undefined ? "" : spaced(guard), tours.toLocaleString("en"), tourLink(first.tour, first.step + 1)];
        }),
      ),
    ),
  ];
}

/** A conversation on the wire has no chart: its ladder and its lines are what it is. */
export function flowPage(route: Route): View | undefined {
  const flow = review.flows.find(({ id }) => id === route.path[1]);
  if (flow === undefined) return undefined;
  return {
    title: `${flow.title}, ${flow.number}`,
    content: [
      h("h1", { tabindex: -1 }, flow.title, h("small", { class: "quiet" }, ` ${flow.kind === "wire" ? "on the wire" : flow.of}, ${flow.number}`)),
      h("p", { class: "lead prose" }, flow.prose.replace(/^#.*$/gm, "").trim()),
      flow.clauses.length > 0 && h("p", {}, flow.clauses.flatMap((clause, index) => [index > 0 && ", ", clauseLink(clause)])),
      h("div", { class: "scroll conversation", tabindex: 0, role: "region", "aria-label": "Ladder" }, picture(ladder(flowConversation(flow)))),
      h("h2", {}, "Its lines"),
      h("pre", { class: "scroll", tabindex: 0, role: "region", "aria-label": "The lines of the flow" }, flow.lines.join("\n")),
      h("p", { class: "quiet" }, `model-tests/${flow.file}`),
    ],
  };
}
