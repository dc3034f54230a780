/** What every event does in every leaf state, everywhere that the machine gets to in its world: the matrix as data. */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import { machines, type MachineName } from "../../machines/index.ts";
import { delayOf, nodes, transitions } from "../../machines/inspect.ts";
import { refusals, type Refusal } from "../../machines/refusals.ts";
import { worlds } from "../../machines/worlds.ts";
import { explore, type Edge } from "../../model-tests/explore.ts";
import type { MatrixCell, MatrixOutcome, MatrixReview } from "./review-shape.ts";

export function survey(name: MachineName): MatrixReview {
  const surveyor = new Surveyor(name);
  for (const input of worlds[name].inputs) {
    const { initial, places } = explore(name, input, (edge) => surveyor.visit(edge));
    for (const snapshot of [initial.snapshot, ...places.values()]) surveyor.rest(snapshot as AnyMachineSnapshot);
  }
  return surveyor.matrix();
}

class Surveyor {
  /** Every event of the world; a delay as `after POLICY`. */
  readonly #events: readonly string[];
  readonly #leaves: readonly string[];
  readonly #reached = new Set<string>();
  readonly #rules: ReadonlyMap<AnyTransitionDefinition, number>;
  readonly #cells = new Map<string, Map<string, MatrixOutcome>>();

  constructor(name: MachineName) {
    const machine: AnyStateMachine = machines[name];
    const declared = transitions(machine);
    this.#leaves = nodes(machine.root).filter(isLeaf).map(({ id }) => id);
    this.#rules = new Map(declared.map((transition, index) => [transition, index + 1]));
    const types = [...worlds[name].events.map(({ type }) => type), ...declared.map(({ eventType }) => eventType).filter((type) => type !== "")];
    const names = types.map(eventName);
    this.#events = [...new Set([...names.filter((each) => !isDelay(each)), ...names.filter(isDelay)])];
  }

  matrix(): MatrixReview {
    const leaves = this.#leaves.filter((leaf) => this.#reached.has(leaf));
    const cells = leaves.map((leaf) => this.#events.map((event) => this.#cell(leaf, event)));
    return {
      events: this.#events,
      leaves,
      unreached: this.#leaves.filter((leaf) => !this.#reached.has(leaf)),
      cells,
      holes: cells.flat().filter(({ is }) => is === "hole").length,
    };
  }

  #cell(leaf: string, event: string): MatrixCell {
    const outcomes = [...(this.#cells.get(`${leaf} ${event}`)?.values() ?? [])];
    return { event, is: outcomes.length > 0 ? "met" : isDelay(event) ? "stopped" : "hole", outcomes };
  }

  rest(snapshot: AnyMachineSnapshot): void {
    for (const { id } of leavesOf(snapshot)) this.#reached.add(id);
  }

  visit(edge: Edge): void {
    const before = leavesOf(edge.from);
    const after = leavesOf(edge.step.snapshot as AnyMachineSnapshot);
    const { taken } = edge.step;
    for (const leaf of before) this.#note(leaf, edge.event, this.#outcome(leaf, before, after, taken, edge));
  }

  #outcome(leaf: AnyStateNode, before: readonly AnyStateNode[], after: readonly AnyStateNode[], taken: readonly AnyTransitionDefinition[], { event, step }: Edge): MatrixOutcome {
    if (!step.handled) return step.refusal ? { kind: "refused", answer: answer(refusals[event.type as keyof typeof refusals]) } : { kind: "lapses" };
    const own = taken.filter(({ source }) => contains(source as AnyStateNode, leaf));
    const rules = (own.length > 0 ? own : taken).map((transition) => this.#rules.get(transition)!);
    if (!after.includes(leaf)) return { kind: "leads", to: successors(leaf, before, after).map(({ id }) => id), rules, carried: own.length === 0 };
    if (own.length === 0) return { kind: "elsewhere", rules };
    return own.every(({ target, actions }) => target === undefined && actions.length === 0) ? { kind: "ignored", rules } : { kind: "stays", rules };
  }

  #note(leaf: AnyStateNode, { type }: AnyEventObject, outcome: MatrixOutcome): void {
    const cell = `${leaf.id} ${eventName(type)}`;
    const outcomes = this.#cells.get(cell) ?? new Map<string, MatrixOutcome>();
    this.#cells.set(cell, outcomes.set(word(outcome), outcome));
  }
}

/** Two outcomes of one event in one leaf with the same word are the same. */
function word(outcome: MatrixOutcome): string {
  const rules = "rules" in outcome ? outcome.rules : [];
  return outcome.kind === "leads" ? `leads ${rules} ${outcome.to}` : `${outcome.kind} ${rules}`;
}

function eventName(type: string): string {
  const delay = delayOf(type);
  return delay === undefined ? type : `after ${delay}`;
}

const isDelay = (event: string) => event.startsWith("after ");
const isLeaf = ({ type }: AnyStateNode) => type === "atomic" || type === "final";
const leavesOf = (snapshot: AnyMachineSnapshot): AnyStateNode[] => snapshot._nodes.filter(isLeaf);

/** The leaves that took a leaf's place: in the smallest state around it that has new ones. */
function successors(leaf: AnyStateNode, before: readonly AnyStateNode[], after: readonly AnyStateNode[]): AnyStateNode[] {
  const arrived = after.filter((each) => !before.includes(each));
  for (let around = leaf.parent; around !== undefined; around = around.parent) {
    const inside = arrived.filter((each) => contains(around!, each));
    if (inside.length > 0) return inside;
  }
  return [];
}

function contains(outer: AnyStateNode, inner: AnyStateNode): boolean {
  for (let each: AnyStateNode | undefined = inner; each !== undefined; each = each.parent) if (each === outer) return true;
  return false;
}

/** What a refused event is answered. */
export function answer(refusal: Refusal): string {
  switch (refusal.protocol) {
    case "sip":
      return `SIP ${refusal.status}${refusal.warning ? ` ${refusal.warning}` : ""}`;
    case "msrp":
      return `MSRP ${refusal.status}`;
    case "silence":
      return "silence";
  }
}
