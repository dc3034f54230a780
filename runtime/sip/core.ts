import type { Clock } from "../clock.ts";
import type { Random } from "../random.ts";
import { fill } from "./content.ts";
import type { ResponseContent } from "./content.ts";
import { Dialog } from "./dialog.ts";
import type { DialogUsage } from "./dialog.ts";
import type { IncomingInvite } from "./invite-server.ts";
import type { SipMessage } from "./message.ts";
import type { Destination, Outbound, OutboundUser, Sent } from "./outbound.ts";
import type { RecordRoute } from "./record-route.ts";
import { createResponse } from "./serialise.ts";
import type { SessionTimerPolicy } from "./session-timer.ts";
import { TimerQueues } from "./timer-queue.ts";
import type { ClientUser, ServerTransaction } from "./transaction.ts";
import type { Flow } from "./transport.ts";

/** Counted since the start; the last three are of this moment. */
export interface EndpointCounters {
  invitesIn: number;
  invitesOut: number;
  requestsIn: number;
  requestsOut: number;
  /** Requests that never reached a user: 405, 420, 481, … */
  refused: number;
  missingAcks: number;
  dialogs: number;
  pendingInvites: number;
  subscriptions: number;
}

/** Bounds of an expiry, in seconds. */
export interface ExpiryBounds {
  readonly minS: number;
  readonly maxS: number;
}

/** A request looks for its own among the usages of its dialog: they stay few. */
const usagesAtMost = 16;

export interface CoreOptions extends SessionTimerPolicy {
  readonly clock: Clock;
  readonly random: Random;
  readonly product: string | undefined;
  readonly allow: string;
  readonly supported: string;
  readonly subscription: ExpiryBounds;
  readonly maxSubscriptions: number;
  readonly t1Ms: number;
  readonly t2Ms: number;
  readonly outbound: Outbound;
  /** The URI of the endpoint on this flow, or of its first listener. */
  uri(flow: Flow | undefined, secure: boolean): string;
  readonly recordRoute: RecordRoute | undefined;
}

/** What dialogs, INVITEs and subscriptions share: who is who, what is ours, and the way out. */
export class Core implements SessionTimerPolicy {
  readonly clock: Clock;
  readonly timers: TimerQueues;
  readonly t1Ms: number;
  readonly t2Ms: number;
  readonly sessionExpiresMs: number;
  readonly minSeMs: number;
  /** The values of our Allow and Supported. */
  readonly allow: string;
  readonly supported: string;
  /** We stay on the way of dialogs. */
  readonly recordRoute: RecordRoute | undefined;
  readonly counters: EndpointCounters = {
    invitesIn: 0,
    invitesOut: 0,
    requestsIn: 0,
    requestsOut: 0,
    refused: 0,
    missingAcks: 0,
    dialogs: 0,
    pendingInvites: 0,
    subscriptions: 0,
  };
  readonly #options: CoreOptions;
  readonly #dialogs = new Map<string, Dialog>();
  readonly #invites = new Map<ServerTransaction, IncomingInvite>();
  readonly #subscribers = new Map<string, DialogUsage>();

  constructor(options: CoreOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.timers = new TimerQueues(options.clock);
    this.t1Ms = options.t1Ms;
    this.t2Ms = options.t2Ms;
    this.sessionExpiresMs = options.sessionExpiresMs;
    this.minSeMs = options.minSeMs;
    this.allow = options.allow;
    this.supported = options.supported;
    this.recordRoute = options.recordRoute;
  }

  /** A new tag or Call-ID. @see RFC 3261 §19.3 */
  token(): string {
    return this.#options.random(96);
  }

