/**
 * A statechart in the notations of other tools: SCXML, Mermaid, PlantUML, and the JSON that XState and Stately's editor read.
 *
 * Each is whole: every state, transition, guard, effect and delay, and the clauses where the notation has a place for them.
 */
import { refusals } from "../machines/refusals.ts";
import { guardText, tag, triggerText } from "./charts/wording.ts";
import { alike, type State, type Statechart, type Transition } from "./charts/graph.ts";

export interface Notation {
  readonly title: string;
  readonly extension: string;
  readonly write: (chart: Statechart) => string;
}

export const notations: readonly Notation[] = [
  { title: "SCXML", extension: "scxml", write: scxml },
  { title: "Mermaid", extension: "mmd", write: mermaid },
  { title: "PlantUML", extension: "puml", write: plantUml },
  { title: "XState and Stately", extension: "json", write: stately },
];

const from = (chart: Statechart, { id }: State) => chart.transitions.filter((transition) => transition.from === id);
const grounds = (of: State | Transition) => tag(of.grounds).map(({ text }) => text).join(" ");
const indented = (lines: readonly string[]) => lines.map((line) => `  ${line}`);

/** `event [guard] / effects`, as UML writes it. */
function label(transition: Transition): string {
  const { trigger, effects } = transition;
  return [triggerText(trigger), guardText(transition), ...(effects.length > 0 ? [`/ ${effects.join(", ")}`] : [])].filter((part) => part !== "").join(" ");
}

// ---------------------------------------------------------------- SCXML

/**
 * @see W3C SCXML 1.0. Guards are calls in the ECMAScript data model, effects are events sent out, or raised where the machine
 * tells itself, and a delay is an event that is sent on entry and cancelled on exit.
 */
function scxml(chart: Statechart): string {
  const { root } = chart;
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" name="${xml(chart.name)}" datamodel="ecmascript" initial="${idOf(root.initial!)}">`,
    ...indented(root.children.flatMap((child) => scxmlState(chart, child))),
    `</scxml>`,
    "",
  ].join("\n");
}

/** An NCName, unique in the machine. */
const idOf = (id: string) => id.replaceAll(/[^\w.-]/g, "_");

function scxmlState(chart: Statechart, state: State): string[] {
  const element = state.kind === "parallel" ? "parallel" : state.kind === "final" ? "final" : "state";
  const own = from(chart, state);
  const delays = [...new Set(own.flatMap(({ trigger }) => (trigger.kind === "delay" ? [trigger.policy] : [])))];
  const initial = state.initial === undefined ? "" : ` initial="${idOf(state.initial)}"`;
  const entry = [...delays.map((policy) => `<send event="${timerOf(state, policy)}" id="${timerOf(state, policy)}" delayexpr="${policy}"/>`), ...state.entry.map((effect) => scxmlEffect(chart, effect))];
  const exit = [...state.exit.map((effect) => scxmlEffect(chart, effect)), ...delays.map((policy) => `<cancel sendid="${timerOf(state, policy)}"/>`)];
  return [
    `<!-- ${comment(grounds(state))} -->`,
    `<${element} id="${idOf(state.id)}"${initial}>`,
    ...indented([
      ...(entry.length > 0 ? [`<onentry>${entry.join("")}</onentry>`] : []),
      ...(exit.length > 0 ? [`<onexit>${exit.join("")}</onexit>`] : []),
      ...own.flatMap((transition) => scxmlTransition(chart, state, transition)),
      ...state.children.flatMap((child) => scxmlState(chart, child)),
    ]),
    `</${element}>`,
  ];
}

/** There an event's name also stands for all that begin with it and a dot: no name of ours may begin another. */
export function scxmlEvent(event: string): string {
  const shorter = Object.keys(refusals).find((other) => event.startsWith(`${other}.`));
  return shorter === undefined ? event : `${shorter}-${event.slice(shorter.length + 1)}`;
}

const timerOf = ({ id }: State, policy: string) => `after.${policy}.${idOf(id)}`;

