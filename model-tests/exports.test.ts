/**
 * The machines in other notations: whole, valid, and the same machine.
 *
 * SCXML is run by SCION, an interpreter of others, beside the machine itself: the same effects, in the same order, to the same states.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SaxesParser } from "saxes";
import { afterAll, describe, expect, test } from "vitest";
import { createMachine, setup, type AnyEventObject, type AnyMachineSnapshot, type AnyStateMachine } from "xstate";
import { eventsOf, takenOf } from "../diagrams/review/machine-review.ts";
import { evidence } from "../diagrams/review/evidence.ts";
import { notations, scxmlEvent } from "../diagrams/exports.ts";
import { statechart, type Statechart } from "../diagrams/charts/graph.ts";
import { machines, type MachineName } from "../machines/index.ts";
import { nodes, transitions } from "../machines/inspect.ts";
import { refusals } from "../machines/refusals.ts";
import { between, start, step } from "../machines/step.ts";
import { worlds } from "../machines/worlds.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const names = Object.keys(machines) as MachineName[];
const written = (extension: string, chart: Statechart): string => notations.find((notation) => notation.extension === extension)!.write(chart);

// ---------------------------------------------------------------- SCXML

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
}

function parsed(text: string): Element {
  const open: Element[] = [{ name: "document", attributes: {}, children: [] }];
  const parser = new SaxesParser();
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name, attributes }) => {
    const element = { name, attributes: attributes as Record<string, string>, children: [] };
    open.at(-1)!.children.push(element);
    open.push(element);
  });
  parser.on("closetag", () => void open.pop());
  parser.write(text).close();
  return open[0]!.children[0]!;
}

function* all(element: Element): Generator<Element> {
  yield element;
  for (const child of element.children) yield* all(child);
}

const isState = ({ name }: Element) => name === "state" || name === "parallel" || name === "final";

/** What SCION runs: its own form of the document. */
interface Model {
  readonly $type: string;
  readonly id?: string | undefined;
  readonly initial?: string | undefined;
  readonly states: readonly Model[];
  readonly onEntry: readonly (() => void)[];
  readonly onExit: readonly (() => void)[];
  readonly transitions: readonly { readonly event?: string; readonly target?: string; readonly type?: string; readonly cond?: () => boolean; readonly onTransition: readonly (() => void)[] }[];
}

interface Scion {
  start(): void;
  gen(event: { readonly name: string }): void;
  getConfiguration(): readonly string[];
  isFinal(): boolean;
  on(event: "onSmallStepEnd", heard: () => void): void;
}

const { Statechart: Interpreter } = createRequire(import.meta.url)("@scion-scxml/core") as { readonly Statechart: new (model: () => Model) => Scion };

/** A document that is run: what it sends is heard, its guards are asked where the machine is. */
class Running {
  readonly sent: string[] = [];
  readonly #scion: Scion;
  #ask: (guard: string) => boolean = () => false;
  #smallSteps = 0;

  constructor(document: Element) {
    this.#scion = new Interpreter(() => this.#model(document));
    this.#scion.on("onSmallStepEnd", () => void this.#smallSteps++);
  }

