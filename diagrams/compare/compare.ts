/**
 * Two revisions of a statechart as one: everything of both, each thing with what became of it, and every change in words.
 *
 * States are the same when they are called the same within the same state, or when nearly all their transitions are. Rules of
 * one state are the same when they agree best: in what triggers them, guard, effects and where they lead.
 */
import { diffArrays } from "diff";
import type { Clause, Grounds } from "../../machines/clauses.ts";
import { clauses } from "../../machines/inspect.ts";
import { alike, isIgnored, type Mark, type State, type Statechart, type Transition } from "../charts/graph.ts";
import { guardText, triggerText } from "../charts/wording.ts";

export interface Difference {
  readonly name: string;
  /** Where the machine itself is new, or gone. */
  readonly mark?: "added" | "removed";
  /** Of both. A rule has the number that it has after the change; those that are gone count on from there. */
  readonly chart: Statechart;
  readonly states: readonly StateChange[];
  readonly rules: readonly RuleChange[];
}

export interface Change {
  readonly mark: Mark;
  /** What it stands on, before or after. */
  readonly clauses: readonly Clause[];
  /** Of what is new or gone: all that is to say of it. Of what changed: what of it. */
  readonly aspects: readonly Aspect[];
}

export interface StateChange extends Change {
  readonly id: string;
  readonly path: string;
}

export interface RuleChange extends Change {
  readonly rule: number;
  /** The number that it had. */
  readonly was?: number;
  /** Path of its state, or the machine's name. */
  readonly state: string;
  /** What triggers it, and its guard. */
  readonly on: string;
}

/** One thing that can be said of a state or a rule, with the words that came and went. */
export interface Aspect {
  readonly of: string;
  readonly pieces: readonly Piece[];
}

export interface Piece {
  readonly text: string;
  readonly mark?: "added" | "removed";
}

/** What became of a machine; one of both may be missing. */
export function compare(before: Statechart | undefined, after: Statechart | undefined): Difference {
  const { name } = (after ?? before)!;
  const union = new Union(before, after);
  return { name, ...(before === undefined && { mark: "added" }), ...(after === undefined && { mark: "removed" }), chart: union.chart, states: union.stateChanges, rules: union.ruleChanges };
}

export const isSame = ({ mark, states, rules }: Difference): boolean => mark === undefined && states.length + rules.length === 0;

/** A change in one line. */
export const told = ({ mark, aspects }: Change): string => aspects.map(({ of, pieces }) => `${of}: ${mark === "changed" ? toldPieces(pieces) : plain(pieces)}`).join("; ");

/** The whole of what it was, and of what it is. */
function toldPieces(pieces: readonly Piece[]): string {
  const [was, is] = (["added", "removed"] as const).map((not) => plain(pieces.filter(({ mark }) => mark !== not)));
  return `${was || "nothing"} → ${is || "nothing"}`;
}

const plain = (pieces: readonly Piece[]) => pieces.map(({ text }) => text).join("").trim();

// ---------------------------------------------------------------- the union

interface Pair<T> {
  readonly before?: T;
  readonly after?: T;
}

class Union {
  readonly chart: Statechart;
  readonly stateChanges: StateChange[] = [];
  readonly ruleChanges: readonly RuleChange[];
  readonly #before: Statechart | undefined;
  readonly #after: Statechart | undefined;
  /** What a state is now, by the id that it had. */
  readonly #now = new Map<string, State>();
  readonly #paths = new Map<string, string>();
  /** Rules, as they are now, that are tried in another order. */
  readonly #moved: ReadonlySet<Transition>;

