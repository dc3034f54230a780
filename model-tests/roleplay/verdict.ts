/** What the role player says of a tour, and what it is told: the words that players, tests and reports share. */
import type { Stimulus } from "../composition/controlling-function.ts";

/** `inconclusive`: the target went a way that is legal and not the tour's, or what the tour needs could not be set up. */
export type Verdict = "pass" | "fail" | "inconclusive";

/** One message that passed, whole. */
export interface LadderLine {
  /** Milliseconds since the tour began. */
  readonly at: number;
  /** The step that was under way, from 0; -1: what came before the first. */
  readonly step: number;
  readonly from: string;
  readonly to: string;
  /** One line about it; may hold what a peer wrote, so escape it. */
  readonly says: string;
  readonly octets: Buffer;
}

/** One step as it was played. */
export interface WireStep {
  /** What is sent, or which timer expires. */
  readonly says: string;
  readonly expected: readonly string[];
  readonly observed: readonly string[];
  /** Clauses of the transitions that the step takes. */
  readonly clauses: readonly string[];
  readonly verdict: Verdict;
  readonly why?: string;
}

export interface TourVerdict {
  readonly id: string;
  readonly title: string;
  /** What the target has to support; names of PICS items. */
  readonly features: readonly string[];
  readonly verdict: Verdict;
  readonly why?: string;
  readonly steps: readonly WireStep[];
  readonly ladder: readonly LadderLine[];
  readonly ms: number;
}

/** One timer that runs in a group: of the machines of that name in which it runs, the `nth` that began, counted from 0. */
export interface RunningTimer {
  /** The user part of the Group Session Identity. */
  readonly group: string;
  readonly machine: string;
  readonly timer: string;
  readonly nth: number;
}

/** Where the target lets the tester command its policy timers: our own server alone. */
export interface ControlledClock {
  /** Lets a timer expire now; false: no such timer runs. */
  expire(timer: RunningTimer): Promise<boolean>;
}

/** The server under test. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly transport: "udp" | "tcp";
  /** Where it reaches the testers; the loopback address unless given. */
  readonly local?: string | undefined;
  /** The Conference-factory URI. */
  readonly factory: string;
  readonly controlled?: ControlledClock | undefined;
  /** How long nothing may come before silence is believed. */
  readonly quiescenceMs: number;
}

/** What a tour is played with: the names and values of `machines/policies.ts`, but for `closed`, which the creator asks for. */
export type WirePolicies = Readonly<Record<string, string | number>>;

/** One way through the composed Controlling Function, as its peers and its timers cause it. */
export interface WireTour {
  /** `wire/default/07`: its policies by their name, its number. */
  readonly id: string;
  readonly title: string;
  /** Which set of policies the target has to run with. */
  readonly policy: string;
  readonly policies: WirePolicies;
  readonly closed: boolean;
  readonly features: readonly string[];
  readonly seed: number;
  /** What somebody does, step by step: the events that the machines hear of it. */
  readonly steps: readonly (readonly [Stimulus, ...Stimulus[]])[];
}
