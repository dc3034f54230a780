/** Everything that the pages of a review show, from the machines, the tests and what was printed. */
import { documents, type Document } from "../../machines/clauses.ts";
import { machines, type MachineName } from "../../machines/index.ts";
import { policies } from "../../machines/policies.ts";
import { inputOf, blocks, walk, type Block } from "../../model-tests/flow-blocks.ts";
import { nameOf } from "../../model-tests/places.ts";
import { clausesIn, relation, type ClauseTrace, type Taken, type TransitionTrace } from "../../model-tests/traceability.ts";
import type { AnyEventObject } from "xstate";
import { transitions } from "../../machines/inspect.ts";
import { ambiguityReviews } from "./ambiguities.ts";
import { changes } from "../changes/changes.ts";
import { evidence, type Evidence } from "./evidence.ts";
import { figures } from "./figures.ts";
import { machineReview, takenByName, takenOf } from "./machine-review.ts";
import { purposesOf } from "./purposes.ts";
import { requirementReviews } from "./requirements.ts";
import type { ClauseReview, FlowReview, PolicyReview, Review, Shown } from "./review-shape.ts";
import { shownBy } from "./shown.ts";
import { Takes } from "./takes.ts";
import { flowId, flowIdsNaming, testsNaming, type TestsOf } from "./tests.ts";
import { textReview } from "./text.ts";

export async function review(found: Evidence = evidence()): Promise<Review> {
  const names = Object.keys(machines) as MachineName[];
  const taken = new Map(names.map((name) => [name, takenOf(name, found.machines[name].tours)]));
  const tours = new Map<string, Taken>(names.flatMap((name) => takenByName(transitions(machines[name]).map((transition, index) => ({ rule: index + 1, name: nameOf(transition) })), taken.get(name)!)));
  const onTheWire = new Map(Object.entries(found.wire.taking).map(([name, numbers]) => [name, numbers.map((number) => found.wire.tours[number]!)]));
  const { clauses, transitions: traces } = relation(names, { known: { tours, onTheWire } });
  const testsOf = testsFinder(traces, taken);
  const requirements = requirementReviews(testsOf);
  const reviewed = names.map((name) => machineReview(name, found.machines[name], traces.filter(({ machine }) => machine === name), taken.get(name)!));
  return {
    machines: reviewed,
    clauses: clauses.map(clauseReview),
    text: textReview(requirements, testsOf),
    flows: blocks().map(flowReview),
    ambiguities: ambiguityReviews(),
    requirements,
    purposes: reviewed.flatMap((each) => purposesOf(each, requirements)),
    policies: Object.entries(policies).map(([name, policy]): PolicyReview => ({ name, ...policy })),
    figures: figures(),
    changes: await changes(),
  };
}

/** The tours, tests and flows of a place: of a rule those that take it, of a state those that enter it. */
function testsFinder(traces: readonly TransitionTrace[], taken: ReadonlyMap<MachineName, ReturnType<typeof takenOf>>): TestsOf {
  const standing = (shown: Shown) =>
    traces.filter(({ machine, rule, to }) => (shown.what === "rule" ? machine === shown.machine && rule === shown.rule : shown.what === "state" && to.some((id) => id === shown.state || id.startsWith(`${shown.state}.`))));
  return (shown, wire = []) => {
    const of = [...new Set(shown.flatMap(standing))];
    return {
      tours: new Set(of.flatMap(({ machine, rule }) => (taken.get(machine)!.get(rule) ?? []).map(({ tour }) => tour))).size,
      wireTours: new Set(of.flatMap(({ wireTours = [] }) => wireTours)).size,
      wire: [...new Map(wire.map((test) => [`${test.file} ${test.title}`, test])).values()],
      flows: [...new Set(of.flatMap(({ flows }) => flows))],
    };
  };
}

const titleOf = (clause: string) => documents[(Object.keys(documents) as Document[]).find((document) => clause.startsWith(`${document} §`))!];

function clauseReview({ clause, cites, beside, tours, wireTours = 0, invariants, inScope, exception, inferred }: ClauseTrace): ClauseReview {
  return {
    clause,
    title: titleOf(clause),
    inScope,
    ...(exception !== undefined && { exception }),
    ...(inferred !== undefined && { inferred }),
    cites: shownBy(cites),
    beside: shownBy(beside),
    tours,
    wire: testsNaming([clause]),
    wireTours,
    flows: flowIdsNaming(({ prose }) => clausesIn(prose).includes(clause)),
    invariants,
  };
}

function flowReview(block: Block): FlowReview {
  const { file, title, kind, of, number, prose, lines } = block;
  const common = { id: flowId(block), file, title, kind, of, number, prose: prose.trim(), lines, clauses: clausesIn(prose) };
  if (kind === "wire") return { ...common, rules: [] };
  const events: AnyEventObject[] = [];
  walk(block, (_, event) => void events.push(event));
  const input = inputOf(block);
  return { ...common, rules: [...new Set(new Takes(of as MachineName).along(input, events).flat())], input, events };
}
