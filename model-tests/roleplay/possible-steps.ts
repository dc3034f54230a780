/**
 * What the peers of a Controlling Function can do next, and which timers can expire: the alphabet of the tours on the wire.
 *
 * A step is one thing that somebody does. Mostly the machines hear one event of it; a connection that breaks under a file, and
 * a file that comes in one piece, are two.
 */
import type { AnyEventObject, AnyMachineSnapshot } from "xstate";
import type { GroupSessionInput } from "../../machines/group-session.ts";
import { delayOf } from "../../machines/inspect.ts";
import type { Seat, SeatState } from "../../machines/terms.ts";
import type { PolicySet } from "./policy-sets.ts";
import { dataArrives, seatOf, type Address, type ControllingFunction, type Instance, type Server, type Stimulus, type Taken, type Turn } from "../composition/controlling-function.ts";

/** One thing that somebody does: the events that the machines hear of it, in order. */
export type Step = readonly [Stimulus, ...Stimulus[]];

/** Where a tour is. */
export interface Place {
  readonly server: Server;
  /** Dialogs whose MSRP session has a connection. */
  readonly connected: ReadonlySet<Address>;
  /** Subscriptions whose last NOTIFY is not answered yet. */
  readonly notified: ReadonlySet<Address>;
  /** Dialogs whose peer has said BYE while ours was under way: it says it once. */
  readonly hungUp: ReadonlySet<Address>;
}

/** What is left out of tours. */
export interface Reach {
  /** Capabilities that the target lacks; names of the tester's statement. */
  readonly without: ReadonlySet<string>;
  /** Which timers may expire. */
  readonly timers: (name: string) => boolean;
  readonly spool: PolicySet["spool"];
}

/** No tour needs more of them. */
const most = { seats: 4, subscriptions: 3, transfers: 2 } as const;

export const startOf = (of: ControllingFunction): Place => ({ server: of.fresh, connected: new Set(), notified: new Set(), hungUp: new Set() });

/** A place as a number: two places with one number are mostly the same. */
export function hashOfPlace({ server, connected, notified, hungUp }: Place): number {
  let hash = 0;
  const mix = (word: string, number: number) => {
    const mixed = Math.imul(numberOf(word) + number, 0x9e3779b1);
    hash = (hash + Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b)) | 0;
  };
  for (const { address, local, device } of server.instances.values()) mix(address, local * 4 + device);
  for (const { transfer, state, started, serves } of server.relays.values()) mix(state, transfer * 64 + serves.length * 2 + Number(started));
  for (const address of connected) mix(address, 100_001);
  for (const address of notified) mix(address, 100_002);
  for (const address of hungUp) mix(address, 100_003);
  return hash;
}

const numbers = new Map<string, number>();

function numberOf(word: string): number {
  const known = numbers.get(word) ?? (numbers.size + 1) * 1_000_003;
  numbers.set(word, known);
  return known;
}

export const snapshotOf = (of: ControllingFunction, { instances }: Server, address: Address): AnyMachineSnapshot | undefined => {
  const instance = instances.get(address);
  return instance && of.snapshotOf(instance);
};

const isIn = (snapshot: AnyMachineSnapshot, state: string): boolean => snapshot.matches(state as never);
const isOpen = (snapshot: AnyMachineSnapshot): boolean => isIn(snapshot, "open");

export const seatsOf = (of: ControllingFunction, server: Server): readonly SeatState[] => (snapshotOf(of, server, "group")!.context as { readonly seats: readonly SeatState[] }).seats;

// ---------------------------------------------------------------- one step

export interface Walked {
  readonly place: Place;
  /** One a stimulus. */
  readonly turns: readonly Turn[];
  readonly taken: readonly Taken[];
}

/** Takes a step. undefined: the octets of no file can do that here. */
export function walk(of: ControllingFunction, { server, connected, hungUp }: Place, step: Step): Walked | undefined {
  const turns: Turn[] = [];
  let now = server;
  for (const stimulus of step) {
    if (stimulus.event.type.startsWith("data.")) {
      const moved = dataArrives(now, stimulus);
      if (moved === undefined) return undefined;
      now = moved;
    }
    const turn = of.turn(now, stimulus);
    turns.push(turn);
    now = turn.after;
  }
  const place = { server: now, connected: connectedAfter(of, now, connected, step), notified: notifiedAfter(now, turns), hungUp: hungUpAfter(now, hungUp, step) };
  return { place, turns, taken: turns.flatMap(({ taken }) => taken) };
}

