/** What stands in a state's box and on an arrow. */
import type { Grounds } from "../../machines/clauses.ts";
import { clauses } from "../../machines/inspect.ts";
import { alike, isIgnored, type Mark, type State, type Statechart, type Transition, type Trigger } from "./graph.ts";
import { signs, words, type Line, type Manner, type Word } from "./lettering.ts";

/**
 * `spelled`: arrows say everything. `numbered`: they name what triggers them and the rules that the table below the picture spells.
 * `bare`: they have the numbers of the rules alone.
 */
export type Style = "spelled" | "numbered" | "bare";

const mostSpelled = 20;

export const styleOf = ({ transitions }: Statechart): Style => (transitions.length > mostSpelled ? "numbered" : "spelled");

/** Lines about some transitions, or about none: what happens on entry and on exit. */
export interface Paragraph {
  readonly transitions: readonly Transition[];
  readonly lines: readonly Line[];
}

/** The arrow's text, a paragraph for each rule, or for each trigger of several. */
export function arrowText(transitions: readonly Transition[], style: Style): Paragraph[] {
  if (style === "bare") return transitions.length === 0 ? [] : [{ transitions, lines: [transitions.flatMap(ruleNumber)] }];
  return style === "numbered" ? numbered(transitions) : transitions.map((each, index) => ({ transitions: [each], lines: [...(index > 0 ? [[]] : []), ...spelled(each)] }));
}

/** What happens inside a state: on entry, on exit, and by transitions that go nowhere. */
export function insideText(state: State, within: readonly Transition[], style: Style): Paragraph[] {
  return [
    ...state.entry.map((effect) => ({ transitions: [], lines: [words(`entry / ${effect}`)] })),
    ...state.exit.map((effect) => ({ transitions: [], lines: [words(`exit / ${effect}`)] })),
    ...arrowText(within, style),
    ...(state.isFolded ? [{ transitions: [], lines: [words("… on a page of its own", "quiet")] }] : []),
  ];
}

/** The clauses, in the manner of their grounds. */
export function tag(of: Grounds | undefined): Line {
  if (of === undefined) return words("no grounds", "strong");
  const named = clauses(of).map((clause, index, { length }): Word => ({ text: index < length - 1 ? `${clause},` : clause, manner: manner(of) }));
  return "cites" in of ? named : [{ text: "decided, beside", manner: "decided" }, ...named];
}

export const manner = (of: Grounds | undefined): Manner => (of !== undefined && "cites" in of ? "cited" : "decided");

const sign = ({ mark }: { readonly mark?: Mark }): Word[] => (mark === undefined ? [] : [{ text: signs[mark], manner: "strong", mark }]);

/** With what became of it. */
export const ruleNumber = (of: Transition): Word[] => [...sign(of), { text: String(of.rule), manner: manner(of.grounds), rule: of.rule, ...(of.mark && { mark: of.mark }) }];

/** The name of a state, with what became of it. */
export const stateName = (of: State, name: string): Word[] => [...sign(of), { text: name, manner: "strong", ...(of.mark && { mark: of.mark }) }];

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

/** Words of a rule that is new or gone came and went with it. */
const wholly = ({ mark }: Transition, said: readonly Word[]): Word[] => said.map((word) => (mark === "added" || mark === "removed" ? { ...word, mark } : word));

export const toldTrigger = (transition: Transition): Word[] => wholly(transition, words(triggerText(transition.trigger)));

/** Guard, effects or target: where it changed, the words that went and came. */
export function told(transition: Transition, of: "guard" | "effects" | "leads to", text: string, kind: Manner): Word[] {
  const changed = transition.mark === "changed" ? transition.changes?.find((each) => each.of === of) : undefined;
  if (changed === undefined) return wholly(transition, words(text, kind));
  const all = changed.pieces.flatMap(({ text, mark }) => words(text).map((word): Word => ({ ...word, manner: kind, ...(mark && { mark }) })));
  return all.reduce<Word[]>((before, word) => (/^[,;]+$/.test(word.text) && before.length > 0 ? [...before.slice(0, -1), { ...before.at(-1)!, text: before.at(-1)!.text + word.text }] : [...before, word]), []);
}

/** In brackets. */
export function toldGuard(transition: Transition, kind: Manner = "plain"): Word[] {
  const all = transition.mark === "changed" ? told(transition, "guard", transition.guard ?? "", kind) : [];
  if (all.every(({ mark }) => mark === undefined)) return wholly(transition, words(guardText(transition), kind));
  return all.map((word, index) => ({ ...word, text: `${index === 0 ? "[" : ""}${word.text}${index === all.length - 1 ? "]" : ""}` }));
}

/** As UML writes it, effects on a line of their own, and why it is so. */
function spelled(transition: Transition): Line[] {
  const effects = isIgnored(transition) ? words("ignored", "quiet") : told(transition, "effects", transition.effects.join(", "), "quiet");
  return [
    [...ruleNumber(transition), ...toldTrigger(transition), ...toldGuard(transition)],
    ...(effects.length > 0 ? [[...words("/", "quiet"), ...effects]] : []),
    tag(transition.grounds),
  ];
}

/** An eventless transition is named by its guard: it has nothing else. */
function numbered(transitions: readonly Transition[]): Paragraph[] {
  const named = alike(transitions, (each) => triggerText(each.trigger) || guardText(each));
  return [...named].map(([name, rules]) => ({ transitions: rules, lines: [[...rules.flatMap(ruleNumber), ...(rules.every(({ mark }) => mark === rules[0]!.mark) ? wholly(rules[0]!, words(name)) : words(name)), ...(rules.length === 1 && triggerText(rules[0]!.trigger) ? toldGuard(rules[0]!, "quiet") : [])]] }));
}

// ---------------------------------------------------------------- for whoever hears it

/** A rule in one sentence. */
export function ruleSaid(transition: Transition, { name, root, states }: Statechart): string {
  const path = (id: string) => (id === root.id ? name : states.find((state) => state.id === id)!.path);
  const { rule, mark, from, to, effects } = transition;
  const what = [triggerText(transition.trigger), guardText(transition)].filter(Boolean).join(" ");
  const then = [...(effects.length > 0 ? [`/ ${effects.join(", ")}`] : []), ...(to !== undefined ? [`→ ${path(to)}`] : []), ...(isIgnored(transition) ? ["ignored"] : [])].join(" ");
  return `rule ${rule}${mark ? `, ${mark}` : ""}: from ${path(from)} on ${what} ${then}, ${groundsSaid(transition.grounds)}`;
}

export function stateSaid({ path, mark, kind, isRegion, isStub, entry, exit, grounds }: State): string {
  const is = [isStub ? "outside" : isRegion ? "region" : kind === "atomic" ? "" : kind, mark ?? ""].filter(Boolean).join(", ");
  const does = [...entry.map((effect) => `entry / ${effect}`), ...exit.map((effect) => `exit / ${effect}`)].join(", ");
  return [`state ${path}`, is, does, groundsSaid(grounds)].filter(Boolean).join(", ");
}

const groundsSaid = (of: Grounds | undefined) => tag(of).map(({ text }) => text).join(" ");