function scxmlTransition(chart: Statechart, state: State, transition: Transition): string[] {
  const { trigger, guard } = transition;
  const event = trigger.kind === "event" ? ` event="${xml(scxmlEvent(trigger.event))}"` : trigger.kind === "delay" ? ` event="${timerOf(state, trigger.policy)}"` : "";
  const condition = guard === undefined ? "" : ` cond="${xml(condOf(guard))}"`;
  return [
    `<!-- rule ${transition.rule}: ${comment(grounds(transition))} -->`,
    `<transition${event}${condition}${targetOf(chart, state, transition)}>${transition.effects.map((effect) => scxmlEffect(chart, effect)).join("")}</transition>`,
  ];
}

/**
 * SCXML's transition into its own source is external; ours is not unless it says so: then it leads to nowhere, or to where the
 * source begins.
 */
function targetOf(chart: Statechart, state: State, { to, reenters }: Transition): string {
  if (to === undefined) return "";
  const target = to === state.id && !reenters ? state.initial : to;
  if (target === undefined) return "";
  const isInside = !reenters && target.startsWith(`${state.id}.`) && chart.states.some(({ id }) => id === target);
  return ` target="${idOf(target)}"${isInside ? ` type="internal"` : ""}`;
}

/** `a and not b` as an expression. */
const condOf = (guard: string) => guard.split(/ (and|or) /).map((part) => (part === "and" ? "&&" : part === "or" ? "||" : part.replace(/^(not )?(.*)$/, (_, not: string | undefined, name: string) => `${not ? "!" : ""}${name}()`))).join(" ");

function scxmlEffect({ raises = {} }: Statechart, effect: string): string {
  const [name, ...params] = effect.split(" ");
  const raised = raises[name!];
  if (raised !== undefined) return `<raise event="${xml(scxmlEvent(raised))}"/>`;
  return `<send event="${xml(name!)}">${params.length > 0 ? `<content>${xml(params.join(" "))}</content>` : ""}</send>`;
}

const xml = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
const comment = (text: string) => text.replaceAll("--", "- -");

// ---------------------------------------------------------------- Mermaid

function mermaid(chart: Statechart): string {
  return ["stateDiagram-v2", ...indented([...mermaidInside(chart, chart.root), ...arrows(chart, ({ from, to, transition }) => `${wordOf(from)} --> ${wordOf(to)} : ${mermaidText(label(transition))}`)]), ""].join("\n");
}

function mermaidInside(chart: Statechart, state: State): string[] {
  const begins = state.initial === undefined ? [] : [`[*] --> ${wordOf(state.initial)}`];
  const regions = state.children.map((child) => mermaidState(chart, child));
  return [...begins, ...(state.kind === "parallel" ? regions.flatMap((lines, index) => [...(index > 0 ? ["--"] : []), ...lines]) : regions.flat())];
}

function mermaidState(chart: Statechart, state: State): string[] {
  const name = wordOf(state.id);
  const inner = insideOf(chart, state).map(mermaidText);
  const ends = state.kind === "final" ? [`${name} --> [*]`] : [];
  if (state.children.length === 0) return [`state "${state.key}" as ${name}`, ...inner.map((line) => `${name} : ${line}`), ...ends];
  // A state that holds others has no text of its own but its name.
  const noted = inner.length === 0 ? [] : [`note right of ${name}`, ...indented(inner), "end note"];
  return [`state "${state.key}" as ${name} {`, ...indented(mermaidInside(chart, state)), "}", ...noted];
}

