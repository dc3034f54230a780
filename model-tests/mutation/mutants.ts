/**
 * Every first-order mutant of a machine: one place of its configuration is otherwise, and the implementations are the same.
 *
 * What is the same by construction is no mutant: a target that enters the very same states, an alternative put before another
 * when the two exclude each other, an event accepted in silence where it was refused in silence.
 */
import { and, not, StateMachine, type AnyStateMachine, type AnyStateNode, type AnyTransitionDefinition } from "xstate";
import type { Clause, Grounds } from "../../machines/clauses.ts";
import { clauses, named, nodes } from "../../machines/inspect.ts";
import { refusals } from "../../machines/refusals.ts";
import { actionsOf, branchesOf, listsOf, stateAt, statesOf, withActions, withBranches, type Branch, type List, type Path, type State } from "./config.ts";

/** A place that can be mutated, and of which the probe tells when a step came by. */
export type Site =
  | { readonly kind: "branch"; readonly list: List; readonly at: number; readonly branch: Branch; readonly next: Branch | undefined }
  /** A leaf state, and an event for which neither it, nor what is above it or beside it, has a transition. */
  | { readonly kind: "refusal"; readonly path: Path; readonly event: string }
  | { readonly kind: "entry" | "exit"; readonly path: Path };

/** A step came by a site. */
export interface Touch {
  readonly site: number;
  /** Of a branch: its guard held, so that it was selected. */
  readonly enabled: boolean;
  /** Which parts of its guard held, a bit each. */
  readonly parts: number;
  /** It was selected, and the alternative after it would have been too. */
  readonly next: boolean;
}

export interface Mutant {
  /** Where and what, as a sentence. */
  readonly id: string;
  /** Of what was mutated. */
  readonly clauses: readonly Clause[];
  /** Whether a step that came by there can be otherwise: a step that did not is the same. */
  readonly touched: (touch: Touch) => boolean;
  /** It is a mutant only if some step is touched: two guards may exclude each other, an event may never come in a state. */
  readonly ifTouched: boolean;
  readonly machine: () => AnyStateMachine;
}

/** More steps between two events than any machine takes: a mutant that goes round and round is found out. */
const maxIterations = 100;

export const configOf = (machine: AnyStateMachine) => machine.config as State;
export const rebuilt = (machine: AnyStateMachine, config: State, implementations: object = machine.implementations) =>
  new StateMachine({ ...config, options: { maxIterations } } as never, implementations as never) as unknown as AnyStateMachine;

// ---------------------------------------------------------------- sites

/** Every site, in document order. `events` are what the world sends. */
export function sitesOf(machine: AnyStateMachine, events: readonly string[]): Site[] {
  const root = configOf(machine);
  const sites: Site[] = [];
  for (const [path, state] of statesOf(root)) {
    for (const list of listsOf(path, state)) {
      const branches = branchesOf(root, list);
      branches.forEach((branch, at) => sites.push({ kind: "branch", list, at, branch, next: branches[at + 1] }));
    }
    for (const kind of ["entry", "exit"] as const) if (state[kind] !== undefined) sites.push({ kind, path });
    if (state.states === undefined && state.type !== "final") for (const event of events) if (!isExpected(root, path, event)) sites.push({ kind: "refusal", path, event });
  }
  return sites;
}

/** Whether a leaf, a state above it or one in a region beside it, has a transition for an event. */
function isExpected(root: State, path: Path, event: string): boolean {
  return path.some((_, depth) => {
    const above = stateAt(root, path.slice(0, depth));
    if (above.on?.[event] !== undefined) return true;
    return above.type === "parallel" && Object.entries(above.states!).some(([name, region]) => name !== path[depth] && [...statesOf(region)].some(([, { on }]) => on?.[event] !== undefined));
  }) || stateAt(root, path).on?.[event] !== undefined;
}

// ---------------------------------------------------------------- mutants

