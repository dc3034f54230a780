import { X509Certificate } from "node:crypto";
import net, { isIP, type Server, type Socket } from "node:net";
import tls, { type TLSSocket } from "node:tls";
import type { Clock, Timer } from "../clock.ts";
import type { Random } from "../random.ts";
import { Connection, Traffic, WriteTurn } from "./connection.ts";
import { prepare, type WholeMessage } from "./outgoing.ts";
import { MsrpSession, type ConnectTarget, type SessionLimits, type SessionSurroundings, type SessionUser } from "./session.ts";
import { msrpUriEquals, parseMsrpUri, type MsrpUri } from "./uri.ts";

/**
 * What bounds the memory and the time that peers can take: `maxMessageOctets`
 * and `maxInterleavedMessages` of one session (more is 413), `responseMs` for a
 * response (RFC 4975 §7.1.1), `bindMs` for a connection to bind a session,
 * `maxUnanswered` requests of a connection, and those of `SessionLimits`.
 */
export interface Limits extends SessionLimits {
  readonly maxConnections: number;
}

export const defaultLimits: Limits = {
  maxMessageOctets: 1_048_576,
  maxInterleavedMessages: 8,
  chunkReceptionMs: 540_000,
  responseMs: 30_000,
  bindMs: 30_000,
  maxQueuedOctets: 4_194_304,
  maxUnanswered: 16_384,
  windowOctets: 1_048_576,
  chunkOctets: 32_768,
  maxConnections: 65_536,
};

/** Certificates in PEM. */
export interface TlsOptions {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
  readonly ca?: string | Buffer;
  /** Default `true`; a fingerprint in the session description is checked always, and then instead. */
  readonly rejectUnauthorized?: boolean;
}

export interface ListenSpec {
  readonly transport: "tcp" | "tls";
  /** The address to listen at. */
  readonly host: string;
  /** 0: any. */
  readonly port: number;
  /** The host that paths name where it is not `host`, e.g. behind a NAT or listening at all addresses. */
  readonly advertisedHost?: string;
}

export interface Listener {
  readonly transport: "tcp" | "tls";
  readonly host: string;
  readonly port: number;
}

/** How often deadlines are looked at: responses, binding and chunks are timed this coarsely, without a timer each. */
const sweepMs = 1000;

/** Every MSRP session of this process: all share the listening ports. */
export class MsrpEndpoint {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #limits: Limits;
  readonly #tls: TlsOptions | undefined;
  readonly #around: SessionSurroundings;
  readonly #listeners: { readonly listener: Listener; readonly advertisedHost: string; readonly server: Server }[] = [];
  /** By session identifier. */
  readonly #sessions = new Map<string, MsrpSession>();
  readonly #connections = new Set<Connection>();
  readonly traffic = new Traffic();
  #sweep: Timer;

