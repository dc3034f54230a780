import type { Clock } from "../clock.ts";
import { systemClock } from "../clock.ts";
import { PeerMisbehaved } from "../errors.ts";
import type { Random } from "../random.ts";
import { systemRandom } from "../random.ts";
import { Core } from "./core.ts";
import type { EndpointCounters, ExpiryBounds } from "./core.ts";
import { Dialog } from "./dialog.ts";
import { finalResponse } from "./final-response.ts";
import type { OnResponse } from "./final-response.ts";
import { IncomingRequest } from "./incoming-request.ts";
import { inspect } from "./inspection.ts";
import type { Profile } from "./inspection.ts";
import { OutgoingInvite } from "./invite-client.ts";
import type { Invitation, OutgoingInviteUser } from "./invite-client.ts";
import { refusesTimer } from "./invite-dialog.ts";
import { IncomingInvite } from "./invite-server.ts";
import type { MessageCounts } from "./message-counts.ts";
import type { SipMessage } from "./message.ts";
import { createRequest } from "./out-of-dialog.ts";
import type { OutOfDialog } from "./out-of-dialog.ts";
import { Outbound } from "./outbound.ts";
import type { Sent } from "./outbound.ts";
import { IncomingRefer } from "./refer.ts";
import { RecordRoute } from "./record-route.ts";
import { Registrar } from "./registrar.ts";
import type { Binding } from "./registrar.ts";
import { Resolver } from "./resolver.ts";
import { OutgoingSubscription } from "./subscriber.ts";
import type { OutgoingSubscriptionUser, Subscribing } from "./subscriber.ts";
import { IncomingSubscription, readEvent } from "./subscription.ts";
import { TransactionLayer } from "./transaction.ts";
import type { ServerTransaction, TransactionCounters } from "./transaction.ts";
import { Transport } from "./transport.ts";
import type { Flow, ListenSpec, TlsOptions, TransportName } from "./transport.ts";
import { formatUri, parseUri } from "./uri.ts";

/** Who answers what starts outside a dialog. A method whose callback is left out is not allowed: 405. */
export interface EndpointUser {
  onInvite?(invite: IncomingInvite): void;
  onSubscribe?(subscription: IncomingSubscription): void;
  onRefer?(refer: IncomingRefer): void;
  onMessage?(message: IncomingRequest): void;
  /** The status for an OPTIONS: 200 unless the Request-URI is nobody. @see RFC 3261 §11.2 */
  onOptions?(options: IncomingRequest): number;
  /** A status that refuses the REGISTER; undefined lets the registrar go on. */
  onRegister?(register: IncomingRequest): number | undefined;
}

/** Bounds on what peers can make us hold; beyond them 503 with Retry-After. */
export interface EndpointLimits {
  readonly dialogs: number;
  /** INVITEs of peers without a final response. */
  readonly pendingInvites: number;
  readonly subscriptions: number;
  readonly bindings: number;
  readonly bindingsPerUser: number;
}

export const defaultEndpointLimits: EndpointLimits = {
  dialogs: 200_000,
  pendingInvites: 50_000,
  subscriptions: 100_000,
  bindings: 200_000,
  bindingsPerUser: 10,
};

export interface EndpointOptions {
  readonly listen: readonly ListenSpec[];
  readonly user: EndpointUser;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  readonly resolver?: Resolver | undefined;
  readonly tls?: TlsOptions | undefined;
  /** The domain whose users register here; without it there is no registrar. */
  readonly domain?: string | undefined;
  /** The outbound proxy, e.g. `sip:127.0.0.1:5080;lr`: the first Route of every request outside a dialog. */
  readonly route?: string | undefined;
  /** Whether we stay on the way of the dialogs that begin here, as the home proxy beside the registrar. @see RFC 3261 §16.6 */
  readonly recordRoute?: boolean | undefined;
  /** The value of Server and User-Agent. */
  readonly product?: string | undefined;
  /** The host of our Contact when it is told by no flow and the listeners' is a wildcard. */
  readonly host?: string | undefined;
  /** Methods taken besides those that the callbacks and the protocol imply, e.g. INFO inside dialogs. */
  readonly methods?: readonly string[] | undefined;
  /** Option tags for Supported. */
  readonly supported?: readonly string[] | undefined;
  /** Option tags that a Require may name; `supported` unless said. recipient-list-invite never holds in a re-INVITE. */
  readonly understood?: readonly string[] | undefined;
  /** Media types that a body may have, by method; a method not named takes any. */
  readonly accept?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Event packages that a SUBSCRIBE may name, else 489; any, when left out. */
  readonly events?: readonly string[] | undefined;
  readonly limits?: Partial<EndpointLimits> | undefined;
  readonly t1Ms?: number | undefined;
  readonly t2Ms?: number | undefined;
  readonly t4Ms?: number | undefined;
  /** 1800 s unless said; 0: no session timers. */
  readonly sessionExpiresMs?: number | undefined;
  /** 90 s unless said. @see RFC 4028 §5 */
  readonly minSeMs?: number | undefined;
  readonly registration?: Partial<ExpiryBounds> | undefined;
  readonly subscription?: Partial<ExpiryBounds> | undefined;
}

