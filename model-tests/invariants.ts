/**
 * Sentences of the standard, and ours beside it, that hold in every snapshot a machine can reach and on every event there.
 *
 * A sentence says what must not be otherwise; it does not say how the machine is made.
 */
import type { AnyEventObject, AnyMachineSnapshot } from "xstate";
import type { Clause } from "../machines/clauses.ts";
import type { Effect } from "../machines/effects.ts";
import type { GroupSessionInput } from "../machines/group-session.ts";
import type { MachineName } from "../machines/index.ts";
import type { LargeMessageInput } from "../machines/large-message.ts";
import type { Recipient, RecipientStatus, Seat, SeatState } from "../machines/terms.ts";
import { expiries, type Edge, type Possible } from "./explore.ts";

export interface Sentence {
  readonly says: string;
  readonly beside: Clause;
  /** Whether it holds on an event in a snapshot. */
  readonly onEdge?: (edge: Edge) => boolean;
  /** Whether it holds while the machine rests in a snapshot. */
  readonly inPlace?: (snapshot: AnyMachineSnapshot) => boolean;
}

// ---------------------------------------------------------------- reading an edge

type Asked<T extends Effect["type"]> = Extract<Effect, { type: T }>;

const asks = <T extends Effect["type"]>({ step }: Edge, ...types: T[]): Asked<T>[] =>
  step.effects.filter((effect): effect is Asked<T> => types.includes(effect.type as T));

const asksNone = (edge: Edge, ...types: Effect["type"][]) => asks(edge, ...types).length === 0;
const asksOne = (edge: Edge, ...types: Effect["type"][]) => asks(edge, ...types).length === 1;

const same = (a: readonly unknown[], b: readonly unknown[]) => JSON.stringify([...a].sort()) === JSON.stringify([...b].sort());
const within = (snapshot: AnyMachineSnapshot, ...states: string[]) => states.some((state) => snapshot._nodes.some(({ id, machine }) => id === `${machine.id}.${state}`));
const enters = ({ from, step }: Edge, ...states: string[]) => !within(from, ...states) && within(step.snapshot, ...states);
const leaves = ({ from, step }: Edge, ...states: string[]) => within(from, ...states) && !within(step.snapshot, ...states);
const isRefused = ({ step }: Edge) => step.refusal !== undefined && step.refusal.protocol !== "silence";
const ends = ({ from, step }: Edge) => from.status === "active" && step.snapshot.status === "done";

// ---------------------------------------------------------------- every machine

/** What holds of any machine. */
export const ofEveryMachine: readonly Sentence[] = [
  {
    says: "a timer runs exactly while the state that waits for it is there",
    beside: "RFC 3261 §17.1.1.2",
    onEdge: ({ from, event, step }) => {
      const running = new Set(expiries(from).filter((timer) => timer !== event.type || !step.handled));
      for (const change of step.timers) {
        if (change.change === "stop") running.delete(change.event);
        else running.add(change.event);
      }
      return step.snapshot.status === "done" || same([...running], expiries(step.snapshot));
    },
  },
  {
    says: "what has ended moves no more and asks for nothing",
    beside: "RFC 3261 §15",
    onEdge: ({ from, step }) => from.status === "active" || (!step.handled && step.snapshot === from),
  },
];

// ---------------------------------------------------------------- one dialog

const unconfirmed = ["open.dialog.unconfirmed", "open.dialog.condemned"];

/** The session timers are longer than noAckMs: a session has been confirmed or given up before it is refreshed or expires. */
const possibleInDialog: Possible = (snapshot, { type }) => !within(snapshot, ...unconfirmed) || !type.startsWith("xstate.after.session");

