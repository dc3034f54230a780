/**
 * Why everything is so: every state, transition, policy and refusal states its grounds, every citation is of a clause that
 * there is, and every line of the change request shows somewhere or is excepted with a reason.
 */
import type { AnyStateMachine } from "xstate";
import { describe, expect, test } from "vitest";
import { documents, type Clause, type Grounds } from "../machines/clauses.ts";
import { ambiguities, linesNotModelled } from "../machines/exceptions.ts";
import { machines } from "../machines/index.ts";
import { clauses, delayOf, transitions } from "../machines/inspect.ts";
import { policies } from "../machines/policies.ts";
import { refusals } from "../machines/refusals.ts";
import { lines, type Line, type LineName } from "../machines/scope.ts";
import { warnings } from "../machines/terms.ts";
import { places } from "./places.ts";

const all: readonly AnyStateMachine[] = Object.values(machines);

/** Everything that states its grounds, by the names under which `scope.ts` and `exceptions.ts` speak of it. */
const stated = new Map<string, (Grounds | undefined)[]>();
for (const { name, event, grounds } of places) for (const each of new Set([name, event ?? name])) stated.set(each, [...(stated.get(each) ?? []), grounds]);

const known = (clause: Clause) => clause.slice(0, clause.indexOf(" §")) in documents;
/** A section number, or an appendix, and nothing after it. */
const wellFormed = (clause: Clause) => /^[A-Z][A-Za-z0-9-]*(?: \d+)? §(?:\d+|[A-Z])(?:\.\d+)*$/.test(clause);

describe("grounds", () => {
  test("every state and every transition states them; compound, parallel and final states, delayed and eventless transitions too", () => {
    expect(places.filter(({ grounds }) => grounds === undefined).map(({ name }) => name)).toEqual([]);
  });

  test("a citation is a citation and a decision is a decision, never both, and neither is empty", () => {
    const mixed = [...stated].filter(([, whys]) =>
      whys.some((why) => why !== undefined && !("cites" in why ? Object.keys(why).length === 1 && why.cites.length > 0 : Object.keys(why).length === 2 && why.decides.trim() !== "" && why.beside.length > 0)),
    );
    expect(mixed.map(([name]) => name)).toEqual([]);
  });

  test("every clause is of a known document, and well formed", () => {
    const wrong = [...stated].flatMap(([name, whys]) => whys.flatMap((why) => (why ? clauses(why) : [])).filter((clause) => !known(clause) || !wellFormed(clause)).map((clause) => `${name}: ${clause}`));
    expect(wrong).toEqual([]);
  });
});

describe("policies", () => {
  for (const [name, policy] of Object.entries(policies)) {
    test(`${name} has a meaning, a unit, a default in its range, and grounds`, () => {
      expect(policy.means.trim()).not.toBe("");
      expect(clauses(policy.grounds)).not.toEqual([]);
      if (policy.unit === "word") {
        expect(policy.values.length).toBeGreaterThan(1);
        expect(policy.values).toContain(policy.default);
      } else {
        expect(Number.isSafeInteger(policy.default)).toBe(true);
        expect(policy.default).toBeGreaterThanOrEqual(policy.least);
        expect(policy.unit === "ms").toBe(name.endsWith("Ms"));
        expect(policy.unit === "octets").toBe(name.endsWith("Octets"));
      }
    });
  }

  test("every delay that a machine names is a policy", () => {
    const delays = new Set(all.flatMap((machine) => transitions(machine).flatMap(({ eventType }) => delayOf(eventType) ?? [])));
    expect([...delays].filter((delay) => !(delay in policies))).toEqual([]);
  });
});

describe("refusals", () => {
  test("a refused request gets a final response that refuses; a Warning is one of ours", () => {
    for (const refusal of Object.values(refusals)) {
      if (refusal.protocol === "silence") continue;
      expect(refusal.status).toBeGreaterThanOrEqual(400);
      if (refusal.protocol === "sip" && refusal.warning) expect(warnings).toHaveProperty(refusal.warning);
    }
  });

  test("every event that a machine knows has a refusal", () => {
    const events = new Set(all.flatMap((machine) => transitions(machine).map(({ eventType }) => eventType as string)));
    expect([...events].filter((event) => event !== "" && delayOf(event) === undefined && !(event in refusals))).toEqual([]);
  });
});

describe("scope", () => {
  const missing = (places: readonly string[]) => places.filter((place) => !stated.has(place));
  const speaksOf = (clause: Clause) => (place: string) => (stated.get(place) ?? []).some((why) => why && clauses(why).includes(clause));

  for (const [name, line] of Object.entries(lines) as [LineName, Line][]) {
    test(`${line.clause}: ${line.asks}`, () => {
      const because = linesNotModelled[name];
      if (line.shows.length === 0) expect(because, "neither shown nor excepted").toBeTruthy();
      else expect(because, "shown and excepted").toBeUndefined();
      expect(missing(line.shows)).toEqual([]);
      expect(line.shows.length === 0 || line.shows.some(speaksOf(line.clause)), `nothing there speaks of ${line.clause}`).toBe(true);
    });
  }

  test("what the text leaves open is settled where we say so", () => {
    expect(ambiguities.flatMap(({ shows }) => missing(shows))).toEqual([]);
  });
});
