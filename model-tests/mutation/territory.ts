/**
 * The original, in a world: every snapshot it can be in, what a peer sees of every step, and which sites each step came by.
 *
 * Steps are taken by the original with a probe at every site, when they are asked for, and once.
 */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { machines, type MachineName } from "../../machines/index.ts";
import { nodes } from "../../machines/inspect.ts";
import { start, step, type Step } from "../../machines/step.ts";
import { expiries, holds, keyOf, type Possible } from "../explore.ts";
import { answerOf, wordOf } from "../graph.ts";
import { withActions, withBranches, type State } from "./config.ts";
import { configOf, partsOf, rebuilt, type Site, type Touch } from "./mutants.ts";

export interface World {
  readonly inputs: readonly unknown[];
  readonly events: readonly AnyEventObject[];
}

/** Numbers words in the order in which they come. */
class Numbered {
  readonly words: string[] = [];
  readonly #numbers = new Map<string, number>();

  of(word: string): number {
    const known = this.#numbers.get(word);
    if (known !== undefined) return known;
    this.#numbers.set(word, this.words.length);
    return this.words.push(word) - 1;
  }

  find(word: string): number | undefined {
    return this.#numbers.get(word);
  }
}

/** The columns of a row: by event, where the original gets, what a peer sees, which timers start, and the list of what was touched. */
const columns = 4;

export class Territory {
  readonly inputs: readonly unknown[];
  /** The world's, and after them the expiries of the machine's timers. */
  readonly events: readonly AnyEventObject[];
  readonly places: AnyMachineSnapshot[] = [];
  /** By place, how far it is from the start. */
  readonly depth: number[] = [];
  /** By input. */
  readonly initial: readonly { readonly to: number; readonly word: number; readonly started: number }[];
  readonly touchLists: Touch[][] = [];
  /** What peers see. */
  readonly words = new Numbered();
  /** Timers that start together. */
  readonly starts = new Numbered();
  readonly #keys = new Numbered();
  readonly #touchWords = new Numbered();
  readonly #rows: Int32Array[] = [];
  /** By place, the step that discovered it: the place before times the number of events, plus the event. */
  readonly #before: number[] = [];
  readonly #timers: ReadonlyMap<string, number>;
  readonly #possible: Possible;
  readonly #probed: Probed;

