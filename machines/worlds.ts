import type { AnyStateMachine, EventFromLogic, InputFrom } from "xstate";
import type { CallEvent, DialogEvent, LargeMessageEvent, ParticipantEvent, TransferRequest } from "./events.ts";
import type { GroupSessionInput } from "./group-session.ts";
import type { machines } from "./index.ts";
import type { LargeMessageInput } from "./large-message.ts";
import type { Recipient, Seat } from "./terms.ts";

type Machines = typeof machines;

const dialogEvents: readonly DialogEvent[] = [
  { type: "sip.ACK" },
  { type: "sip.BYE", reason: "callCompleted" },
  { type: "sip.BYE", reason: "unspecified" },
  { type: "sip.reINVITE", offer: "acceptable" },
  { type: "sip.reINVITE", offer: "unacceptable" },
  { type: "sip.UPDATE", offer: "acceptable" },
  { type: "sip.UPDATE", offer: "unacceptable" },
  { type: "sip.refreshed", outcome: "accepted" },
  { type: "sip.refreshed", outcome: "glare" },
  { type: "sip.refreshed", outcome: "refused" },
  { type: "sip.refreshed", outcome: "gone" },
  { type: "sip.BYE.answered" },
  // Not the reason that a dialog ends for when nobody gives another.
  { type: "leg.release", reason: "booted" },
];

const moreDialogEvents: readonly DialogEvent[] = [
  { type: "sip.BYE", reason: "involuntary" },
  { type: "leg.release", reason: "completed" },
  { type: "leg.release", reason: "gone" },
];

const callEvents: readonly CallEvent[] = [
  { type: "sip.ringing" },
  { type: "sip.rejected", outcome: "declined" },
  { type: "sip.rejected", outcome: "unreachable" },
  { type: "sip.rejected", outcome: "failed" },
];

/** With `more`, three seats where there are two, or else one device and one transfer more: both would be too many. */
function groups(more: 0 | 1): readonly GroupSessionInput[] {
  const small: GroupSessionInput = {
    maxGroupSize: 2,
    minParticipants: 2,
    maxDevices: 1,
    maxTransfers: 1,
    addRole: "anyone",
    removeRole: "creator",
    anonymity: "refuse",
    inactiveGroup: "notFound",
    closed: false,
    longLived: true,
  };
  const group: GroupSessionInput = { ...small, maxDevices: 1 + more, maxTransfers: 1 + more };
  return [
    { ...small, maxGroupSize: 3 },
    { ...small, maxGroupSize: 2 + more, longLived: false, minParticipants: 1 },
    { ...group, closed: true },
    { ...group, addRole: "creator", removeRole: "anyone" },
    { ...group, anonymity: "allow", inactiveGroup: "unavailable" },
    { ...group, inactiveGroup: "reactivate" },
  ];
}

const participantEvents = (seat: Seat): readonly ParticipantEvent[] => [
  { type: "participant.connected", seat },
  { type: "participant.left", seat },
  { type: "participant.lost", seat },
  { type: "participant.declined", seat },
  { type: "participant.unreachable", seat },
  { type: "participant.failed", seat },
  { type: "participant.released", seat },
];

/** Every request for a transfer, so that whatever may be wrong with one is wrong together. */
const offers = (octets: readonly number[]): readonly TransferRequest[] =>
  (["connected", "away", "stranger"] as const).flatMap((sender) =>
    (["push", "pull"] as const).flatMap((direction) =>
      octets.flatMap((fileOctets) => (["free", "exhausted"] as const).map((capacity) => ({ type: "sip.INVITE.fileTransfer", sender, direction, fileOctets, capacity }) as const)),
    ),
  );

function transfers(recipients: number): readonly LargeMessageInput[] {
  const transfer: LargeMessageInput = { recipients, recipientList: "none", answerSender: "firstAccept", wrappedTypes: "acceptTypes" };
  return [
    transfer,
    { ...transfer, recipients: 0 },
    { ...transfer, recipientList: "history" },
    { ...transfer, answerSender: "early" },
    { ...transfer, answerSender: "allAnswered" },
    { ...transfer, wrappedTypes: "exclude" },
    { ...transfer, wrappedTypes: "sendAnyway" },
    { ...transfer, wrappedTypes: "sendUnwrapped" },
    { ...transfer, wrappedTypes: "rejectAll" },
  ];
}

