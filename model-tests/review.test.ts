/**
 * The review as data and as documents: whole, true to the machines, and what its tables say can be found again.
 *
 * Lists are counted against the change request as it was sent: 13 passages of change 1, 30 of change 2.
 */
import { existsSync, readFileSync } from "node:fs";
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { beforeAll, describe, expect, test } from "vitest";
import { csv } from "../diagrams/review/csv.ts";
import { documents } from "../diagrams/review/documents.ts";
import { evidence, evidenceOf } from "../diagrams/review/evidence.ts";
import { eventsOf } from "../diagrams/review/machine-review.ts";
import type { MachineReview, Review, Shown } from "../diagrams/review/review-shape.ts";
import { review } from "../diagrams/review/review.ts";
import { shownBy } from "../diagrams/review/shown.ts";
import { change1, change2 } from "../diagrams/review/text.ts";
import { ambiguities, linesNotModelled, questions } from "../machines/exceptions.ts";
import { machines, type MachineName } from "../machines/index.ts";
import { delayOf, nodes, transitions } from "../machines/inspect.ts";
import { refusals } from "../machines/refusals.ts";
import { lines } from "../machines/scope.ts";
import { start, step } from "../machines/step.ts";
import { blocks } from "./flow-blocks.ts";
import { places } from "./places.ts";

const names = Object.keys(machines) as MachineName[];
let whole: Review;
beforeAll(async () => void (whole = await review()), 60_000);

const machine = (name: string): MachineReview => whole.machines.find((each) => each.name === name)!;

/** What a row says in words of `Shown` exists. */
const isThere = (shown: Shown): boolean => {
  switch (shown.what) {
    case "state":
      return [machine(shown.machine).chart.root, ...machine(shown.machine).chart.states].some(({ id }) => id === shown.state);
    case "rule":
      return machine(shown.machine).chart.transitions.some(({ rule }) => rule === shown.rule);
    case "policy":
      return whole.policies.some(({ name }) => name === shown.policy);
    case "refusal":
      return shown.event in refusals;
  }
};

test("is plain data, and small enough for a page", () => {
  const text = JSON.stringify(whole);
  expect(JSON.parse(text)).toEqual(whole);
  expect(text.length).toBeLessThan(6_000_000);
});

describe("the text", () => {
  test("has every passage of both changes, in order", () => {
    expect([whole.text.change1.length, whole.text.change2.length]).toEqual([13, 30]);
    const bullets = (depth: number) => change2.filter((passage) => passage.depth === depth).length;
    // The sentence before the list; five headings and two sentences on version 1.0; the bullets below the headings.
    expect([bullets(0), bullets(1), bullets(2)]).toEqual([1, 7, 22]);
    expect(change1.filter(({ depth }) => depth === 0).length).toBe(2);
  });

  test("every line of the scope is said by a passage, and what no machine shows says why", () => {
    const said = new Set([...change1, ...change2].flatMap((passage) => passage.lines));
    expect(Object.keys(lines).filter((name) => !said.has(name as keyof typeof lines))).toEqual([]);
    for (const { id, status, why, shows } of [...whole.text.change1, ...whole.text.change2]) {
      expect(status === "modelled" || status === "heading" || (why ?? "") !== "", id).toBe(true);
      expect(status !== "modelled" || shows.length > 0, id).toBe(true);
    }
    const unmodelled = [...whole.text.change1, ...whole.text.change2].filter(({ why }) => why !== undefined).length;
    expect(unmodelled).toBeGreaterThanOrEqual(Object.keys(linesNotModelled).length);
  });

  test("what it shows is there, and what is modelled is tested", () => {
    for (const { id, status, shows, tests } of [...whole.text.change1, ...whole.text.change2]) {
      expect(shows.filter((shown) => !isThere(shown)), id).toEqual([]);
      if (status === "modelled") expect(tests.tours + tests.wire.length, id).toBeGreaterThan(0);
    }
  });

  test("the rule of 122 is found from its sentence", () => {
    const refused = whole.text.change1.find(({ quote }) => quote.startsWith("SHALL return"))!;
    const rule = refused.shows.find((shown) => shown.what === "rule")!;
    expect(machine("group-file-transfer").chart.transitions.find((transition) => rule.what === "rule" && transition.rule === rule.rule)!.effects).toEqual(['answer 403 "122 Function not allowed"']);
  });
});

