import { constants } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect as connectTcp, createServer as createTcpServer, isIP, isIPv6, type Server, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import type { Clock, Timer } from "../clock.ts";
import { PeerMisbehaved } from "../errors.ts";
import {
  DatagramFlow,
  defaultPorts,
  largestDatagramRequest,
  StreamFlow,
  zeroCounters,
  type Address,
  type Counters,
  type DatagramPath,
  type Flow,
  type ReplyPath,
  type StreamLimits,
  type StreamOwner,
  type Target,
  type TransportName,
} from "./flow.ts";
import { SipMessage, type Via } from "./message.ts";
import { answerTo, isKeepAlive, parseDatagram, SipUnreadable, validate, type KeepAlive, type SipLimits } from "./parse.ts";
import { serialise } from "./serialise.ts";
import { SourceBudget } from "./source-budget.ts";

export type { Address, Counters, Flow, ReplyPath, Target, TransportName };

export interface ListenSpec {
  readonly transport: TransportName;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

export interface TransportLimits extends StreamLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerSource: number;
  /** How long a connection may take to be made. */
  readonly connectMs: number;
  readonly messagesPerSecondPerSource: number;
  readonly burstPerSource: number;
  readonly maxSources: number;
}

export const defaultLimits: TransportLimits = {
  headTimeoutMs: 10_000,
  bodyTimeoutMs: 30_000,
  idleMs: 900_000,
  maxQueuedOctets: 4 << 20,
  maxConnections: 10_000,
  maxConnectionsPerSource: 5_000,
  connectMs: 4_000,
  messagesPerSecondPerSource: 100_000,
  burstPerSource: 200_000,
  maxSources: 10_000,
};

export interface TlsOptions {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
  readonly ca?: string | Buffer;
  /** Of the peers that we connect to; true unless said otherwise. */
  readonly rejectUnauthorized?: boolean;
}

export interface TransportOptions {
  readonly clock: Clock;
  readonly limits?: Partial<TransportLimits>;
  /** Every valid message; a request carries `received` and `rport` already. */
  onMessage(message: SipMessage, flow: Flow): void;
  onFlowClosed?(flow: Flow): void;
  readonly tls?: TlsOptions;
}

interface DatagramListener extends DatagramPath {
  closed: boolean;
  readonly flows: Map<string, DatagramFlow>;
}

interface StreamListener {
  readonly transport: "tcp" | "tls";
  readonly local: Address;
  readonly server: Server;
}

/** Peer addresses remembered for each UDP socket. */
const maxDatagramFlows = 10_000;
const datagramBufferOctets = 4 << 20;
/** Connections that the kernel may hold for us before we accept them. */
const backlog = 4096;
/** A stream takes this much before it asks us to wait. */
const streamBuffers = { highWaterMark: 256 << 10 };
const closeMs = 1_000;
const pong = Buffer.from("\r\n");

const hardenedTls = { minVersion: "TLSv1.2", secureOptions: constants.SSL_OP_NO_RENEGOTIATION } as const;

