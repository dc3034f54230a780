/**
 * One dialog between the focus and one device of a Participant.
 *
 * It knows no roster: it reports to `group-session` when the Participant is connected, and once, why the dialog has ended.
 *
 * @see CPM-CONV §9.2, RFC 4579 §5
 */
import { assign, setup } from "xstate";
import type { Grounds } from "./clauses.ts";
import { byeSent, callingEnds, cancelled, dialogGuards, dialogRegion, freshDialog, givenReason, sessionRegion, type DialogContext } from "./dialog.ts";
import { effects } from "./effects.ts";
import type { CallEvent, DialogEvent, GroupParticipantEvent } from "./events.ts";
import { delays } from "./policies.ts";

interface At {
  readonly event: GroupParticipantEvent;
}

const outcome = ({ event }: At) => (event as Extract<CallEvent, { type: "sip.rejected" }>).outcome;
const report = <const O extends string>(of: O) => ({ type: "reportParticipant", params: { outcome: of } }) as const;
const answerBye = { type: "sendSipResponse", params: { method: "BYE", status: 200 } } as const;

export const groupParticipant = setup({
  types: {} as { context: DialogContext; events: GroupParticipantEvent; meta: Grounds },
  guards: {
    ...dialogGuards,
    declined: (at) => outcome(at) === "declined",
    unreachable: (at) => outcome(at) === "unreachable",
    departs: ({ event }) => (event as Extract<DialogEvent, { type: "sip.BYE" }>).reason === "callCompleted",
  },
  actions: {
    rememberReason: assign((at) => givenReason(at)),
    rememberLoss: assign({ reason: "bearerUnavailable" }),
    rememberBound: assign({ bound: true }),
    ...effects("sendSipRequest", "sendSipResponse", "sendBye", "openMedia", "closeMedia", "reportParticipant"),
  },
  delays: delays("ringMs", "cancelMs", "noAckMs", "bindMs", "sessionRefreshMs", "sessionExpiresMs", "glareMs"),
}).createMachine({
  id: "group-participant",
  context: freshDialog,
  initial: "new",
  states: {
    new: {
      meta: { decides: "the focus says whether it invites or admits", beside: ["CPM-CONV §9.2"] },
      on: {
        "group.invite": {
          target: "calling",
          actions: { type: "sendSipRequest", params: { method: "INVITE" } },
          meta: { cites: ["RFC 4579 §5.2"] },
        },
        "group.admit": {
          target: "open",
          actions: [{ type: "sendSipResponse", params: { method: "INVITE", status: 200 } }, report("connected")],
          meta: { cites: ["RFC 3261 §12.1.1", "RFC 4579 §5.1", "RFC 5366 §5"] },
        },
      },
    },
    calling: {
      initial: "inviting",
      meta: { cites: ["RFC 3261 §13.2"] },
      on: {
        ...callingEnds("group-participant").on,
        "sip.accepted": {
          target: "#group-participant.open.dialog.confirmed",
          actions: [{ type: "sendSipRequest", params: { method: "ACK" } }, report("connected")],
          meta: { cites: ["RFC 3261 §12.1.2", "RFC 3261 §13.2.2.4"] },
        },
        "sip.rejected": [
          { guard: "declined", target: "declined", meta: { cites: ["RFC 3261 §21.6.2"] } },
          {
            guard: "unreachable",
            target: "unreachable",
            meta: { decides: "408, 480, 486 and 503 may pass", beside: ["CPM-CONV §9.2"] },
          },
          { target: "failed", meta: { decides: "any other refusal will not pass", beside: ["CPM-CONV §9.2"] } },
        ],
      },
      after: callingEnds("group-participant").after,
      states: {
        inviting: {
          meta: { cites: ["RFC 3261 §13.2"] },
          on: { "sip.ringing": { target: "alerting", meta: { cites: ["RFC 3261 §21.1.2"] } } },
        },
        alerting: { meta: { cites: ["RFC 3261 §21.1.2"] } },
      },
    },
    withdrawing: cancelled("group-participant", "released", "releasing"),
    givingUp: cancelled("group-participant", "unreachable", "dropping"),
    open: {
      type: "parallel",
      meta: { cites: ["RFC 3261 §12", "RFC 4975 §5.4"] },
      entry: "openMedia",
      exit: "closeMedia",
      on: {
        "sip.BYE": [
          {
            guard: "departs",
            target: "left",
            actions: answerBye,
            meta: { decides: "Reason cause 200 is the user's own departure", beside: ["CPM-CONV §9.2", "RFC 3326 §2"] },
          },
          {
            target: "lost",
            actions: answerBye,
            meta: { decides: "any other BYE, and one without Reason, is not a departure", beside: ["CPM-CONV §9.2", "RFC 3326 §2"] },
          },
        ],
      },
      states: { dialog: dialogRegion("group-participant"), session: sessionRegion("group-participant") },
    },
    releasing: byeSent("group-participant", "released"),
    dropping: byeSent("group-participant", "lost"),
    left: { type: "final", entry: report("left"), meta: { decides: "the user has left the group", beside: ["CPM-CONV §9.2"] } },
    lost: { type: "final", entry: report("lost"), meta: { decides: "the dialog is gone, the member is not", beside: ["CPM-CONV §9.2"] } },
    declined: { type: "final", entry: report("declined"), meta: { cites: ["RFC 3261 §21.6.2"] } },
    unreachable: { type: "final", entry: report("unreachable"), meta: { cites: ["RFC 3261 §21.4.18"] } },
    failed: { type: "final", entry: report("failed"), meta: { decides: "the user cannot take part", beside: ["CPM-CONV §9.2"] } },
    released: { type: "final", entry: report("released"), meta: { cites: ["RFC 3261 §15.1.1"] } },
  },
});
