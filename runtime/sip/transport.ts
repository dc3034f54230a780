import type { Clock } from "../clock.ts";
import type { Random } from "../random.ts";
import type { SipMessage } from "./message.ts";

export type TransportName = "udp" | "tcp" | "tls";

/** An IP address, never a name and without brackets, and a port. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Where a message shall go once its name has been resolved. @see RFC 3263 §4 */
export interface Target extends Address {
  readonly transport: TransportName;
}

/** The two-way path between one socket of ours and one address of a peer. @see RFC 5626 §2 */
export interface Flow {
  readonly transport: TransportName;
  /** TCP and TLS; decides which timers of a transaction run. */
  readonly reliable: boolean;
  readonly local: Address;
  readonly remote: Address;
  /** `host:port` that our Via and Contact say on this flow: the listener's, where the peer finds us when the flow is gone. */
  readonly sentBy: string;
  readonly closed: boolean;
  /** Sends whole messages in order; `failed` is called, later, when it is known that they did not leave. */
  send(octets: Buffer, failed?: (error: Error) => void): void;
}

/** The way back of a response. @see RFC 3261 §18.2.2 */
export type ReplyPath = Pick<Flow, "send" | "reliable">;

export interface ListenSpec {
  readonly transport: TransportName;
  readonly host: string;
  readonly port: number;
}

export interface TransportOptions {
  readonly clock: Clock;
  readonly random: Random;
  onMessage(message: SipMessage, flow: Flow): void;
  onFlowClosed?(flow: Flow): void;
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer; readonly ca?: string | Buffer; readonly rejectUnauthorized?: boolean };
}

/** The sockets: UDP, TCP and TLS, any number of each. @see RFC 3261 §18 */
export class Transport {
  constructor(_options: TransportOptions) {}
  /** @throws {Error} when the address cannot be bound. */
  listen(_spec: ListenSpec): Promise<Address & { transport: TransportName }> {
    throw new Error("not yet");
  }
  /** A flow to the target, an open one where there is one. */
  flowTo(_target: Target, _sizeOctets: number): Promise<Flow> {
    throw new Error("not yet");
  }
  /** The way back of the response to `request`, which came on `flow`. */
  replyPath(_request: SipMessage, _flow: Flow): ReplyPath {
    throw new Error("not yet");
  }
  close(): Promise<void> {
    throw new Error("not yet");
  }
}
