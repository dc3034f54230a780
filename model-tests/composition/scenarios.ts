/** What is explored, and within which bounds. */
import type { GroupSessionInput } from "../../machines/group-session.ts";
import type { TimerName } from "../../machines/policies.ts";
import type { Seat } from "../../machines/terms.ts";
import type { Act } from "./client-machine.ts";
import type { Budget, Mishap, Scenario } from "./composition.ts";
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
export function chatWithFile({ participants, name, acts, places = 1, group: made = {}, sends: sender, receives: recipient, budgets = [], ...rest }: Chat & { readonly sends: readonly Act[]; readonly receives: readonly Act[] }): Scenario {
  const talk = chat({ participants, name, acts, places, group: made });
  return { ...talk, dialogs: [...talk.dialogs, ...fileDialogs(participants - 1, sender, recipient)], timers: [...talk.timers, "senderByeMs"], budgets: [...talk.budgets, { of: ["offer"], count: 1 }, ...budgets], ...rest };
}

// ---------------------------------------------------------------- those that are explored

const core: readonly Act[] = ["create", "ring", "accept", "decline", "leave"];
const dialogTimers: readonly TimerName[] = ["ringMs", "cancelMs", "noAckMs", "bindMs"];
const sessionTimers: readonly TimerName[] = ["sessionRefreshMs", "sessionExpiresMs", "glareMs"];

/** How large a scenario is: those that are `large` are explored when there is time for them. */
export interface Explored extends Scenario {
  readonly isLarge?: true;
  /** One of those that show what many do: tested in a file of their own, beside the others. */
  readonly isOfMany?: true;
}

const made: readonly Explored[] = [
  // What many do.
  { ...chat({ name: "a chat of four", participants: 4, acts: core, timers: ["ringMs", "cancelMs", "noAckMs"] }), isOfMany: true },
  { ...transfer({ name: "a file to three", receivers: 3, sends: ["offer", "cancel", "begin", "finish", "abort"], receives: ["accept", "decline", "bind", "reject"] }), isOfMany: true },
  {
    ...chatWithFile({
      name: "a chat of two and a file",
      participants: 2,
      acts: core,
      sends: ["offer", "cancel", "begin", "finish", "abort"],
      receives: ["accept", "decline", "bind", "reject"],
    }),
    isOfMany: true,
  },

  // A chat of few, and what else they do.
  chat({ name: "a chat of two", participants: 2, acts: core }),
  chat({ name: "a chat of two with a message", participants: 2, acts: [...core, "bind", "write"], budgets: [{ of: ["write"], count: 1 }], timers: ["cancelMs", "noAckMs"] }),
  chat({ name: "a chat of three", participants: 3, acts: core }),
  chat({ name: "a chat of two: every refusal, CANCEL and lost connections", participants: 2, acts: [...core, "cancel", "busy", "refuse", "bind", "drop", "close"] }),
  chat({ name: "a chat of two: re-INVITE from both sides", participants: 2, acts: ["create", "accept", "leave", "update", "bind"], timers: [...dialogTimers, ...sessionTimers] }),
  chat({
    name: "a chat of two, long-lived: messages, silence, and who is away is called again",
    participants: 2,
    places: 2,
    acts: [...core, "busy", "bind", "write", "drop"],
    budgets: [{ of: ["write"], count: 1 }, { of: ["drop", "busy"], count: 1 }],
    timers: ["ringMs", "cancelMs", "noAckMs", "inactivityMs", "lifetimeMs", "reinviteMs"],
    group: { longLived: true },
  }),
  chat({
    name: "a chat of two, long-lived: who comes back",
    participants: 2,
    places: 2,
    acts: [...core, "busy", "drop", "join"],
    budgets: [{ of: ["join"], count: 1 }, { of: ["drop", "busy"], count: 1 }],
    timers: ["ringMs", "cancelMs", "noAckMs", "inactivityMs", "lifetimeMs"],
    group: { longLived: true },
  }),
  chat({ name: "a chat of three with messages", participants: 3, acts: ["create", "accept", "leave", "bind", "write"], budgets: [{ of: ["write"], count: 1 }], timers: ["cancelMs", "noAckMs"] }),
  chat({ name: "a group of two that adds and removes", participants: 2, strangers: 1, alike: [], acts: ["create", "accept", "decline", "leave", "add", "remove"], budgets: [{ of: ["add"], count: 1 }, { of: ["remove"], count: 1 }], group: { removeRole: "anyone" } }),
  chat({ name: "a closed group of two that adds and removes", participants: 2, strangers: 1, alike: [], acts: [...core, "add", "remove"], budgets: [{ of: ["add", "remove"], count: 2 }], group: { closed: true, removeRole: "anyone" } }),

  // A bad network, and timers that do not wait.
  chat({ name: "a chat of two: two messages are lost", participants: 2, acts: core, mishaps: ["loss"], budgets: [{ of: ["loss"], count: 2 }], capacity: 6 }),
  chat({ name: "a chat of two: two messages come twice", participants: 2, acts: core, mishaps: ["duplication"], budgets: [{ of: ["duplication"], count: 2 }], capacity: 6 }),
  chat({ name: "a chat of two: two messages overtake others", participants: 2, acts: core, mishaps: ["overtaking"], budgets: [{ of: ["overtaking"], count: 2 }] }),
  chat({
    name: "a chat of two: one message is lost, overtakes or comes twice, while sessions are refreshed",
    participants: 2,
    acts: ["create", "accept", "leave", "update"],
    mishaps: ["loss", "overtaking", "duplication"],
    budgets: [{ of: ["loss", "overtaking", "duplication"], count: 1 }],
    timers: ["ringMs", "cancelMs", "noAckMs", ...sessionTimers],
    capacity: 6,
  }),
  chat({ name: "a chat of two: timers shorter than a message is under way", participants: 2, acts: [...core, "bind"], hasty: ["cancelMs", "noAckMs", "bindMs"] }),

  // A file, by every policy.
  ...(["early", "firstAccept", "allAnswered"] as const).map((answerSender) => transfer({ name: `a file to two: the sender is answered ${answerSender}`, receivers: 2, message: { answerSender } })),
  ...(["exclude", "sendAnyway", "sendUnwrapped", "rejectAll"] as const).map((wrappedTypes) =>
    transfer({ name: `a file to two: who does not indicate the types, ${wrappedTypes}`, receivers: 2, message: { wrappedTypes }, receives: ["accept", "acceptUnwrapped", "acceptOtherTypes", "bind"], timers: dialogTimers, sends: ["offer", "begin", "finish", "leave"] }),
  ),
  transfer({ name: "a file to one", receivers: 1 }),
  transfer({ name: "a file to one: whatever its two ends do, and the server stops", receivers: 1, sends: [...sends, "spoil", "close", "drop", "update"], receives: [...receives, "busy", "refuse", "close", "drop", "update"], operator: ["shutdown"] }),
  transfer({ name: "a file to one: re-INVITE from both sides", receivers: 1, sends: ["offer", "begin", "finish", "leave", "update"], receives: ["accept", "bind", "update"], timers: [...dialogTimers, "senderByeMs", ...sessionTimers] }),
  transfer({ name: "a file to one: two messages are lost", receivers: 1, receives: [...receives, "drop"], mishaps: ["loss"], budgets: [{ of: ["loss"], count: 2 }], timers: [...dialogTimers, "senderByeMs", "sessionExpiresMs"] }),
  transfer({ name: "a file to one: two messages overtake others", receivers: 1, mishaps: ["overtaking"], budgets: [{ of: ["overtaking"], count: 2 }] }),
  transfer({ name: "a file to one: timers shorter than a message is under way", receivers: 1, hasty: ["cancelMs", "noAckMs", "bindMs", "senderByeMs"] }),
  { ...transfer({ name: "a file where files are not supported", receivers: 1 }), policy: { ...policy, transfer: { ...policy.transfer, groupFileTransfer: "notSupported" } } },

  // When there is time.
  { ...chat({ name: "a chat of four: one rings, leaves, is busy or asks for more", participants: 4, acts: ["create", "ring", "accept", "decline", "leave", "drop", "busy", "update"], budgets: [{ of: ["ring", "drop", "busy", "update"], count: 1 }], timers: ["ringMs", "cancelMs", "noAckMs"] }), isLarge: true },
  { ...transfer({ name: "a file to three, one of whom may not take its type", receivers: 3, sends: ["offer", "cancel", "begin", "finish", "abort"], receives: ["accept", "acceptOtherTypes", "decline", "bind", "reject"] }), isLarge: true },
];

