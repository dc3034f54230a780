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

/** Interns words. */
export class Words {
  readonly items: string[] = [];
  readonly #indexes = new Map<string, number>();

  indexOf(word: string): number {
    const known = this.#indexes.get(word);
    if (known !== undefined) return known;
    this.#indexes.set(word, this.items.length);
    return this.items.push(word) - 1;
  }

  find(word: string): number {
    return this.#indexes.get(word) ?? -1;
  }
}

/** Where the original gets by one event, what a peer sees, and the list of what was touched. */
export interface Edge {
  readonly to: number;
  readonly word: number;
  readonly touches: number;
}

const columns = 3;

export class Territory {
  readonly original: AnyStateMachine;
  /** The world's, and after them the expiries of the machine's timers. */
  readonly events: readonly AnyEventObject[];
  readonly places: AnyMachineSnapshot[] = [];
  /** What peers see, by what they see. */
  readonly words = new Words();
  /** By input. */
  readonly initial: readonly Edge[];
  /** How far from the start, and by which step: the place before times the number of events, plus the event. */
  readonly depth: number[] = [];
  readonly #before: number[] = [];
  readonly #keys = new Words();
  readonly #rows: Int32Array[] = [];
  readonly #timers: ReadonlyMap<string, number>;
  readonly #possible: Possible;
  readonly #probed: Probed;
  readonly touchLists: Touch[][] = [];
  readonly #touchWords = new Words();

  constructor(name: MachineName, sites: readonly Site[], { inputs, events }: World, possible: Possible = () => true) {
    this.original = machines[name];
    this.#probed = new Probed(this.original, sites);
    this.#possible = possible;
    const delayed = nodes(this.original.root).flatMap(({ after }) => [...new Set(after.map(({ eventType }) => eventType as string))]);
    this.events = [...events, ...delayed.map((type) => ({ type }))];
    this.#timers = new Map(delayed.map((type, at) => [type, events.length + at]));
    this.initial = inputs.map((input) => this.#edge(start(this.#probed.machine, input), -1));
  }

  /** How many places have been seen. */
  get size(): number {
    return this.places.length;
  }

  isExpiry(event: number): boolean {
    return event >= this.events.length - this.#timers.size;
  }

  /** The place of a snapshot, by its key; -1 when the original has not been seen there. */
  find(key: string): number {
    return this.#keys.find(key);
  }

  /** What can happen in a place, as numbers of events. */
  *eventsIn(place: number): Generator<number> {
    const snapshot = this.places[place]!;
    if (snapshot.status !== "active") return;
    for (let event = 0; event < this.events.length - this.#timers.size; event++) if (this.#possible(snapshot, this.events[event]!)) yield event;
    for (const type of expiries(snapshot)) if (this.#possible(snapshot, { type })) yield this.#timers.get(type)!;
  }

  /** Whether the original has taken this step. */
  knows(place: number, event: number): boolean {
    return this.#rows[place]?.[event * columns] !== undefined && this.#rows[place]![event * columns] !== -1;
  }

  to(place: number, event: number): number {
    return this.#cell(place, event, 0);
  }

  word(place: number, event: number): number {
    return this.#cell(place, event, 1);
  }

  touches(place: number, event: number): number {
    return this.#cell(place, event, 2);
  }

  /** Walks all of it, breadth first. */
  explore(): this {
    for (let place = 0; place < this.places.length; place++) for (const event of this.eventsIn(place)) this.to(place, event);
    return this;
  }

  /** The shortest known way to a place. */
  way(place: number): number[] {
    const way: number[] = [];
    for (let at = place; this.#before[at]! !== -1; at = Math.floor(this.#before[at]! / this.events.length)) way.push(this.#before[at]! % this.events.length);
    return way.reverse();
  }

  #cell(place: number, event: number, column: number): number {
    const row = (this.#rows[place] ??= new Int32Array(this.events.length * columns).fill(-1));
    const at = event * columns;
    if (row[at] === -1) {
      const { to, word, touches } = this.#edge(step(this.#probed.machine, this.places[place]!, this.events[event]!), place * this.events.length + event);
      row[at] = to;
      row[at + 1] = word;
      row[at + 2] = touches;
    }
    return row[at + column]!;
  }

  #edge(taken: Step, before: number): Edge {
    const { effects, touches } = this.#probed.told(taken);
    const snapshot = taken.snapshot as AnyMachineSnapshot;
    const to = this.#keys.indexOf(keyOf(snapshot));
    if (to === this.places.length) {
      this.places.push(snapshot);
      this.depth.push(before === -1 ? 0 : this.depth[Math.floor(before / this.events.length)]! + 1);
      this.#before.push(before);
    }
    const list = this.#touchWords.indexOf(touches.map(({ site, enabled, parts, next }) => `${site} ${enabled} ${parts} ${next}`).join());
    this.touchLists[list] ??= touches;
    return { to, word: this.words.indexOf(wordOf({ ...answerOf(taken), effects })), touches: list };
  }
}

/** The original, which tells which sites a step came by. */
class Probed {
  readonly machine: AnyStateMachine;
  #touches = new Map<number, Touch>();

  constructor(original: AnyStateMachine, sites: readonly Site[]) {
    const config = sites.reduce((root, site, number) => this.#probe(original, root, site, number), configOf(original));
    this.machine = rebuilt(original, config, { ...original.implementations, actions: { ...original.implementations.actions, touched: () => {} } });
  }

  /** What a step asked for, without our own marks, and what it touched. */
  told({ effects }: Step): { readonly effects: Step["effects"]; readonly touches: Touch[] } {
    const marks = effects.filter(({ type }) => (type as string) === "touched") as unknown as { site: number }[];
    for (const { site } of marks) this.#touch({ site, enabled: true, parts: 0, next: false });
    const touches = [...this.#touches.values()];
    this.#touches = new Map();
    return { effects: marks.length === 0 ? effects : effects.filter(({ type }) => (type as string) !== "touched"), touches };
  }

  #touch(touch: Touch): void {
    const { site, enabled, parts, next } = touch;
    this.#touches.set(((site * 64 + parts) * 2 + Number(enabled)) * 2 + Number(next), touch);
  }

  #probe(original: AnyStateMachine, root: State, site: Site, number: number): State {
    if (site.kind === "refusal") {
      const guard = () => {
        this.#touch({ site: number, enabled: false, parts: 0, next: false });
        return false;
      };
      return withBranches(root, { path: site.path, kind: "on", key: site.event }, () => [{ guard }]);
    }
    if (site.kind !== "branch") return withActions(root, site.path, site.kind, (actions) => [{ type: "touched", params: { site: number } }, ...actions]);
    const { list, at, branch, next } = site;
    const guards = partsOf(branch.guard);
    const guard = (given: never) => {
      const said = guards.map((part) => holds(original, part, given));
      const enabled = said.every(Boolean);
      this.#touch({ site: number, enabled, parts: said.reduce((bits, one, part) => bits | (Number(one) << part), 0), next: enabled && next !== undefined && (next.guard === undefined || holds(original, next.guard, given)) });
      return enabled;
    };
    return withBranches(root, list, (branches) => branches.map((each, other) => (other === at ? { ...each, guard } : each)));
  }
}
