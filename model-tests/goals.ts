/**
 * What a suite of tours has to show of a machine: the goals, and which step reaches which.
 *
 * A goal class is an event in a place as a reader of the standard would put it: the state, the event, what its participant is
 * to the session, how many there are and whether one more fits, and the policies. Besides, every transition is taken and every
 * guard decides alone, both ways.
 */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import { machines, type MachineName } from "../machines/index.ts";
import { named, transitions, transitionsOf } from "../machines/inspect.ts";
import { asked, askedOnTheWay, conditions, deciding, type Asked } from "./explore.ts";
import type { Graph } from "./graph.ts";

/** Parameters of events that say who: a Seat, a Sender or a Recipient. */
const whose = new Set(["from", "target", "to", "seat", "seats", "recipient"]);

/** More than so many are many. */
const many = 3;
const counted = (count: number) => String(Math.min(count, many));

/** An event in a place, as a class: the same words, the same goal. */
export function goalClassOf(_name: MachineName, from: AnyMachineSnapshot, event: AnyEventObject): string {
  return `${placeClassOf(from)} | ${eventClassOf(from, event)}`;
}

/** The part of a goal class that a snapshot has with every event. */
export const placeClassOf = remembered((snapshot: AnyMachineSnapshot) => [leavesOf(snapshot), ...sizes(snapshot.context)].join(" "));

/** The part of a goal class that an event adds in a snapshot. */
export function eventClassOf(from: AnyMachineSnapshot, event: AnyEventObject): string {
  const standings = standingsIn(from);
  return wordsOf(event).map((word) => (typeof word === "string" ? word : standings === undefined ? word : (standings[word] ?? "other:none"))).join(" ");
}

/** The states that have no states below them, without the machine's name. */
export function leavesOf({ _nodes, status }: AnyMachineSnapshot): string {
  const leaves = _nodes.filter(({ type }) => type === "atomic" || type === "final").map(({ path }) => path.join("."));
  return `${leaves.sort().join("+")}${status === "active" ? "" : "!"}`;
}

/** The leaf states at and below a state that a snapshot is in. */
const below = (source: AnyStateNode, { _nodes }: AnyMachineSnapshot) => _nodes.filter(({ id, type }) => type === "atomic" && (id === source.id || id.startsWith(`${source.id}.`))).map(({ id }) => id).join("+");

/** How many there are in every list, what they are, every counter, and the policies. */
function sizes(context: object | undefined): string[] {
  return Object.entries(context ?? {}).map(([name, value]) => `${name}=${sizeOf(value)}`);
}

function sizeOf(value: unknown): string {
  if (Array.isArray(value)) return counted(value.length);
  if (typeof value === "number") return counted(value);
  if (typeof value === "object" && value !== null) return Object.values(value).map(sizeOf).join();
  return String(value);
}

/** Somebody in a list: what it is called, not how often. */
function wordOfElement(element: unknown): string {
  if (typeof element !== "object" || element === null) return sizeOf(element);
  return Object.values(element).filter((value) => typeof value === "string").join("/");
}

/** What each of a snapshot's lists says of the first, the second, …; undefined where there are no lists. Nobody is first where nobody is. */
const standingsIn = remembered(({ context }: AnyMachineSnapshot): readonly string[] | undefined => {
  const lists = Object.values((context ?? {}) as object).filter(Array.isArray) as unknown[][];
  if (lists.length === 0) return undefined;
  const longest = Math.max(1, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, index) => `${index === 0 ? "first" : "other"}:${lists.map((list) => (index < list.length ? wordOfElement(list[index]) : "none")).join()}`);
});

/** An event as words; numbers stand for who it is that they point at. */
const wordsOf = remembered(({ type, ...params }: AnyEventObject): readonly (string | number)[] => {
  const named = Object.entries(params);
  const who = named.filter(([name]) => whose.has(name)).map(([, value]) => value as unknown);
  const oneself = who.length > new Set(who).size ? ["oneself"] : [];
  const words = named.flatMap(([name, value]) => (Array.isArray(value) ? [`${value.length}`, ...value] : [value]).map((each) => (typeof each === "number" && whose.has(name) ? each : String(each))));
  return [type, ...words, ...oneself];
});

