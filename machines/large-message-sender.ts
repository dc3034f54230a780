/**
 * The dialog with the sender of a large message: offered, accepted or refused, and open until the sender says BYE.
 *
 * It reports to `large-message`; the octets are the data plane's.
 *
 * @see CPM-CONV §9.1.2, RFC 5547 §8
 */
import { assign, raise, setup } from "xstate";
import type { Grounds } from "./clauses.ts";
import { byeSent, dialogGuards, dialogRegion, freshDialog, givenReason, sessionRegion, type DialogContext } from "./dialog.ts";
import { effects } from "./effects.ts";
import type { LargeMessageSenderEvent } from "./events.ts";
import { delays } from "./policies.ts";

interface Context extends DialogContext {
  /** The last octet has come. */
  readonly through: boolean;
}

const givenRefusal = ({ event }: { readonly event: LargeMessageSenderEvent }) => {
  const { status, warning } = event as Extract<LargeMessageSenderEvent, { type: "largeMessage.reject" }>;
  return { method: "INVITE" as const, status, ...(warning && { warning }) };
};

const answerBye = { type: "sendSipResponse", params: { method: "BYE", status: 200 } } as const;
const report = <const O extends string>(outcome: O) => ({ type: "reportSender", params: { outcome } }) as const;

export const largeMessageSender = setup({
  types: {} as { context: Context; events: LargeMessageSenderEvent; meta: Grounds },
  guards: { ...dialogGuards, through: ({ context }) => context.through, unfinished: ({ context }) => !context.through },
  actions: {
    rememberReason: assign((at) => givenReason(at)),
    rememberLoss: assign({ reason: "bearerUnavailable" }),
    rememberBound: assign({ bound: true }),
    rememberThrough: assign({ through: true }),
    releaseItself: raise({ type: "leg.release", reason: "completed" }),
    ...effects("sendSipRequest", "sendSipResponse", "sendBye", "openMedia", "closeMedia", "reportSender"),
  },
  delays: delays("noAckMs", "bindMs", "sessionRefreshMs", "sessionExpiresMs", "glareMs", "senderByeMs"),
}).createMachine({
  id: "large-message-sender",
  context: { ...freshDialog, through: false },
  initial: "new",
  states: {
    new: {
      meta: { decides: "the sender's INVITE waits while the large message begins", beside: ["CPM-CONV §9.1.2"] },
      on: { "largeMessage.offer": { target: "offered", meta: { cites: ["RFC 3261 §13.3.1"] } } },
    },
    offered: {
      meta: { cites: ["RFC 3261 §13.3.1"] },
      on: {
        "largeMessage.accept": {
          target: "open",
          actions: { type: "sendSipResponse", params: { method: "INVITE", status: 200 } },
          meta: { cites: ["RFC 3261 §12.1.1", "RFC 3261 §13.3.1.4", "RFC 5547 §8.3.1"] },
        },
        "largeMessage.reject": {
          target: "refused",
          actions: { type: "sendSipResponse", params: givenRefusal },
          meta: { cites: ["RFC 3261 §13.3.1.3"] },
        },
        "sip.CANCEL": {
          target: "withdrawn",
          actions: { type: "sendSipResponse", params: { method: "INVITE", status: 487 } },
          meta: { cites: ["RFC 3261 §9.2"] },
        },
      },
    },
    open: {
      type: "parallel",
      meta: { cites: ["RFC 3261 §12", "RFC 4975 §5.4"] },
      entry: "openMedia",
      exit: "closeMedia",
      on: {
        "sip.BYE": [
          { guard: "through", target: "released", actions: answerBye, meta: { cites: ["RFC 5547 §8.4", "RFC 3261 §15.1.2"] } },
          { target: "lost", actions: answerBye, meta: { cites: ["RFC 5547 §8.4", "RFC 3261 §15.1.2"] } },
        ],
      },
      states: {
        // A sender whose last octet has come may close MSRP before it says BYE.
        dialog: dialogRegion("large-message-sender", { guard: "unfinished" }),
        session: sessionRegion("large-message-sender"),
        data: {
          initial: "awaited",
          meta: { cites: ["RFC 5547 §8.3.1"] },
          states: {
            awaited: {
              meta: { cites: ["RFC 4975 §7.3.1"] },
              on: {
                "data.first": { target: "receiving", actions: report("started"), meta: { cites: ["RFC 4975 §7.3.1"] } },
                "data.aborted": { target: "interrupted", actions: report("aborted"), meta: { cites: ["RFC 7701 §6.1"] } },
                "data.misbehaved": { target: "interrupted", actions: report("misbehaved"), meta: { cites: ["RFC 5547 §8.3.1", "RFC 4975 §10.5"] } },
              },
            },
            receiving: {
              meta: { cites: ["RFC 4975 §7.3.1"] },
              on: {
                "data.complete": { target: "complete", actions: ["rememberThrough", report("completed")], meta: { cites: ["RFC 4975 §7.3.1"] } },
                "data.aborted": { target: "interrupted", actions: report("aborted"), meta: { cites: ["RFC 4975 §7.1.1", "RFC 7701 §6.1"] } },
                "data.misbehaved": { target: "interrupted", actions: report("misbehaved"), meta: { cites: ["RFC 5547 §8.3.1", "RFC 4975 §10.5"] } },
              },
            },
            interrupted: { meta: { decides: "the message stays unfinished; the large message releases the leg", beside: ["RFC 4975 §7.1.1"] } },
            complete: {
              meta: { cites: ["RFC 5547 §8.4"] },
              after: {
                senderByeMs: {
                  target: "overdue",
                  actions: "releaseItself",
                  meta: { decides: "a sender that forgets its BYE gets ours, as soon as its ACK is here", beside: ["RFC 5547 §8.4", "RFC 3261 §15"] },
                },
              },
            },
            overdue: { meta: { decides: "our BYE waits for the sender's ACK, if for anything", beside: ["RFC 3261 §15"] } },
          },
        },
      },
    },
    releasing: byeSent("large-message-sender", "released"),
    dropping: byeSent("large-message-sender", "lost"),
    refused: { type: "final", meta: { cites: ["RFC 3261 §13.3.1.3"] } },
    withdrawn: { type: "final", entry: report("aborted"), meta: { cites: ["RFC 3261 §9.2"] } },
    lost: { type: "final", entry: report("aborted"), meta: { decides: "the dialog went before its time; a message that is complete does not care", beside: ["RFC 5547 §8.4"] } },
    released: { type: "final", meta: { cites: ["RFC 3261 §15"] } },
  },
});