  constructor(options: { clock: Clock; random: Random; limits?: Partial<Limits>; tls?: TlsOptions }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#tls = options.tls;
    this.#around = {
      clock: this.#clock,
      random: this.#random,
      limits: this.#limits,
      turn: new WriteTurn(),
      traffic: this.traffic,
      find: (toPath) => this.#find(toPath),
      connect: (target) => this.#connect(target),
      onEnded: (session) => this.#sessions.delete(session.localUri.sessionId),
      onClosed: (connection) => this.#connections.delete(connection),
    };
    this.#sweep = this.#clock.after(sweepMs, () => this.#onSweep());
  }

  /** Sizes, for metrics and for tests that nothing leaks. */
  get sessionCount(): number {
    return this.#sessions.size;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** The value of our `a=fingerprint` where we have a certificate. @see RFC 4975 §14.4 */
  get fingerprint(): string | undefined {
    return this.#tls && `SHA-256 ${new X509Certificate(this.#tls.cert).fingerprint256}`;
  }

  /** Whether MSRP without TLS is served. */
  get plain(): boolean {
    return this.#listeners.some(({ listener }) => listener.transport === "tcp");
  }

  /** Whether MSRP over TLS is served. */
  get secure(): boolean {
    return this.#listeners.some(({ listener }) => listener.transport === "tls");
  }

  /** Repeatable: one listener each. Rejects with the error of the operating system, e.g. EADDRINUSE. */
  async listen(spec: ListenSpec): Promise<Listener> {
    const server = this.#createServer(spec.transport);
    server.maxConnections = this.#limits.maxConnections;
    await new Promise<void>((resolve, reject) => {
      // Stays: an error later, e.g. too many open files at an accept, is no reason to end.
      server.on("error", reject);
      server.listen(spec.port, spec.host, resolve);
    });
    const { port } = server.address() as { port: number };
    const listener: Listener = { transport: spec.transport, host: spec.host, port };
    this.#listeners.push({ listener, advertisedHost: spec.advertisedHost ?? spec.host, server });
    return listener;
  }

  /** A new session with an unguessable path at `listener`, or at the first one of the wanted transport (default: the first of all). */
  createSession(user: SessionUser, options: { transport?: "tcp" | "tls"; listener?: Listener } = {}): MsrpSession {
    const { listener, transport } = options;
    const at = this.#listeners.find((one) => (listener ? one.listener === listener : !transport || one.listener.transport === transport));
    if (at === undefined) throw new Error(`no MSRP listener${transport ? ` over ${transport}` : ""}`);
    const uri: MsrpUri = {
      scheme: at.listener.transport === "tls" ? "msrps" : "msrp",
      host: at.advertisedHost.toLowerCase(),
      port: at.listener.port,
      sessionId: this.#random(128),
      transport: "tcp",
    };
    const session = new MsrpSession(uri, user, this.#around);
    this.#sessions.set(uri.sessionId, session);
    return session;
  }

  /**
   * Sends one message to many sessions: encoded once, written once a socket a turn.
   *
   * One that cannot take it (`overflow`) is lost alone. `onOutcome` is called
   * once a session, as for `send`. @returns the Message-ID
   */
  fanOut(sessions: Iterable<MsrpSession>, message: WholeMessage, onOutcome?: (session: MsrpSession, status: number) => void): string {
    const messageId = message.messageId ?? this.#random(96);
    const prepared = prepare(message, messageId, this.#limits.chunkOctets);
    for (const session of sessions) session.enqueue(prepared, onOutcome);
    return messageId;
  }

  /** Stops listening, ends every session and connection. */
  async close(): Promise<void> {
    this.#sweep.stop();
    for (const session of [...this.#sessions.values()]) session.close();
    const closed = this.#listeners.map(({ server }) => new Promise((resolve) => server.close(resolve)));
    for (const connection of [...this.#connections]) connection.close("closed");
    await Promise.all(closed);
  }

  #createServer(transport: "tcp" | "tls"): Server {
    if (transport === "tcp") return net.createServer((socket) => this.#accept(socket));
    if (this.#tls === undefined) throw new Error("MSRP over TLS needs a key and a certificate");
    const { key, cert } = this.#tls;
    return tls.createServer({ key, cert, handshakeTimeout: this.#limits.bindMs }, (socket) => this.#accept(socket));
  }

  #accept(socket: Socket): void {
    if (this.#connections.size >= this.#limits.maxConnections) socket.destroy();
    else this.#connections.add(new Connection(socket, this.#random(64), this.#around, "open"));
  }

  #connect(target: ConnectTarget): Connection {
    const socket = target.secure ? this.#connectSecurely(target) : net.connect({ host: target.host, port: target.port });
    const connection = new Connection(socket, this.#random(64), this.#around, "connecting");
    this.#connections.add(connection);
    if (!target.secure) {
      socket.on("connect", () => connection.open());
    } else {
      socket.on("secureConnect", () => {
        if (hasFingerprint(socket as TLSSocket, target.fingerprint)) connection.open();
        else connection.close("notTrusted");
      });
      socket.on("error", () => {
        if ((socket as TLSSocket).authorizationError) connection.close("notTrusted");
      });
    }
    return connection;
  }

  #connectSecurely(target: ConnectTarget): TLSSocket {
    const { host, port } = target;
    const { key, cert, ca, rejectUnauthorized = true } = this.#tls ?? {};
    return tls.connect({
      host,
      port,
      ...(isIP(host) ? {} : { servername: host }),
      ...(key && cert ? { key, cert } : {}),
      ...(ca ? { ca } : {}),
      rejectUnauthorized: rejectUnauthorized && target.fingerprint === undefined,
    });
  }

  #find(toPath: string): MsrpSession | undefined {
    try {
      const uri = parseMsrpUri(toPath);
      const session = this.#sessions.get(uri.sessionId);
      return session && msrpUriEquals(uri, session.localUri) ? session : undefined;
    } catch {
      return undefined;
    }
  }

  #onSweep(): void {
    const now = this.#clock.now();
    for (const connection of [...this.#connections]) connection.sweep();
    for (const session of this.#sessions.values()) session.sweep(now);
    this.#sweep = this.#clock.after(sweepMs, () => this.#onSweep());
  }
}

/** The certificate of the peer is the one that its session description names. @see RFC 4572 §5 */
function hasFingerprint(socket: TLSSocket, wanted: string | undefined): boolean {
  if (wanted === undefined) return true;
  const [hash = "", value = ""] = wanted.toLowerCase().split(" ");
  const certificate = socket.getPeerX509Certificate();
  const found = { "sha-1": certificate?.fingerprint, "sha-256": certificate?.fingerprint256, "sha-512": certificate?.fingerprint512 }[hash];
  return found !== undefined && found.toLowerCase() === value;
}
