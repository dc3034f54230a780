/**
 * What `npm test` runs: every test, at most two files at a time, and last a plain line, `N passed, N failed, N skipped`.
 *
 * A test whose outside program is missing says `not run: NAME needs PACKAGE` and is skipped; those lines are listed before the
 * count. With CPM_TEST_ALL=1 a missing program is a failure. Words on the command line choose files by their path.
 */
import { startVitest, type Reporter, type TestCase, type TestModule, type TestSuite } from "vitest/node";

/** A program that has to be installed from elsewhere; other reasons not to run (no right to mount a disk) are no failure. */
const isMissingProgram = (line: string) => / needs /.test(line);

class Count implements Reporter {
  passed = 0;
  failed = 0;
  skipped = 0;
  readonly notRun = new Set<string>();

  onUserConsoleLog({ content }: { readonly content: string }): void {
    this.#listen(content);
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    this.failed += unhandled.length;
    for (const module of modules) {
      this.#broken(module);
      for (const suite of module.children.allSuites()) this.#broken(suite);
      for (const test of module.children.allTests()) this.#count(test);
    }
  }

  /** A file that does not load, or a hook that fails, fails tests that were never begun. */
  #broken(group: TestModule | TestSuite): void {
    this.failed += group.errors().length;
  }

  #count(test: TestCase): void {
    const result = test.result();
    if (result.state === "passed") this.passed += 1;
    else if (result.state === "failed") this.failed += 1;
    else this.skipped += 1;
    if (result.state === "skipped") this.#listen(result.note ?? "");
  }

  #listen(text: string): void {
    for (const line of text.split("\n")) if (line.startsWith("not run: ")) this.notRun.add(line.trim());
  }
}

const count = new Count();
const vitest = await startVitest("test", process.argv.slice(2), { watch: false, passWithNoTests: true, maxWorkers: 2, reporters: ["default", count] });
await vitest.close();

const missing = process.env["CPM_TEST_ALL"] === "1" ? [...count.notRun].filter(isMissingProgram).length : 0;
const nothing = count.passed + count.failed + count.skipped === 0 ? 1 : 0;
const failed = Math.max(count.failed, missing, nothing);

for (const line of [...count.notRun].sort()) console.log(line);
console.log([`${count.passed} passed`, `${failed} failed`, ...(count.skipped > 0 ? [`${count.skipped} skipped`] : [])].join(", "));
process.exit(failed > 0 ? 1 : 0);