  constructor(before: Statechart | undefined, after: Statechart | undefined) {
    this.#before = before;
    this.#after = after;
    if (before && after) this.#pair(before.root, after.root);
    const root = this.#state({ ...(before && { before: before.root }), ...(after && { after: after.root }) });
    const pairs = this.#pairs();
    this.#moved = moved(pairs);
    let number = after?.transitions.length ?? 0;
    const rules = pairs.map((pair) => ({ pair, change: changeOf(pair, (rule) => this.#saidOfRule(rule, pair)), drawn: this.#drawn(pair, () => ++number) }));
    this.chart = { ...(after ?? before)!, root, states: below(root), transitions: rules.map(({ change, drawn }) => ({ ...drawn, ...(change && { mark: change.mark, ...(change.mark === "changed" && { changes: change.aspects }) }) })) };
    this.ruleChanges = rules.flatMap(({ pair, change, drawn }): RuleChange[] => {
      const on = [triggerText(drawn.trigger), guardText(drawn)].filter(Boolean).join(" ");
      return change ? [{ ...change, rule: drawn.rule, ...(pair.before && { was: pair.before.rule }), state: this.#paths.get(drawn.from) || this.chart.name, on }] : [];
    });
  }

  // -------------------------------------------------------------- states

  #pair(before: State, after: State): void {
    this.#now.set(before.id, after);
    const same = paired(before.children, after.children, [], (one, other) => one.key === other.key);
    const renamed = closest(before.children, after.children, same, (one, other) => likeness(wordsAround(one, this.#before!), wordsAround(other, this.#after!)), mostly);
    for (const [one, other] of [...same, ...renamed]) this.#pair(one, other);
  }

  #id(before: string): string {
    return this.#now.get(before)?.id ?? before;
  }

  #state(pair: Pair<State>, parent?: State): State {
    const { before, after } = pair;
    const one = (after ?? before)!;
    const path = [parent?.path, one.key].filter(Boolean).join(".");
    const here = { ...one, path: parent ? path : "" };
    this.#paths.set(one.id, here.path);
    const mark = this.#stateMark(pair, here);
    const children = merged(before?.children ?? [], after?.children ?? [], (child) => this.#now.get(child.id)).map((child) => this.#state(child, here));
    const initial = after?.initial ?? (before?.initial === undefined ? undefined : this.#id(before.initial));
    return {
      ...here,
      kind: children.length > 0 && after?.children.length === 0 ? before!.kind : one.kind,
      children,
      ...(initial !== undefined && { initial }),
      ...(mark && { mark }),
    };
  }

  #stateMark(pair: Pair<State>, { id, path }: State): Mark | undefined {
    const change = changeOf(pair, (state) => this.#saidOfState(state, state === pair.before));
    // The machine itself is no state: its own mark says that it is new or gone.
    if (change && (path !== "" || change.mark === "changed")) this.stateChanges.push({ ...change, id, path: path || (this.#after ?? this.#before)!.name });
    return change?.mark;
  }

  #saidOfState({ key, kind, isRegion, initial, entry, exit, grounds }: State, isBefore: boolean): Said {
    const begins = initial === undefined ? "" : (isBefore ? this.#id(initial) : initial).split(".").at(-1)!;
    return { name: key, kind: isRegion ? `region, ${kind}` : kind === "atomic" ? "" : kind, "begins in": begins, "on entry": entry.join(", "), "on exit": exit.join(", "), because: why(grounds) };
  }

  // -------------------------------------------------------------- rules

  #pairs(): Pair<Transition>[] {
    const [before, after] = [this.#before?.transitions ?? [], this.#after?.transitions ?? []];
    const now = new Map<Transition, Transition>();
    for (const source of new Set(before.map(({ from }) => from))) {
      const [ones, others] = [before.filter(({ from }) => from === source), after.filter(({ from }) => from === this.#now.get(source)?.id)];
      const same = paired(ones, others, [], (one, other) => this.#word(one, true) === this.#word(other, false));
      const changed = closest(ones, others, same, (one, other) => this.#agreement(one, other), enough);
      const renamed = paired(ones, others, [...same, ...changed], (one, other) => this.#word(one, true, "untriggered") === this.#word(other, false, "untriggered"));
      for (const [one, other] of [...same, ...changed, ...renamed]) now.set(one, other);
    }
    return merged(before, after, (one) => now.get(one));
  }

  /** Two rules with one word are the same. */
  #word(of: Transition, isBefore: boolean, without?: "untriggered"): string {
    return JSON.stringify([without ? "" : triggerText(of.trigger), of.guard, of.effects, this.#target(of, isBefore), of.reenters, why(of.grounds)]);
  }

  #target({ to }: Transition, isBefore: boolean): string | undefined {
    return to !== undefined && isBefore ? this.#id(to) : to;
  }

  /** How much two rules of one trigger agree: 3 in everything. */
  #agreement(before: Transition, after: Transition): number {
    if (triggerText(before.trigger) !== triggerText(after.trigger)) return 0;
    const guards = likeness(guardWords(before), guardWords(after));
    const agreed = guards + likeness(before.effects, after.effects) + (this.#target(before, true) === this.#target(after, false) ? 1 : 0);
    return guards === 1 ? Math.max(agreed, enough) : agreed;
  }

  #drawn({ before, after }: Pair<Transition>, next: () => number): Transition {
    if (after) return after;
    const to = this.#target(before!, true);
    return { ...before!, rule: next(), from: this.#id(before!.from), ...(to !== undefined && { to }) };
  }

  #saidOfRule(rule: Transition, pair: Pair<Transition>): Said {
    const target = this.#target(rule, rule === pair.before);
    const { before, after } = pair;
    return {
      event: triggerText(rule.trigger),
      guard: rule.guard ?? "",
      effects: isIgnored(rule) ? "ignored" : rule.effects.join(", "),
      "leads to": target === undefined ? "" : this.#paths.get(target)!,
      "enters again": rule.reenters ? "yes" : "",
      because: why(rule.grounds),
      ...(before && after && this.#moved.has(after) && { tried: place(rule, (rule === before ? this.#before : this.#after)!) }),
    };
  }
}

/** Alternatives are tried in their order: one that stands elsewhere among those that stayed may be another rule. */
function moved(pairs: readonly Pair<Transition>[]): Set<Transition> {
  const was = new Map(pairs.flatMap(({ before, after }) => (before && after && triggerText(before.trigger) === triggerText(after.trigger) ? [[after, before.rule]] : [])));
  const all = new Set<Transition>();
  for (const now of alike([...was.keys()], ({ from, trigger }) => `${from} ${triggerText(trigger)}`).values()) {
    const before = now.toSorted((one, other) => was.get(one)! - was.get(other)!);
    for (const { added, value } of diffArrays(before, [...now])) if (added) for (const rule of value) all.add(rule);
  }
  return all;
}

const guardWords = ({ guard }: Transition) => guard?.split(" ") ?? [];
const below = ({ children }: State): State[] => children.flatMap((child) => [child, ...below(child)]);

/** `2nd of 5`, among the alternatives of its trigger. */
function place(rule: Transition, { transitions }: Statechart): string {
  const alternatives = transitions.filter(({ from, trigger }) => from === rule.from && triggerText(trigger) === triggerText(rule.trigger));
  return `as number ${alternatives.indexOf(rule) + 1} of ${alternatives.length}`;
}

// ---------------------------------------------------------------- what is one and the same

/** So alike, a state that is called otherwise is the same. */
const mostly = 0.5;

/** From it on two rules are one that changed; a rule that keeps trigger and guard is always the same. */
const enough = 1.5;

type Pairs<T> = readonly (readonly [T, T])[];

/** Pairs in order, of those that are in no pair yet. */
function paired<T>(before: readonly T[], after: readonly T[], known: Pairs<T>, isSame: (one: T, other: T) => boolean): Pairs<T> {
  const pairs: (readonly [T, T])[] = [];
  for (const one of before) {
    if (known.some(([each]) => each === one)) continue;
    const other = after.find((each) => ![...known, ...pairs].some(([, taken]) => taken === each) && isSame(one, each));
    if (other !== undefined) pairs.push([one, other]);
  }
  return pairs;
}

/** Pairs of those that are in no pair yet, the most alike first. */
function closest<T>(before: readonly T[], after: readonly T[], known: Pairs<T>, likeness: (one: T, other: T) => number, least: number): Pairs<T> {
  const isFree = (each: T) => !known.some((pair) => pair.includes(each));
  const candidates = before.filter(isFree).flatMap((one) => after.filter(isFree).map((other) => ({ one, other, likeness: likeness(one, other) })));
  const pairs: (readonly [T, T])[] = [];
  for (const { one, other, likeness } of candidates.sort((a, b) => b.likeness - a.likeness)) {
    if (likeness >= least && !pairs.some(([a, b]) => a === one || b === other)) pairs.push([one, other]);
  }
  return pairs;
}

/** The share of words that two have in common: 1 when neither has any. */
function likeness(some: readonly string[], others: readonly string[]): number {
  if (some.length + others.length === 0) return 1;
  const left = [...others];
  const common = some.filter((word) => left.includes(word) && left.splice(left.indexOf(word), 1));
  return (2 * common.length) / (some.length + others.length);
}

/** What happens in a state, how it is entered and how it is left; its own name is not in it. */
function wordsAround(state: State, { transitions }: Statechart): string[] {
  const seen = (id: string | undefined) => (id === state.id || id?.startsWith(`${state.id}.`) ? `here${id.slice(state.id.length)}` : id);
  const around = transitions.filter(({ from, to }) => [from, to].some((id) => seen(id) !== id));
  return [...state.entry, ...state.exit, ...around.map(({ from, to, trigger, guard, effects }) => [seen(from), triggerText(trigger), guard, effects, seen(to)].join(" "))];
}

/** Everything of both in one order, that of `after`; what is gone stands behind what it stood behind. */
function merged<T>(before: readonly T[], after: readonly T[], now: (before: T) => T | undefined): Pair<T>[] {
  const was = new Map(before.map((one) => [now(one), one]));
  const all: Pair<T>[] = after.map((one) => ({ ...(was.has(one) && { before: was.get(one)! }), after: one }));
  before.forEach((one, index) => {
    if (now(one) !== undefined) return;
    const behind = index === 0 ? -1 : all.findIndex((each) => each.before === before[index - 1]);
    all.splice(behind + 1, 0, { before: one });
  });
  return all;
}

// ---------------------------------------------------------------- in words

/** What whoever tells a change begins with. */
const inHeading: ReadonlySet<string> = new Set(["name", "event", "guard"]);

/** What there is to say, aspect by aspect; an empty text says nothing. */
type Said = Readonly<Record<string, string>>;

function changeOf<T extends { readonly grounds: Grounds | undefined }>({ before, after }: Pair<T>, say: (of: T) => Said): Change | undefined {
  const [was, is] = [before && say(before), after && say(after)];
  const aspects = [...new Set([...Object.keys(was ?? {}), ...Object.keys(is ?? {})])].flatMap((of): Aspect[] => {
    const [one, other] = [was?.[of] ?? "", is?.[of] ?? ""];
    if (!was || !is) return one + other === "" || inHeading.has(of) ? [] : [{ of, pieces: [{ text: one + other }] }];
    return one === other ? [] : [{ of, pieces: wordByWord(one, other) }];
  });
  const mark = !was ? "added" : !is ? "removed" : "changed";
  if (mark === "changed" && aspects.length === 0) return undefined;
  return { mark, clauses: [...new Set([after, before].flatMap((each) => (each?.grounds ? clauses(each.grounds) : [])))], aspects };
}

/** Of a table whose rows have names: policies, refusals, lines of the change request. */
export interface Row {
  readonly name: string;
  readonly grounds: Grounds | undefined;
  readonly says: Said;
}

export interface RowChange extends Change {
  readonly name: string;
}

export function compareRows(before: readonly Row[], after: readonly Row[]): RowChange[] {
  const pairs = merged(before, after, ({ name }) => after.find((row) => row.name === name));
  return pairs.flatMap((pair) => {
    const change = changeOf(pair, ({ says, grounds }) => ({ ...says, because: why(grounds) }));
    return change ? [{ ...change, name: (pair.after ?? pair.before)!.name }] : [];
  });
}

function why(grounds: Grounds | undefined): string {
  if (grounds === undefined) return "";
  return "cites" in grounds ? `cites ${grounds.cites.join(", ")}` : `decided: ${grounds.decides}; beside ${grounds.beside.join(", ")}`;
}

/** Clauses, names and marks of a text, without what lies between. */
const tokens = (text: string): string[] => text.match(/(?:RFC \d+|[\w-]+) §[\w.]+|[,;]|[^\s,;]+/g) ?? [];

const isSeparator = (token: string | undefined) => token === "," || token === ";";

function wordByWord(before: string, after: string): Piece[] {
  const [was, is] = [tokens(before), tokens(after)];
  if (likeness(was.filter((token) => !isSeparator(token)), is.filter((token) => !isSeparator(token))) < 1 / 3) return spaced([[before], [after]].map((value, index) => ({ value, mark: index === 0 ? "removed" : "added" })));
  return spaced(diffArrays(was, is).map(({ value, added, removed }) => ({ value, ...((added || removed) && { mark: added ? "added" : "removed" }) })));
}

/** Spaces stand between words, and not before a separator. */
function spaced(runs: readonly { readonly value: readonly string[]; readonly mark?: "added" | "removed" }[]): Piece[] {
  const told = runs.filter(({ value }) => value.join("") !== "");
  return told.flatMap(({ value, mark }, index): Piece[] => {
    const text = value.map((token, at) => (at === 0 || isSeparator(token) ? token : ` ${token}`)).join("");
    return [...(index === 0 || isSeparator(value[0]) ? [] : [{ text: " " }]), { text, ...(mark && { mark }) }];
  });
}