  /** In what states it rests. */
  get states(): readonly string[] {
    return [...this.#scion.getConfiguration()].sort();
  }

  start(): void {
    this.#scion.start();
  }

  /** `ask` hears how many transitions of this step have been taken before. */
  take(event: string, ask: (guard: string, taken: number) => boolean): void {
    this.sent.length = 0;
    this.#smallSteps = 0;
    this.#ask = (guard) => ask(guard, this.#smallSteps);
    if (!this.#scion.isFinal()) this.#scion.gen({ name: event });
  }

  #model(element: Element): Model {
    const { id, initial } = element.attributes;
    const content = (name: string) => element.children.filter((child) => child.name === name).flatMap(({ children }) => this.#actions(children));
    return {
      $type: element.name,
      ...(id !== undefined && { id }),
      ...(initial !== undefined && { initial }),
      states: element.children.filter(isState).map((child) => this.#model(child)),
      onEntry: content("onentry"),
      onExit: content("onexit"),
      transitions: element.children.filter(({ name }) => name === "transition").map(({ attributes: { event, target, type, cond }, children }) => ({
        ...(event !== undefined && { event }),
        ...(target !== undefined && { target }),
        ...(type !== undefined && { type }),
        ...(cond !== undefined && { cond: this.#condition(cond) }),
        onTransition: this.#actions(children),
      })),
    };
  }

  #condition(expression: string): () => boolean {
    // The names of guards are calls: they are asked of the machine.
    const evaluate = new Function("ask", `return ${expression.replaceAll(/(\w+)\(\)/g, 'ask("$1")')}`) as (ask: (guard: string) => boolean) => boolean;
    return () => evaluate(this.#ask);
  }

  #actions(elements: readonly Element[]): (() => void)[] {
    const { sent } = this;
    return elements.flatMap(({ name, attributes: { event = "", delayexpr } }) => {
      if (name === "raise") return [function (this: { raise: (event: object) => void }) { this.raise({ name: event }); }];
      return name === "send" && delayexpr === undefined ? [() => void sent.push(event)] : [];
    });
  }
}

describe("SCXML", () => {
  for (const name of names) {
    const machine: AnyStateMachine = machines[name];
    const document = parsed(written("scxml", statechart(name, machine)));
    const elements = [...all(document)];

    test(`${name} is well-formed, of the namespace, with unique ids and targets that exist`, () => {
      expect(document.attributes).toMatchObject({ xmlns: "http://www.w3.org/2005/07/scxml", version: "1.0", datamodel: "ecmascript" });
      const ids = elements.filter(isState).map(({ attributes }) => attributes["id"]!);
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids.length).toBe(nodes(machine.root).length - 1);
      expect(ids.filter((id) => !/^[A-Za-z_][\w.-]*$/.test(id))).toEqual([]);
      const targets = elements.flatMap(({ attributes }) => [attributes["target"], attributes["initial"]].filter((target) => target !== undefined));
      expect(targets.filter((target) => !ids.includes(target))).toEqual([]);
      const known = new Set(["scxml", "state", "parallel", "final", "transition", "onentry", "onexit", "send", "cancel", "raise", "content"]);
      expect(elements.filter((element) => !known.has(element.name))).toEqual([]);
      expect(elements.filter((element) => element.name === "transition").length).toBe(transitions(machine).length);
    });

    test(`${name}: a timer that is sent on entry is cancelled on exit and waited for`, () => {
      const delayed = elements.filter((element) => element.attributes["delayexpr"] !== undefined).map(({ attributes }) => attributes["id"]);
      expect(elements.filter((element) => element.name === "cancel").map(({ attributes }) => attributes["sendid"]).sort()).toEqual([...delayed].sort());
      for (const id of delayed) expect(elements.some((element) => element.name === "transition" && element.attributes["event"] === id), id).toBe(true);
      expect(delayed.length > 0).toBe(transitions(machine).some(({ eventType }) => String(eventType).startsWith("xstate.after.")));
    });

    test(`${name}: SCION takes the tours and does the same`, { timeout: 30_000 }, () => {
      const guards = machine.implementations.guards as Record<string, (at: object, params: unknown) => boolean>;
      const effects = new Set(Object.entries(machine.implementations.actions as unknown as Record<string, { readonly type?: string }>).flatMap(([effect, { type }]) => (type === undefined ? [effect] : [])));
      const tours = evidence().machines[name].tours;
      const taken = new Set<string>();
      // Those that take each transition soonest, and some more.
      const soonest = new Set([...takenOf(name, tours).values()].map((takers) => takers.reduce((one, other) => (other.step < one.step ? other : one)).tour));
      for (const tour of tours.filter(({ id }, index) => soonest.has(id) || index % Math.ceil(tours.length / 60) === 0)) {
        let { snapshot } = start(machine, worlds[name].inputs[tour.input] as never) as { snapshot: AnyMachineSnapshot };
        const running = new Running(document);
        running.start();
        expect(running.states).toEqual(leavesOf(snapshot));
        eventsOf(name, tour).forEach((event, at) => {
          const from = snapshot;
          const done = step(machine, from, event);
          for (const { source, eventType } of done.taken) taken.add(`${source.id} ${String(eventType)}`);
          // A guard that is asked after a transition sees what that one has noted.
          const contexts = [from.context, ...(done.handled ? between(machine, from, event).map(({ context }) => context as unknown) : [])];
          running.take(nameIn(event), (guard, before) => guards[guard]!({ context: contexts[Math.min(before, contexts.length - 1)], event }, undefined));
          snapshot = done.snapshot as AnyMachineSnapshot;
          expect(running.states, `${tour.id} ${at} ${event.type}`).toEqual(snapshot.status === "done" && running.states.length === 0 ? [] : leavesOf(snapshot));
          expect(running.sent.filter((effect) => effects.has(effect)), `${tour.id} ${at} ${event.type}`).toEqual(done.effects.map(({ type }) => type));
        });
      }
      const every = new Set(transitions(machine).filter(({ eventType }) => eventType !== "").map(({ source, eventType }) => `${source.id} ${String(eventType)}`));
      expect([...every].filter((transition) => !taken.has(transition))).toEqual([]);
    });
  }

  test("a transition into its own source is internal or external as the machine has it", () => {
    const said = (...words: string[]) => Object.fromEntries(words.map((word) => [word, () => {}]));
    const machine: AnyStateMachine = setup({ actions: said("enterA", "leaveA", "enterB", "leaveB", "enterC", "leaveC", "noted") }).createMachine({
      id: "m",
      initial: "a",
      states: {
        a: {
          entry: "enterA",
          exit: "leaveA",
          initial: "b",
          on: {
            inner: { target: ".c" },
            outer: { target: ".c", reenter: true },
            again: { target: "a" },
            anew: { target: "a", reenter: true },
            nothing: { actions: "noted" },
          },
          states: { b: { entry: "enterB", exit: "leaveB" }, c: { entry: "enterC", exit: "leaveC" } },
        },
      },
    });
    const document = written("scxml", statechart("m", machine));
    expect(document).toContain('type="internal"');
    const running = new Running(parsed(document));
    running.start();
    let { snapshot } = start(machine, undefined as never);
    for (const type of ["inner", "inner", "outer", "again", "inner", "anew", "nothing", "outer"]) {
      const done = step(machine, snapshot, { type });
      snapshot = done.snapshot;
      running.take(type, () => true);
      expect(running.states, type).toEqual(leavesOf(snapshot as AnyMachineSnapshot));
      expect(running.sent, type).toEqual(done.effects.map((effect) => effect.type));
    }
  });

  test("no event's name begins another, as SCXML matches them", () => {
    const events = Object.keys(refusals).map(scxmlEvent);
    expect(new Set(events).size).toBe(events.length);
    expect(events.filter((event) => events.some((other) => event.startsWith(`${other}.`)))).toEqual([]);
    expect(Object.keys(refusals).some((event) => Object.keys(refusals).some((other) => event.startsWith(`${other}.`)))).toBe(true);
  });
});

/** As the document calls an event: a timer by its policy and its state. */
const nameIn = ({ type }: AnyEventObject): string => (type.startsWith("xstate.after.") ? type.replace(/^xstate\./, "") : scxmlEvent(type));

const leavesOf = ({ _nodes }: AnyMachineSnapshot): readonly string[] => _nodes.filter(({ type }) => type === "atomic" || type === "final").map(({ id }) => id).sort();

// ---------------------------------------------------------------- the others

describe("XState and Stately", () => {
  for (const name of names) {
    test(`${name}: createMachine takes it, and it has the same states and transitions`, () => {
      const chart = statechart(name, machines[name]);
      const again = statechart(name, createMachine(JSON.parse(written("json", chart)) as never, { delays: Object.fromEntries(chart.transitions.flatMap(({ trigger }) => (trigger.kind === "delay" ? [[trigger.policy, 1]] : []))) } as never));
      expect(again.states).toEqual(chart.states.map((state) => state));
      const plain = (of: Statechart) => of.transitions.map(({ effects: _, ...transition }) => transition);
      expect(plain(again).map(({ guard: _, ...transition }) => transition)).toEqual(plain(chart).map(({ guard: _, ...transition }) => transition));
      expect(again.transitions.map(({ guard }) => guard)).toEqual(chart.transitions.map(({ guard }) => guard));
      expect(again.transitions.map(({ effects }) => effects)).toEqual(chart.transitions.map(({ effects }) => effects));
    });
  }
});

describe("Mermaid and PlantUML", () => {
  const wordOf = (id: string) => id.replaceAll(/\W/g, "_");

  for (const name of names) {
    const chart = statechart(name, machines[name]);
    const leading = chart.transitions.filter(({ to }) => to !== undefined);
    const composite = new Set(chart.states.filter(({ children }) => children.length > 0).map(({ id }) => wordOf(id)));
    for (const [extension, arrow] of [["mmd", /^\s*(\w+) --> (\w+) : (.*)$/], ["puml", /^\s*(\w+) -(?:->|\[dashed\]->) (\w+) : (.*)$/]] as const) {
      const lines = written(extension, chart).split("\n");

      test(`${name}.${extension}: every state once, every transition, blocks that close`, () => {
        const declared = lines.flatMap((line) => /^\s*state ".*" as (\w+)( \{)?$/.exec(line)?.[1] ?? []);
        expect([...declared].sort()).toEqual(chart.states.map(({ id }) => wordOf(id)).sort());
        const arrows = lines.flatMap((line) => {
          const found = arrow.exec(line);
          return found && declared.includes(found[2]!) ? [[found[1], found[2]]] : [];
        });
        expect(arrows).toEqual(leading.map(({ from, to }) => [wordOf(from), wordOf(to!)]));
        expect(lines.filter((line) => line.endsWith("{")).length).toBe(lines.filter((line) => line.trim() === "}").length);
        // Every transition that goes nowhere is told inside its state.
        for (const { trigger } of chart.transitions.filter(({ to }) => to === undefined)) if (trigger.kind === "event") expect(lines.some((line) => line.includes(trigger.event))).toBe(true);
      });

      // Mermaid refuses a document in which a state that holds others has text of its own.
      if (extension === "mmd") test(`${name}.mmd: states that hold others have notes, and no text`, () => expect(lines.flatMap((line) => /^\s*(\w+) : /.exec(line)?.[1] ?? []).filter((state) => composite.has(state))).toEqual([]));
    }
  }
});

// ---------------------------------------------------------------- the command

describe("npm run diagrams", () => {
  const directory = mkdtempSync(join(tmpdir(), "cpm-export-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const run = (...args: string[]) => spawnSync(process.execPath, ["diagrams/print.ts", ...args], { cwd: root, encoding: "utf8" });

  test("--export writes every notation of every machine, the tables, and a ladder of every flow", { timeout: 30_000 }, () => {
    const { status, stderr } = run("--export", directory);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const files = readdirSync(directory, { recursive: true }) as string[];
    for (const name of names) for (const { extension, write } of notations) expect(readFileSync(join(directory, `${name}.${extension}`), "utf8")).toBe(write(statechart(name, machines[name])));
    expect(files.filter((file) => file.endsWith(".csv")).length).toBe(3);
    const ladders = files.filter((file) => file.startsWith("ladders/"));
    expect(ladders.length).toBe(readdirSync(join(root, "model-tests/flows")).flatMap((file) => [...readFileSync(join(root, "model-tests/flows", file), "utf8").matchAll(/^```(?:flow|wire)/gm)]).length);
    for (const file of ladders) parsed(readFileSync(join(directory, file), "utf8"));
  });

  test("--help tells every option; what is wrong is said, with status 2", () => {
    const help = run("--help");
    expect(help.status).toBe(0);
    for (const option of ["--check", "--open", "--compare", "--pdf", "--export", "--ladder"]) expect(help.stdout).toContain(option);
    for (const [args, words] of [
      [["--nothing"], "--nothing"],
      [["words"], "words"],
      [["--export"], "--export wants"],
      [["--ladder"], "--ladder wants"],
      [["--compare"], "--compare wants"],
      [["--check", "--open"], "one at a time"],
      [["--pdf", "a", "b"], "what is b for"],
    ] as const) {
      const { status, stderr, stdout } = run(...args);
      expect({ status, stdout }, args.join(" ")).toEqual({ status: 2, stdout: "" });
      expect(stderr).toContain(words);
      expect(stderr).toContain("--help");
    }
  });

  test("a file that cannot be drawn is said, with status 1 and no stack", () => {
    const { status, stderr } = run("--ladder", join(directory, "no such file"));
    expect(status).toBe(1);
    expect(stderr.trimEnd().split("\n").length).toBe(1);
  });
});