const ofEveryDialog: readonly Sentence[] = [
  {
    says: "every BYE, re-INVITE and UPDATE is answered once, and nothing else is",
    beside: "RFC 3261 §8.2",
    onEdge: (edge) => {
      const method = { "sip.BYE": "BYE", "sip.reINVITE": "re-INVITE", "sip.UPDATE": "UPDATE" }[edge.event.type];
      const answers = asks(edge, "sendSipResponse").filter((response) => response.method !== "INVITE");
      if (method === undefined) return answers.length === 0;
      return edge.step.handled ? answers.length === 1 && answers[0]!.method === method : isRefused(edge);
    },
  },
  {
    says: "who has answered 2xx does not say BYE before the ACK has come, or can no longer come",
    beside: "RFC 3261 §15",
    onEdge: (edge) =>
      !within(edge.from, ...unconfirmed) || asksNone(edge, "sendBye") || edge.event.type === "sip.ACK" || edge.event.type.startsWith("xstate.after.noAckMs"),
  },
  {
    says: "a dialog that was open ends with a BYE, ours or the peer's",
    beside: "RFC 3261 §15.1.1",
    onEdge: (edge) => !leaves(edge, "open") || asksOne(edge, "sendBye") !== (edge.event.type === "sip.BYE"),
  },
  {
    says: "a BYE is said only in a dialog, and never twice",
    beside: "RFC 3261 §15",
    onEdge: (edge) => asksNone(edge, "sendBye") || (enters(edge, "releasing", "dropping") && asksOne(edge, "sendBye")),
  },
  {
    says: "a 2xx to our INVITE is acknowledged, the one that crosses our CANCEL too",
    beside: "RFC 3261 §13.2.2.4",
    onEdge: (edge) => {
      const acknowledged = asks(edge, "sendSipRequest").some(({ method }) => method === "ACK");
      return acknowledged === (edge.event.type === "sip.accepted" && within(edge.from, "calling", "withdrawing", "givingUp"));
    },
  },
  {
    says: "CANCEL only while our INVITE has no final response",
    beside: "RFC 3261 §9.1",
    onEdge: (edge) => !asks(edge, "sendSipRequest").some(({ method }) => method === "CANCEL") || within(edge.from, "calling"),
  },
  {
    says: "what refreshes a session leaves the dialog and its octets where they are",
    beside: "RFC 4028 §7.2",
    onEdge: ({ from, event, step }) => {
      const besides = ({ value }: AnyMachineSnapshot) => ({ ...(value as { open: object }).open, session: undefined });
      return !["sip.reINVITE", "sip.UPDATE", "sip.refreshed"].includes(event.type) || !within(step.snapshot, "open") || JSON.stringify(besides(step.snapshot)) === JSON.stringify(besides(from));
    },
  },
  {
    says: "media flow exactly while the dialog is open",
    beside: "RFC 4975 §5.4",
    onEdge: (edge) => asksOne(edge, "openMedia") === enters(edge, "open") && asksOne(edge, "closeMedia") === leaves(edge, "open"),
  },
];

// ---------------------------------------------------------------- group session

interface Group {
  readonly made: GroupSessionInput;
  readonly seats: readonly SeatState[];
  readonly transfers: number;
}

const group = (snapshot: AnyMachineSnapshot) => snapshot.context as Group;
const isMember = (state: SeatState | undefined) => state !== undefined && ["invited", "connected", "away"].includes(state.status);
const members = (snapshot: AnyMachineSnapshot) => group(snapshot).seats.filter(isMember).length;
const seatsOf = (snapshot: AnyMachineSnapshot, holds: (state: SeatState, seat: Seat) => boolean): Seat[] =>
  group(snapshot).seats.flatMap((state, seat) => (holds(state, seat) ? [seat] : []));
const legs = (snapshot: AnyMachineSnapshot) => group(snapshot).seats.reduce((sum, seat) => sum + seat.legs, 0);
const isRequest = ({ type }: AnyEventObject) => type.startsWith("sip.") || type === "msrp.SEND";
const legEnds = ["left", "lost", "declined", "unreachable", "failed", "released"].map((how) => `participant.${how}`);
const becomes = ({ from, step }: Edge, change: (before: SeatState | undefined, after: SeatState) => boolean): Seat[] =>
  seatsOf(step.snapshot, (after, seat) => change(group(from).seats[seat], after));

