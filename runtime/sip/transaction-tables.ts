/**
 * The four machines of RFC 3261 §17, as RFC 6026 corrects them.
 *
 * A machine is a table: what happens in a state, where that leads, and what is
 * done, in order, once it is there. What a state does not list it absorbs. A
 * timer that a reliable transport sets to zero fires inside the action that
 * starts it.
 */
export interface Cell<State, Action> {
  readonly next: State;
  readonly actions: readonly Action[];
}

export type Table<State extends string, Input extends string, Action> = {
  readonly [S in State]?: { readonly [I in Input]?: Cell<State, Action> };
};

/** What a response is to a transaction. */
export type ResponseClass = "1xx" | "2xx" | "3xx-6xx";

export function responseClass(status: number): ResponseClass {
  if (status < 200) return "1xx";
  return status < 300 ? "2xx" : "3xx-6xx";
}

function to<State, Action>(next: State, ...actions: readonly Action[]): Cell<State, Action> {
  return { next, actions };
}

export type ClientState = "calling" | "trying" | "proceeding" | "completed" | "accepted" | "terminated";
export type ClientInput =
  | ResponseClass
  /** The request has a flow to leave by. */
  | "start"
  /** The user gives the request up. */
  | "cancel"
  /** 64*T1 after a CANCEL no final response has come. @see RFC 3261 §9.1 */
  | "cancelTimer"
  | "transportError"
  | "timerA"
  | "timerB"
  | "timerD"
  | "timerE"
  | "timerF"
  | "timerK"
  | "timerM";
export type ClientAction =
  | "sendRequest"
  | "makeAck"
  | "sendAck"
  | "sendCancel"
  | "wantCancel"
  | "cancelIfWanted"
  | "pass"
  /** The request is needed no more. */
  | "release"
  | "informTimeout"
  | "informTransportError"
  | "stopTimers"
  | "startA"
  | "startB"
  | "startD"
  | "startE"
  | "startEAtT2"
  | "startF"
  | "startK"
  | "startM";
export type ClientTable = Table<ClientState, ClientInput, ClientAction>;

/** @see RFC 3261 §17.1.1.2, RFC 6026 §8.4 */
export const inviteClient: ClientTable = {
  calling: {
    start: to("calling", "startA", "startB", "sendRequest"),
    timerA: to("calling", "startA", "sendRequest"),
    timerB: to("terminated", "informTimeout"),
    cancel: to("calling", "wantCancel"),
    "1xx": to("proceeding", "stopTimers", "cancelIfWanted", "pass"),
    "2xx": to("accepted", "stopTimers", "startM", "release", "pass"),
    "3xx-6xx": to("completed", "stopTimers", "makeAck", "sendAck", "startD", "release", "pass"),
    transportError: to("terminated", "informTransportError"),
  },
  proceeding: {
    cancel: to("proceeding", "sendCancel"),
    cancelTimer: to("terminated", "informTimeout"),
    "1xx": to("proceeding", "pass"),
    "2xx": to("accepted", "stopTimers", "startM", "release", "pass"),
    "3xx-6xx": to("completed", "stopTimers", "makeAck", "sendAck", "startD", "release", "pass"),
  },
  completed: {
    "3xx-6xx": to("completed", "sendAck"),
    timerD: to("terminated"),
    transportError: to("terminated", "informTransportError"),
  },
  accepted: {
    "2xx": to("accepted", "pass"),
    timerM: to("terminated"),
  },
};

/** @see RFC 3261 §17.1.2.2 */
export const nonInviteClient: ClientTable = {
  trying: {
    start: to("trying", "startE", "startF", "sendRequest"),
    timerE: to("trying", "startE", "sendRequest"),
    timerF: to("terminated", "informTimeout"),
    "1xx": to("proceeding", "pass"),
    "2xx": to("completed", "stopTimers", "startK", "release", "pass"),
    "3xx-6xx": to("completed", "stopTimers", "startK", "release", "pass"),
    transportError: to("terminated", "informTransportError"),
  },
  proceeding: {
    timerE: to("proceeding", "startEAtT2", "sendRequest"),
    timerF: to("terminated", "informTimeout"),
    "1xx": to("proceeding", "pass"),
    "2xx": to("completed", "stopTimers", "startK", "release", "pass"),
    "3xx-6xx": to("completed", "stopTimers", "startK", "release", "pass"),
    transportError: to("terminated", "informTransportError"),
  },
  completed: {
    timerK: to("terminated"),
  },
};

export type ServerState = "trying" | "proceeding" | "completed" | "confirmed" | "accepted" | "terminated";
export type ServerInput =
  | ResponseClass
  /** The request came for the first time. */
  | "start"
  /** The request came again. */
  | "request"
  | "ACK"
  | "transportError"
  /** 200 ms have passed and the user has said nothing. @see RFC 3261 §17.2.1 */
  | "tryingTimer"
  | "timerG"
  | "timerH"
  | "timerI"
  | "timerJ"
  | "timerL";
export type ServerAction =
  | "pass"
  | "passAck"
  | "sendTrying"
  | "sendResponse"
  | "resend"
  /** The request is needed no more. */
  | "release"
  /** No retransmission will be answered any more. */
  | "forgetResponse"
  | "informTimeout"
  | "informTransportError"
  | "stopTimers"
  | "startTryingTimer"
  | "startG"
  | "startH"
  | "startI"
  | "startJ"
  | "startL";
export type ServerTable = Table<ServerState, ServerInput, ServerAction>;

/** A transport error changes no state: RFC 6026 §7.1. @see RFC 3261 §17.2.1, RFC 6026 §8.7 */
export const inviteServer: ServerTable = {
  proceeding: {
    start: to("proceeding", "startTryingTimer", "pass"),
    request: to("proceeding", "resend"),
    tryingTimer: to("proceeding", "sendTrying"),
    "1xx": to("proceeding", "stopTimers", "sendResponse"),
    "2xx": to("accepted", "stopTimers", "sendResponse", "startL", "forgetResponse", "release"),
    "3xx-6xx": to("completed", "stopTimers", "sendResponse", "startG", "startH"),
    transportError: to("proceeding", "informTransportError"),
  },
  completed: {
    request: to("completed", "resend"),
    timerG: to("completed", "startG", "resend"),
    timerH: to("terminated", "informTimeout"),
    ACK: to("confirmed", "stopTimers", "startI", "forgetResponse", "release"),
    transportError: to("completed", "informTransportError"),
  },
  confirmed: {
    timerI: to("terminated"),
  },
  accepted: {
    "2xx": to("accepted", "sendResponse", "forgetResponse"),
    ACK: to("accepted", "passAck"),
    timerL: to("terminated"),
    transportError: to("accepted", "informTransportError"),
  },
};

/** @see RFC 3261 §17.2.2 */
export const nonInviteServer: ServerTable = {
  trying: {
    start: to("trying", "pass"),
    "1xx": to("proceeding", "sendResponse"),
    "2xx": to("completed", "sendResponse", "startJ", "release"),
    "3xx-6xx": to("completed", "sendResponse", "startJ", "release"),
  },
  proceeding: {
    request: to("proceeding", "resend"),
    "1xx": to("proceeding", "sendResponse"),
    "2xx": to("completed", "sendResponse", "startJ", "release"),
    "3xx-6xx": to("completed", "sendResponse", "startJ", "release"),
    transportError: to("terminated", "informTransportError"),
  },
  completed: {
    request: to("completed", "resend"),
    timerJ: to("terminated"),
    transportError: to("terminated", "informTransportError"),
  },
};