/** One operator at one site. */
interface Change {
  readonly says: string;
  readonly config: State;
  readonly touched?: (touch: Touch) => boolean;
  readonly ifTouched?: boolean;
}

const enabled = (touch: Touch) => touch.enabled;
const disabled = (touch: Touch) => !touch.enabled;

export function mutantsOf(machine: AnyStateMachine, sites: readonly Site[]): Mutant[] {
  const root = configOf(machine);
  const states = new Map(nodes(machine.root).map((node) => [node.path.join("."), node]));
  const params = new Params(root);
  const known = new Set<string>();
  return sites.flatMap((site, number) =>
    changesAt({ root, site, states, params }).map(({ says, config, touched = enabled, ifTouched = false }): Mutant => {
      const id = `${nameOf(site)}: ${says}`;
      if (known.has(id)) throw new Error(`two mutants are called ${id}`);
      known.add(id);
      return { id, clauses: clausesOf(root, site), touched: (touch) => touch.site === number && touched(touch), ifTouched, machine: () => rebuilt(machine, config) };
    }),
  );
}

interface Scene {
  readonly root: State;
  readonly site: Site;
  readonly states: ReadonlyMap<string, AnyStateNode>;
  readonly params: Params;
}

function changesAt(scene: Scene): Change[] {
  const { site } = scene;
  switch (site.kind) {
    case "branch":
      return changesOfBranch(scene, site);
    case "refusal":
      return changesOfRefusal(scene, site);
    default:
      return changesOfActions(scene, site);
  }
}

function changesOfBranch({ root, states, params }: Scene, { list, at, branch, next }: Extract<Site, { kind: "branch" }>): Change[] {
  const source = states.get(list.path.join("."))!;
  const with_ = (changed: Partial<{ [K in keyof Branch]: Branch[K] | undefined }>) => withBranches(root, list, (branches) => branches.map((each, other) => (other === at ? ({ ...each, ...changed } as Branch) : each)));
  const changes: Change[] = [{ says: "dropped", config: withBranches(root, list, (branches) => branches.filter((_, other) => other !== at)) }];

  const target = targetOf(source, list, at);
  const reenter = branch.reenter === true;
  const entered = new Set([goesNowhere, entering(source, target, reenter)]);
  for (const other of [...states.values()].filter((node) => isLeaf(node) || (node.parent === source.parent && node !== source.machine.root))) {
    const signature = entering(source, other, reenter);
    if (entered.has(signature)) continue;
    entered.add(signature);
    changes.push({ says: `goes to ${shortOf(other)}`, config: with_({ target: `#${other.id}` }) });
  }
  if (target !== undefined) changes.push({ says: "goes nowhere", config: with_({ target: undefined, reenter: undefined }) });

  if (branch.guard !== undefined) {
    const parts = partsOf(branch.guard);
    changes.push({ says: `guard ${named(branch.guard)} dropped`, config: with_({ guard: undefined }), touched: disabled });
    changes.push({ says: `guard ${named(branch.guard)} negated`, config: with_({ guard: not(branch.guard as never) }), touched: () => true });
    if (parts.length > 1)
      parts.forEach((part, number) =>
        changes.push({
          says: `guard loses ${named(part)}`,
          config: with_({ guard: and(parts.filter((_, other) => other !== number) as never) }),
          touched: (touch) => touch.parts === (1 << parts.length) - 1 - (1 << number),
        }),
      );
  }

  // To be put after an alternative that is always enabled is to be dropped.
  if (next?.guard !== undefined && !doesTheSame(branch, next)) {
    const config = withBranches(root, list, (branches) => branches.map((each, other) => branches[other === at ? at + 1 : other === at + 1 ? at : other] ?? each));
    changes.push({ says: "comes after the next", config, touched: (touch) => touch.next, ifTouched: true });
  }

  const actions = actionsOf(branch.actions);
  return [...changes, ...changesOfList(actions, params, (rewritten) => with_({ actions: rewritten }))];
}

