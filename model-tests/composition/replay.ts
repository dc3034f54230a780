/** One way through a composition, as moves in words: walked again, cut short, drawn, and kept in a file. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Composition, dialogOf, faultText, kindOf, type Fault, type Move, type Scenario } from "./composition.ts";
import { nameOf } from "./wiring.ts";

export const deadlock = "deadlock: nothing can happen any more, and not everything is over";

export const neverOver = "from here the end cannot be reached, whatever happens";

/** What is kept of a counterexample. */
export interface Recording {
  /** One of `scenarios`. */
  readonly scenario: string;
  /** One of `seededFaults`; without it, the machines as they are. */
  readonly fault?: string;
  /** What must be found on the way. */
  readonly finds: string;
  readonly moves: readonly string[];
}

/** What was met on the way. */
export interface Replay {
  readonly composition: Composition;
  /** The states, the first one included. */
  readonly states: readonly Int32Array[];
  readonly moves: readonly Move[];
  /** What must not be, by the place of the move in which it was; the last place is the state after the last move. */
  readonly faults: readonly { readonly at: number; readonly says: string }[];
}

/** What is possible in a state: where it leads, or why not. */
export interface Possible {
  readonly move: Move;
  readonly to: Int32Array | undefined;
  readonly fault: Fault | undefined;
}

export function possibleIn(composition: Composition, state: Int32Array): Possible[] {
  const found = new Map<Move, { to?: Int32Array; fault?: Fault }>();
  const at = (move: Move) => found.get(move) ?? found.set(move, {}).get(move)!;
  composition.expand(state, { move: (to, move) => void (at(move).to = to.slice()), fault: (fault, move) => void (at(move).fault ??= fault) });
  return [...found].map(([move, { to, fault }]) => ({ move, to, fault }));
}

/** Goes that way; `asFarAsPossible` passes over what cannot be done. @throws {RangeError} a move is not possible where it stands */
export function replay(scenario: Scenario, moves: readonly string[], { asFarAsPossible = false } = {}): Replay {
  const composition = new Composition(scenario);
  const states: Int32Array[] = [composition.initial];
  const taken: Move[] = [];
  const faults: { readonly at: number; readonly says: string }[] = [];
  moves.forEach((told, place) => {
    const state = states.at(-1)!;
    const at = taken.length;
    const wrong = composition.faultIn(state);
    if (wrong !== undefined) faults.push({ at, says: faultText(wrong) });
    const possible = possibleIn(composition, state);
    const found = possible.find(({ move }) => composition.describe(state, move) === told);
    if (found === undefined && asFarAsPossible) return;
    if (found === undefined) throw new RangeError(`move ${place + 1} of ${moves.length}, “${told}”, is not possible there; these are: ${possible.map(({ move }) => composition.describe(state, move)).join("; ")}`);
    taken.push(found.move);
    if (found.fault !== undefined) faults.push({ at, says: faultText(found.fault) });
    if (found.to !== undefined) states.push(found.to);
    else if (place < moves.length - 1) throw new RangeError(`move ${place + 1}, “${told}”, leads nowhere: ${faultText(found.fault!)}`);
  });
  if (states.length > taken.length) {
    const last = states.at(-1)!;
    const wrong = composition.faultIn(last);
    if (wrong !== undefined) faults.push({ at: taken.length, says: faultText(wrong) });
    if (!composition.isOver(last) && possibleIn(composition, last).length === 0) faults.push({ at: taken.length, says: deadlock });
  }
  return { composition, states, moves: taken, faults };
}

/** Keeps a counterexample where it can be found, and says where. */
export function keep(recording: Recording): string {
  const file = join(mkdtempSync(join(tmpdir(), "cpm-composition-")), "counterexample.json");
  writeFileSync(file, `${JSON.stringify(recording, undefined, 2)}\n`);
  return file;
}

