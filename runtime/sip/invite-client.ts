import type { Content, Destination, HeaderFields, LocalCause } from "./core.ts";
import type { InviteDialog } from "./invite-dialog.ts";
import type { SipMessage } from "./message.ts";

/** A request that starts something: outside any dialog. */
export interface OutOfDialog extends Content {
  readonly requestUri: string;
  /** A URI or name-addr, without tag. */
  readonly from: string;
  /** A URI or name-addr, without tag; the Request-URI when left out. */
  readonly to?: string | undefined;
  /** The Contact header field's value; the endpoint's own when left out. */
  readonly contact?: string | undefined;
  readonly callId?: string | undefined;
  /** 70 unless said. */
  readonly maxForwards?: number | undefined;
  /** Overrides route, bindings and RFC 3263. */
  readonly destination?: Destination | undefined;
}

export interface Invitation extends OutOfDialog {
  /** False: no session timer is asked for. */
  readonly sessionTimer?: boolean | undefined;
}

/** What becomes of an INVITE of ours: any number of `onProvisional`, then one of the others. */
export interface OutgoingInviteUser {
  /** 101 to 199; a reliable one has had its PRACK. */
  onProvisional?(response: SipMessage): void;
  /** The first 2xx; its ACK has left. It may come after a `cancel()`: then the user decides to send BYE. Set `dialog.user` here. */
  onAccepted(dialog: InviteDialog, response: SipMessage): void;
  /** The best final response of 300 or above; `cause` says that it was made here. @see RFC 3261 §16.7 */
  onRejected(response: SipMessage, cause?: LocalCause): void;
  /** A further 2xx, of another branch, whose ACK has left: true keeps the dialog, else it gets a BYE. @see RFC 3261 §13.2.2.4 */
  onForked?(dialog: InviteDialog, response: SipMessage): boolean;
}

/** An INVITE of ours. */
export interface OutgoingInvite {
  readonly callId: string;
  readonly localTag: string;
  /** Sends CANCEL as soon as a provisional response has come; nothing after a final one. @see RFC 3261 §9.1 */
  cancel(headers?: HeaderFields): void;
}
