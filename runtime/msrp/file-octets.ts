import type { Octets } from "../../machines/terms.ts";

/** What the relay needs of a spooled file; offsets count from 0. A rejection is a fault of the spool, whatever it is. */
export interface FileSpool {
  /**
   * Makes room for a file of so many octets, more than were announced.
   *
   * @throws as the others reject
   */
  reserve(octets: Octets): void;
  /** Writes behind what is there. One call at a time. */
  append(octets: readonly Buffer[]): Promise<void>;
  /** Fills `into` from `offset` on, as far as octets were appended; resolves with how many. */
  read(into: Buffer, offset: Octets): Promise<number>;
  /** Resolves when everything appended survives a power cut. */
  sync(): Promise<void>;
  /** The transfer is over. */
  close(): Promise<void>;
}

/** What one read takes for a recipient that does not keep up. */
const blockOctets: Octets = 256 * 1024;
/** Blocks kept for other recipients at about the same place. */
const blocksLimit = 8;

interface Piece {
  readonly start: Octets;
  readonly octets: Buffer;
}

function endOf({ start, octets }: Piece): Octets {
  return start + octets.length;
}

/** The octets that came last, in the pieces in which they came: all that are not written yet, and some more. */
export class RecentOctets {
  readonly #pieces: Piece[] = [];
  readonly #mostOctets: Octets;
  readonly #mostPieces: number;
  /** Octets that have come in all. */
  end: Octets = 0;

  /** `mostOctets` and `mostPieces`: of those that are written. */
  constructor(mostOctets: Octets, mostPieces: number) {
    this.#mostOctets = mostOctets;
    this.#mostPieces = mostPieces;
  }

  push(octets: Buffer): void {
    this.#pieces.push({ start: this.end, octets });
    this.end += octets.length;
  }

  /** What is there from `offset` on to the end of the piece that holds it. */
  at(offset: Octets): Buffer | undefined {
    let index = this.#pieces.length - 1;
    while (index > 0 && this.#pieces[index]!.start > offset) index -= 1;
    const piece = this.#pieces[index];
    if (!piece || piece.start > offset) return undefined;
    return piece.start === offset ? piece.octets : piece.octets.subarray(offset - piece.start);
  }

  evict(writtenOctets: Octets): void {
    const tooOld = (piece: Piece) => this.end - endOf(piece) >= this.#mostOctets || this.#pieces.length > this.#mostPieces;
    while (this.#pieces[0] && endOf(this.#pieces[0]) <= writtenOctets && tooOld(this.#pieces[0])) this.#pieces.shift();
  }

  clear(): void {
    this.#pieces.length = 0;
  }
}

/** Blocks read from the spool, shared by the recipients that are at about the same place; those used last are kept. */
export class SpooledBlocks {
  readonly #spool: FileSpool;
  /** By their number in the file; the one used last stands last. */
  readonly #blocks = new Map<number, Buffer>();
  readonly #reading = new Map<number, Promise<void>>();

  constructor(spool: FileSpool) {
    this.#spool = spool;
  }

  at(offset: Octets): Buffer | undefined {
    const number = Math.floor(offset / blockOctets);
    const within = offset - number * blockOctets;
    const block = this.#blocks.get(number);
    // The last block may have been read before the file had more of it.
    if (!block || within >= block.length) return undefined;
    this.#keep(number, block);
    return block.subarray(within);
  }

  /** Has the block that holds `offset`, as far as it is written; who asks while it is being read waits for that. */
  read(offset: Octets, writtenOctets: Octets): Promise<void> {
    const number = Math.floor(offset / blockOctets);
    let reading = this.#reading.get(number);
    if (!reading) {
      reading = this.#read(number, writtenOctets).finally(() => this.#reading.delete(number));
      this.#reading.set(number, reading);
    }
    return reading;
  }

  clear(): void {
    this.#blocks.clear();
  }

  async #read(number: number, writtenOctets: Octets): Promise<void> {
    const start = number * blockOctets;
    const block = Buffer.allocUnsafeSlow(Math.min(blockOctets, writtenOctets - start));
    for (let filled = 0; filled < block.length; ) {
      const count = await this.#spool.read(block.subarray(filled), start + filled);
      if (count === 0) throw new Error(`the spooled file ends before octet ${start + block.length}`);
      filled += count;
    }
    this.#keep(number, block);
  }

  #keep(number: number, block: Buffer): void {
    this.#blocks.delete(number);
    this.#blocks.set(number, block);
    if (this.#blocks.size > blocksLimit) this.#blocks.delete(this.#blocks.keys().next().value!);
  }
}
