import type { Clock } from "../clock.ts";
import type { Dialog } from "./dialog.ts";
import type { SipMessage } from "./message.ts";
import type { ClientUser, ServerTransaction } from "./transaction.ts";
import type { Flow, Target } from "./transport.ts";

/** Header fields to add to a message, in order. */
export type HeaderFields = readonly (readonly [name: string, value: string])[];

/** What a caller puts into a request or response beside what the layer writes itself. */
export interface Content {
  readonly headers?: HeaderFields | undefined;
  readonly contentType?: string | undefined;
  readonly body?: Buffer | string | undefined;
}

/** Content of a response; `reason` replaces the standard reason phrase. */
export interface ResponseContent extends Content {
  readonly reason?: string | undefined;
}

/** Why a final response was made up here instead of received. */
export type LocalCause = "timeout" | "transport" | "unregistered";

/**
 * Receives the final response to a request: exactly one call. `cause` says that
 * nobody sent it: 408 for a timeout, 503 for a transport error (RFC 3261 §8.1.3.1), 480 for an
 * address-of-record of ours without a binding.
 */
export type OnResponse = (response: SipMessage, cause?: LocalCause) => void;

/** Where a request goes, when the caller knows better than RFC 3263. */
export type Destination = Target | Flow;

/** A request that has been sent, to one target or to several in parallel. */
export interface Sent {
  /** Cancels every branch that has no final response. @see RFC 3261 §9.1 */
  cancel(headers?: HeaderFields): void;
}

/** What the user agent core lends to its dialogs, INVITEs and subscriptions. */
export interface Core {
  readonly clock: Clock;
  readonly t1: number;
  readonly t2: number;
  readonly sessionExpiresMs: number;
  readonly minSeMs: number;
  readonly limits: Limits;
  readonly counters: Counters;

  /** A new tag or Call-ID: 72 random bits or more. @see RFC 3261 §19.3 */
  token(): string;
  /** A response to the request with our Server header field; the To tag only where the request had none. */
  createResponse(request: SipMessage, status: number, content?: ResponseContent, toTag?: string): SipMessage;
  /** The Contact for a dialog on this flow. */
  contact(flow?: Flow): string;
  allow(): string;
  supported(): string;

  /** Sends a request outside a dialog, by route, binding or RFC 3263, forked where there are several bindings. */
  sendRequest(request: SipMessage, destination: Destination | undefined, user: ClientUser): Sent;
  /** Sends a request inside a dialog to its next hop. */
  sendInDialog(dialog: Dialog, request: SipMessage, user: ClientUser): Sent;
  sendAck(dialog: Dialog, ack: SipMessage): void;

  addDialog(dialog: Dialog): void;
  removeDialog(dialog: Dialog): void;
  answer(transaction: ServerTransaction, status: number, content?: ResponseContent): void;
}

/** Bounds on what peers can make us hold; beyond them 503 with Retry-After. */
export interface Limits {
  readonly dialogs: number;
  /** Initial INVITEs without a final response, either way. */
  readonly pendingInvites: number;
  readonly subscriptions: number;
  readonly bindings: number;
  readonly bindingsPerUser: number;
}

/** Counted since the start; sizes are of this moment. */
export interface Counters {
  invitesIn: number;
  invitesOut: number;
  requestsIn: number;
  requestsOut: number;
  refused: Map<number, number>;
  dialogs: number;
  pendingInvites: number;
  subscriptions: number;
  missingAcks: number;
  mergedRequests: number;
  strayAcks: number;
}