  constructor(name: MachineName, sites: readonly Site[], { inputs, events }: World, possible: Possible = () => true) {
    const original: AnyStateMachine = machines[name];
    const timers = nodes(original.root).flatMap(({ after }) => [...new Set(after.map(({ eventType }) => eventType as string))]);
    this.inputs = inputs;
    this.events = [...events, ...timers.map((type) => ({ type }))];
    this.#timers = new Map(timers.map((type, number) => [type, events.length + number]));
    this.#possible = possible;
    this.#probed = new Probed(original, sites);
    this.initial = inputs.map((input) => this.#learn(start(this.#probed.machine, input), -1));
  }

  /** Walks all of it, breadth first. */
  explore(): this {
    for (let place = 0; place < this.places.length; place++) for (const event of this.eventsIn(this.places[place]!)) this.to(place, event);
    return this;
  }

  /** What can happen to a machine that is in a snapshot, as numbers of events. */
  eventsIn(snapshot: AnyMachineSnapshot): number[] {
    if (snapshot.status !== "active") return [];
    const numbers = [...this.events.keys()].filter((event) => !this.isExpiry(event));
    return [...numbers, ...expiries(snapshot).map((type) => this.#timers.get(type)!)].filter((event) => this.isPossible(snapshot, event));
  }

  isPossible(snapshot: AnyMachineSnapshot, event: number): boolean {
    return this.#possible(snapshot, this.events[event]!);
  }

  isExpiry(event: number): boolean {
    return event >= this.events.length - this.#timers.size;
  }

  /** The place of a snapshot, by its key; undefined when the original has not been seen there. */
  find(key: string): number | undefined {
    return this.#keys.find(key);
  }

  /** Whether the original has taken this step. */
  knows(place: number, event: number): boolean {
    return (this.#rows[place]?.[event * columns] ?? -1) !== -1;
  }

  to(place: number, event: number): number {
    return this.#row(place, event)[event * columns]!;
  }

  word(place: number, event: number): number {
    return this.#row(place, event)[event * columns + 1]!;
  }

  started(place: number, event: number): number {
    return this.#row(place, event)[event * columns + 2]!;
  }

  /** The number of a list of touches. */
  touches(place: number, event: number): number {
    return this.#row(place, event)[event * columns + 3]!;
  }

  /** The step that discovered a place; undefined where the original starts. */
  discovery(place: number): { readonly from: number; readonly event: number } | undefined {
    const before = this.#before[place]!;
    return before === -1 ? undefined : { from: Math.floor(before / this.events.length), event: before % this.events.length };
  }

  /** The way by which a place was discovered: the shortest, in a territory that was explored. */
  way(place: number): number[] {
    const way: number[] = [];
    for (let step = this.discovery(place); step !== undefined; step = this.discovery(step.from)) way.push(step.event);
    return way.reverse();
  }

  #row(place: number, event: number): Int32Array {
    const row = (this.#rows[place] ??= new Int32Array(this.events.length * columns).fill(-1));
    if (row[event * columns] === -1) {
      const { to, word, started, touches } = this.#learn(step(this.#probed.machine, this.places[place]!, this.events[event]!), place * this.events.length + event);
      row.set([to, word, started, touches], event * columns);
    }
    return row;
  }

  #learn(taken: Step, before: number): { readonly to: number; readonly word: number; readonly started: number; readonly touches: number } {
    const { effects, touches } = this.#probed.read(taken);
    const snapshot = taken.snapshot as AnyMachineSnapshot;
    const place = Math.floor(before / this.events.length);
    // What stays is the same object: the key of most steps need not be made.
    const to = snapshot === this.places[place] ? place : this.#keys.of(keyOf(snapshot));
    if (to === this.places.length) {
      this.places.push(snapshot);
      this.depth.push(before === -1 ? 0 : this.depth[place]! + 1);
      this.#before.push(before);
    }
    const list = this.#touchWords.of([...touches.keys()].join());
    this.touchLists[list] ??= [...touches.values()];
    return { to, word: this.words.of(wordOf({ ...answerOf(taken), effects })), started: this.starts.of(startedIn(taken).join()), touches: list };
  }
}

/** The timers that a step started, by the events of their expiry. */
export const startedIn = ({ timers }: Step): string[] => timers.flatMap(({ change, event }) => (change === "start" ? [event] : [])).sort();

/** What a probe asks for when an entry or an exit is come by. */
const mark = "touched";

/** The original, which tells which sites a step came by. */
class Probed {
  readonly machine: AnyStateMachine;
  #touches = new Map<number, Touch>();

  constructor(original: AnyStateMachine, sites: readonly Site[]) {
    const config = sites.reduce((root, site, number) => this.#probe(original, root, site, number), configOf(original));
    this.machine = rebuilt(original, config, { ...original.implementations, actions: { ...original.implementations.actions, [mark]: () => {} } });
  }

  /** What the step asked for, our own marks taken out, and what was touched since the last one was read. */
  read({ effects }: Step): { readonly effects: Step["effects"]; readonly touches: ReadonlyMap<number, Touch> } {
    const isMark = ({ type }: { readonly type: string }) => type === mark;
    for (const effect of effects) if (isMark(effect)) this.#touch({ site: (effect as unknown as Touch).site, enabled: true, parts: 0, next: false });
    const touches = this.#touches;
    this.#touches = new Map();
    return { effects: effects.some(isMark) ? effects.filter((effect) => !isMark(effect)) : effects, touches };
  }

  #touch(touch: Touch): void {
    const { site, enabled, parts, next } = touch;
    this.#touches.set(((site * 64 + parts) * 2 + Number(enabled)) * 2 + Number(next), touch);
  }

  #probe(original: AnyStateMachine, root: State, site: Site, number: number): State {
    switch (site.kind) {
      case "refusal": {
        const guard = () => {
          this.#touch({ site: number, enabled: false, parts: 0, next: false });
          return false;
        };
        return withBranches(root, { path: site.path, kind: "on", key: site.event }, () => [{ guard }]);
      }
      case "branch": {
        const { list, at, branch, next } = site;
        const parts = partsOf(branch.guard);
        const guard = (given: never) => {
          const said = parts.map((part) => holds(original, part, given));
          const enabled = said.every(Boolean);
          const isNext = enabled && next !== undefined && (next.guard === undefined || holds(original, next.guard, given));
          this.#touch({ site: number, enabled, parts: said.reduce((bits, one, part) => bits | (Number(one) << part), 0), next: isNext });
          return enabled;
        };
        return withBranches(root, list, (branches) => branches.map((each, other) => (other === at ? { ...each, guard } : each)));
      }
      default:
        return withActions(root, site.path, site.kind, (actions) => [{ type: mark, params: { site: number } }, ...actions]);
    }
  }
}