export const scenarios: ReadonlyMap<string, Explored> = new Map(made.map((scenario) => [scenario.name, scenario]));

/** Far more than can be looked at: eight participants with two dialogs each, whatever they can do, and a file. */
export function everythingOf(participants: number, mishaps: readonly Mishap[]): Scenario {
  const talks: readonly Act[] = [...core, "cancel", "busy", "refuse", "drop", "update", "bind", "write", "close", "join", "add", "remove"];
  return {
    ...chatWithFile({
      name: `everything that ${participants} participants can do${mishaps.length > 0 ? " on a bad network" : ""}`,
      participants,
      places: 2,
      acts: talks,
      sends: [...sends, "spoil", "close", "drop", "update"],
      receives: [...receives, "acceptUnwrapped", "busy", "refuse", "close", "drop", "update"],
      group: { longLived: true, removeRole: "anyone" },
    }),
    timers: [...dialogTimers, ...sessionTimers, "senderByeMs", "inactivityMs", "lifetimeMs", "reinviteMs"],
    operator: ["end", "shutdown"],
    budgets: [{ of: ["create"], count: 1 }],
    capacity: 12,
    mishaps,
    alike: [],
  };
}

/** The bounds of a scenario in words. */
export function boundsOf({ dialogs, budgets, timers, operator, capacity, mishaps = [], alike = [], hasty = [], prelude, policy: { group: made } }: Scenario): string {
  const users = new Set(dialogs.map(({ seat }) => seat)).size;
  const acts = new Set(dialogs.flatMap(({ acts: each }) => each));
  return [
    `${users} users, ${dialogs.length} dialogs${prelude ? " beside a group that stays as it is" : ""}`,
    `acts: ${[...acts].join(", ")}`,
    ...budgets.map(({ of, count }) => `at most ${count} of ${of.join(", ")}`),
    `timers: ${timers.map((timer) => (hasty.includes(timer) ? `${timer} at any time` : timer)).join(", ") || "none"}`,
    ...(operator.length > 0 ? [`operator: ${operator.join(", ")}`] : []),
    ...(mishaps.length > 0 ? [`network: ${mishaps.join(", ")}`] : []),
    ...(made.longLived ? ["long-lived"] : []),
    ...(made.closed ? ["closed"] : []),
    `${capacity} messages a way`,
    ...(alike.length > 1 ? [`${alike.length} users folded`] : []),
  ].join("; ");
}
