/**
 * What stands on which clause, both ways: clause ↔ transitions ↔ tours ↔ tests on the wire ↔ flows ↔ invariants.
 *
 * Nothing is kept by hand: grounds are read from the machines, tours and flows are followed through them, a test on the wire
 * names its clauses in its title, a flow in the words before a block, an invariant beside its sentence.
 */
import { readdirSync, readFileSync } from "node:fs";
import type { AnyMachineSnapshot } from "xstate";
import { documents, type Clause, type Document, type Grounds } from "../machines/clauses.ts";
import { clausesInferred, clausesNotModelled } from "../machines/exceptions.ts";
import { machines, type MachineName } from "../machines/index.ts";
import { clauses, grounds, transitions } from "../machines/inspect.ts";
import { clausesInScope, lines } from "../machines/scope.ts";
import { agreement, sentences as compositionSentences } from "./composition/sentences.ts";
import { askedOnTheWay } from "./explore.ts";
import { blocks, walk } from "./flow-blocks.ts";
import { invariants, ofEveryMachine } from "./invariants.ts";
import { takenOn } from "./paths.ts";
import { nameOf, places, type Place } from "./places.ts";
import { unreachable } from "./roleplay/unreachable.ts";
import { wireToursTaking } from "./roleplay/wire-tours.ts";
import { graphOfTour, toursOf } from "./tours.ts";

const machineNames = Object.keys(machines) as MachineName[];

// ---------------------------------------------------------------- clauses in writing

/** The longer name first: one may begin another. */
const names = Object.keys(documents).sort((a, b) => b.length - a.length) as Document[];
const written = new RegExp(`\\b(${names.join("|")}) (§[A-Z0-9][.0-9]*(?:, §[A-Z0-9][.0-9]*)*)`, "g");

/** Every clause that a text names: `RFC 4579 §5.5`, and two of one document as `RFC 4575 §4.4, §5.1`. */
export function clausesIn(text: string): Clause[] {
  const found = [...text.matchAll(written)].flatMap(([, document = "", sections = ""]) => sections.split(", ").map((section) => `${document} ${section.replace(/\.$/, "")}` as Clause));
  return [...new Set(found)];
}

const inOrder = (a: string, b: string) => a.localeCompare(b, "en", { numeric: true });

/** A clause, or a section of it: what shows a section shows something of its chapter. */
const isWithin = (part: Clause, whole: Clause) => part === whole || part.startsWith(`${whole}.`);

const cites = (place: Place, clause: Clause) => place.grounds !== undefined && "cites" in place.grounds && place.grounds.cites.includes(clause);
const speaksOf = (place: Place, clause: Clause) => place.grounds !== undefined && clauses(place.grounds).includes(clause);

// ---------------------------------------------------------------- the evidence

/** A test on the wire: literal octets over real sockets. */
export interface WireTest {
  readonly file: string;
  readonly title: string;
  readonly clauses: readonly Clause[];
}

