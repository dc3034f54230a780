import type { HeaderFields, ResponseContent } from "./core.ts";
import type { InviteDialog } from "./invite-dialog.ts";
import type { SipMessage } from "./message.ts";
import type { IncomingSubscription } from "./subscription.ts";
import type { Flow } from "./transport.ts";

/** A REFER, inside a dialog or outside. @see RFC 3515 */
export interface IncomingRefer {
  readonly request: SipMessage;
  readonly flow: Flow;
  /** The dialog that it came in. */
  readonly dialog: InviteDialog | undefined;
  /** False with `Refer-Sub: false` or the option tag norefersub: accepting makes no subscription. @see RFC 4488 §4 */
  readonly subscribes: boolean;
  /**
   * Sends 202, or the status given. Unless the subscription is suppressed it is returned; its first NOTIFY,
   * `SIP/2.0 100 Trying`, has left, and the user owes the last one: `notify("terminated", …)`.
   */
  accept(status?: number, headers?: HeaderFields): IncomingSubscription | undefined;
  reject(status: number, content?: ResponseContent): void;
}
