import type { Random } from "../random.ts";
import type { BodySink, Connection, ConnectionLimits, Loss, Surroundings, Tenant } from "./connection.ts";
import { MessageReassembler, type ReassemblyLimits } from "./incoming.ts";
import { comments, type ByteRange, type ContinuationFlag, type FailureReport, type HeaderFields, type Report, type RequestHead } from "./message.ts";
import { ChunkedMessage, PreparedSend, type Sender } from "./outgoing.ts";
import { formatBindFields, formatReportFields, formatSendHead } from "./serialise.ts";
import type { Pending } from "./transaction.ts";
import { defaultPort, formatMsrpUri, parsePath, pathEquals, type MsrpUri } from "./uri.ts";

export type { Loss } from "./connection.ts";

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
  /**
   * The chunk is complete and waits for `respond`. `#`: the sender abandons the
   * message, or its Byte-Range was false and the layer answered 400. Not called
   * for a chunk that was answered other than 200 before.
   */
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

/** Messages with more octets than one chunk may have are sent in chunks, the others whole. */
export type Prepared = PreparedSend | Required<Omit<WholeMessage, "body">> & { readonly pieces: readonly Buffer[]; readonly octets: number };

/** Encodes what all sessions that a message goes to have in common. */
export function prepare(message: WholeMessage, messageId: string, chunkOctets: number): Prepared {
  const { contentType, headers = [], failureReport = "yes", successReport = false } = message;
  const pieces = Buffer.isBuffer(message.body) ? [message.body] : message.body;
  const octets = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const fields = { messageId, contentType, headers, failureReport, successReport };
  return octets <= chunkOctets ? new PreparedSend(fields, pieces, octets) : { ...fields, pieces, octets };
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
  readonly #receiver: ChunkReceiver | MessageReassembler<Arrival>;
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
    this.#receiver =
      "onMessage" in receive
        ? new MessageReassembler(around.limits, () => around.clock.now(), (arrival: Arrival, body) => {
            arrival.body = body;
            receive.onMessage(arrival);
          })
        : receive;
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

  /** Ends the session and frees it: what the socket takes at once is still written, nothing is called any more. */
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

/** A SEND that arrives: a chunk, or in the end a whole message. Its Byte-Range is held against its octets. */
class Arrival implements IncomingChunk, IncomingMessage, BodySink {
  body: Buffer = nothing;
  readonly startOffset: number;
  readonly totalOctets: number | undefined;
  readonly #session: MsrpSession;
  readonly #receiver: ChunkReceiver | MessageReassembler<Arrival>;
  readonly #head: RequestHead;
  /** The octet of the message that the next one is. */
  #offset: number;
  readonly #maxOffset: number;
  #answered = false;
  /** Nothing more of it is handed on. */
  #over = false;

  constructor(session: MsrpSession, receiver: ChunkReceiver | MessageReassembler<Arrival>, head: RequestHead) {
    const { start, end, total } = head.byteRange ?? { start: 1, end: "*", total: "*" };
    this.#session = session;
    this.#receiver = receiver;
    this.#head = head;
    this.startOffset = this.#offset = start - 1;
    this.totalOctets = total === "*" ? undefined : total;
    this.#maxOffset = end === "*" ? (this.totalOctets ?? Number.MAX_SAFE_INTEGER) : end;
    if (head.contentType !== undefined) receiver.onSendStart(this);
  }

  get messageId(): string {
    return this.#head.messageId;
  }

  get contentType(): string {
    return this.#head.contentType!;
  }

  get headers(): HeaderFields {
    return this.#head.headers;
  }

  get wantsSuccessReport(): boolean {
    return this.#head.successReport;
  }

  onBody(octets: Buffer): void {
    if (this.#over || this.#session.ended) return;
    const offset = this.#offset;
    this.#offset += octets.length;
    if (this.#offset > this.#maxOffset || this.#head.contentType === undefined) this.#refute();
    else this.#receiver.onData(this, octets, offset);
  }

  onEnd(flag: ContinuationFlag): void {
    if (this.#over || this.#session.ended) return;
    if (flag === "$" && this.totalOctets !== undefined && this.#offset !== this.totalOctets) this.#refute();
    else if (this.#head.contentType === undefined) this.respond(200);
    else this.#receiver.onSendEnd(this, flag, this.#offset);
  }

  respond(status: number, comment?: string): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#over ||= status !== 200;
    this.#session.respond(this.#head, status, comment);
  }

  report(): void {
    const octets = this.body.length;
    if (this.wantsSuccessReport) this.#session.report(this.messageId, { start: 1, end: octets, total: octets }, 200);
  }

  /** The octets are not those that Byte-Range says. */
  #refute(): void {
    this.respond(400);
    this.#over = true;
    if (this.#head.contentType !== undefined) this.#receiver.onSendEnd(this, "#", this.#offset);
  }
}