describe("requirements", () => {
  test("each item once, and only items of the list are needed", () => {
    const items = whole.requirements.map(({ item }) => item);
    expect(new Set(items).size).toBe(items.length);
    expect(whole.requirements.flatMap(({ needs }) => needs).filter((item) => !items.includes(item))).toEqual([]);
    for (const { item, status } of whole.requirements) expect(item).toMatch(new RegExp(`^CPM-[A-Z]+-S-\\d{3}-${status}$`));
  });

  test("every line of the change request has an item; what is untested has no test at all", () => {
    const named = new Set([...whole.text.change1, ...whole.text.change2].flatMap(({ requirements }) => requirements));
    for (const { id, status, requirements } of [...whole.text.change1, ...whole.text.change2]) expect(status === "heading" || requirements.length > 0, id).toBe(true);
    expect(whole.requirements.filter(({ item, from }) => from === "change request" && !named.has(item))).toEqual([]);
    for (const { item, untested, tests, shows } of whole.requirements) {
      expect(untested, item).toBe(tests.tours === 0 && tests.wireTours === 0 && tests.wire.length === 0 && tests.flows.length === 0);
      expect(shows.filter((shown) => !isThere(shown)), item).toEqual([]);
    }
    const untested = whole.requirements.filter((each) => each.untested);
    expect(untested.length).toBeGreaterThan(0);
    expect(untested.filter(({ is }) => is === "modelled")).toEqual([]);
  });

  test("every test that is named is a title in its file, and every flow a block", () => {
    const flows = new Set(whole.flows.map(({ id }) => id));
    const texts = new Map<string, string>();
    const textOf = (file: string) => texts.get(file) ?? (texts.set(file, readFileSync(new URL(file, import.meta.url), "utf8").replaceAll("\\", "")), texts.get(file)!);
    for (const { tests } of whole.requirements) {
      for (const { file, title } of tests.wire) for (const part of title.split("…")) expect(textOf(file)).toContain(part);
      expect(tests.flows.filter((flow) => !flows.has(flow))).toEqual([]);
    }
  });
});

describe("test purposes", () => {
  test("one a transition, and its last step takes it and does what is expected", () => {
    for (const { name, chart, inputs, tours } of whole.machines) {
      const purposes = whole.purposes.filter((purpose) => purpose.machine === name);
      expect(purposes.map(({ rule }) => rule)).toEqual(chart.transitions.map(({ rule }) => rule));
      for (const purpose of purposes) {
        const tour = tours.find(({ id }) => id === purpose.tour)!;
        const walked = along(machines[name as MachineName], inputs[tour.input], eventsOf(name as MachineName, tour).slice(0, purpose.preamble.length + 1));
        const rests = walked.at(-1)!.snapshot as AnyMachineSnapshot;
        expect(purpose.steps.length).toBe(1);
        expect(purpose.expected.length).toBe(Math.max(1, walked.at(-1)!.effects.length) + 1);
        for (const leaf of rests._nodes.filter(({ type }) => type === "atomic" || type === "final")) expect(purpose.expected.at(-1), purpose.id).toContain(leaf.path.join("."));
        const { to, trigger } = chart.transitions[purpose.rule - 1]!;
        // An eventless transition may have been left again within its step.
        if (to !== undefined && trigger.kind !== "always" && rests.status === "active" && walked.at(-1)!.taken.length === 1) {
          const reached = walked.at(-1)!.taken[0]!.target?.[0]?.id;
          expect(reached, purpose.id).toBe(to);
        }
      }
    }
  });

  test("the wire shows it too, or a reason stands why no peer can cause it", () => {
    for (const { rules } of whole.machines) for (const { name, wireTours, unreachable } of rules) expect(wireTours > 0 || unreachable !== undefined, name).toBe(true);
  });
});

function along(of: AnyStateMachine, input: unknown, events: readonly AnyEventObject[]) {
  let { snapshot } = start(of, input as never);
  return events.map((event) => {
    const done = step(of, snapshot as AnyMachineSnapshot, event);
    snapshot = done.snapshot;
    return done;
  });
}

