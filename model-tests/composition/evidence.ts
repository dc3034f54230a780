/** What was explored of the composition, as rows: for the table, and for whoever wants to see it run. */
import { check, type Exploration } from "./checker.ts";
import { boundsOf, scenarios } from "./scenarios.ts";
import { agreement, sentences } from "./sentences.ts";
import { faultText, type Scenario } from "./composition.ts";
import { ladder } from "./replay.ts";

/** What holds in every state and on every move of every scenario. */
export const properties: readonly string[] = [
  "no deadlock: as long as not everything is over, something can happen",
  "no unspecified reception, by the server or by a client",
  "no way overflows",
  "from every state the end can be reached",
  ...[agreement, ...sentences].map(faultText),
];

export interface CompositionRow {
  readonly what: string;
  readonly states: number;
  readonly edges: number;
  readonly seconds: number;
  readonly bounds: string;
  /** How many there are: `properties`. */
  readonly properties: number;
  /** What must not be, each with its ladder; empty when all is well. */
  readonly findings: readonly string[];
}

/** Explores every scenario; the large ones too if `large`. */
export function compositionRows({ large = false, told = () => {} }: { readonly large?: boolean; readonly told?: (row: CompositionRow) => void } = {}): CompositionRow[] {
  return [...scenarios.values()]
    .filter(({ isLarge }) => large || !isLarge)
    .map((scenario) => {
      const row = rowOf(scenario, check(scenario));
      told(row);
      return row;
    });
}

export const rowOf = (scenario: Scenario, { states, edges, seconds, findings }: Exploration): CompositionRow => ({
  what: scenario.name,
  states,
  edges,
  seconds,
  bounds: boundsOf(scenario),
  properties: properties.length,
  findings: findings.map(({ what, moves }) => `${what}\n${ladder(scenario, moves)}`),
});

const perSecond = (count: number, seconds: number): string => Math.round(count / seconds).toLocaleString("en");

/** A row in one line. */
export const toldRow = ({ what, states, edges, seconds, bounds }: CompositionRow): string =>
  `${what}: ${states.toLocaleString("en")} states, ${edges.toLocaleString("en")} moves in ${seconds.toFixed(1)} s (${perSecond(states, seconds)} states/s, ${perSecond(edges, seconds)} moves/s); ${bounds}`;
