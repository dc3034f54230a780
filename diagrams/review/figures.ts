/** The figures of the evidence, as the README has them. */
import { machines } from "../../machines/index.ts";
import { inReadme } from "../../model-tests/evidence-table.ts";
import type { Figures } from "./review-shape.ts";

export function figures(): Figures {
  const rows = Object.keys(machines).map((machine) => inReadme(machine));
  const head = Object.keys(rows[0] ?? {});
  return { head, rows: rows.map((row) => head.map((column) => row[column] ?? "")) };
}