const doesTheSame = (one: Branch, other: Branch): boolean =>
  one.target === other.target && one.reenter === other.reenter && actionsOf(one.actions).map(named).join() === actionsOf(other.actions).map(named).join();

function changesOfActions({ root, params }: Scene, { kind, path }: Extract<Site, { kind: "entry" | "exit" }>): Change[] {
  return changesOfList(actionsOf(stateAt(root, path)[kind]), params, (rewritten) => withActions(root, path, kind, () => rewritten)).map((change) => ({ ...change, touched: () => true }));
}

/** Each action left out, and each of its params otherwise. */
function changesOfList(actions: readonly unknown[], params: Params, config: (actions: readonly unknown[]) => State): Change[] {
  return actions.flatMap((action, at) => {
    const which = actions.filter((other) => named(other) === named(action)).length > 1 ? ` (${at + 1})` : "";
    return [
      { says: `${named(action)}${which} dropped`, config: config(actions.filter((_, other) => other !== at)) },
      ...params.othersOf(action).map((other) => ({ says: `${named(action)}${which} becomes ${named(other)}`, config: config(actions.map((each, place) => (place === at ? other : each))) })),
    ];
  });
}

/** It is accepted and nothing comes of it, where a peer would see that; or the machine moves on. */
function changesOfRefusal({ root, states }: Scene, { path, event }: Extract<Site, { kind: "refusal" }>): Change[] {
  const source = states.get(path.join("."))!;
  const leaves = [...states.values()].filter(isLeaf);
  const other = leaves[(leaves.indexOf(source) + 1) % leaves.length]!;
  const accepting = (branch: Branch) => withBranches(root, { path, kind: "on", key: event }, () => [branch]);
  const change = (says: string, branch: Branch): Change => ({ says, config: accepting(branch), touched: () => true, ifTouched: true });
  const isSeen = refusals[event as keyof typeof refusals].protocol !== "silence";
  return [...(isSeen ? [change("accepted", {})] : []), change(`accepted, goes to ${shortOf(other)}`, { target: `#${other.id}` })];
}

// ---------------------------------------------------------------- names

const shortOf = ({ path, machine }: AnyStateNode) => (path.length === 0 ? machine.id : path.join("."));

/** `open.membership msrp.SEND/3`: the third alternative. */
export function nameOf(site: Site): string {
  const path = (site.kind === "branch" ? site.list.path : site.path).join(".");
  if (site.kind === "refusal") return `${path} ${site.event}`;
  if (site.kind !== "branch") return `${path} ${site.kind}`;
  const { kind, key } = site.list;
  return `${path} ${kind === "always" ? "always" : kind === "after" ? `xstate.after.${key}` : key}/${site.at + 1}`;
}

function clausesOf(root: State, site: Site): readonly Clause[] {
  if (site.kind === "branch") return clauses(site.branch.meta as Grounds);
  if (site.kind === "refusal") return clauses(refusals[site.event as keyof typeof refusals].grounds);
  return clauses(stateAt(root, site.path).meta as Grounds);
}

/** The parts of a conjunction; a guard that is none has one part, itself. */
export function partsOf(guard: unknown): readonly unknown[] {
  if (guard === undefined) return [];
  const { name, guards } = guard as { readonly name?: string; readonly guards?: readonly unknown[] };
  return name === "and" && guards !== undefined ? guards : [guard];
}

// ---------------------------------------------------------------- targets

const isLeaf = ({ type }: AnyStateNode) => type === "atomic" || type === "final";

function targetOf(source: AnyStateNode, { kind, key }: List, at: number): AnyStateNode | undefined {
  const definitions = kind === "always" ? source.always : source.transitions.get(kind === "on" ? key : `xstate.after.${key}.${source.id}`);
  return ((definitions as readonly AnyTransitionDefinition[])[at]!.target as readonly AnyStateNode[] | undefined)?.[0];
}

