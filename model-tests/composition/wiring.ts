/**
 * Between a client and the Controlling Function: what a message is to the machines that it reaches, and what the clients hear of a turn.
 *
 * Transactions are below all this: a CANCEL has its 200, a refusal its ACK, a repeated request its repeated answer from them.
 */
import type { AnyMachineSnapshot } from "xstate";
import type { Act, MsrpDown, MsrpUp, SipDown, SipUp } from "./client-machine.ts";
import { dataArrives, placeOf, seatOf, type Address, type ControllingFunction, type Instance, type Relay, type Server, type Shown, type Stimulus } from "./controlling-function.ts";
import type { MachineName } from "../../machines/index.ts";
import type { Seat } from "../../machines/terms.ts";

/** A dialog that there can be, and the client that has it. A user with two devices has two. */
export interface Dialog {
  readonly kind: "chat" | "sender" | "recipient";
  readonly seat: Seat;
  /** Which of the dialogs of one kind with that user. */
  readonly place: number;
  /** What the user may do. */
  readonly acts: readonly Act[];
}

/** Who there is. */
export interface Setting {
  readonly functions: ControllingFunction;
  readonly dialogs: readonly Dialog[];
  /** Whom the creator invites. */
  readonly invited: number;
}

/** The four ways of a dialog; each keeps its order, and none knows of the others. */
export const ways = ["sip up", "sip down", "msrp up", "msrp down"] as const;
export const [sipUp, sipDown, msrpUp, msrpDown] = [0, 1, 2, 3] as const;
export type Way = 0 | 1 | 2 | 3;

/** Everything that is ever said. The number of a message is its place here, counted from 1: 0 is silence. */
export const messages = [
  "INVITE create", "INVITE join", "INVITE file", "ACK", "CANCEL", "BYE completed", "BYE", "re-INVITE", "180", "200", "200 unwrapped", "200 other types",
  "603", "486", "488", "487", "200 refresh", "491 refresh", "481 refresh", "200 BYE", "481 BYE", "REFER add", "REFER remove",
  "bind", "message", "closed", "first chunk", "last chunk", "abort", "garbage", "received", "413",
  "INVITE", "refresh", "200 INVITE", "refused INVITE", "200 re-INVITE", "488 re-INVITE", "491 re-INVITE", "481 re-INVITE", "202 REFER", "refused REFER",
] as const satisfies readonly (SipUp | SipDown | MsrpUp | MsrpDown)[];
export type Message = (typeof messages)[number];
const numbers = new Map<string, number>(messages.map((message, index) => [message, index + 1]));
export const numberOf = (message: SipUp | SipDown | MsrpUp | MsrpDown): number => numbers.get(message)!;
export const messageOf = (number: number): Message => messages[number - 1]!;

/** `alice` creates, and so on down the alphabet. */
const users = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"];
export function nameOf({ kind, seat, place }: Pick<Dialog, "kind" | "seat" | "place">): string {
  const user = users[seat] ?? `user${seat}`;
  if (kind !== "chat") return `${user}'s file`;
  return place === 0 ? user : `${user} again`;
}

// ---------------------------------------------------------------- what has reached the server

/** How far one dialog has come at the server. */
export type Phase = "none" | "calling" | "offered" | "open" | "cancelling" | "ending";

export function legOf(server: Server, { kind, seat, place }: Pick<Dialog, "kind" | "seat" | "place">): Instance | undefined {
  if (kind === "chat") return server.instances.get(`leg ${seat}.${place}`);
  for (const instance of server.instances.values()) if (instance.machine === `large-message-${kind}` && instance.seat === seat) return instance;
  return undefined;
}

const within = (snapshot: AnyMachineSnapshot, ...states: string[]) => states.some((state) => snapshot.matches(state as never));

const phases = new WeakMap<AnyMachineSnapshot, Phase>();

export function phaseOf(leg: Instance | undefined, functions: ControllingFunction): Phase {
  if (leg === undefined) return "none";
  const snapshot = functions.snapshotOf(leg);
  const known = phases.get(snapshot);
  if (known !== undefined) return known;
  const phase = phaseIn(snapshot);
  phases.set(snapshot, phase);
  return phase;
}

function phaseIn(snapshot: AnyMachineSnapshot): Phase {
  if (within(snapshot, "calling", "new")) return "calling";
  if (within(snapshot, "withdrawing", "givingUp")) return "cancelling";
  if (within(snapshot, "releasing", "dropping")) return "ending";
  return within(snapshot, "offered") ? "offered" : "open";
}

/** Has the MSRP session of a leg a connection? */
export const isBound = (leg: Instance, functions: ControllingFunction): boolean => (functions.snapshotOf(leg).context as { bound: boolean }).bound;

/** The request of ours whose answer a leg awaits, as the event of its timeout. @see RFC 3261 §17.1.1.2, §17.1.2.2, §12.2.1.2 */
export function timeoutOf(leg: Instance, functions: ControllingFunction): Stimulus["event"] | undefined {
  const snapshot = functions.snapshotOf(leg);
  if (within(snapshot, "releasing", "dropping")) return { type: "sip.BYE.answered" };
  if (snapshot.matches({ calling: "inviting" } as never)) return { type: "sip.rejected", outcome: "unreachable" };
  if (snapshot.matches({ open: { session: { interval: "refreshing" } } } as never)) return { type: "sip.refreshed", outcome: "gone" };
  return undefined;
}

