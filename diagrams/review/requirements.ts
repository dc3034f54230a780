/** The table of requirements with what it became: what each shows in, and what tests it. */
import { linesNotModelled } from "../../machines/exceptions.ts";
import type { LineName } from "../../machines/scope.ts";
import { requirements, showsOf } from "./requirement-table.ts";
import type { RequirementReview } from "./review-shape.ts";
import { shownBy } from "./shown.ts";
import { testCalled, type TestsOf } from "./tests.ts";

export function requirementReviews(testsOf: TestsOf): RequirementReview[] {
  return requirements.map((requirement) => {
    const { item, function: does, reference, needs = [], line, data, missing, wire = {} } = requirement;
    const shown = shownBy(showsOf(requirement));
    const excepted = line === undefined ? undefined : linesNotModelled[line];
    const why = data ?? missing ?? excepted;
    const tests = testsOf(shown, Object.entries(wire).flatMap(([file, titles]) => titles.map((words) => testCalled(`wire/${file}.test.ts`, words))));
    return {
      item,
      function: does,
      reference,
      status: item.endsWith("-M") ? "M" : "O",
      needs,
      from: line === undefined ? "derived" : "change request",
      is: data !== undefined || excepted?.startsWith("data: ") ? "data" : missing !== undefined || excepted !== undefined ? "not modelled" : "modelled",
      ...(why !== undefined && { why: why.replace(/^data: /, "") }),
      shows: shown,
      tests,
      untested: tests.tours + tests.wireTours + tests.wire.length + tests.flows.length === 0,
    };
  });
}

/** The items that a line of the change request became. */
export const itemsOf = (line: LineName): string[] => requirements.filter((row) => row.line === line).map(({ item }) => item);
