/**
 * What a suite of tours has to show of a machine: the goals, and which step reaches which.
 *
 * A goal class is an event in a place as a reader of the standard would put it: the state, the event, what its participant is
 * to the session, how many there are and whether one more fits, and the policies. Besides, every transition is taken and every
 * guard decides alone, both ways.
 */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import { machines, type MachineName } from "../machines/index.ts";
import { named, transitions } from "../machines/inspect.ts";
import { asked, askedOnTheWay, conditions, deciding, type Asked } from "./explore.ts";
import type { Graph } from "./graph.ts";

/** Parameters of events that say who: a Seat, a Sender or a Recipient. */
const whose = new Set(["from", "target", "to", "seat", "seats", "recipient"]);

/** More than so many are many. */
const many = 3;
const counted = (count: number) => String(Math.min(count, many));

/** An event in a place, as a class: the same words, the same goal. */
export function goalClassOf(_name: MachineName, from: AnyMachineSnapshot, event: AnyEventObject): string {
  return `${placeOf(from)} | ${eventOf(from, event)}`;
}

const places = new WeakMap<AnyMachineSnapshot, string>();

function placeOf(snapshot: AnyMachineSnapshot): string {
  const known = places.get(snapshot);
  if (known !== undefined) return known;
  const place = [leavesOf(snapshot), ...sizes(snapshot.context)].join(" ");
  places.set(snapshot, place);
  return place;
}

/** The states that have no states below them, without the machine's name. */
export function leavesOf({ _nodes, status }: AnyMachineSnapshot): string {
  const leaves = _nodes.filter(({ type }) => type === "atomic" || type === "final").map(({ path }) => path.join("."));
  return `${leaves.join("+")}${status === "active" ? "" : "!"}`;
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

function eventOf(snapshot: AnyMachineSnapshot, { type, ...params }: AnyEventObject): string {
  const lists = Object.values((snapshot.context ?? {}) as object).filter(Array.isArray) as unknown[][];
  const standing = (index: number) => `${index === 0 ? "first" : "other"}:${lists.map((list) => (index < list.length ? wordOfElement(list[index]) : "none")).join()}`;
  const worded = (name: string, value: unknown): string => {
    if (Array.isArray(value)) return value.map((each) => worded(name, each)).join("&");
    return typeof value === "number" && whose.has(name) && lists.length > 0 ? standing(value) : String(value);
  };
  const who = Object.entries(params).filter(([name]) => whose.has(name)).map(([, value]) => value);
  const oneself = who.length > new Set(who).size ? ["oneself"] : [];
  return [type, ...Object.entries(params).map(([name, value]) => worded(name, value)), ...oneself].join(" ");
}

// ---------------------------------------------------------------- goals of edges

/** What is asked on an edge; eventless transitions are asked after others only. */
export function askedAt(graph: Graph, edge: number): Asked[] {
  const { handled } = graph.answers[graph.answer[edge]!]!;
  return (handled ? askedOnTheWay : asked)(machines[graph.name], graph.snapshots[graph.from[edge]!]!, graph.events[graph.event[edge]!]!);
}

/** Every transition, and every answer of every named guard that decides alone, as words. */
export class Decisions {
  readonly #machine: AnyStateMachine;
  readonly #words: ReadonlyMap<AnyTransitionDefinition, { readonly taken: string; readonly parts: readonly { readonly yes: string; readonly no: string }[] }>;

  constructor(name: MachineName) {
    this.#machine = machines[name];
    this.#words = new Map(
      transitions(this.#machine).map((transition, number) => {
        const taken = `transition ${number}`;
        const parts = conditions(transition).map((guard, part) => ({ yes: `${taken} ${part} ${named(guard)}`, no: `${taken} ${part} not ${named(guard)}` }));
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
