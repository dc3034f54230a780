/**
 * The checked-in pictures: they are of today's machines, they show everything, and they can be read.
 *
 * Read as a viewer reads them, from their files.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { SaxesParser } from "saxes";
import type { AnyStateMachine, AnyStateNode } from "xstate";
import { describe, expect, test } from "vitest";
import { machines } from "../machines/index.ts";
import { clauses, delayOf, grounds, named, nodes, transitions } from "../machines/inspect.ts";

const root = new URL("../", import.meta.url);

test("what is checked in is what would be printed", { timeout: 60_000 }, () => {
  const { status, stderr } = spawnSync(process.execPath, ["diagrams/print.ts", "--check"], { cwd: fileURLToPath(root), encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
});

interface Box {
  readonly of: string;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** What can be found in a picture. */
class Sheet {
  /** Boxes by the id of their state. */
  readonly states = new Map<string, Box>();
  readonly stubs = new Set<string>();
  readonly labels: Box[] = [];
  /** Where each line of a state's own text begins. */
  readonly inscriptions: Box[] = [];
  /** Rules by where their numbers stand: on an arrow's label, inside a state, in the table. */
  readonly rules = { label: new Set<number>(), told: new Set<number>(), row: new Set<number>() };
  /** Rules that have an arrow. */
  readonly arrows = new Set<number>();
  readonly delayed = new Set<number>();
  /** Rules whose rows say that they enter anew. */
  readonly anew = new Set<number>();
  /** What a listener hears of states and rules. */
  readonly said = new Map<string, string>();

  constructor(text: string) {
    const open: Record<string, string>[] = [];
    const parser = new SaxesParser();
    parser.on("error", (error) => {
      throw error;
    });
    parser.on("opentag", ({ name, attributes }) => {
      open.push(attributes);
      this.#read(name, attributes, open.at(-2) ?? {}, open.flatMap((each) => each["class"]?.split(" ") ?? []));
    });
    parser.on("closetag", () => void open.pop());
    parser.on("text", (said) => {
      const row = open.findLast((each) => each["data-row"] !== undefined)?.["data-row"];
      if (row !== undefined && said.includes("anew)")) this.anew.add(Number(row));
    });
    parser.write(text).close();
  }

  #read(name: string, attributes: Record<string, string>, parent: Record<string, string>, classes: readonly string[]): void {
    const { class: own = "", "data-rule": rule, "data-rules": rules, "data-state": state, "aria-label": says } = attributes;
    if (rule !== undefined) this.rules[(["told", "label", "row"] as const).find((part) => classes.includes(part))!].add(Number(rule));
    if (rules !== undefined && own.startsWith("arrow")) this.#arrow(rules.split(" ").map(Number), own.split(" ").includes("delayed"));
    if (says !== undefined && (state ?? rules) !== undefined) this.said.set(state ?? rules!, says);
    if (name === "text" && classes.includes("inside")) this.inscriptions.push(box(`line ${this.inscriptions.length + 1} inside`, { ...attributes, width: "1", height: "1" }));
    if (own.split(" ").includes("stub")) this.stubs.add(state!);
    const of = parent["data-state"];
    if (name === "rect" && of !== undefined && !this.states.has(of)) this.states.set(of, box(of, attributes));
    if (name === "rect" && parent["class"]?.startsWith("label")) this.labels.push(box(`label ${this.labels.length + 1}`, attributes));
  }

  #arrow(rules: readonly number[], isDashed: boolean): void {
    for (const rule of rules) this.arrows.add(rule);
    if (isDashed) for (const rule of rules) this.delayed.add(rule);
  }
}

function box(of: string, { x, y, width, height }: Record<string, string>): Box {
  const [left, top] = [Number(x), Number(y)];
  return { of, left, top, right: left + Number(width), bottom: top + Number(height) };
}

const overlap = (one: Box, other: Box) => one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
const overlaps = (ones: readonly Box[], others: readonly Box[]) =>
  ones.flatMap((one, index) => others.filter((other, at) => (ones !== others || at > index) && overlap(one, other)).map((other) => `${one.of} on ${other.of}`));

/** As the page counts them: from 1, in the order of declaration. */
const numbered = (machine: AnyStateMachine) => transitions(machine).map((transition, index) => ({ rule: index + 1, transition }));
const inOrder = (rules: Iterable<number>) => [...rules].sort((one, other) => one - other);

const holds = (outer: AnyStateNode, inner: AnyStateNode): boolean => nodes(outer).includes(inner);

/** The whole machine, and where it has more than 25 states every state that holds others. */
const sheets = Object.entries<AnyStateMachine>(machines).flatMap(([name, machine]) => {
  const states = nodes(machine.root).slice(1);
  return [{ name, machine, shown: machine.root }, ...(states.length > 25 ? states.filter(({ type }) => type === "compound" || type === "parallel").map((shown) => ({ name: shown.id, machine, shown })) : [])];
});

