/**
 * The Controlling Function as one process: every machine of a server with one group, and what one tells the other.
 *
 * One arrival is one turn: all machines that it concerns run to quiescence through one FIFO, as `runtime/session.ts` runs them.
 * The wiring is written here once more, from the effects and the events and not from the runtime, so that one can be held
 * against the other. Snapshots are interned: XState runs once for each local step, whoever composes how often.
 */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from "xstate";
import type { Effect } from "../../machines/effects.ts";
import type { GroupFileTransferInput } from "../../machines/group-file-transfer.ts";
import type { GroupSessionInput } from "../../machines/group-session.ts";
import { machines, type MachineName } from "../../machines/index.ts";
import type { LargeMessageInput } from "../../machines/large-message.ts";
import { refusals, type Refusal } from "../../machines/refusals.ts";
import { start, step, type Step } from "../../machines/step.ts";
import type { Recipient, Seat } from "../../machines/terms.ts";
import { expiries, keyOf } from "../explore.ts";

/** What a group and its transfers are made with. */
export interface Policy {
  readonly group: GroupSessionInput;
  readonly transfer: GroupFileTransferInput;
  readonly message: Pick<LargeMessageInput, "answerSender" | "wrappedTypes">;
}

// ---------------------------------------------------------------- one machine, interned

/** One step of one machine, by the numbers of its snapshots. */
export interface LocalStep {
  readonly to: number;
  readonly step: Step;
}

/** The snapshots of one machine with one input that were met so far, and the steps between them. */
export class Locals {
  readonly name: MachineName;
  readonly machine: AnyStateMachine;
  readonly input: unknown;
  readonly snapshots: AnyMachineSnapshot[] = [];
  readonly first: Step;
  readonly #indexes = new Map<string, number>();
  readonly #steps = new Map<string, LocalStep>();
  readonly #timers: string[][] = [];

  constructor(name: MachineName, input: unknown, machine: AnyStateMachine = machines[name]) {
    this.name = name;
    this.input = input;
    this.machine = machine;
    this.first = start(machine, input);
    this.indexOf(this.first.snapshot as AnyMachineSnapshot);
  }

  indexOf(snapshot: AnyMachineSnapshot): number {
    const key = keyOf(snapshot);
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    this.#indexes.set(key, this.snapshots.length);
    return this.snapshots.push(snapshot) - 1;
  }

  step(at: number, event: AnyEventObject): LocalStep {
    const key = `${at} ${JSON.stringify(event)}`;
    const known = this.#steps.get(key);
    if (known) return known;
    const done = step(this.machine, this.snapshots[at]!, event);
    const made = { to: this.indexOf(done.snapshot as AnyMachineSnapshot), step: done };
    this.#steps.set(key, made);
    return made;
  }

