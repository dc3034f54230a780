/** The steps of the clients: XState runs once for each. */
import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { start, step } from "../../machines/step.ts";
import { keyOf } from "../explore.ts";
import { chatClient, recipientClient, senderClient, type Act, type ClientEffect } from "./client-machine.ts";
import { Interned } from "./interning.ts";
import { messages, msrpUp, numberOf, sipUp, type Dialog, type Way } from "./wiring.ts";

const machineOf = { chat: chatClient, sender: senderClient, recipient: recipientClient } as const;
const tags = ["idle", "ringing", "calling", "open", "leaving", "waiting", "asking"] as const;
export type Tag = (typeof tags)[number];

/** The steps of the clients: local states are numbers, over all machines. */
export class Clients {
  readonly #states = new Interned<{ readonly machine: AnyStateMachine; readonly snapshot: AnyMachineSnapshot; readonly tags: ReadonlySet<Tag> }>();
  readonly #steps: Map<string, ClientStep | undefined>[] = [];

  first(kind: Dialog["kind"]): number {
    const machine: AnyStateMachine = machineOf[kind];
    return this.#indexOf(kind, machine, start(machine, undefined).snapshot as AnyMachineSnapshot);
  }

  #indexOf(kind: string, machine: AnyStateMachine, snapshot: AnyMachineSnapshot): number {
    return this.#states.indexOf(`${kind} ${keyOf(snapshot)}`, () => ({ machine, snapshot, tags: new Set(tags.filter((tag) => snapshot.hasTag(tag))) }));
  }

  is(client: number, tag: Tag): boolean {
    return this.#states.items[client]!.tags.has(tag);
  }

  /** Where it is, for people. */
  told(client: number): string {
    return toldValue(this.#states.items[client]!.snapshot.value);
  }

  /** Every local state of a client that may hear anything at any time. */
  all(kind: Dialog["kind"], possible: readonly Act[]): number[] {
    const found = new Set([this.first(kind)]);
    for (const client of found)
      for (const event of [...possible.map((act) => `act.${act}`), ...messages]) {
        const done = this.step(kind, client, event);
        if (done !== undefined) found.add(done.to);
      }
    return [...found];
  }

  /** Undefined: the client does not take it. */
  step(kind: Dialog["kind"], client: number, event: string): ClientStep | undefined {
    const known = (this.#steps[client] ??= new Map());
    if (!known.has(event)) known.set(event, this.#run(kind, client, event));
    return known.get(event);
  }

  #run(kind: string, client: number, type: string): ClientStep | undefined {
    const { machine, snapshot } = this.#states.items[client]!;
    const done = step(machine, snapshot, { type });
    if (!done.handled) return undefined;
    const said = (done.effects as unknown as readonly ClientEffect[]).map((effect) => (effect.type === "say" ? { way: sipUp, message: numberOf(effect.sip) } : { way: msrpUp, message: numberOf(effect.msrp) }));
    return { to: this.#indexOf(kind, machine, done.snapshot as AnyMachineSnapshot), said };
  }
}

/** One step of a client, by the number of its local state. */
export interface ClientStep {
  readonly to: number;
  readonly said: readonly { readonly way: Way; readonly message: number }[];
}

/** Where a machine is, for people. */
export const toldValue = (value: unknown): string =>
  typeof value === "string" ? value : Object.entries(value as object).map(([state, below]) => (typeof below === "object" && below !== null && Object.keys(below).length === 0 ? state : `${state}.${toldValue(below)}`)).join(" ");
