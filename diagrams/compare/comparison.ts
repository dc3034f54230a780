/** What became of the machines between two revisions: their union, their tours, and the tables beside them. */
import type { Clause } from "../../machines/clauses.ts";
import { clauses } from "../../machines/inspect.ts";
import { compare, compareRows, isSame, type Difference, type RowChange } from "./compare.ts";
import { compareTours, type Tours } from "./compare-tours.ts";
import type { Described, Description } from "./description.ts";
import type { Statechart, Transition } from "../charts/graph.ts";
import { requirements, showsOf } from "../review/requirement-table.ts";
import type { Met, Way } from "./ways.ts";

/** Who answers for a revision. */
export interface Answering {
  readonly revision: Revision;
  describe(): Promise<Description>;
  tours(machine: string): Promise<readonly Way[]>;
  /** What the machine answers on ways that may be another revision's. */
  walk(machine: string, ways: readonly Way[]): Promise<readonly (readonly Met[])[]>;
}

export interface Comparison {
  readonly before: Revision;
  readonly after: Revision;
  /** Those that differ. */
  readonly machines: readonly MachineChange[];
  /** Machines whose text differs, and nothing that they do. */
  readonly reworded: readonly string[];
  readonly lines: readonly LineChange[];
  /** Of today's table. */
  readonly requirements: readonly RequirementChange[];
  readonly policies: readonly RowChange[];
  readonly refusals: readonly RowChange[];
}

export interface Revision {
  /** As it was asked for; the working tree has no commit. */
  readonly name: string;
  readonly commit?: string;
  readonly subject?: string;
}

export interface MachineChange {
  readonly difference: Difference;
  /** Guards and memory that keep their names, and are defined otherwise. */
  readonly redefined: readonly Redefined[];
  /** Absent of a machine that is new or gone; a sentence where its tours cannot be made. */
  readonly tours?: Tours | string;
}

export interface Redefined {
  readonly name: string;
  /** Rules whose guards it is. */
  readonly rules: readonly number[];
}

/** Something that changed, in which a line or a requirement shows. */
export interface Place {
  readonly machine?: string;
  readonly rule?: number;
  readonly state?: string;
  readonly policy?: string;
  /** An event that is refused otherwise. */
  readonly refusal?: string;
}

/** A line of the change request: what changed in its words, and the changed things that it shows in. */
export interface LineChange extends RowChange {
  readonly asks: string;
  readonly rests: readonly Place[];
}

/** A requirement that shows in something that changed. */
export interface RequirementChange {
  readonly item: string;
  readonly function: string;
  readonly reference: Clause;
  readonly rests: readonly Place[];
}

export async function comparison(before: Answering, after: Answering): Promise<Comparison> {
  const [was, is] = await Promise.all([before.describe(), after.describe()]);
  const names = [...new Set([...is.machines, ...was.machines].map(({ chart }) => chart.name))];
  const changed: MachineChange[] = [];
  const reworded: string[] = [];
  for (const name of names) {
    const [one, other] = [was, is].map(({ machines }) => machines.find(({ chart }) => chart.name === name));
    if (one?.fingerprint === other?.fingerprint) continue;
    const change = await machineChange(one, other, before, after);
    if (isChanged(change)) changed.push(change);
    else reworded.push(name);
  }
  const rows = (of: "policies" | "refusals") => compareRows(was[of] ?? [], is[of] ?? []);
  const [policies, refusals] = [rows("policies"), rows("refusals")];
  const restsOf = resting([...places(was, is, changed), ...policies.map(({ name }) => ({ policy: name, names: [`policy ${name}`] })), ...refusals.map(({ name }) => ({ refusal: name, names: [`refusal of ${name}`] }))]);
  return { before: before.revision, after: after.revision, machines: changed, reworded, lines: lineChanges(was, is, restsOf), requirements: requirementChanges(restsOf), policies, refusals };
}

