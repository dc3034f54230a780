import { isDeepStrictEqual } from "node:util";
import { escape } from "./ladder.ts";

/** What a script expected to see, and whether it did. */
export class Expectations {
  readonly #print: (line: string) => void;
  readonly #missed: string[] = [];
  #met = 0;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  equal(what: string, actual: unknown, expected: unknown): void {
    if (isDeepStrictEqual(actual, expected)) this.note(what);
    else this.missed(`${what}: expected ${JSON.stringify(expected)}, saw ${JSON.stringify(actual)}`);
  }

  /** Something was seen. */
  note(what: string): void {
    this.#met += 1;
    this.#print(`             ✓ ${escape(what)}`);
  }

  missed(what: string): void {
    this.#missed.push(what);
    this.#print(`             ✗ ${escape(what, 2000)}`);
  }

  /** Says what was not seen, on standard error. @returns the exit code */
  report(): 0 | 1 {
    this.#print(`\n${this.#met} expectations were met, ${this.#missed.length} were not`);
    for (const what of this.#missed) process.stderr.write(`not seen: ${escape(what, 2000)}\n`);
    return this.#missed.length === 0 ? 0 : 1;
  }
}
