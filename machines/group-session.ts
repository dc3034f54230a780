/**
 * The focus: one CPM Group Session, from its creation to its end.
 *
 * It owns the roster and decides who may speak, join, add and remove. What happens on one dialog is `group-participant`'s,
 * what happens to a file `group-file-transfer`'s.
 *
 * Regions: `recall` invites absent members when somebody writes, `membership` answers requests and messages, `activity`
 * watches for silence. `recall` comes first, so that the message that recalls a member is also kept for it.
 *
 * @see CPM-CONV §9.2, RFC 4579 §5, RFC 7701 §6
 */
import { and, assign, not, setup } from "xstate";
import type { Grounds } from "./clauses.ts";
import { effects } from "./effects.ts";
import type { CreateInvite, FileTransferInvite, GroupMessage, GroupSessionEvent, JoinInvite, ParticipantEvent, ReferAdd, ReferRemove } from "./events.ts";
import { delays, type Policies } from "./policies.ts";
import type { Seat, SeatState, SeatStatus, Sender } from "./terms.ts";

/** What a group is made with: the policies of that moment, and what the creator asked for. */
export type GroupSessionInput = Pick<
  Policies,
  "maxGroupSize" | "minParticipants" | "maxDevices" | "maxTransfers" | "addRole" | "removeRole" | "anonymity" | "inactiveGroup"
> & {
  /** The membership is fixed at creation. @see CPM-CR §4.2 */
  readonly closed: boolean;
  /** The group survives when nobody is connected. @see CPM-CR §4.2 */
  readonly longLived: boolean;
};

interface Context {
  readonly made: GroupSessionInput;
  readonly seats: readonly SeatState[];
  /** File transfers that have not ended. */
  readonly transfers: number;
}

interface At {
  readonly context: Context;
  readonly event: GroupSessionEvent;
}

// ---------------------------------------------------------------- what the roster says

const isMember = ({ status }: SeatState) => status === "invited" || status === "connected" || status === "away";
const isThere = ({ status }: SeatState) => status === "connected" || status === "invited";
const seatOf = ({ seats }: Context, from: Sender) => (from === "stranger" ? undefined : seats[from]);
const seatsWhere = ({ seats }: Context, holds: (state: SeatState, seat: Seat) => boolean): Seat[] => {
  const found: Seat[] = [];
  for (let seat = 0; seat < seats.length; seat++) if (holds(seats[seat]!, seat)) found.push(seat);
  return found;
};

/** Stands for somebody who has no seat. */
const gone: SeatState = { status: "left", legs: 0 };

const sender = ({ context, event }: At) => seatOf(context, (event as JoinInvite).from);
const subject = ({ context, event }: At) => context.seats[(event as ParticipantEvent).seat];

/** There may be a dialog more: those that still end do not keep a user out, and do not let anybody pile up more. */
const hasLegLeft = ({ made }: Context, { legs }: SeatState) => legs <= made.maxDevices;

/** Seats that a REFER brings back: known, and not there now. */
const returning = ({ context, event }: At) => (event as ReferAdd).seats.filter((seat) => !isThere(context.seats[seat]!) && hasLegLeft(context, context.seats[seat]!));

/** Seats whose users have gone for good, and which may be given to somebody else: not the creator's, which is the chair. */
const vacant = ({ context, event }: At, ...statuses: SeatStatus[]) =>
  seatsWhere(context, ({ status, legs }, seat) => seat > 0 && legs === 0 && statuses.includes(status) && !(event as ReferAdd).seats.includes(seat));

/** The seats that strangers get: vacant ones first, then new ones; those of who was removed come last, so that it is remembered, and takes no room. */
const newcomers = (at: At) => {
  const { seats, made } = at.context;
  const fresh = Array.from({ length: Math.max(0, made.maxGroupSize - seats.length) }, (_, index) => seats.length + index);
  return [...vacant(at, "left", "declined", "failed"), ...fresh, ...vacant(at, "removed")].slice(0, (at.event as ReferAdd).strangers);
};

// ---------------------------------------------------------------- params of effects

