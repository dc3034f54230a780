/**
 * One subscription to the conference event package of a group.
 *
 * The first NOTIFY goes at once and tells everything; later ones tell what changed, no faster than notifyPaceMs.
 *
 * @see RFC 4575 §3, RFC 6665 §4.2
 */
import { setup } from "xstate";
import type { Grounds } from "./clauses.ts";
import { effects } from "./effects.ts";
import type { ConferenceSubscriptionEvent, Subscribe } from "./events.ts";
import { delays } from "./policies.ts";

const expires = ({ event }: { readonly event: ConferenceSubscriptionEvent }) => (event as Subscribe).expires;

const accept = { type: "answerSubscribe", params: { status: 200 } } as const;
const tooBrief = { type: "answerSubscribe", params: { status: 423 } } as const;
const full = { type: "sendNotify", params: { state: "full", subscription: "active" } } as const;
const partial = { type: "sendNotify", params: { state: "partial", subscription: "active" } } as const;
const last = <const S extends "timeout" | "noresource" | "rejected">(subscription: S) => ({ type: "sendNotify", params: { state: "full", subscription } }) as const;

export const conferenceSubscription = setup({
  types: {} as { events: ConferenceSubscriptionEvent; meta: Grounds },
  guards: {
    tooShort: (at) => expires(at) === "tooShort",
    zero: (at) => expires(at) === "zero",
  },
  actions: effects("answerSubscribe", "sendNotify"),
  delays: delays("notifyPaceMs", "subscriptionMs"),
}).createMachine({
  id: "conference-subscription",
  initial: "pending",
  states: {
    pending: {
      meta: { cites: ["RFC 6665 §4.2.1"] },
      on: {
        "sip.SUBSCRIBE": [
          { guard: "tooShort", target: "refused", actions: tooBrief, meta: { cites: ["RFC 6665 §4.2.1.1"] } },
          { guard: "zero", target: "terminated", actions: [accept, last("timeout")], meta: { cites: ["RFC 6665 §4.4.3"] } },
          { target: "active", actions: [accept, full], meta: { cites: ["RFC 4575 §3.5", "RFC 6665 §4.2.1.2"] } },
        ],
      },
    },
    active: {
      initial: "paced",
      meta: { cites: ["RFC 6665 §4.2.2"] },
      on: {
        "sip.SUBSCRIBE": [
          { guard: "tooShort", actions: tooBrief, meta: { cites: ["RFC 6665 §4.2.1.4"] } },
          { guard: "zero", target: "terminated", actions: [accept, last("timeout")], meta: { cites: ["RFC 6665 §4.1.2.3", "RFC 6665 §4.4.1"] } },
          { target: "active", reenter: true, actions: [accept, full], meta: { cites: ["RFC 6665 §4.2.1.2", "RFC 6665 §4.2.1.4"] } },
        ],
        "group.ended": { target: "terminated", actions: last("noresource"), meta: { cites: ["RFC 6665 §4.2.2", "RFC 6665 §4.4.1"] } },
        "group.expelled": { target: "terminated", actions: last("rejected"), meta: { cites: ["RFC 6665 §4.2.2", "RFC 4575 §3.5"] } },
        "sip.NOTIFY.failed": { target: "terminated", meta: { cites: ["RFC 6665 §4.2.2"] } },
      },
      after: { subscriptionMs: { target: "terminated", actions: last("timeout"), meta: { cites: ["RFC 6665 §4.2.1.4", "RFC 4575 §3.3"] } } },
      states: {
        fresh: {
          meta: { cites: ["RFC 4575 §3.9"] },
          on: { "group.changed": { target: "paced", actions: partial, meta: { cites: ["RFC 4575 §4.4"] } } },
        },
        paced: {
          meta: { cites: ["RFC 4575 §3.9"] },
          on: { "group.changed": { target: "behind", meta: { cites: ["RFC 4575 §3.9"] } } },
          after: { notifyPaceMs: { target: "fresh", meta: { cites: ["RFC 4575 §3.9"] } } },
        },
        behind: {
          meta: { decides: "changes travel together, notifyPaceMs after the first of them", beside: ["RFC 4575 §3.9"] },
          on: { "group.changed": { meta: { decides: "one more change travels with the others", beside: ["RFC 4575 §3.9"] } } },
          after: { notifyPaceMs: { target: "paced", actions: partial, meta: { cites: ["RFC 4575 §4.4"] } } },
        },
      },
    },
    refused: { type: "final", meta: { cites: ["RFC 6665 §4.2.1.1"] } },
    terminated: { type: "final", meta: { cites: ["RFC 6665 §4.4.1"] } },
  },
});