/** A colon, a semicolon and a hash mean something to Mermaid. */
const mermaidText = (text: string) => text.replaceAll(/[#;:]/g, (letter) => `#${letter.codePointAt(0)};`);

// ---------------------------------------------------------------- PlantUML

function plantUml(chart: Statechart): string {
  return ["@startuml", `title ${chart.name}`, "hide empty description", ...plantUmlInside(chart, chart.root), ...arrows(chart, ({ from, to, transition }) => `${wordOf(from)} ${transition.trigger.kind === "delay" ? "-[dashed]->" : "-->"} ${wordOf(to)} : ${label(transition)}`), "@enduml", ""].join("\n");
}

function plantUmlInside(chart: Statechart, state: State): string[] {
  const begins = state.initial === undefined ? [] : [`[*] --> ${wordOf(state.initial)}`];
  const regions = state.children.map((child) => plantUmlState(chart, child));
  return [...begins, ...(state.kind === "parallel" ? regions.flatMap((lines, index) => [...(index > 0 ? ["--"] : []), ...lines]) : regions.flat())];
}

function plantUmlState(chart: Statechart, state: State): string[] {
  const name = wordOf(state.id);
  const head = `state "${state.key}\\n<i>${grounds(state)}</i>" as ${name}`;
  return [
    ...(state.children.length === 0 ? [head] : [`${head} {`, ...indented(plantUmlInside(chart, state)), "}"]),
    ...insideOf(chart, state).map((line) => `${name} : ${line}`),
    ...(state.kind === "final" ? [`${name} --> [*]`] : []),
  ];
}

// ---------------------------------------------------------------- what both draw

const wordOf = (id: string) => id.replaceAll(/\W/g, "_");

const arrows = (chart: Statechart, drawn: (arrow: { readonly from: string; readonly to: string; readonly transition: Transition }) => string): string[] =>
  chart.transitions.flatMap((transition) => (transition.to === undefined ? [] : [drawn({ from: transition.from, to: transition.to, transition })]));

/** What happens inside a state. */
const insideOf = (chart: Statechart, state: State): string[] => [
  ...state.entry.map((effect) => `entry / ${effect}`),
  ...state.exit.map((effect) => `exit / ${effect}`),
  ...from(chart, state).filter(({ to }) => to === undefined).map(label),
];

// ---------------------------------------------------------------- XState

/** A configuration of `createMachine`, with names where the machine has functions. */
function stately(chart: Statechart): string {
  return `${JSON.stringify({ id: chart.name, ...statelyState(chart, chart.root) }, null, 2)}\n`;
}

function statelyState(chart: Statechart, state: State): object {
  const own = from(chart, state);
  const triggered = (kind: Transition["trigger"]["kind"]) => own.filter(({ trigger }) => trigger.kind === kind);
  const byTrigger = (kind: "event" | "delay") =>
    Object.fromEntries([...alike(triggered(kind), ({ trigger }) => (trigger.kind === "delay" ? trigger.policy : triggerText(trigger)))].map(([word, group]) => [word, group.map(statelyTransition)]));
  const some = (key: string, value: object) => (Object.keys(value).length > 0 ? { [key]: value } : {});
  return {
    ...(state.kind === "parallel" || state.kind === "final" ? { type: state.kind } : {}),
    ...(state.initial !== undefined && { initial: state.children.find(({ id }) => id === state.initial)!.key }),
    ...some("entry", state.entry.map(statelyNamed)),
    ...some("exit", state.exit.map(statelyNamed)),
    ...some("on", byTrigger("event")),
    ...some("after", byTrigger("delay")),
    ...some("always", triggered("always").map(statelyTransition)),
    ...(state.grounds && { meta: state.grounds }),
    ...some("states", Object.fromEntries(state.children.map((child) => [child.key, statelyState(chart, child)]))),
  };
}

function statelyTransition({ to, guard, effects, reenters, grounds: why }: Transition): object {
  return {
    ...(to !== undefined && { target: `#${to}` }),
    ...(reenters && { reenter: true }),
    ...(guard !== undefined && { guard: { type: guard } }),
    ...(effects.length > 0 && { actions: effects.map(statelyNamed) }),
    ...(why && { meta: why }),
  };
}

function statelyNamed(named: string): object {
  const [type, ...params] = named.split(" ");
  return { type, ...(params.length > 0 && { params: { as: params.join(" ") } }) };
}