const fromSeat = ({ event }: At) => ({ seat: (event as JoinInvite).from as Seat });
const creatorSeat = () => ({ seat: 0 });
const invitedSeats = ({ context }: At) => ({ seats: seatsWhere(context, (_, seat) => seat > 0) });
const awaySeats = ({ context }: At) => ({ seats: seatsWhere(context, (state) => state.status === "away" && hasLegLeft(context, state)) });
const addedSeats = (at: At) => ({ seats: [...returning(at), ...newcomers(at)] });
const senderAwaySeat = ({ event }: At) => ({ seats: [(event as { seat: Seat }).seat] });
const targetSeat = ({ event }: At) => ({ seats: [(event as ReferRemove).target as Seat] });
const bootedSeat = ({ event }: At) => ({ seats: [(event as ReferRemove).target as Seat], reason: "booted" as const });
const leaverSeat = ({ event }: At) => ({ seats: [(event as ParticipantEvent).seat] });
const leaverDevices = ({ event }: At) => ({ seats: [(event as ParticipantEvent).seat], reason: "completed" as const });
const everybodyGone = ({ context }: At) => ({ seats: seatsWhere(context, ({ legs }) => legs > 0), reason: "gone" as const });
const everybodyIdle = ({ context }: At) => ({ seats: seatsWhere(context, ({ legs }) => legs > 0), reason: "idle" as const });
/** What is said is kept for who is being invited; that somebody is typing is of the moment. */
const theOthers = ({ context, event }: At) => {
  const { from, content } = event as GroupMessage;
  return { to: seatsWhere(context, (state, seat) => seat !== from && (content === "composing" ? state.status === "connected" : isThere(state))) };
};
const originalSender = ({ event }: At) => ({ to: [(event as GroupMessage).to as Seat] });

/** Connected Participants except the sender: the text takes them from the session, not from the request. */
const connectedRecipients = ({ context, event }: At) => ({
  sender: standing(context, (event as FileTransferInvite).from),
  capacity: hasRoom(context) ? ("free" as const) : ("exhausted" as const),
  recipients: seatsWhere(context, ({ status }, seat) => status === "connected" && seat !== (event as FileTransferInvite).from),
});

/** A group that is woken has nobody connected: every member is a recipient, and the sender counts as there. */
const memberRecipients = ({ context, event }: At) => ({
  sender: standing(context, (event as FileTransferInvite).from) === "stranger" ? ("stranger" as const) : ("connected" as const),
  capacity: hasRoom(context) ? ("free" as const) : ("exhausted" as const),
  recipients: seatsWhere(context, (state, seat) => isMember(state) && seat !== (event as FileTransferInvite).from),
});

const hasRoom = ({ transfers, made }: Context) => transfers < made.maxTransfers;

function standing(context: Context, from: Sender): "connected" | "away" | "stranger" {
  const state = seatOf(context, from);
  if (state === undefined || !isMember(state)) return "stranger";
  return state.status === "connected" ? "connected" : "away";
}

// ---------------------------------------------------------------- changes of the roster

const changed = (seats: readonly SeatState[], at: readonly Seat[], change: (state: SeatState) => SeatState): readonly SeatState[] =>
  seats.map((state, seat) => (at.includes(seat) ? change(state) : state));

const oneLegMore = (status: SeatStatus) => (state: SeatState) => ({ status, legs: state.legs + 1 });
const oneLegLess = (status?: SeatStatus) => (state: SeatState) => ({ status: status ?? state.status, legs: Math.max(0, state.legs - 1) });
const endOfLeg = ({ context, event }: At, status?: SeatStatus) => ({
  seats: changed(context.seats, [(event as ParticipantEvent).seat], oneLegLess(status)),
});

const unauthorised = { type: "answer", params: { status: 403, warning: "serviceNotAuthorised" } } as const;
const notAllowed = { type: "answer", params: { status: 403, warning: "functionNotAllowed" } } as const;
const tooMany = { type: "answer", params: { status: 486, warning: "tooManyParticipants" } } as const;
/** Not 102: it is no Participant more. */
const busy = { type: "answer", params: { status: 486 } } as const;

const strangerGrounds: Grounds = { decides: "only members who are connected ask the focus for others, and only members come in: 403 127", beside: ["CPM-CONV §9.2", "RFC 3261 §21.4.4"] };
const legEnds: Grounds = { decides: "one dialog less; the user is still there on another, was away already, or is not a member any more", beside: ["CPM-CONV §9.2"] };