function hungUpAfter({ instances }: Server, hungUp: ReadonlySet<Address>, [{ on, event }]: Step): ReadonlySet<Address> {
  return new Set([...hungUp, ...(event.type === "sip.BYE" ? [on] : [])].filter((address) => instances.has(address)));
}

function connectedAfter(of: ControllingFunction, server: Server, connected: ReadonlySet<Address>, step: Step): ReadonlySet<Address> {
  const after = new Set(connected);
  for (const { on, event } of step) {
    if (event.type === "msrp.bound") after.add(on);
    if (event.type === "msrp.lost") after.delete(on);
  }
  for (const address of after) {
    const snapshot = snapshotOf(of, server, address);
    if (snapshot === undefined || !isOpen(snapshot)) after.delete(address);
  }
  return after;
}

/** Those that got one NOTIFY: a second waits for the answer to the first, and nobody hears the answer to the last. */
function notifiedAfter({ instances }: Server, turns: readonly Turn[]): ReadonlySet<Address> {
  const notified = turns.flatMap(({ shown }) => shown.flatMap(({ by, effect }) => (effect?.type === "sendNotify" ? [by] : [])));
  return new Set(notified.filter((address) => instances.has(address) && notified.indexOf(address) === notified.lastIndexOf(address)));
}

// ---------------------------------------------------------------- all steps

/** Everything that can be done next. */
export function stepsAt(of: ControllingFunction, place: Place, reach: Reach): Step[] {
  const { server } = place;
  const group = snapshotOf(of, server, "group")!;
  if (isIn(group, "new")) return creations(of);
  if (isIn(group, "refused")) return [];
  const steps = [...server.instances.values()].flatMap((instance) => ofInstance(of, place, instance, reach));
  return [...requests(of, server, reach), ...messages(of, place), ...steps, ...expiries(of, server, reach)];
}

const one = (on: Address, event: AnyEventObject, device?: number): Step => [device === undefined ? { on, event } : { on, event, device }];

function creations({ policy }: ControllingFunction): Step[] {
  const { maxGroupSize } = policy.group as GroupSessionInput;
  const sizes = [...new Set([0, 1, 2, maxGroupSize])].filter((recipients) => recipients < most.seats || recipients === maxGroupSize);
  return [...sizes.map((recipients) => ({ recipients, anonymous: false })), { recipients: 1, anonymous: true }].map((asked) => one("group", { type: "sip.INVITE.create", ...asked }, 0));
}

/** Requests outside dialogs, and those that any dialog may carry. */
function requests(of: ControllingFunction, server: Server, { without, spool }: Reach): Step[] {
  const seats = seatsOf(of, server);
  const everybody: readonly (Seat | "stranger")[] = [...seats.keys(), "stranger"];
  const count = (machine: string) => [...server.instances.values()].filter((instance) => instance.machine === machine).length;
  const steps: Step[] = [];
  for (const from of everybody) {
    for (const device of [0, 1]) steps.push(one("group", { type: "sip.INVITE.join", from, device: isKnown(of, server, from, device) ? "known" : "new" }, device));
    if (count("group-file-transfer") < most.transfers) steps.push(...offers(of, from, spool, server));
    if (!without.has("addByRefer")) steps.push(...additions(from, seats));
    if (!without.has("removeByRefer")) for (const target of everybody) steps.push(one("group", { type: "sip.REFER.remove", from, target }));
    if (!without.has("conferenceSubscription") && count("conference-subscription") < most.subscriptions)
      for (const expires of ["positive", "zero", "tooShort"]) steps.push(one("group", { type: "sip.SUBSCRIBE", from, expires }));
  }
  return steps;
}

/** An offer, and what becomes of the room for it: there is some, or none, or nobody wants it any more. */
function offers(of: ControllingFunction, from: Seat | "stranger", spool: Reach["spool"], server: Server): Step[] {
  const { relays, instances } = server;
  const offered = [
    { direction: "push", fileOctets: 1 },
    { direction: "push", fileOctets: 2 },
    { direction: "pull", fileOctets: 1 },
  ].map((offer): Stimulus => ({ on: "group", event: { type: "sip.INVITE.fileTransfer", from, ...offer }, device: 0 }));
  if (spool === "ready") return offered.map((offer) => [offer]);
  let transfer = 0;
  while (relays.has(transfer) || instances.has(`transfer ${transfer}`)) transfer += 1;
  const room = (found: "ready" | "exhausted"): Stimulus => ({ on: `message ${transfer}`, event: { type: "largeMessage.execute", spool: found } });
  if (spool === "exhausted") return offered.map((offer) => [offer, room("exhausted")]);
  const kept = offered.map((offer): Step => [offer, room("ready")]);
  const sender = `sender ${transfer}`;
  const [first] = offered as [Stimulus, ...Stimulus[]];
  return of.turn(server, first).after.instances.has(sender) ? [...kept, [first, { on: sender, event: { type: "sip.CANCEL" } }]] : kept;
}