/** As many of the moves as are possible, one after the other, up to that fault; undefined when it is not met. */
function upTo(composition: Composition, moves: readonly string[], says: string): string[] | undefined {
  let state: Int32Array = composition.initial;
  const taken: string[] = [];
  for (const told of moves) {
    const possible = possibleIn(composition, state);
    const found = possible.find(({ move }) => composition.describe(state, move) === told);
    if (found === undefined) continue;
    taken.push(told);
    if (found.fault !== undefined && faultText(found.fault) === says) return taken;
    if (found.to === undefined) continue;
    state = found.to;
    const wrong = composition.faultIn(state);
    if (wrong !== undefined && faultText(wrong) === says) return taken;
    if (says === deadlock && !composition.isOver(state) && possibleIn(composition, state).length === 0) return taken;
  }
  return undefined;
}

/** The moves without those that the fault does not need: whatever part is left out of these, it is not met. */
export function shortened(scenario: Scenario, moves: readonly string[], says: string): readonly string[] {
  const composition = new Composition(scenario);
  let kept = upTo(composition, moves, says) ?? moves;
  for (let size = kept.length >> 1; size > 0; ) {
    const before = kept.length;
    for (let at = 0; at < kept.length; ) {
      const fewer = upTo(composition, kept.toSpliced(at, size), says);
      if (fewer !== undefined) kept = fewer;
      else at += size;
    }
    if (kept.length === before || size > 1) size = size === 1 ? 0 : size >> 1;
  }
  return kept;
}

// ---------------------------------------------------------------- drawn

const columnWidth = 22;

/** The moves as a ladder: the server and its clients side by side, what arrives as arrows (`═` is MSRP), what somebody does beside the line. */
export function ladder(scenario: Scenario, moves: readonly string[]): string {
  const { composition, states, moves: taken, faults } = replay(scenario, moves, { asFarAsPossible: true });
  const used = [...new Set(taken.flatMap((move) => (["expires", "operator"].includes(kindOf(move)) ? [] : [dialogOf(move)])))].sort((a, b) => a - b);
  const columns = ["server", ...used.map((dialog) => nameOf(scenario.dialogs[dialog]!))];
  const lines = [columns.map((name) => name.padEnd(columnWidth)).join("").trimEnd()];
  taken.forEach((move, at) => {
    const told = composition.describe(states[at]!, move);
    const column = 1 + used.indexOf(dialogOf(move));
    lines.push(...faults.filter((fault) => fault.at === at && states[at + 1] === undefined).map(({ says }) => `   ! ${says}`));
    lines.push(rung(columns.length, kindOf(move), column, told));
    lines.push(...faults.filter((fault) => fault.at === at && states[at + 1] !== undefined).map(({ says }) => `   ! ${says}`));
  });
  lines.push(...faults.filter(({ at }) => at === taken.length).map(({ says }) => `   ! ${says}`));
  return lines.join("\n");
}

function rung(columns: number, kind: ReturnType<typeof kindOf>, column: number, told: string): string {
  const cells = Array.from({ length: columns }, () => `│${" ".repeat(columnWidth - 1)}`);
  const write = (at: number, text: string) => {
    const line = cells.join("");
    const from = at * columnWidth + 1;
    return `${line.slice(0, from)} ${text}${line.slice(from + 1 + text.length)}`.trimEnd();
  };
  switch (kind) {
    case "hears":
    case "readsMsrp":
      return arrow(cells, column, messageIn(told, / hears (.*?)( on MSRP)?$/), kind === "readsMsrp" ? "═" : "─", true);
    case "arrives":
    case "arrivesMsrp":
      return arrow(cells, column, messageIn(told, /^(.*?) of .* arrives(?: on MSRP)?/), kind === "arrivesMsrp" ? "═" : "─", false);
    case "expires":
    case "operator":
      return write(0, told);
    default:
      return write(column, told.replace(/^[^:]*: /, ""));
  }
}

const messageIn = (told: string, pattern: RegExp): string => pattern.exec(told)?.[1] ?? told;

/** From the server to a column, or back. */
function arrow(cells: readonly string[], column: number, message: string, stroke: string, isDown: boolean): string {
  const width = column * columnWidth - 1;
  const label = ` ${message} `.slice(0, width - 2);
  const rest = width - 1 - label.length;
  const left = Math.floor(rest / 2);
  const shaft = `${stroke.repeat(left)}${label}${stroke.repeat(rest - left)}`;
  return `│${isDown ? `${shaft}▶` : `◀${shaft}`}${cells.slice(column).join("")}`.trimEnd();
}
