import type { Clock } from "../clock.ts";
import type { Random } from "../random.ts";
import type { SipMessage } from "./message.ts";
import type { Flow, ReplyPath, Target } from "./transport.ts";

/** A request that came in, and the responses to it. */
export interface ServerTransaction {
  readonly request: SipMessage;
  /** The flow on which the request came. */
  readonly flow: Flow;
  readonly method: string;
  /** The tag of our To in every response to a request that has none; also in the 200 of its CANCEL. @see RFC 3261 §9.2 */
  readonly toTag: string;
  /** The same request came on another path and is still being worked on: the user answers 482. @see RFC 3261 §8.2.2.2 */
  readonly merged: boolean;
  readonly finalSent: boolean;
  /** Sends it. After a 2xx to INVITE only further 2xx leave (the user retransmits them); after any other final response nothing does. */
  respond(response: SipMessage): void;
}

/** A request that went out. */
export interface ClientTransaction {
  readonly request: SipMessage;
  /** Cancels the INVITE, as soon as a provisional response has come; nothing once there is a final one. @see RFC 3261 §9.1 */
  cancel(headers?: readonly (readonly [string, string])[]): void;
}

/** Who answers the requests. */
export interface TransactionUser {
  /** A new request, once; never ACK, never CANCEL. */
  onRequest(transaction: ServerTransaction): void;
  /** The ACK of a 2xx, every copy of it. @see RFC 3261 §13.3.1.4 */
  onAck(ack: SipMessage, flow: Flow): void;
  /** The peer cancelled an INVITE that has no final response yet; the CANCEL itself is answered already. @see RFC 3261 §9.2 */
  onCancel(invite: ServerTransaction, cancel: SipMessage): void;
  /** No ACK came for a final response other than 2xx (timer H). */
  onServerTimeout(transaction: ServerTransaction): void;
  /** A response could not be sent. */
  onServerTransportError?(transaction: ServerTransaction, error: Error): void;
  /** A response that belongs to no request of ours. */
  onStrayResponse?(response: SipMessage): void;
}

/** Who sent a request. Exactly one of a final response, `onTimeout` and `onTransportError` ends it; an INVITE may get several 2xx. */
export interface ClientUser {
  /** Every provisional response, the final one, and every 2xx to INVITE, retransmitted and forked ones too. @see RFC 6026 §7.2 */
  onResponse(response: SipMessage): void;
  /** To be treated as 408. @see RFC 3261 §8.1.3.1 */
  onTimeout(): void;
  /** To be treated as 503. @see RFC 3261 §8.1.3.1 */
  onTransportError(error: Error): void;
}

/** What transactions need of the transport. */
export interface Sender {
  flowTo(target: Target, sizeOctets: number): Promise<Flow>;
  replyPath(request: SipMessage, flow: Flow): ReplyPath;
}

export interface TransactionLayerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Sender;
  readonly user: TransactionUser;
  readonly t1Ms?: number;
  readonly t2Ms?: number;
  readonly t4Ms?: number;
}

/** Requests and responses made reliable. @see RFC 3261 §17, RFC 6026 */
export class TransactionLayer {
  constructor(_options: TransactionLayerOptions) {}
  /** What the transport's `onMessage` calls. */
  receive(_message: SipMessage, _flow: Flow): void {
    throw new Error("not yet");
  }
  /** Sends a request other than ACK; its top Via is put here, with branch and rport. */
  request(_message: SipMessage, _target: Target | Flow, _user: ClientUser): ClientTransaction {
    throw new Error("not yet");
  }
  /** Sends the ACK of a 2xx, which belongs to no transaction. @see RFC 3261 §13.2.2.4 */
  sendAck(_ack: SipMessage, _target: Target | Flow): void {
    throw new Error("not yet");
  }
  /** Transactions alive, for metrics. */
  get size(): { readonly client: number; readonly server: number } {
    throw new Error("not yet");
  }
}
