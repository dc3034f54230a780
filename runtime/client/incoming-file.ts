import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import type { WriteStream } from "node:fs";
import type { FileDescription, MessageMedia } from "../body/sdp.ts";
import type { ContinuationFlag } from "../msrp/message.ts";
import type { ChunkReceiver, IncomingChunk } from "../msrp/session.ts";
import type { Device } from "./device.ts";
import { Leg } from "./leg.ts";
import { formatHash } from "./local-file.ts";
import { Eventual } from "./waiting.ts";

export interface Taking {
  /** The file is written there; without it, kept in memory. */
  readonly path?: string | undefined;
  /** The file's type and message/cpim unless said. */
  readonly acceptTypes?: readonly string[] | undefined;
  /** The file's type and `*` unless said; `none`: no such attribute. */
  readonly acceptWrappedTypes?: readonly string[] | "none" | undefined;
  readonly maxSize?: number | undefined;
  /** Reads no faster than this. */
  readonly octetsPerSecond?: number | undefined;
  /** Answers every chunk with this MSRP status instead of 200. */
  readonly chunkStatus?: number | undefined;
  readonly change?: ((media: MessageMedia) => MessageMedia) | undefined;
}

/** What arrived of a file. */
export interface ReceivedFile {
  /** The last octet came; else it was abandoned, or the session ended before. */
  readonly complete: boolean;
  /** Size and hash are those that the offer named. */
  readonly asOffered: boolean;
  /** The Content-Type of its MSRP message. */
  readonly contentType: string;
  readonly size: number;
  readonly sha1: string;
  readonly sha256: string;
  /** Empty where it was written to a path. */
  readonly octets: Buffer;
  readonly why: string;
}

/** A file that this client receives. @see RFC 5547 §8.3 */
export class IncomingFile implements ChunkReceiver {
  readonly leg: Leg;
  /** The file, whole or what there is of it. */
  readonly received: Eventual<ReceivedFile>;
  readonly #device: Device;
  readonly #offered: FileDescription;
  readonly #taking: Taking;
  readonly #sha1 = createHash("sha1");
  readonly #sha256 = createHash("sha256");
  readonly #pieces: Buffer[] = [];
  readonly #output: WriteStream | undefined;
  #size = 0;
  #contentType = "";
  #over = false;

  constructor(device: Device, offered: FileDescription, taking: Taking) {
    this.#device = device;
    this.#offered = offered;
    this.#taking = taking;
    this.#output = taking.path === undefined ? undefined : createWriteStream(taking.path);
    this.received = new Eventual(`${device.name} to receive ${offered.selector.name ?? "the file"}`, device.clock);
    this.leg = new Leg(device, `file ${offered.selector.name ?? ""}`, this);
    this.leg.lost.on((loss) => this.#finish(false, `the connection is ${loss}`));
    this.leg.ended.on(({ by, reason = "" }) => this.#finish(false, `BYE by ${by} ${reason}`));
  }

  get size(): number {
    return this.#size;
  }

  onSendStart({ contentType }: IncomingChunk): void {
    if (this.#size === 0) this.#device.tell("received", "MSRP", `SEND ${this.#offered.selector.name ?? ""}, first octets`);
    this.#contentType = contentType;
  }

  onData(chunk: IncomingChunk, octets: Buffer, offset: number): void {
    if (offset !== this.#size) return this.#refuse(chunk, `octets from ${offset} where ${this.#size} follows`);
    this.#size += octets.length;
    this.#sha1.update(octets);
    this.#sha256.update(octets);
    if (this.#output === undefined) this.#pieces.push(Buffer.from(octets));
    else if (!this.#output.write(octets)) this.#pauseUntilDrained(this.#output);
    this.#slowDown(octets.length);
  }

  #refuse(chunk: IncomingChunk, why: string): void {
    chunk.respond(400);
    this.#finish(false, why);
  }

  #pauseUntilDrained(output: WriteStream): void {
    this.leg.session.pause();
    output.once("drain", () => this.leg.session.resume());
  }

  #slowDown(octets: number): void {
    const { octetsPerSecond } = this.#taking;
    if (octetsPerSecond === undefined) return;
    this.leg.session.pause();
    this.#device.clock.after((octets / octetsPerSecond) * 1000, () => this.leg.session.resume());
  }

  onSendEnd(chunk: IncomingChunk, flag: ContinuationFlag): void {
    chunk.respond(this.#taking.chunkStatus ?? 200);
    if (flag === "$") this.#finish(true, "whole");
    if (flag === "#") this.#finish(false, "abandoned by the sender");
  }

  #finish(complete: boolean, why: string): void {
    if (this.#over) return;
    this.#over = true;
    const sha1 = this.#sha1.digest();
    const file: ReceivedFile = {
      complete,
      asOffered: complete && this.#isAsOffered(formatHash(sha1)),
      contentType: this.#contentType,
      size: this.#size,
      sha1: sha1.toString("hex"),
      sha256: this.#sha256.digest("hex"),
      octets: Buffer.concat(this.#pieces.splice(0)),
      why,
    };
    this.#device.tell("received", "MSRP", `SEND ${this.#offered.selector.name ?? ""}, ${this.#size} octets, ${why}`);
    if (this.#output === undefined) this.received.settle(file);
    else this.#output.end(() => this.received.settle(file));
  }

  #isAsOffered(sha1: string): boolean {
    const { size, hashes = [] } = this.#offered.selector;
    return (size === undefined || size === this.#size) && hashes.every(({ hash, value }) => hash !== "sha-1" || value === sha1);
  }
}
