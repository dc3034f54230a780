import type { ByteRange, FailureReport, HeaderFields } from "./message.ts";
import { chunkRange, endLineBeginning, formatSendFields, type FrameWriter, type SendFields } from "./serialise.ts";
import type { PendingRequests, Pending } from "./transaction.ts";

/** Where frames go and how their requests are remembered. */
export interface Outlet {
  readonly writer: FrameWriter;
  readonly pending: PendingRequests;
  /** The time of this write. */
  readonly now: number;
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

/** One complete SEND without what is particular to a session: encoded once, however many sessions it goes to. */
export class PreparedSend {
  readonly failureReport: FailureReport;
  /** What stands between the paths and the transaction identifier of the end-line. */
  readonly octets: Buffer;

  constructor(fields: SendFields, body: readonly Buffer[], bodyOctets: number) {
    this.failureReport = fields.failureReport;
    const text = formatSendFields(fields, chunkRange(0, bodyOctets, bodyOctets));
    this.octets = Buffer.allocUnsafe(text.length + bodyOctets + endLineBeginning.length);
    let at = this.octets.write(text, "latin1");
    for (const piece of body) at += piece.copy(this.octets, at);
    endLineBeginning.copy(this.octets, at);
  }

  /** `sendHead` is from `formatSendHead`. */
  writeTo(outlet: Outlet, sendHead: Buffer, pending: Pending): void {
    pending.sentAt = outlet.now;
    outlet.writer.beginFrame(sendHead, outlet.pending.add(this.failureReport === "no" ? undefined : pending));
    outlet.writer.put(this.octets);
    outlet.writer.endFrame("$");
  }
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

/** What a message needs of the session that sends it. */
export interface Sender {
  readonly chunkOctets: number;
  readonly windowOctets: number;
  /** The session is over: nothing is called any more. */
  readonly ended: boolean;
  /** So many octets more wait to be written; less than 0: fewer. */
  countQueued(octets: number): void;
  /** There is something to write again. */
  wake(): void;
}

/** The callbacks and properties of a message that is sent in chunks. */
export interface ChunkedOptions extends SendFields {
  readonly totalOctets: number | undefined;
  readonly startOffset: number;
  onDrain(): void;
  onFailed(status: number): void;
  onDelivered(): void;
}

/**
 * A message that goes out in chunks, as its octets come and as responses make room.
 *
 * A chunk is written only with octets that are here, so that it never holds up
 * another one: that is how it can be interrupted, as RFC 4975 §7.1.1 wants.
 */
export class ChunkedMessage implements MessageStream {
  readonly #options: ChunkedOptions;
  readonly #sender: Sender;
  readonly #pieces: Buffer[] = [];
  #queuedOctets = 0;
  #nextOffset: number;
  #unansweredOctets = 0;
  #unanswered = 0;
  #phase: "open" | "ended" | "aborted" | "written" | "over" = "open";
  #begun = false;
  #drainWanted = false;

  constructor(options: ChunkedOptions, sender: Sender) {
    this.#options = options;
    this.#sender = sender;
    this.#nextOffset = options.startOffset;
  }

  get messageId(): string {
    return this.#options.messageId;
  }

  get queuedOctets(): number {
    return this.#queuedOctets;
  }

  /** Nothing of it is to be written any more. */
  get isWritten(): boolean {
    return this.#phase === "written" || this.#phase === "over";
  }

  /** The chunk with `#` is still to be written. */
  get isAbandoned(): boolean {
    return this.#phase === "aborted";
  }

