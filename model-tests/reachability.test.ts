/**
 * Every machine, everywhere it can get to in its world: no state is unreachable, no transition is never taken, no guard is
 * always or never true; and what `step` promises is kept in every snapshot.
 */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import { assign } from "xstate";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { groupFileTransfer } from "../machines/group-file-transfer.ts";
import { machines, type MachineName } from "../machines/index.ts";
import { named, nodes, transitions } from "../machines/inspect.ts";
import { largeMessage } from "../machines/large-message.ts";
import { keep, restore, start, step, type Kept, type Step } from "../machines/step.ts";
import { worlds } from "../machines/worlds.ts";
import { asked, askedOnTheWay, explore, keyOf, type Asked, type Edge } from "./explore.ts";

const exploreMs = 180_000;
const walked: string[] = [];
afterAll(() => console.log(["reached: states of the machine, snapshots, events in them", ...walked].join("\n")));

const described = ({ source, eventType, guard }: AnyTransitionDefinition) =>
  `${source.id}  ${eventType === "" ? "always" : eventType}${guard === undefined ? "" : `  [${named(guard)}]`}`;

/** What has not been seen yet. */
class Unseen {
  readonly states: Set<AnyStateNode>;
  /** Transitions that were never enabled when they were asked. */
  readonly enabled: Set<AnyTransitionDefinition>;
  /** Guarded transitions that were never disabled when they were asked. */
  readonly disabled: Set<AnyTransitionDefinition>;
  readonly #machine: AnyStateMachine;

  constructor(machine: AnyStateMachine) {
    this.#machine = machine;
    this.states = new Set(nodes(machine.root));
    this.enabled = new Set(transitions(machine));
    this.disabled = new Set(transitions(machine).filter(({ guard }) => guard !== undefined));
  }

  visit({ from, event, step }: Edge): void {
    if (this.enabled.size + this.disabled.size === 0) return;
    // The way in between costs as much as ten steps: it is looked at while an eventless transition is still unseen.
    const moves = step.snapshot !== from && [...this.enabled, ...this.disabled].some(({ eventType }) => eventType === "");
    for (const answer of moves ? askedOnTheWay(this.#machine, from, event) : asked(this.#machine, from, event)) this.#heard(answer);
  }

  rest(snapshot: AnyMachineSnapshot): void {
    for (const node of snapshot._nodes) this.states.delete(node);
  }

  #heard({ transition, enabled }: Asked): void {
    (enabled ? this.enabled : this.disabled).delete(transition);
  }
}

for (const name of Object.keys(machines) as MachineName[]) {
  const machine: AnyStateMachine = machines[name];

  describe(name, () => {
    const unseen = new Unseen(machine);

    beforeAll(() => {
      let snapshots = 0;
      let edges = 0;
      // The widest world comes first in the list and last here: by then there is little left to look for.
      for (const input of worlds[name].inputs.toReversed()) {
        const territory = explore(name, input, (edge) => unseen.visit(edge));
        for (const snapshot of territory.places.values()) unseen.rest(snapshot);
        snapshots += territory.places.size;
        edges += territory.edges;
      }
      walked.push(`${name.padEnd(24)} ${String(nodes(machine.root).length).padStart(3)} ${String(snapshots).padStart(7)} ${String(edges).padStart(8)}`);
    }, exploreMs);

    test("no state is unreachable", () => {
      expect([...unseen.states].map(({ id }) => id)).toEqual([]);
    });

    test("no transition is never taken", () => {
      expect([...unseen.enabled].map(described)).toEqual([]);
    });

    test("no guard is true whenever it is asked", () => {
      expect([...unseen.disabled].map(described)).toEqual([]);
    });

    test("a snapshot that went through JSON takes the same steps, and no step changes what it is given", { timeout: exploreMs }, () => {
      for (const input of worlds[name].inputs) {
        let last: AnyMachineSnapshot | undefined;
        let twin = start(machine, input).snapshot as AnyMachineSnapshot;
        explore(name, input, ({ from, event, step: first }) => {
          if (from !== last) {
            twin = frozen(restore(machine, JSON.parse(JSON.stringify(keep(from))) as Kept));
            last = from;
          }
          expectSame(step(machine, twin, frozen(event)), first);
        });
      }
    });
  });
}

/** So that a step which writes into its arguments throws. */
function frozen<T extends AnyMachineSnapshot | AnyEventObject>(given: T): T {
  deepFreeze("context" in given ? given["context"] : given);
  return given;
}

function deepFreeze(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
}

/** Everything a step says, as a word: what comes next, what is asked for, what is answered. */
function word({ snapshot, effects, timers, handled, refusal }: Step): string {
  return JSON.stringify([keyOf(snapshot), effects, timers, handled, refusal]);
}

function expectSame(one: Step, other: Step): void {
  if (word(one) !== word(other)) expect(word(one)).toBe(word(other));
}

describe("an exception in a step leaves everything as it was", () => {
  const fails = () => {
    throw new Error("we are wrong");
  };

  test("in a guard", () => {
    const offer = { type: "sip.INVITE.fileTransfer", sender: "connected", direction: "push", fileOctets: 1, capacity: "free" } as const;
    const before = start(groupFileTransfer, worlds["group-file-transfer"].inputs[0]!).snapshot;
    const key = keyOf(before);
    const broken = groupFileTransfer.provide({ guards: { pull: fails } });
    expect(() => step(broken, restore(broken, keep(before)), offer)).toThrow("we are wrong");
    expect(keyOf(before)).toBe(key);
    expect(step(groupFileTransfer, before, offer).effects).toEqual([{ type: "reportTransfer", progress: "begun" }, { type: "executeLargeMessage", recipientList: "none" }]);
  });

  test("in a change of the context, after effects were asked for", () => {
    const input = worlds["large-message"].inputs[0]!;
    const before = step(largeMessage, start(largeMessage, input).snapshot, worlds["large-message"].events[0]!).snapshot;
    const accepted = { type: "recipient.accepted", recipient: 0, wrappedTypes: "indicated", acceptTypes: "covers" } as const;
    const key = keyOf(before);
    const broken = largeMessage.provide({ actions: { markReady: assign(fails) } });
    expect(() => step(broken, restore(broken, keep(before)), accepted)).toThrow("we are wrong");
    expect(keyOf(before)).toBe(key);
    expect(step(largeMessage, before, accepted).effects).toEqual([{ type: "deliver", recipient: 0, unwrapped: false }, { type: "acceptSender" }]);
  });
});