export const groupSession = setup({
  types: {} as { context: Context; events: GroupSessionEvent; meta: Grounds; input: GroupSessionInput },
  guards: {
    // creation
    anonymityNotAllowed: ({ context, event }) => (event as CreateInvite).anonymous && context.made.anonymity === "refuse",
    noDestinations: ({ event }) => (event as CreateInvite).recipients === 0,
    tooManyParticipants: ({ context, event }) => (event as CreateInvite).recipients + 1 > context.made.maxGroupSize,
    // who asks
    fromMember: (at) => isMember(sender(at) ?? gone),
    fromConnected: (at) => sender(at)?.status === "connected",
    tooManyDevices: ({ context, event }) => (sender({ context, event })?.legs ?? 0) >= context.made.maxDevices,
    replacesDialog: (at) => (at.event as JoinInvite).device === "known" || sender(at)?.status === "invited",
    hasReplaced: ({ context, event }) => (sender({ context, event })?.legs ?? 0) > context.made.maxDevices,
    // adding and removing
    closed: ({ context }) => context.made.closed,
    mayAdd: ({ context, event }) => context.made.addRole === "anyone" || (event as ReferAdd).from === 0,
    mayRemove: ({ context, event }) => context.made.removeRole === "anyone" || (event as ReferRemove).from === 0,
    namesRemoved: ({ context, event }) => (event as ReferAdd).seats.some((seat) => context.seats[seat]!.status === "removed"),
    noRoom: (at) => newcomers(at).length < (at.event as ReferAdd).strangers,
    bringsSomebody: (at) => returning(at).length + (at.event as ReferAdd).strangers > 0,
    targetIsMember: ({ context, event }) => isMember(seatOf(context, (event as ReferRemove).target) ?? gone),
    // messages
    isCpim: ({ event }) => (event as GroupMessage).content !== "notCpim",
    claimsSelf: ({ event }) => (event as GroupMessage).claims === "self",
    toSeveral: ({ event }) => (event as GroupMessage).to === "several",
    toNobodyKnown: ({ event }) => (event as GroupMessage).to === "unknown",
    toOneParticipant: ({ event }) => typeof (event as GroupMessage).to === "number",
    isNotification: ({ event }) => (event as GroupMessage).content === "imdn",
    isChat: ({ event }) => (event as GroupMessage).content === "chat",
    toGroup: ({ event }) => (event as GroupMessage).to === "group",
    toSomebodyThere: ({ context, event }) => isThere(context.seats[(event as GroupMessage).to as Seat] ?? gone),
    someAway: (at) => awaySeats(at).seats.length > 0,
    // dialogs that end
    wasConnected: (at) => subject(at)?.status === "connected",
    wasThere: (at) => isThere(subject(at) ?? gone),
    wasInvited: (at) => subject(at)?.status === "invited",
    absent: (at) => subject(at)?.status === "away" && hasLegLeft(at.context, subject(at)!),
    ofMember: (at) => isMember(subject(at) ?? gone),
    keepsAbsent: ({ context }) => context.made.longLived,
    onOtherDevice: (at) => (subject(at)?.legs ?? 0) > 1,
    // the whole
    someInvitedConnected: ({ context }) => context.seats.some(({ status }, seat) => seat > 0 && status === "connected"),
    nobodyInvited: ({ context }) => !context.seats.some(({ status }) => status === "invited"),
    tooFewMembers: ({ context }) => context.seats.length > 0 && context.seats.filter(isMember).length < context.made.minParticipants,
    noLegs: ({ context }) => context.seats.every(({ legs }) => legs === 0),
    longLived: ({ context }) => context.made.longLived,
    transferring: ({ context }) => context.transfers > 0,
    roomForTransfer: ({ context }) => hasRoom(context),
    inactiveNotFound: ({ context }) => context.made.inactiveGroup === "notFound",
    inactiveUnavailable: ({ context }) => context.made.inactiveGroup === "unavailable",
  },
  actions: {
    seatEverybody: assign(({ event }) => ({
      seats: Array.from({ length: (event as CreateInvite).recipients + 1 }, (_, seat): SeatState => ({ status: seat === 0 ? "away" : "invited", legs: 1 })),
    })),
    takeLeg: assign(({ context, event }) => ({
      seats: changed(context.seats, [(event as JoinInvite).from as Seat], ({ status, legs }) => ({ status, legs: legs + 1 })),
    })),
    seatAdded: assign((at) => {
      const added = [...returning(at), ...newcomers(at)];
      const seats = Array.from({ length: Math.max(at.context.seats.length, ...added.map((seat) => seat + 1)) }, (_, seat) => at.context.seats[seat] ?? gone);
      return { seats: changed(seats, added, oneLegMore("invited")) };
    }),
    seatRecalled: assign((at) => ({ seats: changed(at.context.seats, awaySeats(at).seats, oneLegMore("invited")) })),
    seatSenderRecalled: assign((at) => ({ seats: changed(at.context.seats, senderAwaySeat(at).seats, oneLegMore("invited")) })),
    seatConnected: assign(({ context, event }) => ({
      seats: changed(context.seats, [(event as ParticipantEvent).seat], ({ legs }) => ({ status: "connected", legs })),
    })),
    seatRemoved: assign(({ context, event }) => ({
      seats: changed(context.seats, [(event as ReferRemove).target as Seat], ({ legs }) => ({ status: "removed", legs })),
    })),
    seatLeft: assign((at) => endOfLeg(at, "left")),
    seatAway: assign((at) => endOfLeg(at, "away")),
    seatDeclined: assign((at) => endOfLeg(at, "declined")),
    seatFailed: assign((at) => endOfLeg(at, "failed")),
    dropLeg: assign((at) => endOfLeg(at)),
    everybodyAway: assign(({ context }) => ({ seats: context.seats.map((state) => (isMember(state) ? { ...state, status: "away" as const } : state)) })),
    countTransfer: assign(({ context }) => ({ transfers: context.transfers + 1 })),
    uncountTransfer: assign(({ context }) => ({ transfers: Math.max(0, context.transfers - 1) })),
    ...effects(
      "answer",
      "answerMsrp",
      "admit",
      "invite",
      "release",
      "replace",
      "relay",
      "startSubscription",
      "notify",
      "expelSubscribers",
      "endSubscriptions",
      "startFileTransfer",
    ),
  },
  delays: delays("inactivityMs", "lifetimeMs", "reinviteMs"),
}).createMachine({
  id: "group-session",
  context: ({ input }) => ({ made: input, seats: [], transfers: 0 }),
  initial: "new",
  states: {
    new: {
      meta: { decides: "a group exists from its creation INVITE on", beside: ["CPM-CONV §9.2", "RFC 5366 §5"] },
      on: {
        "sip.INVITE.create": [
          {
            guard: "anonymityNotAllowed",
            target: "refused",
            actions: { type: "answer", params: { status: 403, warning: "anonymityNotAllowed" } },
            meta: { decides: "403 119: a group shows who is in it, unless policy allows otherwise", beside: ["CPM-CONV §9.1.2", "RFC 3325 §9.3"] },
          },
          {
            guard: "noDestinations",
            target: "refused",
            actions: { type: "answer", params: { status: 403, warning: "noDestinations" } },
            meta: { decides: "403 129 for a list without a recipient", beside: ["CPM-CONV §9.1.2", "RFC 5366 §5"] },
          },
          {
            guard: "tooManyParticipants",
            target: "refused",
            actions: tooMany,
            meta: { decides: "486 102 above the size that policy allows", beside: ["CPM-CONV §9.1.2", "RFC 5363 §7"] },
          },
          {
            target: "open",
            actions: ["seatEverybody", { type: "admit", params: creatorSeat }, { type: "invite", params: invitedSeats }],
            meta: { cites: ["RFC 5366 §5"] },
          },
        ],
      },
    },
    refused: { type: "final", meta: { decides: "nothing of the group remains", beside: ["CPM-CONV §9.2"] } },
    open: {
      type: "parallel",
      meta: { cites: ["RFC 4579 §5"] },
      on: {
        "admin.end": {
          target: "closing",
          actions: { type: "release", params: everybodyGone },
          meta: { decides: "the operator ends the group: 410", beside: ["CPM-CONV §9.2"] },
        },
        "admin.shutdown": {
          target: "closing",
          actions: { type: "release", params: everybodyIdle },
          meta: { decides: "the server stops: a BYE without 410, so that clients may come back", beside: ["CPM-CONV §9.2"] },
        },
      },
      states: {
        recall: {
          initial: "ready",
          meta: { cites: ["CPM-CR §4.2"] },
          states: {
            ready: {
              meta: { decides: "a message recalls absent members at once", beside: ["CPM-CR §4.2"] },
              on: {
                "msrp.SEND": {
                  guard: and(["isChat", "claimsSelf", "toGroup", "fromConnected", "someAway"]),
                  target: "waiting",
                  actions: [{ type: "invite", params: awaySeats }, "seatRecalled", "notify"],
                  meta: { decides: "members who are away are invited again when somebody writes", beside: ["CPM-CR §4.2", "CPM-CONV §9.2"] },
                },
              },
            },
            waiting: {
              meta: { decides: "and not again before reinviteMs", beside: ["CPM-CR §4.2"] },
              after: { reinviteMs: { target: "ready", meta: { decides: "absent members may be tried again", beside: ["CPM-CR §4.2"] } } },
            },
          },
        },
        membership: {
          initial: "creating",
          meta: { cites: ["RFC 4579 §5"] },
          always: [
            {
              guard: "tooFewMembers",
              target: "#group-session.closing",
              actions: { type: "release", params: everybodyGone },
              meta: { decides: "below minParticipants members the group ends: BYE 410 Gone to the rest", beside: ["CPM-CONV §9.2"] },
            },
            {
              guard: and(["noLegs", "longLived"]),
              target: "#group-session.idle",
              meta: { cites: ["CPM-CR §4.2"] },
            },
            {
              guard: "noLegs",
              target: "#group-session.closing",
              meta: { decides: "a group that is not long-lived ends with its last dialog", beside: ["CPM-CR §4.2"] },
            },
          ],
          on: {
            "sip.INVITE.join": [
              { guard: not("fromMember"), actions: unauthorised, meta: strangerGrounds },
              {
                guard: and(["replacesDialog", not("hasReplaced")]),
                actions: [{ type: "admit", params: fromSeat }, { type: "replace", params: fromSeat }, "takeLeg"],
                meta: { decides: "the newer dialog with a device replaces the older, and a user who joins needs no invitation", beside: ["CPM-CONV §9.2"] },
              },
              {
                guard: "tooManyDevices",
                actions: busy,
                meta: { decides: "486 above maxDevices", beside: ["CPM-CONV §9.2", "RFC 3261 §21.4.24"] },
              },
              {
                actions: [{ type: "admit", params: fromSeat }, "takeLeg"],
                meta: { cites: ["RFC 4579 §5.1"] },
              },
            ],
            "sip.REFER.add": [
              { guard: not("fromConnected"), actions: unauthorised, meta: strangerGrounds },
              { guard: "closed", actions: notAllowed, meta: { decides: "403 122: nobody is added to a closed group", beside: ["CPM-CR §4.2"] } },
              { guard: not("mayAdd"), actions: unauthorised, meta: { decides: "403 127: policy lets only the creator add", beside: ["RFC 4579 §5.5"] } },
              { guard: "namesRemoved", actions: unauthorised, meta: { decides: "403 127: who was removed stays out", beside: ["CPM-CONV §9.2"] } },
              { guard: "noRoom", actions: tooMany, meta: { decides: "486 102: the group is full", beside: ["CPM-CONV §9.2", "RFC 5363 §7"] } },
              {
                guard: "bringsSomebody",
                actions: [{ type: "answer", params: { status: 202 } }, { type: "invite", params: addedSeats }, "seatAdded", "notify"],
                meta: { cites: ["RFC 4579 §5.5", "RFC 3515 §2.4.2"] },
              },
              {
                actions: { type: "answer", params: { status: 202 } },
                meta: { decides: "everybody named is here already, or has dialogs enough that still end: accepted, and nothing to do", beside: ["RFC 3515 §2.4.2"] },
              },
            ],
            "sip.REFER.remove": [
              { guard: not("fromConnected"), actions: unauthorised, meta: strangerGrounds },
              { guard: not("mayRemove"), actions: unauthorised, meta: { decides: "403 127: policy lets only the creator remove", beside: ["RFC 4579 §5.11"] } },
              {
                guard: not("targetIsMember"),
                actions: { type: "answer", params: { status: 404 } },
                meta: { decides: "404: nobody of that name is in the group", beside: ["RFC 4579 §5.11"] },
              },
              {
                actions: [
                  { type: "answer", params: { status: 202 } },
                  "seatRemoved",
                  { type: "release", params: bootedSeat },
                  { type: "expelSubscribers", params: targetSeat },
                  "notify",
                ],
                meta: { cites: ["RFC 4579 §5.11"] },
              },
            ],
            "admin.remove": {
              guard: "targetIsMember",
              actions: ["seatRemoved", { type: "release", params: bootedSeat }, { type: "expelSubscribers", params: targetSeat }, "notify"],
              meta: { decides: "the operator removes a member as a REFER does, and asks no policy", beside: ["RFC 4579 §5.11"] },
            },
            "sip.SUBSCRIBE": [
              { guard: "fromMember", actions: { type: "startSubscription", params: fromSeat }, meta: { cites: ["RFC 4575 §3.5"] } },
              { actions: unauthorised, meta: strangerGrounds },
            ],
            "msrp.SEND": [
              { guard: not("fromConnected"), actions: { type: "answerMsrp", params: { status: 481 } }, meta: { cites: ["RFC 4975 §10.8"] } },
              { guard: not("isCpim"), actions: { type: "answerMsrp", params: { status: 415 } }, meta: { cites: ["RFC 7701 §6.1"] } },
              { guard: not("claimsSelf"), actions: { type: "answerMsrp", params: { status: 403 } }, meta: { cites: ["RFC 7701 §6.1"] } },
              { guard: "toSeveral", actions: { type: "answerMsrp", params: { status: 403 } }, meta: { cites: ["RFC 7701 §6.1"] } },
              { guard: "toNobodyKnown", actions: { type: "answerMsrp", params: { status: 404 } }, meta: { cites: ["RFC 7701 §6.2"] } },
              {
                guard: and(["isNotification", "toSomebodyThere"]),
                actions: [{ type: "answerMsrp", params: { status: 200 } }, { type: "relay", params: originalSender }],
                meta: { decides: "a disposition notification goes to the sender of the message alone", beside: ["CPM-CR §4.2", "RFC 5438 §8"] },
              },
              {
                guard: "isNotification",
                actions: { type: "answerMsrp", params: { status: 404 } },
                meta: { decides: "404: who is to be notified is neither connected nor being invited, and nothing is kept for others yet", beside: ["CPM-CR §4.2"] },
              },
              { guard: "toOneParticipant", actions: { type: "answerMsrp", params: { status: 428 } }, meta: { cites: ["RFC 7701 §6.2"] } },
              {
                actions: [{ type: "answerMsrp", params: { status: 200 } }, { type: "relay", params: theOthers }],
                meta: { cites: ["RFC 7701 §6.1"] },
              },
            ],
            "participant.connected": [
              {
                guard: "wasConnected",
                meta: { decides: "one device more of who is connected: the roster tells of users, and says the same", beside: ["RFC 4575 §5.6"] },
              },
              {
                guard: "ofMember",
                actions: ["seatConnected", "notify"],
                meta: { cites: ["RFC 4575 §5.7.3"] },
              },
              {
                actions: { type: "release", params: leaverDevices },
                meta: { decides: "who has left meanwhile is not connected any more", beside: ["CPM-CONV §9.2"] },
              },
            ],
            "participant.left": [
              {
                guard: "ofMember",
                actions: ["seatLeft", { type: "release", params: leaverDevices }, { type: "expelSubscribers", params: leaverSeat }, "notify"],
                meta: { decides: "a BYE that says Call completed is the user's departure, on all devices", beside: ["CPM-CONV §9.2", "RFC 3326 §2"] },
              },
              { actions: "dropLeg", meta: legEnds },
            ],
            "participant.lost": [
              {
                guard: and(["wasThere", not("onOtherDevice")]),
                actions: ["seatAway", "notify"],
                meta: { decides: "going off-line is not leaving: the seat is kept", beside: ["CPM-CR §4.2", "CPM-CONV §9.2"] },
              },
              { actions: "dropLeg", meta: legEnds },
            ],
            "participant.unreachable": [
              {
                guard: and(["wasInvited", not("onOtherDevice"), not("keepsAbsent")]),
                actions: ["seatFailed", { type: "expelSubscribers", params: leaverSeat }, "notify"],
                meta: { decides: "who was invited and cannot be reached is dropped from a group that is not long-lived", beside: ["CPM-CONV §9.2"] },
              },
              {
                guard: and(["wasThere", not("onOtherDevice")]),
                actions: ["seatAway", "notify"],
                meta: { decides: "and stays a member of one that is; who was connected and is lost meanwhile stays in any", beside: ["CPM-CR §4.2", "CPM-CONV §9.2"] },
              },
              { actions: "dropLeg", meta: legEnds },
            ],
            "participant.declined": [
              {
                guard: and(["ofMember", not("onOtherDevice")]),
                actions: ["seatDeclined", { type: "expelSubscribers", params: leaverSeat }, "notify"],
                meta: { decides: "603 is the user's refusal, and a departure when it answers a later invitation", beside: ["CPM-CONV §9.2", "RFC 3261 §21.6.2"] },
              },
              { actions: "dropLeg", meta: legEnds },
            ],
            "participant.failed": [
              {
                guard: and(["ofMember", not("onOtherDevice")]),
                actions: ["seatFailed", { type: "expelSubscribers", params: leaverSeat }, "notify"],
                meta: { decides: "an answer that will not change takes the user off the roster", beside: ["CPM-CONV §9.2"] },
              },
              { actions: "dropLeg", meta: legEnds },
            ],
            "participant.released": [
              { guard: and(["wasThere", not("onOtherDevice")]), actions: ["seatAway", "notify"], meta: { decides: "a member without a dialog is away", beside: ["CPM-CONV §9.2"] } },
              { actions: "dropLeg", meta: legEnds },
            ],
            "transfer.begun": { guard: "roomForTransfer", actions: "countTransfer", meta: { decides: "one transfer more", beside: ["CPM-CR §9.3.1"] } },
            "transfer.ended": { actions: "uncountTransfer", meta: { decides: "one transfer less", beside: ["CPM-CR §9.3.1"] } },
            "transfer.senderAway": {
              guard: "absent",
              actions: [{ type: "invite", params: senderAwaySeat }, "seatSenderRecalled", "notify"],
              meta: { decides: "the sender of a file is brought back when policy says so", beside: ["CPM-CR §9.3.1"] },
            },
          },
          states: {
            creating: {
              meta: { decides: "until somebody who was invited is there, the session is not on-going", beside: ["CPM-CR §9.3.1", "RFC 5366 §5"] },
              always: [
                { guard: "someInvitedConnected", target: "active", meta: { cites: ["RFC 4579 §5"] } },
                {
                  guard: "nobodyInvited",
                  target: "active",
                  meta: { decides: "all invitations are answered and enough members remain: the group is on-going", beside: ["CPM-CR §4.2"] },
                },
              ],
              on: {
                "sip.INVITE.fileTransfer": {
                  actions: { type: "answer", params: { status: 480 } },
                  meta: { decides: "480: not yet an on-going active session", beside: ["CPM-CR §9.3.1"] },
                },
              },
            },
            active: {
              meta: { cites: ["CPM-CR §9.3.1"] },
              on: {
                "sip.INVITE.fileTransfer": {
                  actions: { type: "startFileTransfer", params: connectedRecipients },
                  meta: { cites: ["CPM-CR §9.3.1"] },
                },
              },
            },
          },
        },
        activity: {
          initial: "quiet",
          meta: { decides: "silence ends the dialogs of a group", beside: ["CPM-CR §4.2"] },
          states: {
            quiet: {
              meta: { decides: "the time since the last message or file runs", beside: ["CPM-CR §4.2"] },
              on: {
                "msrp.SEND": {
                  guard: and(["fromConnected", "isCpim", "claimsSelf"]),
                  target: "quiet",
                  reenter: true,
                  meta: { decides: "a message breaks the silence, and one that is refused does not", beside: ["CPM-CR §4.2"] },
                },
                "transfer.ended": { target: "quiet", reenter: true, meta: { decides: "so does a file", beside: ["CPM-CR §4.2"] } },
              },
              after: {
                inactivityMs: [
                  {
                    guard: "transferring",
                    target: "quiet",
                    reenter: true,
                    meta: { decides: "a group that carries a file is not silent", beside: ["CPM-CR §4.2"] },
                  },
                  {
                    guard: "longLived",
                    target: "#group-session.idle",
                    actions: [{ type: "release", params: everybodyIdle }, "notify"],
                    meta: { decides: "BYE without 410 to everybody: the group is kept and may be joined again", beside: ["CPM-CR §4.2", "CPM-CONV §9.2"] },
                  },
                  {
                    target: "#group-session.closing",
                    actions: { type: "release", params: everybodyIdle },
                    meta: { decides: "a group that is not long-lived ends in silence", beside: ["CPM-CONV §9.2"] },
                  },
                ],
              },
            },
          },
        },
      },
    },
    idle: {
      meta: { cites: ["CPM-CR §4.2"] },
      entry: "everybodyAway",
      always: {
        guard: "tooFewMembers",
        target: "closing",
        meta: { decides: "too few members are left to come back to", beside: ["CPM-CONV §9.2"] },
      },
      on: {
        "sip.INVITE.join": [
          { guard: not("fromMember"), actions: unauthorised, meta: strangerGrounds },
          {
            guard: and(["replacesDialog", not("hasReplaced")]),
            target: "#group-session.open.membership.active",
            actions: [{ type: "admit", params: fromSeat }, { type: "replace", params: fromSeat }, "takeLeg"],
            meta: { decides: "a device whose dialog still ends comes back all the same", beside: ["CPM-CR §4.2", "CPM-CONV §9.2"] },
          },
          { guard: "tooManyDevices", actions: busy, meta: { decides: "486 above maxDevices", beside: ["CPM-CONV §9.2", "RFC 3261 §21.4.24"] } },
          {
            target: "#group-session.open.membership.active",
            actions: [{ type: "admit", params: fromSeat }, "takeLeg"],
            meta: { decides: "a member who comes back wakes the group; the others are invited when somebody writes", beside: ["CPM-CR §4.2", "CPM-CONV §9.2"] },
          },
        ],
        "sip.INVITE.fileTransfer": [
          {
            guard: "inactiveNotFound",
            actions: { type: "answer", params: { status: 404 } },
            meta: { decides: "404: not an on-going active session", beside: ["CPM-CR §9.3.1"] },
          },
          {
            guard: "inactiveUnavailable",
            actions: { type: "answer", params: { status: 480 } },
            meta: { decides: "480: not an on-going active session now", beside: ["CPM-CR §9.3.1"] },
          },
          {
            actions: { type: "startFileTransfer", params: memberRecipients },
            meta: { decides: "inactiveGroup=reactivate: 9.3.1 decides as if the group were active, and nobody is rung before it has", beside: ["CPM-CR §9.3.1"] },
          },
        ],
        "transfer.begun": {
          guard: "roomForTransfer",
          target: "#group-session.open.membership.active",
          actions: ["countTransfer", { type: "invite", params: awaySeats }, "seatRecalled", "notify"],
          meta: { decides: "the file wakes the group: every member is invited again and gets it", beside: ["CPM-CR §9.3.1", "CPM-CR §4.2"] },
        },
        "sip.REFER.add": { actions: unauthorised, meta: strangerGrounds },
        "sip.REFER.remove": { actions: unauthorised, meta: strangerGrounds },
        "sip.SUBSCRIBE": [
          { guard: "fromMember", actions: { type: "startSubscription", params: fromSeat }, meta: { cites: ["RFC 4575 §3.5"] } },
          { actions: unauthorised, meta: strangerGrounds },
        ],
        "participant.left": [
          {
            guard: "ofMember",
            actions: ["seatLeft", { type: "expelSubscribers", params: leaverSeat }, "notify"],
            meta: { decides: "a departure that crossed our BYE still counts", beside: ["CPM-CONV §9.2"] },
          },
          { actions: "dropLeg", meta: legEnds },
        ],
        "participant.declined": [
          {
            guard: "ofMember",
            actions: ["seatDeclined", { type: "expelSubscribers", params: leaverSeat }, "notify"],
            meta: { decides: "so does a refusal that crossed our CANCEL", beside: ["CPM-CONV §9.2"] },
          },
          { actions: "dropLeg", meta: legEnds },
        ],
        "participant.failed": [
          {
            guard: "ofMember",
            actions: ["seatFailed", { type: "expelSubscribers", params: leaverSeat }, "notify"],
            meta: { decides: "and any other answer that will not change", beside: ["CPM-CONV §9.2"] },
          },
          { actions: "dropLeg", meta: legEnds },
        ],
        "participant.lost": { actions: "dropLeg", meta: legEnds },
        "participant.unreachable": { actions: "dropLeg", meta: legEnds },
        "participant.released": { actions: "dropLeg", meta: legEnds },
        "transfer.ended": { actions: "uncountTransfer", meta: { decides: "one transfer less", beside: ["CPM-CR §9.3.1"] } },
        "admin.remove": {
          guard: "targetIsMember",
          actions: ["seatRemoved", { type: "expelSubscribers", params: targetSeat }, "notify"],
          meta: { decides: "the operator removes a member who is away: there is no dialog to end", beside: ["RFC 4579 §5.11"] },
        },
        "admin.end": { target: "closing", meta: { decides: "the operator ends the group", beside: ["CPM-CONV §9.2"] } },
        "admin.shutdown": { target: "closing", meta: { decides: "the server stops", beside: ["CPM-CONV §9.2"] } },
      },
      after: { lifetimeMs: { target: "closing", meta: { decides: "nobody came back for lifetimeMs", beside: ["CPM-CR §4.2"] } } },
    },
    closing: {
      meta: { decides: "every dialog and subscription ends; nothing new begins", beside: ["CPM-CONV §9.2"] },
      entry: "endSubscriptions",
      always: { guard: "noLegs", target: "closed", meta: { decides: "the last dialog has ended", beside: ["CPM-CONV §9.2"] } },
      on: {
        "participant.left": { actions: "dropLeg", meta: legEnds },
        "participant.lost": { actions: "dropLeg", meta: legEnds },
        "participant.declined": { actions: "dropLeg", meta: legEnds },
        "participant.unreachable": { actions: "dropLeg", meta: legEnds },
        "participant.failed": { actions: "dropLeg", meta: legEnds },
        "participant.released": { actions: "dropLeg", meta: legEnds },
      },
    },
    closed: { type: "final", meta: { cites: ["RFC 4579 §5"] } },
  },
});
