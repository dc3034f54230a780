/**
 * A Large Message Mode message at the Controlling Function: one sender, its recipients, and who has got how far.
 *
 * The sections that use it say how: with a recipient list or without, when the sender is answered, and what is done with a
 * recipient that did not indicate the wrapped types.
 *
 * @see CPM-CONV §9.1.2
 */
import { and, assign, not, setup } from "xstate";
import type { Grounds } from "./clauses.ts";
import { effects } from "./effects.ts";
import type { LargeMessageEvent, RecipientAccepted } from "./events.ts";
import type { Policies } from "./policies.ts";
import type { Recipient, RecipientStatus } from "./terms.ts";

/** The clarifications of whoever executes these procedures. */
export type LargeMessageInput = Pick<Policies, "answerSender" | "wrappedTypes"> & {
  /** How many recipients there are. */
  readonly recipients: number;
  /** Whether the generated INVITEs carry the recipient history. @see RFC 5366 §5.2 */
  readonly recipientList: "history" | "none";
};

interface Context {
  readonly clarified: LargeMessageInput;
  readonly recipients: readonly RecipientStatus[];
}

interface At {
  readonly context: Context;
  readonly event: LargeMessageEvent;
}

const recipientOf = ({ event }: At) => (event as RecipientAccepted).recipient;
const having = ({ recipients }: Context, ...statuses: RecipientStatus[]): Recipient[] =>
  recipients.flatMap((status, recipient) => (statuses.includes(status) ? [recipient] : []));

const wrapped = ({ event }: At) => ({ recipient: (event as RecipientAccepted).recipient, unwrapped: false });
const unwrapped = ({ event }: At) => ({ recipient: (event as RecipientAccepted).recipient, unwrapped: true });
const thisOne = (at: At) => ({ recipients: [recipientOf(at)], reason: "notAcceptable" as const });
const pending = ({ context }: At) => ({ recipients: having(context, "waiting", "ringing", "ready"), reason: "bearerUnavailable" as const });
const pendingUnacceptable = (at: At) => ({ ...pending(at), reason: "notAcceptable" as const });
const pendingIdle = (at: At) => ({ ...pending(at), reason: "idle" as const });

const mark = (status: RecipientStatus) => (at: At) => ({
  recipients: at.context.recipients.map((each, recipient) => (recipient === recipientOf(at) ? status : each)),
});

const report = <const R extends string>(result: R) => ({ type: "reportLargeMessage", params: { result } }) as const;
const releaseSender = <const R extends string>(reason: R) => ({ type: "releaseSender", params: { reason } }) as const;
const releasePending = { type: "releaseRecipients", params: pending } as const;

/** While the sender is answered and its last octet has not come. */
const nobodyLeft = {
  guard: "nonePending",
  target: "#large-message.failed",
  actions: ["stopSender", releaseSender("bearerUnavailable")],
  meta: { decides: "nobody is left to send to: 413 and BYE, whose Reason does not speak of success", beside: ["RFC 4975 §10.5", "CPM-CONV §9.1.2"] },
} as const;
const senderAborted = {
  target: "#large-message.aborted",
  actions: [releaseSender("bearerUnavailable"), "abortDelivery", releasePending],
  meta: { cites: ["RFC 4975 §7.1.1", "RFC 5547 §8.4"] },
} as const;
/** Nothing of it is kept to go on with: it has failed. */
const senderMisbehaved = {
  target: "#large-message.failed",
  actions: ["stopSender", releaseSender("notAcceptable"), "abortDelivery", releasePending],
  meta: { cites: ["RFC 4975 §10.5", "RFC 5547 §8.3.1"] },
} as const;

const policyGrounds = (decides: string): Grounds => ({ decides, beside: ["CPM-CR §9.3.1", "RFC 4975 §8.6"] });