/** The sockets: UDP, TCP and TLS, any number of each. @see RFC 3261 §18 */
export class Transport implements StreamOwner {
  readonly counters: Readonly<Record<TransportName, Counters>> = { udp: zeroCounters(), tcp: zeroCounters(), tls: zeroCounters() };
  readonly #options: TransportOptions;
  readonly #limits: TransportLimits;
  /** Only what differs from the codec's own. */
  readonly #sipLimits: Partial<SipLimits>;
  readonly #budget: SourceBudget;
  readonly #datagramListeners: DatagramListener[] = [];
  readonly #streamListeners: StreamListener[] = [];
  readonly #connections = new Set<StreamFlow>();
  /** Connections by the peer's address, and by the alias that the peer gave it. */
  readonly #reusable = new Map<string, StreamFlow>();
  readonly #connecting = new Map<string, Promise<StreamFlow>>();
  readonly #connectionsOfSource = new Map<string, number>();
  #sweep: Timer | undefined;
  #closed = false;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#sipLimits = options.limits ?? {};
    const { messagesPerSecondPerSource: messagesPerSecond, burstPerSource: burst, maxSources } = this.#limits;
    this.#budget = new SourceBudget({ clock: options.clock, messagesPerSecond, burst, maxSources });
  }

  /** Connections alive. */
  get connections(): number {
    return this.#connections.size;
  }

  /** @throws {Error} when the address cannot be bound; its message says which and why. */
  async listen(spec: ListenSpec): Promise<Address & { readonly transport: TransportName }> {
    try {
      const local = spec.transport === "udp" ? await this.#listenUdp(spec) : await this.#listenStream(spec.transport, spec);
      return { transport: spec.transport, ...local };
    } catch (error) {
      throw new Error(`cannot listen on sip ${spec.transport}:${hostPort(spec)}: ${reasonOf(error)}`, { cause: error });
    }
  }

  /**
   * A flow to the target: an open one where there is one, the peer's own connection too.
   * A request too large for UDP gets TCP, and UDP after all when TCP is refused.
   */
  async flowTo(target: Target, sizeOctets: number): Promise<Flow> {
    if (isIP(target.host) === 0 || !isPort(target.port)) throw new Error(`no SIP target: ${hostPort(target)}`);
    if (target.transport !== "udp") return this.#connectionTo(target.transport, target);
    if (sizeOctets > largestDatagramRequest) {
      try {
        return await this.#connectionTo("tcp", target);
      } catch {
        // RFC 3261 §18.1.1: an element that does not speak TCP gets the large request by UDP.
      }
    }
    const listener = this.#datagramListeners.find(({ local }) => isIPv6(local.host) === isIPv6(target.host));
    if (listener === undefined) throw new Error(`no UDP socket of ours reaches ${hostPort(target)}`);
    return datagramFlow(listener, target);
  }

  /**
   * The way back of the response to `request`, which came on `flow`: the
   * connection it came by, or a new one to the address it came from and the
   * port of its Via; over UDP that port, or the port it came from where the
   * client asks for it. `maddr` is not followed: it would let anybody aim our
   * responses at others. @see RFC 3261 §18.2.2, RFC 3581 §4
   */
  replyPath(request: SipMessage, flow: Flow): ReplyPath {
    const via = request.via[0];
    if (flow instanceof DatagramFlow) {
      if (via === undefined || via.params.has("rport") || replyPort(via, flow) === flow.remote.port) return flow;
      const listener = this.#datagramListeners.find(({ local }) => local === flow.local);
      return listener === undefined ? flow : datagramFlow(listener, { host: flow.remote.host, port: replyPort(via, flow) });
    }
    const { transport, remote } = flow;
    return new StreamReplyPath(this, flow, { transport, host: remote.host, port: via === undefined ? remote.port : replyPort(via, flow) });
  }

  /** Closes every socket; what is already written to a connection still leaves, for a second. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#sweep?.stop();
    const closing = [
      ...this.#datagramListeners.map((listener) => {
        listener.closed = true;
        return new Promise<void>((done) => listener.socket.close(done));
      }),
      ...this.#streamListeners.map(({ server }) => new Promise<void>((done) => server.close(() => done()))),
    ];
    for (const flow of this.#connections) flow.end();
    const patience = this.#options.clock.after(closeMs, () => {
      for (const flow of this.#connections) flow.destroy();
    });
    await Promise.all(closing);
    patience.stop();
  }

  onItems(items: readonly (SipMessage | KeepAlive | SipUnreadable)[], flow: StreamFlow): number {
    for (const item of items) {
      if (item instanceof SipMessage) this.#receive(item, flow);
      else if (item instanceof SipUnreadable) this.#refuse(item.octets, item, flow);
      else if (item.keepAlive === "ping") flow.send(pong);
    }
    return this.#budget.take(flow.remote.host, items.length);
  }

  onClosed(flow: StreamFlow): void {
    this.#connections.delete(flow);
    for (const key of flow.keys) if (this.#reusable.get(key) === flow) this.#reusable.delete(key);
    this.#options.onFlowClosed?.(flow);
  }

  async #listenUdp({ host, port }: Address): Promise<Address> {
    const family = isIPv6(host) ? 6 : 4;
    const socket = createSocket({
      type: `udp${family}`,
      ipv6Only: family === 6,
      recvBufferSize: datagramBufferOctets,
      sendBufferSize: datagramBufferOctets,
      // Flows hold addresses, never names: nothing is looked up, and a datagram leaves in the turn that sends it.
      lookup: (address, _options, found) => found(null, address, family),
    });
    await new Promise<void>((bound, failed) => {
      socket.once("error", failed);
      socket.bind(port, host, () => {
        socket.off("error", failed);
        bound();
      });
    });
    const local: Address = { host, port: socket.address().port };
    const counters = this.counters.udp;
    const listener: DatagramListener = { socket, local, counters, closed: false, flows: new Map(), sentBy: (remote) => sentBy(local, remote) };
    // What ICMP reports of a peer is no fault of the socket.
    socket.on("error", () => counters.sendErrors++);
    socket.on("message", (octets, { address, port }) => this.#receiveDatagram(octets, { host: address, port }, listener));
    this.#datagramListeners.push(listener);
    return local;
  }

  async #listenStream(transport: "tcp" | "tls", { host, port }: Address): Promise<Address> {
    const server = transport === "tcp" ? this.#tcpServer() : this.#tlsServer();
    server.maxConnections = this.#limits.maxConnections;
    server.prependListener("connection", (socket: Socket) => this.#countSource(socket, transport));
    server.on("drop", () => this.counters[transport].refused++);
    await new Promise<void>((bound, failed) => {
      server.once("error", failed);
      server.listen({ port, host, backlog, ipv6Only: true }, () => {
        server.off("error", failed);
        bound();
      });
    });
    // Too many open files and the like: the connection is not accepted, those that are live on.
    server.on("error", () => this.counters[transport].refused++);
    const bound = server.address();
    const local: Address = { host, port: bound !== null && typeof bound === "object" ? bound.port : port };
    this.#streamListeners.push({ transport, local, server });
    return local;
  }

  #tcpServer(): Server {
    return createTcpServer(streamBuffers, (socket) => this.#accept(socket, "tcp"));
  }

  #tlsServer(): Server {
    if (this.#options.tls === undefined) throw new Error("TLS needs a key and a certificate");
    const { key, cert } = this.#options.tls;
    const server = createTlsServer({ key, cert, ...hardenedTls, handshakeTimeout: this.#limits.headTimeoutMs, ...streamBuffers }, (socket) =>
      this.#accept(socket, "tls"),
    );
    server.on("tlsClientError", (_error, socket) => {
      this.counters.tls.refused++;
      socket.destroy();
    });
    return server;
  }

  /** A source that holds too many connections gets no more. */
  #countSource(socket: Socket, transport: "tcp" | "tls"): void {
    const source = socket.remoteAddress;
    const held = source === undefined ? 0 : (this.#connectionsOfSource.get(source) ?? 0);
    if (source === undefined || this.#closed || held >= this.#limits.maxConnectionsPerSource) {
      this.counters[transport].refused++;
      socket.destroy();
      return;
    }
    this.#connectionsOfSource.set(source, held + 1);
    socket.once("close", () => {
      const left = (this.#connectionsOfSource.get(source) ?? 1) - 1;
      if (left === 0) this.#connectionsOfSource.delete(source);
      else this.#connectionsOfSource.set(source, left);
    });
  }

  #accept(socket: Socket, transport: "tcp" | "tls"): void {
    if (socket.destroyed || socket.remoteAddress === undefined) return;
    const flow = this.#adopt(socket, transport, true);
    this.#reuse(flow, reuseKey(transport, flow.remote));
  }

  #adopt(socket: Socket, transport: "tcp" | "tls", accepted: boolean): StreamFlow {
    const flow = new StreamFlow(socket, transport, accepted, {
      clock: this.#options.clock,
      owner: this,
      counters: this.counters[transport],
      sentBy: this.#streamSentBy(socket, transport),
      limits: this.#limits,
    });
    this.#connections.add(flow);
    this.#watch();
    return flow;
  }

  #streamSentBy(socket: Socket, transport: "tcp" | "tls"): string {
    const own = { host: socket.localAddress ?? "", port: socket.localPort ?? 0 };
    const listeners = this.#streamListeners.filter((l) => l.transport === transport && isIPv6(l.local.host) === isIPv6(own.host));
    const listener = listeners.find(({ local }) => local.port === own.port) ?? listeners.find(({ local }) => local.host === own.host) ?? listeners[0];
    if (listener === undefined) return hostPort(own);
    return hostPort({ host: isWildcard(listener.local.host) ? own.host : listener.local.host, port: listener.local.port });
  }

  #reuse(flow: StreamFlow, key: string): void {
    if (flow.keys.includes(key)) return;
    flow.keys.push(key);
    this.#reusable.set(key, flow);
  }

  #connectionTo(transport: "tcp" | "tls", target: Target | Address): Promise<StreamFlow> {
    const key = reuseKey(transport, target);
    const open = this.#reusable.get(key);
    if (open !== undefined && !open.closed) return Promise.resolve(open);
    let connecting = this.#connecting.get(key);
    if (connecting === undefined) {
      connecting = this.#connect(transport, target, key).finally(() => this.#connecting.delete(key));
      this.#connecting.set(key, connecting);
    }
    return connecting;
  }

  async #connect(transport: "tcp" | "tls", target: Target | Address, key: string): Promise<StreamFlow> {
    if (this.#closed) throw new Error("the transport is closed");
    const socket = transport === "tcp" ? connectTcp({ host: target.host, port: target.port, ...streamBuffers }) : this.#connectTls(target);
    await new Promise<void>((connected, failed) => {
      const patience = this.#options.clock.after(this.#limits.connectMs, () => socket.destroy(new Error(`no connection to ${hostPort(target)} in time`)));
      socket.once(transport === "tcp" ? "connect" : "secureConnect", () => {
        patience.stop();
        connected();
      });
      socket.on("error", failed);
      socket.once("close", () => {
        patience.stop();
        failed(new Error(`${hostPort(target)} closed the connection`));
      });
    });
    if (socket.destroyed) throw new Error(`${hostPort(target)} closed the connection`);
    const flow = this.#adopt(socket, transport, false);
    this.#reuse(flow, key);
    return flow;
  }

  #connectTls(target: Target | Address): Socket {
    const { host, port } = target;
    const name = "name" in target ? target.name : undefined;
    const { tls } = this.#options;
    return connectTls({
      host,
      port,
      ...hardenedTls,
      ...streamBuffers,
      ...(tls && { key: tls.key, cert: tls.cert }),
      ...(tls?.ca !== undefined && { ca: tls.ca }),
      ...(name !== undefined && isIP(name) === 0 && { servername: name }),
      rejectUnauthorized: tls?.rejectUnauthorized ?? true,
    });
  }

  /** Gives up, in turns of its own, the connections whose peers let us wait too long; one timer for all of them. */
  #watch(): void {
    if (this.#sweep !== undefined || this.#closed) return;
    const { headTimeoutMs, bodyTimeoutMs, idleMs } = this.#limits;
    this.#sweep = this.#options.clock.after(Math.min(headTimeoutMs, bodyTimeoutMs, idleMs) / 4, () => {
      this.#sweep = undefined;
      const now = this.#options.clock.now();
      for (const flow of this.#connections) if (flow.isOverdue(now)) flow.refuse();
      if (this.#connections.size > 0) this.#watch();
    });
  }

  #receiveDatagram(octets: Buffer, remote: Address, listener: DatagramListener): void {
    const { counters } = listener;
    counters.octetsIn += octets.length;
    // Without a port there is nobody to answer.
    if (isKeepAlive(octets) || remote.port === 0) return;
    if (this.#budget.take(remote.host, 1) > 0) {
      counters.overBudget++;
      return;
    }
    const flow = datagramFlow(listener, remote);
    let message: SipMessage;
    try {
      message = parseDatagram(octets, this.#sipLimits);
    } catch (fault) {
      this.#refuse(octets, fault, flow);
      return;
    }
    this.#receive(message, flow);
  }

  #receive(message: SipMessage, flow: Flow): void {
    this.counters[flow.transport].messagesIn++;
    try {
      validate(message, this.#sipLimits);
      if (message.isRequest) this.#stamp(message, flow);
    } catch (fault) {
      this.#refuse(serialise(message), fault, flow);
      return;
    }
    this.#options.onMessage(message, flow);
  }

  /** Adds `received` and `rport`, and remembers the alias of a connection. @see RFC 3261 §18.2.1, RFC 3581 §4 */
  #stamp(request: SipMessage, flow: Flow): void {
    const via = request.via[0];
    if (via === undefined) return;
    if (flow instanceof StreamFlow && flow.transport === "tcp" && via.params.has("alias"))
      this.#reuse(flow, reuseKey("tcp", { host: flow.remote.host, port: replyPort(via, flow) }));
    const raw = stampVia(via, flow.remote);
    if (raw !== via.raw) request.setTopVia(raw);
  }

  #refuse(octets: Buffer, fault: unknown, flow: Flow): void {
    if (!(fault instanceof PeerMisbehaved)) throw fault;
    this.counters[flow.transport].unreadable++;
    const answer = answerTo(octets, fault);
    if (answer === undefined) return;
    const path = this.replyPath(answer, flow);
    this.#stamp(answer, flow);
    path.send(serialise(answer));
  }
}

