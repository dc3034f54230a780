/** What fails is cut to what cannot be cut further: lists, and tours with machines that are really wrong. */
import { readFileSync, rmSync } from "node:fs";
import type { AnyStateMachine } from "xstate";
import { assign, StateMachine } from "xstate";
import { describe, expect, test } from "vitest";
import { machines, type MachineName } from "../machines/index.ts";
import { worlds } from "../machines/worlds.ts";
import { failureOf, ladderOf, shortest, tourOfReplay, type Replay } from "./replay.ts";
import { shrink } from "./shrink.ts";
import { machineSubject, run, type Begin } from "./subject.ts";
import { inputOf, tourAlong, type Tour } from "./tours.ts";
import { randomFrom } from "./walks.ts";

describe("a list", () => {
  test("of whose items some fail together is cut to exactly those", () => {
    const upTo = randomFrom(3);
    for (let size = 1; size <= 60; size++) {
      const items = Array.from({ length: size }, (_, item) => item);
      const guilty = items.filter(() => upTo(5) === 0);
      let asked = 0;
      const fails = (left: readonly number[]) => {
        asked += 1;
        return guilty.every((item) => left.includes(item));
      };
      expect(shrink(items, fails)).toEqual(guilty);
      // What its authors promise.
      expect(asked).toBeLessThanOrEqual(size * size + 3 * size + 1);
    }
  });

  test("which fails by its length is cut to the least length", () => {
    expect(shrink([..."abcdefghijklm"], (left) => left.length >= 4)).toHaveLength(4);
  });

  test("which does not fail is not shrunk", () => {
    expect(() => shrink([1, 2], () => false)).toThrow("does not fail");
  });
});

interface Fault {
  readonly name: MachineName;
  readonly says: string;
  readonly machine: AnyStateMachine;
  /** The least that shows it: how the events begin. */
  readonly least: readonly string[];
}

/** A machine with one place of its configuration otherwise. */
function wrong(name: MachineName, change: (config: Config) => void): AnyStateMachine {
  const { config, implementations } = machines[name] as AnyStateMachine;
  const copy = cloned(config) as Config;
  change(copy);
  return new StateMachine(copy as never, implementations as never) as unknown as AnyStateMachine;
}

interface Config {
  readonly states: Record<string, Config>;
  readonly on: Record<string, { target?: string; guard?: unknown; actions?: unknown[] }[]>;
  readonly after: Record<string, unknown>;
}

const cloned = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(cloned);
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value).map(([name, part]) => [name, cloned(part)])) : value;
};

const faults: readonly Fault[] = [
  {
    name: "group-session",
    says: "a member who is removed is not released",
    machine: wrong("group-session", (config) => void config.states["open"]!.states["membership"]!.on["sip.REFER.remove"]!.at(-1)!.actions!.splice(2, 1)),
    least: ["sip.INVITE.create", "participant.connected", "sip.REFER.remove"],
  },
  {
    name: "group-session",
    says: "a transfer that ends is still counted",
    machine: machines["group-session"].provide({ actions: { uncountTransfer: assign({}) } }) as AnyStateMachine,
    least: ["sip.INVITE.create", "participant.", "transfer.begun", "transfer.ended", "sip.INVITE.fileTransfer"],
  },
  {
    name: "large-message-recipient",
    says: "nobody waits for an answer for ever",
    machine: wrong("large-message-recipient", (config) => void delete config.states["calling"]!.after["ringMs"]),
    least: ["largeMessage.invite"],
  },
];

/** The first of many random walks through the smallest world of a machine that fails. */
function failing(name: MachineName, begin: Begin): Tour {
  const upTo = randomFrom(7);
  const { inputs, events } = worlds[name];
  for (let walk = 0; walk < 5_000; walk++) {
    const tour = tourAlong(name, Math.min(1, inputs.length - 1), Array.from({ length: 300 }, () => events[upTo(events.length)]!), `random ${walk}`);
    if (run(tour, begin) !== undefined) return tour;
  }
  throw new Error("no walk fails");
}

describe.each(faults)("$name: $says", ({ name, machine, least }) => {
  const begin = machineSubject(machine);
  const found = failing(name, begin);

  test("a walk finds it, and the fewest events that show it are left", () => {
    const tour = shortest(found, begin);
    expect(tour.steps).toHaveLength(least.length);
    tour.steps.forEach(({ event }, step) => expect(event.type.startsWith(least[step]!)).toBe(true));
    expect(run(tour, begin)).toMatchObject({ at: least.length - 1 });
    const events = tour.steps.map(({ event }) => event);
    for (let left = 0; left < events.length; left++) expect(run(tourAlong(name, inputOf(tour), events.toSpliced(left, 1), "less"), begin)).toBeUndefined();
  });

  test("it is saved, and what was saved fails again", () => {
    const text = failureOf({ ...found, id: `${found.id}-${least.length}` }, begin);
    const file = /saved as (.*)$/.exec(text)![1]!;
    try {
      const tour = tourOfReplay(file, JSON.parse(readFileSync(file, "utf8")) as Replay);
      expect(run(tour, begin)).toMatchObject({ at: least.length - 1 });
      expect(run(tour, machineSubject(machines[name]))).toBeUndefined();
    } finally {
      rmSync(file);
    }
  });

  test("it is told step by step", () => {
    const tour = shortest(found, begin);
    const ladder = ladderOf(tour, run(tour, begin)!);
    expect(ladder).toHaveLength(2 * least.length + 2);
    least.forEach((event, step) => expect(ladder[2 * step]).toContain(event));
    expect(ladder[1]).toMatch(/ \[(CPM-C|RFC )/);
  });
});