/** Asked of the same object, the same answer. */
function remembered<T extends object, A>(answer: (of: T) => A): (of: T) => A {
  const known = new WeakMap<T, { readonly answer: A }>();
  return (of) => {
    const before = known.get(of) ?? { answer: answer(of) };
    known.set(of, before);
    return before.answer;
  };
}

// ---------------------------------------------------------------- goals of edges

/** What is asked on an edge; eventless transitions are asked after others only. */
export function askedAt(graph: Graph, edge: number): Asked[] {
  const { handled } = graph.answers[graph.answer[edge]!]!;
  return (handled ? askedOnTheWay : asked)(machines[graph.name], graph.snapshots[graph.from[edge]!]!, graph.events[graph.event[edge]!]!);
}

/** A transition as words: its state, its event, and which of the alternatives for that event it is, counted from 1. */
export function nameOf(transition: AnyTransitionDefinition): string {
  const { source, eventType } = transition;
  const alternatives = transitionsOf(source).filter((each) => each.eventType === eventType);
  return `${source.id} ${eventType === "" ? "always" : eventType}/${alternatives.indexOf(transition) + 1}`;
}

/** Every transition, and every answer of every named guard that decides alone, as words. */
export class Decisions {
  readonly #machine: AnyStateMachine;
  readonly #words: ReadonlyMap<AnyTransitionDefinition, { readonly taken: string; readonly parts: readonly { readonly yes: string; readonly no: string }[] }>;

  constructor(name: MachineName) {
    this.#machine = machines[name];
    this.#words = new Map(
      transitions(this.#machine).map((transition) => {
        const taken = nameOf(transition);
        const parts = conditions(transition).map((guard) => ({ yes: `${taken} [${named(guard)}]`, no: `${taken} [not ${named(guard)}]` }));
        return [transition, { taken, parts }];
      }),
    );
  }

  /** The transitions that were taken. */
  taken(answers: readonly Asked[]): string[] {
    return answers.flatMap(({ transition, enabled }) => (enabled ? [this.#words.get(transition)!.taken] : []));
  }

  /** The same, each with the states in which its source was left. */
  leaving(answers: readonly Asked[]): string[] {
    return answers.flatMap(({ transition, snapshot, enabled }) => (enabled ? [`${this.#words.get(transition)!.taken} from ${below(transition.source, snapshot)}`] : []));
  }

  /** The answers of guards that decided alone. */
  branches(answers: readonly Asked[], event: AnyEventObject): string[] {
    return answers.flatMap((answer) => {
      const { parts } = this.#words.get(answer.transition)!;
      return deciding(this.#machine, answer, event).flatMap((said, part) => (said === undefined ? [] : [said ? parts[part]!.yes : parts[part]!.no]));
    });
  }

  /** All there are, whether they can be reached or not. */
  get declared(): { readonly transitions: readonly string[]; readonly branches: readonly string[] } {
    const all = [...this.#words.values()];
    return { transitions: all.map(({ taken }) => taken), branches: all.flatMap(({ parts }) => parts.flatMap(({ yes, no }) => [yes, no])) };
  }
}

/** Which goals each edge reaches: those of edge `e` are `ids[first[e]]` up to but not including `ids[first[e + 1]]`. */
export interface Goals {
  readonly count: number;
  readonly first: Int32Array;
  readonly ids: Int32Array;
  /** What each goal is. */
  readonly says: readonly string[];
}

/** Numbers words in the order in which they come. */
export class Numbered {
  readonly #numbers = new Map<string, number>();

  of(word: string): number {
    const known = this.#numbers.get(word);
    if (known !== undefined) return known;
    this.#numbers.set(word, this.#numbers.size);
    return this.#numbers.size - 1;
  }

  get words(): string[] {
    return [...this.#numbers.keys()];
  }
}

/** The goals of edges, one edge after the other. */
export class GoalList {
  readonly #numbers = new Numbered();
  readonly #ids: number[] = [];
  readonly #first = [0];

  edge(goals: readonly string[]): void {
    for (const goal of goals) this.#ids.push(this.#numbers.of(goal));
    this.#first.push(this.#ids.length);
  }

  get goals(): Goals {
    const says = this.#numbers.words;
    return { count: says.length, first: Int32Array.from(this.#first), ids: Int32Array.from(this.#ids), says };
  }
}
