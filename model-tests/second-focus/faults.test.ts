import { describe, expect, test } from "vitest";
import { categories, faults, type Fault } from "./faults.ts";
import { SecondGroupFileTransfer, SecondGroupSession, SecondLargeMessage, type Answer } from "./second-focus.ts";

const make = (fault: Fault, number?: number) => {
  switch (fault.machine) {
    case "group-session":
      return new SecondGroupSession(fault.input, number);
    case "group-file-transfer":
      return new SecondGroupFileTransfer(fault.input, number);
    case "large-message":
      return new SecondLargeMessage(fault.input, number);
  }
};

/** The order of effects does not count. */
const comparable = (answer: Answer) => JSON.stringify({ ...answer, effects: answer.effects.map((effect) => JSON.stringify(effect)).sort() });

test("there are forty, numbered from 1", () => {
  expect(faults.map((fault) => fault.number)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
});

test.each([
  ["group-session", 24],
  ["group-file-transfer", 6],
  ["large-message", 10],
])("%s has %i of them", (machine, share) => {
  expect(faults.filter((fault) => fault.machine === machine).length).toBe(share);
});

test.each(categories)("there are at least three of the category %s", (category) => {
  expect(faults.filter((fault) => fault.category === category).length).toBeGreaterThanOrEqual(3);
});

describe("the last event of the trace, and none before, tells the faulty from the faultless", () => {
  test.each(faults)("$number $machine: $says", (fault) => {
    const faulty = make(fault, fault.number);
    const faultless = make(fault);
    const differs = fault.trace.map((event) => comparable(faulty.take(event)) !== comparable(faultless.take(event)));
    expect(differs).toEqual(fault.trace.map((_, i) => i === fault.trace.length - 1));
  });
});