const wire = new URL("wire/", import.meta.url);
const titled = /\b(?:conversation|test(?:\.concurrent)?)\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`)/g;

/** Every test of `wire/`, and of every flow's block. */
export function allWireTests(): WireTest[] {
  const tests = readdirSync(wire)
    .filter((file) => file.endsWith(".test.ts"))
    .sort()
    .flatMap((file) =>
      [...readFileSync(new URL(file, wire), "utf8").matchAll(titled)].map(([, literal = ""]): WireTest => {
        const title = literal.slice(1, -1).replace(/\\(.)/g, "$1");
        return { file: `wire/${file}`, title, clauses: clausesIn(title) };
      }),
    );
  const flows = blocks().filter(({ kind }) => kind === "wire").map(({ file, title, prose }): WireTest => ({ file: `flows/${file}`, title, clauses: clausesIn(prose) }));
  return [...tests, ...flows];
}

/** Those that name a clause: in the title, or in the words before the block. */
export const wireTests = (): WireTest[] => allWireTests().filter((each) => each.clauses.length > 0);

/** The tours that take a transition, and where the first one does. */
export interface Taken {
  readonly tours: ReadonlySet<string>;
  readonly first: { readonly tour: string; readonly step: number };
}

/** By the name of the transition. */
function takenByTours(machine: MachineName): ReadonlyMap<string, Taken> {
  const names = transitions(machines[machine]).map(nameOf);
  const taken = new Map<string, Taken & { readonly tours: Set<string> }>();
  for (const tour of toursOf(machine)) {
    const { id, steps } = tour;
    const { sets, of } = takenOn(graphOfTour(tour));
    steps.forEach(({ edge }, step) => {
      for (const number of sets[of[edge]!]!) {
        const name = names[number]!;
        const before = taken.get(name);
        if (before === undefined) taken.set(name, { tours: new Set([id]), first: { tour: id, step } });
        else before.tours.add(id);
      }
    });
  }
  return taken;
}

const namesTaken = (machine: MachineName, from: AnyMachineSnapshot, event: { readonly type: string }) =>
  askedOnTheWay(machines[machine], from, event).flatMap(({ transition, enabled }) => (enabled ? [nameOf(transition)] : []));

/** Which blocks of flows take a transition, by its name. */
function takenByFlows(): ReadonlyMap<string, readonly string[]> {
  const taken = new Map<string, Set<string>>();
  for (const block of blocks().filter(({ kind }) => kind === "flow")) {
    const machine = block.of as MachineName;
    walk(block, (from, event) => {
      for (const name of namesTaken(machine, from, event)) taken.set(name, (taken.get(name) ?? new Set()).add(`flows/${block.file} ${block.number}`));
    });
  }
  return new Map([...taken].map(([name, flows]) => [name, [...flows]]));
}

// ---------------------------------------------------------------- the relation

const inScope: ReadonlySet<Clause> = new Set([...clausesInScope, ...Object.values(lines).map(({ clause }) => clause)]);

/** A clause, and everything that stands on it. */
export interface ClauseTrace {
  readonly clause: Clause;
  readonly inScope: boolean;
  /** Why no transition stands on it although it is in scope. */
  readonly exception?: string;
  /** What it is known from, where the clause itself was not at hand. */
  readonly inferred?: string;
  /** What cites it, and what was decided beside it: names of `Place`. */
  readonly cites: readonly string[];
  readonly beside: readonly string[];
  /** How many recommended tours take a transition that stands on it. */
  readonly tours: number;
  readonly wire: readonly { readonly file: string; readonly title: string }[];
  /** How many tours on the wire take a transition that stands on it; absent when they were not asked for. */
  readonly wireTours?: number;
  readonly flows: readonly string[];
  readonly invariants: readonly { readonly machine: string; readonly says: string }[];
}

/** A transition, and everything that it stands on and that takes it. */
export interface TransitionTrace {
  readonly machine: MachineName;
  /** Counted from 1 in the order of declaration: the number by which the diagrams speak of it. */
  readonly rule: number;
  readonly name: string;
  readonly to: readonly string[];
  readonly grounds: Grounds | undefined;
  /** How many recommended tours take it, and where the first one does. */
  readonly tours: { readonly count: number; readonly first?: { readonly tour: string; readonly step: number } };
  /** Blocks of flows that take it. */
  readonly flows: readonly string[];
  /** Tests on the wire that name one of its clauses. */
  readonly wire: readonly string[];
  /** Tours on the wire that take it; absent when they were not asked for. */
  readonly wireTours?: readonly string[];
  /** Why no peer can cause it. */
  readonly unreachable?: string;
}

export interface Relation {
  readonly clauses: readonly ClauseTrace[];
  readonly transitions: readonly TransitionTrace[];
}

export interface RelationOptions {
  /** Follows the tours on the wire too: they have to be walked first, which takes a minute. */
  readonly wireTours?: boolean;
  /** What takes each transition, by its name, where it is known already. */
  readonly known?: { readonly tours: ReadonlyMap<string, Taken>; readonly onTheWire: ReadonlyMap<string, readonly string[]> };
}

/** The whole relation as plain data. Of the machines that are named; of all, if none is. */
export function relation(of: readonly MachineName[] = machineNames, { wireTours = false, known }: RelationOptions = {}): Relation {
  const tests = wireTests();
  const flows = takenByFlows();
  const tours = known?.tours ?? new Map(of.flatMap((machine) => [...takenByTours(machine)]));
  const onTheWire = known?.onTheWire ?? (wireTours ? wireToursTaking() : undefined);
  const traces = of.flatMap((machine) =>
    transitions(machines[machine]).map((transition, index): TransitionTrace => {
      const name = nameOf(transition);
      const why = grounds(transition);
      const standsOn = why === undefined ? [] : clauses(why);
      const taken = tours.get(name);
      const listed = unreachable.find((each) => each.transition === name);
      return {
        machine,
        rule: index + 1,
        name,
        to: (transition.target ?? []).map(({ id }) => id),
        grounds: why,
        tours: taken === undefined ? { count: 0 } : { count: taken.tours.size, first: taken.first },
        flows: flows.get(name) ?? [],
        wire: tests.filter((test) => standsOn.some((clause) => test.clauses.includes(clause))).map(({ file, title }) => `${file}: ${title}`),
        ...(onTheWire !== undefined && { wireTours: onTheWire.get(name) ?? [] }),
        ...(listed !== undefined && { unreachable: listed.why }),
      };
    }),
  );
  return { transitions: traces, clauses: clauseTraces(of, tests, tours, onTheWire) };
}

function clauseTraces(of: readonly MachineName[], tests: readonly WireTest[], tours: ReadonlyMap<string, Taken>, onTheWire: ReadonlyMap<string, readonly string[]> | undefined): ClauseTrace[] {
  const here = places.filter(({ machine }) => machine === undefined || of.includes(machine));
  const sentences = [
    ...ofEveryMachine.map((sentence) => ({ machine: "every machine", ...sentence })),
    ...of.flatMap((machine) => invariants[machine].sentences.map((sentence) => ({ machine: machine as string, ...sentence }))),
    ...[agreement, ...compositionSentences].map((sentence) => ({ machine: "the composition", ...sentence })),
  ];
  const all = new Set<Clause>([
    ...here.flatMap((place) => (place.grounds === undefined ? [] : clauses(place.grounds))),
    ...(of.length === machineNames.length ? [...clausesInScope, ...tests.flatMap((test) => test.clauses), ...sentences.map(({ beside }) => beside)] : []),
  ]);
  return [...all].sort(inOrder).map((clause) => {
    const standing = here.filter((place) => place.kind === "transition" && speaksOf(place, clause));
    const exception = clausesNotModelled[clause];
    const inferred = clausesInferred[clause];
    return {
      clause,
      inScope: inScope.has(clause),
      ...(exception !== undefined && { exception }),
      ...(inferred !== undefined && { inferred }),
      cites: here.filter((place) => cites(place, clause)).map(({ name }) => name),
      beside: here.filter((place) => speaksOf(place, clause) && !cites(place, clause)).map(({ name }) => name),
      tours: new Set(standing.flatMap(({ name }) => [...(tours.get(name)?.tours ?? [])])).size,
      wire: tests.filter((test) => test.clauses.includes(clause)).map(({ file, title }) => ({ file, title })),
      ...(onTheWire !== undefined && { wireTours: new Set(standing.flatMap(({ name }) => onTheWire.get(name) ?? [])).size }),
      flows: [...new Set(blocks().filter(({ prose }) => clausesIn(prose).includes(clause)).map(({ file }) => `flows/${file}`))],
      invariants: sentences.filter(({ beside }) => beside === clause).map(({ machine, says }) => ({ machine, says })),
    };
  });
}

// ---------------------------------------------------------------- the rules

/** One clause of a machine may ground so much of its transitions; above it needs a reason. */
export const mostOfOneClause = 0.15;

/** Why one clause grounds so much of a machine. */
export const reasonsForBreadth: { readonly [N in MachineName]?: { readonly [C in Clause]?: string } } = {
  "group-file-transfer": {
    "CPM-CR §9.3.1": "the machine is this section and nothing more",
    "CPM-CONV §9.1.2": "two of the section's admission checks, who sends and how much, are made before its procedures are executed",
  },
  "large-message": {
    "CPM-CONV §9.1.2": "the machine is this section, whose steps are inferred: there is no number that says more",
    "CPM-CR §9.3.1": "its clarifications change this section: the list that is left out, and what becomes of every answer without the wrapped types",
    "RFC 4975 §8.6": "five choices of one policy, each a transition, and one definition of the attribute that they judge by",
  },
  "group-session": {
    "CPM-CONV §9.2": "the section of the group session was not at hand: what stands beside it is decided, and no number of a subsection is known",
    "CPM-CR §4.2": "closed, long-lived and notifications are bullets of one list, and silence, absence and recall are what long-lived asks for",
  },
  "conference-subscription": {
    "RFC 4575 §3.9": "a small machine: the pace is a timer, what waits for it, and what joins the waiting",
    "RFC 6665 §4.2.1.4": "a small machine: all that becomes of a refresh, one that is too short and one that never comes",
    "RFC 6665 §4.2.2": "a small machine: the three ways in which a notifier ends a subscription",
  },
};

/** A clause that grounds more of a machine than one clause should. */
export interface Breadth {
  readonly machine: MachineName;
  readonly clause: Clause;
  readonly transitions: number;
  readonly of: number;
  readonly reason?: string;
}

export function broadClauses(): Breadth[] {
  return machineNames.flatMap((machine) => {
    const here = places.filter((place) => place.kind === "transition" && place.machine === machine);
    const all = new Set(here.flatMap((place) => (place.grounds === undefined ? [] : clauses(place.grounds))));
    return [...all].sort(inOrder).flatMap((clause): Breadth[] => {
      const standing = here.filter((place) => speaksOf(place, clause)).length;
      const reason = reasonsForBreadth[machine]?.[clause];
      return standing <= mostOfOneClause * here.length ? [] : [{ machine, clause, transitions: standing, of: here.length, ...(reason !== undefined && { reason }) }];
    });
  });
}

/** What has to be so of the relation; each says what is not. */
export const rules: { readonly [says: string]: () => readonly string[] } = {
  "every transition has grounds": () => places.filter(({ kind, grounds }) => kind === "transition" && grounds === undefined).map(({ name }) => name),

  "every clause in scope has a transition or the refusal of an event, or an exception with a reason": () => {
    const standing = new Set(places.flatMap(({ kind, grounds }) => ((kind === "transition" || kind === "refusal") && grounds !== undefined ? clauses(grounds) : [])));
    return clausesInScope.filter((clause) => ![...standing].some((part) => isWithin(part, clause)) && clausesNotModelled[clause] === undefined);
  },

  "no exception is left of a clause that is cited, or that is not in scope": () =>
    (Object.keys(clausesNotModelled) as Clause[]).filter((clause) => places.some((place) => cites(place, clause)) || !clausesInScope.includes(clause)),

  "every clause that is cited has a test on the wire": () => {
    const shown = [...new Set(wireTests().flatMap((test) => test.clauses))];
    const cited = new Set(places.flatMap(({ grounds }) => (grounds !== undefined && "cites" in grounds ? grounds.cites : [])));
    return [...cited].filter((clause) => !shown.some((part) => isWithin(part, clause))).sort(inOrder);
  },

  "what is inferred is decided, never cited": () =>
    places.flatMap((place) => (Object.keys(clausesInferred) as Clause[]).filter((clause) => cites(place, clause)).map((clause) => `${place.name} cites ${clause}`)),

  "every clause of CPM beside a decision is the change request's, or listed as inferred": () =>
    places.flatMap((place) =>
      (place.grounds === undefined ? [] : clauses(place.grounds)).filter((clause) => clause.startsWith("CPM-CONV ") && clausesInferred[clause] === undefined).map((clause) => `${place.name}: ${clause}`),
    ),

  "one clause grounds at most 15 % of a machine's transitions, unless a reason stands beside it": () =>
    broadClauses().filter(({ reason }) => reason === undefined).map(({ machine, clause, transitions, of }) => `${machine}: ${clause} grounds ${transitions} of ${of}`),

  "no reason is left of a clause that does not ground so much": () => {
    const broad = broadClauses();
    return machineNames.flatMap((machine) => Object.keys(reasonsForBreadth[machine] ?? {}).filter((clause) => !broad.some((each) => each.machine === machine && each.clause === clause)).map((clause) => `${machine}: ${clause}`));
  },
};

// ---------------------------------------------------------------- telling

/** The relation in lines, by clause and then by transition. */
export function toldRelation({ clauses: traces, transitions: rows }: Relation): string[] {
  return [...traces.flatMap(toldClause), ...rows.flatMap(toldTransition)];
}

const counted = (count: number, what: string): string => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
const indented = (head: string, lines: readonly string[]): string[] => [head, ...lines.map((line) => `  ${line}`)];

function toldClause({ clause, inScope, exception, inferred, cites, beside, tours, wire, wireTours = 0, flows, invariants }: ClauseTrace): string[] {
  return indented(`${clause}${inScope ? "" : " (not in scope)"}`, [
    ...(exception === undefined ? [] : [`not modelled: ${exception}`]),
    ...(inferred === undefined ? [] : [`inferred: ${inferred}`]),
    ...cites.map((name) => `cited by ${name}`),
    ...beside.map((name) => `beside ${name}`),
    ...(tours === 0 ? [] : [`in ${counted(tours, "tour")}`]),
    ...wire.map(({ file, title }) => `on the wire: ${file}: ${title}`),
    ...(wireTours === 0 ? [] : [`on the wire: ${counted(wireTours, "tour")}`]),
    ...flows.map((file) => `flow: ${file}`),
    ...invariants.map(({ machine, says }) => `invariant of ${machine}: ${says}`),
  ]);
}

function toldTransition({ machine, rule, name, to, grounds, tours, flows, wire, wireTours = [], unreachable: why }: TransitionTrace): string[] {
  const stands = grounds === undefined ? "no grounds" : "cites" in grounds ? `cites ${grounds.cites.join(", ")}` : `decides: ${grounds.decides} [${grounds.beside.join(", ")}]`;
  const first = tours.first === undefined ? "" : `, first at step ${tours.first.step + 1} of ${tours.first.tour}`;
  return indented(`${machine} ${rule}: ${name}${to.length === 0 ? "" : ` → ${to.join(", ")}`}`, [
    stands,
    `in ${counted(tours.count, "tour")}${first}`,
    ...flows.map((flow) => `flow: ${flow}`),
    ...wire.map((test) => `on the wire: ${test}`),
    ...(wireTours.length === 0 ? [] : [`on the wire: ${counted(wireTours.length, "tour")}, ${wireTours[0]!} the first`]),
    ...(why === undefined ? [] : [`no peer can cause it: ${why}`]),
  ]);
}

/** Every rule that is broken, and where. */
export const brokenRules = (): string[] => Object.entries(rules).flatMap(([says, faults]) => faults().map((fault) => `broken: ${says}: ${fault}`));
