/**
 * The other side of every dialog: a small CPM Client, as machines.
 *
 * A client does what RFC 3261 asks of any user agent at once (answers a BYE, acknowledges a 2xx, refuses what overlaps) and the
 * rest when its user feels like it: those are its acts. What a state does not name it does not take, and the checker calls that an
 * unspecified reception. One machine is one dialog; when that is over it is as before, and the place may be used again.
 */
import { setup, stateIn } from "xstate";

/** What a client hears on SIP. `refused INVITE` is any final response that refuses it; `refresh` is our re-INVITE or UPDATE. */
export type SipDown =
  | "INVITE"
  | "ACK"
  | "CANCEL"
  | "BYE"
  | "refresh"
  | "200 INVITE"
  | "refused INVITE"
  | "200 re-INVITE"
  | "488 re-INVITE"
  | "491 re-INVITE"
  | "481 re-INVITE"
  | "200 BYE"
  | "481 BYE"
  | "202 REFER"
  | "refused REFER";

/** What a client hears on MSRP: a whole chat message; the first and the last chunk of a file; `#`. */
export type MsrpDown = "message" | "first chunk" | "last chunk" | "abort";

/** What a client says on SIP. The 200s of a file's recipient show what `a=accept-wrapped-types` and `a=accept-types` say. */
export type SipUp =
  | "INVITE create"
  | "INVITE join"
  | "INVITE file"
  | "ACK"
  | "CANCEL"
  | "BYE completed"
  | "BYE"
  | "re-INVITE"
  | "180"
  | "200"
  | "200 unwrapped"
  | "200 other types"
  | "603"
  | "486"
  | "488"
  | "487"
  | "200 refresh"
  | "491 refresh"
  | "481 refresh"
  | "200 BYE"
  | "481 BYE"
  | "REFER add"
  | "REFER remove";

/** What a client says on MSRP. `bind` is the empty SEND that names the session, `received` the 200 for the last chunk, `closed` the end of the connection. */
export type MsrpUp = "bind" | "message" | "closed" | "first chunk" | "last chunk" | "abort" | "garbage" | "received" | "413";

/** What a user does, or a client on its own. */
export type Act =
  | "create"
  | "join"
  | "offer"
  | "cancel"
  | "ring"
  | "accept"
  | "acceptUnwrapped"
  | "acceptOtherTypes"
  | "decline"
  | "busy"
  | "refuse"
  | "leave"
  | "drop"
  | "update"
  | "add"
  | "remove"
  | "bind"
  | "write"
  | "close"
  | "begin"
  | "finish"
  | "abort"
  | "spoil"
  | "reject";

export type ClientEvent =
  | { readonly type: SipDown | MsrpDown }
  | { readonly type: `act.${Act}` }
  /** 64*T1 without an answer to what was asked or, after a 2xx, without an ACK. */
  | { readonly type: "timeout" };

/** What a client asks for: to be sent on one of its two ways. */
export type ClientEffect = { readonly type: "say"; readonly sip: SipUp } | { readonly type: "speak"; readonly msrp: MsrpUp };

const say = <const M extends SipUp>(sip: M) => ({ type: "say", params: { sip } }) as const;
const speak = <const M extends MsrpUp>(msrp: M) => ({ type: "speak", params: { msrp } }) as const;

const client = setup({
  types: {} as { events: ClientEvent; tags: "idle" | "ringing" | "calling" | "open" | "leaving" | "waiting" | "asking" },
  guards: { confirmed: stateIn("#confirmed") },
  actions: { say: (_, _params: { sip: SipUp }) => {}, speak: (_, _params: { msrp: MsrpUp }) => {} },
});

// ---------------------------------------------------------------- what every dialog does

/** Answers to what was asked in a dialog that has ended meanwhile. */
const lateAnswers = { "200 re-INVITE": {}, "488 re-INVITE": {}, "491 re-INVITE": {}, "481 re-INVITE": {}, "202 REFER": {}, "refused REFER": {} } as const;

/** MSRP octets that were on their way when the connection closed. */
const lateOctets = { message: {}, "first chunk": {}, "last chunk": {}, abort: {} } as const;

