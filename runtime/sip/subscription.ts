import type { HeaderFields, LocalCause, ResponseContent } from "./core.ts";
import type { OutOfDialog } from "./invite-client.ts";
import type { SipMessage } from "./message.ts";
import type { Flow } from "./transport.ts";

export type SubscriptionState = "active" | "pending" | "terminated";

export interface IncomingSubscriptionUser {
  /** The subscriber refreshed and has its 200: a NOTIFY with the state is due now. @see RFC 6665 §4.2.1.2 */
  onRefresh?(expiresS: number): void;
  /** The subscriber sent Expires: 0 and has its 200: the last NOTIFY, `terminated`, is due now. */
  onUnsubscribe?(): void;
  /** A NOTIFY got 481 or no answer: the subscription is over. @see RFC 6665 §4.2.2 */
  onGone?(status: number): void;
}

export interface Notification {
  readonly contentType?: string | undefined;
  readonly body?: Buffer | string | undefined;
  /** Why it is terminated: deactivated, probation, rejected, timeout, giveup, noresource, invariant. */
  readonly reason?: string | undefined;
  readonly retryAfterS?: number | undefined;
  readonly headers?: HeaderFields | undefined;
  /** Drops the NOTIFYs that still wait; for a full state. */
  readonly replaces?: boolean | undefined;
}

/** A subscription that we serve as notifier. The expiry timer is the user's. @see RFC 6665 §4.2 */
export interface IncomingSubscription {
  user: IncomingSubscriptionUser;
  readonly request: SipMessage;
  readonly flow: Flow;
  readonly event: string;
  readonly eventId: string | undefined;
  readonly callId: string;
  /** What the subscriber asked for, within our bounds; 0 is a fetch: accept, then notify `terminated`. */
  readonly expiresS: number;
  /** NOTIFYs not answered yet, the waiting ones too. */
  readonly outstanding: number;
  /** Sends 200 with the expiry granted; a NOTIFY is due right after it. */
  accept(expiresS?: number, headers?: HeaderFields, contact?: string): void;
  reject(status: number, content?: ResponseContent): void;
  /** Sends a NOTIFY, or keeps it until the one before it is answered. After `terminated` nothing follows. */
  notify(state: SubscriptionState, notification?: Notification): void;
}

export interface Subscribing extends OutOfDialog {
  /** The event package, with parameters if any. */
  readonly event: string;
  readonly expiresS: number;
  readonly accept?: string | undefined;
}

export interface OutgoingSubscriptionUser {
  /** A NOTIFY, answered 200 already. */
  onNotify(notify: SipMessage, state: SubscriptionState): void;
  /** SUBSCRIBE or its refresh was accepted. */
  onAccepted?(response: SipMessage, expiresS: number): void;
  /** It is over: refused, gone, or terminated by the notifier. */
  onEnded?(status: number, reason: string | undefined, cause?: LocalCause): void;
}

/** A subscription of ours. The refresh timer is the user's. @see RFC 6665 §4.1 */
export interface OutgoingSubscription {
  readonly callId: string;
  refresh(expiresS: number): void;
  /** Sends Expires: 0; the last NOTIFY still comes. */
  unsubscribe(): void;
}