/** What one message is to the machines: one after the other, each a turn of its own. */
export function stimuliOf({ functions, invited }: Setting, dialog: Dialog, message: Message, server: Server): readonly Stimulus[] {
  const { kind, seat, place } = dialog;
  const leg = legOf(server, dialog);
  const on = leg?.address ?? (kind === "chat" ? `leg ${seat}.${place}` : `${kind} of nothing`);
  const toLeg = (event: Stimulus["event"]): readonly Stimulus[] => [{ on, event }];
  const toGroup = (event: Stimulus["event"]): readonly Stimulus[] => [{ on: "group", event, device: place }];
  switch (message) {
    case "INVITE create":
      return toGroup({ type: "sip.INVITE.create", recipients: invited, anonymous: false });
    case "INVITE join":
      return toGroup({ type: "sip.INVITE.join", from: seat, device: isKnown(server, dialog, functions) ? "known" : "new" });
    case "INVITE file":
      return toGroup({ type: "sip.INVITE.fileTransfer", from: seat, direction: "push", fileOctets: 1 });
    case "REFER add":
      return toGroup({ type: "sip.REFER.add", from: seat, strangers: 1, seats: [] });
    case "REFER remove":
      return toGroup({ type: "sip.REFER.remove", from: seat, target: 1 });
    case "ACK":
      return toLeg({ type: "sip.ACK" });
    case "CANCEL":
      // After the final response it has no effect, and a chat's INVITE is answered at once. @see RFC 3261 §9.2
      return phaseOf(leg, functions) === "offered" ? toLeg({ type: "sip.CANCEL" }) : [];
    case "BYE completed":
      return toLeg({ type: "sip.BYE", reason: "callCompleted" });
    case "BYE":
      return toLeg({ type: "sip.BYE", reason: "unspecified" });
    case "re-INVITE":
      return toLeg({ type: "sip.reINVITE", offer: "acceptable" });
    case "180":
      return toLeg({ type: "sip.ringing" });
    case "200":
      return toLeg(kind === "chat" ? { type: "sip.accepted" } : { type: "sip.accepted", wrappedTypes: "indicated", acceptTypes: "covers" });
    case "200 unwrapped":
      return toLeg({ type: "sip.accepted", wrappedTypes: "notIndicated", acceptTypes: "covers" });
    case "200 other types":
      return toLeg({ type: "sip.accepted", wrappedTypes: "notIndicated", acceptTypes: "other" });
    case "603":
      return toLeg({ type: "sip.rejected", outcome: "declined" });
    case "486":
    case "487":
      return toLeg({ type: "sip.rejected", outcome: "unreachable" });
    case "488":
      return toLeg({ type: "sip.rejected", outcome: "failed" });
    case "200 refresh":
      return toLeg({ type: "sip.refreshed", outcome: "accepted" });
    case "491 refresh":
      return toLeg({ type: "sip.refreshed", outcome: "glare" });
    case "481 refresh":
      return toLeg({ type: "sip.refreshed", outcome: "gone" });
    case "200 BYE":
    case "481 BYE":
      return toLeg({ type: "sip.BYE.answered" });
    default:
      return octetsOf(dialog, message, server, functions, leg);
  }
}

/** What comes on MSRP. A connection that comes before the answer waits for it (the caller sees to that); what comes when the session has closed is nobody's. @see RFC 4975 §5.4, §10.8 */
function octetsOf({ kind, seat }: Dialog, message: Message, server: Server, functions: ControllingFunction, leg: Instance | undefined): readonly Stimulus[] {
  if (phaseOf(leg, functions) !== "open") return [];
  const on = leg!.address;
  const data = (type: string): Stimulus[] => [{ on, event: { type } }];
  switch (message) {
    case "bind":
      return data("msrp.bound");
    case "message":
      return [{ on: "group", event: { type: "msrp.SEND", from: seat, content: "chat", claims: "self", to: "group" } }];
    case "closed":
      // The data plane hears of it first: octets that are missing will not come.
      return kind === "sender" ? [...data("data.aborted"), ...data("msrp.lost")] : data("msrp.lost");
    case "first chunk":
      return [...data("msrp.bound"), ...data("data.first")];
    case "last chunk":
      return data("data.complete");
    case "abort":
      return data("data.aborted");
    case "garbage":
      return data("data.misbehaved");
    case "received":
      return data("data.drained");
    case "413":
      return data("data.refused");
    default:
      throw new TypeError(`${message} is not for the server`);
  }
}

/** Whether a dialog with this very device stands, as far as the server knows. */
const isKnown = (server: Server, { seat, place }: Dialog, functions: ControllingFunction): boolean =>
  [...server.instances.values()].some((leg) => leg.machine === "group-participant" && leg.seat === seat && leg.device === place && phaseOf(leg, functions) !== "calling");

