import type { ByteRange, ContinuationFlag, FailureReport, HeaderFields, Report } from "./message.ts";

/** Why a session lost its connection. */
export type Loss =
  | "closed" // the peer, or the network between us, closed the connection
  | "notConnected" // we are active and could not connect
  | "notTrusted" // TLS: the certificate is neither trusted nor the one that the fingerprint names
  | "malformed" // the peer broke the framing
  | "overflow"; // the peer does not read or does not answer: more is queued or unanswered than the limits allow

/** The peer's half of a session, as its session description gives it. */
export interface Remote {
  /** The value of `a=path`: one MSRP URI, or several through relays. */
  readonly path: string;
  /** The peer's `a=setup`. We are passive unless the peer is. @see RFC 6135 §4.2 */
  readonly setup?: "active" | "passive" | "actpass";
  /** Both sides sent `a=msrp-cema`: connect to `address` and not to the host of the path. @see RFC 6714 §4 */
  readonly cema?: boolean;
  /** Address and port of the peer's `c=` and `m=` lines; needed with `cema` only. */
  readonly address?: { readonly host: string; readonly port: number };
  /** The value of `a=fingerprint`, e.g. `SHA-256 12:34:…`: then the certificate must match it, and no authority is asked. */
  readonly fingerprint?: string;
}

/** A message to be sent whole. */
export interface WholeMessage {
  readonly contentType: string;
  /** Octets, or pieces of them that are sent one after the other. Not copied until written: do not change them. */
  readonly body: Buffer | readonly Buffer[];
  /** Further MIME header fields, e.g. Content-Disposition. */
  readonly headers?: HeaderFields;
  /** Ours unless given. */
  readonly messageId?: string;
  /** Default `yes`. */
  readonly failureReport?: FailureReport;
  /** Default `false`. */
  readonly successReport?: boolean;
}

/**
 * The result of a message that was sent: 200 when every chunk was answered 200,
 * the first other status, 408 when a response did not come within 30 s.
 *
 * Not called with `failureReport: "no"`; with `"partial"` only for a failure.
 * Not called after the session ended: `onLost` says so once for all messages.
 */
export type OnOutcome = (status: number) => void;

/** A message that is sent while its octets arrive, e.g. a file. */
export interface StreamedMessage {
  readonly contentType: string;
  /** Octets of the whole message where known; the chunk that reaches them carries `$`. */
  readonly totalOctets?: number;
  /** Octets that precede the first one written here; default 0. */
  readonly startOffset?: number;
  readonly headers?: HeaderFields;
  readonly messageId?: string;
  readonly failureReport?: FailureReport;
  readonly successReport?: boolean;
  /** `write` said false and there is room again. */
  onDrain?(): void;
  /** A chunk was answered other than 200, or with 408 for no answer in time; nothing more is sent. Once. */
  onFailed?(status: number): void;
  /** Every chunk was answered 200 (with `failureReport: "no"`: was written). Once. */
  onDelivered?(): void;
}

/** The open end of a `StreamedMessage`. */
export interface MessageStream {
  readonly messageId: string;
  /** Octets taken by `write` that are not yet given to the socket. */
  readonly queuedOctets: number;
  /**
   * Takes octets, without copying them: do not change them.
   *
   * @returns false when the caller should wait for `onDrain`. Octets are taken all the same.
   */
  write(octets: Buffer): boolean;
  /** No more octets: the last chunk carries `$`. Needless where `totalOctets` were written. */
  end(): void;
  /** Abandons the message: what is queued is dropped and an empty chunk carries `#`. */
  abort(): void;
}

/** What an incoming SEND says of the message that it carries. */
export interface MessageHead {
  readonly messageId: string;
  readonly contentType: string;
  readonly headers: HeaderFields;
  readonly wantsSuccessReport: boolean;
  /** Octets of the whole message; undefined where the sender does not say. */
  readonly totalOctets: number | undefined;
}

/** A message that arrived whole, in one chunk or in many. */
export interface IncomingMessage extends MessageHead {
  /** A view of the receive buffer: copy it to keep it beyond the turn. */
  readonly body: Buffer;
  /**
   * Answers the last chunk, now or later, once: 200, or what RFC 4975 §10 and
   * RFC 7701 have for a refusal. What the sender's Failure-Report does not want
   * is not sent.
   */
  respond(status: number, comment?: string): void;
  /** Sends the success REPORT if the sender wants one; nothing otherwise. */
  report(): void;
}

/** One chunk of a message that is handed on as it arrives. */
export interface IncomingChunk extends MessageHead {
  /** Octets of the message before this chunk: Byte-Range start less one. */
  readonly startOffset: number;
  /**
   * Answers this chunk, once, at its end, later, or even before (413: the octets
   * that still come are then dropped). What the sender's Failure-Report does not
   * want is not sent.
   */
  respond(status: number, comment?: string): void;
}

/** Takes messages whole. The layer puts chunks together, in any order, within the limits; beyond them it answers 413. */
export interface MessageReceiver {
  onMessage(message: IncomingMessage): void;
}

/** Takes octets as they arrive. Order of calls for one chunk: start, data (any number), end; chunks of one connection do not overlap. */
export interface ChunkReceiver {
  onSendStart(chunk: IncomingChunk): void;
  /** `octets` begin `offset` octets into the message. They are a view of the receive buffer that nobody will write again: they may be kept. */
  onData(chunk: IncomingChunk, octets: Buffer, offset: number): void;
  /** The chunk is complete and waits for `respond`. `#`: the sender abandons the message. */
  onSendEnd(chunk: IncomingChunk, flag: ContinuationFlag): void;
}

/** Who uses a session: the callbacks, all called synchronously in the turn of the arrival. */
export interface SessionUser {
  readonly receive: MessageReceiver | ChunkReceiver;
  /** A connection speaks for this session from now on. */
  onBound?(): void;
  /** The session is over without `close`: already freed, nothing more is called. */
  onLost?(reason: Loss): void;
  onReport?(report: Report): void;
}

/** One MSRP session: our path, the peer's, and the connection that it is bound to. Made by `MsrpEndpoint.createSession`. */
export declare class MsrpSession {
  /** The value of our `a=path`. */
  readonly localPath: string;
  /** The value of the peer's `a=path`; undefined before `setRemote`. */
  readonly remotePath: string | undefined;
  readonly bound: boolean;
  readonly ended: boolean;
  /** Octets taken and not yet given to the socket. */
  readonly queuedOctets: number;

  /**
   * Says who may speak for this session. A peer that connected before waits
   * until now. If the peer is passive we connect and bind with an empty SEND.
   *
   * @throws {PeerMisbehaved} MSRP_MALFORMED, 400: the path is none
   */
  setRemote(remote: Remote): void;

  /** Queues a message behind the ones before it; before the session is bound too. @returns its Message-ID */
  send(message: WholeMessage, onOutcome?: OnOutcome): string;

  /** Opens a message whose octets come by and by; its chunks interleave with everything else. */
  openMessage(message: StreamedMessage): MessageStream;

  /** Sends a REPORT; for streamed messages (a whole one has `report` of its own). Never answered. */
  report(messageId: string, byteRange: ByteRange, status: number, comment?: string): void;

  /** Stops reading the connection, with whatever other session it carries, until `resume`. */
  pause(): void;
  resume(): void;

  /** Ends the session and frees it: what is queued and complete is still written, nothing is called any more. */
  close(): void;
}