  /** Seconds for Retry-After, 0 to 10 at random. @see RFC 3261 §14.2 */
  retryAfter(): string {
    return String(Number.parseInt(this.#options.random(16), 16) % 11);
  }

  /** A response to the request, from us; the To tag only where the request had none. */
  createResponse(request: SipMessage, status: number, content: ResponseContent = {}, toTag?: string): SipMessage {
    const response = createResponse(request, status, content.reason, toTag);
    if (this.#options.product !== undefined) response.add("Server", this.#options.product);
    return fill(response, content);
  }

  answer(transaction: ServerTransaction, status: number, content?: ResponseContent): void {
    const response = this.createResponse(transaction.request, status, content, transaction.toTag);
    this.recordRoute?.onResponse(transaction.request, response, transaction.flow);
    transaction.respond(response);
  }

  /** Answers a request that no user sees. */
  refuse(transaction: ServerTransaction, status: number, content?: ResponseContent): void {
    this.counters.refused++;
    this.answer(transaction, status, content);
  }

  /** @see RFC 3261 §21.5.4 */
  overload(transaction: ServerTransaction): void {
    this.refuse(transaction, 503, { headers: [["Retry-After", this.retryAfter()]] });
  }

  /** Whether there is room for one more subscription, in this dialog too. */
  admitsSubscription(dialog?: Dialog): boolean {
    return this.counters.subscriptions < this.#options.maxSubscriptions && (dialog?.usages.length ?? 0) < usagesAtMost;
  }

  /** The value of our Contact in a dialog on this flow. */
  contact(flow?: Flow, secure = false): string {
    return `<${this.#options.uri(flow, secure)}>`;
  }

  /** The expiry that a SUBSCRIBE gets, in seconds; undefined when it was answered 423. @see RFC 6665 §4.2.1.1 */
  subscriptionExpires(transaction: ServerTransaction): number | undefined {
    const { minS, maxS } = this.#options.subscription;
    const asked = Number(transaction.request.get("expires") ?? maxS);
    if (asked === 0 || asked >= Math.min(minS, 3600)) return Math.min(asked, maxS);
    this.refuse(transaction, 423, { headers: [["Min-Expires", String(minS)]] });
    return undefined;
  }

  /** Sends a request outside a dialog, by route, binding or RFC 3263, forked where there are several bindings. */
  sendRequest(request: SipMessage, destination: Destination | undefined, user: OutboundUser): Sent {
    return this.#options.outbound.send(this.#signed(request), destination, user);
  }

  /** Sends a request inside a dialog to its next hop. */
  sendInDialog(dialog: Dialog, request: SipMessage, user: ClientUser): Sent {
    return this.#options.outbound.sendInDialog(dialog, this.#signed(request), user);
  }

  sendAck(dialog: Dialog, ack: SipMessage): void {
    this.#options.outbound.sendAck(dialog, ack);
  }

  #signed(request: SipMessage): SipMessage {
    this.counters.requestsOut++;
    return this.#options.product === undefined ? request : request.add("User-Agent", this.#options.product);
  }

  /** The dialog that a request or ACK with a To tag belongs to. @see RFC 3261 §12.2.2 */
  dialogOf(request: SipMessage): Dialog | undefined {
    const localTag = request.to.params.get("tag");
    if (localTag == null) return undefined;
    const dialog = this.#dialogs.get(Dialog.key(localTag, request.from.params.get("tag") ?? ""));
    return dialog?.callId === request.callId ? dialog : undefined;
  }

  /** The dialog lives while it has a usage. */
  addUsage(dialog: Dialog, usage: DialogUsage): void {
    if (dialog.usages.length === 0) {
      this.#dialogs.set(dialog.key, dialog);
      this.counters.dialogs = this.#dialogs.size;
    }
    dialog.usages.push(usage);
  }

  removeUsage(dialog: Dialog, usage: DialogUsage): void {
    const at = dialog.usages.indexOf(usage);
    if (at < 0) return;
    dialog.usages.splice(at, 1);
    if (dialog.usages.length > 0) return;
    this.#dialogs.delete(dialog.key);
    this.counters.dialogs = this.#dialogs.size;
  }

  /** For the CANCEL that may come. */
  inviteArrived(transaction: ServerTransaction, invite: IncomingInvite): void {
    this.counters.pendingInvites++;
    this.#invites.set(transaction, invite);
  }

  inviteAnswered(transaction: ServerTransaction): void {
    if (this.#invites.delete(transaction)) this.counters.pendingInvites--;
  }

  inviteOf(transaction: ServerTransaction): IncomingInvite | undefined {
    return this.#invites.get(transaction);
  }

  /** For the NOTIFY that makes the dialog. @see RFC 6665 §4.4.1 */
  addSubscriber(localTag: string, subscriber: DialogUsage): void {
    this.#subscribers.set(localTag, subscriber);
  }

  removeSubscriber(localTag: string): void {
    this.#subscribers.delete(localTag);
  }

  subscriberOf(notify: SipMessage): DialogUsage | undefined {
    return this.#subscribers.get(notify.to.params.get("tag") ?? "");
  }
}