/** The connection that a request came by while it lives, then a new one. */
class StreamReplyPath implements ReplyPath {
  readonly reliable = true;
  readonly #transport: Transport;
  readonly #flow: Flow;
  readonly #target: Target;

  constructor(transport: Transport, flow: Flow, target: Target) {
    this.#transport = transport;
    this.#flow = flow;
    this.#target = target;
  }

  send(octets: Buffer, failed?: (error: Error) => void): void {
    if (!this.#flow.closed) return this.#flow.send(octets, failed);
    this.#transport.flowTo(this.#target, octets.length).then(
      (flow) => flow.send(octets, failed),
      (error: Error) => failed?.(error),
    );
  }
}

/** `host:port`, an IPv6 address in brackets. */
function hostPort({ host, port }: Address): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 65536;
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

/** A connection proves one name only, so that the name is part of the key. */
function reuseKey(transport: "tcp" | "tls", target: Target | Address): string {
  const name = transport === "tls" && "name" in target ? target.name : undefined;
  return `${transport} ${hostPort(target)} ${name ?? ""}`;
}

function datagramFlow(listener: DatagramListener, remote: Address): DatagramFlow {
  const { flows } = listener;
  const key = `${remote.host} ${remote.port}`;
  let flow = flows.get(key);
  if (flow !== undefined) return flow;
  for (const oldest of flows.keys()) {
    if (flows.size < maxDatagramFlows) break;
    flows.delete(oldest);
  }
  flow = new DatagramFlow(listener, { host: remote.host, port: remote.port });
  flows.set(key, flow);
  return flow;
}

