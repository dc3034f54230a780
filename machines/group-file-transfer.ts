/**
 * CPM File Transfer in a CPM Group Session: section 9.3.1 and nothing more.
 *
 * A SIP INVITE with the CPM File Transfer Feature Tag and the CPM Group Session Identity of an on-going active session has
 * come. Where the transfer is supported, the procedures of 9.1.2 are executed with two clarifications; where it is not, 403.
 *
 * @see CPM-CR §9.3.1
 */
import { and, setup } from "xstate";
import type { Grounds } from "./clauses.ts";
import { effects } from "./effects.ts";
import type { GroupFileTransferEvent, TransferRequest } from "./events.ts";
import type { Policies } from "./policies.ts";

export type GroupFileTransferInput = Pick<Policies, "groupFileTransfer" | "senderNotConnected" | "maxFileOctets">;

const request = ({ event }: { readonly event: GroupFileTransferEvent }) => event as TransferRequest;

const begun = { type: "reportTransfer", params: { progress: "begun" } } as const;
const executeLargeMessage = { type: "executeLargeMessage", params: { recipientList: "none" } } as const;
const unauthorised = { type: "answer", params: { status: 403, warning: "serviceNotAuthorised" } } as const;

export const groupFileTransfer = setup({
  types: {} as { context: GroupFileTransferInput; events: GroupFileTransferEvent; meta: Grounds; input: GroupFileTransferInput },
  guards: {
    notSupported: ({ context }) => context.groupFileTransfer === "notSupported",
    pull: (at) => request(at).direction === "pull",
    senderIsStranger: (at) => request(at).sender === "stranger",
    senderIsAway: (at) => request(at).sender === "away",
    refusesAbsent: ({ context }) => context.senderNotConnected === "refuse",
    capacityExhausted: (at) => request(at).capacity === "exhausted",
    sizeExceeded: ({ context, event }) => request({ event }).fileOctets > context.maxFileOctets,
  },
  actions: effects("answer", "executeLargeMessage", "rejoinSender", "reportTransfer"),
}).createMachine({
  id: "group-file-transfer",
  context: ({ input }) => input,
  initial: "awaiting",
  states: {
    awaiting: {
      meta: { cites: ["CPM-CR §9.3.1"] },
      on: {
        "sip.INVITE.fileTransfer": [
          {
            guard: "notSupported",
            target: "refused",
            actions: { type: "answer", params: { status: 403, warning: "functionNotAllowed" } },
            meta: { cites: ["CPM-CR §9.3.1"] },
          },
          {
            guard: "pull",
            target: "refused",
            actions: { type: "answer", params: { status: 488 } },
            meta: { decides: "a recipient that wants to resume matches the same trigger and must not be fanned out", beside: ["CPM-CR §9.3.1", "RFC 5547 §8.2"] },
          },
          {
            guard: "senderIsStranger",
            target: "refused",
            actions: unauthorised,
            meta: { decides: "403 127: only a member sends files to the group", beside: ["CPM-CR §9.3.1", "CPM-CONV §9.1.2"] },
          },
          {
            guard: and(["senderIsAway", "refusesAbsent"]),
            target: "refused",
            actions: unauthorised,
            meta: { decides: "403 127: the sender is a member and not in the session", beside: ["CPM-CR §9.3.1"] },
          },
          {
            guard: "sizeExceeded",
            target: "refused",
            actions: { type: "answer", params: { status: 403, warning: "sizeExceeded" } },
            meta: { decides: "403 133 above maxFileOctets, before anybody is invited", beside: ["CPM-CR §4.2", "CPM-CONV §9.1.2"] },
          },
          {
            guard: "capacityExhausted",
            target: "refused",
            actions: { type: "answer", params: { status: 486 } },
            meta: { decides: "486: the group carries maxTransfers files already", beside: ["CPM-CR §9.3.1", "RFC 3261 §21.4.24"] },
          },
          {
            guard: "senderIsAway",
            target: "executing",
            actions: [begun, "rejoinSender", executeLargeMessage],
            meta: { decides: "senderNotConnected=rejoin: the sender is invited to the session again, and its file is taken", beside: ["CPM-CR §9.3.1"] },
          },
          { target: "executing", actions: [begun, executeLargeMessage], meta: { cites: ["CPM-CR §9.3.1"] } },
        ],
      },
    },
    executing: {
      meta: { cites: ["CPM-CR §9.3.1"] },
      on: {
        "sip.INVITE.fileTransfer": {
          actions: { type: "answer", params: { status: 482 } },
          meta: { decides: "482: the same transfer once more, by another INVITE, is not fanned out twice", beside: ["CPM-CR §9.3.1", "RFC 3261 §8.2.2.2"] },
        },
        "largeMessage.ended": { target: "ended", meta: { cites: ["CPM-CR §9.3.1"] } },
      },
    },
    refused: { type: "final", meta: { cites: ["CPM-CR §9.3.1"] } },
    ended: { type: "final", entry: { type: "reportTransfer", params: { progress: "ended" } }, meta: { cites: ["CPM-CR §9.3.1"] } },
  },
});
