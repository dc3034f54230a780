/** What is explored, and within which bounds. */
import type { GroupSessionInput } from "../../machines/group-session.ts";
import type { Seat } from "../../machines/terms.ts";
import type { Act } from "./client-machine.ts";
import type { Budget, Scenario } from "./composition.ts";
import type { Policy, Stimulus } from "./controlling-function.ts";
import type { Dialog } from "./wiring.ts";

const group: GroupSessionInput = {
  maxGroupSize: 4,
  minParticipants: 2,
  maxDevices: 1,
  maxTransfers: 1,
  addRole: "anyone",
  removeRole: "creator",
  anonymity: "refuse",
  inactiveGroup: "notFound",
  closed: false,
  longLived: false,
};
export const policy: Policy = {
  group,
  transfer: { groupFileTransfer: "supported", senderNotConnected: "refuse", maxFileOctets: 1 },
  message: { answerSender: "firstAccept", wrappedTypes: "acceptTypes" },
};

const seats = (count: number, from = 0) => Array.from({ length: count }, (_, index) => from + index);

interface Chat extends Partial<Scenario> {
  readonly name: string;
  readonly participants: number;
  /** What everybody may do who creates the group or is called. */
  readonly acts: readonly Act[];
  /** Dialogs that one user may have, one after the other or at once. */
  readonly places?: number;
  /** Users who are not invited when the group is created. */
  readonly strangers?: number;
  readonly group?: Partial<GroupSessionInput>;
}

const begins: readonly Act[] = ["create", "cancel"];

/** A chat: one creates the group and invites the others. */
export function chat({ participants, acts, places = 1, strangers = 0, group: made, budgets = [], ...rest }: Chat): Scenario {
  const isCreators = (seat: Seat, place: number) => seat === 0 && place === 0;
  return {
    policy: { ...policy, group: { ...group, maxGroupSize: participants + strangers, ...made } },
    dialogs: seats(participants + strangers).flatMap((seat) =>
      seats(places).map((place): Dialog => ({ kind: "chat", seat, place, acts: acts.filter((act) => isCreators(seat, place) || !begins.includes(act)) })),
    ),
    invited: participants - 1,
    timers: ["ringMs", "cancelMs", "noAckMs", "bindMs"],
    operator: ["end"],
    budgets: [{ of: ["create"], count: 1 }, ...budgets],
    capacity: 4,
    alike: seats(participants - 1, 1),
    ...rest,
  };
}

/** A group in which everybody is connected, bound and confirmed: nothing of it moves any more. */
const onGoing = (participants: number): readonly Stimulus[] => [
  { on: "group", event: { type: "sip.INVITE.create", recipients: participants - 1, anonymous: false }, device: 0 },
  { on: "leg 0.0", event: { type: "sip.ACK" } },
  ...seats(participants - 1, 1).map((seat) => ({ on: `leg ${seat}.0`, event: { type: "sip.accepted" } })),
  ...seats(participants).map((seat) => ({ on: `leg ${seat}.0`, event: { type: "msrp.bound" } })),
];

const sends: readonly Act[] = ["offer", "cancel", "begin", "finish", "abort", "leave"];
const receives: readonly Act[] = ["ring", "accept", "acceptOtherTypes", "decline", "bind", "reject"];

interface Transfer extends Partial<Scenario> {
  readonly name: string;
  readonly receivers: number;
  readonly sends?: readonly Act[];
  readonly receives?: readonly Act[];
  readonly message?: Partial<Policy["message"]>;
}

const fileDialogs = (receivers: number, sender: readonly Act[], recipient: readonly Act[]): Dialog[] => [
  { kind: "sender", seat: 0, place: 0, acts: sender },
  ...seats(receivers, 1).map((seat): Dialog => ({ kind: "recipient", seat, place: 0, acts: recipient })),
];

/** A file to all others of an on-going group that does nothing else. */
export function transfer({ receivers, sends: sender = sends, receives: recipient = receives, message, budgets = [], ...rest }: Transfer): Scenario {
  return {
    policy: { ...policy, group: { ...group, maxGroupSize: receivers + 1 }, message: { ...policy.message, ...message } },
    dialogs: fileDialogs(receivers, sender, recipient),
    invited: receivers,
    prelude: onGoing(receivers + 1),
    timers: ["ringMs", "cancelMs", "noAckMs", "bindMs", "senderByeMs"],
    operator: [],
    budgets: [{ of: ["offer"], count: 1 }, ...budgets],
    capacity: 4,
    alike: seats(receivers, 1),
    ...rest,
  };
}

/** A chat in which the creator sends a file. */
export function chatWithFile({ participants, name, acts, sends: sender, receives: recipient, budgets = [], ...rest }: Chat & { readonly sends: readonly Act[]; readonly receives: readonly Act[] }): Scenario {
  const talk = chat({ participants, name, acts });
  return { ...talk, dialogs: [...talk.dialogs, ...fileDialogs(participants - 1, sender, recipient)], timers: [...talk.timers, "senderByeMs"], budgets: [...talk.budgets, { of: ["offer"], count: 1 }, ...budgets], ...rest };
}