const groupSession: readonly Sentence[] = [
  {
    says: "every request is answered exactly once, and nothing else is",
    beside: "RFC 3261 §8.2",
    onEdge: (edge) => {
      const answers = asks(edge, "answer", "answerMsrp", "admit", "startFileTransfer", "startSubscription").length + (isRefused(edge) ? 1 : 0);
      return answers === (isRequest(edge.event) ? 1 : 0);
    },
  },
  {
    says: "a message goes to all other connected Participants, and never to its sender",
    beside: "RFC 7701 §6.2",
    onEdge: (edge) => {
      const [relay] = asks(edge, "relay");
      if (relay === undefined) return true;
      if (relay.to.includes(edge.event["from"])) return false;
      const others = seatsOf(edge.from, ({ status }, seat) => status === "connected" && seat !== edge.event["from"]);
      return edge.event["to"] !== "group" || others.every((seat) => relay.to.includes(seat));
    },
  },
  {
    says: "that somebody is typing is told to who is connected, and kept for nobody",
    beside: "CPM-CR §4.2",
    onEdge: (edge) => edge.event["content"] !== "composing" || asks(edge, "relay").every(({ to }) => to.every((seat) => group(edge.from).seats[seat]!.status === "connected")),
  },
  {
    says: "nobody outside the group gets a message",
    beside: "RFC 7701 §6.2",
    onEdge: (edge) => asks(edge, "relay").every(({ to }) => to.every((seat) => isMember(group(edge.step.snapshot).seats[seat]))),
  },
  {
    says: "a disposition notification goes to the one Participant it names",
    beside: "CPM-CR §4.2",
    onEdge: (edge) => edge.event["content"] !== "imdn" || asks(edge, "relay").every(({ to }) => same(to, [edge.event["to"]])),
  },
  {
    says: "only a member is admitted, subscribed or brought back; who was removed stays out, and the seat goes to strangers alone, when the group has no other",
    beside: "RFC 4579 §5.11",
    onEdge: (edge) => {
      const { seats, made } = group(edge.step.snapshot);
      const given = becomes(edge, (before, after) => before?.status === "removed" && after.status !== "removed");
      const goesToStranger = (seat: Seat) => edge.event.type === "sip.REFER.add" && !edge.event["seats"].includes(seat) && seats.length === made.maxGroupSize;
      return (
        asks(edge, "admit", "startSubscription").every(({ seat }) => isMember(seats[seat])) &&
        asks(edge, "invite").every((invite) => invite.seats.every((seat) => isMember(seats[seat]))) &&
        given.every(goesToStranger) &&
        given.length <= (edge.event["strangers"] ?? 0)
      );
    },
  },
  {
    says: "a closed group never grows",
    beside: "CPM-CR §4.2",
    onEdge: (edge) => within(edge.from, "new") || !group(edge.from).made.closed || becomes(edge, (before, after) => !isMember(before) && isMember(after)).length === 0,
  },
  {
    says: "no more Participants than maxGroupSize, no more devices of one than maxDevices and the one that replaces",
    beside: "CPM-CONV §9.2",
    inPlace: (snapshot) => {
      const { seats, made } = group(snapshot);
      return seats.length <= made.maxGroupSize && seats.every((seat) => seat.legs >= 0 && seat.legs <= made.maxDevices + 1);
    },
  },
  {
    says: "a group has as many dialogs as were begun and have not ended",
    beside: "RFC 4579 §5",
    onEdge: (edge) => {
      const begun = asks(edge, "admit").length + asks(edge, "invite").flatMap((invite) => invite.seats).length;
      const ended = legEnds.includes(edge.event.type) && edge.step.handled ? 1 : 0;
      return legs(edge.step.snapshot) - legs(edge.from) === begun - ended;
    },
  },
  {
    says: "who is connected or invited has a dialog",
    beside: "RFC 4575 §5.7.3",
    inPlace: (snapshot) => !within(snapshot, "open") || seatsOf(snapshot, (seat) => ["connected", "invited"].includes(seat.status) && seat.legs === 0).length === 0,
  },
  {
    says: "subscribers hear of every change of the roster",
    beside: "RFC 4575 §4.1",
    onEdge: (edge) =>
      !within(edge.from, "open", "idle") ||
      !within(edge.step.snapshot, "open", "idle") ||
      becomes(edge, (before, after) => before?.status !== after.status).length === 0 ||
      !asksNone(edge, "notify"),
  },
  {
    says: "who is no longer a member is no longer told",
    beside: "RFC 4575 §3.4",
    onEdge: (edge) => {
      const expelled = asks(edge, "expelSubscribers").flatMap(({ seats }) => seats);
      return (
        !within(edge.from, "open", "idle") ||
        !asksNone(edge, "endSubscriptions") ||
        becomes(edge, (before, after) => isMember(before) && !isMember(after)).every((seat) => expelled.includes(seat))
      );
    },
  },
  {
    says: "a group of too few members does not go on",
    beside: "CPM-CONV §9.2",
    inPlace: (snapshot) => !within(snapshot, "open", "idle") || members(snapshot) >= group(snapshot).made.minParticipants,
  },
  {
    says: "a group in which nobody has a dialog is idle if it is long-lived, and over if it is not",
    beside: "CPM-CR §4.2",
    inPlace: (snapshot) => !within(snapshot, "open") || legs(snapshot) > 0,
  },
  {
    says: "when a group ends or goes idle, every dialog that is left is released, and every subscription of an ended one ends",
    beside: "RFC 4579 §5",
    onEdge: (edge) => {
      if (!within(edge.from, "open") || !enters(edge, "closing", "closed", "idle")) return true;
      const released = asks(edge, "release").flatMap(({ seats }) => seats);
      const left = seatsOf(edge.step.snapshot, (seat) => seat.legs > 0);
      return left.every((seat) => released.includes(seat)) && asksOne(edge, "endSubscriptions") === enters(edge, "closing", "closed");
    },
  },
  {
    says: "a group that ends begins nothing new, and is over when its last dialog is",
    beside: "CPM-CONV §9.2",
    onEdge: (edge) =>
      (!within(edge.from, "closing") || asksNone(edge, "admit", "invite", "relay", "startFileTransfer", "startSubscription")) &&
      (!within(edge.step.snapshot, "closed") || legs(edge.step.snapshot) === 0) &&
      (!within(edge.step.snapshot, "closing") || legs(edge.step.snapshot) > 0),
  },
  {
    says: "a file goes to connected Participants other than its sender, and from an on-going active session only",
    beside: "CPM-CR §9.3.1",
    onEdge: (edge) => {
      const [started] = asks(edge, "startFileTransfer");
      if (started === undefined) return true;
      const others = (holds: (state: SeatState) => boolean) => seatsOf(edge.from, (state, seat) => holds(state) && seat !== edge.event["from"]);
      if (within(edge.from, "open.membership.active")) return same(started.recipients, others(({ status }) => status === "connected"));
      return within(edge.from, "idle") && group(edge.from).made.inactiveGroup === "reactivate" && same(started.recipients, others(isMember));
    },
  },
  {
    says: "transfers are counted, and there are never more than maxTransfers",
    beside: "CPM-CR §9.3.1",
    onEdge: (edge) => {
      const { transfers, made } = group(edge.step.snapshot);
      const before = group(edge.from).transfers;
      const change = edge.event.type === "transfer.begun" ? 1 : edge.event.type === "transfer.ended" ? -1 : 0;
      return transfers <= made.maxTransfers && (transfers === before || transfers === before + change);
    },
  },
  {
    says: "a Participant is connected by its dialog alone",
    beside: "RFC 4575 §5.7.3",
    onEdge: (edge) => same(becomes(edge, (before, after) => before?.status !== "connected" && after.status === "connected"), edge.event.type === "participant.connected" && becomes(edge, (before, after) => before?.status !== after.status).length > 0 ? [edge.event["seat"]] : []),
  },
];

