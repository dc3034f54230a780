import type { BodySink } from "./connection.ts";
import type { ByteRange, ContinuationFlag, HeaderFields, RequestHead } from "./message.ts";

/** Gaps that an unfinished message may have. Chunks come in order but for rare accidents. */
const maxGaps = 16;
/** Refused messages whose further chunks are refused alike. */
const maxRefused = 16;
const nothing = Buffer.alloc(0);

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
  /** A view of the receive buffer, which is never written again; who keeps it for long keeps up to 64 KB, and had better copy. */
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
  /** Octets of the message up to the last one of this chunk that is here. */
  readonly endOffset: number;
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

/** The session that a SEND is for. */
export interface Addressee {
  readonly ended: boolean;
  respond(head: RequestHead, status: number, comment: string | undefined): void;
  report(messageId: string, byteRange: ByteRange, status: number): void;
}

/** A SEND that arrives: a chunk, or in the end a whole message. Its Byte-Range is held against its octets. */
export class Arrival implements IncomingChunk, IncomingMessage, BodySink {
  body: Buffer = nothing;
  readonly startOffset: number;
  readonly totalOctets: number | undefined;
  readonly #session: Addressee;
  readonly #receiver: ChunkReceiver;
  readonly #head: RequestHead;
  /** The octet of the message that the next one is. */
  #offset: number;
  readonly #maxOffset: number;
  #answered = false;
  /** Nothing more of it is handed on. */
  #over = false;

  constructor(session: Addressee, receiver: ChunkReceiver, head: RequestHead) {
    const { start, end, total } = head.byteRange ?? { start: 1, end: "*", total: "*" };
    this.#session = session;
    this.#receiver = receiver;
    this.#head = head;
    this.startOffset = this.#offset = start - 1;
    this.totalOctets = total === "*" ? undefined : total;
    this.#maxOffset = end === "*" ? (this.totalOctets ?? Number.MAX_SAFE_INTEGER) : end;
    if (head.contentType !== undefined) receiver.onSendStart(this);
  }

  get endOffset(): number {
    return this.#offset;
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
    else this.#receiver.onSendEnd(this, flag);
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
    if (this.#head.contentType !== undefined) this.#receiver.onSendEnd(this, "#");
  }
}

/** What bounds the memory of a session's messages that are not complete. */
export interface ReassemblyLimits {
  /** Octets of a message received whole; more is 413. */
  readonly maxMessageOctets: number;
  /** Messages that arrive interleaved; one more is 413. */
  readonly maxInterleavedMessages: number;
}

/**
 * Puts the chunks of messages together, in whatever order they come.
 *
 * Memory is bounded by the octets of a message times the messages under way.
 * A message in one piece is handed on without a copy.
 *
 * @see RFC 4975 §7.3.1
 */
export class MessageReassembler {
  readonly #limits: ReassemblyLimits;
  readonly #now: () => number;
  readonly #receiver: MessageReceiver;
  readonly #messages = new Map<string, PartialMessage>();
  /** Message-IDs that were refused, with their status, oldest first. */
  readonly #refused = new Map<string, number>();

  constructor(limits: ReassemblyLimits, now: () => number, receiver: MessageReceiver) {
    this.#limits = limits;
    this.#now = now;
    this.#receiver = receiver;
  }

  /** Messages that are not complete. */
  get size(): number {
    return this.#messages.size;
  }

