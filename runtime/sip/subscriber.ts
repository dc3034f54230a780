import type { Timer } from "../clock.ts";
import type { HeaderFields } from "./content.ts";
import type { Core } from "./core.ts";
import type { LocalCause } from "./final-response.ts";
import { Dialog } from "./dialog.ts";
import type { DialogUsage } from "./dialog.ts";
import { finalResponse } from "./final-response.ts";
import { fill } from "./content.ts";
import type { SipMessage } from "./message.ts";
import { createRequest } from "./out-of-dialog.ts";
import type { OutOfDialog } from "./out-of-dialog.ts";
import { endsSubscription, readEvent } from "./subscription.ts";
import type { SubscriptionState } from "./subscription.ts";
import type { ServerTransaction } from "./transaction.ts";

export interface Subscribing extends OutOfDialog {
  /** The event package, with parameters if any. */
  readonly event: string;
  readonly expiresS: number;
  readonly accept?: string | undefined;
}

export interface OutgoingSubscriptionUser {
  /** A NOTIFY, answered 200 already. */
  onNotify(notify: SipMessage, state: SubscriptionState): void;
  /** SUBSCRIBE, its refresh, or REFER was accepted. */
  onAccepted?(response: SipMessage, expiresS: number | undefined): void;
  /** It is over: refused, gone (408, 481), or, with status 200, terminated by the notifier for the reason given. */
  onEnded?(status: number, reason: string | undefined, cause?: LocalCause): void;
}

/** A subscription of ours, by SUBSCRIBE or REFER. The refresh timer is the user's. @see RFC 6665 §4.1 */
export class OutgoingSubscription implements DialogUsage {
  readonly callId: string;
  readonly localTag: string;
  readonly event: string;
  readonly #core: Core;
  readonly #user: OutgoingSubscriptionUser;
  readonly #asked: OutOfDialog;
  readonly #request: SipMessage;
  #dialog: Dialog | undefined;
  #timerN: Timer | undefined;
  #over = false;

  constructor(core: Core, method: "SUBSCRIBE" | "REFER", asked: OutOfDialog, headers: HeaderFields, user: OutgoingSubscriptionUser) {
    this.#core = core;
    this.#user = user;
    this.#asked = asked;
    this.localTag = core.token();
    this.callId = asked.callId ?? core.token();
    this.#request = fill(createRequest(core, method, { ...asked, callId: this.callId }, this.localTag), { headers });
    this.event = method === "REFER" ? "refer" : readEvent(this.#request).event;
  }

  static toNotifier(core: Core, subscribing: Subscribing, user: OutgoingSubscriptionUser): OutgoingSubscription {
    const { event, expiresS, accept } = subscribing;
    const headers: [string, string][] = [["Event", event], ["Expires", String(expiresS)]];
    if (accept !== undefined) headers.push(["Accept", accept]);
    return new OutgoingSubscription(core, "SUBSCRIBE", subscribing, headers, user);
  }

  /** For the endpoint: sends the request. The first NOTIFY may come before the response. */
  send(): void {
    this.#core.addSubscriber(this.localTag, this);
    const final = finalResponse(this.#core, this.#request, (response, cause) => this.#answered(response, cause));
    this.#core.sendRequest(this.#request, this.#asked.destination, {
      ...final,
      onUnregistered: () => this.#answered(this.#core.createResponse(this.#request, 480), "unregistered"),
    });
  }

  /** Asks for a new expiry. Before the first NOTIFY there is nothing to refresh. @see RFC 6665 §4.1.2.2 */
  refresh(expiresS: number): void {
    const dialog = this.#dialog;
    if (dialog === undefined || this.#over) return;
    const request = dialog
      .createRequest("SUBSCRIBE")
      .add("Contact", dialog.contact)
      .add("Event", this.#request.get("event") ?? this.event)
      .add("Expires", String(expiresS));
    const accept = this.#request.get("accept");
    if (accept !== undefined) request.add("Accept", accept);
    this.#core.sendInDialog(dialog, request, finalResponse(this.#core, request, (response, cause) => this.#refreshed(response, cause)));
  }

  /** Sends Expires: 0; the last NOTIFY still comes. */
  unsubscribe(): void {
    this.refresh(0);
  }

  #answered(response: SipMessage, cause: LocalCause | undefined): void {
    if (response.status >= 300) return this.#end(response.status, undefined, cause);
    this.#user.onAccepted?.(response, readExpires(response));
    const suppressed = response.get("refer-sub")?.split(";", 1)[0]?.trim().toLowerCase() === "false";
    if (suppressed) this.#end(response.status, "noresource");
    else if (this.#dialog === undefined && !this.#over) this.#timerN = this.#core.timers.after(64 * this.#core.t1Ms, () => this.#end(408, undefined, "timeout"));
  }

  /** Only some responses end the subscription; after the others it lives until it expires. @see RFC 6665 §4.1.2.2 */
  #refreshed(response: SipMessage, cause: LocalCause | undefined): void {
    if (response.status < 300) {
      this.#dialog?.refreshTarget(response, "SUBSCRIBE");
      this.#user.onAccepted?.(response, readExpires(response));
    } else if (endsSubscription(response.status)) {
      this.#end(response.status, undefined, cause);
    }
  }

  /** A NOTIFY: the first one makes the dialog. @see RFC 6665 §4.4.1 */
  receive(transaction: ServerTransaction): boolean {
    const { request } = transaction;
    if (transaction.method !== "NOTIFY" || this.#over || request.callId !== this.callId || readEvent(request).event !== this.event) return false;
    const dialog = this.#dialog ?? this.#begin(transaction);
    dialog.refreshTarget(request, "NOTIFY");
    this.#core.answer(transaction, 200);
    const { state, reason } = readState(request);
    this.#user.onNotify(request, state);
    if (state === "terminated") this.#end(200, reason);
    return true;
  }

  #begin({ request, flow }: ServerTransaction): Dialog {
    this.#timerN?.stop();
    this.#core.removeSubscriber(this.localTag);
    const dialog = Dialog.ofRequest(request, this.localTag, this.#request.get("contact") ?? "", flow, this.#request.cseq.seq);
    this.#dialog = dialog;
    this.#core.addUsage(dialog, this);
    return dialog;
  }

  #end(status: number, reason: string | undefined, cause?: LocalCause): void {
    if (this.#over) return;
    this.#over = true;
    this.#timerN?.stop();
    if (this.#dialog) this.#core.removeUsage(this.#dialog, this);
    else this.#core.removeSubscriber(this.localTag);
    this.#user.onEnded?.(status, reason, cause);
  }
}

function readExpires(response: SipMessage): number | undefined {
  const value = response.get("expires");
  return value === undefined ? undefined : Number(value);
}

function readState(notify: SipMessage): { state: SubscriptionState; reason: string | undefined } {
  const [state = "", ...params] = (notify.get("subscription-state") ?? "").split(";", 16).map((part) => part.trim());
  const reason = params.find((param) => /^reason\s*=/i.test(param));
  const known = state.toLowerCase();
  return { state: known === "pending" || known === "terminated" ? known : "active", reason: reason?.slice(reason.indexOf("=") + 1).trim() };
}
