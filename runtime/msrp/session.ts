import type { Random } from "../random.ts";
import type { BodySink, Connection, ConnectionLimits, Loss, Surroundings, Tenant } from "./connection.ts";
import { Arrival, MessageReassembler, type ChunkReceiver, type MessageReceiver, type ReassemblyLimits } from "./incoming.ts";
import { comments, type ByteRange, type Report, type RequestHead } from "./message.ts";
import { ChunkedMessage, prepare, PreparedSend, type MessageStream, type OnOutcome, type Prepared, type Sender, type StreamedMessage, type WholeMessage } from "./outgoing.ts";
import { formatBindFields, formatReportFields, formatSendHead } from "./serialise.ts";
import type { Pending } from "./transaction.ts";
import { defaultPort, formatMsrpUri, parsePath, pathEquals, type MsrpUri } from "./uri.ts";

export type { Loss } from "./connection.ts";
export type { ChunkReceiver, IncomingChunk, IncomingMessage, MessageHead, MessageReceiver } from "./incoming.ts";
export type { MessageStream, OnOutcome, StreamedMessage, WholeMessage } from "./outgoing.ts";

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

/** Who uses a session: the callbacks, all called synchronously in the turn of the arrival. */
export interface SessionUser {
  readonly receive: MessageReceiver | ChunkReceiver;
  /** A connection speaks for this session from now on. */
  onBound?(): void;
  /** The session is over without `close`: already freed, nothing more is called. */
  onLost?(reason: Loss): void;
  onReport?(report: Report): void;
}

/** What bounds a session. */
export interface SessionLimits extends ReassemblyLimits, ConnectionLimits {
  /** Octets that wait in one session for its peer to read; more loses the session. Streams are held back long before. */
  readonly maxQueuedOctets: number;
  /** Octets of one streamed message that wait for a response; then it waits. */
  readonly windowOctets: number;
  /** Octets of one chunk that we send. */
  readonly chunkOctets: number;
  /** An unfinished message whose next chunk does not come is dropped after this. @see RFC 7701 §7 */
  readonly chunkReceptionMs: number;
}

/** Where an active session connects to. */
export interface ConnectTarget {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly fingerprint: string | undefined;
}

/** What sessions share. */
export interface SessionSurroundings extends Surroundings {
  readonly limits: SessionLimits;
  readonly random: Random;
  connect(target: ConnectTarget): Connection;
  onEnded(session: MsrpSession): void;
}

/**
 * One MSRP session: our path, the peer's, and the connection that it is bound to.
 *
 * Made by `MsrpEndpoint.createSession`. The methods of `Tenant` and `Sender`
 * are for its connection and its messages only.
 */
export class MsrpSession implements Tenant, Sender {
  /** The value of our `a=path`. */
  readonly localPath: string;
  readonly localUri: MsrpUri;
  readonly #user: SessionUser;
  readonly #around: SessionSurroundings;
  readonly #receiver: ChunkReceiver | MessageReassembler;
  #remotePath: string | undefined;
  #remoteUris: readonly MsrpUri[] = [];
  /** The spelling of the peer's path that was found equal last. */
  #lastFromPath = "";
  #connection: Connection | undefined;
  #bound = false;
  #ended = false;
  #overflown = false;
  /** The beginning of every SEND on the connection. */
  #sendHead: Buffer = nothing;
  /** Whole messages, one after the other. */
  readonly #queue: (Delivery | ChunkedMessage)[] = [];
  #queuedOctets = 0;
  /** Messages whose octets come by and by; their chunks take turns. */
  readonly #streams: ChunkedMessage[] = [];
  #nextStream = 0;
  speaking = false;

  constructor(localUri: MsrpUri, user: SessionUser, around: SessionSurroundings) {
    this.localUri = localUri;
    this.localPath = formatMsrpUri(localUri);
    this.#user = user;
    this.#around = around;
    const { receive } = user;
    this.#receiver = "onMessage" in receive ? new MessageReassembler(around.limits, () => around.clock.now(), receive) : receive;
  }

  /** The value of the peer's `a=path`; undefined before `setRemote`. */
  get remotePath(): string | undefined {
    return this.#remotePath;
  }

