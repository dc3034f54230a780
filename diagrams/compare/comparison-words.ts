/** A comparison in words: lists of what changed, which a page and Markdown print alike. */
import type { Clause } from "../../machines/clauses.ts";
import type { Aspect, RowChange } from "./compare.ts";
import type { Parting, Tours } from "./compare-tours.ts";
import type { Comparison, LineChange, MachineChange, Place, Revision } from "./comparison.ts";
import type { Mark } from "../charts/graph.ts";

export interface List {
  readonly title: string;
  readonly note?: string;
  readonly items: readonly Item[];
}

export interface Item {
  readonly mark?: Mark;
  /** Where it stands in the picture. */
  readonly rule?: number;
  readonly state?: string;
  readonly name: string;
  readonly note?: string;
  readonly aspects: readonly Aspect[];
  readonly clauses: readonly Clause[];
  /** The policies with which it begins, and how one gets there, event by event. */
  readonly given?: string;
  readonly way?: readonly string[];
}

/** Of so many kinds of tours an example is told. */
const most = 8;

export const toldRevision = ({ name, commit, subject }: Revision): string => (commit === undefined ? name : `${name} (${commit.slice(0, 10)} ${subject})`);

/** A row of the overview: machine, states, rules, tours. */
export const overviewHead = ["machine", "states", "rules", "tours"] as const;

export function overviewRow({ difference: { name, mark, states, rules }, tours }: MachineChange): string[] {
  const machine = mark === undefined ? name : `${name} (${mark === "added" ? "new" : "gone"})`;
  return [machine, counted(states), counted(rules), tours === undefined ? "" : typeof tours === "string" ? "not compared" : toldTours(tours)];
}

const became: Readonly<Record<Mark, string>> = { added: "new", removed: "gone", changed: "changed" };

function counted(changes: readonly { readonly mark: Mark }[]): string {
  const counts = (["added", "removed", "changed"] as const).map((mark) => ({ mark, count: changes.filter((change) => change.mark === mark).length }));
  return counts.filter(({ count }) => count > 0).map(({ mark, count }) => `${count} ${became[mark]}`).join(", ") || "the same";
}

function toldTours({ partings }: Tours): string {
  const [gone, come] = [sum(partings.map(({ gone }) => gone)), sum(partings.map(({ come }) => come))];
  return toldCounts(gone, come) || "the same";
}

const toldCounts = (gone: number, come: number) => [gone > 0 ? `${gone} gone` : "", come > 0 ? `${come} new` : ""].filter(Boolean).join(", ");

const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);

/** Empty lists are left out. */
export function machineLists({ difference: { states, rules }, redefined, tours }: MachineChange): List[] {
  return shown([
    {
      title: "Rules",
      items: rules.map(({ mark, rule, was, state, on, aspects, clauses }) => ({ mark, rule, name: `${state}: ${on}`, note: `${numbered(rule, was, mark)}${onlyWhy(aspects) ? "; it does the same as before" : ""}`, aspects, clauses })),
    },
    { title: "States", items: states.map(({ mark, id, path, aspects, clauses }) => ({ mark, state: id, name: path, aspects, clauses })) },
    {
      title: "Defined otherwise, under the same name",
      note: "Whether it means something else, the tours tell.",
      items: redefined.map(({ name, rules }) => ({ mark: "changed", name, ...(rules.length > 0 && { note: `of rules ${rules.join(", ")}` }), aspects: [], clauses: [] })),
    },
    ...(tours === undefined ? [] : [toursList(tours)]),
  ]);
}

const onlyWhy = (aspects: readonly Aspect[]) => aspects.every(({ of, pieces }) => of === "because" && pieces.some(({ mark }) => mark));

function numbered(rule: number, was: number | undefined, mark: Mark): string {
  if (mark === "removed") return `was rule ${was}`;
  return was === undefined || was === rule ? `rule ${rule}` : `rule ${rule}, was ${was}`;
}

function toursList(tours: Tours | string): List {
  const title = "Tours that appear and disappear";
  if (typeof tours === "string") return { title, items: [{ name: tours, aspects: [], clauses: [] }] };
  const { of, partings } = tours;
  const rest = partings.length - most;
  const note = `Of ${of[0] === 0 ? "" : `${of[0]} tours before and `}${of[1]}${of[0] === 0 ? " tours" : " after"}: those that the other revision answers otherwise.${rest > 0 ? ` The shortest ${most} kinds of ${partings.length}.` : ""}`;
  return { title, note, items: partings.slice(0, most).map(parting) };
}

function parting({ gone, come, at, event, was, is, given, way }: Parting): Item {
  return {
    name: at === "" ? event : `${at.split("+").join(" + ")}: ${event}`,
    note: toldCounts(gone, come),
    aspects: [{ of: "answer", pieces: [{ text: was, mark: "removed" }, { text: " " }, { text: is, mark: "added" }] }],
    clauses: [],
    ...(given !== "" && { given }),
    ...(way.length > 0 && { way }),
  };
}

/** What is told of no single machine. */
export function otherLists({ lines, requirements, policies, refusals, reworded }: Comparison): List[] {
  return shown([
    { title: "Lines of the change request, and what of them rests on this", items: lines.map(line) },
    { title: "Requirements that show in what changed", items: requirements.map(({ item, function: does, reference, rests }) => ({ name: `${item}: ${does}`, note: toldPlaces(rests), aspects: [], clauses: [reference] })) },
    { title: "Policies", items: policies.map(row) },
    { title: "Refusals", items: refusals.map(row) },
    { title: "Written otherwise, and the same in everything that they do", items: reworded.map((name) => ({ name, aspects: [], clauses: [] })) },
  ]);
}

const row = ({ mark, name, aspects, clauses }: RowChange): Item => ({ mark, name, aspects, clauses });

function line(change: LineChange): Item {
  const { asks, rests, clauses, aspects } = change;
  const note = rests.length > 0 ? { note: toldPlaces(rests) } : {};
  return aspects.length === 0 ? { name: asks, ...note, aspects, clauses } : { ...row(change), name: asks, ...note };
}

/** Whether the clauses stand in what is said. */
export const saysClauses = (aspects: readonly Aspect[]): boolean => aspects.some(({ of }) => of === "because");

function toldPlaces(places: readonly Place[]): string {
  const told = places.map(({ machine, rule, state, policy, refusal }) => (policy !== undefined ? `policy ${policy}` : refusal !== undefined ? `the refusal of ${refusal}` : `${machine} ${rule === undefined ? state : `rule ${rule}`}`));
  return `shows in ${[...new Set(told)].join(", ")}`;
}

const shown = (lists: readonly List[]): List[] => lists.filter(({ items }) => items.length > 0);