/** What the world around a group cannot do: name a seat that is not there, end a dialog that has ended or a transfer that never was. */
const possibleForGroup: Possible = (snapshot, event) => {
  const { seats, transfers } = group(snapshot);
  if (event.type === "sip.INVITE.create") return within(snapshot, "new");
  if (event.type.startsWith("participant.")) return (seats[event["seat"]]?.legs ?? 0) > 0;
  if (event.type === "transfer.begun") return within(snapshot, "open.membership.active", "idle");
  if (event.type.startsWith("transfer.")) return transfers > 0;
  const named = [event["from"], event["target"], event["to"], ...(event["seats"] ?? [])].filter((seat) => typeof seat === "number");
  return named.every((seat) => seat < seats.length);
};

// ---------------------------------------------------------------- group file transfer

const groupFileTransfer: readonly Sentence[] = [
  {
    says: "exactly one branch of 9.3.1: the procedures of 9.1.2, or one refusal",
    beside: "CPM-CR §9.3.1",
    onEdge: (edge) => {
      const branches = asks(edge, "executeLargeMessage", "answer").length + (isRefused(edge) ? 1 : 0);
      return branches === (edge.event.type === "sip.INVITE.fileTransfer" ? 1 : 0);
    },
  },
  {
    says: "where the transfer is not supported, whoever asks gets 403 and 122 Function not allowed; where it is, nobody does",
    beside: "CPM-CR §9.3.1",
    onEdge: (edge) => {
      if (!within(edge.from, "awaiting") || edge.event.type !== "sip.INVITE.fileTransfer") return true;
      const notAllowed = asks(edge, "answer").some(({ status, warning }) => status === 403 && warning === "functionNotAllowed");
      return notAllowed === (edge.from.context.groupFileTransfer === "notSupported");
    },
  },
  {
    says: "the generated INVITEs carry no recipient list",
    beside: "CPM-CR §9.3.1",
    onEdge: (edge) => asks(edge, "executeLargeMessage").every(({ recipientList }) => recipientList === "none"),
  },
  {
    says: "the group hears once that an admitted transfer has ended",
    beside: "CPM-CR §9.3.1",
    onEdge: (edge) => asks(edge, "reportTransfer").some(({ progress }) => progress === "ended") === (ends(edge) && !within(edge.from, "awaiting")),
  },
];

