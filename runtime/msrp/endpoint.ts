import type { Clock } from "../clock.ts";
import type { Random } from "../random.ts";
import type { MsrpSession, SessionUser, WholeMessage } from "./session.ts";

/** What bounds the memory and the time that peers can take. */
export interface Limits {
  /** Octets of a message received whole; more is 413. */
  readonly maxMessageOctets: number;
  /** Messages of one session that arrive interleaved; one more is 413. */
  readonly maxInterleavedMessages: number;
  /** An unfinished message whose next chunk does not come is dropped after this. @see RFC 7701 §7 */
  readonly chunkReceptionMs: number;
  /** A request that is not answered fails with 408 after this. @see RFC 4975 §7.1.1 */
  readonly responseMs: number;
  /** A connection that binds no session is closed after this. */
  readonly bindMs: number;
  /** Octets that wait in one session for its peer to read; more loses the session. Streams are held back long before. */
  readonly maxQueuedOctets: number;
  /** Requests of one connection that wait for a response; more loses its sessions. */
  readonly maxUnanswered: number;
  /** Octets of one streamed message that wait for a response; then it waits. */
  readonly windowOctets: number;
  /** Octets of one chunk that we send. */
  readonly chunkOctets: number;
  readonly maxConnections: number;
}

/** Certificates in PEM. */
export interface TlsOptions {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
  readonly ca?: string | Buffer;
  /** Default `true`; a fingerprint in the session description is checked always. */
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

/** Every MSRP session of this process: all share the listening ports. */
export declare class MsrpEndpoint {
  constructor(options: { clock: Clock; random: Random; limits?: Partial<Limits>; tls?: TlsOptions });

  /** Repeatable: one listener each. Rejects with the error of the operating system, e.g. EADDRINUSE. */
  listen(spec: ListenSpec): Promise<Listener>;

  /** A new session with an unguessable path at `listener`, or at the first one of the wanted transport (default TCP, else what there is). */
  createSession(user: SessionUser, options?: { transport?: "tcp" | "tls"; listener?: Listener }): MsrpSession;

  /**
   * Sends one message to many sessions: encoded once, written once a socket a turn.
   *
   * One that cannot take it (`overflow`) is lost alone. `onOutcome` is called once a session, as for `send`.
   */
  fanOut(sessions: Iterable<MsrpSession>, message: WholeMessage, onOutcome?: (session: MsrpSession, status: number) => void): string;

  /** Sizes, for metrics and for tests that nothing leaks. */
  readonly sessionCount: number;
  readonly connectionCount: number;

  /** Stops listening, ends every session and connection. */
  close(): Promise<void>;
}