/** What our Via says of a UDP socket; one that is bound to every address says the one that the peer most likely sees. */
function sentBy(local: Address, remote: Address): string {
  if (!isWildcard(local.host)) return hostPort(local);
  const family = isIPv6(local.host) ? "IPv6" : "IPv4";
  const loopback = remote.host.startsWith("127.") || remote.host === "::1";
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find((address) => address.family === family && address.internal === loopback);
  return hostPort({ host: own?.address ?? (family === "IPv6" ? "::1" : "127.0.0.1"), port: local.port });
}

/** The port of the Via's sent-by, its default, or the source's where the Via says nonsense. @see RFC 3261 §18.2.2 */
function replyPort(via: Via, flow: Flow): number {
  const port = via.port ?? defaultPorts[flow.transport];
  return isPort(port) ? port : flow.remote.port;
}

/** The Via value with the address, and with `rport` the port, that the request really came from. */
function stampVia(via: Via, { host, port }: Address): string {
  const { params } = via;
  const rport = params.has("rport");
  if (!rport && !params.has("received") && via.host === (host.includes(":") ? `[${host}]` : host)) return via.raw;
  const stamped = [params.size === 0 ? via.raw : via.raw.slice(0, via.raw.indexOf(";")).trimEnd()];
  for (const [name, value] of params) if (name !== "received" && name !== "rport") stamped.push(value === null ? name : `${name}=${value}`);
  stamped.push(`received=${host}`);
  if (rport) stamped.push(`rport=${port}`);
  return stamped.join(";");
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  switch ("code" in error ? error.code : undefined) {
    case "EADDRINUSE":
      return "the port is in use";
    case "EADDRNOTAVAIL":
      return "this machine has no such address";
    case "EACCES":
      return "not permitted";
    default:
      return error.message;
  }
}
