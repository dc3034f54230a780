import type { Content, HeaderFields, OnResponse, ResponseContent } from "./core.ts";
import type { IncomingInvite } from "./invite-server.ts";
import type { IncomingRefer } from "./refer.ts";
import type { SessionTimer } from "./session-timer.ts";
import type { SipMessage } from "./message.ts";
import type { Flow } from "./transport.ts";

/** What the user hears of an established dialog. */
export interface InviteDialogUser {
  /** The peer ended the dialog; the BYE has its 200. */
  onBye?(bye: SipMessage): void;
  /** A request of ours got 481 or 408, or nothing: the dialog is over and no BYE is needed. @see RFC 3261 §12.2.1.2 */
  onGone?(status: number): void;
  /** A re-INVITE; left out, it is accepted with the description that was last sent. */
  onReinvite?(invite: IncomingInvite): void;
  /** An UPDATE with a body; one without only refreshes and has its 200. Left out: 488. @see RFC 3311 §5.2 */
  onUpdate?(update: IncomingRequest): void;
  /** Left out: 403 … the peer's REFER is refused. */
  onRefer?(refer: IncomingRefer): void;
  /** Any other request: INFO, MESSAGE, NOTIFY. Left out: 405, and 481 for NOTIFY. */
  onRequest?(request: IncomingRequest): void;
  /** A refresh moved the session's expiry, or ended the timer. @see RFC 4028 §7.2, §9 */
  onSessionTimer?(timer: SessionTimer | undefined): void;
}

/** A request other than INVITE that awaits its final response. */
export interface IncomingRequest {
  readonly request: SipMessage;
  readonly method: string;
  readonly flow: Flow;
  /** Sends a response; nothing after the final one. */
  respond(status: number, content?: ResponseContent): void;
}

/** A dialog made by INVITE. @see RFC 3261 §12, §13 */
export interface InviteDialog {
  user: InviteDialogUser;
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  readonly localUri: string;
  readonly remoteUri: string;
  readonly remoteTarget: string;
  readonly routeSet: readonly string[];
  readonly secure: boolean;
  readonly state: "early" | "confirmed" | "terminated";
  /** Who refreshes, and when the session expires; undefined without a session timer. */
  readonly sessionTimer: SessionTimer | undefined;

  /** Ends the dialog. Before the ACK of our 2xx it waits for that ACK. @see RFC 3261 §15 */
  bye(headers?: HeaderFields, onResponse?: OnResponse): void;
  /** Sends any request but INVITE, BYE, ACK, CANCEL and PRACK. */
  request(method: string, content?: Content, onResponse?: OnResponse): void;
  /** Sends a re-INVITE; an absent body repeats the description that was last sent. A 491 is the user's to try again. @see RFC 3261 §14.1 */
  reinvite(content: Content, onResponse: OnResponse): void;
  /** Refreshes the session: UPDATE where the peer allows it, else a re-INVITE with the description unchanged. @see RFC 4028 §7.4 */
  refresh(onResponse?: OnResponse): void;
}