const isBelow = (node: AnyStateNode, above: AnyStateNode) => node !== above && above.path.every((name, depth) => node.path[depth] === name);

const goesNowhere = "";

/** What a transition leaves and enters, as a word: with one word, two targets are one. As XState computes its exit and entry sets. */
function entering(source: AnyStateNode, target: AnyStateNode | undefined, reenter: boolean): string {
  if (target === undefined) return goesNowhere;
  const domain = domainOf(source, target, reenter);
  const entered = new Set<string>();
  const enter = (node: AnyStateNode): void => {
    entered.add(nameIn(node));
    below(node).forEach(enter);
  };
  if (target === domain) below(target).forEach(enter);
  else enter(target);
  for (let node = target; node !== domain; node = node.parent!) {
    entered.add(nameIn(node));
    if (node.parent!.type === "parallel") below(node.parent!).filter((region) => region !== node).forEach(enter);
  }
  return entered.size === 0 ? goesNowhere : [domain.id, ...[...entered].sort()].join(" ");
}

/** Of the states that end the machine nothing is seen but what they ask for on entry. */
function nameIn(node: AnyStateNode): string {
  return node.type === "final" && node.parent === node.machine.root ? `end ${JSON.stringify(node.entry)}` : node.id;
}

/** What is entered with a state when nothing is said about it. */
function below(node: AnyStateNode): readonly AnyStateNode[] {
  if (node.type === "parallel") return Object.values(node.states);
  return node.type === "compound" ? (node.initial.target as readonly AnyStateNode[]) : [];
}

function domainOf(source: AnyStateNode, target: AnyStateNode, reenter: boolean): AnyStateNode {
  if (!reenter && (target === source || isBelow(target, source))) return source;
  for (let node = target.parent; node !== undefined; node = node.parent) if (isBelow(source, node)) return node;
  return source.machine.root;
}

// ---------------------------------------------------------------- params

interface Action {
  readonly type: string;
  readonly params: unknown;
}

/** The params with which a machine asks for each effect. */
class Params {
  readonly #ofType: ReadonlyMap<string, readonly unknown[]>;

  constructor(root: State) {
    const actions = [...statesOf(root)].flatMap(([path, state]) => [
      ...listsOf(path, state).flatMap((list) => branchesOf(root, list).flatMap((branch) => actionsOf(branch.actions))),
      ...actionsOf(state.entry),
      ...actionsOf(state.exit),
    ]);
    const ofType = new Map<string, unknown[]>();
    for (const { type, params } of actions.filter((action) => typeof action !== "string") as Action[]) ofType.set(type, [...(ofType.get(type) ?? []), params]);
    this.#ofType = ofType;
  }

  /** The action with one param otherwise, as it is elsewhere in the machine: each literal the next of its kind, or left out; a computed one the next of its kind. */
  othersOf(action: unknown): Action[] {
    if (typeof action === "string") return [];
    const { type, params } = action as Action;
    const known = this.#ofType.get(type) ?? [];
    if (typeof params === "function") return nextOf(known.filter((other) => typeof other === "function"), params).map((other) => ({ type, params: other }));
    const literals = known.filter((other) => typeof other !== "function") as Record<string, unknown>[];
    return Object.entries(params as object).flatMap(([name, value]) => {
      const { [name]: _, ...without } = params as Record<string, unknown>;
      return [
        ...nextOf(literals.filter((other) => name in other).map((other) => other[name]), value).map((other) => ({ type, params: { ...(params as object), [name]: other } })),
        ...(literals.some((other) => !(name in other)) ? [{ type, params: without }] : []),
      ];
    });
  }
}

/** The value that comes after one, round and round; none when there is no other. */
function nextOf(values: readonly unknown[], value: unknown): unknown[] {
  const distinct = [...new Set(values)];
  return distinct.length < 2 ? [] : [distinct[(distinct.indexOf(value) + 1) % distinct.length]];
}
