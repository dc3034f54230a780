/**
 * One INVITE dialog as every leg has it: the races of RFC 3261, written once.
 *
 * A leg is a machine with the states `calling`, `withdrawing`, `givingUp`, `open`, `releasing` and `dropping`; `open` has
 * the regions `dialog` and `session` below. A leg that was told to go ends in `released`, one that broke in `lost`.
 */
import type { Grounds } from "./clauses.ts";
import type { DialogEvent } from "./events.ts";
import type { ReleaseReason } from "./terms.ts";

/** What a dialog remembers. */
export interface DialogContext {
  /** The MSRP session has been bound to a connection. */
  readonly bound: boolean;
  /** Why the dialog ends as soon as it may. */
  readonly reason: ReleaseReason;
}

export const freshDialog: DialogContext = { bound: false, reason: "completed" };

interface At {
  readonly context: DialogContext;
  readonly event: { readonly type: string };
}

export const givenReason = ({ event }: At) => ({ reason: (event as Extract<DialogEvent, { type: "leg.release" }>).reason });
export const rememberedReason = ({ context }: At) => ({ reason: context.reason });

export const dialogGuards = {
  unbound: ({ context }: At) => !context.bound,
  acceptable: ({ event }: At) => (event as Extract<DialogEvent, { type: "sip.reINVITE" }>).offer === "acceptable",
  refreshCollides: ({ event }: At) => (event as Extract<DialogEvent, { type: "sip.refreshed" }>).outcome === "glare",
  refreshAccepted: ({ event }: At) => (event as Extract<DialogEvent, { type: "sip.refreshed" }>).outcome === "accepted",
  dialogGone: ({ event }: At) => (event as Extract<DialogEvent, { type: "sip.refreshed" }>).outcome === "gone",
};


const byeLost = { type: "sendBye", params: { reason: "bearerUnavailable" } } as const;
const byeExpired = { type: "sendBye", params: { reason: "sessionExpired" } } as const;
const byeGiven = { type: "sendBye", params: givenReason } as const;
const byeRemembered = { type: "sendBye", params: rememberedReason } as const;
const cancel = { type: "sendSipRequest", params: { method: "CANCEL" } } as const;

const bindGrounds: Grounds = { decides: "a dialog whose MSRP connection never comes is of no use", beside: ["RFC 6135 §4.2"] };
const lostGrounds: Grounds = { decides: "the MSRP connection is gone, and with it the dialog: Reason 480", beside: ["RFC 4975 §5.4", "CPM-CONV §9.2"] };

/** Region `dialog` of a leg that answers, and perhaps calls: when may we say BYE. `whenLost` may guard the loss of MSRP. */
export const dialogRegion = <const Id extends string, const Lost extends object = object>(id: Id, whenLost: Lost = {} as Lost) =>
  ({
    initial: "unconfirmed",
    meta: { cites: ["RFC 3261 §12"] },
    states: {
      unconfirmed: {
        meta: { cites: ["RFC 3261 §13.3.1.4"] },
        on: {
          "sip.ACK": { target: "confirmed", meta: { cites: ["RFC 3261 §13.3.1.4"] } },
          "msrp.bound": { actions: "rememberBound", meta: { decides: "the first SEND may overtake the ACK", beside: ["RFC 4975 §5.4"] } },
          "msrp.lost": { ...whenLost, target: "condemned.broken", actions: "rememberLoss", meta: lostGrounds },
          "leg.release": { target: "condemned.unwanted", actions: "rememberReason", meta: { cites: ["RFC 3261 §15"] } },
        },
        after: { noAckMs: { target: `#${id}.dropping`, actions: byeLost, meta: { cites: ["RFC 3261 §13.3.1.4"] } } },
      },
      condemned: {
        initial: "unwanted",
        meta: { cites: ["RFC 3261 §15"] },
        states: {
          unwanted: {
            meta: { cites: ["RFC 3261 §15"] },
            on: { "sip.ACK": { target: `#${id}.releasing`, actions: byeRemembered, meta: { cites: ["RFC 3261 §15"] } } },
            after: { noAckMs: { target: `#${id}.releasing`, actions: byeRemembered, meta: { cites: ["RFC 3261 §13.3.1.4"] } } },
          },
          broken: {
            meta: { cites: ["RFC 3261 §15"] },
            on: {
              "sip.ACK": { target: `#${id}.dropping`, actions: byeRemembered, meta: { cites: ["RFC 3261 §15"] } },
              "leg.release": { target: "unwanted", actions: "rememberReason", meta: { decides: "the owner's reason is the better one", beside: ["RFC 3326 §2"] } },
            },
            after: { noAckMs: { target: `#${id}.dropping`, actions: byeRemembered, meta: { cites: ["RFC 3261 §13.3.1.4"] } } },
          },
        },
      },
      confirmed: confirmed(id, whenLost),
    },
  }) as const;

