/** A request that waits for its response. */
export interface Pending {
  /** When it was written, by the injected clock. */
  sentAt: number;
  /** Its response came, or 408 for none in time. Once. */
  settle(status: number): void;
}

/** Settled places at the front are given back when there are this many. */
const compactAt = 1024;

/**
 * The requests of one connection that wait for a response, oldest first.
 *
 * A transaction identifier is 64 random bits that belong to the connection,
 * and a sequence number: unguessable for those whose messages we pass on, so
 * that no body is ever searched for an end-line, and found again without a map.
 *
 * @see RFC 4975 §7.1
 */
export class PendingRequests {
  /** The random half of every identifier: 16 hexadecimal digits. */
  readonly prefix: string;
  readonly #prefixOctets: Buffer;
  /** A place is undefined once it is settled, and where no response is expected. */
  #places: (Pending | undefined)[] = [];
  #front = 0;
  /** The sequence number of the place at the front; numbers wrap at 32 bits. */
  #frontSequence = 0;
  #size = 0;

  constructor(prefix: string) {
    this.prefix = prefix;
    this.#prefixOctets = Buffer.from(prefix, "latin1");
  }

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** @returns the sequence number of the next request; `undefined` is one that is not answered */
  add(pending: Pending | undefined): number {
    const sequence = (this.#frontSequence + this.#places.length - this.#front) >>> 0;
    this.#places.push(pending);
    if (pending !== undefined) this.#size++;
    else if (this.#size === 0) this.#advance();
    return sequence;
  }

  /** Takes out the request whose identifier stands at `start` to `end`; undefined where it is none of ours, or answered already. */
  take(octets: Buffer, start: number, end: number): Pending | undefined {
    const sequence = this.#readSequence(octets, start, end);
    if (sequence < 0) return undefined;
    const place = this.#front + ((sequence - this.#frontSequence) >>> 0);
    const pending = this.#places[place];
    if (pending === undefined) return undefined;
    this.#places[place] = undefined;
    this.#size--;
    if (place === this.#front) this.#advance();
    return pending;
  }

  /** Takes out the oldest that was written before `time`. */
  takeBefore(time: number): Pending | undefined {
    const pending = this.#places[this.#front];
    if (pending === undefined || pending.sentAt >= time) return undefined;
    this.#places[this.#front] = undefined;
    this.#size--;
    this.#advance();
    return pending;
  }

  /** The place at the front is one that waits, or there is none. */
  #advance(): void {
    const places = this.#places;
    while (this.#front < places.length && places[this.#front] === undefined) {
      this.#front++;
      this.#frontSequence = (this.#frontSequence + 1) >>> 0;
    }
    if (this.#front === places.length) {
      places.length = this.#front = 0;
    } else if (this.#front >= compactAt && this.#front * 2 >= places.length) {
      places.splice(0, this.#front);
      this.#front = 0;
    }
  }

  /** @returns -1 where it is none of ours */
  #readSequence(octets: Buffer, start: number, end: number): number {
    const prefix = this.#prefixOctets;
    if (end - start !== prefix.length + 8) return -1;
    for (let k = 0; k < prefix.length; k++) if (octets[start + k] !== prefix[k]) return -1;
    let sequence = 0;
    for (let at = start + prefix.length; at < end; at++) {
      const octet = octets[at]!;
      const digit = octet <= 0x39 ? octet - 0x30 : octet - 0x57;
      if (digit < 0 || digit > 15) return -1;
      sequence = (sequence << 4) | digit;
    }
    return sequence >>> 0;
  }
}
