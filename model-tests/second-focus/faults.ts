import type { FileTransferInvite, GroupMessage, ParticipantEvent, TransferRequest } from "../../machines/events.ts";
import type { GroupFileTransferInput } from "../../machines/group-file-transfer.ts";
import type { GroupSessionInput } from "../../machines/group-session.ts";
import type { LargeMessageInput } from "../../machines/large-message.ts";
import type { Recipient, Seat, Sender } from "../../machines/terms.ts";
import type { Heard } from "./second-focus.ts";

export const categories = [
  "wrong target",
  "missing event",
  "missing guard",
  "negated guard",
  "off by one",
  "missing effect",
  "wrong effect parameter",
  "wrong status",
  "sneak path",
  "history",
  "wrong recipient set",
  "forgotten cleanup",
] as const;

export type Category = (typeof categories)[number];

interface Planted {
  /** What switches it on in the second focus. */
  readonly number: number;
  readonly category: Category;
  /** What the faulty object does. */
  readonly says: string;
  /** Its last event, and none before, is answered differently. */
  readonly trace: readonly Heard[];
}

export type Fault = Planted &
  (
    | { readonly machine: "group-session"; readonly input: GroupSessionInput }
    | { readonly machine: "group-file-transfer"; readonly input: GroupFileTransferInput }
    | { readonly machine: "large-message"; readonly input: LargeMessageInput }
  );

// ---------------------------------------------------------------- worlds

