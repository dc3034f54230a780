import { createWriteStream, type WriteStream } from "node:fs";
import type { AnyMachineSnapshot } from "xstate";
import type { Step } from "../machines/step.ts";

/**
 * One line of the trace. The first line of an instance has its input, every other one an event; together they replay the instance.
 *
 * Nothing that a peer wrote is in it: machines see classes, seats and sizes.
 */
export interface TraceLine {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The group or server process that the instance belongs to. */
  readonly of: string;
  readonly machine: string;
  readonly instance: string;
  readonly input?: unknown;
  readonly event?: { readonly type: string };
  readonly state: unknown;
  readonly effects: readonly unknown[];
  readonly refusal?: unknown;
}

/** Where the steps of all machines are told, one line of NDJSON each. */
export class Trace {
  readonly #out: WriteStream;
  readonly #now: () => number;

  /** Appends to `file`. `failed` hears, once, that it cannot be written; the server goes on. */
  constructor(file: string, now: () => number, failed: (error: Error) => void) {
    this.#now = now;
    this.#out = createWriteStream(file, { flags: "a", mode: 0o600 });
    this.#out.once("error", failed);
  }

  line(of: string, machine: string, instance: string, cause: { readonly input: unknown } | { readonly event: { readonly type: string } }, step: Step): void {
    const { refusal, effects } = step;
    const line: TraceLine = {
      at: this.#now(),
      of,
      machine,
      instance,
      ...cause,
      state: (step.snapshot as AnyMachineSnapshot).value,
      effects,
      ...(refusal && { refusal }),
    };
    this.#out.write(`${JSON.stringify(line)}\n`);
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#out.end(resolve));
  }
}
