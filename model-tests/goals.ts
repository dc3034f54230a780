/**
 * What a suite of tours has to show of a machine: the goals, and which step reaches which.
 *
 * A goal class is an event in a place as a reader of the standard would put it: the state, the event, what its participant is
 * to the session, how many there are and whether one more fits, and the policies. Besides, every transition is taken and every
 * guard decides alone, both ways.
 */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { machines, type MachineName } from "../machines/index.ts";
import { transitions } from "../machines/inspect.ts";
import { asked, askedOnTheWay, conditions, deciding } from "./explore.ts";
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

/** How many there are in every list, what they are, every counter, and the policies. */
function sizes(context: object | undefined): string[] {
  return Object.entries(context ?? {}).map(([name, value]) => `${name}=${sizeOf(value)}`);
}

function sizeOf(value: unknown): string {
  if (Array.isArray(value)) return `${counted(value.length)}(${[...new Set(value.map(wordOfElement))].sort().join()})`;
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
  const standing = (index: number) => `${index === 0 ? "first" : "other"}:${lists.map((list) => (index < list.length ? sizeOf(list[index]) : "none")).join()}`;
  const named = (name: string, value: unknown): string => {
    if (Array.isArray(value)) return value.map((each) => named(name, each)).join("&");
    return typeof value === "number" && whose.has(name) && lists.length > 0 ? standing(value) : String(value);
  };
  const who = Object.entries(params).filter(([name]) => whose.has(name)).map(([, value]) => value);
  const oneself = who.length > new Set(who).size ? ["oneself"] : [];
  return [type, ...Object.entries(params).map(([name, value]) => named(name, value)), ...oneself].join(" ");
}

// ---------------------------------------------------------------- goals of a graph

/** Which goals each edge of a graph reaches: those of edge `e` are `ids[first[e]]` up to but not including `ids[first[e + 1]]`. */
export interface Goals {
  readonly count: number;
  readonly first: Int32Array;
  readonly ids: Int32Array;
  /** What a goal is, in words. */
  readonly says: readonly string[];
}

/** Interns goals edge by edge. */
export class GoalList {
  readonly #ids: number[] = [];
  readonly #first: number[] = [0];
  readonly #says: string[] = [];
  readonly #known = new Map<string | number, number>();

  /** `key` is what makes a goal itself; `says` is asked once. */
  add(key: string | number, says: () => string = () => String(key)): void {
    let id = this.#known.get(key);
    if (id === undefined) {
      id = this.#says.push(says()) - 1;
      this.#known.set(key, id);
    }
    this.#ids.push(id);
  }

  /** The goals of the next edge follow. */
  next(): void {
    this.#first.push(this.#ids.length);
  }

  get done(): Goals {
    return { count: this.#says.length, first: Int32Array.from(this.#first), ids: Int32Array.from(this.#ids), says: this.#says };
  }
}

export interface Wanted {
  readonly classes?: boolean;
  /** Every transition, and every answer of every named guard that decides alone. */
  readonly decisions?: boolean;
  readonly edges?: boolean;
}

/** The goals of a graph; an edge from where the machine has ended reaches none. */
export function goalsOf(graph: Graph, wanted: Wanted): Goals {
  const machine: AnyStateMachine = machines[graph.name];
  const numbers = new Map(transitions(machine).map((transition, number) => [transition, number]));
  const goals = new GoalList();
  for (let edge = 0; edge < graph.from.length; edge++, goals.next()) {
    const from = graph.snapshots[graph.from[edge]!]!;
    const event = graph.events[graph.event[edge]!]!;
    if (from.status !== "active") continue;
    if (wanted.edges) goals.add(edge);
    if (wanted.classes) goals.add(goalClassOf(graph.name, from, event));
    if (!wanted.decisions) continue;
    // Eventless transitions are asked after others only.
    const { handled } = graph.answers[graph.answer[edge]!]!;
    for (const answer of handled ? askedOnTheWay(machine, from, event) : asked(machine, from, event)) {
      const number = numbers.get(answer.transition)!;
      if (answer.enabled) goals.add(`transition ${number}`);
      deciding(machine, answer, event).forEach((said, part) => {
        if (said !== undefined) goals.add(`transition ${number} guard ${part} ${said}`);
      });
    }
  }
  return goals.done;
}

/** How many goals of the kind `decisions` a machine has, wherever they can be reached. */
export function declared(name: MachineName): { readonly transitions: number; readonly branches: number } {
  const all = transitions(machines[name]);
  return { transitions: all.length, branches: all.flatMap(conditions).length * 2 };
}