/** What the octets of a stimulus do to the relay, before any machine hears of them; undefined: they are nobody's. */
export const arrives = (server: Server, stimulus: Stimulus): Server | undefined => (stimulus.event.type.startsWith("data.") ? dataArrives(server, stimulus) : server);

// ---------------------------------------------------------------- what the clients hear

export interface Heard {
  /** The number of the dialog. */
  readonly dialog: number;
  readonly way: Way;
  readonly message: Message;
}

const refusesDialog: Partial<Record<string, SipDown>> = { "sip.BYE": "481 BYE", "sip.reINVITE": "481 re-INVITE" };
const answersRequest = (event: string, accepted: boolean): SipDown | undefined => {
  if (event.startsWith("sip.INVITE.")) return "refused INVITE";
  if (event.startsWith("sip.REFER.")) return accepted ? "202 REFER" : "refused REFER";
  return undefined;
};
const reInviteAnswers: Partial<Record<number, SipDown>> = { 200: "200 re-INVITE", 488: "488 re-INVITE", 491: "491 re-INVITE" };

/** What clients hear of one turn, in order. `arrival`: on which dialog the stimulus came. */
export function heardOf({ dialogs, functions }: Setting, arrival: number | undefined, stimulus: Stimulus, before: Server, after: Server, shown: readonly Shown[]): Heard[] {
  const heard: Heard[] = [];
  const hears = (dialog: number | undefined, way: Way, message: SipDown | MsrpDown) => {
    if (dialog === undefined || dialog < 0) return;
    heard.push({ dialog, way, message });
  };
  const dialogOf = (address: Address, seat: Seat | undefined): number | undefined => {
    if (address.startsWith("leg ")) return dialogs.findIndex((dialog) => dialog.kind === "chat" && dialog.seat === seatOf(address) && dialog.place === placeOf(address));
    if (/^(sender|recipient) \d/.test(address)) return dialogs.findIndex((dialog) => dialog.kind === address.split(" ")[0] && dialog.seat === seat);
    return arrival;
  };
  for (const { by, seat, effect, refusal } of shown) {
    if (refusal !== undefined) {
      const answer = refusesDialog[stimulus.event.type] ?? answersRequest(stimulus.event.type, false);
      if (answer !== undefined && refusal.protocol === "sip") hears(arrival, sipDown, answer);
      continue;
    }
    const dialog = dialogOf(by, seat);
    switch (effect!.type) {
      case "answer": {
        const answer = answersRequest(stimulus.event.type, effect!.status < 300);
        if (answer !== undefined) hears(arrival, sipDown, answer);
        break;
      }
      case "sendSipRequest":
        hears(dialog, sipDown, effect!.method);
        break;
      case "sendBye":
        hears(dialog, sipDown, "BYE");
        break;
      case "sendSipResponse":
        if (effect!.method === "INVITE") hears(dialog, sipDown, effect!.status < 300 ? "200 INVITE" : "refused INVITE");
        else if (effect!.method === "BYE") hears(dialog, sipDown, "200 BYE");
        else hears(dialog, sipDown, reInviteAnswers[effect!.status]!);
        break;
      case "relay":
        for (const to of effect!.to)
          dialogs.forEach((one, index) => {
            const leg = one.kind === "chat" && one.seat === to ? legOf(after, one) : undefined;
            // Who is not connected yet gets it later: it is kept.
            if (leg !== undefined && phaseOf(leg, functions) === "open" && isBound(leg, functions)) hears(index, msrpDown, "message");
          });
        break;
    }
  }
  dialogs.forEach((dialog, index) => {
    if (dialog.kind !== "recipient") return;
    const message = octetsFor(flowTo(dialog, before, functions), flowTo(dialog, after, functions));
    if (message !== undefined) hears(index, msrpDown, message);
  });
  return heard;
}

/** How much of a file has flown to a recipient: nothing yet, the beginning, all of it; or it was broken off. */
type Flow = "nothing" | "begun" | "all" | "aborted";

function flowTo(dialog: Dialog, server: Server, functions: ControllingFunction): Flow {
  for (const relay of server.relays.values()) {
    const recipient = relay.seats.indexOf(dialog.seat);
    if (recipient < 0 || !relay.serves.includes(recipient)) continue;
    if (relay.state === "aborted") return "aborted";
    const leg = legOf(server, dialog);
    if (leg === undefined || phaseOf(leg, functions) !== "open" || !isBound(leg, functions)) return "nothing";
    return flowOf(relay);
  }
  return "nothing";
}

const flowOf = ({ state, started }: Relay): Flow => (state === "complete" ? "all" : started ? "begun" : "nothing");

function octetsFor(before: Flow, after: Flow): MsrpDown | undefined {
  if (before === after || after === "nothing") return undefined;
  if (after === "aborted") return before === "begun" ? "abort" : undefined;
  return after === "all" ? "last chunk" : "first chunk";
}

/** Machines that are one dialog. */
export const isLeg = (machine: MachineName): boolean => machine === "group-participant" || machine === "large-message-sender" || machine === "large-message-recipient";
