import type { Socket as DatagramSocket } from "node:dgram";
import type { Socket } from "node:net";
import type { Clock } from "../clock.ts";
import type { SipMessage } from "./message.ts";
import { StreamParser, type KeepAlive, type SipLimits, type SipUnreadable } from "./parse.ts";

export type TransportName = "udp" | "tcp" | "tls";

export const defaultPorts: Readonly<Record<TransportName, number>> = { udp: 5060, tcp: 5060, tls: 5061 };

/** A request larger than this leaves by a transport with congestion control. @see RFC 3261 §18.1.1 */
export const largestDatagramRequest = 1300;

/** An IP address, never a name and without brackets, and a port. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Where a message shall go once its name has been resolved. @see RFC 3263 §4 */
export interface Target extends Address {
  readonly transport: TransportName;
  /** The name that was resolved: TLS asks the peer's certificate for it. */
  readonly name?: string;
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

/** What went through the sockets of one transport since the start. */
export interface Counters {
  messagesIn: number;
  messagesOut: number;
  octetsIn: number;
  octetsOut: number;
  /** Messages that could not be read. */
  unreadable: number;
  /** Datagrams dropped because their source had no budget left. */
  overBudget: number;
  sendErrors: number;
  /** Connections that were accepted or made. */
  connections: number;
  /** Connections that were closed at once, or for what they did or failed to do. */
  refused: number;
}

export const zeroCounters = (): Counters => ({
  messagesIn: 0,
  messagesOut: 0,
  octetsIn: 0,
  octetsOut: 0,
  unreadable: 0,
  overBudget: 0,
  sendErrors: 0,
  connections: 0,
  refused: 0,
});

const flowClosed = () => new Error("the flow is closed");

/** One peer address as one UDP socket of ours sees it. */
export class DatagramFlow implements Flow {
  readonly transport = "udp";
  readonly reliable = false;
  readonly local: Address;
  readonly remote: Address;
  readonly sentBy: string;
  readonly #path: DatagramPath;

  constructor(path: DatagramPath, remote: Address) {
    this.#path = path;
    this.local = path.local;
    this.remote = remote;
    this.sentBy = path.sentBy(remote);
  }

  get closed(): boolean {
    return this.#path.closed;
  }

  send(octets: Buffer, failed?: (error: Error) => void): void {
    const { socket, counters, closed } = this.#path;
    if (closed) {
      if (failed) queueMicrotask(() => failed(flowClosed()));
      return;
    }
    counters.messagesOut++;
    counters.octetsOut += octets.length;
    socket.send(octets, this.remote.port, this.remote.host, (error) => {
      if (error === null) return;
      counters.sendErrors++;
      failed?.(error);
    });
  }
}

/** A bound UDP socket as its flows need it. */
export interface DatagramPath {
  readonly socket: DatagramSocket;
  readonly local: Address;
  readonly closed: boolean;
  readonly counters: Counters;
  sentBy(remote: Address): string;
}

/** What a stream flow tells its owner. */
export interface StreamOwner {
  /** @returns how many milliseconds the peer has to be quiet now. */
  onItems(items: readonly (SipMessage | KeepAlive | SipUnreadable)[], flow: StreamFlow): number;
  onClosed(flow: StreamFlow): void;
}

export interface StreamOptions {
  readonly clock: Clock;
  readonly owner: StreamOwner;
  readonly counters: Counters;
  readonly sentBy: string;
  readonly limits: StreamLimits;
}

/** How long and how much a connection waits for its peer. */
export interface StreamLimits extends Partial<SipLimits> {
  /** For the whole of a head from its first octet, and of a new connection's first head. */
  readonly headTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  /** For anything, keep-alives too. */
  readonly idleMs: number;
  /** Octets that may wait for a peer that does not read, before the connection is given up. */
  readonly maxQueuedOctets: number;
}

/** One TCP or TLS connection. */
export class StreamFlow implements Flow {
  readonly transport: "tcp" | "tls";
  readonly reliable = true;
  readonly local: Address;
  readonly remote: Address;
  readonly sentBy: string;
  closed = false;
  /** By what the owner finds it for a request to its peer. */
  readonly keys: string[] = [];

