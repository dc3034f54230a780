/** The review that this site was built from, and where in it everything is. */
import type { State, Transition } from "../../charts/graph.ts";
import type { AmbiguityReview, FlowReview, MachineReview, RuleReview, Shown } from "../../review/review-shape.ts";
import type { Site } from "../site-data.ts";

/** Stands before this script in the same file. */
declare const site: Site;

export const { review, cases } = site;

const by = <T>(items: readonly T[], key: (item: T) => string): ReadonlyMap<string, T> => new Map(items.map((item) => [key(item), item]));

const machines = by(review.machines, ({ name }) => name);
const flows = by(review.flows, ({ id }) => id);
const clauses = by(review.clauses, ({ clause }) => clause);
const ambiguities = by(review.ambiguities, ({ id }) => id);
const requirements = by(review.requirements, ({ item }) => item);
const policies = by(review.policies, ({ name }) => name);

export const machineOf = (name: string): MachineReview | undefined => machines.get(name);
export const flowOf = (id: string): FlowReview | undefined => flows.get(id);
export const clauseOf = (clause: string) => clauses.get(clause);
export const ambiguityOf = (id: string): AmbiguityReview | undefined => ambiguities.get(id);
export const requirementOf = (item: string) => requirements.get(item);
export const policyOf = (name: string) => policies.get(name);

export const stateOf = (machine: MachineReview, id: string): State | undefined => machine.chart.states.find((state) => state.id === id);
export const ruleOf = (machine: MachineReview, rule: number): Transition | undefined => machine.chart.transitions[rule - 1];
export const evidenceOf = (machine: MachineReview, rule: number): RuleReview | undefined => machine.rules[rule - 1];

/** A state without the name of its machine. */
export const pathOf = (id: string): string => id.split(".").slice(1).join(".") || id;

/** Everything that names a state or a rule among what it shows. */
export function showing<T extends { readonly shows: readonly Shown[] }>(items: readonly T[], machine: string, of: { readonly state: string } | { readonly rule: number }): T[] {
  return items.filter(({ shows }) => shows.some((each) => ("state" in of ? each.what === "state" && each.machine === machine && each.state === of.state : each.what === "rule" && each.machine === machine && each.rule === of.rule)));
}