/** No dialog. What names one that has ended is 481. @see RFC 3261 §12.2.2, §15.1.2, §9.2 */
const noDialog = {
  BYE: { actions: say("481 BYE") },
  refresh: { actions: say("481 refresh") },
  CANCEL: {},
  ACK: {},
  // A 2xx is repeated until its ACK comes, and every copy gets one. @see RFC 3261 §13.2.2.4
  "200 INVITE": { actions: say("ACK") },
  ...lateAnswers,
  ...lateOctets,
} as const;

/** Our INVITE has no final response: there is no dialog yet that a BYE could end. @see RFC 3261 §13.2.2, §9.1, §15.1.2 */
const calling = {
  tags: ["calling", "waiting"],
  on: {
    BYE: { actions: say("481 BYE") },
    "200 INVITE": { target: "#confirmed", actions: say("ACK") },
    "refused INVITE": "idle",
    "act.cancel": { target: "cancelling", actions: say("CANCEL") },
    timeout: "idle",
  },
} as const;

/** Our CANCEL is under way; a 2xx that crosses it is acknowledged and ended. @see RFC 3261 §9.1, §13.2.2.4 */
const cancelling = {
  tags: ["calling", "waiting"],
  on: {
    BYE: { actions: say("481 BYE") },
    "200 INVITE": { target: "leaving", actions: [say("ACK"), say("BYE completed")] },
    "refused INVITE": "idle",
    timeout: "idle",
  },
} as const;

/** The user has not answered an INVITE. @see RFC 3261 §13.3.1, §9.2 */
const ringing = <const A extends object>(accepts: A) =>
  ({
    initial: "invited",
    tags: ["ringing"],
    on: {
      ...accepts,
      CANCEL: { target: "idle", actions: say("487") },
      "act.decline": { target: "idle", actions: say("603") },
      "act.busy": { target: "idle", actions: say("486") },
      "act.refuse": { target: "idle", actions: say("488") },
    },
    states: {
      invited: { on: { "act.ring": { target: "alerting", actions: say("180") } } },
      alerting: {},
    },
  }) as const;

/** Our BYE is under way. @see RFC 3261 §15.1.1 */
const leaving = {
  tags: ["leaving", "waiting"],
  on: {
    "200 BYE": "idle",
    "481 BYE": "idle",
    BYE: { actions: say("200 BYE") },
    refresh: { actions: say("481 refresh") },
    CANCEL: {},
    ACK: {},
    "200 INVITE": { actions: say("ACK") },
    timeout: "idle",
    ...lateAnswers,
    ...lateOctets,
  },
} as const;

/** Whoever hears BYE in a dialog has none any more. @see RFC 3261 §15.1.2 */
const heardBye = { BYE: { target: "idle", actions: say("200 BYE") } } as const;

/** Region `dialog`. Who was called waits for the ACK before it asks anything; who called is confirmed with its own. @see RFC 3261 §13.3.1.4, §15 */
const dialog = {
  initial: "unconfirmed",
  states: {
    unconfirmed: {
      tags: ["waiting"],
      on: { ACK: "confirmed", CANCEL: {}, timeout: { target: "#client.leaving", actions: say("BYE") } },
    },
    confirmed: {
      id: "confirmed",
      on: {
        ACK: {},
        CANCEL: {},
        "200 INVITE": { actions: say("ACK") },
        "act.leave": { target: "#client.leaving", actions: say("BYE completed") },
        "act.drop": { target: "#client.leaving", actions: say("BYE") },
      },
    },
  },
} as const;

