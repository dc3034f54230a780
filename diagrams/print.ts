/**
 * Prints every machine's picture and matrix beside this file.
 *
 * With `--check` it prints nothing, and fails when a file differs from what it would print.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { machines, type MachineName } from "../machines/index.ts";
import { statechart } from "./graph.ts";
import { layout } from "./layout.ts";
import { drawing } from "./svg.ts";

for (const name of Object.keys(machines) as MachineName[]) {
  const chart = statechart(name, machines[name]);
  writeFileSync(new URL(`${name}.svg`, import.meta.url), drawing(chart, await layout(chart)));
}