describe("ambiguities", () => {
  test("every question has its answer, or who gives it", () => {
    const asked = ambiguities.flatMap((ambiguity) => ambiguity.questions);
    expect(Object.keys(questions).filter((question) => !asked.includes(question as keyof typeof questions))).toEqual([]);
    expect(Object.keys(questions).length).toBe(45);
    for (const { open, shows, because } of ambiguities) expect(shows.length > 0 || (because ?? "") !== "", open).toBe(true);
  });

  test("every decision is on the list, with every place that it grounds", () => {
    const decided = places.filter(({ grounds }) => grounds !== undefined && "decides" in grounds);
    expect(decided.length).toBeGreaterThan(100);
    const listed = new Map(whole.ambiguities.filter(({ kind }) => kind === "decision").map(({ chosen, shows }) => [chosen, shows]));
    for (const { name, grounds } of decided) {
      const shows = listed.get((grounds as { readonly decides: string }).decides) ?? [];
      expect(shows, name).toContainEqual(shownBy([name])[0]);
    }
    expect(new Set(whole.ambiguities.map(({ id }) => id)).size).toBe(whole.ambiguities.length);
    expect(whole.ambiguities.flatMap(({ shows }) => shows).filter((shown) => !isThere(shown))).toEqual([]);
  });
});

