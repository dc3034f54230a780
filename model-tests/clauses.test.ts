/**
 * Why everything is so: every state, transition, policy and refusal states its grounds, every citation is of a clause that
 * there is, and every clause in scope is met or excepted with a reason.
 */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import { describe, expect, test } from "vitest";
import { documents, type Clause, type Grounds } from "../machines/clauses.ts";
import { ambiguities, clausesNotModelled, linesNotModelled } from "../machines/exceptions.ts";
import { machines } from "../machines/index.ts";
import { clauses, delayOf, grounds, named, nodes, transitions } from "../machines/inspect.ts";
import { policies } from "../machines/policies.ts";
import { refusals } from "../machines/refusals.ts";
import { clausesInScope, lines, type Line, type LineName } from "../machines/scope.ts";
import { warnings } from "../machines/terms.ts";

const all: readonly AnyStateMachine[] = Object.values(machines);

/** Everything that states its grounds, by the name under which `scope.ts` and `exceptions.ts` speak of it. */
const stated = new Map<string, (Grounds | undefined)[]>();
const state = (name: string, why: Grounds | undefined) => stated.set(name, [...(stated.get(name) ?? []), why]);

for (const machine of all) {
  for (const node of nodes(machine.root)) if (node.id !== machine.id) state(node.id, grounds(node));
  for (const transition of transitions(machine)) for (const name of namesOf(transition)) state(name, grounds(transition));
}
for (const [name, policy] of Object.entries(policies)) state(`policy ${name}`, policy.grounds);
for (const [event, refusal] of Object.entries(refusals)) state(`refusal of ${event}`, refusal.grounds);

/** By its event, and by its event and guard. */
function namesOf({ source, eventType, guard }: AnyTransitionDefinition): string[] {
  const delay = delayOf(eventType);
  const event = `${source.id} ${eventType === "" ? "always" : delay === undefined ? eventType : `xstate.after.${delay}`}`;
  return guard === undefined ? [event] : [event, `${event} ${named(guard)}`];
}

const known = (clause: Clause) => clause.slice(0, clause.indexOf(" §")) in documents;
/** A section number, or an appendix, and nothing after it. */
const wellFormed = (clause: Clause) => /^[A-Z][A-Za-z0-9-]*(?: \d+)? §(?:\d+|[A-Z])(?:\.\d+)*$/.test(clause);

describe("grounds", () => {
  test("every state and every transition states them; compound, parallel and final states, delayed and eventless transitions too", () => {
    const silent = all.flatMap((machine) => [
      ...nodes(machine.root).filter((node: AnyStateNode) => node.id !== machine.id && !grounds(node)).map(({ id }) => id),
      ...transitions(machine).filter((transition) => !grounds(transition)).flatMap(namesOf),
    ]);
    expect(silent).toEqual([]);
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

  // The sections that the change request builds on were not at hand: what we know of them is inferred.
  test("what is inferred is decided: nothing cites CPM-CONV", () => {
    const inferred = [...stated].filter(([, whys]) => whys.some((why) => why !== undefined && "cites" in why && why.cites.some((clause) => clause.startsWith("CPM-CONV "))));
    expect(inferred.map(([name]) => name)).toEqual([]);
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
  const cited = new Set([...stated].flatMap(([, whys]) => whys.flatMap((why) => (why && "cites" in why ? why.cites : []))));

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

  test("every clause in scope is cited, or excepted with a reason", () => {
    expect(clausesInScope.filter((clause) => !cited.has(clause) && !clausesNotModelled[clause])).toEqual([]);
  });

  test("no exception is left of a clause that is cited, or that is not in scope", () => {
    expect((Object.keys(clausesNotModelled) as Clause[]).filter((clause) => cited.has(clause) || !clausesInScope.includes(clause))).toEqual([]);
  });

  test("what the text leaves open is settled where we say so", () => {
    expect(ambiguities.flatMap(({ shows }) => missing(shows))).toEqual([]);
  });
});
