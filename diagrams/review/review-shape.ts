/**
 * What a review shows, as plain data: the pictures, the text, the evidence. Types alone, so that a page may name them too.
 *
 * States are named by their ids (`group-session.open.membership.active`), transitions by the number of their rule in their machine.
 */
import type { Clause, Grounds } from "../../machines/clauses.ts";
import type { Statechart } from "../charts/graph.ts";

export interface Review {
  readonly machines: readonly MachineReview[];
  readonly clauses: readonly ClauseReview[];
  /** The change request, sentence by sentence in our words: section 9.3.1, and the list of 4.2. */
  readonly text: { readonly change1: readonly SentenceReview[]; readonly change2: readonly SentenceReview[] };
  readonly flows: readonly FlowReview[];
  readonly ambiguities: readonly AmbiguityReview[];
  readonly requirements: readonly RequirementReview[];
  readonly purposes: readonly PurposeReview[];
  readonly policies: readonly PolicyReview[];
  /** The table of the evidence in the README: one row a machine. */
  readonly figures: Figures;
  readonly changes: readonly ChangeReview[];
}

/** A place in a machine, in the policies or among the refusals; `rule` for a transition, `state` for a state. */
export type Shown =
  | { readonly what: "state"; readonly machine: string; readonly state: string }
  | { readonly what: "rule"; readonly machine: string; readonly rule: number }
  | { readonly what: "policy"; readonly policy: string }
  /** Of an event that no transition takes. */
  | { readonly what: "refusal"; readonly event: string };

/** A test on the wire: literal octets over real sockets. */
export interface WireTest {
  readonly file: string;
  readonly title: string;
}

// ---------------------------------------------------------------- machines

export interface MachineReview {
  readonly name: string;
  /** What it is, in one sentence. */
  readonly says: string;
  readonly chart: Statechart;
  readonly pictures: readonly Picture[];
  /** `state ID` or `rule N` → `machines/group-session.ts:123`. */
  readonly lines: { readonly [place: string]: string };
  readonly matrix: MatrixReview;
  /** What an event is answered that no transition takes, by its type. */
  readonly refusals: { readonly [event: string]: RefusalReview };
  readonly invariants: readonly { readonly says: string; readonly clause: Clause }[];
  /** The world: what it may be made with, and one event per equivalence class. */
  readonly inputs: readonly unknown[];
  readonly events: readonly { readonly type: string }[];
  /** The events of delayed transitions, `xstate.after.POLICY.STATE`. */
  readonly timers: readonly string[];
  readonly tours: readonly TourReview[];
  /** One for each transition, in order. */
  readonly rules: readonly RuleReview[];
}

export interface Picture {
  readonly title: string;
  /** The state that it shows; absent: the whole machine. */
  readonly state?: string;
  /** The printed file beside this one. */
  readonly file: string;
  readonly svg: string;
}

/** A long walk through a machine; its steps are made by running the machine. */
export interface TourReview {
  readonly id: string;
  /** Index into `inputs`. */
  readonly input: number;
  /** Index into `events`; into `timers` as -1 - index. */
  readonly events: readonly number[];
}

export interface RuleReview {
  readonly rule: number;
  /** As `machines/scope.ts` names it: STATE EVENT GUARD. */
  readonly name: string;
  /** How many tours take it. */
  readonly tours: number;
  /** Those that take it soonest, at most 12, each with the step, counted from 0, at which it does. */
  readonly firstTours: readonly { readonly tour: string; readonly step: number }[];
  /** How many tours on the wire take it, and the first. */
  readonly wireTours: number;
  readonly firstWireTour?: string;
  /** Tests on the wire that name one of its clauses. */
  readonly wireTests: readonly WireTest[];
  /** Ids of flows that take it. */
  readonly flows: readonly string[];
  /** Why no peer can cause it. */
  readonly unreachable?: string;
}

export interface RefusalReview {
  /** `SIP 404`, `MSRP 481`, `silence`. */
  readonly answer: string;
  readonly grounds: Grounds;
}

export interface MatrixReview {
  /** Types of events; a delay as `after POLICY`. */
  readonly events: readonly string[];
  /** Ids of the leaf states that the machine gets to in its world. */
  readonly leaves: readonly string[];
  /** Leaf states that it does not get to. */
  readonly unreached: readonly string[];
  /** One row a leaf, one cell an event. */
  readonly cells: readonly (readonly MatrixCell[])[];
  /** Cells whose event was never there, timers apart. */
  readonly holes: number;
}

export interface MatrixCell {
  readonly event: string;
  /** `hole`: the world never had the event there. `stopped`: the timer does not run there. */
  readonly is: "met" | "hole" | "stopped";
  /** Several where guards decide. */
  readonly outcomes: readonly MatrixOutcome[];
}

export type MatrixOutcome =
  /** To other states; `carried` along by a transition of another region. */
  | { readonly kind: "leads"; readonly to: readonly string[]; readonly rules: readonly number[]; readonly carried: boolean }
  /** Answered or noted: the state stays. */
  | { readonly kind: "stays"; readonly rules: readonly number[] }
  /** On purpose without effect. */
  | { readonly kind: "ignored"; readonly rules: readonly number[] }
  /** Another region takes it. */
  | { readonly kind: "elsewhere"; readonly rules: readonly number[] }
  /** A timer that runs out while no guard holds. */
  | { readonly kind: "lapses" }
  /** No transition takes it. */
  | { readonly kind: "refused"; readonly answer: string };

