/** All that is known of a state or a rule: why it is so, what it does, what shows it, where it stands. */
import { isIgnored, type State, type Transition } from "../../charts/graph.ts";
import type { MachineReview } from "../../review/review-shape.ts";
import { evidenceOf, pathOf, review, ruleOf, showing, stateOf } from "./data.ts";
import { h, list, type Child } from "./element.ts";
import { to } from "./route.ts";
import { ambiguityLink, counted, flowLink, groundsText, part, requirementLink, ruleLink, spaced, stateLink, tourLink, triggerName, wireList } from "./words.ts";

const code = (text: string) => h("code", {}, text);
/** A name of the machine, and how it reads. */
const named = (name: string): Child => (spaced(name) === name ? code(name) : [`${spaced(name)} `, h("small", { class: "quiet" }, name)]);

export function statePanel(machine: MachineReview, id: string): Child {
  const state = stateOf(machine, id);
  if (state === undefined) return h("p", {}, `There is no state ${id}.`);
  const { transitions } = machine.chart;
  const inside = `${id}.`;
  return [
    h("p", { class: "kicker" }, kindOf(state)),
    h("h2", { tabindex: -1 }, pathOf(id)),
    groundsText(state.grounds),
    part("On entry", list(state.entry.map(named))),
    part("On exit", list(state.exit.map(named))),
    part("Holds", list(state.children.map((child) => [stateLink(child.id), child.id === state.initial && h("small", { class: "quiet" }, " begins here")]))),
    part("Rules of this state", list(transitions.filter(({ from }) => from === id).map(({ rule }) => ruleLink(machine, rule)))),
    part("Rules that lead here", list(transitions.filter(({ to: target, from }) => target === id && from !== id).map(({ rule }) => ruleLink(machine, rule)))),
    part("Rules of the states around it", list(transitions.filter(({ from }) => id.startsWith(`${from}.`)).map(({ rule }) => ruleLink(machine, rule)))),
    state.children.length > 0 && part("Rules inside", list(transitions.filter(({ from }) => from.startsWith(inside)).map(({ rule }) => ruleLink(machine, rule)))),
    shownBy(machine, { state: id }),
    source(machine, `state ${id}`),
  ];
}

export function rulesPanel(machine: MachineReview, rules: readonly number[]): Child {
  return rules.map((rule) => {
    const transition = ruleOf(machine, rule);
    return transition === undefined ? h("p", {}, `There is no rule ${rule}.`) : rulePanel(machine, transition);
  });
}

function rulePanel(machine: MachineReview, transition: Transition): Child {
  const { rule, from, to: target, reenters, trigger, guard, isOtherwise, effects, grounds } = transition;
  const evidence = evidenceOf(machine, rule);
  return h(
    "article",
    { class: "rule-panel" },
    h("p", { class: "kicker" }, trigger.kind === "event" ? "a rule for an event" : trigger.kind === "delay" ? "a rule for the end of a timer" : "a rule that needs no event"),
    h("h2", { tabindex: -1 }, `Rule ${rule}`),
    h(
      "dl",
      { class: "says" },
      entry("In", stateLink(from)),
      entry("when", trigger.kind === "event" ? h("a", { href: to(["event", machine.name, trigger.event]) }, code(trigger.event)) : code(triggerName(trigger))),
      guard !== undefined && entry("if", named(guard)),
      isOtherwise && entry("if", "no rule before it holds"),
      isIgnored(transition) && entry("then", "nothing, on purpose"),
      effects.length > 0 && entry("then", list(effects.map(named), { class: "bare" })),
      target !== undefined && entry("goes to", target === from ? [stateLink(target), reenters ? ", left and entered again" : ", which is not left"] : stateLink(target)),
    ),
    groundsText(grounds),
    evidence && [
      part(
        "Shown by",
        list([
          evidence.tours > 0 && [counted(evidence.tours, "tour"), ": ", evidence.firstTours.slice(0, 6).flatMap(({ tour, step }, index) => [index > 0 && ", ", tourLink(tour, step + 1)])],
          evidence.wireTours > 0 && `${counted(evidence.wireTours, "tour")} on the wire${evidence.firstWireTour === undefined ? "" : `, ${evidence.firstWireTour} the first`}`,
          evidence.flows.length > 0 && ["flows: ", evidence.flows.flatMap((id, index) => [index > 0 && "; ", flowLink(id)])],
          evidence.unreachable !== undefined && `No peer can cause it: ${evidence.unreachable}.`,
        ].filter((item) => item !== false)),
      ),
      evidence.wireTests.length > 0 && part("Tests on the wire that name its clauses", wireList(evidence.wireTests)),
    ],
    shownBy(machine, { rule }),
    source(machine, `rule ${rule}`),
  );
}

const entry = (term: string, says: Child): Child => [h("dt", {}, term), h("dd", {}, says)];

const shownBy = (machine: MachineReview, of: { readonly state: string } | { readonly rule: number }): Child => [
  part("Ambiguities that it settles", list(showing(review.ambiguities, machine.name, of).map(({ id }) => ambiguityLink(id)))),
  part("Requirements", list(showing(review.requirements, machine.name, of).map(({ item }) => requirementLink(item)))),
];

function source(machine: MachineReview, place: string): Child {
  const line = machine.lines[place];
  return line !== undefined && part("Source", code(line));
}

function kindOf({ kind, isRegion }: State): string {
  const said = { atomic: "a state", compound: "a state that holds others", parallel: "a state of several regions at once", final: "a final state", history: "where it was before", deep: "where it was before, states inside too" }[kind];
  return isRegion ? `a region: ${said}` : said;
}
