import { createHash, type Hash } from "node:crypto";
import type { Octets, Recipient } from "../../machines/terms.ts";
import type { FileSelector } from "../body/sdp.ts";
import type { Clock, Timer } from "../clock.ts";
import { PeerMisbehaved } from "../errors.ts";
import { RecentOctets, SpooledBlocks, type FileSpool } from "./file-octets.ts";
import { isWrapping, mostWrapperOctets, WrapperReader, type Wrapper } from "./file-wrapper.ts";
import type { ContinuationFlag } from "./message.ts";
import type { ChunkReceiver, IncomingChunk, MessageHead, MessageStream, MsrpSession } from "./session.ts";

/** What the relay tells; never octets. Those without `recipient` speak of the whole transfer. */
export type FileRelayReport =
  /** The first chunk has begun. */
  | { readonly type: "first" }
  /** Every octet is here, is the announced file, and survives a power cut. */
  | { readonly type: "complete"; readonly octets: Octets }
  /** The sender abandoned the message with `#`. The transfer has failed, as with the next ones, and nothing more is told. */
  | { readonly type: "aborted" }
  /** The sender's session is lost before the last octet. */
  | { readonly type: "senderLost" }
  /** Nothing has come for `stallMs`. */
  | { readonly type: "stalled" }
  /** More octets than announced or allowed. */
  | { readonly type: "tooLong" }
  /** `$` came and octets are missing, or a chunk leaves a gap. */
  | { readonly type: "sizeMismatch" }
  /** The octets are not those that the offer's hash announced. @see RFC 5547 §8.3.2 */
  | { readonly type: "hashMismatch" }
  /** The message is message/cpim by its type alone: no CPIM header, or one without end. */
  | { readonly type: "wrapperMalformed" }
  /** The disk failed us; after `complete` too. */
  | { readonly type: "spoolFailed"; readonly failure: unknown }
  /** This recipient has acknowledged every octet; never before `complete`. */
  | { readonly type: "drained"; readonly recipient: Recipient }
  /** This recipient's session is lost. It is forgotten, as in the next two. */
  | { readonly type: "lost"; readonly recipient: Recipient }
  /** This recipient answered a chunk other than 200, or not in time (408). */
  | { readonly type: "rejected"; readonly recipient: Recipient; readonly status: number }
  /** This recipient has read nothing for `stallMs` although there was something to read. */
  | { readonly type: "recipientStalled"; readonly recipient: Recipient };

export interface FileRelayOptions {
  readonly clock: Clock;
  /** Taken over: the relay closes it. */
  readonly spool: FileSpool;
  /** The announced file. Size and hash are checked where they are given. */
  readonly file: Pick<FileSelector, "size" | "hashes">;
  readonly maxFileOctets: Octets;
  readonly stallMs: number;
  readonly onReport: (report: FileRelayReport) => void;
}

/** Octets that are written together: a disk costs by the call, too. The file's last ones do not wait for more. */
const batchOctets: Octets = 512 * 1024;
/** Octets that may wait for the disk; beyond them the sender's connection is not read. */
const unwrittenLimit: Octets = 2 * batchOctets;
/** A recipient that lacks more than this does not keep up. */
const lagLimit: Octets = 1024 * 1024;
/** How long the sender is held up for a recipient that kept up so far: once, until it keeps up again. */
const patienceMs = 100;
/** Octets kept in memory after they are written, for the recipients that keep up; more than they may lack. */
const recentLimit: Octets = 2 * lagLimit;
/** A peer that sends single octets must not fill the memory with the overhead of the pieces: no more of them wait, or are kept, than this. */
const piecesLimit = 1024;
/** Pieces that are written together, however few octets they are. */
const batchPieces = piecesLimit / 2;

const nothing = Buffer.alloc(0);

/** The hash functions of file-selector that we can check, by their names there and in node:crypto. */
const hashFunctions: ReadonlyMap<string, string> = new Map([
  ["sha-1", "sha1"],
  ["sha-256", "sha256"],
]);