// ---------------------------------------------------------------- clauses and text

export interface ClauseReview {
  readonly clause: Clause;
  /** Of the document. */
  readonly title: string;
  readonly inScope: boolean;
  /** Why nothing stands on it although it is in scope. */
  readonly exception?: string;
  /** What it is known from, where it was not at hand. */
  readonly inferred?: string;
  readonly cites: readonly Shown[];
  /** What was decided beside it. */
  readonly beside: readonly Shown[];
  readonly tours: number;
  readonly wire: readonly WireTest[];
  readonly wireTours: number;
  /** Ids. */
  readonly flows: readonly string[];
  readonly invariants: readonly { readonly machine: string; readonly says: string }[];
}

export interface SentenceReview {
  readonly id: string;
  /** 0 a sentence or a heading, 1 an item or a bullet, 2 one below it. */
  readonly depth: 0 | 1 | 2;
  readonly clause: Clause;
  /** A few words of the text, to find it by. */
  readonly quote: string;
  /** What it asks, in our words. */
  readonly asks: string;
  /** `data`: a machine has nothing to decide, the runtime does it. `heading`: it asks for nothing itself. */
  readonly status: "modelled" | "data" | "not modelled" | "heading";
  readonly why?: string;
  readonly shows: readonly Shown[];
  readonly tests: Tests;
  /** Ids. */
  readonly ambiguities: readonly string[];
  readonly requirements: readonly string[];
}

/** What shows something. */
export interface Tests {
  readonly tours: number;
  readonly wireTours: number;
  readonly wire: readonly WireTest[];
  /** Ids. */
  readonly flows: readonly string[];
}

/** A conversation or a walk that was written from the standard: `model-tests/flows/*.md`. */
export interface FlowReview {
  readonly id: string;
  readonly file: string;
  readonly title: string;
  readonly kind: "flow" | "wire";
  /** Of a flow, the machine; of a wire flow, the policies of the focus. */
  readonly of: string;
  readonly number: number;
  readonly prose: string;
  readonly lines: readonly string[];
  readonly clauses: readonly Clause[];
  /** What it takes of its machine, in order. */
  readonly rules: readonly number[];
  /** Of a flow of a machine: the input and the events that walk it. */
  readonly input?: unknown;
  readonly events?: readonly { readonly type: string }[];
}

export interface AmbiguityReview {
  readonly id: string;
  /** `text`: of the change request. `decision`: of a machine, beside a clause. `question`: open around the text. */
  readonly kind: "text" | "decision" | "question";
  readonly clauses: readonly Clause[];
  /** The questions of the list for the authors that it settles, or leaves to later. */
  readonly questions: readonly { readonly id: string; readonly says: string }[];
  /** What the text says, or leaves open. */
  readonly open: string;
  readonly options: readonly string[];
  readonly chosen: string;
  /** Where nothing shows it: why. */
  readonly why?: string;
  readonly shows: readonly Shown[];
}

// ---------------------------------------------------------------- conformance

/** A row of the static conformance requirements. */
export interface RequirementReview {
  /** E.g. `CPM-GFT-S-001-M`. */
  readonly item: string;
  readonly function: string;
  readonly reference: Clause;
  readonly status: "M" | "O";
  /** Items that it needs. */
  readonly needs: readonly string[];
  /** Whether the change request asks for it, or we do beside it. */
  readonly from: "change request" | "derived";
  readonly is: "modelled" | "data" | "not modelled";
  readonly why?: string;
  readonly shows: readonly Shown[];
  readonly tests: Tests;
  /** Nothing shows it. */
  readonly untested: boolean;
}

/** A test purpose, in the form of an enabler test specification. */
export interface PurposeReview {
  readonly id: string;
  readonly title: string;
  readonly machine: string;
  readonly rule: number;
  readonly references: readonly Clause[];
  /** Items of the requirements that it shows. */
  readonly requirements: readonly string[];
  readonly tour: string;
  /** The policies that it needs. */
  readonly given: string;
  /** How it gets there: the events of the tour before. */
  readonly preamble: readonly string[];
  readonly steps: readonly string[];
  readonly expected: readonly string[];
  readonly verdict: string;
  /** The first tour on the wire that takes the same transition; absent where no peer can cause it. */
  readonly wireTour?: string;
  readonly wireTests: readonly WireTest[];
}

export interface PolicyReview {
  readonly name: string;
  readonly means: string;
  readonly unit: string;
  readonly values?: readonly string[];
  readonly default: string | number;
  readonly grounds: Grounds;
}

export interface Figures {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A change to the machines, drawn. */
export interface ChangeReview {
  readonly id: string;
  readonly title: string;
  readonly says: string;
  readonly machines: readonly { readonly machine: string; readonly svg: string }[];
  readonly rules: readonly { readonly machine: string; readonly mark: "added" | "removed" | "changed"; readonly says: string; readonly clauses: readonly Clause[] }[];
}