function additions(from: Seat | "stranger", seats: readonly SeatState[]): Step[] {
  const asked = [
    { strangers: 1, seats: [] },
    { strangers: 2, seats: [] },
    ...[...seats.keys()].map((seat) => ({ strangers: 0, seats: [seat] })),
    { strangers: 1, seats: [seats.length - 1] },
  ];
  return asked.filter(({ strangers }) => seats.length + strangers <= most.seats + 1).map((add) => one("group", { type: "sip.REFER.add", from, ...add }));
}

/** Whether the focus has a dialog with that device, and knows that it is that one: it does when the device has said so. */
function isKnown(of: ControllingFunction, { instances }: Server, from: Seat | "stranger", device: number): boolean {
  return [...instances.values()].some((leg) => {
    if (leg.machine !== "group-participant" || leg.seat !== from || leg.device !== device) return false;
    const snapshot = of.snapshotOf(leg);
    return !["calling", "withdrawing", "givingUp"].some((state) => isIn(snapshot, state));
  });
}

/** Messages, of whoever has an MSRP session to send them on. */
function messages(of: ControllingFunction, { server, connected }: Place): Step[] {
  const seats = seatsOf(of, server);
  const senders = [...seats.keys()].filter((seat) => [...connected].some((address) => address.startsWith("leg ") && seatOf(address) === seat));
  return senders.flatMap((from) => {
    const said = (content: string, claims: string, to: string | Seat) => one("group", { type: "msrp.SEND", from, content, claims, to });
    return [
      said("chat", "self", "group"),
      said("chat", "other", "group"),
      said("chat", "self", "several"),
      said("chat", "self", "unknown"),
      said("composing", "self", "group"),
      said("notCpim", "self", "group"),
      said("imdn", "self", "unknown"),
      ...[...seats.keys()].flatMap((to) => [said("imdn", "self", to), said("chat", "self", to)]),
    ];
  });
}

// ---------------------------------------------------------------- one dialog, one subscription, one transfer

function ofInstance(of: ControllingFunction, place: Place, instance: Instance, reach: Reach): Step[] {
  const { address, machine } = instance;
  const snapshot = of.snapshotOf(instance);
  switch (machine) {
    case "group-participant":
      return ofDialog(place, address, snapshot, reach);
    case "large-message-recipient":
      return [...ofDialog(place, address, snapshot, reach), ...deliveries(place, address, snapshot)];
    case "large-message-sender":
      return [...ofDialog(place, address, snapshot, reach), ...uploads(place, address, snapshot)];
    case "conference-subscription":
      return subscribed(place, address);
    case "group-file-transfer":
      return reach.spool !== "exhausted" ? [one(address, { type: "sip.INVITE.fileTransfer", sender: "connected", direction: "push", fileOctets: 1, capacity: "free" })] : [];
    default:
      return [];
  }
}

const calls = ["calling", "withdrawing", "givingUp"];

function ofDialog({ server, connected, hungUp }: Place, address: Address, snapshot: AnyMachineSnapshot, { without }: Reach): Step[] {
  const does = (event: AnyEventObject) => one(address, event);
  if (calls.some((state) => isIn(snapshot, state))) return answers(address, snapshot);
  const hangsUp = (["callCompleted", "involuntary", "unspecified"] as const).map((reason) => does({ type: "sip.BYE", reason }));
  if (isIn(snapshot, "releasing") || isIn(snapshot, "dropping")) return [does({ type: "sip.BYE.answered" }), ...(hungUp.has(address) ? [] : hangsUp)];
  if (isIn(snapshot, "offered")) return [does({ type: "sip.CANCEL" })];
  if (!isOpen(snapshot)) return [];

  const steps = [...hangsUp];
  const inOpen = (state: object): boolean => snapshot.matches({ open: state } as never);
  const isConfirmed = inOpen({ dialog: "confirmed" });
  if (!isConfirmed) steps.push(does({ type: "sip.ACK" }));
  if (!without.has("sessionRefresh")) steps.push(...modifications(address, inOpen, isConfirmed));
  if (connected.has(address)) steps.push(loss(server, address));
  else if (!(snapshot.context as { readonly bound: boolean }).bound && !inOpen({ dialog: "condemned" })) steps.push(does({ type: "msrp.bound" }));
  return steps;
}