  /** The timers that run there, as the events of their expiry. */
  timers(at: number): readonly string[] {
    return (this.#timers[at] ??= expiries(this.snapshots[at]!));
  }

  isOver(at: number): boolean {
    return this.snapshots[at]!.status !== "active";
  }
}

// ---------------------------------------------------------------- the process

/**
 * Which instance: `group`; `leg 1.0`, the dialog in place 0 of seat 1; `subscription 1.0`; `transfer 0`; `message 0`,
 * `sender 0` and `recipient 0.1`, the large message of transfer 0, its sender's dialog, and that of its recipient 1.
 */
export type Address = string;

/** One running machine. What has reached a final state is not there any more. */
export interface Instance {
  readonly address: Address;
  readonly machine: MachineName;
  readonly local: number;
  /** Whose dialog or subscription it is; the sender's seat for a transfer. */
  readonly seat: Seat | undefined;
  /** Which device of the user: 0 where the Controlling Function called. */
  readonly device: number;
  /** How many recipients a large message was made with. */
  readonly recipients?: number;
}

/** What the data plane of one transfer knows. */
export interface Relay {
  readonly transfer: number;
  readonly state: "receiving" | "complete" | "aborted";
  /** Octets have come. */
  readonly started: boolean;
  /** Recipients that it writes to. */
  readonly serves: readonly Recipient[];
  /** The seats of the recipients. */
  readonly seats: readonly Seat[];
}

/** The whole process. Two with one `keyOfServer` are the same. */
export interface Server {
  readonly instances: ReadonlyMap<Address, Instance>;
  readonly relays: ReadonlyMap<number, Relay>;
}

/** Something that comes from outside: a peer, the data plane, a timer, the operator. */
export interface Stimulus {
  readonly on: Address;
  readonly event: AnyEventObject;
  /** The device that sends the request, where it makes a difference. */
  readonly device?: number;
}

/** One thing that the process asks for or answers. Those between two machines of it are in it too: see `isTold`. */
export interface Shown {
  readonly by: Address;
  readonly seat: Seat | undefined;
  readonly effect?: Effect;
  readonly refusal?: Refusal;
}

/** One step of one instance within a turn. */
export interface Taken {
  readonly address: Address;
  readonly machine: MachineName;
  readonly input: unknown;
  readonly from: AnyMachineSnapshot;
  readonly event: AnyEventObject;
  readonly step: Step;
}

export interface Turn {
  readonly after: Server;
  readonly shown: readonly Shown[];
  readonly taken: readonly Taken[];
}

/** Effects by which one machine tells another; no peer sees them. */
const inner: ReadonlySet<Effect["type"]> = new Set([
  "admit", "invite", "release", "replace", "startSubscription", "notify", "expelSubscribers", "endSubscriptions", "startFileTransfer",
  "reportParticipant", "executeLargeMessage", "rejoinSender", "reportTransfer", "addHistoryList", "inviteRecipients", "acceptSender",
  "rejectSender", "releaseSender", "deliver", "releaseRecipients", "reportLargeMessage", "reportRecipient", "reportAnswer", "reportSender",
]);
export const isTold = ({ effect }: Shown): boolean => effect !== undefined && inner.has(effect.type);

const acknowledgement: Effect = { type: "sendSipRequest", method: "ACK" };

export const seatOf = (address: Address): number => Number(address.split(/[ .]/)[1]);
export const placeOf = (address: Address): number => Number(address.split(/[ .]/)[2]);

/** Says which place a new dialog of a seat gets: the first that the process does not use, unless the channels know better. */
export type Places = (server: Server, kind: "leg" | "subscription", seat: Seat) => number;

const firstFree: Places = ({ instances }, kind, seat) => {
  let place = 0;
  while (instances.has(`${kind} ${seat}.${place}`)) place += 1;
  return place;
};

interface Waiting {
  readonly on: Address;
  readonly event: AnyEventObject;
}

export interface ControllingFunctionOptions {
  /** Which place a new dialog gets. */
  readonly places?: Places;
  /** A machine in place of the specified one: a mutant, or a seeded fault. */
  readonly replaced?: Partial<Record<MachineName, AnyStateMachine>>;
  /** Room for the file is made at once and within the turn, as on a disk that has room; else it is a stimulus of its own. */
  readonly spool?: "immediate" | "separate";
}

/** Runs the machines of one server with one group. Pure: a server and a stimulus give a turn. */
export class ControllingFunction {
  readonly policy: Policy;
  readonly options: ControllingFunctionOptions;
  readonly #locals = new Map<string, Locals>();

  constructor(policy: Policy, options: ControllingFunctionOptions = {}) {
    this.policy = policy;
    this.options = options;
  }

  /** A server in which the group has not been created. */
  get fresh(): Server {
    return { instances: new Map([["group", { address: "group", machine: "group-session", local: 0, seat: undefined, device: 0 }]]), relays: new Map() };
  }

  /** The machine that an instance runs, with its input. */
  localsOf({ machine, recipients }: Pick<Instance, "machine" | "recipients">): Locals {
    const key = `${machine} ${recipients ?? ""}`;
    let locals = this.#locals.get(key);
    if (locals === undefined) this.#locals.set(key, (locals = new Locals(machine, this.#inputOf(machine, recipients), this.options.replaced?.[machine])));
    return locals;
  }

  #inputOf(machine: MachineName, recipients: number | undefined): unknown {
    const { group, transfer, message } = this.policy;
    switch (machine) {
      case "group-session":
        return group;
      case "group-file-transfer":
        return transfer;
      case "large-message":
        return { recipients: recipients ?? 0, recipientList: "none", ...message } satisfies LargeMessageInput;
      default:
        return undefined;
    }
  }