/**
 * One file from one sender's MSRP session to any number of recipients' sessions.
 *
 * Every octet goes to the spool. Recipients that keep up get it from memory, as
 * it came and without a copy; the others, and those that come late, get it from
 * the spool at their own pace. What holds the sender up is a disk that is slower
 * than it, and for a moment a recipient that falls behind: the moment is worth
 * it, because octets read back cost several times those in memory.
 *
 * A file may come wrapped in a CPIM message. The wrapper is taken off and kept
 * in memory; size, hash, spool, offsets and positions are those of the file
 * alone, and who wants the message as it came gets the wrapper in front. Only a
 * file that is encoded within (base64) is not what was announced: it is bounded
 * by `maxFileOctets`, passed on as it is, and not checked.
 *
 * It decides nothing: whoever opened it hears of everything that happens, also
 * from within a call of its own, and says `abort` or `close`.
 */
export class FileRelay implements ChunkReceiver {
  readonly #options: FileRelayOptions;
  readonly #spool: FileSpool;
  readonly #recipients = new Map<Recipient, RecipientLeg>();
  readonly #recent = new RecentOctets(recentLimit, piecesLimit);
  readonly #blocks: SpooledBlocks;
  readonly #digests: readonly Digest[];
  #sender: MsrpSession | undefined;
  /** `verified`: every octet is here and right, and not yet surely on the disk. */
  #state: "receiving" | "verified" | "complete" | "failed" | "closed" = "receiving";
  /** What the first chunk says of the message. */
  #head: MessageHead | undefined;
  /** There while the wrapper is not complete. */
  #wrapperReader: WrapperReader | undefined;
  #wrapper: Wrapper | undefined;
  #arrivingChunk: IncomingChunk | undefined;
  /** The chunk with `$`, which is answered when the file is safe. */
  #lastChunk: IncomingChunk | undefined;
  #unwritten: Buffer[] = [];
  #writtenOctets: Octets = 0;
  #writing = false;
  #senderPaused = false;
  #patience: Timer | undefined;
  #forwardingSoon = false;
  #senderProgressMs: number;
  #stallTimer: Timer;

  constructor(options: FileRelayOptions) {
    this.#options = options;
    this.#spool = options.spool;
    this.#blocks = new SpooledBlocks(options.spool);
    this.#digests = digestsOf(options.file);
    this.#senderProgressMs = options.clock.now();
    this.#stallTimer = options.clock.after(options.stallMs, () => this.#checkProgress());
  }

  /** Octets of the file that are here without a gap. */
  get receivedOctets(): Octets {
    return this.#recent.end;
  }

  /** The session whose user this relay is: held up when the disk is slow. */
  setSender(session: MsrpSession): void {
    this.#sender = session;
  }

