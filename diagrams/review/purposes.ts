/** Test purposes in the form of an enabler test specification: one for each transition, from the tour that comes to it soonest. */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { machines, type MachineName } from "../../machines/index.ts";
import type { Effect } from "../../machines/effects.ts";
import { start, step, type Step } from "../../machines/step.ts";
import { warnings } from "../../machines/terms.ts";
import { told } from "../../model-tests/explore.ts";
import { answerOf } from "../../model-tests/graph.ts";
import { toldAnswer } from "../../model-tests/tours.ts";
import { clauses } from "../../machines/inspect.ts";
import type { Transition } from "../charts/graph.ts";
import { eventsOf } from "./machine-review.ts";
import type { MachineReview, PurposeReview, RequirementReview, RuleReview } from "./review-shape.ts";
import { guardText, triggerText } from "../charts/wording.ts";

const verdict = "pass: what is expected comes, in that order, and nothing else; inconclusive: the preamble goes otherwise; fail: else";

export const purposesOf = (of: MachineReview, requirements: readonly RequirementReview[]): PurposeReview[] => of.rules.map((rule) => purposeOf(of, rule, requirements));

function purposeOf(of: MachineReview, rule: RuleReview, requirements: readonly RequirementReview[]): PurposeReview {
  const transition = of.chart.transitions[rule.rule - 1]!;
  const [first] = rule.firstTours;
  if (first === undefined) throw new Error(`no tour takes ${rule.name}`);
  const name = of.name as MachineName;
  const tour = of.tours.find(({ id }) => id === first.tour)!;
  const events = eventsOf(name, tour).slice(0, first.step + 1);
  const input = of.inputs[tour.input];
  const steps = walked(machines[name], input, events);
  return {
    id: `TP-${name}-${String(rule.rule).padStart(3, "0")}`,
    title: titleOf(transition),
    machine: name,
    rule: rule.rule,
    references: transition.grounds === undefined ? [] : clauses(transition.grounds),
    requirements: requirements.filter(({ shows }) => shows.some((shown) => shown.what === "rule" && shown.machine === name && shown.rule === rule.rule)).map(({ item }) => item),
    tour: first.tour,
    given: Object.entries(input as object).map(([policy, value]) => `${policy}=${value}`).join(", "),
    preamble: steps.slice(0, -1).map((done, at) => `${told([events[at]!])} → ${toldAnswer(answerOf(done))}`),
    steps: [told(events.slice(-1))],
    expected: expectedOf(steps.at(-1)!),
    verdict,
    ...(rule.firstWireTour !== undefined && { wireTour: rule.firstWireTour }),
    wireTests: rule.wireTests,
  };
}

function walked(machine: AnyStateMachine, input: unknown, events: readonly AnyEventObject[]): Step[] {
  let { snapshot } = start(machine, input as never);
  return events.map((event) => {
    const done = step(machine, snapshot as AnyMachineSnapshot, event);
    snapshot = done.snapshot;
    return done;
  });
}

function expectedOf(done: Step): string[] {
  const { _nodes, status } = done.snapshot as AnyMachineSnapshot;
  const rests = _nodes.filter(({ type }) => type === "atomic" || type === "final").map(({ path }) => path.join("."));
  return [...done.effects.map((effect) => told([asOnTheWire(effect)])), ...(done.effects.length === 0 ? ["nothing is said"] : []), `${status === "active" ? "it rests in" : "it ends in"} ${rests.join(" and ")}`];
}

/** A warning as the wire shows it. */
const asOnTheWire = (effect: Effect) => ("warning" in effect && effect.warning !== undefined ? { ...effect, warning: warnings[effect.warning] as string } : effect);

function titleOf(transition: Transition): string {
  const where = transition.from.split(".").slice(1).join(".") || "any state";
  const when = [triggerText(transition.trigger) || "at once", guardText(transition)].filter(Boolean).join(" ");
  const leads = transition.to === undefined ? "stays" : `leads to ${transition.to.split(".").slice(1).join(".")}`;
  return `${when} in ${where}: ${[...transition.effects, leads].join(", ")}`;
}
