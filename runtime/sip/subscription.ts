import { fill, toNameAddr } from "./content.ts";
import type { HeaderFields, ResponseContent } from "./content.ts";
import type { Core } from "./core.ts";
import type { Dialog, DialogUsage } from "./dialog.ts";
import { finalResponse } from "./final-response.ts";
import type { SipMessage } from "./message.ts";
import type { ServerTransaction } from "./transaction.ts";
import type { Flow } from "./transport.ts";

export type SubscriptionState = "active" | "pending" | "terminated";

export interface IncomingSubscriptionUser {
  /** The subscriber refreshed and has its 200: a NOTIFY with the state is due now. @see RFC 6665 §4.2.1.2 */
  onRefresh?(expiresS: number): void;
  /** The shortest refresh that is taken, in seconds; 0 unless said. */
  leastExpiresS?(): number;
  /** The subscriber asked for less, and has its 423. @see RFC 6665 §4.2.1.1 */
  onTooBrief?(): void;
  /** The subscriber sent Expires: 0 and has its 200: the last NOTIFY, `terminated`, is due now. */
  onUnsubscribe?(): void;
  /** A NOTIFY was refused for good or not answered: the subscription is over. @see RFC 6665 §4.2.2 */
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

/** The Event header field of a SUBSCRIBE or NOTIFY. @see RFC 6665 §8.2.1 */
export interface EventPackage {
  readonly event: string;
  readonly id: string | undefined;
}

export function readEvent(message: SipMessage): EventPackage {
  const [event = "", ...params] = (message.get("event") ?? "").split(";", 16).map((part) => part.trim());
  const id = params.find((param) => /^id\s*=/i.test(param));
  return { event: event.toLowerCase(), id: id?.slice(id.indexOf("=") + 1).trim() };
}

/** NOTIFYs that may wait for the one before; a subscriber slower than that is gone. */
const waitingAtMost = 64;

/** Responses to NOTIFY or SUBSCRIBE after which the subscription is not there any more. @see RFC 6665 §4.1.2.2, §4.2.2 */
export function endsSubscription(status: number): boolean {
  return [404, 405, 408, 410, 416, 489, 501, 604].includes(status) || (status >= 480 && status <= 485);
}

interface Waiting {
  readonly state: SubscriptionState;
  readonly notification: Notification;
}

/** A subscription that we serve as notifier. The expiry timer is the user's. @see RFC 6665 §4.2 */
export class IncomingSubscription implements DialogUsage {
  user: IncomingSubscriptionUser = {};
  readonly request: SipMessage;
  readonly flow: Flow;
  readonly event: string;
  readonly eventId: string | undefined;
  /** What the subscriber asked for, within our bounds; 0 is a fetch: accept, then notify `terminated`. */
  readonly expiresS: number;
  readonly #core: Core;
  readonly #transaction: ServerTransaction;
  readonly #dialog: Dialog;
  readonly #waiting: Waiting[] = [];
  #expiresAt = 0;
  #inFlight = false;
  #state: "new" | "open" | "terminated" | "over" = "new";

  constructor(core: Core, transaction: ServerTransaction, dialog: Dialog, { event, id, expiresS }: EventPackage & { expiresS: number }) {
    this.#core = core;
    this.#transaction = transaction;
    this.#dialog = dialog;
    this.request = transaction.request;
    this.flow = transaction.flow;
    this.event = event;
    this.eventId = id;
    this.expiresS = expiresS;
  }

  get callId(): string {
    return this.#dialog.callId;
  }
  get localTag(): string {
    return this.#dialog.localTag;
  }
  get remoteTag(): string {
    return this.#dialog.remoteTag;
  }
  /** NOTIFYs not answered yet, the waiting ones too. */
  get outstanding(): number {
    return this.#waiting.length + (this.#inFlight ? 1 : 0);
  }

