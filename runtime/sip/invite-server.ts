import type { Content, Core, ResponseContent } from "./core.ts";
import type { InviteDialog } from "./invite-dialog.ts";
import type { SipMessage } from "./message.ts";
import type { ServerTransaction } from "./transaction.ts";
import type { Flow } from "./transport.ts";

/** What the user hears of an INVITE after it got it. */
export interface IncomingInviteUser {
  /**
   * The caller cancelled, or sent BYE in the early dialog; the CANCEL is answered already and the INVITE is
   * not: `reject(487)` is the user's to say. Without this callback the INVITE gets its 487 at once.
   */
  onCancel?(cancel: SipMessage): void;
  /** The ACK of our 2xx, once. */
  onAck?(ack: SipMessage): void;
  /** No ACK came within 64*T1 of our 2xx; the user decides to send BYE. @see RFC 3261 §13.3.1.4 */
  onNoAck?(): void;
  /** No PRACK came within 64*T1; the INVITE should be rejected with a 5xx. Without this callback it is, with 504. @see RFC 3262 §3 */
  onNoPrack?(): void;
}

export interface Provisional extends ResponseContent {
  /** Reliably, where the peer supports it; where the peer requires it, it always is. @see RFC 3262 §3 */
  readonly reliable?: boolean | undefined;
}

export interface Acceptance extends Content {
  /** The Contact header field's value, e.g. `<sip:group@host:5060>;isfocus`; the endpoint's own when it is left out. */
  readonly contact?: string | undefined;
  /** 200 unless said. */
  readonly status?: number | undefined;
}

/** An INVITE that awaits its final response: the first of a dialog or, with `initial` false, a re-INVITE. @see RFC 3261 §13.3, §14.2 */
export class IncomingInvite {
  readonly request: SipMessage;
  /** Where the request came from. */
  readonly flow: Flow;
  readonly initial: boolean;
  /** The tag of our side, the same in every response. */
  readonly localTag: string;
  user: IncomingInviteUser = {};

  constructor(_core: Core, _transaction: ServerTransaction, _dialog?: InviteDialog) {
    throw new Error("not yet");
  }

  /** Whether a final response was sent. */
  get answered(): boolean {
    throw new Error("not yet");
  }

  /** Sends a provisional response, 101 to 199. Nothing after the final one. */
  ring(_status = 180, _content: Provisional = {}): void {
    throw new Error("not yet");
  }

  /**
   * Sends the 2xx, and again until its ACK. In a re-INVITE an absent body means the description that was last sent.
   * After a final response it does nothing but return the dialog.
   */
  accept(_content: Acceptance = {}): InviteDialog {
    throw new Error("not yet");
  }

  /** Sends a final response of 300 or above. Nothing after the final one. */
  reject(_status: number, _content: ResponseContent = {}): void {
    throw new Error("not yet");
  }
}
