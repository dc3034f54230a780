import type { Clock } from "../clock.ts";
import type { Random } from "../random.ts";
import type { Counters, Limits, OnResponse, Sent } from "./core.ts";
import type { Invitation, OutgoingInvite, OutgoingInviteUser, OutOfDialog } from "./invite-client.ts";
import type { IncomingRequest } from "./invite-dialog.ts";
import type { IncomingInvite } from "./invite-server.ts";
import type { IncomingRefer } from "./refer.ts";
import type { Binding } from "./registrar.ts";
import type { Resolver } from "./resolver.ts";
import type { IncomingSubscription, OutgoingSubscription, OutgoingSubscriptionUser, Subscribing } from "./subscription.ts";
import type { Flow, ListenSpec, TransportName, TransportOptions } from "./transport.ts";

/** Who answers what starts outside a dialog. A method whose callback is left out is not allowed: 405, and not in Allow. */
export interface EndpointUser {
  onInvite?(invite: IncomingInvite): void;
  onSubscribe?(subscription: IncomingSubscription): void;
  onRefer?(refer: IncomingRefer): void;
  onMessage?(message: IncomingRequest): void;
  /** The status for an OPTIONS, 200 unless the Request-URI is nobody. @see RFC 3261 §11.2 */
  onOptions?(options: IncomingRequest): number;
  /** A status that refuses the REGISTER, or undefined for the registrar to go on. */
  onRegister?(register: IncomingRequest): number | undefined;
}

export interface EndpointOptions {
  readonly listen: readonly ListenSpec[];
  readonly user: EndpointUser;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  readonly resolver?: Resolver | undefined;
  readonly tls?: TransportOptions["tls"] | undefined;
  /** The domain whose users register here; without it there is no registrar. */
  readonly domain?: string | undefined;
  /** The outbound proxy, e.g. `sip:127.0.0.1:5080;lr`: the first Route of every request outside a dialog. */
  readonly route?: string | undefined;
  /** The Server and User-Agent header fields' value. */
  readonly product?: string | undefined;
  /** Option tags for Supported. */
  readonly supported?: readonly string[] | undefined;
  /** Option tags that a Require may name; `supported` unless said. recipient-list-invite never holds in a re-INVITE. */
  readonly understood?: readonly string[] | undefined;
  /** Media types that a body may have, by method; a method not named takes any. */
  readonly accept?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Event packages that a SUBSCRIBE may name; else 489. Any, when left out. */
  readonly events?: readonly string[] | undefined;
  readonly limits?: Partial<Limits> | undefined;
  readonly t1Ms?: number | undefined;
  readonly t2Ms?: number | undefined;
  readonly t4Ms?: number | undefined;
  readonly sessionExpiresMs?: number | undefined;
  readonly minSeMs?: number | undefined;
  /** The bounds of a registration's expiry. */
  readonly registration?: { readonly minS?: number; readonly maxS?: number } | undefined;
  /** The bounds of a subscription's expiry. */
  readonly subscription?: { readonly minS?: number; readonly maxS?: number } | undefined;
}

/** A listener as it was bound. */
export type Listener = ListenSpec;

/** The user agent core: what stands between transactions and whoever decides. @see RFC 3261 §8, §12, §13 */
export class SipEndpoint {
  readonly counters!: Counters;

  constructor(_options: EndpointOptions) {
    throw new Error("not yet");
  }

  /** Binds the listeners. @throws {Error} when one cannot be bound. */
  start(): Promise<readonly Listener[]> {
    throw new Error("not yet");
  }
  /** Closes sockets and stops timers; ends no dialog: that is the user's. */
  close(): Promise<void> {
    throw new Error("not yet");
  }

  /** A SIP URI that leads to this endpoint, for Contact: by the flow's listener, the named transport's, or the first. */
  uri(_user?: string, _via?: Flow | TransportName): string {
    throw new Error("not yet");
  }

  /** Sends an INVITE. @see RFC 3261 §13.2 */
  invite(_invitation: Invitation, _user: OutgoingInviteUser): OutgoingInvite {
    throw new Error("not yet");
  }
  /** Sends any other request outside a dialog: MESSAGE, OPTIONS, REGISTER, a REFER without subscription. */
  request(_method: string, _request: OutOfDialog, _onResponse: OnResponse): Sent {
    throw new Error("not yet");
  }
  /** Sends a SUBSCRIBE. @see RFC 6665 §4.1.2 */
  subscribe(_subscribing: Subscribing, _user: OutgoingSubscriptionUser): OutgoingSubscription {
    throw new Error("not yet");
  }
  /** Sends a REFER whose implicit subscription the user follows. @see RFC 3515 §2.4.4 */
  refer(_referring: OutOfDialog, _user: OutgoingSubscriptionUser): OutgoingSubscription {
    throw new Error("not yet");
  }

  /** The bindings of an address-of-record, highest q first. */
  lookup(_addressOfRecord: string): readonly Binding[] {
    throw new Error("not yet");
  }
}