const recipientEvents = (recipient: Recipient): readonly LargeMessageEvent[] => [
  { type: "recipient.ringing", recipient },
  { type: "recipient.accepted", recipient, wrappedTypes: "indicated", acceptTypes: "covers" },
  { type: "recipient.accepted", recipient, wrappedTypes: "notIndicated", acceptTypes: "covers" },
  { type: "recipient.accepted", recipient, wrappedTypes: "notIndicated", acceptTypes: "other" },
  { type: "recipient.declined", recipient },
  { type: "recipient.failed", recipient },
  { type: "recipient.delivered", recipient },
];

interface World<M extends AnyStateMachine> {
  /** One input a policy that changes what the machine does. */
  readonly inputs: readonly InputFrom<M>[];
  /** One event per equivalence class. */
  readonly events: readonly EventFromLogic<M>[];
  /** The next larger world, with one more of whatever there are several of: what cannot be told apart there is taken for the same. */
  readonly larger: {
    readonly inputs: readonly InputFrom<M>[];
    /** Besides `events`. */
    readonly more: readonly EventFromLogic<M>[];
  };
}

/**
 * The smallest world in which each machine can do everything it does. Tests and
 * diagrams are made in it. A machine without a world does not compile.
 */
export const worlds: { readonly [N in keyof Machines]: World<Machines[N]> } = {
  // One octet may be sent: so there is a file within the limit and one above.
  "group-file-transfer": {
    inputs: [
      { groupFileTransfer: "supported", senderNotConnected: "refuse", maxFileOctets: 1 },
      { groupFileTransfer: "supported", senderNotConnected: "rejoin", maxFileOctets: 1 },
      { groupFileTransfer: "notSupported", senderNotConnected: "refuse", maxFileOctets: 1 },
    ],
    events: [
      ...offers([1, 2]),
      { type: "largeMessage.ended", result: "complete" },
    ],
    larger: {
      inputs: (["supported", "notSupported"] as const).flatMap((groupFileTransfer) =>
        (["refuse", "rejoin"] as const).map((senderNotConnected) => ({ groupFileTransfer, senderNotConnected, maxFileOctets: 2 })),
      ),
      more: [...offers([3]), { type: "largeMessage.ended", result: "failed" }],
    },
  },
  // Two recipients: the least that can differ.
  "large-message": {
    inputs: transfers(2),
    events: [
      { type: "largeMessage.execute", spool: "ready" },
      { type: "largeMessage.execute", spool: "exhausted" },
      ...[0, 1].flatMap(recipientEvents),
      { type: "admin.shutdown" },
      { type: "sender.started" },
      { type: "sender.completed" },
      { type: "sender.aborted" },
      { type: "sender.misbehaved" },
    ],
    larger: { inputs: transfers(3), more: recipientEvents(2) },
  },
  "large-message-sender": {
    inputs: [undefined],
    events: [
      ...dialogEvents,
      { type: "sip.CANCEL" },
      { type: "msrp.bound" },
      { type: "msrp.lost" },
      { type: "largeMessage.offer" },
      { type: "largeMessage.accept" },
      { type: "largeMessage.reject", status: 403, warning: "sizeExceeded" },
      { type: "largeMessage.reject", status: 480 },
      { type: "data.first" },
      { type: "data.complete" },
      { type: "data.aborted" },
      { type: "data.misbehaved" },
    ],
    larger: { inputs: [undefined], more: [...moreDialogEvents, { type: "largeMessage.reject", status: 603 }] },
  },
  "large-message-recipient": {
    inputs: [undefined],
    events: [
      // It always calls: nobody acknowledges anything to it.
      ...dialogEvents.filter(({ type }) => type !== "sip.ACK"),
      ...callEvents,
      { type: "msrp.bound" },
      { type: "msrp.lost" },
      { type: "sip.accepted", wrappedTypes: "indicated", acceptTypes: "covers" },
      { type: "largeMessage.invite" },
      { type: "largeMessage.deliver", unwrapped: false },
      { type: "largeMessage.deliver", unwrapped: true },
      { type: "data.drained" },
      { type: "data.refused" },
    ],
    larger: {
      inputs: [undefined],
      more: [...moreDialogEvents, { type: "sip.accepted", wrappedTypes: "notIndicated", acceptTypes: "covers" }, { type: "sip.accepted", wrappedTypes: "notIndicated", acceptTypes: "other" }],
    },
  },
  // A creator, one who is invited, and one more seat: the least in which somebody can be added, and one be too many.
  "group-session": {
    inputs: groups(0),
    events: [
      { type: "sip.INVITE.create", recipients: 0, anonymous: false },
      { type: "sip.INVITE.create", recipients: 1, anonymous: false },
      { type: "sip.INVITE.create", recipients: 1, anonymous: true },
      { type: "sip.INVITE.create", recipients: 3, anonymous: false },
      ...([0, 1, "stranger"] as const).flatMap((from) => [
        { type: "sip.INVITE.join", from, device: "new" } as const,
        { type: "sip.INVITE.fileTransfer", from, direction: "push", fileOctets: 1 } as const,
        { type: "sip.REFER.add", from, strangers: 1, seats: [] } as const,
        { type: "sip.REFER.remove", from, target: 1 } as const,
        { type: "sip.SUBSCRIBE", from, expires: "positive" } as const,
      ]),
      { type: "sip.INVITE.join", from: 1, device: "known" },
      { type: "sip.REFER.add", from: 0, strangers: 2, seats: [] },
      { type: "sip.REFER.add", from: 0, strangers: 0, seats: [1] },
      { type: "sip.REFER.remove", from: 0, target: "stranger" },
      { type: "msrp.SEND", from: 0, content: "chat", claims: "self", to: "group" },
      { type: "msrp.SEND", from: 0, content: "notCpim", claims: "self", to: "group" },
      { type: "msrp.SEND", from: 0, content: "chat", claims: "other", to: "group" },
      { type: "msrp.SEND", from: 0, content: "chat", claims: "self", to: "several" },
      { type: "msrp.SEND", from: 0, content: "chat", claims: "self", to: "unknown" },
      { type: "msrp.SEND", from: 0, content: "chat", claims: "self", to: 1 },
      { type: "msrp.SEND", from: 0, content: "imdn", claims: "self", to: 1 },
      { type: "msrp.SEND", from: 0, content: "composing", claims: "self", to: "group" },
      ...[0, 1].flatMap(participantEvents),
      { type: "participant.connected", seat: 2 },
      { type: "participant.unreachable", seat: 2 },
      { type: "transfer.begun" },
      { type: "transfer.ended" },
      { type: "transfer.senderAway", seat: 1 },
      { type: "admin.end" },
      { type: "admin.remove", target: 1 },
      { type: "admin.shutdown" },
    ],
    // The third seat does all that the second does.
    larger: {
      inputs: groups(1),
      more: [
        { type: "sip.INVITE.create", recipients: 2, anonymous: false },
        { type: "sip.INVITE.join", from: 2, device: "new" },
        { type: "sip.REFER.add", from: 0, strangers: 0, seats: [1, 2] },
        { type: "sip.REFER.remove", from: 0, target: 2 },
        { type: "msrp.SEND", from: 1, content: "chat", claims: "self", to: "group" },
        { type: "msrp.SEND", from: 1, content: "imdn", claims: "self", to: 2 },
        ...participantEvents(2),
        { type: "transfer.senderAway", seat: 0 },
      ],
    },
  },
  "group-participant": {
    inputs: [undefined],
    events: [
      ...dialogEvents,
      ...callEvents,
      { type: "sip.accepted" },
      { type: "group.invite" },
      { type: "group.admit" },
      { type: "msrp.bound" },
      { type: "msrp.lost" },
    ],
    larger: { inputs: [undefined], more: moreDialogEvents },
  },
  "conference-subscription": {
    inputs: [undefined],
    events: [
      { type: "sip.SUBSCRIBE", from: 0, expires: "positive" },
      { type: "sip.SUBSCRIBE", from: 0, expires: "zero" },
      { type: "sip.SUBSCRIBE", from: 0, expires: "tooShort" },
      { type: "group.changed" },
      { type: "group.ended" },
      { type: "group.expelled" },
      { type: "sip.NOTIFY.failed" },
    ],
    larger: { inputs: [undefined], more: [{ type: "sip.SUBSCRIBE", from: 1, expires: "positive" }] },
  },
};
