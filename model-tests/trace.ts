/**
 * Judges the trace of a live server: whether every line of it is a step of the model.
 *
 * A line is written by somebody else: whatever is in it, the answer is a line number and words.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { StringDecoder } from "node:string_decoder";
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { machines, type MachineName } from "../machines/index.ts";
import { refusals } from "../machines/refusals.ts";
import { start, step, type Step } from "../machines/step.ts";
import type { TraceLine } from "../runtime/trace.ts";
import { expiries, told } from "./explore.ts";

/** Every line is a step of the model. */
export interface Faithful {
  readonly lines: number;
  readonly instances: number;
  /** In the order of `machines/index.ts`. */
  readonly machines: readonly MachineName[];
}

/** The first line that is not. */
export interface Deviation {
  /** Counted from 1. */
  readonly line: number;
  readonly why: string;
  /** What the model says, and what the line says instead; undefined where there is nothing to compare. */
  readonly expected?: unknown;
  readonly got?: unknown;
}

/** Of a server that was killed while it wrote, the last line may be cut off. */
export interface TraceOptions {
  readonly killed?: boolean;
}

export const isDeviation = (verdict: Faithful | Deviation): verdict is Deviation => "why" in verdict;

/** Replays the lines, each without its line end, instance by instance. */
export function checkTrace(lines: Iterable<string>, { killed = false }: TraceOptions = {}): Faithful | Deviation {
  const replay = new Replay();
  let line = 0;
  let cutOff: string | undefined;
  for (const text of lines) {
    line += 1;
    if (cutOff !== undefined) return { line: line - 1, why: cutOff };
    const parsed = parse(text);
    if (parsed === undefined) cutOff = `it is not JSON: ${shortened(text)}`;
    else {
      const difference = replay.take(parsed);
      if (difference !== undefined) return { line, ...difference };
    }
  }
  if (cutOff === undefined) return replay.faithful(line);
  // The last line was not JSON.
  return killed ? replay.faithful(line - 1) : { line, why: `it is the last and cut off, ${cutOff}` };
}

/** The lines of a file of any size. */
export function* linesOf(file: string): Generator<string> {
  const descriptor = openSync(file, "r");
  const octets = Buffer.alloc(65_536);
  const decoder = new StringDecoder("utf8");
  let rest = "";
  try {
    for (let count = readSync(descriptor, octets); count > 0; count = readSync(descriptor, octets)) {
      const lines = (rest + decoder.write(octets.subarray(0, count))).split("\n");
      rest = lines.pop()!;
      yield* lines;
    }
  } finally {
    closeSync(descriptor);
  }
  rest += decoder.end();
  if (rest !== "") yield rest;
}

/** A deviation in words, a line for each side. */
export function describeDeviation({ line, why, expected, got }: Deviation): string {
  const sides = expected === undefined && got === undefined ? [] : [`  the model: ${JSON.stringify(expected)}`, `  the trace: ${JSON.stringify(got)}`];
  return [`line ${line} is not a step of the model: ${why}`, ...sides].join("\n");
}

type Difference = Omit<Deviation, "line">;

class Replay {
  readonly #snapshots = new Map<string, AnyMachineSnapshot>();
  readonly #machines = new Set<string>();

  faithful(lines: number): Faithful {
    return { lines, instances: this.#snapshots.size, machines: (Object.keys(machines) as MachineName[]).filter((name) => this.#machines.has(name)) };
  }

  take(parsed: unknown): Difference | undefined {
    const malformed = isLine(parsed);
    if (malformed !== undefined) return { why: malformed };
    const line = parsed as TraceLine;
    const { machine: name, of, instance, event, input } = line;
    const key = JSON.stringify([name, of, instance]);
    const before = this.#snapshots.get(key);
    const where = `${name} ${of} ${instance}`;
    if (event !== undefined) {
      if (input !== undefined) return { why: `${where} has an input and an event` };
      if (before === undefined) return { why: `${where} gets ${event.type} and has not begun` };
      const unknown = isImpossible(before, event);
      if (unknown !== undefined) return { why: `${where}, in ${JSON.stringify(before.value)}: ${unknown}` };
    }
    const machine: AnyStateMachine = machines[name as MachineName];
    const what = event === undefined || before === undefined ? `${where} begins` : `${where}, in ${JSON.stringify(before.value)}, gets ${told([event])}`;
    let done: Step;
    try {
      done = event === undefined || before === undefined ? start(machine, input as never) : step(machine, before, event);
    } catch (fault) {
      return { why: `${what}: the model cannot take it: ${fault instanceof Error ? fault.message : String(fault)}` };
    }
    this.#snapshots.set(key, done.snapshot as AnyMachineSnapshot);
    this.#machines.add(name);
    return compare(what, done, line);
  }
}

function compare(what: string, done: Step, line: TraceLine): Difference | undefined {
  const { effects, refusal } = done;
  const model = JSON.parse(JSON.stringify({ state: (done.snapshot as AnyMachineSnapshot).value, effects, refusal })) as Record<string, unknown>;
  const part = (["effects", "state", "refusal"] as const).find((name) => !isDeepStrictEqual(model[name], line[name]));
  if (part === undefined) return undefined;
  return { why: `${what}: ${{ effects: "other effects", state: "another state", refusal: "another refusal" }[part]}`, expected: model[part] ?? "none", got: line[part] ?? "none" };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a line lacks. */
function isLine(line: unknown): string | undefined {
  if (typeof line !== "object" || line === null || Array.isArray(line)) return `it is no line of a trace: ${shortened(JSON.stringify(line))}`;
  const fields = line as Record<string, unknown>;
  const missing = ["of", "machine", "instance"].find((name) => typeof fields[name] !== "string");
  if (missing !== undefined) return `it has no ${missing}`;
  if (!Object.hasOwn(machines, fields["machine"] as string)) return `no machine is called ${shortened(fields["machine"] as string)}`;
  const { event } = fields;
  if (event !== undefined && (typeof event !== "object" || event === null || typeof (event as AnyEventObject).type !== "string")) return `its event has no type: ${shortened(JSON.stringify(event))}`;
  return undefined;
}

/** Why an event cannot come in a snapshot, whatever the machine would make of it. */
function isImpossible(snapshot: AnyMachineSnapshot, { type }: { readonly type: string }): string | undefined {
  if (type.startsWith("xstate.after.")) return expiries(snapshot).includes(type) ? undefined : `the timer ${type} does not run`;
  return Object.hasOwn(refusals, type) ? undefined : `no event is called ${shortened(type)}`;
}

const shortened = (text: string) => (text.length > 100 ? `${text.slice(0, 100)}…` : text);
