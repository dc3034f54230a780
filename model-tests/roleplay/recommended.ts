/**
 * The recommended tours and what they show, made by a process of its own: a walk that takes hundreds of thousands of steps takes
 * them several times as fast outside a test runner. As a program it prints them.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { MachineName } from "../../machines/index.ts";
import type { WireTour } from "./verdict.ts";
import { machineNames, wireCoverage, wireTours, type WireCoverage } from "./wire-tours.ts";

export interface Recommended {
  readonly tours: readonly WireTour[];
  readonly coverage: readonly (Omit<WireCoverage, "classes"> & { readonly machine: MachineName; readonly classes: number })[];
}

const program = fileURLToPath(import.meta.url);

export const recommended = (): Recommended => JSON.parse(execFileSync(process.execPath, [program], { encoding: "utf8", maxBuffer: 2 ** 28 })) as Recommended;

if (process.argv[1] === program) {
  const coverage = machineNames.map((machine) => {
    const covered = wireCoverage(machine);
    return { ...covered, machine, classes: covered.classes.size };
  });
  process.stdout.write(JSON.stringify({ tours: wireTours(), coverage } satisfies Recommended));
}