// ---------------------------------------------------------------- large message

interface Message {
  readonly clarified: LargeMessageInput;
  readonly recipients: readonly RecipientStatus[];
}

const message = (snapshot: AnyMachineSnapshot) => snapshot.context as Message;
const recipientsOf = (snapshot: AnyMachineSnapshot, ...statuses: RecipientStatus[]): Recipient[] =>
  message(snapshot).recipients.flatMap((status, recipient) => (statuses.includes(status) ? [recipient] : []));
const pending = (snapshot: AnyMachineSnapshot) => recipientsOf(snapshot, "waiting", "ringing", "ready");
const isUnanswered = (snapshot: AnyMachineSnapshot) => within(snapshot, "admitted", "sending.offering");

const largeMessage: readonly Sentence[] = [
  {
    says: "the sender's INVITE gets one final response, or was withdrawn",
    beside: "RFC 3261 §13.3.1",
    onEdge: (edge) => {
      const answers = asks(edge, "acceptSender", "rejectSender").length;
      const isDue = isUnanswered(edge.from) && !isUnanswered(edge.step.snapshot) && edge.event.type !== "sender.aborted";
      return answers === (isDue ? 1 : 0);
    },
  },
  {
    says: "the recipient history goes with the invitations exactly where it was asked for",
    beside: "CPM-CR §9.3.1",
    onEdge: (edge) => asksOne(edge, "addHistoryList") === (!asksNone(edge, "inviteRecipients") && message(edge.from).clarified.recipientList === "history"),
  },
  {
    says: "everybody is invited once, before anybody is served",
    beside: "CPM-CONV §9.1.2",
    onEdge: (edge) => asksNone(edge, "inviteRecipients") || (within(edge.from, "admitted") && edge.event.type === "largeMessage.execute"),
  },
  {
    says: "a recipient that has indicated the wrapped types gets the file, wrapped",
    beside: "CPM-CR §9.3.1",
    onEdge: (edge) => {
      const { event, from } = edge;
      if (event.type !== "recipient.accepted" || event["wrappedTypes"] !== "indicated" || !recipientsOf(from, "waiting", "ringing").includes(event["recipient"])) return true;
      return from.status !== "active" || within(from, "admitted") || asks(edge, "deliver").some(({ recipient, unwrapped }) => recipient === event["recipient"] && !unwrapped);
    },
  },
  {
    says: "a file is delivered once to a recipient, when it has accepted",
    beside: "CPM-CONV §9.1.2",
    onEdge: (edge) =>
      asks(edge, "deliver").every(({ recipient }) => edge.event.type === "recipient.accepted" && recipient === edge.event["recipient"] && recipientsOf(edge.from, "waiting", "ringing").includes(recipient)),
  },
  {
    says: "what one recipient does changes no other, unless policy rejects for all",
    beside: "CPM-CONV §9.1.2",
    onEdge: (edge) => {
      const { from, step, event } = edge;
      const changed = message(step.snapshot).recipients.flatMap((status, recipient) => (status === message(from).recipients[recipient] ? [] : [recipient]));
      const mine = (recipient: Recipient) => recipient === event["recipient"];
      const rejectsAll = message(from).clarified.wrappedTypes === "rejectAll";
      return changed.every(mine) && (event["recipient"] === undefined || rejectsAll || asks(edge, "releaseRecipients").every(({ recipients }) => recipients.every(mine)));
    },
  },
  {
    says: "when it ends nobody is left ringing or half served: every recipient is through, gone, or released",
    beside: "RFC 5547 §8.4",
    onEdge: (edge) => {
      if (!ends(edge) || within(edge.from, "admitted")) return true;
      const released = asks(edge, "releaseRecipients").flatMap(({ recipients }) => recipients);
      return pending(edge.step.snapshot).every((recipient) => released.includes(recipient));
    },
  },
  {
    says: "its result is told once",
    beside: "CPM-CONV §9.1.2",
    onEdge: (edge) => asksOne(edge, "reportLargeMessage") === ends(edge),
  },
  {
    says: "complete is when all have it, partial when some have it and the others cannot, failed when nobody has it",
    beside: "CPM-CONV §9.1.2",
    inPlace: (snapshot) => {
      const done = recipientsOf(snapshot, "done").length;
      const all = message(snapshot).recipients.length;
      return (
        (!within(snapshot, "complete") || (done === all && all > 0)) &&
        (!within(snapshot, "partial") || (done > 0 && done < all && pending(snapshot).length === 0)) &&
        (!within(snapshot, "failed") || done === 0)
      );
    },
  },
  {
    says: "the sender's end after the last octet truncates nobody",
    beside: "RFC 5547 §8.4",
    onEdge: (edge) => !within(edge.from, "sending.draining") || edge.event.type !== "sender.aborted" || (edge.step.snapshot === edge.from && edge.step.effects.length === 0),
  },
  {
    says: "a sender whose upload nobody needs is stopped and released",
    beside: "RFC 4975 §10.5",
    onEdge: (edge) => !ends(edge) || !within(edge.from, "sending.answered", "sending.receiving") || !asksNone(edge, "releaseSender"),
  },
];

