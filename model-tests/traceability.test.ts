/** What stands on which clause: the rules of `traceability.ts` hold, and the relation says what the machines, tours, tests and flows say. */
import { describe, expect, test } from "vitest";
import { machines, type MachineName } from "../machines/index.ts";
import { transitions } from "../machines/inspect.ts";
import { nameOf, places } from "./places.ts";
import { broadClauses, clausesIn, relation, rules, wireTests } from "./traceability.ts";
import { graphOfTour, toursOf } from "./tours.ts";

describe("rules", () => {
  for (const [says, faults] of Object.entries(rules)) test(says, () => expect(faults()).toEqual([]));
});

describe("clauses in writing", () => {
  const cases: readonly [string, readonly string[]][] = [
    ["RFC 4579 §5.5: a REFER", ["RFC 4579 §5.5"]],
    ["RFC 4575 §4.4, §5.1: the first NOTIFY", ["RFC 4575 §4.4", "RFC 4575 §5.1"]],
    ["it is refused [CPM-CR §9.3.1, RFC 3261 §13.3.1.3, §21.6.2]", ["CPM-CR §9.3.1", "RFC 3261 §13.3.1.3", "RFC 3261 §21.6.2"]],
    ["The sender goes. RFC 5547 §8.4.", ["RFC 5547 §8.4"]],
    ["RFC 4028 §9 and RFC 4028 §9", ["RFC 4028 §9"]],
    ["section 9.3.1, RFC 9999 §1, RFC 3261, § 4", []],
  ];
  for (const [text, clauses] of cases) test(text, () => expect(clausesIn(text)).toEqual(clauses));
});

describe("the relation", () => {
  const small: readonly MachineName[] = ["group-file-transfer", "conference-subscription", "group-participant"];
  const { clauses, transitions: traces } = relation(small);

  test("has every transition, in the order and by the numbers of the diagrams, under a name of its own", () => {
    for (const machine of small) {
      const ofMachine = traces.filter((trace) => trace.machine === machine);
      expect(ofMachine.map(({ rule, name }) => [rule, name])).toEqual(transitions(machines[machine]).map((transition, index) => [index + 1, nameOf(transition)]));
      expect(new Set(ofMachine.map(({ name }) => name)).size).toBe(ofMachine.length);
    }
  });

  test("says the same both ways", () => {
    for (const { clause, cites, beside } of clauses) {
      const named = traces.filter(({ grounds }) => grounds !== undefined && ("cites" in grounds ? grounds.cites : grounds.beside).includes(clause)).map(({ name }) => name);
      expect([...cites, ...beside].filter((name) => traces.some((trace) => trace.name === name)).sort()).toEqual(named.sort());
    }
  });

  test("every transition is taken by a tour, and the first tour that is named takes it at that step", () => {
    for (const { machine, name, tours, to } of traces) {
      expect(tours.count, name).toBeGreaterThan(0);
      const { tour, step } = tours.first!;
      const found = toursOf(machine).find(({ id }) => id === tour)!;
      const { snapshots, to: next } = graphOfTour(found);
      const after = snapshots[next[found.steps[step]!.edge]!]!;
      // An eventless transition may have been left again within its step.
      if (to.length > 0 && !name.includes(" always")) expect([after.status, ...after._nodes.map(({ id }) => id)], `${name} at ${tour} ${step}`).toContain(after.status === "done" ? "done" : to[0]);
    }
  });

  test("a flow stands at the transitions that it takes", () => {
    const { flows } = traces.find(({ name }) => name === "group-file-transfer.awaiting sip.INVITE.fileTransfer notSupported")!;
    expect(flows).toContain("flows/transfer-not-supported.md 1");
  });

  test("a test on the wire stands at the clauses of its title", () => {
    const { wire } = clauses.find(({ clause }) => clause === "RFC 4575 §3.9")!;
    expect(wire.map(({ file }) => file)).toContain("wire/dialog.test.ts");
    expect(wireTests().some(({ file }) => file.startsWith("flows/"))).toBe(true);
  });

  test("is plain data", () => {
    const whole = { clauses, transitions: traces };
    expect(JSON.parse(JSON.stringify(whole))).toEqual(whole);
  });
});

test("a clause that grounds much of a machine is found: the change request's own in the machine of its section", () => {
  expect(broadClauses().find(({ machine, clause }) => machine === "group-file-transfer" && clause === "CPM-CR §9.3.1")).toMatchObject({ of: places.filter(({ kind, machine }) => kind === "transition" && machine === "group-file-transfer").length });
});
