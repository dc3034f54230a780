/**
 * The dialog with one recipient of a large message: invited, and open until the recipient has everything.
 *
 * It reports to `large-message` the answer, the delivery, or once that there will be none.
 *
 * @see CPM-CONV §9.1.2, RFC 5547 §8
 */
import { assign, setup } from "xstate";
import type { Grounds } from "./clauses.ts";
import { byeSent, callerDialogRegion, callingEnds, cancelled, dialogGuards, freshDialog, sessionRegion, type DialogContext } from "./dialog.ts";
import { effects } from "./effects.ts";
import type { CallEvent, LargeMessageRecipientEvent } from "./events.ts";
import { delays } from "./policies.ts";

interface At {
  readonly event: LargeMessageRecipientEvent;
}

const givenAnswer = ({ event }: At) => {
  const { wrappedTypes, acceptTypes } = event as Extract<LargeMessageRecipientEvent, { type: "sip.accepted" }>;
  return { wrappedTypes, acceptTypes };
};
const givenForm = ({ event }: At) => ({ unwrapped: (event as Extract<LargeMessageRecipientEvent, { type: "largeMessage.deliver" }>).unwrapped });

const report = <const O extends string>(outcome: O) => ({ type: "reportRecipient", params: { outcome } }) as const;

export const largeMessageRecipient = setup({
  types: {} as { context: DialogContext; events: LargeMessageRecipientEvent; meta: Grounds },
  guards: {
    ...dialogGuards,
    declined: ({ event }) => (event as Extract<CallEvent, { type: "sip.rejected" }>).outcome === "declined",
  },
  actions: {
    rememberBound: assign({ bound: true }),
    ...effects("sendSipRequest", "sendSipResponse", "sendBye", "openMedia", "closeMedia", "openDelivery", "reportRecipient", "reportAnswer"),
  },
  delays: delays("ringMs", "cancelMs", "bindMs", "sessionRefreshMs", "sessionExpiresMs", "glareMs"),
}).createMachine({
  id: "large-message-recipient",
  context: freshDialog,
  initial: "new",
  states: {
    new: {
      meta: { decides: "a recipient is invited when the large message says so", beside: ["CPM-CONV §9.1.2"] },
      on: {
        "largeMessage.invite": {
          target: "calling",
          actions: { type: "sendSipRequest", params: { method: "INVITE" } },
          meta: { cites: ["RFC 3261 §13.2"] },
        },
      },
    },
    calling: {
      initial: "inviting",
      meta: { cites: ["RFC 3261 §13.2"] },
      on: {
        ...callingEnds("large-message-recipient").on,
        "sip.accepted": {
          target: "#large-message-recipient.open.dialog.confirmed",
          actions: [{ type: "sendSipRequest", params: { method: "ACK" } }, { type: "reportAnswer", params: givenAnswer }],
          meta: { cites: ["RFC 3261 §12.1.2", "RFC 3261 §13.2.2.4"] },
        },
        "sip.rejected": [
          { guard: "declined", target: "declined", meta: { cites: ["RFC 3261 §21.6.2"] } },
          { target: "lost", meta: { cites: ["RFC 3261 §13.2.2.3"] } },
        ],
      },
      after: callingEnds("large-message-recipient").after,
      states: {
        inviting: {
          meta: { cites: ["RFC 3261 §13.2"] },
          on: { "sip.ringing": { target: "alerting", actions: report("ringing"), meta: { cites: ["RFC 3261 §21.1.2"] } } },
        },
        alerting: { meta: { cites: ["RFC 3261 §21.1.2"] } },
      },
    },
    withdrawing: cancelled("large-message-recipient", "released", "releasing"),
    givingUp: cancelled("large-message-recipient", "lost", "dropping"),
    open: {
      type: "parallel",
      meta: { cites: ["RFC 3261 §12", "RFC 4975 §5.4"] },
      entry: "openMedia",
      exit: "closeMedia",
      on: {
        "sip.BYE": {
          target: "lost",
          actions: { type: "sendSipResponse", params: { method: "BYE", status: 200 } },
          meta: { cites: ["RFC 5547 §8.4", "RFC 3261 §15.1.2"] },
        },
      },
      states: {
        dialog: callerDialogRegion("large-message-recipient"),
        session: sessionRegion("large-message-recipient"),
        data: {
          initial: "closed",
          meta: { cites: ["RFC 5547 §8.3.1"] },
          states: {
            closed: {
              meta: { decides: "nothing is sent before the large message has judged the answer", beside: ["CPM-CR §9.3.1"] },
              on: {
                "largeMessage.deliver": {
                  target: "sending",
                  actions: { type: "openDelivery", params: givenForm },
                  meta: { decides: "from the first octet on, whenever the recipient came", beside: ["CPM-CONV §9.1.2"] },
                },
              },
            },
            sending: {
              meta: { cites: ["RFC 4975 §7.1"] },
              on: {
                "data.drained": {
                  target: "#large-message-recipient.releasing",
                  actions: [report("delivered"), { type: "sendBye", params: { reason: "completed" } }],
                  meta: { cites: ["RFC 5547 §8.4"] },
                },
                "data.refused": {
                  target: "#large-message-recipient.dropping",
                  actions: { type: "sendBye", params: { reason: "completed" } },
                  meta: { cites: ["RFC 4975 §10.5", "RFC 5547 §8.4"] },
                },
              },
            },
          },
        },
      },
    },
    releasing: byeSent("large-message-recipient", "released"),
    dropping: byeSent("large-message-recipient", "lost"),
    declined: { type: "final", entry: report("declined"), meta: { cites: ["RFC 3261 §21.6.2"] } },
    lost: { type: "final", entry: report("failed"), meta: { decides: "no leg's end hurts another's", beside: ["CPM-CONV §9.1.2"] } },
    released: { type: "final", meta: { cites: ["RFC 3261 §15"] } },
  },
});