export const largeMessage = setup({
  types: {} as { context: Context; events: LargeMessageEvent; meta: Grounds; input: LargeMessageInput },
  guards: {
    noRecipients: ({ context }) => context.recipients.length === 0,
    spoolExhausted: ({ event }) => (event as Extract<LargeMessageEvent, { type: "largeMessage.execute" }>).spool === "exhausted",
    withHistory: ({ context }) => context.clarified.recipientList === "history",
    awaited: (at) => ["waiting", "ringing"].includes(at.context.recipients[recipientOf(at)]!),
    pending: (at) => ["waiting", "ringing", "ready"].includes(at.context.recipients[recipientOf(at)]!),
    beingServed: (at) => at.context.recipients[recipientOf(at)] === "ready",
    // clarification 1
    indicated: ({ event }) => (event as RecipientAccepted).wrappedTypes === "indicated",
    judgesByAcceptTypes: ({ context }) => context.clarified.wrappedTypes === "acceptTypes",
    acceptTypesCover: ({ event }) => (event as RecipientAccepted).acceptTypes === "covers",
    sendsAnyway: ({ context }) => context.clarified.wrappedTypes === "sendAnyway",
    sendsUnwrapped: ({ context }) => context.clarified.wrappedTypes === "sendUnwrapped",
    rejectsAll: ({ context }) => context.clarified.wrappedTypes === "rejectAll",
    // when the sender is answered
    answersEarly: ({ context }) => context.clarified.answerSender === "early",
    answersFirstAccept: ({ context }) => context.clarified.answerSender === "firstAccept",
    someReady: ({ context }) => having(context, "ready").length > 0,
    noneAwaited: ({ context }) => having(context, "waiting", "ringing").length === 0,
    nonePending: ({ context }) => having(context, "waiting", "ringing", "ready").length === 0,
    allDeclined: ({ context }) => context.recipients.every((status) => status === "declined"),
    allDone: ({ context }) => context.recipients.every((status) => status === "done"),
    someDone: ({ context }) => context.recipients.includes("done"),
  },
  actions: {
    markRinging: assign(mark("ringing")),
    markReady: assign(mark("ready")),
    markExcluded: assign(mark("excluded")),
    markDeclined: assign(mark("declined")),
    markFailed: assign(mark("failed")),
    markDone: assign(mark("done")),
    ...effects(
      "addHistoryList",
      "inviteRecipients",
      "acceptSender",
      "rejectSender",
      "releaseSender",
      "deliver",
      "releaseRecipients",
      "abortDelivery",
      "stopSender",
      "reportLargeMessage",
    ),
  },
}).createMachine({
  id: "large-message",
  context: ({ input }) => ({ clarified: input, recipients: Array.from({ length: input.recipients }, () => "waiting" as const) }),
  initial: "admitted",
  states: {
    admitted: {
      meta: { decides: "admission is the business of the section that executes these procedures", beside: ["CPM-CONV §9.1.2", "CPM-CR §9.3.1"] },
      on: {
        "largeMessage.execute": [
          {
            guard: "noRecipients",
            target: "failed",
            actions: { type: "rejectSender", params: { status: 480 } },
            meta: { decides: "480: nobody is there to receive it", beside: ["CPM-CONV §9.1.2"] },
          },
          {
            guard: "spoolExhausted",
            target: "failed",
            actions: { type: "rejectSender", params: { status: 503 } },
            meta: { decides: "503: there is no room to keep it for those who are slow", beside: ["CPM-CONV §9.1.2", "RFC 3261 §21.5.4"] },
          },
          {
            guard: "withHistory",
            target: "sending",
            actions: ["addHistoryList", "inviteRecipients"],
            meta: { decides: "steps 3 b, c, d and 4: the recipient history goes with every INVITE", beside: ["CPM-CONV §9.1.2", "RFC 5366 §5.2", "RFC 5364 §4"] },
          },
          {
            target: "sending",
            actions: "inviteRecipients",
            meta: { cites: ["CPM-CR §9.3.1"] },
          },
        ],
        "admin.shutdown": {
          target: "aborted",
          actions: { type: "rejectSender", params: { status: 503 } },
          meta: { decides: "the server stops before anybody was invited: 503", beside: ["RFC 3261 §21.5.4", "CPM-CONV §9.1.2"] },
        },
        "sender.aborted": { target: "aborted", meta: { decides: "cancelled before anybody was invited", beside: ["RFC 3261 §9.2", "CPM-CONV §9.1.2"] } },
      },
    },
    sending: {
      initial: "offering",
      meta: { decides: "one leg a recipient, each for itself", beside: ["CPM-CONV §9.1.2"] },
      on: {
        "recipient.ringing": { guard: "awaited", actions: "markRinging", meta: { cites: ["RFC 3261 §21.1.2"] } },
        "recipient.accepted": [
          {
            guard: and(["awaited", "indicated"]),
            actions: ["markReady", { type: "deliver", params: wrapped }],
            meta: { cites: ["CPM-CR §9.3.1"] },
          },
          {
            guard: and(["awaited", "judgesByAcceptTypes", "acceptTypesCover"]),
            actions: ["markReady", { type: "deliver", params: unwrapped }],
            meta: policyGrounds("wrappedTypes=acceptTypes: a=accept-types names the file's type, and so the file travels unwrapped: no wrapper that it may not name"),
          },
          {
            guard: and(["awaited", "sendsAnyway"]),
            actions: ["markReady", { type: "deliver", params: wrapped }],
            meta: policyGrounds("wrappedTypes=sendAnyway: the recipient may turn out to understand it"),
          },
          {
            guard: and(["awaited", "sendsUnwrapped"]),
            actions: ["markReady", { type: "deliver", params: unwrapped }],
            meta: policyGrounds("wrappedTypes=sendUnwrapped: without the CPIM wrapper, as its own type"),
          },
          {
            guard: and(["awaited", "rejectsAll"]),
            target: "failed",
            actions: ["abortDelivery", { type: "releaseRecipients", params: pendingUnacceptable }, "stopSender", releaseSender("notAcceptable")],
            meta: policyGrounds("wrappedTypes=rejectAll: all get it or nobody"),
          },
          {
            guard: "awaited",
            actions: ["markExcluded", { type: "releaseRecipients", params: thisOne }],
            meta: policyGrounds("wrappedTypes=exclude, or acceptTypes that do not cover it: this recipient alone is left out"),
          },
        ],
        "recipient.declined": { guard: "awaited", actions: "markDeclined", meta: { cites: ["RFC 3261 §21.6.2"] } },
        "admin.shutdown": {
          target: "aborted",
          actions: [releaseSender("idle"), "abortDelivery", { type: "releaseRecipients", params: pendingIdle }],
          meta: { decides: "the server stops: nobody is left with an open leg", beside: ["CPM-CONV §9.1.2"] },
        },
        "recipient.failed": { guard: "pending", actions: "markFailed", meta: { decides: "one leg's end hurts no other", beside: ["CPM-CONV §9.1.2"] } },
      },
      states: {
        offering: {
          meta: { decides: "the sender waits for its answer", beside: ["CPM-CONV §9.1.2"] },
          always: [
            {
              guard: "answersEarly",
              target: "answered",
              actions: "acceptSender",
              meta: { decides: "answerSender=early: as soon as the Controlling Function has taken it", beside: ["CPM-CONV §9.1.2"] },
            },
            {
              guard: and(["answersFirstAccept", "someReady"]),
              target: "answered",
              actions: "acceptSender",
              meta: { decides: "answerSender=firstAccept", beside: ["CPM-CONV §9.1.2"] },
            },
            {
              guard: and(["noneAwaited", "someReady"]),
              target: "answered",
              actions: "acceptSender",
              meta: { decides: "answerSender=allAnswered: every recipient has answered and one wants it", beside: ["CPM-CONV §9.1.2"] },
            },
            {
              guard: "allDeclined",
              target: "#large-message.failed",
              actions: { type: "rejectSender", params: { status: 603 } },
              meta: { decides: "603 when every recipient said 603", beside: ["CPM-CONV §9.1.2", "RFC 3261 §16.7"] },
            },
            {
              guard: "nonePending",
              target: "#large-message.failed",
              actions: { type: "rejectSender", params: { status: 480 } },
              meta: { decides: "480 when nobody takes it for other reasons too", beside: ["CPM-CONV §9.1.2", "RFC 3261 §16.7"] },
            },
          ],
          on: {
            "recipient.accepted": {
              guard: and(["awaited", not("indicated"), "rejectsAll"]),
              target: "#large-message.failed",
              actions: [{ type: "rejectSender", params: { status: 488 } }, { type: "releaseRecipients", params: pendingUnacceptable }],
              meta: policyGrounds("wrappedTypes=rejectAll: 488 to the sender, and nobody gets it"),
            },
            "admin.shutdown": {
              target: "#large-message.aborted",
              actions: [{ type: "rejectSender", params: { status: 503 } }, releasePending],
              meta: { decides: "the server stops before the sender is answered: 503", beside: ["RFC 3261 §21.5.4", "CPM-CONV §9.1.2"] },
            },
            "sender.aborted": {
              target: "#large-message.aborted",
              actions: releasePending,
              meta: { decides: "the sender cancelled: so is every invitation", beside: ["RFC 3261 §9.2", "CPM-CONV §9.1.2"] },
            },
          },
        },
        answered: {
          meta: { cites: ["RFC 5547 §8.3.1"] },
          always: nobodyLeft,
          on: {
            "sender.started": { target: "receiving", meta: { cites: ["RFC 4975 §7.3.1"] } },
            "sender.misbehaved": senderMisbehaved,
            "sender.aborted": senderAborted,
          },
        },
        receiving: {
          meta: { cites: ["RFC 4975 §7.3.1"] },
          always: nobodyLeft,
          on: {
            "sender.completed": { target: "draining", meta: { cites: ["RFC 4975 §7.3.1"] } },
            "sender.aborted": senderAborted,
            "sender.misbehaved": senderMisbehaved,
          },
        },
        draining: {
          meta: { decides: "the Controlling Function has it all and serves the slow and the late", beside: ["CPM-CONV §9.1.2"] },
          always: [
            { guard: "allDone", target: "#large-message.complete", meta: { decides: "everybody has it", beside: ["CPM-CONV §9.1.2"] } },
            {
              guard: and(["nonePending", "someDone"]),
              target: "#large-message.partial",
              meta: { decides: "some have it, the others have failed", beside: ["CPM-CONV §9.1.2"] },
            },
            { guard: "nonePending", target: "#large-message.failed", meta: { decides: "nobody has it", beside: ["CPM-CONV §9.1.2"] } },
          ],
          on: {
            "recipient.accepted": {
              guard: and(["awaited", not("indicated"), "rejectsAll"]),
              actions: ["markExcluded", { type: "releaseRecipients", params: thisOne }],
              meta: policyGrounds("wrappedTypes=rejectAll: what the sender has sent to the end is not refused any more, and others may have it: this recipient alone is left out"),
            },
            "recipient.delivered": { guard: "beingServed", actions: "markDone", meta: { cites: ["RFC 5547 §8.4"] } },
            "sender.aborted": { meta: { decides: "the sender's end after the last octet truncates nobody", beside: ["RFC 5547 §8.4"] } },
          },
        },
      },
    },
    complete: { type: "final", entry: report("complete"), meta: { decides: "all recipients have it", beside: ["CPM-CONV §9.1.2"] } },
    partial: { type: "final", entry: report("partial"), meta: { decides: "results differ by recipient", beside: ["CPM-CONV §9.1.2"] } },
    failed: { type: "final", entry: report("failed"), meta: { decides: "no recipient has it", beside: ["CPM-CONV §9.1.2"] } },
    aborted: { type: "final", entry: report("aborted"), meta: { cites: ["RFC 5547 §8.4"] } },
  },
});