  onSendStart(chunk: Arrival): void {
    const refused = this.#refused.get(chunk.messageId);
    const known = this.#messages.get(chunk.messageId);
    if (refused !== undefined) chunk.respond(refused);
    else if ((chunk.totalOctets ?? chunk.startOffset) > this.#limits.maxMessageOctets) this.#refuse(chunk, 413);
    else if (known === undefined && this.#messages.size >= this.#limits.maxInterleavedMessages) this.#refuse(chunk, 413);
    else if (known !== undefined && !known.agrees(chunk.totalOctets)) this.#refuse(chunk, 400);
  }

  onData(chunk: Arrival, octets: Buffer, offset: number): void {
    if (offset + octets.length > this.#limits.maxMessageOctets) return this.#refuse(chunk, 413);
    let message = this.#messages.get(chunk.messageId);
    if (message === undefined) {
      // Most messages are this piece and nothing else.
      if (offset === 0) return void (chunk.body = octets);
      if (this.#isDropped(chunk, offset)) return;
      message = this.#begin(chunk);
    }
    message.lastAt = this.#now();
    if (!message.put(octets, offset)) this.#refuse(chunk, 413);
  }

  onSendEnd(chunk: Arrival, flag: ContinuationFlag): void {
    let message = this.#messages.get(chunk.messageId);
    if (flag === "#") {
      this.#messages.delete(chunk.messageId);
      return chunk.respond(200);
    }
    if (message === undefined) {
      if (flag === "$" && chunk.body.length === chunk.endOffset) return this.#deliver(chunk);
      if (this.#isDropped(chunk, chunk.endOffset)) return chunk.respond(408);
      message = this.#begin(chunk);
    }
    if (flag === "$") this.#endMessage(chunk, message);
    else this.#awaitMore(chunk, message);
  }

  #endMessage(chunk: Arrival, message: PartialMessage): void {
    message.endSeen = true;
    if (message.agrees(chunk.endOffset)) return this.#awaitMore(chunk, message);
    this.#messages.delete(chunk.messageId);
    chunk.respond(400);
  }

  #awaitMore(chunk: Arrival, message: PartialMessage): void {
    const body = message.whole();
    if (body === undefined) {
      message.own();
      message.lastAt = this.#now();
      return chunk.respond(200);
    }
    this.#messages.delete(chunk.messageId);
    chunk.body = body;
    this.#deliver(chunk);
  }

  #deliver(chunk: Arrival): void {
    if (chunk.body.length > 0) this.#receiver.onMessage(chunk);
    else chunk.respond(200);
  }

  /** Something of the message is here and more will come. */
  #begin(chunk: Arrival): PartialMessage {
    const message = new PartialMessage(this.#limits.maxMessageOctets, chunk.totalOctets, this.#now());
    this.#messages.set(chunk.messageId, message);
    if (chunk.body.length > 0) message.put(chunk.body, 0);
    chunk.body = nothing;
    return message;
  }

  /** Octets of this chunk were here before `offset` and are not any more. */
  #isDropped(chunk: Arrival, offset: number): boolean {
    return chunk.body.length === 0 && offset !== chunk.startOffset;
  }

  /** Drops the messages of which nothing came since `time`; what still comes of them is answered 408. */
  dropBefore(time: number): void {
    for (const [messageId, message] of this.#messages) {
      if (message.lastAt >= time) continue;
      this.#messages.delete(messageId);
      this.#rememberRefused(messageId, 408);
    }
  }

  #refuse(chunk: Arrival, status: number): void {
    this.#messages.delete(chunk.messageId);
    this.#rememberRefused(chunk.messageId, status);
    chunk.respond(status);
  }

  #rememberRefused(messageId: string, status: number): void {
    if (this.#refused.size >= maxRefused) this.#refused.delete(this.#refused.keys().next().value!);
    this.#refused.set(messageId, status);
  }
}

/** A message of which some octets are here. */
class PartialMessage {
  lastAt: number;
  /** The chunk that carries `$` came: the total is what it says. */
  endSeen = false;
  readonly #maxOctets: number;
  #total: number | undefined;
  /** The only piece so far, where it lies in the receive buffer: it may soon be all. */
  #view: { octets: Buffer; offset: number } | undefined;
  #octets: Buffer = nothing;
  /** What is here: disjoint ranges in order, half-open. */
  readonly #ranges: [start: number, end: number][] = [];

  constructor(maxOctets: number, total: number | undefined, now: number) {
    this.#maxOctets = maxOctets;
    this.#total = total;
    this.lastAt = now;
  }

  /** Learns the total, or compares it with what it knows. */
  agrees(total: number | undefined): boolean {
    if (total === undefined) return true;
    this.#total ??= total;
    return this.#total === total && (this.#ranges.at(-1)?.[1] ?? 0) <= total;
  }

  /** @returns false where the message would have too many gaps */
  put(octets: Buffer, offset: number): boolean {
    if (this.#ranges.length === 0) {
      this.#view = { octets, offset };
    } else {
      this.own();
      this.#copy(octets, offset);
    }
    this.#cover(offset, offset + octets.length);
    return this.#ranges.length <= maxGaps;
  }

  /** Copies what lies in the receive buffer: it may be long before the next chunk comes. */
  own(): void {
    const view = this.#view;
    this.#view = undefined;
    if (view !== undefined) this.#copy(view.octets, view.offset);
  }

  /** The message, if nothing is missing. */
  whole(): Buffer | undefined {
    const total = this.#total;
    if (!this.endSeen || total === undefined) return undefined;
    if (total === 0) return this.#octets;
    const [first] = this.#ranges;
    if (first === undefined || first[0] !== 0 || first[1] !== total) return undefined;
    return this.#view ? this.#view.octets : this.#octets.subarray(0, total);
  }

  #copy(octets: Buffer, offset: number): void {
    const needed = offset + octets.length;
    if (needed > this.#octets.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(2 * needed, this.#total ?? this.#maxOctets)));
      this.#octets.copy(grown);
      this.#octets = grown;
    }
    octets.copy(this.#octets, offset);
  }

  #cover(start: number, end: number): void {
    const ranges = this.#ranges;
    const last = ranges.at(-1);
    if (last !== undefined && start === last[1]) {
      last[1] = end;
      return;
    }
    let at = ranges.findIndex((range) => range[1] >= start);
    if (at < 0) at = ranges.length;
    let after = at;
    for (; after < ranges.length && ranges[after]![0] <= end; after++) {
      start = Math.min(start, ranges[after]![0]);
      end = Math.max(end, ranges[after]![1]);
    }
    ranges.splice(at, after - at, [start, end]);
  }
}