/** Region `session`: one request of ours at a time, and none beside one of the server's. @see RFC 3261 §14.1, §14.2, RFC 4579 §5.5 */
const session = {
  initial: "steady",
  states: {
    steady: {
      on: {
        refresh: { actions: say("200 refresh") },
        "act.update": { guard: "confirmed", target: "updating", actions: say("re-INVITE") },
        "act.add": { guard: "confirmed", target: "referring", actions: say("REFER add") },
        "act.remove": { guard: "confirmed", target: "referring", actions: say("REFER remove") },
      },
    },
    updating: {
      tags: ["asking"],
      on: {
        "200 re-INVITE": "steady",
        "488 re-INVITE": "steady",
        "491 re-INVITE": "steady",
        // The server has no such dialog: then we have none either. @see RFC 3261 §12.2.1.2
        "481 re-INVITE": { target: "#client.leaving", actions: say("BYE") },
        timeout: { target: "#client.leaving", actions: say("BYE") },
        refresh: { actions: say("491 refresh") },
      },
    },
    referring: {
      tags: ["asking"],
      on: {
        "202 REFER": "steady",
        "refused REFER": "steady",
        timeout: { target: "#client.leaving", actions: say("BYE") },
        refresh: { actions: say("200 refresh") },
      },
    },
  },
} as const;

const open = <const R extends object>(regions: R) => ({ type: "parallel", tags: ["open"], on: heardBye, states: { dialog, session, ...regions } }) as const;

// ---------------------------------------------------------------- the three clients

/** A dialog with a group: the client creates it, joins it, or is invited; it opens the MSRP connection, writes, reads, and may lose it. @see RFC 4975 §5.4 */
export const chatClient = client.createMachine({
  id: "client",
  initial: "idle",
  states: {
    idle: {
      tags: ["idle"],
      on: {
        ...noDialog,
        INVITE: "ringing",
        "act.create": { target: "calling", actions: say("INVITE create") },
        "act.join": { target: "calling", actions: say("INVITE join") },
      },
    },
    calling,
    cancelling,
    ringing: ringing({ "act.accept": { target: "open", actions: say("200") } }),
    open: open({
      media: {
        initial: "unbound",
        states: {
          unbound: { on: { "act.bind": { target: "bound", actions: speak("bind") } } },
          bound: { on: { message: {}, "act.write": { actions: speak("message") }, "act.close": { target: "closed", actions: speak("closed") } } },
          closed: { on: { message: {} } },
        },
      },
    }),
    leaving,
  },
});

/** The sender of a file: it offers, uploads as soon as it is let, and says BYE when all is through. @see RFC 5547 §8 */
export const senderClient = client.createMachine({
  id: "client",
  initial: "idle",
  states: {
    idle: { tags: ["idle"], on: { ...noDialog, "act.offer": { target: "calling", actions: say("INVITE file") } } },
    calling,
    cancelling,
    open: open({
      upload: {
        initial: "ready",
        states: {
          ready: { on: { "act.begin": { target: "uploading", actions: speak("first chunk") }, "act.close": { target: "stopped", actions: speak("closed") } } },
          uploading: {
            on: {
              "act.finish": { target: "finished", actions: speak("last chunk") },
              "act.abort": { target: "stopped", actions: speak("abort") },
              "act.spoil": { target: "stopped", actions: speak("garbage") },
              "act.close": { target: "stopped", actions: speak("closed") },
            },
          },
          finished: {},
          stopped: {},
        },
      },
    }),
    leaving,
  },
});

/** A recipient of a file: it answers the offer, takes octets or refuses them. @see RFC 5547 §8.3.1, RFC 4975 §10.5 */
export const recipientClient = client.createMachine({
  id: "client",
  initial: "idle",
  states: {
    idle: { tags: ["idle"], on: { ...noDialog, INVITE: "ringing" } },
    ringing: ringing({
      "act.accept": { target: "open", actions: say("200") },
      "act.acceptUnwrapped": { target: "open", actions: say("200 unwrapped") },
      "act.acceptOtherTypes": { target: "open", actions: say("200 other types") },
    }),
    open: open({
      download: {
        initial: "unbound",
        states: {
          unbound: { on: { "act.bind": { target: "bound", actions: speak("bind") } } },
          bound: { on: { "first chunk": "receiving", "last chunk": { target: "finished", actions: speak("received") }, abort: "finished", "act.close": { target: "finished", actions: speak("closed") } } },
          receiving: {
            on: {
              "last chunk": { target: "finished", actions: speak("received") },
              abort: "finished",
              "act.reject": { target: "finished", actions: speak("413") },
              "act.close": { target: "finished", actions: speak("closed") },
            },
          },
          finished: { on: lateOctets },
        },
      },
    }),
    leaving,
  },
});