async function machineChange(one: Described | undefined, other: Described | undefined, before: Answering, after: Answering): Promise<MachineChange> {
  const difference = compare(one?.chart, other?.chart);
  if (!one || !other) return { difference, redefined: [] };
  return { difference, redefined: redefined(one, other), tours: await compareTours(difference.name, before, after) };
}

const isChanged = ({ difference, redefined, tours }: MachineChange) =>
  !isSame(difference) || redefined.length > 0 || typeof tours === "string" || (tours !== undefined && tours.partings.length > 0);

function redefined(one: Described, other: Described): Redefined[] {
  const names = Object.keys(other.definitions).filter((name) => name in one.definitions && one.definitions[name] !== other.definitions[name]);
  return names.map((name) => ({ name, rules: other.chart.transitions.filter((rule) => uses(rule, name)).map(({ rule }) => rule) }));
}

function uses({ guard = "", effects }: Transition, definition: string): boolean {
  const [kind, name] = definition.split(" ");
  return kind === "guard" ? guard.split(" ").includes(name!) : effects.includes(name!);
}

// ---------------------------------------------------------------- what rests on it

/** The changed places among those that something shows in. */
type RestsOf = (shows: readonly string[]) => Place[];

interface Named extends Place {
  /** By which lines and requirements speak of it. */
  readonly names: readonly string[];
}

const resting = (changed: readonly Named[]): RestsOf => (shows) => changed.filter(({ names }) => shows.some((each) => names.includes(each))).map(({ names: _, ...place }) => place);

function lineChanges(was: Description, is: Description, restsOf: RestsOf): LineChange[] {
  const changes = new Map(compareRows(was.lines ?? [], is.lines ?? []).map((change) => [change.name, change]));
  return [...new Set([...(is.lines ?? []), ...(was.lines ?? [])].map(({ name }) => name))].flatMap((name): LineChange[] => {
    const rows = [is, was].flatMap(({ lines }) => lines?.filter((line) => line.name === name) ?? []);
    const rests = restsOf(rows.flatMap(({ says }) => says["shows in"]?.split(", ") ?? []));
    const change = changes.get(name);
    if (!change && rests.length === 0) return [];
    const { grounds, says } = rows[0]!;
    return [{ name, asks: says["asks"] ?? "", mark: change?.mark ?? "changed", clauses: grounds ? clauses(grounds) : [], aspects: change?.aspects ?? [], rests }];
  });
}

const requirementChanges = (restsOf: RestsOf): RequirementChange[] =>
  requirements.flatMap((requirement) => {
    const rests = restsOf(showsOf(requirement));
    const { item, function: does, reference } = requirement;
    return rests.length === 0 ? [] : [{ item, function: does, reference, rests }];
  });

/** Everything that changed, under the names that it had and has in `machines/scope.ts`. */
function places(was: Description, is: Description, machines: readonly MachineChange[]): Named[] {
  return machines.flatMap(({ difference: { name: machine, states, rules }, redefined }): Named[] => {
    const [one, other] = [was, is].map((each) => each.machines.find(({ chart }) => chart.name === machine)?.chart);
    const named = (chart: Statechart | undefined, rule: number | undefined) => chart?.transitions.filter((each) => each.rule === rule).flatMap(namesOf) ?? [];
    const otherwise = new Set(redefined.flatMap(({ rules }) => rules).filter((rule) => !rules.some((each) => each.rule === rule)));
    return [
      ...states.map(({ id, path }) => ({ machine, state: path, names: [id] })),
      ...rules.map(({ rule, was }) => ({ machine, rule, names: [...named(one, was), ...named(other, rule)] })),
      ...[...otherwise].map((rule) => ({ machine, rule, names: named(other, rule) })),
    ];
  });
}

/** `STATE EVENT`, and with its guard. */
function namesOf({ from, trigger, guard }: Transition): string[] {
  const event = trigger.kind === "event" ? trigger.event : trigger.kind === "delay" ? `xstate.after.${trigger.policy}` : "always";
  return guard === undefined ? [`${from} ${event}`] : [`${from} ${event}`, `${from} ${event} ${guard}`];
}