  write(octets: Buffer): boolean {
    if (this.#phase !== "open") return true;
    if (octets.length > 0) {
      this.#pieces.push(octets);
      this.#countQueued(octets.length);
      this.#sender.wake();
    }
    this.#drainWanted = this.#queuedOctets >= this.#highWaterOctets;
    return !this.#drainWanted;
  }

  end(): void {
    if (this.#phase !== "open") return;
    this.#phase = "ended";
    this.#sender.wake();
  }

  abort(): void {
    if (this.isWritten) return;
    this.#drop();
    this.#phase = this.#begun ? "aborted" : "over";
    this.#sender.wake();
  }

  /** @returns false when there is nothing to write now */
  writeChunk(outlet: Outlet, sendHead: Buffer): boolean {
    if (this.#phase === "aborted") {
      this.#phase = "over";
      this.#writeFrame(outlet, sendHead, [], 0, "#");
      return true;
    }
    const octets = Math.min(this.#readyOctets, this.#sender.chunkOctets);
    const last = this.#isLast(octets);
    if (this.isWritten || (octets === 0 && !last) || this.#unansweredOctets >= this.#sender.windowOctets) return false;
    this.#writeFrame(outlet, sendHead, this.#takePieces(octets), octets, last ? "$" : "+");
    if (last) {
      this.#phase = "written";
      if (this.#unanswered === 0) this.#later(() => this.#deliver());
    } else if (this.#drainWanted && this.#queuedOctets * 2 < this.#highWaterOctets) {
      this.#drainWanted = false;
      this.#later(() => this.#options.onDrain());
    }
    return true;
  }

  /** Nobody is called while frames are put together: whoever is called may write, close or end anything. */
  #later(call: () => void): void {
    queueMicrotask(() => {
      if (this.#phase !== "over" && !this.#sender.ended) call();
    });
  }

  get #highWaterOctets(): number {
    return this.#sender.chunkOctets * 4;
  }

  /** Without a total, the last piece waits for the next one or for `end`: the chunk that carries it may be the one that carries `$`. */
  get #readyOctets(): number {
    if (this.#phase !== "open" || this.#options.totalOctets !== undefined) return this.#queuedOctets;
    return this.#queuedOctets - (this.#pieces.at(-1)?.length ?? 0);
  }

  #isLast(octets: number): boolean {
    if (this.#phase === "ended") return octets === this.#queuedOctets;
    return this.#phase === "open" && this.#nextOffset + octets === this.#options.totalOctets;
  }

  #takePieces(octets: number): Buffer[] {
    const taken: Buffer[] = [];
    let whole = 0;
    let missing = octets;
    for (; missing > 0 && this.#pieces[whole]!.length <= missing; whole++) {
      missing -= this.#pieces[whole]!.length;
      taken.push(this.#pieces[whole]!);
    }
    this.#pieces.splice(0, whole);
    if (missing > 0) {
      const piece = this.#pieces[0]!;
      taken.push(piece.subarray(0, missing));
      this.#pieces[0] = piece.subarray(missing);
    }
    this.#countQueued(-octets);
    return taken;
  }

  #writeFrame(outlet: Outlet, sendHead: Buffer, body: readonly Buffer[], octets: number, flag: "$" | "+" | "#"): void {
    const { totalOctets, failureReport } = this.#options;
    const range = chunkRange(this.#nextOffset, octets, totalOctets ?? (flag === "$" ? this.#nextOffset + octets : undefined));
    const byteRange: ByteRange = flag === "#" ? { ...range, end: "*" } : range;
    const chunk = new Chunk(this, octets, outlet.now);
    if (failureReport === "yes") {
      this.#unanswered++;
      this.#unansweredOctets += octets;
    }
    outlet.writer.beginFrame(sendHead, outlet.pending.add(failureReport === "no" ? undefined : chunk));
    outlet.writer.text(formatSendFields(this.#options, byteRange));
    for (const piece of body) outlet.writer.put(piece);
    outlet.writer.put(endLineBeginning);
    outlet.writer.endFrame(flag);
    this.#begun = true;
    this.#nextOffset += octets;
  }

  /** A chunk of `octets` was answered. */
  settle(status: number, octets: number): void {
    const wantsAll = this.#options.failureReport === "yes";
    if (wantsAll) {
      this.#unanswered--;
      this.#unansweredOctets -= octets;
    }
    if (this.#phase === "over" || this.#sender.ended) return;
    if (status !== 200) {
      // Silence is success where only failures are answered.
      if (status === 408 && !wantsAll) return;
      this.#drop();
      this.#phase = "over";
      this.#options.onFailed(status);
    } else if (this.#phase === "written" && this.#unanswered === 0) {
      this.#deliver();
    } else {
      this.#sender.wake();
    }
  }

  #deliver(): void {
    this.#phase = "over";
    this.#options.onDelivered();
  }

  #drop(): void {
    this.#pieces.length = 0;
    this.#countQueued(-this.#queuedOctets);
  }

  #countQueued(octets: number): void {
    this.#queuedOctets += octets;
    this.#sender.countQueued(octets);
  }
}

/** One chunk that waits for its response. */
class Chunk implements Pending {
  readonly #message: ChunkedMessage;
  readonly #octets: number;
  sentAt: number;

  constructor(message: ChunkedMessage, octets: number, sentAt: number) {
    this.#message = message;
    this.#octets = octets;
    this.sentAt = sentAt;
  }

  settle(status: number): void {
    this.#message.settle(status, this.#octets);
  }
}