/** Region `dialog` of a leg that always calls: our ACK goes with the 2xx, so it is confirmed from the start. */
export const callerDialogRegion = <const Id extends string>(id: Id) =>
  ({ initial: "confirmed", meta: { cites: ["RFC 3261 §12"] }, states: { confirmed: confirmed(id, {}) } }) as const;

const confirmed = <const Id extends string, const Lost extends object>(id: Id, whenLost: Lost) =>
  ({
    meta: { cites: ["RFC 3261 §12"] },
    on: {
      "msrp.bound": { actions: "rememberBound", meta: { cites: ["RFC 4975 §5.4"] } },
      "msrp.lost": { ...whenLost, target: `#${id}.dropping`, actions: byeLost, meta: lostGrounds },
      "leg.release": { target: `#${id}.releasing`, actions: byeGiven, meta: { cites: ["RFC 3261 §15.1.1"] } },
    },
    after: { bindMs: { guard: "unbound", target: `#${id}.dropping`, actions: byeLost, meta: bindGrounds } },
  }) as const;

/** Region `session` of `open`: re-INVITE, UPDATE and the session timer. A Controlling Function never changes a session, so its only request here is a refresh. */
export const sessionRegion = <const Id extends string>(id: Id) => {
  /** Leaving the interval and entering it again is what starts it anew. The region itself stays: with it, all of `open` would be left. */
  const refreshed = { target: `#${id}.open.session.interval`, reenter: true } as const;
  const answer = (method: "re-INVITE" | "UPDATE", status: 200 | 488 | 491) => ({ type: "sendSipResponse", params: { method, status } }) as const;
  return {
    initial: "interval",
    meta: { cites: ["RFC 4028 §7"] },
    states: {
      interval: {
        initial: "steady",
        meta: { cites: ["RFC 4028 §7"] },
        after: { sessionExpiresMs: { target: `#${id}.dropping`, actions: byeExpired, meta: { cites: ["RFC 4028 §10"] } } },
        states: {
          steady: {
            meta: { cites: ["RFC 4028 §10"] },
            on: {
              "sip.reINVITE": [
                { guard: "acceptable", ...refreshed, actions: answer("re-INVITE", 200), meta: { cites: ["RFC 3261 §14.2", "RFC 4028 §9"] } },
                { actions: answer("re-INVITE", 488), meta: { cites: ["RFC 3261 §14.2"] } },
              ],
              "sip.UPDATE": [
                { guard: "acceptable", ...refreshed, actions: answer("UPDATE", 200), meta: { cites: ["RFC 3311 §5.2", "RFC 4028 §9"] } },
                { actions: answer("UPDATE", 488), meta: { cites: ["RFC 3311 §5.2"] } },
              ],
            },
            after: {
              sessionRefreshMs: {
                target: "refreshing",
                actions: { type: "sendSipRequest", params: { method: "refresh" } },
                meta: { cites: ["RFC 4028 §7.4", "RFC 4028 §10"] },
              },
            },
          },
          refreshing: {
            meta: { cites: ["RFC 4028 §7.4"] },
            on: {
              "sip.refreshed": [
                { guard: "refreshCollides", target: "colliding", meta: { cites: ["RFC 3261 §14.1"] } },
                { guard: "dialogGone", target: `#${id}.dropping`, actions: byeExpired, meta: { cites: ["RFC 3261 §12.2.1.2"] } },
                { guard: "refreshAccepted", ...refreshed, meta: { cites: ["RFC 4028 §7.2"] } },
                { target: "steady", meta: { decides: "a refusal of the refresh changes nothing, and the session goes on to expire", beside: ["RFC 4028 §7.4"] } },
              ],
              "sip.reINVITE": { actions: answer("re-INVITE", 491), meta: { cites: ["RFC 3261 §14.2"] } },
              "sip.UPDATE": { actions: answer("UPDATE", 491), meta: { cites: ["RFC 3311 §5.2"] } },
            },
          },
          colliding: {
            meta: { cites: ["RFC 3261 §14.1"] },
            on: {
              "sip.reINVITE": [
                { guard: "acceptable", ...refreshed, actions: answer("re-INVITE", 200), meta: { cites: ["RFC 3261 §14.1", "RFC 3261 §14.2"] } },
                { actions: answer("re-INVITE", 488), meta: { cites: ["RFC 3261 §14.2"] } },
              ],
              "sip.UPDATE": [
                { guard: "acceptable", ...refreshed, actions: answer("UPDATE", 200), meta: { cites: ["RFC 3311 §5.2"] } },
                { actions: answer("UPDATE", 488), meta: { cites: ["RFC 3311 §5.2"] } },
              ],
            },
            after: {
              glareMs: {
                target: "refreshing",
                actions: { type: "sendSipRequest", params: { method: "refresh" } },
                meta: { cites: ["RFC 3261 §14.1"] },
              },
            },
          },
        },
      },
    },
  } as const;
};

