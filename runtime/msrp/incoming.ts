import type { ContinuationFlag, HeaderFields } from "./message.ts";

/** Gaps that an unfinished message may have. Chunks come in order but for rare accidents. */
const maxGaps = 16;
/** Refused messages whose further chunks are refused alike. */
const maxRefused = 16;
const nothing = Buffer.alloc(0);

/** The chunk as `MessageReassembler` needs it. @see IncomingChunk in session.ts */
export interface Chunk {
  readonly messageId: string;
  readonly contentType: string;
  readonly headers: HeaderFields;
  readonly wantsSuccessReport: boolean;
  readonly totalOctets: number | undefined;
  readonly startOffset: number;
  respond(status: number, comment?: string): void;
}

export interface ReassemblyLimits {
  readonly maxMessageOctets: number;
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
export class MessageReassembler<C extends Chunk> {
  readonly #limits: ReassemblyLimits;
  readonly #now: () => number;
  readonly #onWhole: (chunk: C, body: Buffer) => void;
  readonly #messages = new Map<string, PartialMessage>();
  /** Message-IDs that were refused, with their status, oldest first. */
  readonly #refused = new Map<string, number>();

  /** `onWhole` has the chunk that completed the message, not yet answered. */
  constructor(limits: ReassemblyLimits, now: () => number, onWhole: (chunk: C, body: Buffer) => void) {
    this.#limits = limits;
    this.#now = now;
    this.#onWhole = onWhole;
  }

  /** Messages that are not complete. */
  get size(): number {
    return this.#messages.size;
  }

  onSendStart(chunk: C): void {
    const refused = this.#refused.get(chunk.messageId);
    if (refused !== undefined) return chunk.respond(refused);
    const known = this.#messages.get(chunk.messageId);
    if ((chunk.totalOctets ?? chunk.startOffset) > this.#limits.maxMessageOctets) return this.#refuse(chunk, 413);
    if (known === undefined) {
      if (this.#messages.size >= this.#limits.maxInterleavedMessages) return this.#refuse(chunk, 413);
      this.#messages.set(chunk.messageId, new PartialMessage(this.#limits.maxMessageOctets, chunk.totalOctets, this.#now()));
    } else if (!known.agrees(chunk.totalOctets)) {
      this.#refuse(chunk, 400);
    }
  }

  onData(chunk: C, octets: Buffer, offset: number): void {
    const message = this.#messages.get(chunk.messageId);
    if (message === undefined) return;
    message.lastAt = this.#now();
    if (offset + octets.length > this.#limits.maxMessageOctets || !message.put(octets, offset)) this.#refuse(chunk, 413);
  }

  onSendEnd(chunk: C, flag: ContinuationFlag, endOffset: number): void {
    const message = this.#messages.get(chunk.messageId);
    // It was dropped while this chunk was under way.
    if (message === undefined) return chunk.respond(413);
    if (flag === "#" || (flag === "$" && !message.agrees(endOffset))) {
      this.#messages.delete(chunk.messageId);
      return chunk.respond(flag === "#" ? 200 : 400);
    }
    if (flag === "$") message.endSeen = true;
    const body = message.whole();
    if (body === undefined) {
      message.own();
      message.lastAt = this.#now();
      return chunk.respond(200);
    }
    this.#messages.delete(chunk.messageId);
    if (body.length === 0) chunk.respond(200);
    else this.#onWhole(chunk, body);
  }

  /** Drops the messages whose last chunk came before `time`. */
  dropBefore(time: number): void {
    for (const [messageId, message] of this.#messages) if (message.lastAt < time) this.#messages.delete(messageId);
  }

  #refuse(chunk: C, status: number): void {
    this.#messages.delete(chunk.messageId);
    if (this.#refused.size >= maxRefused) this.#refused.delete(this.#refused.keys().next().value!);
    this.#refused.set(chunk.messageId, status);
    chunk.respond(status);
  }
}

/** A message of which some octets are here. */
class PartialMessage {
  lastAt: number;
  /** The chunk that carries `$` came: the total is what it says. */
  endSeen = false;
  readonly #maxOctets: number;
  #total: number | undefined;
  /** The only piece so far, where it lies in the receive buffer. */
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