  readonly #socket: Socket;
  readonly #parser: StreamParser;
  readonly #options: StreamOptions;
  /** When octets last came in. */
  #heardAt: number;
  /** Since when the peer owes us the rest of a head or body; at first the whole of its first one. */
  #owingSince: number | undefined;
  #unread = false;
  #overBudget = false;

  constructor(socket: Socket, transport: "tcp" | "tls", accepted: boolean, options: StreamOptions) {
    const { clock, limits, sentBy, counters } = options;
    this.transport = transport;
    this.local = { host: socket.localAddress ?? "", port: socket.localPort ?? 0 };
    this.remote = { host: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
    this.sentBy = sentBy;
    this.#heardAt = clock.now();
    this.#owingSince = accepted ? this.#heardAt : undefined;
    this.#socket = socket;
    this.#parser = new StreamParser(limits);
    this.#options = options;
    counters.connections++;
    socket.setNoDelay(true);
    socket.on("data", (octets: Buffer) => this.#receive(octets));
    socket.on("drain", () => {
      this.#unread = false;
      this.#read();
    });
    // A lost socket is an event, told by "close"; what it could not send is told to each message's `failed`.
    socket.on("error", () => {});
    socket.on("close", () => {
      this.closed = true;
      options.owner.onClosed(this);
    });
  }

  send(octets: Buffer, failed?: (error: Error) => void): void {
    const { counters, limits } = this.#options;
    const socket = this.#socket;
    if (this.closed || !socket.writable) {
      if (failed) queueMicrotask(() => failed(flowClosed()));
      return;
    }
    counters.messagesOut++;
    counters.octetsOut += octets.length;
    // What one turn says leaves in one write.
    if (socket.writableCorked === 0) {
      socket.cork();
      process.nextTick(() => socket.uncork());
    }
    const taken = socket.write(octets, (error) => {
      if (!error) return;
      counters.sendErrors++;
      failed?.(error);
    });
    if (taken) return;
    if (socket.writableLength > limits.maxQueuedOctets) return this.refuse();
    this.#unread = true;
    socket.pause();
  }

  /** Whether the peer has let us wait for longer than the limits say. */
  isOverdue(now: number): boolean {
    const { headTimeoutMs, bodyTimeoutMs, idleMs } = this.#options.limits;
    if (this.#owingSince === undefined) return now - this.#heardAt > idleMs;
    return now - this.#owingSince > (this.#parser.waiting === "body" ? bodyTimeoutMs : headTimeoutMs);
  }

  /** Closes the connection because of what the peer did or failed to do. */
  refuse(): void {
    this.#options.counters.refused++;
    this.#socket.destroy();
  }

  /** Closes the connection when all is sent. */
  end(): void {
    this.#socket.uncork();
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #receive(octets: Buffer): void {
    const { clock, owner, counters } = this.#options;
    counters.octetsIn += octets.length;
    this.#heardAt = clock.now();
    const waitedFor = this.#parser.waiting;
    const items = this.#parser.push(octets);
    const { waiting, broken } = this.#parser;
    if (waiting === undefined) this.#owingSince = undefined;
    else if (items.length > 0 || waiting !== waitedFor) this.#owingSince = this.#heardAt;
    const quietMs = owner.onItems(items, this);
    if (broken) {
      counters.refused++;
      this.end();
    } else if (quietMs > 0) this.#rest(quietMs);
  }

  #rest(quietMs: number): void {
    this.#overBudget = true;
    this.#socket.pause();
    this.#options.clock.after(quietMs, () => {
      this.#overBudget = false;
      this.#read();
    });
  }

  #read(): void {
    if (!this.#unread && !this.#overBudget) this.#socket.resume();
  }
}