  /** A connection speaks for this session. */
  get bound(): boolean {
    return this.#bound;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Octets taken and not yet given to the socket. */
  get queuedOctets(): number {
    return this.#queuedOctets;
  }

  /**
   * Says who may speak for this session, once. A peer that connected before
   * waits until now. If the peer is passive we connect and bind with an empty SEND.
   *
   * @throws {PeerMisbehaved} MSRP_MALFORMED, 400: the path is none
   */
  setRemote(remote: Remote): void {
    if (this.#ended || this.#remotePath !== undefined) return;
    this.#remoteUris = parsePath(remote.path);
    this.#remotePath = remote.path;
    if (this.#connection !== undefined) this.#connection.proceed();
    else if (remote.setup === "passive") this.#connect(remote);
  }

  /** Queues a message behind the ones before it; before the session is bound too. @returns its Message-ID */
  send(message: WholeMessage, onOutcome?: OnOutcome): string {
    const messageId = message.messageId ?? this.#around.random(96);
    this.enqueue(prepare(message, messageId, this.chunkOctets), onOutcome && ((_session, status) => onOutcome(status)));
    return messageId;
  }

  /** Opens a message whose octets come by and by; its chunks interleave with everything else. */
  openMessage(message: StreamedMessage): MessageStream {
    const { contentType, headers = [], failureReport = "yes", successReport = false, startOffset = 0, totalOctets } = message;
    const stream = new ChunkedMessage(
      {
        messageId: message.messageId ?? this.#around.random(96),
        contentType,
        headers,
        failureReport,
        successReport,
        startOffset,
        totalOctets,
        onDrain: () => message.onDrain?.(),
        onFailed: (status) => message.onFailed?.(status),
        onDelivered: () => message.onDelivered?.(),
      },
      this,
    );
    this.#streams.push(stream);
    return stream;
  }

  /** Sends a REPORT; for streamed messages (a whole one has `report` of its own). Never answered. */
  report(messageId: string, byteRange: ByteRange, status: number, comment: string = comments.get(status) ?? ""): void {
    if (!this.#bound) return;
    this.#connection!.request("REPORT", this.#remotePath!, this.localPath, formatReportFields(messageId, byteRange, { status, comment }));
  }

  /** Stops reading the connection, with whatever other session it carries, until `resume`. */
  pause(): void {
    this.#connection?.pause(this);
  }

  resume(): void {
    this.#connection?.resume(this);
  }

  /**
   * Ends the session and frees it: what the socket takes at once is still
   * written, and the `#` of abandoned messages in any case; nothing is called
   * any more. A peer that does not read has `bindMs` for the rest.
   */
  close(): void {
    if (!this.#ended) this.#leave();
  }

  // For those that send

  get chunkOctets(): number {
    return this.#around.limits.chunkOctets;
  }

  get windowOctets(): number {
    return this.#around.limits.windowOctets;
  }

  /** Takes a message that was encoded before, for this session and maybe others. */
  enqueue(prepared: Prepared, onOutcome: ((session: MsrpSession, status: number) => void) | undefined): void {
    if (this.#ended || this.#overflown) return;
    if (prepared instanceof PreparedSend) {
      this.#queue.push(new Delivery(this, prepared, onOutcome));
      this.countQueued(prepared.octets.length);
    } else {
      this.#queue.push(this.#chunk(prepared, onOutcome));
    }
    this.wake();
  }

  #chunk(message: Exclude<Prepared, PreparedSend>, onOutcome: ((session: MsrpSession, status: number) => void) | undefined): ChunkedMessage {
    const settle = (status: number) => {
      if (status !== 200 || message.failureReport === "yes") onOutcome?.(this, status);
    };
    const onDelivered = () => settle(200);
    const options = { ...message, totalOctets: message.octets, startOffset: 0, onDrain() {}, onFailed: settle, onDelivered };
    const chunked = new ChunkedMessage(options, this);
    for (const piece of message.pieces) chunked.write(piece);
    return chunked;
  }

  countQueued(octets: number): void {
    this.#queuedOctets += octets;
  }

  wake(): void {
    if (this.#ended || this.#overflown) return;
    if (this.#queuedOctets > this.#around.limits.maxQueuedOctets) {
      // Later: whoever fans out is in the middle of its list of sessions.
      this.#overflown = true;
      queueMicrotask(() => this.#overflow());
    } else if (this.#sendHead !== nothing) {
      this.#connection!.speak(this);
    }
  }

  #overflow(): void {
    if (this.#ended) return;
    this.#leave();
    this.#user.onLost?.("overflow");
  }

  writeFrame(connection: Connection): boolean {
    const [first] = this.#queue;
    if (first instanceof Delivery) {
      this.#queue.shift();
      this.countQueued(-first.prepared.octets.length);
      first.prepared.writeTo(connection, this.#sendHead, first);
      return true;
    }
    if (first?.writeChunk(connection, this.#sendHead)) {
      if (first.isWritten) this.#queue.shift();
      return true;
    }
    if (first?.isWritten) {
      this.#queue.shift();
      return this.writeFrame(connection);
    }
    return this.#writeStreams(connection);
  }

  writeLast(connection: Connection): void {
    for (const stream of this.#streams) if (stream.isAbandoned) stream.writeChunk(connection, this.#sendHead);
  }

  #writeStreams(connection: Connection): boolean {
    for (let tried = this.#streams.length; tried > 0; tried--) {
      if (this.#nextStream >= this.#streams.length) this.#nextStream = 0;
      const stream = this.#streams[this.#nextStream]!;
      const wrote = stream.writeChunk(connection, this.#sendHead);
      if (stream.isWritten) this.#streams.splice(this.#nextStream, 1);
      else this.#nextStream++;
      if (wrote) return true;
    }
    return false;
  }

  // For the connection

  get connection(): Connection | undefined {
    return this.#connection;
  }

  get secure(): boolean {
    return this.localUri.scheme === "msrps";
  }

  get knowsPeer(): boolean {
    return this.#remotePath !== undefined;
  }

  isFrom(fromPath: string): boolean {
    if (fromPath === this.#remotePath || fromPath === this.#lastFromPath) return true;
    if (!isSamePath(fromPath, this.#remoteUris)) return false;
    this.#lastFromPath = fromPath;
    return true;
  }

  claim(connection: Connection | undefined): void {
    this.#connection = connection;
  }

  bind(connection: Connection): void {
    this.#attach(connection);
    this.#onBound();
  }

  onConnected(): void {
    const bind: Pending = { sentAt: this.#connection!.now, settle: (status) => this.#onBindAnswered(status) };
    this.#connection!.request("SEND", this.#remotePath!, this.localPath, formatBindFields(this.#around.random(96)), bind);
    this.#attach(this.#connection!);
  }

  receiveSend(head: RequestHead): BodySink {
    this.#onBound();
    return new Arrival(this, this.#receiver, head);
  }

  receiveReport(head: RequestHead): void {
    const { messageId, byteRange, status } = head;
    if (status !== undefined) this.#user.onReport?.({ messageId, byteRange: byteRange ?? { start: 1, end: "*", total: "*" }, ...status });
  }

  respond(head: RequestHead, status: number, comment: string | undefined): void {
    if (!this.#ended) this.#connection!.respond(head, this.localPath, status, comment);
  }

  lose(reason: Loss): void {
    if (this.#ended) return;
    this.#end();
    this.#free();
    this.#user.onLost?.(reason);
  }

  /** Drops what takes too long to arrive. */
  sweep(now: number): void {
    const receiver = this.#receiver;
    if (receiver instanceof MessageReassembler && receiver.size > 0) receiver.dropBefore(now - this.#around.limits.chunkReceptionMs);
  }

  #connect(remote: Remote): void {
    const [next] = this.#remoteUris;
    const { host, port = defaultPort } = (remote.cema && remote.address) || next!;
    this.#connection = this.#around.connect({ host, port, secure: next!.scheme === "msrps", fingerprint: remote.fingerprint });
    this.#connection.add(this);
  }

  #attach(connection: Connection): void {
    this.#connection = connection;
    this.#sendHead = formatSendHead(connection.pending.prefix, this.#remotePath!, this.localPath);
    this.wake();
  }

  #onBound(): void {
    if (this.#bound) return;
    this.#bound = true;
    this.#user.onBound?.();
  }

  #onBindAnswered(status: number): void {
    if (this.#ended) return;
    if (status === 200) return this.#onBound();
    this.#leave();
    this.#user.onLost?.("refused");
  }

  /** Ends it on our side: the connection writes what it can, and may have other sessions. */
  #leave(): void {
    this.#end();
    this.#connection?.remove(this);
    this.#free();
  }

  /** Nobody finds it any more. */
  #end(): void {
    this.#ended = true;
    this.#bound = false;
    this.#around.onEnded(this);
  }

  #free(): void {
    this.#connection = undefined;
    this.#sendHead = nothing;
    this.#queue.length = 0;
    this.#streams.length = 0;
    this.#queuedOctets = 0;
  }
}

const nothing = Buffer.alloc(0);

function isSamePath(text: string, uris: readonly MsrpUri[]): boolean {
  try {
    return pathEquals(parsePath(text), uris);
  } catch {
    return false;
  }
}

/** One prepared message on its way to one session: waiting to be written, then for its response. */
class Delivery implements Pending {
  readonly prepared: PreparedSend;
  readonly #session: MsrpSession;
  readonly #onOutcome: ((session: MsrpSession, status: number) => void) | undefined;
  sentAt = 0;

  constructor(session: MsrpSession, prepared: PreparedSend, onOutcome: ((session: MsrpSession, status: number) => void) | undefined) {
    this.#session = session;
    this.prepared = prepared;
    this.#onOutcome = onOutcome;
  }

  settle(status: number): void {
    if (this.#onOutcome === undefined || this.#session.ended) return;
    // Where only failures are answered, silence is success.
    if (this.prepared.failureReport === "partial" && (status === 200 || status === 408)) return;
    this.#onOutcome(this.#session, status);
  }
}
