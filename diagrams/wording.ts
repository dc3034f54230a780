/** What stands in a state's box and on an arrow. */
import type { Grounds } from "../machines/clauses.ts";
import { clauses } from "../machines/inspect.ts";
import { alike, isIgnored, type State, type Statechart, type Transition, type Trigger } from "./graph.ts";
import { words, type Line, type Manner, type Word } from "./lettering.ts";

/** `spelled`: arrows say everything. `numbered`: they name what triggers them and the rules that the table below the picture spells. */
export type Style = "spelled" | "numbered";

const mostSpelled = 20;

export const styleOf = ({ transitions }: Statechart): Style => (transitions.length > mostSpelled ? "numbered" : "spelled");

/** The arrow's text, a line for each rule, or for each trigger of several. */
export function arrowLines(transitions: readonly Transition[], style: Style): Line[] {
  return style === "numbered" ? numbered(transitions) : transitions.flatMap((each, index) => [...(index > 0 ? [[]] : []), ...spelled(each)]);
}

/** What happens inside a state: on entry, on exit, and by transitions that go nowhere. */
export function insideLines(state: State, within: readonly Transition[], style: Style): Line[] {
  return [
    ...state.entry.map((effect) => words(`entry / ${effect}`)),
    ...state.exit.map((effect) => words(`exit / ${effect}`)),
    ...arrowLines(within, style),
  ];
}

/** The clauses, in the manner of their grounds. */
export function tag(of: Grounds | undefined): Line {
  if (of === undefined) return words("no grounds", "strong");
  const named = clauses(of).map((clause, index, { length }): Word => ({ text: index < length - 1 ? `${clause},` : clause, manner: manner(of) }));
  return "cites" in of ? named : [{ text: "decided, beside", manner: "decided" }, ...named];
}

export const manner = (of: Grounds | undefined): Manner => (of !== undefined && "cites" in of ? "cited" : "decided");

export const ruleNumber = ({ rule, grounds }: Transition): Word => ({ text: String(rule), manner: manner(grounds), rule });

export function triggerText(trigger: Trigger): string {
  switch (trigger.kind) {
    case "event":
      return trigger.event;
    case "delay":
      return `after ${trigger.policy}`;
    case "always":
      return "";
  }
}

export function guardText({ guard, isOtherwise }: Transition): string {
  if (guard !== undefined) return `[${guard}]`;
  return isOtherwise ? "[else]" : "";
}

/** As UML writes it, effects on a line of their own, and why it is so. */
function spelled(transition: Transition): Line[] {
  const effects = isIgnored(transition) ? "ignored" : transition.effects.join(", ");
  return [
    [ruleNumber(transition), ...words([triggerText(transition.trigger), guardText(transition)].join(" "))],
    ...(effects ? [words(`/ ${effects}`, "quiet")] : []),
    tag(transition.grounds),
  ];
}

/** An eventless transition is named by its guard: it has nothing else. */
function numbered(transitions: readonly Transition[]): Line[] {
  const named = alike(transitions, (each) => triggerText(each.trigger) || guardText(each));
  return [...named].map(([name, rules]) => [...rules.map(ruleNumber), ...words(name)]);
}
