/** Ways through a machine, and what it answers on them: also where they were made for another revision of it. */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from "xstate";
import type { MachineName } from "../../machines/index.ts";
import { start, step, type Step } from "../../machines/step.ts";
import { leavesOf } from "../../model-tests/goals.ts";
import { answerOf, wordOf } from "../../model-tests/graph.ts";
import { toldAnswer, toursOf } from "../../model-tests/tours.ts";

/** The events of a tour, and the policies with which it begins. */
export interface Way {
  readonly input: unknown;
  readonly events: readonly AnyEventObject[];
}

/** What a way met: the state, and what the next event was answered with. */
export interface Met {
  /** The leaf states, joined; nothing where the machine begins. */
  readonly at: string;
  readonly says: string;
  /** Two answers with one word cannot be told apart. */
  readonly word: string;
}

/** The recommended tours of a machine. */
export const waysOf = (machine: MachineName): readonly Way[] => toursOf(machine).map(({ input, steps }) => ({ input, events: steps.map(({ event }) => event) }));

/** For each way: how the machine begins, and what it does at each event, until it is over. */
export function walkIn(machine: AnyStateMachine, ways: readonly Way[]): readonly (readonly Met[])[] {
  return ways.map(({ input, events }) => {
    const met: Met[] = [];
    let at = "";
    const take = (next: () => Step): AnyMachineSnapshot | undefined => {
      try {
        const done = next();
        const answer = answerOf(done);
        met.push({ at, says: toldAnswer(answer), word: wordOf(answer) });
        at = leavesOf(done.snapshot as AnyMachineSnapshot);
        return answer.over ? undefined : (done.snapshot as AnyMachineSnapshot);
      } catch (error) {
        met.push({ at, says: `fails: ${(error as Error).message}`, word: "fails" });
        return undefined;
      }
    };
    let now = take(() => start(machine, input));
    for (const event of events) {
      if (now === undefined) break;
      const from = now;
      now = take(() => step(machine, from as never, event));
    }
    return met;
  });
}
