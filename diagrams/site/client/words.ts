/** How things of a machine are said, and linked to where more is said of them. */
import type { Clause, Grounds } from "../../../machines/clauses.ts";
import { clauses, delayOf } from "../../../machines/inspect.ts";
import type { Trigger } from "../../charts/graph.ts";
import type { MachineReview, Shown, Tests, WireTest } from "../../review/review-shape.ts";
import { ambiguityOf, flowOf, machineOf, pathOf, requirementOf, ruleOf } from "./data.ts";
import { h, list, type Child } from "./element.ts";
import { to } from "./route.ts";

/** `releaseRecipients` → `release recipients`; what has a dot, a space or a digit is left as it is. */
export const spaced = (name: string): string => name.replace(/\b[a-z]+(?:[A-Z][a-z]+)+\b/g, (word) => word.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`));

export const counted = (count: number, one: string, many = `${one}s`): string => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

const shown = (value: unknown): string => (typeof value === "string" ? spaced(value) : Array.isArray(value) ? (value.length === 0 ? "none" : value.map(shown).join(", ")) : typeof value === "object" && value !== null ? pairs(value) : String(value));

/** `recipient 0, wrapped types not indicated`. */
export const pairs = (of: object): string => Object.entries(of).map(([name, value]) => `${spaced(name)} ${shown(value)}`).join(", ");

/** The name of an event as the charts write it. */
export function eventName(type: string): string {
  const delay = delayOf(type);
  return delay === undefined ? type : `after ${delay}`;
}

/** What an event says besides its name. */
export const eventParams = ({ type: _, ...params }: { readonly type: string }): string => pairs(params);

export const eventText = (event: { readonly type: string }): string => [eventName(event.type), eventParams(event)].filter(Boolean).join(": ");

/** An effect that came out of a step: its name, and its values. */
export const effectText = ({ type, ...params }: { readonly type: string }): string => [spaced(type), pairs(params)].filter(Boolean).join(": ");

export function triggerName(trigger: Trigger): string {
  return trigger.kind === "event" ? trigger.event : trigger.kind === "delay" ? `after ${trigger.policy}` : "at once";
}

/** What makes each input of a world different from the others. */
export function inputLabels(inputs: readonly unknown[]): string[] {
  const all = inputs.map((input) => (input ?? {}) as Record<string, unknown>);
  const names = [...new Set(all.flatMap(Object.keys))];
  const differing = names.filter((name) => new Set(all.map((input) => JSON.stringify(input[name]))).size > 1);
  return all.map((input, index) => {
    // The first is what the others are told apart from.
    const said = differing.filter((name) => index === 0 || JSON.stringify(input[name]) !== JSON.stringify(all[0]![name]));
    return said.length === 0 ? "nothing to choose" : said.map((name) => `${spaced(name)} ${shown(input[name])}`).join(", ");
  });
}

// ---------------------------------------------------------------- links

export const clauseLink = (clause: string): HTMLElement => h("a", { href: to(["clauses", clause]), class: "clause" }, clause);
export const stateLink = (id: string): HTMLElement => h("a", { href: to(["machine", id.split(".")[0]!, "state", id]), class: "state" }, pathOf(id));
export const machineLink = (name: string): HTMLElement => h("a", { href: to(["machine", name]) }, name);
export const tourLink = (id: string, at?: number): HTMLElement => {
  const [machine = "", input = "", number = ""] = id.split("/");
  return h("a", { href: to(["machine", machine, "tour", input, number], at === undefined ? {} : { at }) }, `tour ${input}/${number}`);
};

export const flowLink = (id: string): HTMLElement => {
  const flow = flowOf(id);
  return h("a", { href: to(["flow", id]) }, flow === undefined ? id : `${flow.title}, ${flow.number}`);
};

/** The rule in short, as a link to all that is known of it. */
export function ruleLink(machine: MachineReview, rule: number, { withMachine = false } = {}): HTMLElement {
  const transition = ruleOf(machine, rule);
  return h(
    "a",
    { href: to(["machine", machine.name, "rules", rule]), class: "rule" },
    h("b", {}, withMachine ? `${machine.name} rule ${rule}` : `rule ${rule}`),
    transition && ` ${pathOf(transition.from)}: ${triggerName(transition.trigger)}${transition.guard === undefined ? "" : ` [${spaced(transition.guard)}]`}`,
  );
}

export function shownLink(of: Shown): HTMLElement {
  switch (of.what) {
    case "state":
      return h("span", {}, h("small", { class: "kind" }, "state "), h("a", { href: to(["machine", of.machine, "state", of.state]), class: "state" }, of.state));
    case "rule": {
      const machine = machineOf(of.machine);
      return machine === undefined ? h("span", {}, `${of.machine} rule ${of.rule}`) : ruleLink(machine, of.rule, { withMachine: true });
    }
    case "policy":
      return h("span", {}, h("small", { class: "kind" }, "policy "), h("a", { href: to(["policy", of.policy]), class: "state" }, of.policy));
    case "refusal":
      return h("span", {}, h("small", { class: "kind" }, "refusal of "), h("a", { href: to(["search"], { q: of.event }) }, of.event));
  }
}

export const ambiguityLink = (id: string): HTMLElement => h("a", { href: to(["ambiguities", id]) }, ambiguityOf(id)?.open ?? id);
export const requirementLink = (item: string): HTMLElement => h("span", {}, h("a", { href: to(["requirements", item]) }, item), ` ${requirementOf(item)?.function ?? ""}`);

/** Why something is so: a clause says it, or it was decided beside one. */
export function groundsText(grounds: Grounds | undefined): HTMLElement {
  if (grounds === undefined) return h("p", { class: "grounds" }, "No grounds are stated.");
  const links = clauses(grounds).flatMap((clause: Clause, index) => [index > 0 && ", ", clauseLink(clause)]);
  return "cites" in grounds
    ? h("p", { class: "grounds cited" }, h("span", { class: "tag" }, "cites"), " ", links)
    : h("p", { class: "grounds decided" }, h("span", { class: "tag" }, "decides"), ` ${grounds.decides} `, h("span", { class: "beside" }, "beside ", links));
}

export const wireList = (tests: readonly WireTest[], most = 6): Child => [
  list(tests.slice(0, most).map(({ file, title }) => [title, " ", h("small", { class: "quiet" }, file)])),
  tests.length > most && h("details", {}, h("summary", {}, `${tests.length - most} more`), list(tests.slice(most).map(({ file, title }) => [title, " ", h("small", { class: "quiet" }, file)]))),
];

/** What shows something, in one line. */
export function testsText({ tours, wireTours, wire, flows }: Tests): string {
  const said = [tours > 0 && counted(tours, "tour"), wireTours > 0 && `${wireTours.toLocaleString("en")} on the wire`, wire.length > 0 && counted(wire.length, "wire test"), flows.length > 0 && counted(flows.length, "flow")].filter(Boolean);
  return said.length === 0 ? "no test" : said.join(", ");
}

/** A part of a panel with a heading; nothing where it has no content. */
export const part = (title: string, ...content: readonly Child[]): HTMLElement | undefined =>
  content.flat().every((each) => each === undefined || each === false) ? undefined : h("section", { class: "part" }, h("h3", {}, title), content);