  snapshotOf(instance: Instance): AnyMachineSnapshot {
    return this.localsOf(instance).snapshots[instance.local]!;
  }

  /** The timers that run in the whole process. */
  timers(server: Server): Stimulus[] {
    return [...server.instances.values()].flatMap((instance) => this.localsOf(instance).timers(instance.local).map((type) => ({ on: instance.address, event: { type } })));
  }

  /** One arrival, to quiescence. An address that is not there any more answers as a dialog that does not exist. */
  turn(server: Server, stimulus: Stimulus): Turn {
    const run = new Run(this, server, stimulus);
    run.tell(stimulus.on, stimulus.event);
    return run.done();
  }
}

/** One turn. */
class Run {
  readonly #function: ControllingFunction;
  readonly #before: Server;
  readonly #stimulus: Stimulus;
  readonly #instances: Map<Address, Instance>;
  readonly #relays: Map<number, Relay>;
  readonly #waiting: Waiting[] = [];
  readonly #shown: Shown[] = [];
  readonly #taken: Taken[] = [];

  constructor(of: ControllingFunction, before: Server, stimulus: Stimulus) {
    this.#function = of;
    this.#before = before;
    this.#stimulus = stimulus;
    this.#instances = new Map(before.instances);
    this.#relays = new Map(before.relays);
  }

  tell(on: Address, event: AnyEventObject): void {
    this.#waiting.push({ on, event });
  }

  done(): Turn {
    for (let at = 0; at < this.#waiting.length; at++) this.#take(this.#waiting[at]!);
    return { after: { instances: this.#instances, relays: this.#relays }, shown: this.#shown, taken: this.#taken };
  }

  #take({ on, event }: Waiting): void {
    const instance = this.#instances.get(on);
    if (instance === undefined) return this.#answerForNobody(on, event);
    const locals = this.#function.localsOf(instance);
    const { to, step: done } = locals.step(instance.local, event);
    this.#taken.push({ address: on, machine: instance.machine, input: locals.input, from: locals.snapshots[instance.local]!, event, step: done });
    this.#instances.set(on, { ...instance, local: to });
    if (done.refusal && done.refusal.protocol !== "silence") this.#shown.push({ by: on, seat: instance.seat, refusal: done.refusal });
    // A 2xx that comes again: its ACK was lost. RFC 3261 §13.2.2.4
    if (event.type === "sip.accepted" && !done.handled) this.#shown.push({ by: on, seat: instance.seat, effect: acknowledgement });
    this.#perform(instance, done);
    if (locals.isOver(to)) this.#end(instance);
  }

  /** What comes for a dialog that has ended: the user agent core answers. A 2xx that nobody awaits any more is acknowledged and ended. */
  #answerForNobody(on: Address, event: AnyEventObject): void {
    if (event.type === "sip.accepted") {
      this.#shown.push({ by: on, seat: undefined, effect: acknowledgement }, { by: on, seat: undefined, effect: { type: "sendBye", reason: "completed" } });
      return;
    }
    const refusal = refusals[event.type as keyof typeof refusals] as Refusal | undefined;
    if (refusal && refusal.protocol !== "silence") this.#shown.push({ by: on, seat: undefined, refusal });
  }

  #perform(instance: Instance, { effects }: Step): void {
    for (const effect of effects) {
      this.#shown.push({ by: instance.address, seat: instance.seat, effect });
      this.#performOne(instance, effect);
    }
  }

