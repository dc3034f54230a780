import type { Readable, Writable } from "node:stream";
import type { Timer } from "./clock.ts";
import type { MachineClock, RunningTimer } from "./session.ts";

/** Of the instances of `machine` in `group` in which `timer` runs, the `nth` that began, counted from 0. */
interface Command {
  readonly group: string;
  readonly machine: string;
  readonly timer: string;
  readonly nth: number;
}

/**
 * The clock of a tester: no timer of a machine expires before it is told to.
 *
 * Commands are lines of JSON, `{"expire":{"group":"…","machine":"group-participant","timer":"ringMs","nth":0}}`, each answered
 * when its turn is over with a line `{"expired":true}`, or false where no such timer runs.
 */
export class ControlledClock implements MachineClock {
  /** In the order in which they were started. */
  readonly #running = new Map<RunningTimer, () => void>();

  /** Its time stands still. */
  now(): number {
    return 0;
  }

  after(_ms: number, fire: () => void, whose: RunningTimer): Timer {
    this.#running.set(whose, fire);
    return { stop: () => void this.#running.delete(whose) };
  }

  /** Lets a timer expire. @returns false where it does not run */
  expire({ group, machine, timer, nth }: Command): boolean {
    const running = [...this.#running.keys()].filter((one) => one.of === group && one.machine === machine && one.timer === timer);
    const chosen = running.sort((a, b) => a.number - b.number)[nth];
    if (chosen === undefined) return false;
    const fire = this.#running.get(chosen)!;
    this.#running.delete(chosen);
    fire();
    return true;
  }

  /** Takes commands from whoever started this process; nobody else can reach it. */
  obey(commands: Readable, answers: Writable): void {
    let rest = "";
    commands.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line.trim() !== "") answers.write(`${JSON.stringify(this.#obeyed(line))}\n`);
    });
  }

  #obeyed(line: string): { readonly expired: boolean } | { readonly refused: string } {
    const command = commandIn(line);
    return command === undefined ? { refused: line.slice(0, 200) } : { expired: this.expire(command) };
  }
}

function commandIn(line: string): Command | undefined {
  try {
    const { expire } = JSON.parse(line) as { readonly expire?: Partial<Command> };
    const { group, machine, timer, nth = 0 } = expire ?? {};
    return typeof group === "string" && typeof machine === "string" && typeof timer === "string" && Number.isInteger(nth) ? { group, machine, timer, nth } : undefined;
  } catch {
    return undefined;
  }
}
