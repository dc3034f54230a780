import type { HeaderFields, ResponseContent } from "./content.ts";
import type { Core } from "./core.ts";
import { Dialog } from "./dialog.ts";
import type { InviteDialog } from "./invite-dialog.ts";
import { SipMessage } from "./message.ts";
import { IncomingSubscription } from "./subscription.ts";
import type { ServerTransaction } from "./transaction.ts";
import type { Flow } from "./transport.ts";

/** How long the implicit subscription is said to live; the user ends it earlier. @see RFC 3515 §2.4.4 */
const referExpiresS = 180;

/** A REFER, inside a dialog or outside. @see RFC 3515 */
export class IncomingRefer {
  readonly request: SipMessage;
  readonly flow: Flow;
  /** The dialog that it came in. */
  readonly dialog: InviteDialog | undefined;
  readonly #core: Core;
  readonly #transaction: ServerTransaction;
  readonly #shared: Dialog | undefined;

  constructor(core: Core, transaction: ServerTransaction, dialog?: InviteDialog, shared?: Dialog) {
    this.#core = core;
    this.#transaction = transaction;
    this.#shared = shared;
    this.request = transaction.request;
    this.flow = transaction.flow;
    this.dialog = dialog;
  }

  /** False with `Refer-Sub: false` or the option tag norefersub: accepting makes no subscription. @see RFC 4488 §4, RFC 5368 §7 */
  get subscribes(): boolean {
    const { request } = this;
    return request.get("refer-sub")?.split(";", 1)[0]?.trim().toLowerCase() !== "false" && !request.has("require", "norefersub");
  }

  /**
   * Sends 202, or the status given. Unless the subscription is suppressed it is returned; its first NOTIFY,
   * `SIP/2.0 100 Trying`, has left, and the user owes the last one: `notify("terminated", sipfrag(200))`.
   */
  accept(status = 202, headers: HeaderFields = []): IncomingSubscription | undefined {
    if (this.#transaction.finalSent) return undefined;
    if (!this.subscribes) {
      this.#respond(status, [["Refer-Sub", "false"], ...headers]);
      return undefined;
    }
    const dialog = this.#shared ?? Dialog.ofRequest(this.request, this.#transaction.toTag, this.#core.contact(this.flow), this.flow);
    const subscription = new IncomingSubscription(this.#core, this.#transaction, dialog, { event: "refer", id: String(this.request.cseq.seq), expiresS: referExpiresS });
    this.#respond(status, [["Contact", dialog.contact], ...headers]);
    subscription.begin(referExpiresS);
    subscription.notify("active", sipfrag(100));
    return subscription;
  }

  reject(status: number, content: ResponseContent = {}): void {
    if (!this.#transaction.finalSent) this.#core.answer(this.#transaction, status, content);
  }

  #respond(status: number, headers: HeaderFields): void {
    this.#core.answer(this.#transaction, status, { headers });
  }
}

/** What a NOTIFY of a REFER says: the status line of a response. @see RFC 3515 §2.4.5, RFC 3420 */
export function sipfrag(status: number, reason?: string): { contentType: string; body: string } {
  const response = SipMessage.response(status, reason);
  return { contentType: "message/sipfrag;version=2.0", body: `SIP/2.0 ${response.status} ${response.reason}\r\n` };
}
