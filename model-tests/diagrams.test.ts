/**
 * The checked-in pictures: they are of today's machines, they show everything, and they can be read.
 *
 * Read as a viewer reads them, from their files.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { SaxesParser } from "saxes";
import type { AnyStateMachine } from "xstate";
import { describe, expect, test } from "vitest";
import { machines } from "../machines/index.ts";
import { nodes, transitions } from "../machines/inspect.ts";

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
  readonly labels: Box[] = [];
  /** Where each line of a state's own text begins. */
  readonly inscriptions: Box[] = [];
  /** Rules by where their numbers stand: on an arrow's label, inside a state, in the table. */
  readonly rules = { label: new Set<number>(), inside: new Set<number>(), row: new Set<number>() };
  /** Rules that have an arrow. */
  readonly arrows = new Set<number>();
  readonly delayed = new Set<number>();

  constructor(text: string) {
    const open: Record<string, string>[] = [];
    const parser = new SaxesParser();
    parser.on("error", (error) => {
      throw error;
    });
    parser.on("opentag", ({ name, attributes }) => {
      open.push(attributes);
      this.#read(name, attributes, open.at(-2) ?? {}, open.findLast((each) => each["class"] !== undefined)?.["class"]);
    });
    parser.on("closetag", () => void open.pop());
    parser.write(text).close();
  }

  #read(name: string, attributes: Record<string, string>, parent: Record<string, string>, part: string | undefined): void {
    const { "data-rule": rule, "data-rules": rules } = attributes;
    if (rule !== undefined) this.rules[part as keyof Sheet["rules"]].add(Number(rule));
    if (rules) this.#arrow(rules.split(" ").map(Number), attributes["stroke-dasharray"] !== undefined);
    if (name === "text" && part === "inside") this.inscriptions.push(box(`line ${this.inscriptions.length + 1} inside`, { ...attributes, width: "1", height: "1" }));
    const state = parent["data-state"];
    if (name === "rect" && state !== undefined && !this.states.has(state)) this.states.set(state, box(state, attributes));
    if (name === "rect" && parent["class"] === "label") this.labels.push(box(`label ${this.labels.length + 1}`, attributes));
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

for (const [name, machine] of Object.entries<AnyStateMachine>(machines)) {
  describe(name, () => {
    const sheet = new Sheet(readFileSync(new URL(`diagrams/${name}.svg`, root), "utf8"));
    const states = nodes(machine.root).slice(1);
    const rules = numbered(machine);
    const numbers = (of: typeof rules) => of.map(({ rule }) => rule);

    test("every state has a box, within the box of the state that holds it", () => {
      expect([...sheet.states.keys()]).toEqual(states.map(({ id }) => id));
      const outside = states.filter(({ id, parent }) => {
        const outer = sheet.states.get(parent!.id);
        const inner = sheet.states.get(id)!;
        return outer !== undefined && !(outer.left < inner.left && outer.top < inner.top && inner.right < outer.right && inner.bottom < outer.bottom);
      });
      expect(outside.map(({ id }) => id)).toEqual([]);
    });

    test("every transition has its number on an arrow or inside its state, and a row in the table", () => {
      const leading = rules.filter(({ transition }) => transition.target !== undefined);
      expect(inOrder(sheet.arrows)).toEqual(numbers(leading));
      expect(inOrder(sheet.rules.label)).toEqual(numbers(leading));
      expect(inOrder(sheet.rules.inside)).toEqual(numbers(rules.filter(({ transition }) => transition.target === undefined)));
      expect(inOrder(sheet.rules.row)).toEqual(numbers(rules));
    });

    test("the dashed arrows are the delayed ones", () => {
      const delayed = rules.filter(({ transition }) => transition.target !== undefined && (transition.eventType as string).startsWith("xstate.after."));
      expect(inOrder(sheet.delayed)).toEqual(numbers(delayed));
    });

    test("no label lies on another, on a state, or on what stands in one that holds others", () => {
      const leaves = states.filter(({ type }) => type === "atomic" || type === "final").map(({ id }) => sheet.states.get(id)!);
      expect(sheet.labels.length).toBeGreaterThan(0);
      expect(overlaps(sheet.labels, sheet.labels)).toEqual([]);
      expect(overlaps(sheet.labels, leaves)).toEqual([]);
      expect(sheet.inscriptions.length).toBeGreaterThanOrEqual(2 * states.length);
      expect(overlaps(sheet.labels, sheet.inscriptions)).toEqual([]);
    });

    test("no state lies on one that does not hold it", () => {
      const beside = states.map(({ id, parent }) => Object.values(parent!.states).filter((each) => each.id > id).map((each) => [sheet.states.get(id)!, sheet.states.get(each.id)!] as const));
      expect(beside.flat().filter(([one, other]) => overlap(one, other)).map(([one, other]) => `${one.of} on ${other.of}`)).toEqual([]);
    });
  });
}