/** Transitions of `calling`: our INVITE has no final response yet. */
export const callingEnds = <const Id extends string>(id: Id) =>
  ({
    on: {
      "leg.release": { target: `#${id}.withdrawing`, actions: cancel, meta: { cites: ["RFC 3261 §9.1"] } },
    },
    after: {
      ringMs: { target: `#${id}.givingUp`, actions: cancel, meta: { decides: "nobody answers: the INVITE is cancelled", beside: ["RFC 3261 §9.1"] } },
    },
  }) as const;

/** A state in which our CANCEL is under way. A 2xx that crossed it is acknowledged and ended. @see RFC 3261 §9.1, §13.2.2.4 */
export const cancelled = <const Id extends string, const Final extends string>(id: Id, final: Final, ending: "releasing" | "dropping") =>
  ({
    meta: { cites: ["RFC 3261 §9.1"] },
    on: {
      "sip.accepted": {
        target: `#${id}.${ending}`,
        actions: [{ type: "sendSipRequest", params: { method: "ACK" } }, { type: "sendBye", params: { reason: "completed" } }],
        meta: { cites: ["RFC 3261 §13.2.2.4", "RFC 3261 §15"] },
      },
      "sip.rejected": [
        { guard: "declined", target: `#${id}.declined`, meta: { decides: "603 is the user's refusal, also when it crosses our CANCEL", beside: ["RFC 3261 §21.6.2"] } },
        { target: `#${id}.${final}`, meta: { cites: ["RFC 3261 §9.1"] } },
      ],
    },
    after: { cancelMs: { target: `#${id}.${final}`, meta: { cites: ["RFC 3261 §9.1"] } } },
  }) as const;

/** A state in which our BYE is under way. @see RFC 3261 §15.1.1 */
export const byeSent = <const Id extends string, const Final extends string>(id: Id, final: Final) =>
  ({
    meta: { cites: ["RFC 3261 §15.1.1"] },
    on: {
      "sip.BYE.answered": { target: `#${id}.${final}`, meta: { cites: ["RFC 3261 §15.1.1"] } },
      "sip.BYE": {
        actions: { type: "sendSipResponse", params: { method: "BYE", status: 200 } },
        meta: { decides: "both sides hang up at once: each is answered 200", beside: ["RFC 3261 §15.1.2"] },
      },
    },
  }) as const;