  /** Starts an instance. What machines ask for when they start, they ask for in `first`. */
  #begin(instance: Omit<Instance, "local">): Address {
    const begun: Instance = { ...instance, local: 0 };
    this.#instances.set(begun.address, begun);
    this.#perform(begun, this.#function.localsOf(begun).first);
    return begun.address;
  }

  #end({ address, machine }: Instance): void {
    if (machine === "group-session") return;
    this.#instances.delete(address);
    this.#settle(address);
  }

  /** The data plane of a transfer is there as long as its machines are. */
  #settle(address: Address): void {
    const transfer = Number(/^(?:transfer|message|sender|recipient) (\d+)/.exec(address)?.[1] ?? NaN);
    if (Number.isNaN(transfer)) return;
    const isOver = [...this.#instances.keys()].every((other) => !new RegExp(`^(transfer|message|sender|recipient) ${transfer}\\b`).test(other));
    if (isOver) this.#relays.delete(transfer);
  }

  #place(kind: "leg" | "subscription", seat: Seat): Address {
    const places = this.#function.options.places ?? firstFree;
    return `${kind} ${seat}.${places({ instances: this.#instances, relays: this.#relays }, kind, seat)}`;
  }

  #legsOf(seat: Seat): Instance[] {
    return [...this.#instances.values()].filter((instance) => instance.machine === "group-participant" && instance.seat === seat);
  }

  #relay(transfer: number, change: Partial<Relay>): void {
    const relay = this.#relays.get(transfer);
    if (relay) this.#relays.set(transfer, { ...relay, ...change });
  }

  #performOne({ address, seat }: Instance, effect: Effect): void {
    const transfer = seatOf(address);
    switch (effect.type) {
      case "admit":
        return this.#admit(effect.seat);
      case "invite":
        for (const invited of effect.seats)
          this.tell(this.#begin({ address: this.#place("leg", invited), machine: "group-participant", seat: invited, device: 0 }), { type: "group.invite" });
        return;
      case "release":
        for (const released of effect.seats) for (const leg of this.#legsOf(released)) this.tell(leg.address, { type: "leg.release", reason: effect.reason });
        return;
      case "replace":
        return this.#replace(effect.seat);
      case "startSubscription": {
        const subscription = this.#begin({ address: this.#place("subscription", effect.seat), machine: "conference-subscription", seat: effect.seat, device: this.#stimulus.device ?? 0 });
        return this.tell(subscription, this.#stimulus.event);
      }
      case "notify":
        return this.#tellSubscriptions(() => true, "group.changed");
      case "expelSubscribers":
        return this.#tellSubscriptions((watcher) => effect.seats.includes(watcher), "group.expelled");
      case "endSubscriptions":
        return this.#tellSubscriptions(() => true, "group.ended");
      case "startFileTransfer":
        return this.#startTransfer(effect);
      case "reportParticipant":
        return this.tell("group", { type: `participant.${effect.outcome}`, seat });
      case "executeLargeMessage":
        return this.#execute(transfer);
      case "rejoinSender":
        return this.tell("group", { type: "transfer.senderAway", seat });
      case "reportTransfer":
        return this.tell("group", { type: `transfer.${effect.progress}` });
      case "inviteRecipients":
        return this.#inviteRecipients(transfer);
      case "acceptSender":
        return this.tell(`sender ${transfer}`, { type: "largeMessage.accept" });
      case "rejectSender":
        return this.tell(`sender ${transfer}`, { type: "largeMessage.reject", status: effect.status, ...(effect.warning && { warning: effect.warning }) });
      case "releaseSender":
        return this.tell(`sender ${transfer}`, { type: "leg.release", reason: effect.reason });
      case "deliver":
        return this.tell(`recipient ${transfer}.${effect.recipient}`, { type: "largeMessage.deliver", unwrapped: effect.unwrapped });
      case "releaseRecipients":
        for (const recipient of effect.recipients) this.tell(`recipient ${transfer}.${recipient}`, { type: "leg.release", reason: effect.reason });
        return;
      case "abortDelivery":
      case "stopSender":
        return this.#relay(transfer, { state: "aborted" });
      case "reportLargeMessage":
        return this.tell(`transfer ${transfer}`, { type: "largeMessage.ended", result: effect.result });
      case "reportRecipient":
        return this.tell(`message ${transfer}`, { type: `recipient.${effect.outcome}`, recipient: placeOf(address) });
      case "reportAnswer":
        return this.tell(`message ${transfer}`, { type: "recipient.accepted", recipient: placeOf(address), wrappedTypes: effect.wrappedTypes, acceptTypes: effect.acceptTypes });
      case "reportSender":
        return this.tell(`message ${transfer}`, { type: `sender.${effect.outcome}` });
      case "openDelivery":
        return this.#relay(transfer, { serves: [...(this.#relays.get(transfer)?.serves ?? []), placeOf(address)].sort((a, b) => a - b) });
      default:
        // The others are for peers.
        return;
    }
  }

  #admit(seat: Seat): void {
    const device = this.#stimulus.device ?? 0;
    this.tell(this.#begin({ address: this.#place("leg", seat), machine: "group-participant", seat, device }), { type: "group.admit" });
  }

  /** The older dialogs with the device that has just been admitted, and calls to the user that nobody has answered. */
  #replace(seat: Seat): void {
    const older = this.#legsOf(seat).slice(0, -1);
    const isCall = (leg: Instance) => this.#function.snapshotOf(leg).matches("calling" as never);
    for (const leg of older) if (isCall(leg) || leg.device === (this.#stimulus.device ?? 0)) this.tell(leg.address, { type: "leg.release", reason: "idle" });
  }

  #tellSubscriptions(concerns: (seat: Seat) => boolean, type: string): void {
    for (const { machine, seat, address } of this.#instances.values()) if (machine === "conference-subscription" && concerns(seat!)) this.tell(address, { type });
  }

  #startTransfer({ sender, capacity, recipients }: Extract<Effect, { type: "startFileTransfer" }>): void {
    let transfer = 0;
    while (this.#relays.has(transfer) || this.#instances.has(`transfer ${transfer}`)) transfer += 1;
    const { from, direction, fileOctets } = this.#stimulus.event;
    const seat = from === "stranger" ? undefined : (from as Seat);
    const begun = this.#begin({ address: `transfer ${transfer}`, machine: "group-file-transfer", seat, device: this.#stimulus.device ?? 0 });
    this.#relays.set(transfer, { transfer, state: "receiving", started: false, serves: [], seats: recipients });
    this.tell(begun, { type: "sip.INVITE.fileTransfer", sender, capacity, direction, fileOctets });
  }

  #execute(transfer: number): void {
    const { seats } = this.#relays.get(transfer)!;
    const { seat, device } = this.#instances.get(`transfer ${transfer}`)!;
    const message = this.#begin({ address: `message ${transfer}`, machine: "large-message", seat, device, recipients: seats.length });
    this.tell(this.#begin({ address: `sender ${transfer}`, machine: "large-message-sender", seat, device }), { type: "largeMessage.offer" });
    if (this.#function.options.spool === "immediate") this.tell(message, { type: "largeMessage.execute", spool: "ready" });
  }

  #inviteRecipients(transfer: number): void {
    this.#relays.get(transfer)!.seats.forEach((seat, recipient) =>
      this.tell(this.#begin({ address: `recipient ${transfer}.${recipient}`, machine: "large-message-recipient", seat, device: 0 }), { type: "largeMessage.invite" }),
    );
  }
}

/** What the octets of a file do: the part of a transfer that no machine sees. `undefined`: it cannot happen now. */
export function dataArrives(server: Server, { on, event }: Stimulus): Server | undefined {
  const relay = server.relays.get(seatOf(on));
  if (relay === undefined || !server.instances.has(on)) return undefined;
  const changed = (change: Partial<Relay>): Server => ({ ...server, relays: new Map(server.relays).set(relay.transfer, { ...relay, ...change }) });
  switch (event.type) {
    case "data.first":
      return relay.state === "receiving" && !relay.started ? changed({ started: true }) : undefined;
    case "data.complete":
      return relay.state === "receiving" && relay.started ? changed({ state: "complete" }) : undefined;
    case "data.aborted":
    case "data.misbehaved":
      return relay.state === "receiving" ? changed({ state: "aborted" }) : undefined;
    case "data.drained":
      return relay.state === "complete" && relay.serves.includes(placeOf(on)) ? server : undefined;
    case "data.refused":
      return relay.started && relay.state !== "aborted" && relay.serves.includes(placeOf(on)) ? server : undefined;
    default:
      return undefined;
  }
}

/** The whole process as a word. */
export function keyOfServer({ instances, relays }: Server): string {
  const running = [...instances.values()].map(({ address, local, seat, device, recipients }) => `${address}=${local},${seat ?? ""},${device},${recipients ?? ""}`).sort();
  const octets = [...relays.values()].map(({ transfer, state, started, serves, seats }) => `${transfer}:${state}${started ? "+" : ""}[${serves}][${seats}]`).sort();
  return [...running, ...octets].join(";");
}