describe("sources", () => {
  const texts = new Map<string, readonly string[]>();
  const lineAt = (where: string): string => {
    const [file = "", number] = where.split(":");
    const text = texts.get(file) ?? readFileSync(new URL(`../${file}`, import.meta.url), "utf8").split("\n");
    texts.set(file, text);
    return text[Number(number) - 1]!;
  };

  for (const name of names) {
    test(`${name}: the line of every state holds its key, that of every rule what it is told by`, () => {
      const of = machine(name);
      for (const { id, key } of of.chart.states) expect(lineAt(of.lines[`state ${id}`]!), id).toMatch(new RegExp(`(^|\\W)${key}:`));
      expect(Object.keys(of.lines).length).toBe(nodes((machines[name] as AnyStateMachine).root).length + of.chart.transitions.length);
      transitions(machines[name]).forEach(({ source, eventType, guard }, index) => {
        const line = lineAt(of.lines[`rule ${index + 1}`]!);
        const type = eventType as string;
        const alternatives = (type === "" ? source.always : source.transitions.get(type))!.length;
        const key = type === "" ? "always" : (delayOf(type) ?? type);
        if (alternatives === 1) expect(line, `rule ${index + 1}`).toMatch(new RegExp(`(^|\\W)"?${key.replaceAll(".", "\\.")}"?:`));
        else if (guard !== undefined) expect(line, `rule ${index + 1}`).toContain(firstGuard(guard));
        else expect(line, `rule ${index + 1}`).toMatch(/^\s*\{/);
      });
    });
  }

  /** The first name in a guard. */
  function firstGuard(guard: unknown): string {
    if (typeof guard === "string") return guard;
    const { guards, type } = guard as { readonly guards?: readonly unknown[]; readonly type?: string };
    return guards === undefined ? type! : firstGuard(guards[0]);
  }

  test("a part that several machines share is found where it is written", () => {
    const shared = machine("group-participant").lines["state group-participant.open.session.interval"]!;
    expect(shared).toMatch(/^machines\/dialog\.ts:/);
    expect(machine("large-message-sender").lines["state large-message-sender.open.session.interval"]).toBe(shared);
  });
});

describe("evidence", () => {
  test("what is kept is of these sources, and is what is found again", { timeout: 60_000 }, () => {
    const kept = evidence();
    for (const name of names.filter((each) => each !== "group-session")) expect(kept.machines[name]).toEqual(JSON.parse(JSON.stringify(evidenceOf(name))));
    expect(JSON.parse(readFileSync(new URL("../diagrams/evidence.json", import.meta.url), "utf8")).digest).toBe(kept.digest);
  });

  test("tours walk, and the rules that are told by them are taken at those steps", () => {
    for (const { name, inputs, tours, rules } of whole.machines) {
      for (const { firstTours, tours: count } of rules) {
        expect(count).toBeGreaterThanOrEqual(firstTours.length);
        expect(firstTours.length).toBeGreaterThan(0);
        for (const { tour, step: at } of firstTours) expect(tours.find(({ id }) => id === tour)!.events.length).toBeGreaterThan(at);
      }
      for (const { input } of tours) expect(inputs[input], name).toBeDefined();
    }
  });

  test("no event of the world is missing in any state: there are no holes", () => {
    for (const { name, matrix } of whole.machines) {
      expect(matrix.cells.length, name).toBe(matrix.leaves.length);
      for (const row of matrix.cells) expect(row.map(({ event }) => event)).toEqual(matrix.events);
      expect(matrix.holes, name).toBe(matrix.cells.flat().filter(({ outcomes, event }) => outcomes.length === 0 && !event.startsWith("after ")).length);
      expect(matrix.holes, name).toBe(0);
    }
  });

  test("flows are all there, and the rules of a walk are those that it takes", () => {
    expect(whole.flows.length).toBe(blocks().length);
    const refused = whole.flows.find(({ of, lines: told }) => of === "group-file-transfer" && told.some((line) => line.includes("functionNotAllowed")))!;
    expect(refused.rules).toContain(machine("group-file-transfer").rules.find(({ name }) => name.endsWith(" notSupported"))!.rule);
  });

  test("every machine says what it is, and has a picture; the figures have a row for each", () => {
    for (const { says, pictures, name } of whole.machines) {
      expect(says).toMatch(/^[A-Z].*\.$/);
      expect(pictures[0]!.file).toBe(`${name}.svg`);
      expect(pictures.every(({ svg }) => svg.startsWith("<svg"))).toBe(true);
    }
    expect(whole.figures.rows.map(([name]) => name)).toEqual(names);
    expect(whole.figures.head.length).toBeGreaterThan(5);
  });
});

describe("clauses", () => {
  test("what stands on a clause names it, both ways", () => {
    for (const { clause, cites, beside } of whole.clauses) {
      for (const shown of cites) if (shown.what === "rule") expect(machine(shown.machine).chart.transitions[shown.rule - 1]!.grounds).toMatchObject({ cites: expect.arrayContaining([clause]) });
      for (const shown of beside) if (shown.what === "rule") expect(machine(shown.machine).chart.transitions[shown.rule - 1]!.grounds).toMatchObject({ beside: expect.arrayContaining([clause]) });
    }
    const own = whole.clauses.find(({ clause }) => clause === "CPM-CR §9.3.1")!;
    expect(own.cites.length).toBeGreaterThan(5);
    expect(own.wireTours).toBeGreaterThan(0);
    expect(own.title).toContain("Change request");
  });
});

describe("tables", () => {
  /** As RFC 4180 has it. */
  function read(text: string): string[][] {
    const rows: string[][] = [[]];
    const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
    let at = 0;
    for (let found = cell.exec(text); found !== null; found = cell.exec(text)) {
      rows.at(-1)!.push(found[1]?.replaceAll('""', '"') ?? found[2]!);
      at = cell.lastIndex;
      if (found[3] === "\r\n" && at < text.length) rows.push([]);
    }
    expect(at).toBe(text.length);
    return rows;
  }

  test("read as they were written; no cell is a formula", () => {
    expect(read(csv([["a", 'say "b"'], ["c,d", "e\nf"]]))).toEqual([["a", 'say "b"'], ["c,d", "e\nf"]]);
    expect(read(csv([["=1+1", "+1", "-1", "@x", "1-1"]]))).toEqual([["'=1+1", "'+1", "'-1", "'@x", "1-1"]]);
    const files = [...documents(whole)].filter(([name]) => name.endsWith(".csv"));
    expect(files.length).toBe(3);
    for (const [name, text] of files) {
      const rows = read(text);
      expect(rows.length, name).toBeGreaterThan(40);
      expect(new Set(rows.map((cells) => cells.length)).size, name).toBe(1);
      expect(rows.flat().filter((cell) => /^[=+\-@\t\r]/.test(cell)), name).toEqual([]);
      expect(existsSync(new URL(`../diagrams/${name}`, import.meta.url)), name).toBe(true);
    }
    expect(read(documents(whole).get("purposes.csv")!).length).toBe(whole.purposes.length + 1);
  });
});
