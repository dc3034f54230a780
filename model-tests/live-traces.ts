/**
 * Loaded before every file of tests: the traces of all servers that it runs with `--trace` in the folder `CPM_TRACES` are judged
 * when it has ended. A line that is not a step of the model fails the file.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "cpm-traces-"));
process.env["CPM_TRACES"] = folder;

afterAll(async () => {
  const files = existsSync(folder) ? readdirSync(folder) : [];
  if (files.length > 0) {
    const { checkTrace, describeDeviation, isDeviation, linesOf } = await import("./trace.ts");
    for (const file of files) {
      // Most servers of tests are killed when they are not needed any more.
      const verdict = checkTrace(linesOf(join(folder, file)), { killed: true });
      if (isDeviation(verdict)) throw new Error(`${join(folder, file)}: ${describeDeviation(verdict)}`);
    }
  }
  rmSync(folder, { recursive: true, force: true });
});