/** A listener as it was bound. */
export type Listener = ListenSpec;

/** Methods that need no callback: they belong to dialogs, or are answered here. */
const impliedMethods = ["ACK", "BYE", "CANCEL", "OPTIONS", "PRACK", "UPDATE", "NOTIFY"];

/** The user agent core: what stands between transactions and whoever decides. @see RFC 3261 §8, §12, §13 */
export class SipEndpoint {
  readonly #options: EndpointOptions;
  readonly #user: EndpointUser;
  readonly #limits: EndpointLimits;
  readonly #transport: Transport;
  readonly #core: Core;
  readonly #profile: Profile;
  readonly #transactions: TransactionLayer;
  readonly #registrar: Registrar | undefined;
  #listeners: readonly Listener[] = [];

  constructor(options: EndpointOptions) {
    const { clock = systemClock, random = systemRandom, user, tls, t1Ms = 500, t2Ms = 4000, t4Ms = 5000 } = options;
    this.#options = options;
    this.#user = user;
    this.#limits = { ...defaultEndpointLimits, ...options.limits };
    this.#registrar = this.#createRegistrar(clock);
    this.#profile = profileOf(options);
    this.#transport = new Transport({ clock, onMessage: (message, flow) => transactions.receive(message, flow), ...(tls ? { tls } : {}) });
    const transactions: TransactionLayer = new TransactionLayer({
      clock,
      random,
      transport: this.#transport,
      t1Ms,
      t2Ms,
      t4Ms,
      user: {
        onRequest: (transaction) => this.#take(transaction),
        onAck: (ack) => this.#receiveAck(ack),
        onCancel: (invite, cancel) => this.#core.inviteOf(invite)?.cancelled(cancel),
        onServerTimeout() {},
      },
    });
    this.#transactions = transactions;
    const recordRoute = options.recordRoute ? new RecordRoute((via) => this.uri(undefined, via), () => this.#listeners.map(({ transport }) => transport)) : undefined;
    this.#core = new Core({
      recordRoute,
      clock,
      random,
      product: options.product,
      allow: this.#profile.allow,
      supported: (options.supported ?? []).join(", "),
      sessionExpiresMs: options.sessionExpiresMs ?? 1_800_000,
      minSeMs: options.minSeMs ?? 90_000,
      subscription: { minS: 0, maxS: 3600, ...options.subscription },
      maxSubscriptions: this.#limits.subscriptions,
      t1Ms,
      t2Ms,
      outbound: new Outbound({
        transactions,
        resolver: options.resolver ?? new Resolver({ transports: transportsOf(options.listen) }),
        recordRoute,
        route: options.route,
        bindings: (uri) => this.#registrar?.lookup(uri),
      }),
      uri: (flow, secure) => this.uri(undefined, flow, secure),
    });
  }

  get counters(): Readonly<EndpointCounters> {
    return this.#core.counters;
  }

  /** What is alive besides dialogs and subscriptions. */
  get sizes(): { readonly clientTransactions: number; readonly serverTransactions: number; readonly connections: number; readonly bindings: number } {
    const { client, server } = this.#transactions.size;
    return { clientTransactions: client, serverTransactions: server, connections: this.#transport.connections, bindings: this.#registrar?.size ?? 0 };
  }

  /** Requests and responses since the start. */
  get messages(): MessageCounts {
    return this.#transactions.messages;
  }

  /** What transactions have seen since the start. */
  get transactionCounters(): Readonly<TransactionCounters> {
    return this.#transactions.counters;
  }

  /** What went through the sockets, by transport. */
  get traffic(): Transport["counters"] {
    return this.#transport.counters;
  }

  #createRegistrar(clock: Clock): Registrar | undefined {
    const { domain, registration } = this.#options;
    if (domain === undefined) return undefined;
    const { bindings: maxBindings, bindingsPerUser: maxBindingsPerUser } = this.#limits;
    return new Registrar({ clock, domain, maxBindings, maxBindingsPerUser, minS: 0, maxS: 86_400, ...registration });
  }

  /** Binds the listeners. @throws {Error} when one cannot be bound. */
  async start(): Promise<readonly Listener[]> {
    const bound: Listener[] = [];
    for (const spec of this.#options.listen) bound.push(await this.#transport.listen(spec));
    this.#listeners = bound;
    return bound;
  }

  /** Where it listens. */
  get listeners(): readonly Listener[] {
    return this.#listeners;
  }

  /** Closes the sockets; ends no dialog: that is the user's. */
  async close(): Promise<void> {
    this.#registrar?.close();
    await this.#transport.close();
  }

  /** A SIP URI that leads to this endpoint, for Contact: by the flow's listener, the named transport's, or the first. */
  uri(user?: string, via?: Flow | TransportName, secure = false): string {
    const { transport, hostPort } = this.#reachedBy(via);
    const params = new Map(transport === "udp" || secure ? [] : [["transport", transport]]);
    const { host, port } = parseUri(`sip:${hostPort}`);
    return formatUri({ scheme: secure ? "sips" : "sip", user, host, port, params, headers: undefined });
  }

  #reachedBy(via: Flow | TransportName | undefined): { transport: TransportName; hostPort: string } {
    if (typeof via === "object") return { transport: via.transport, hostPort: via.sentBy };
    const { transport, host, port } = this.#listeners.find((listener) => via === undefined || listener.transport === via) ?? { transport: "udp", host: "127.0.0.1", port: 5060 };
    const shown = host === "0.0.0.0" || host === "::" ? (this.#options.host ?? "127.0.0.1") : host;
    return { transport, hostPort: `${shown.includes(":") ? `[${shown}]` : shown}:${port}` };
  }

  /** Sends an INVITE. @see RFC 3261 §13.2 */
  invite(invitation: Invitation, user: OutgoingInviteUser): OutgoingInvite {
    this.#core.counters.invitesOut++;
    const invite = new OutgoingInvite(this.#core, invitation, user);
    invite.send();
    return invite;
  }

  /** Sends any other request outside a dialog: MESSAGE, OPTIONS, REGISTER, a REFER that makes no subscription. */
  request(method: string, asked: OutOfDialog, onResponse: OnResponse): Sent {
    const request = createRequest(this.#core, method, asked);
    const final = finalResponse(this.#core, request, onResponse);
    return this.#core.sendRequest(request, asked.destination, { ...final, onUnregistered: () => onResponse(this.#core.createResponse(request, 480), "unregistered") });
  }

  /** Sends a SUBSCRIBE. @see RFC 6665 §4.1.2 */
  subscribe(subscribing: Subscribing, user: OutgoingSubscriptionUser): OutgoingSubscription {
    const subscription = OutgoingSubscription.toNotifier(this.#core, subscribing, user);
    subscription.send();
    return subscription;
  }

  /** Sends a REFER, its Refer-To among the headers, whose implicit subscription the user follows. @see RFC 3515 §2.4.4 */
  refer(referring: OutOfDialog, user: OutgoingSubscriptionUser): OutgoingSubscription {
    const subscription = new OutgoingSubscription(this.#core, "REFER", referring, [], user);
    subscription.send();
    return subscription;
  }

  /** The bindings of an address-of-record, one for each device, highest q first. */
  lookup(addressOfRecord: string): readonly Binding[] {
    return this.#registrar?.lookup(parseUri(addressOfRecord)) ?? [];
  }

  /** What shows its fault only here is answered like what the codec refuses. */
  #take(transaction: ServerTransaction): void {
    this.#core.counters.requestsIn++;
    try {
      this.#receive(transaction);
    } catch (fault) {
      if (!(fault instanceof PeerMisbehaved)) throw fault;
      this.#core.refuse(transaction, fault.status);
    }
  }

  /** @see RFC 3261 §8.2 */
  #receive(transaction: ServerTransaction): void {
    const refusal = inspect(transaction, this.#profile);
    if (refusal) return this.#core.refuse(transaction, refusal.status, { headers: refusal.headers });
    const { request, method } = transaction;
    if (request.to.params.has("tag") && method !== "REGISTER") return this.#receiveInDialog(transaction);
    switch (method) {
      case "INVITE":
        return this.#receiveInvite(transaction);
      case "SUBSCRIBE":
        return this.#receiveSubscribe(transaction, undefined);
      case "REFER":
        return this.#receiveRefer(transaction);
      case "OPTIONS":
        return this.#receiveOptions(transaction);
      case "REGISTER":
        return this.#receiveRegister(transaction);
      case "MESSAGE":
        return this.#user.onMessage ? this.#user.onMessage(new IncomingRequest(this.#core, transaction)) : this.#core.refuse(transaction, 403);
      default:
        // BYE, PRACK, UPDATE, NOTIFY, INFO: only inside a dialog.
        return this.#core.refuse(transaction, 481);
    }
  }

  /** @see RFC 3261 §12.2.2 */
  #receiveInDialog(transaction: ServerTransaction): void {
    const { request, method } = transaction;
    const dialog = this.#core.dialogOf(request);
    if (dialog === undefined) {
      const subscriber = method === "NOTIFY" ? this.#core.subscriberOf(request) : undefined;
      if (subscriber?.receive(transaction) !== true) this.#core.refuse(transaction, 481);
      return;
    }
    if (!dialog.inOrder(request)) return this.#core.refuse(transaction, 500);
    if (method === "OPTIONS") return this.#receiveOptions(transaction);
    if (dialog.usages.some((usage) => usage.receive(transaction))) return;
    if (method === "SUBSCRIBE") return this.#receiveSubscribe(transaction, dialog);
    this.#core.refuse(transaction, 481);
  }

  #receiveAck(ack: SipMessage): void {
    this.#core.dialogOf(ack)?.usages.some((usage) => usage.receiveAck?.(ack));
  }

  #receiveInvite(transaction: ServerTransaction): void {
    const { counters } = this.#core;
    counters.invitesIn++;
    if (counters.dialogs >= this.#limits.dialogs || counters.pendingInvites >= this.#limits.pendingInvites) return this.#core.overload(transaction);
    if (refusesTimer(this.#core, transaction)) return;
    this.#user.onInvite?.(new IncomingInvite(this.#core, transaction));
  }

  #receiveSubscribe(transaction: ServerTransaction, shared: Dialog | undefined): void {
    const { request, flow, toTag } = transaction;
    const { events } = this.#options;
    const { event, id } = readEvent(request);
    if (event === "" || (events !== undefined && !events.includes(event))) return this.#core.refuse(transaction, 489, { headers: [["Allow-Events", (events ?? []).join(", ")]] });
    if (!this.#core.admitsSubscription(shared)) return this.#core.overload(transaction);
    const expiresS = this.#core.subscriptionExpires(transaction);
    if (expiresS === undefined) return;
    const dialog = shared ?? Dialog.ofRequest(request, toTag, this.#core.contact(flow), flow);
    if (this.#user.onSubscribe) this.#user.onSubscribe(new IncomingSubscription(this.#core, transaction, dialog, { event, id, expiresS }));
    else this.#core.refuse(transaction, 403);
  }

  #receiveRefer(transaction: ServerTransaction): void {
    if (!this.#core.admitsSubscription()) return this.#core.overload(transaction);
    if (this.#user.onRefer) this.#user.onRefer(new IncomingRefer(this.#core, transaction));
    else this.#core.refuse(transaction, 403);
  }

  /** What an INVITE would be answered, and what is understood. @see RFC 3261 §11.2 */
  #receiveOptions(transaction: ServerTransaction): void {
    const status = this.#user.onOptions?.(new IncomingRequest(this.#core, transaction)) ?? 200;
    if (status >= 300) return this.#core.refuse(transaction, status);
    const accept = this.#profile.accept["INVITE"] ?? ["application/sdp"];
    const { events } = this.#options;
    this.#core.answer(transaction, status, {
      headers: [
        ["Allow", this.#core.allow],
        ["Accept", accept.join(", ")],
        ["Accept-Encoding", "identity"],
        // Here, and in no request: a list server tells who asks. RFC 5366 §5
        ["Supported", [...this.#profile.understood].join(", ")],
        ["Contact", this.#core.contact(transaction.flow)],
        ...(events ? [["Allow-Events", events.join(", ")] as const] : []),
      ],
    });
  }

  #receiveRegister(transaction: ServerTransaction): void {
    const refused = this.#user.onRegister?.(new IncomingRequest(this.#core, transaction));
    if (refused !== undefined) return this.#core.refuse(transaction, refused);
    const { status, headers } = this.#registrar?.register(transaction.request, transaction.flow) ?? { status: 404, headers: [] };
    this.#core.answer(transaction, status, { headers });
  }
}

function transportsOf(listen: readonly ListenSpec[]): TransportName[] {
  return [...new Set(listen.map(({ transport }) => transport))];
}

function profileOf({ user, domain, methods = [], supported = [], understood = supported, accept = {} }: EndpointOptions): Profile {
  const taken = new Set([...impliedMethods, ...methods]);
  if (user.onInvite) for (const method of ["INVITE", "REFER"]) taken.add(method);
  if (user.onSubscribe) taken.add("SUBSCRIBE");
  if (user.onRefer) taken.add("REFER");
  if (user.onMessage) taken.add("MESSAGE");
  if (domain !== undefined) taken.add("REGISTER");
  return { methods: taken, allow: [...taken].join(", "), understood: new Set(understood.map((tag) => tag.toLowerCase())), accept };
}