  /** The sender's session is over. After the last octet this harms nobody. */
  senderLost(): void {
    this.#sender = undefined;
    if (this.#state === "receiving") this.#fail({ type: "senderLost" });
  }

  /**
   * Serves a recipient from the first octet on; at any time, also after the last octet came.
   *
   * `unwrapped`: it gets the file alone, as the type of the file, where the sender sends it in a CPIM message.
   */
  addRecipient(recipient: Recipient, session: MsrpSession, { unwrapped = false }: { readonly unwrapped?: boolean } = {}): void {
    const leg = new RecipientLeg(recipient, unwrapped, session, {
      onDrain: () => {
        this.#serve(leg);
        this.#steerSender();
      },
      onFailed: (status) => this.#forget(leg, { type: "rejected", recipient, status }),
      onDelivered: () => this.#reportDrained(leg),
    });
    leg.keepsUp = this.#lag(leg) <= lagLimit;
    this.#recipients.set(recipient, leg);
    this.#serve(leg);
  }

  /** Serves this recipient no longer; what it lacks is abandoned with `#`. */
  removeRecipient(recipient: Recipient): void {
    this.#recipients.get(recipient)?.abort();
    this.#recipients.delete(recipient);
    this.#steerSender();
  }

  /** The session of this recipient is over. Nothing new for one that had everything. */
  recipientLost(recipient: Recipient): void {
    const leg = this.#recipients.get(recipient);
    if (leg && !leg.delivered) this.#forget(leg, { type: "lost", recipient });
  }

  /** Abandons the message towards every recipient that lacks octets, with `#`, and refuses what still comes. Reports nothing. */
  abort(): void {
    if (this.#state === "closed") return;
    this.#refuse();
    for (const recipient of [...this.#recipients.keys()]) this.removeRecipient(recipient);
  }

  /** The end: as `abort`, and gives the spooled file back. */
  async close(): Promise<void> {
    if (this.#state === "closed") return;
    this.abort();
    this.#state = "closed";
    this.#stallTimer.stop();
    this.#recent.clear();
    this.#blocks.clear();
    // A file that cannot be removed now is an orphan of the next start.
    await this.#spool.close().catch(() => {});
  }

  // ------------------------------------------------------------------ from the sender

  onSendStart(chunk: IncomingChunk): void {
    const accepted = this.#state === "receiving" && (this.#head ?? chunk).messageId === chunk.messageId;
    if (!accepted) return chunk.respond(413);
    if (!this.#head && isWrapping(chunk.contentType)) this.#wrapperReader = new WrapperReader();
    this.#head ??= chunk;
    this.#arrivingChunk = chunk;
    if ((chunk.totalOctets ?? 0) > this.#mostMessageOctets) this.#fail({ type: "tooLong" });
    else if (chunk.startOffset > this.#arrivedOctets) this.#fail({ type: "sizeMismatch" });
    else if (chunk === this.#head) this.#options.onReport({ type: "first" });
  }

  onData(chunk: IncomingChunk, octets: Buffer, offset: Octets): void {
    if (chunk !== this.#arrivingChunk) return;
    // What comes a second time, after an interrupted chunk, has gone out already.
    const news = octets.subarray(this.#arrivedOctets - offset);
    if (this.#wrapperReader) this.#readWrapper(this.#wrapperReader, news);
    else if (news.length > 0) this.#take(news);
  }

  onSendEnd(chunk: IncomingChunk, flag: ContinuationFlag): void {
    if (chunk !== this.#arrivingChunk) return;
    this.#arrivingChunk = undefined;
    if (flag === "$") {
      this.#lastChunk = chunk;
      return this.#verify();
    }
    // What is acknowledged is what the sender need not send again now. That it may forget the file, only the last chunk's 200 says.
    chunk.respond(200);
    if (flag === "#") this.#fail({ type: "aborted" });
  }

  /** Octets of the message, wrapper included, that are here without a gap. */
  get #arrivedOctets(): Octets {
    return (this.#wrapperReader?.octetsRead ?? this.#wrapperOctets) + this.receivedOctets;
  }

  get #wrapperOctets(): Octets {
    return this.#wrapper?.octets.length ?? 0;
  }

  /** A content that may turn out to be encoded may also be longer than announced. */
  get #mostMessageOctets(): Octets {
    return this.#wrapperReader ? this.#options.maxFileOctets + mostWrapperOctets : this.#mostOctets + this.#wrapperOctets;
  }

  get #mostOctets(): Octets {
    return Math.min(this.#options.maxFileOctets, this.#totalOctets ?? Infinity);
  }

  /** As announced by the offer, else by the sender's first chunk. */
  get #totalOctets(): Octets | undefined {
    const { size } = this.#options.file;
    if (size !== undefined && !this.#wrapper?.isEncoded) return size;
    const total = this.#head?.totalOctets;
    return total === undefined ? undefined : total - this.#wrapperOctets;
  }

  #readWrapper(reader: WrapperReader, octets: Buffer): void {
    let rest: Buffer;
    try {
      rest = reader.read(octets);
    } catch (fault) {
      if (!(fault instanceof PeerMisbehaved)) throw fault;
      return this.#fail({ type: "wrapperMalformed" });
    }
    if (!reader.wrapper) return;
    this.#wrapperReader = undefined;
    this.#wrapper = reader.wrapper;
    if (this.#fits(reader.wrapper) && rest.length > 0) this.#take(rest);
  }

  /** Now that the wrapper's length is known: whether there is room for the content. */
  #fits({ isEncoded }: Wrapper): boolean {
    if ((this.#head!.totalOctets ?? 0) > this.#mostMessageOctets) {
      this.#fail({ type: "tooLong" });
    } else if (isEncoded) {
      try {
        this.#spool.reserve(this.#mostOctets);
      } catch (failure) {
        this.#fail({ type: "spoolFailed", failure });
      }
    }
    return this.#state === "receiving";
  }

  #take(octets: Buffer): void {
    if (this.receivedOctets + octets.length > this.#mostOctets) return this.#fail({ type: "tooLong" });
    this.#senderProgressMs = this.#options.clock.now();
    for (const { running } of this.#digests) running.update(octets);
    this.#recent.push(octets);
    this.#unwritten.push(octets);
    this.#forwardSoon();
  }

  /** `$` came: all octets must be here and right before a recipient gets the last one. */
  #verify(): void {
    if (this.#wrapperReader) return this.#fail({ type: "wrapperMalformed" });
    if (this.receivedOctets !== (this.#totalOctets ?? this.receivedOctets)) return this.#fail({ type: "sizeMismatch" });
    if (!this.#wrapper?.isEncoded && this.#digests.some((digest) => !matches(digest))) return this.#fail({ type: "hashMismatch" });
    this.#state = "verified";
    this.#forwardSoon();
  }

  // ------------------------------------------------------------------ to the spool

  /** Octets that arrive in one turn are forwarded together. */
  #forwardSoon(): void {
    if (this.#forwardingSoon) return;
    this.#forwardingSoon = true;
    queueMicrotask(() => {
      this.#forwardingSoon = false;
      for (const leg of [...this.#recipients.values()]) this.#serve(leg);
      this.#steerSender();
      if (!this.#writing && this.#batchIsReady) void this.#write();
    });
  }

  /** Until the file is complete its octets may wait for more of them, in memory. */
  get #batchIsReady(): boolean {
    return this.#verifiedAll || this.receivedOctets - this.#writtenOctets >= batchOctets || this.#unwritten.length >= batchPieces;
  }

  /** Writes what waits, one batch after the other; the last one is followed by the settling. */
  async #write(): Promise<void> {
    this.#writing = true;
    while (this.#unwritten.length > 0 && this.#batchIsReady) {
      const batch = this.#unwritten.splice(0);
      if (await this.#done(this.#spool.append(batch))) this.#written(batch);
    }
    if (this.#state === "verified") await this.#settle();
    this.#writing = false;
  }

  #written(batch: readonly Buffer[]): void {
    this.#writtenOctets += batch.reduce((sum, octets) => sum + octets.length, 0);
    this.#recent.evict(this.#writtenOctets);
    this.#steerSender();
  }

  /** The 200 to the last chunk tells the sender that it may forget the file: it leaves when the file survives a power cut. */
  async #settle(): Promise<void> {
    if (!(await this.#done(this.#spool.sync()))) return;
    this.#state = "complete";
    this.#lastChunk?.respond(200);
    this.#reportSuccess();
    this.#options.onReport({ type: "complete", octets: this.receivedOctets });
    for (const leg of [...this.#recipients.values()]) if (leg.delivered) this.#reportDrained(leg);
  }

  /** Whether the spool has done its work and the transfer still wants it; a failure of the spool is the transfer's. */
  async #done(work: Promise<unknown>): Promise<boolean> {
    try {
      await work;
    } catch (failure) {
      if (!this.#over) this.#fail({ type: "spoolFailed", failure });
    }
    return !this.#over;
  }

  get #over(): boolean {
    return this.#state === "failed" || this.#state === "closed";
  }

  #reportSuccess(): void {
    const octets = this.#arrivedOctets;
    if (this.#head?.wantsSuccessReport)
      this.#sender?.report(this.#head.messageId, { start: 1, end: octets, total: octets }, 200);
  }

  /** Reads the sender's connection, or not: while the disk is behind, or for `patienceMs` while a recipient is that kept up so far. */
  #steerSender(): void {
    // Once held up, half of the limits must be free again: so it does not stop and go with every piece.
    const share = this.#senderPaused ? 0.5 : 1;
    const laggards = [...this.#recipients.values()].filter((leg) => leg.keepsUp && this.#lag(leg) > lagLimit * share);
    this.#waitFor(laggards);
    const pause = this.#state === "receiving" && (laggards.length > 0 || this.#diskLag > share);
    if (pause === this.#senderPaused) return;
    this.#senderPaused = pause;
    if (pause) return this.#sender?.pause();
    this.#senderProgressMs = this.#options.clock.now();
    this.#sender?.resume();
  }

  #waitFor(laggards: readonly RecipientLeg[]): void {
    if (laggards.length > 0 && this.#state === "receiving") {
      this.#patience ??= this.#options.clock.after(patienceMs, () => {
        this.#patience = undefined;
        for (const leg of this.#recipients.values()) leg.keepsUp &&= this.#lag(leg) <= lagLimit / 2;
        this.#steerSender();
      });
    } else {
      this.#patience?.stop();
      this.#patience = undefined;
    }
  }

  #lag(leg: RecipientLeg): Octets {
    return this.receivedOctets - leg.position;
  }

  /** What waits for the disk, as a share of what may. */
  get #diskLag(): number {
    const octets = this.receivedOctets - this.#writtenOctets;
    return Math.max(octets / unwrittenLimit, this.#unwritten.length / piecesLimit);
  }

  // ------------------------------------------------------------------ to the recipients

  /** Gives a recipient what there is for it, until it is full, has everything, or the spool must be read. */
  #serve(leg: RecipientLeg): void {
    if (!this.#head || this.#wrapperReader || this.#over) return;
    leg.open(this.#head, this.#wrapper, this.#totalOctets);
    while (leg.writable && leg.position < this.#servableOctets) {
      const octets = this.#recent.at(leg.position) ?? this.#blocks.at(leg.position);
      if (!octets) return void this.#readFor(leg);
      leg.write(upTo(octets, this.#servableOctets - leg.position), this.#options.clock.now());
    }
    leg.keepsUp ||= this.#lag(leg) <= lagLimit / 2;
    if (this.#verifiedAll && leg.position === this.receivedOctets) leg.end();
  }

  get #verifiedAll(): boolean {
    return this.#state === "verified" || this.#state === "complete";
  }

  /** The last octet carries `$`: it is held back until the file is known to be right, so that a wrong one can still be abandoned. */
  get #servableOctets(): Octets {
    if (this.#verifiedAll || this.#totalOctets === undefined) return this.receivedOctets;
    return Math.min(this.receivedOctets, this.#totalOctets - 1);
  }

  async #readFor(leg: RecipientLeg): Promise<void> {
    leg.awaitsSpool = true;
    const done = await this.#done(this.#blocks.read(leg.position, this.#writtenOctets));
    leg.awaitsSpool = false;
    if (done) this.#serve(leg);
  }

  #reportDrained(leg: RecipientLeg): void {
    leg.delivered = true;
    if (this.#state === "complete") this.#forget(leg, { type: "drained", recipient: leg.recipient });
  }

  #forget(leg: RecipientLeg, report: FileRelayReport): void {
    if (this.#over || this.#recipients.get(leg.recipient) !== leg) return;
    this.#recipients.delete(leg.recipient);
    this.#steerSender();
    this.#options.onReport(report);
  }

  // ------------------------------------------------------------------ failures

  #fail(report: FileRelayReport): void {
    this.#refuse();
    this.#options.onReport(report);
  }

  /** Takes nothing more from the sender; what is unanswered is not kept, and its connection is not held up for other sessions. */
  #refuse(): void {
    this.#state = "failed";
    this.#unwritten = [];
    this.#lastChunk?.respond(413);
    this.#arrivingChunk?.respond(413);
    this.#arrivingChunk = undefined;
    this.#steerSender();
  }

  #checkProgress(): void {
    const { clock, stallMs } = this.#options;
    const now = clock.now();
    let soonestMs = now;
    if (this.#state === "receiving" && !this.#senderPaused) {
      if (now - this.#senderProgressMs >= stallMs) this.#fail({ type: "stalled" });
      else soonestMs = this.#senderProgressMs;
    }
    for (const leg of [...this.#recipients.values()]) {
      if (leg.blockedSinceMs === undefined) continue;
      if (now - leg.blockedSinceMs >= stallMs) this.#abandon(leg);
      else soonestMs = Math.min(soonestMs, leg.blockedSinceMs);
    }
    if (this.#state !== "closed") this.#stallTimer = clock.after(soonestMs + stallMs - now, () => this.#checkProgress());
  }

  #abandon(leg: RecipientLeg): void {
    leg.abort();
    this.#forget(leg, { type: "recipientStalled", recipient: leg.recipient });
  }
}

// -------------------------------------------------------------------- one recipient

interface RecipientLegUser {
  onDrain(): void;
  onFailed(status: number): void;
  onDelivered(): void;
}

/** One recipient's message and how far it has come. */
class RecipientLeg {
  readonly recipient: Recipient;
  /** Octets of the file that it was given. */
  position: Octets = 0;
  /** What it takes next is in memory, or soon will be. */
  keepsUp = true;
  /** It has acknowledged every octet. */
  delivered = false;
  /** Since when it takes nothing more; undefined while it does. */
  blockedSinceMs: number | undefined;
  /** What it takes next is being read. */
  awaitsSpool = false;
  readonly #unwrapped: boolean;
  readonly #session: MsrpSession;
  readonly #user: RecipientLegUser;
  #message: MessageStream | undefined;
  #ended = false;

  constructor(recipient: Recipient, unwrapped: boolean, session: MsrpSession, user: RecipientLegUser) {
    this.recipient = recipient;
    this.#unwrapped = unwrapped;
    this.#session = session;
    this.#user = user;
  }

  get writable(): boolean {
    return this.#message !== undefined && this.blockedSinceMs === undefined && !this.awaitsSpool;
  }

  /**
   * Opens the recipient's own message, once: content type and MIME header fields are the sender's, or the file's; Message-ID and transactions ours.
   *
   * `totalOctets` are the file's.
   */
  open(head: MessageHead, wrapper: Wrapper | undefined, totalOctets: Octets | undefined): void {
    if (this.#message) return;
    const { contentType, headers } = (this.#unwrapped && wrapper) || head;
    const front = (!this.#unwrapped && wrapper?.octets) || nothing;
    this.#message = this.#session.openMessage({
      contentType,
      headers,
      ...(totalOctets === undefined ? {} : { totalOctets: front.length + totalOctets }),
      onDrain: () => {
        this.blockedSinceMs = undefined;
        this.#user.onDrain();
      },
      onFailed: (status) => this.#user.onFailed(status),
      onDelivered: () => this.#user.onDelivered(),
    });
    this.#message.write(front);
  }

  write(octets: Buffer, nowMs: number): void {
    this.position += octets.length;
    if (!this.#message?.write(octets)) this.blockedSinceMs = nowMs;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#message?.end();
  }

  /** Abandons what this recipient lacks, if anything. */
  abort(): void {
    if (!this.delivered) this.#message?.abort();
  }
}

/** The first octets. Mostly all of them: then without a view of its own for each recipient. */
function upTo(octets: Buffer, count: Octets): Buffer {
  return octets.length <= count ? octets : octets.subarray(0, count);
}

// -------------------------------------------------------------------- hashes

interface Digest {
  /** Pairs of upper-case hexadecimal digits between colons. */
  readonly announced: string;
  readonly running: Hash;
}

/** One running hash a function that we know, whatever the number of announced ones. */
function digestsOf(file: FileRelayOptions["file"]): Digest[] {
  const announced = new Map((file.hashes ?? []).map(({ hash, value }) => [hash.toLowerCase(), value]));
  return [...hashFunctions].flatMap(([name, algorithm]) => {
    const value = announced.get(name);
    return value === undefined ? [] : [{ announced: value, running: createHash(algorithm) }];
  });
}

function matches({ announced, running }: Digest): boolean {
  return running.digest("hex").toUpperCase() === announced.replaceAll(":", "").toUpperCase();
}