// ---------------------------------------------------------------- the legs

const groupParticipant: readonly Sentence[] = [
  ...ofEveryDialog,
  {
    says: "the focus hears once that the Participant is connected, and once why the dialog has ended",
    beside: "RFC 4579 §5",
    onEdge: (edge) => {
      const reports = asks(edge, "reportParticipant").map(({ outcome }) => outcome);
      const connected = reports.filter((outcome) => outcome === "connected").length;
      return connected === (enters(edge, "open") ? 1 : 0) && reports.length - connected === (ends(edge) ? 1 : 0);
    },
  },
];

const largeMessageSender: readonly Sentence[] = [
  ...ofEveryDialog,
  {
    says: "the sender's INVITE gets one final response",
    beside: "RFC 3261 §13.3.1",
    onEdge: (edge) => (asks(edge, "sendSipResponse").filter(({ method }) => method === "INVITE").length === 1) === leaves(edge, "offered"),
  },
];

const largeMessageRecipient: readonly Sentence[] = [
  ...ofEveryDialog,
  {
    says: "a recipient's fate is told once: declined, failed or delivered; one that was released has none",
    beside: "CPM-CONV §9.1.2",
    onEdge: (edge) => {
      const fates = asks(edge, "reportRecipient").filter(({ outcome }) => outcome !== "ringing").length;
      return fates === (edge.event.type === "data.drained" && edge.step.handled ? 1 : 0) + (ends(edge) && !within(edge.step.snapshot, "released") ? 1 : 0);
    },
  },
];