const two: GroupSessionInput = {
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
const three: GroupSessionInput = { ...two, maxGroupSize: 3 };

const file: GroupFileTransferInput = { groupFileTransfer: "supported", senderNotConnected: "refuse", maxFileOctets: 1 };

const toOne: LargeMessageInput = { answerSender: "firstAccept", wrappedTypes: "acceptTypes", recipients: 1, recipientList: "none" };
const toTwo: LargeMessageInput = { ...toOne, recipients: 2 };

// ---------------------------------------------------------------- events

const create = (recipients: number): Heard => ({ type: "sip.INVITE.create", recipients, anonymous: false });
const join = (from: Sender, device: "known" | "new"): Heard => ({ type: "sip.INVITE.join", from, device });
const sendFile = (from: Sender): FileTransferInvite => ({ type: "sip.INVITE.fileTransfer", from, direction: "push", fileOctets: 1 });
const remove = (from: Sender, target: Sender): Heard => ({ type: "sip.REFER.remove", from, target });
const addStranger: Heard = { type: "sip.REFER.add", from: 0, strangers: 1, seats: [] };
const message = (from: Seat, what: Partial<GroupMessage> = {}): Heard => ({ type: "msrp.SEND", from, content: "chat", claims: "self", to: "group", ...what });
const leg = (what: "connected" | "left" | "lost" | "unreachable" | "released", seat: Seat): ParticipantEvent => ({ type: `participant.${what}`, seat });
const ranOut = (timer: "inactivityMs" | "lifetimeMs" | "reinviteMs"): Heard => ({ type: `xstate.after.${timer}.group` });
const begun: Heard = { type: "transfer.begun" };
const ended: Heard = { type: "transfer.ended" };
const adminEnd: Heard = { type: "admin.end" };

const pair = [create(1), leg("connected", 0), leg("connected", 1)];
const trio = [create(2), leg("connected", 0), leg("connected", 1), leg("connected", 2)];
const sleepingPair = [...pair, leg("lost", 0), leg("lost", 1)];
/** Creator and seat 1 talk; seat 2 was not reached. */
const trioWithAbsent = [create(2), leg("connected", 0), leg("connected", 1), leg("unreachable", 2)];
const inVain = [message(0), leg("unreachable", 2)];

const request = (what: Partial<TransferRequest> = {}): Heard => ({
  type: "sip.INVITE.fileTransfer",
  sender: "connected",
  direction: "push",
  fileOctets: 0,
  capacity: "free",
  ...what,
});

const execute: Heard = { type: "largeMessage.execute", spool: "ready" };
const accepts = (recipient: Recipient): Heard => ({ type: "recipient.accepted", recipient, wrappedTypes: "indicated", acceptTypes: "covers" });
const recipient = (what: "ringing" | "declined" | "failed" | "delivered", number: Recipient): Heard => ({ type: `recipient.${what}`, recipient: number });
const sender = (what: "started" | "completed" | "aborted" | "misbehaved"): Heard => ({ type: `sender.${what}` });

// ---------------------------------------------------------------- faults

const groupSession: readonly (Planted & { readonly input: GroupSessionInput })[] = [
  {
    number: 1,
    category: "wrong target",
    says: "A long-lived group that falls silent ends.",
    input: two,
    trace: [...pair, ranOut("inactivityMs")],
  },
  {
    number: 2,
    category: "wrong target",
    says: "A member whose last dialog is lost has left.",
    input: three,
    trace: [...trio, leg("lost", 2)],
  },
  {
    number: 3,
    category: "missing event",
    says: "An unreachable member is not heard of.",
    input: two,
    trace: [create(1), leg("connected", 0), leg("unreachable", 1)],
  },
  {
    number: 4,
    category: "missing event",
    says: "An idle group outlives its lifetime.",
    input: two,
    trace: [...sleepingPair, ranOut("lifetimeMs")],
  },
  {
    number: 5,
    category: "missing event",
    says: "The end of a transfer is not heard of, and its room stays taken.",
    input: two,
    trace: [...pair, begun, ended, sendFile(0)],
  },
  {
    number: 6,
    category: "missing guard",
    says: "A message under somebody else's name is relayed.",
    input: two,
    trace: [...pair, message(1, { claims: "other" })],
  },
  {
    number: 7,
    category: "missing guard",
    says: "A closed group takes newcomers.",
    input: { ...three, closed: true },
    trace: [...pair, addStranger],
  },
  {
    number: 8,
    category: "negated guard",
    says: "Everybody but the creator may remove.",
    input: three,
    trace: [...trio, remove(1, 2)],
  },
  {
    number: 9,
    category: "off by one",
    says: "A group ends when the fewest members that it may have are left.",
    input: three,
    trace: [...trio, leg("left", 2)],
  },
  {
    number: 10,
    category: "missing effect",
    says: "Who leaves keeps its subscription.",
    input: three,
    trace: [...trio, leg("left", 1)],
  },
  {
    number: 11,
    category: "missing effect",
    says: "Subscriptions outlive the group.",
    input: two,
    trace: [...pair, adminEnd],
  },
  {
    number: 12,
    category: "missing effect",
    says: "Nobody is told about a newcomer.",
    input: three,
    trace: [...pair, addStranger],
  },
  {
    number: 13,
    category: "wrong effect parameter",
    says: "Who is removed is told that the group is gone.",
    input: three,
    trace: [...trio, remove(0, 2)],
  },
  {
    number: 14,
    category: "wrong effect parameter",
    says: "A member who is away sends files as if connected.",
    input: three,
    trace: [...trio, leg("lost", 2), sendFile(2)],
  },
  {
    number: 15,
    category: "wrong status",
    says: "Several addressees are answered 404.",
    input: two,
    trace: [...pair, message(0, { to: "several" })],
  },
  {
    number: 16,
    category: "sneak path",
    says: "A group that is closing may be joined.",
    input: two,
    trace: [...pair, adminEnd, join(0, "known")],
  },
  {
    number: 17,
    category: "sneak path",
    says: "Who was removed may join again.",
    input: three,
    trace: [...trio, remove(0, 2), leg("released", 2), join(2, "new")],
  },
  {
    number: 18,
    category: "history",
    says: "The second pause between invitations of absent members never ends.",
    input: three,
    trace: [...trioWithAbsent, ...inVain, ranOut("reinviteMs"), ...inVain, ranOut("reinviteMs"), message(0)],
  },
  {
    number: 19,
    category: "history",
    says: "A group that wakes has forgotten the transfer that still runs.",
    input: two,
    trace: [...pair, begun, leg("lost", 0), leg("lost", 1), join(0, "new"), leg("connected", 0), sendFile(0)],
  },
  {
    number: 20,
    category: "wrong recipient set",
    says: "The sender gets its own message back.",
    input: two,
    trace: [...pair, message(0)],
  },
  {
    number: 21,
    category: "wrong recipient set",
    says: "Members who are away are left out of a file.",
    input: { ...three, inactiveGroup: "reactivate" },
    trace: [...trio, leg("lost", 0), leg("lost", 1), leg("lost", 2), sendFile(0)],
  },
  {
    number: 22,
    category: "wrong recipient set",
    says: "A notification for one Participant goes to everybody.",
    input: three,
    trace: [...trio, message(1, { content: "imdn", to: 0 })],
  },
  {
    number: 23,
    category: "forgotten cleanup",
    says: "A dialog that was replaced stays counted, and the device cannot come a second time.",
    input: two,
    trace: [...pair, join(0, "known"), leg("released", 0), join(0, "known")],
  },
  {
    number: 24,
    category: "forgotten cleanup",
    says: "Pending invitations go on ringing after the group has ended.",
    input: three,
    trace: [create(2), leg("connected", 0), adminEnd],
  },
];

const groupFileTransfer: readonly (Planted & { readonly input: GroupFileTransferInput })[] = [
  {
    number: 25,
    category: "wrong status",
    says: "A group that carries all the transfers it may answers 503.",
    input: file,
    trace: [request({ capacity: "exhausted" })],
  },
  {
    number: 26,
    category: "missing guard",
    says: "A request to receive is fanned out.",
    input: file,
    trace: [request({ direction: "pull" })],
  },
  {
    number: 27,
    category: "off by one",
    says: "The largest file that is allowed is too large.",
    input: file,
    trace: [request({ fileOctets: 1 })],
  },
  {
    number: 28,
    category: "negated guard",
    says: "A sender who is away is taken where it should be refused, and the other way round.",
    input: file,
    trace: [request({ sender: "away" })],
  },
  {
    number: 29,
    category: "forgotten cleanup",
    says: "The room that a transfer took is not given back.",
    input: file,
    trace: [request(), { type: "largeMessage.ended", result: "partial" }],
  },
  {
    number: 30,
    category: "sneak path",
    says: "The same INVITE again is fanned out again.",
    input: file,
    trace: [request(), request()],
  },
];

const largeMessage: readonly (Planted & { readonly input: LargeMessageInput })[] = [
  {
    number: 31,
    category: "wrong effect parameter",
    says: "Who indicates support for the wrapped type gets the message unwrapped.",
    input: toOne,
    trace: [execute, accepts(0)],
  },
  {
    number: 32,
    category: "wrong status",
    says: "The sender is told 480 when everybody declined.",
    input: toTwo,
    trace: [execute, recipient("declined", 0), recipient("declined", 1)],
  },
  {
    number: 33,
    category: "wrong recipient set",
    says: "Who still rings goes on ringing when the sender gives up.",
    input: toTwo,
    trace: [execute, accepts(0), recipient("ringing", 1), sender("aborted")],
  },
  {
    number: 34,
    category: "missing event",
    says: "A recipient that fails while it is served is waited for.",
    input: toOne,
    trace: [execute, accepts(0), sender("started"), sender("completed"), recipient("failed", 0)],
  },
  {
    number: 35,
    category: "negated guard",
    says: "A sender that has to wait for all answers is accepted while answers are missing.",
    input: { ...toTwo, answerSender: "allAnswered" },
    trace: [execute, accepts(0)],
  },
  {
    number: 36,
    category: "history",
    says: "The second acceptance accepts the sender again.",
    input: toTwo,
    trace: [execute, accepts(0), accepts(1)],
  },
  {
    number: 37,
    category: "wrong target",
    says: "The last octet from the sender ends everything, whoever is still being served.",
    input: toOne,
    trace: [execute, accepts(0), sender("started"), sender("completed")],
  },
  {
    number: 38,
    category: "forgotten cleanup",
    says: "Recipients are left hanging when the sender misbehaves.",
    input: toOne,
    trace: [execute, accepts(0), sender("started"), sender("misbehaved")],
  },
  {
    number: 39,
    category: "sneak path",
    says: "The sender's departure after the last octet cuts off who is still being served.",
    input: toOne,
    trace: [execute, accepts(0), sender("started"), sender("completed"), sender("aborted")],
  },
  {
    number: 40,
    category: "off by one",
    says: "A message that one recipient did not get is complete.",
    input: toTwo,
    trace: [execute, accepts(0), recipient("failed", 1), sender("started"), sender("completed"), recipient("delivered", 0)],
  },
];

/** Forty faults, fixed before any suite that hunts them was run. */
export const faults: readonly Fault[] = [
  ...groupSession.map((fault) => ({ machine: "group-session" as const, ...fault })),
  ...groupFileTransfer.map((fault) => ({ machine: "group-file-transfer" as const, ...fault })),
  ...largeMessage.map((fault) => ({ machine: "large-message" as const, ...fault })),
];