  /** Sends 200 with the expiry granted; a NOTIFY is due right after it. */
  accept(expiresS = this.expiresS, headers: HeaderFields = [], contact?: string): void {
    if (this.#state !== "new") return;
    if (contact !== undefined) this.#dialog.contact = toNameAddr(contact);
    this.#core.answer(this.#transaction, 200, { headers: [["Expires", String(expiresS)], ["Contact", this.#dialog.contact], ...headers] });
    this.begin(expiresS);
  }

  reject(status: number, content: ResponseContent = {}): void {
    if (this.#state !== "new") return;
    this.#state = "over";
    this.#core.answer(this.#transaction, status, content);
  }

  /** For REFER: the subscription stands, its response has left. */
  begin(expiresS: number): void {
    this.#state = "open";
    this.#expiresIn(expiresS);
    this.#core.counters.subscriptions++;
    this.#core.addUsage(this.#dialog, this);
  }

  #expiresIn(seconds: number): void {
    this.#expiresAt = this.#core.clock.now() + seconds * 1000;
  }

  /** Sends a NOTIFY, or keeps it until the one before it is answered. After `terminated` nothing follows. */
  notify(state: SubscriptionState, notification: Notification = {}): void {
    if (this.#state !== "open") return;
    if (notification.replaces) this.#waiting.length = 0;
    if (this.#waiting.length >= waitingAtMost) return this.#gone(408);
    if (state === "terminated") this.#state = "terminated";
    this.#waiting.push({ state, notification });
    if (!this.#inFlight) this.#sendNext();
  }

  #sendNext(): void {
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#inFlight = true;
    const request = this.#createNotify(next);
    const user = finalResponse(this.#core, request, (response, cause) => this.#notified(response.status, cause !== undefined));
    this.#core.sendInDialog(this.#dialog, request, user);
  }

  #createNotify({ state, notification }: Waiting): SipMessage {
    const request = this.#dialog
      .createRequest("NOTIFY")
      .add("Contact", this.#dialog.contact)
      .add("Event", this.eventId === undefined ? this.event : `${this.event};id=${this.eventId}`)
      .add("Subscription-State", this.#stateValue(state, notification));
    this.#core.recordRoute?.onRequest(request, this.flow);
    return fill(request, notification);
  }

  #stateValue(state: SubscriptionState, { reason, retryAfterS }: Notification): string {
    if (state !== "terminated") return `${state};expires=${Math.max(0, Math.round((this.#expiresAt - this.#core.clock.now()) / 1000))}`;
    const retry = retryAfterS === undefined ? "" : `;retry-after=${retryAfterS}`;
    return (reason === undefined ? state : `${state};reason=${reason}`) + retry;
  }

  #notified(status: number, unsent: boolean): void {
    this.#inFlight = false;
    if (this.#state === "over") return;
    if (unsent || endsSubscription(status)) this.#gone(status);
    else if (this.#waiting.length > 0) this.#sendNext();
    else if (this.#state === "terminated") this.#over();
  }

  #gone(status: number): void {
    const told = this.#state === "terminated";
    this.#over();
    if (!told) this.user.onGone?.(status);
  }

  #over(): void {
    this.#state = "over";
    this.#waiting.length = 0;
    this.#core.counters.subscriptions--;
    this.#core.removeUsage(this.#dialog, this);
  }

  /** A refresh, or the end of it. @see RFC 6665 §4.2.1 */
  receive(transaction: ServerTransaction): boolean {
    const { request, method } = transaction;
    if (method !== "SUBSCRIBE" || this.#state !== "open") return false;
    const { event, id } = readEvent(request);
    if (event !== this.event || id !== this.eventId) return false;
    const expiresS = this.#core.subscriptionExpires(transaction);
    if (expiresS === undefined) return true;
    const leastS = this.user.leastExpiresS?.() ?? 0;
    if (expiresS > 0 && expiresS < leastS) {
      this.#core.answer(transaction, 423, { headers: [["Min-Expires", String(leastS)]] });
      this.user.onTooBrief?.();
      return true;
    }
    this.#dialog.refreshTarget(request, method);
    this.#expiresIn(expiresS);
    this.#core.answer(transaction, 200, { headers: [["Expires", String(expiresS)], ["Contact", this.#dialog.contact]] });
    if (expiresS > 0) this.user.onRefresh?.(expiresS);
    else if (this.user.onUnsubscribe) this.user.onUnsubscribe();
    else this.notify("terminated", { reason: "timeout" });
    return true;
  }
}
