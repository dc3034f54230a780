import type { WireEvent } from "./device.ts";

export interface LadderOptions {
  /** Who takes part, from left to right. */
  readonly columns: readonly string[];
  /** The column of the server, with which everybody else speaks. */
  readonly focus: string;
  readonly write: (line: string) => void;
}

/** Characters from one lifeline to the next. */
const spacing = 10;
const margin = "    ";

/** Prints what passes between clients and their server: a lifeline each, one line a message; `-` is SIP and `=` is MSRP. */
export class Ladder {
  readonly #columns: readonly string[];
  readonly #focus: string;
  readonly #write: (line: string) => void;
  #startedAt: number | undefined;

  constructor({ columns, focus, write }: LadderOptions) {
    this.#columns = columns;
    this.#focus = focus;
    this.#write = write;
  }

  /** The names above the lifelines. */
  drawHead(): void {
    const names = this.#columns.map((name) => escape(name, spacing - 1).padEnd(spacing)).join("");
    this.#write(`${"s".padStart(8)}${margin.slice(1)}${names}`.trimEnd());
  }

  draw({ at, client, direction, protocol, text }: WireEvent): void {
    this.#startedAt ??= at;
    const seconds = ((at - this.#startedAt) / 1000).toFixed(3).padStart(8);
    const [from, to] = direction === "sent" ? [client, this.#focus] : [this.#focus, client];
    const arrow = this.#arrow(this.#columns.indexOf(from), this.#columns.indexOf(to), protocol === "SIP" ? "-" : "=");
    this.#write(`${seconds}${margin}${arrow}      ${escape(text)}`);
  }

  /** A line across. */
  note(text: string): void {
    this.#write(`\n${escape(text)}\n`);
  }

  #arrow(from: number, to: number, stroke: string): string {
    const [left, right] = from < to ? [from, to] : [to, from];
    let line = "";
    for (let column = 0; column < this.#columns.length; column++) {
      line += "|";
      if (column === this.#columns.length - 1) break;
      const begins = column === left;
      const ends = column === right - 1;
      const within = column >= left && column < right;
      const tip = { left: begins && to === left ? "<" : stroke, right: ends && to === right ? ">" : stroke };
      line += within ? tip.left + stroke.repeat(spacing - 3) + tip.right : " ".repeat(spacing - 1);
    }
    return line;
  }
}

/** What a peer wrote may hold anything: control characters and those that turn the text around are shown by their numbers. */
export function escape(text: string, most = 160): string {
  const shown = text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
  return shown.length > most ? `${shown.slice(0, most - 1)}…` : shown;
}