/** Answers to our INVITE. */
function answers(address: Address, snapshot: AnyMachineSnapshot): Step[] {
  const does = (event: AnyEventObject) => one(address, event);
  const refusals = ["declined", "unreachable", "failed"].map((outcome) => does({ type: "sip.rejected", outcome }));
  const acceptances = address.startsWith("recipient ")
    ? [
        { wrappedTypes: "indicated", acceptTypes: "covers" },
        { wrappedTypes: "notIndicated", acceptTypes: "covers" },
        { wrappedTypes: "notIndicated", acceptTypes: "other" },
        { wrappedTypes: "indicated", acceptTypes: "other" },
      ].map((types) => does({ type: "sip.accepted", ...types }))
    : [does({ type: "sip.accepted" })];
  return [...(isIn(snapshot, "calling") ? [does({ type: "sip.ringing" })] : []), ...acceptances, ...refusals];
}

/** Whoever has not had our 200 acknowledged does not begin anew. An UPDATE that only refreshes collides with nothing. */
function modifications(address: Address, inOpen: (state: object) => boolean, isConfirmed: boolean): Step[] {
  const refreshing = inOpen({ session: { interval: "refreshing" } });
  const does = (event: AnyEventObject) => one(address, event);
  const steps = [does({ type: "sip.UPDATE", offer: "unacceptable" })];
  if (!refreshing) steps.push(does({ type: "sip.UPDATE", offer: "acceptable" }));
  if (isConfirmed) for (const offer of ["acceptable", "unacceptable"]) steps.push(does({ type: "sip.reINVITE", offer }));
  if (refreshing) for (const outcome of ["accepted", "glare", "refused", "gone"]) steps.push(does({ type: "sip.refreshed", outcome }));
  return steps;
}

/** The connection breaks. Under a file that has not come whole, the data plane says so first. */
function loss({ relays }: Server, address: Address): Step {
  const lost: Stimulus = { on: address, event: { type: "msrp.lost" } };
  const isCut = address.startsWith("sender ") && relays.get(seatOf(address))?.state === "receiving";
  return isCut ? [{ on: address, event: { type: "data.aborted" } }, lost] : [lost];
}

/** What the sender of a file does with its octets. */
function uploads({ server, connected }: Place, address: Address, snapshot: AnyMachineSnapshot): Step[] {
  const relay = server.relays.get(seatOf(address));
  if (relay?.state !== "receiving" || !connected.has(address) || !isOpen(snapshot)) return [];
  const says = (type: string): Stimulus => ({ on: address, event: { type } });
  if (relay.started) return [[says("data.complete")], [says("data.aborted")], [says("data.misbehaved")]];
  return [[says("data.first")], [says("data.first"), says("data.complete")], [says("data.first"), says("data.aborted")], [says("data.misbehaved")]];
}

/** What a recipient of a file does with its octets. */
function deliveries({ server, connected }: Place, address: Address, snapshot: AnyMachineSnapshot): Step[] {
  const relay = server.relays.get(seatOf(address));
  if (relay === undefined || !connected.has(address) || !isOpen(snapshot) || !snapshot.matches({ open: { data: "sending" } } as never)) return [];
  const steps: Step[] = [];
  if (relay.state === "complete") steps.push(one(address, { type: "data.drained" }));
  if (relay.started && relay.state !== "aborted") steps.push(one(address, { type: "data.refused" }));
  return steps;
}

function subscribed({ notified }: Place, address: Address): Step[] {
  const asks = (expires: string) => one(address, { type: "sip.SUBSCRIBE", from: seatOf(address), expires });
  return [asks("positive"), asks("zero"), asks("tooShort"), ...(notified.has(address) ? [one(address, { type: "sip.NOTIFY.failed" })] : [])];
}

/** Timers. A session interval is longer than a 2xx waits for its ACK. */
function expiries(of: ControllingFunction, server: Server, { timers }: Reach): Step[] {
  return of.timers(server).flatMap((stimulus): Step[] => {
    const name = delayOf(stimulus.event.type)!;
    if (!timers(name)) return [];
    const isSessionTimer = name === "sessionExpiresMs" || name === "sessionRefreshMs";
    const snapshot = snapshotOf(of, server, stimulus.on)!;
    const isUnconfirmed = isOpen(snapshot) && !snapshot.matches({ open: { dialog: "confirmed" } } as never);
    return isSessionTimer && isUnconfirmed ? [] : [[stimulus]];
  });
}
