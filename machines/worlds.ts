import type { EventFromLogic, InputFrom } from "xstate";
import type { CallEvent, DialogEvent } from "./events.ts";
import type { GroupSessionInput } from "./group-session.ts";
import type { machines } from "./index.ts";
import type { LargeMessageInput } from "./large-message.ts";

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
  { type: "leg.release", reason: "completed" },
];

const callEvents: readonly CallEvent[] = [
  { type: "sip.ringing" },
  { type: "sip.rejected", outcome: "declined" },
  { type: "sip.rejected", outcome: "unreachable" },
  { type: "sip.rejected", outcome: "failed" },
];

const group: GroupSessionInput = {
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

const transfer: LargeMessageInput = { recipients: 2, recipientList: "none", answerSender: "firstAccept", wrappedTypes: "acceptTypes" };

/**
 * The smallest world in which each machine can do everything it does. Tests and
 * diagrams are made in it. A machine without a world does not compile.
 */
export const worlds: {
  readonly [N in keyof Machines]: {
    /** One input a policy that changes what the machine does. */
    readonly inputs: readonly InputFrom<Machines[N]>[];
    /** One event per equivalence class. */
    readonly events: readonly EventFromLogic<Machines[N]>[];
  };
} = {
  // One octet may be sent: so there is a file within the limit and one above.
  "group-file-transfer": {
    inputs: [
      { groupFileTransfer: "supported", senderNotConnected: "refuse", maxFileOctets: 1 },
      { groupFileTransfer: "supported", senderNotConnected: "rejoin", maxFileOctets: 1 },
      { groupFileTransfer: "notSupported", senderNotConnected: "refuse", maxFileOctets: 1 },
    ],
    events: [
      ...(["connected", "away", "stranger"] as const).flatMap((sender) =>
        (["push", "pull"] as const).flatMap((direction) =>
          [1, 2].map((fileOctets) => ({ type: "sip.INVITE.fileTransfer", sender, direction, fileOctets, capacity: "free" }) as const),
        ),
      ),
      { type: "sip.INVITE.fileTransfer", sender: "connected", direction: "push", fileOctets: 1, capacity: "exhausted" },
      { type: "largeMessage.ended", result: "complete" },
    ],
  },
  // Two recipients: the least that can differ.
  "large-message": {
    inputs: [
      transfer,
      { ...transfer, recipients: 0 },
      { ...transfer, recipientList: "history" },
      { ...transfer, answerSender: "early" },
      { ...transfer, answerSender: "allAnswered" },
      { ...transfer, wrappedTypes: "exclude" },
      { ...transfer, wrappedTypes: "sendAnyway" },
      { ...transfer, wrappedTypes: "sendUnwrapped" },
      { ...transfer, wrappedTypes: "rejectAll" },
    ],
    events: [
      { type: "largeMessage.execute", spool: "ready" },
      { type: "largeMessage.execute", spool: "exhausted" },
      ...[0, 1].flatMap((recipient) => [
        { type: "recipient.ringing", recipient } as const,
        { type: "recipient.accepted", recipient, wrappedTypes: "indicated", acceptTypes: "covers" } as const,
        { type: "recipient.accepted", recipient, wrappedTypes: "notIndicated", acceptTypes: "covers" } as const,
        { type: "recipient.accepted", recipient, wrappedTypes: "notIndicated", acceptTypes: "other" } as const,
        { type: "recipient.declined", recipient } as const,
        { type: "recipient.failed", recipient } as const,
        { type: "recipient.delivered", recipient } as const,
      ]),
      { type: "admin.shutdown" },
      { type: "sender.started" },
      { type: "sender.completed" },
      { type: "sender.aborted" },
      { type: "sender.misbehaved" },
    ],
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
  },
  // A creator, one who is invited, and one more seat: the least in which somebody can be added, and one be too many.
  "group-session": {
    inputs: [
      { ...group, maxGroupSize: 3 },
      { ...group, longLived: false, minParticipants: 1 },
      { ...group, closed: true },
      { ...group, addRole: "creator", removeRole: "anyone" },
      { ...group, anonymity: "allow", inactiveGroup: "unavailable" },
      { ...group, inactiveGroup: "reactivate" },
    ],
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
      ...[0, 1].flatMap((seat) => [
        { type: "participant.connected", seat } as const,
        { type: "participant.left", seat } as const,
        { type: "participant.lost", seat } as const,
        { type: "participant.declined", seat } as const,
        { type: "participant.unreachable", seat } as const,
        { type: "participant.failed", seat } as const,
        { type: "participant.released", seat } as const,
      ]),
      { type: "participant.connected", seat: 2 },
      { type: "participant.unreachable", seat: 2 },
      { type: "transfer.begun" },
      { type: "transfer.ended" },
      { type: "transfer.senderAway", seat: 1 },
      { type: "admin.end" },
      { type: "admin.remove", target: 1 },
      { type: "admin.shutdown" },
    ],
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
  },
};