// ---------------------------------------------------------------- conference subscription

const conferenceSubscription: readonly Sentence[] = [
  {
    says: "every SUBSCRIBE is answered once",
    beside: "RFC 6665 §4.2.1",
    onEdge: (edge) => asks(edge, "answerSubscribe").length + (isRefused(edge) ? 1 : 0) === (edge.event.type === "sip.SUBSCRIBE" ? 1 : 0),
  },
  {
    says: "who is subscribed is told everything at once",
    beside: "RFC 6665 §4.2.1",
    onEdge: (edge) => !asks(edge, "answerSubscribe").some(({ status }) => status === 200) || asks(edge, "sendNotify").some(({ state }) => state === "full"),
  },
  {
    says: "a subscription that ends is told so once, unless the subscriber is gone",
    beside: "RFC 6665 §4.2.2",
    onEdge: (edge) => {
      const last = asks(edge, "sendNotify").filter(({ subscription }) => subscription !== "active").length;
      return last === (enters(edge, "terminated") && edge.event.type !== "sip.NOTIFY.failed" ? 1 : 0);
    },
  },
  {
    says: "changes are told no faster than the pace",
    beside: "RFC 4575 §3.9",
    onEdge: (edge) => !within(edge.from, "active.paced", "active.behind") || edge.event.type !== "group.changed" || asksNone(edge, "sendNotify"),
  },
];

// ----------------------------------------------------------------

/** What has to hold of each machine, and what its surroundings cannot do to it. */
export const invariants: { readonly [N in MachineName]: { readonly sentences: readonly Sentence[]; readonly possible?: Possible } } = {
  "group-file-transfer": { sentences: groupFileTransfer },
  "large-message": { sentences: largeMessage },
  "large-message-sender": { sentences: largeMessageSender, possible: possibleInDialog },
  "large-message-recipient": { sentences: largeMessageRecipient, possible: possibleInDialog },
  "group-session": { sentences: groupSession, possible: possibleForGroup },
  "group-participant": { sentences: groupParticipant, possible: possibleInDialog },
  "conference-subscription": { sentences: conferenceSubscription },
};
