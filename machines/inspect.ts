/** Reads a machine: what is declared, without running it. */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import type { Clause, Grounds } from "./clauses.ts";
import { warnings, type Warning } from "./terms.ts";

/** A state and everything below it, in document order. */
export function nodes(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap(nodes)];
}

/** Every declared transition, eventless and delayed ones too; guarded alternatives are separate, in the order in which they are tried. */
export function transitions(machine: AnyStateMachine): AnyTransitionDefinition[] {
  return nodes(machine.root).flatMap(transitionsOf);
}

/** The transitions declared on one state. */
export function transitionsOf(node: AnyStateNode): AnyTransitionDefinition[] {
  return [...[...node.transitions.values()].flat(), ...(node.always ?? [])] as AnyTransitionDefinition[];
}

/** Why a state or a transition is so; undefined when it does not say. */
export function grounds({ meta }: { readonly meta?: unknown }): Grounds | undefined {
  return meta as Grounds | undefined;
}

/** The clauses that grounds name, cited or beside a decision. */
export function clauses(of: Grounds): readonly Clause[] {
  return "cites" in of ? of.cites : of.beside;
}

/** A guard or an action as it reads: its name, the names of its parts, its literal params. */
export function named(item: unknown): string {
  if (typeof item === "string") return item;
  if (typeof item === "function") return combined(item as Combinator);
  const { type, params } = item as { readonly type: string; readonly params?: unknown };
  const shown = typeof params === "function" ? [params.name] : Object.entries(params ?? {}).map(literal);
  return [type, ...shown].join(" ");
}

interface Combinator {
  readonly name: string;
  readonly guards?: readonly unknown[];
}

function combined({ name, guards }: Combinator): string {
  if (!guards) throw new TypeError("an inline guard or action prints as nothing: name it in setup()");
  if (name === "not") return `not ${guards.map(named).join()}`;
  return guards.map(named).join(name === "or" ? " or " : " and ");
}

/** A warning is shown as the wire shows it, and what is left out by its name. */
const literal = ([name, value]: [string, unknown]) => {
  if (name === "warning") return `"${warnings[value as Warning]}"`;
  if (value === "none") return `no ${name}`;
  return typeof value === "string" ? value : JSON.stringify(value);
};

/** The delay that an event of a delayed transition stands for; undefined for every other event. */
export function delayOf(eventType: string): string | undefined {
  return eventType.startsWith("xstate.after.") ? eventType.split(".", 3)[2] : undefined;
}