test("the large machines have pictures of their states, and there is no other picture", () => {
  expect(sheets.filter(({ machine, shown }) => shown !== machine.root).length).toBeGreaterThan(5);
  const files = readdirSync(new URL("diagrams/", root)).filter((file) => file.endsWith(".svg"));
  expect(files.filter((file) => Object.keys(machines).includes(file.split(".")[0]!)).sort()).toEqual(sheets.map(({ name }) => `${name}.svg`).sort());
});

for (const { name, machine, shown } of sheets) {
  describe(name, () => {
    const sheet = new Sheet(readFileSync(new URL(`diagrams/${name}.svg`, root), "utf8"));
    const states = nodes(machine.root).slice(1).filter((state) => holds(shown, state));
    const rules = numbered(machine).filter(({ transition: { source, target } }) => [source, ...(target ?? [])].some((end) => holds(shown, end)));
    const numbers = (of: typeof rules) => of.map(({ rule }) => rule);
    const leading = rules.filter(({ transition }) => transition.target !== undefined);
    const staying = rules.filter(({ transition }) => transition.target === undefined);

    test("every state has a box, within the box of the state that holds it", () => {
      const outer = new Set(leading.flatMap(({ transition: { source, target } }) => [source, target![0]!]).filter((end) => !holds(shown, end)).map(({ id }) => id));
      expect([...sheet.stubs].sort()).toEqual([...outer].sort());
      expect([...sheet.states.keys()].filter((id) => !outer.has(id))).toEqual(states.map(({ id }) => id));
      const outside = states.filter(({ id, parent }) => {
        const outer = sheet.states.get(parent!.id);
        const inner = sheet.states.get(id)!;
        return outer !== undefined && !(outer.left < inner.left && outer.top < inner.top && inner.right < outer.right && inner.bottom < outer.bottom);
      });
      expect(outside.map(({ id }) => id)).toEqual([]);
    });

    test("every transition has its number on an arrow or inside its state, and a row in the table", () => {
      expect(inOrder(sheet.arrows)).toEqual(numbers(leading));
      expect(inOrder(sheet.rules.label)).toEqual(numbers(leading));
      expect(inOrder(sheet.rules.told)).toEqual(numbers(staying));
      expect(inOrder(sheet.rules.row)).toEqual(numbers(rules));
    });

    test("who hears it hears every state with its clauses and every rule with event, guard, effects and clauses", () => {
      for (const { id, path } of states) expect(sheet.said.get(id)).toMatch(new RegExp(`^state ${path.join(".")}, .*(§|decided, beside)`));
      const said = [...sheet.said.values()].flatMap((each) => each.split(/; (?=rule \d)/));
      for (const { rule, transition } of rules) {
        const { source, guard, actions, eventType } = transition;
        const told = said.find((each) => each.startsWith(`rule ${rule}: from ${source.path.join(".") || machine.id} on `))!;
        expect(told).toContain(delayOf(eventType) ?? eventType);
        if (guard !== undefined) expect(told).toContain(`[${named(guard)}]`);
        for (const action of actions) expect(told).toContain(named(action));
        expect(told).toContain(clauses(grounds(transition)!).join(", "));
      }
    });

    test("a rule that enters anew what the machine is in says so in its row", () => {
      const anew = leading.filter(({ transition: { source, target, reenter } }) => reenter === true && holds(target![0]!, source));
      expect(inOrder(sheet.anew)).toEqual(numbers(anew));
    });

    test("the dashed arrows are the delayed ones", () => {
      const delayed = leading.filter(({ transition }) => (transition.eventType as string).startsWith("xstate.after."));
      expect(inOrder(sheet.delayed)).toEqual(numbers(delayed));
    });

    test("no label lies on another, on a state, or on what stands in one that holds others", () => {
      const leaves = [...states.filter(({ type }) => type === "atomic" || type === "final").map(({ id }) => id), ...sheet.stubs].map((id) => sheet.states.get(id)!);
      expect(sheet.labels.length).toBeGreaterThan(0);
      expect(overlaps(sheet.labels, sheet.labels)).toEqual([]);
      expect(overlaps(sheet.labels, leaves)).toEqual([]);
      expect(sheet.inscriptions.length).toBeGreaterThanOrEqual(2 * states.length);
      expect(overlaps(sheet.labels, sheet.inscriptions)).toEqual([]);
    });

    test("no state lies on one that does not hold it", () => {
      const beside = states.map(({ id, parent }) => Object.values(parent!.states).filter((each) => each.id > id && holds(shown, each)).map((each) => [sheet.states.get(id)!, sheet.states.get(each.id)!] as const));
      const outer = [shown.id, ...sheet.stubs].flatMap((id) => sheet.states.get(id) ?? []);
      expect(beside.flat().filter(([one, other]) => overlap(one, other)).map(([one, other]) => `${one.of} on ${other.of}`)).toEqual([]);
      expect(overlaps(outer, outer)).toEqual([]);
    });
  });
}
