/** The tests on the wire that a review names. */
import type { Clause } from "../../machines/clauses.ts";
import { blocks, type Block } from "../../model-tests/flow-blocks.ts";
import { allWireTests } from "../../model-tests/traceability.ts";
import type { Shown, Tests, WireTest } from "./review-shape.ts";

/** What shows some places, and these tests besides. */
export type TestsOf = (shown: readonly Shown[], wire?: readonly WireTest[]) => Tests;

/** Flows that are played on the wire are named as flows. */
const known = allWireTests().filter(({ file }) => file.startsWith("wire/"));

/** A title that is filled in when the test runs is shown with an ellipsis. */
const shown = ({ file, title }: WireTest): WireTest => ({ file, title: title.replaceAll(/\$\{[^}]*\}/g, "…") });

/** Every test that names one of the clauses. */
export const testsNaming = (clauses: readonly Clause[]): WireTest[] => known.filter((test) => test.clauses.some((clause) => clauses.includes(clause))).map(shown);

/** The one test whose title has these words. */
export function testCalled(file: string, words: string): WireTest {
  const found = known.filter((test) => test.file === file && test.title.includes(words));
  if (found.length !== 1) throw new Error(`${file} has ${found.length} tests with ${JSON.stringify(words)} in their titles`);
  return shown(found[0]!);
}

export const flowId = ({ file, kind, number }: Block): string => `flows/${file} ${kind === "wire" ? "wire " : ""}${number}`;

export const flowIdsNaming = (isNamed: (block: Block) => boolean): string[] => blocks().filter(isNamed).map(flowId);
