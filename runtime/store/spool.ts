import { constants } from "node:fs";
import { mkdir, open, readdir, rename, stat, statfs, unlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Timer } from "../clock.ts";
import type { FileSpool } from "../msrp/file-octets.ts";
import type { Random } from "../random.ts";

export interface SpoolOptions {
  /** The folder that holds nothing but spooled files; made when it is not there. */
  readonly directory: string;
  readonly clock: Clock;
  readonly random: Random;
  /** The most that all spooled files may take together, kept ones and reservations included. */
  readonly maxOctets: number;
  /** The most files in use at one time; each has one descriptor. */
  readonly maxOpenFiles: number;
  /** What a new file must leave free on the disk for everybody else. */
  readonly minFreeOctets: number;
}

/** Why a spooled file cannot be had or used: the disk is full, our own limits are reached, or the disk failed. */
export type SpoolFault = "diskFull" | "quota" | "io";

/** The disk failed us. Never the peer's doing, and never a reason to stop. */
export class SpoolFailed extends Error {
  override readonly name = "SpoolFailed";
  readonly fault: SpoolFault;

  constructor(fault: SpoolFault, detail: string, options?: ErrorOptions) {
    super(`${fault}: ${detail}`, options);
    this.fault = fault;
  }
}

/** A file in use: random name, and nothing but this process knows it. */
const partName = /^[0-9a-f]{32}\.part$/;
/** A kept file: the same name, then the milliseconds since the epoch at which it expires. */
const keptName = /^([0-9a-f]{32})\.([0-9]{1,15})$/;

/**
 * The folder of spooled files.
 *
 * No name is ever made from what a peer sent. The folder itself says what is
 * kept and until when, so that a restart needs no other index: whatever a
 * stopped process left in use is removed, kept files stay until they expire.
 * Files of other names are not ours and are left alone.
 */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #expiries = new Map<string, Timer>();
  #reservedOctets = 0;
  #openFiles = 0;

  private constructor(options: SpoolOptions) {
    this.#options = options;
  }

  /**
   * @throws {SpoolFailed} io: the folder cannot be made or read.
   */
  static async open(options: SpoolOptions): Promise<Spool> {
    const spool = new Spool(options);
    await onDisk(async () => {
      await mkdir(options.directory, { recursive: true, mode: 0o700 });
      for (const name of await readdir(options.directory)) await spool.#recover(name);
    });
    return spool;
  }

  /** Octets taken or promised, for the metrics. */
  get reservedOctets(): number {
    return this.#reservedOctets;
  }

  /** Files in use, for the metrics. */
  get openFiles(): number {
    return this.#openFiles;
  }

  /**
   * A new, empty file that may grow to `maxOctets`; they are reserved now, so
   * that a transfer we accept does not fail half-way for our own limits.
   *
   * @throws {SpoolFailed} quota | diskFull | io
   */
  async create(maxOctets: number): Promise<SpooledFile> {
    if (this.#openFiles >= this.#options.maxOpenFiles)
      throw new SpoolFailed("quota", `${this.#openFiles} spooled files are in use`);
    this.#reserve(maxOctets);
    this.#openFiles += 1;
    try {
      return await onDisk(() => this.#create(maxOctets));
    } catch (failure) {
      this.#openFiles -= 1;
      this.#reservedOctets -= maxOctets;
      throw failure;
    }
  }

  /** Stops the expiry timers; kept files stay for the next start. */
  close(): void {
    for (const timer of this.#expiries.values()) timer.stop();
    this.#expiries.clear();
  }

  #reserve(octets: number): void {
    if (this.#reservedOctets + octets > this.#options.maxOctets)
      throw new SpoolFailed("quota", `${this.#reservedOctets} octets of ${this.#options.maxOctets} are taken`);
    this.#reservedOctets += octets;
  }

  async #create(maxOctets: number): Promise<SpooledFile> {
    const { directory, random, minFreeOctets } = this.#options;
    const { bavail, bsize } = await statfs(directory);
    if (bavail * bsize < maxOctets + minFreeOctets)
      throw new SpoolFailed("diskFull", `${bavail * bsize} octets are free`);
    const id = random(128);
    const path = join(directory, `${id}.part`);
    const handle = await open(path, "wx+", 0o600);
    return new SpooledFile(handle, path, maxOctets, {
      reserve: (octets) => this.#reserve(octets),
      release: (octets) => (this.#reservedOctets -= octets),
      keep: (writtenOctets, untilMs) => this.#keep(id, path, writtenOctets, untilMs),
      remove: () => unlink(path),
      closed: () => (this.#openFiles -= 1),
    });
  }

  async #keep(id: string, path: string, writtenOctets: number, untilMs: number): Promise<void> {
    const name = `${id}.${Math.max(0, Math.ceil(untilMs))}`;
    await rename(path, join(this.#options.directory, name));
    await syncFolder(this.#options.directory);
    this.#expireLater(name, writtenOctets, untilMs);
  }

  async #recover(name: string): Promise<void> {
    const path = join(this.#options.directory, name);
    const kept = keptName.exec(name);
    const untilMs = Number(kept?.[2] ?? 0);
    if (kept && untilMs > this.#options.clock.wall()) {
      const { size } = await stat(path);
      this.#reservedOctets += size;
      this.#expireLater(name, size, untilMs);
    } else if (kept || partName.test(name)) await unlink(path);
  }

  #expireLater(name: string, octets: number, untilMs: number): void {
    const { clock, directory } = this.#options;
    const expire = () => {
      this.#expiries.delete(name);
      this.#reservedOctets -= octets;
      // What cannot be removed now is tried again at the next start.
      unlink(join(directory, name)).catch(() => {});
    };
    this.#expiries.set(name, clock.after(Math.max(0, untilMs - clock.wall()), expire));
  }
}

/** What becomes of a file's name, its reservation and its descriptor. */
interface Fate {
  reserve(octets: number): void;
  release(octets: number): void;
  keep(writtenOctets: number, untilMs: number): Promise<void>;
  remove(): Promise<void>;
  closed(): void;
}

/** One spooled file in use. */
export class SpooledFile implements FileSpool {
  /** Where it lies while in use; `keep` renames it. */
  readonly path: string;
  readonly #handle: FileHandle;
  #maxOctets: number;
  readonly #fate: Fate;
  #writtenOctets = 0;
  #kept = false;
  #closing: Promise<void> | undefined;

  /** @internal Files come from `Spool.create`. */
  constructor(handle: FileHandle, path: string, maxOctets: number, fate: Fate) {
    this.path = path;
    this.#handle = handle;
    this.#maxOctets = maxOctets;
    this.#fate = fate;
  }

  /** @throws {SpoolFailed} quota */
  reserve(octets: number): void {
    if (octets <= this.#maxOctets) return;
    this.#fate.reserve(octets - this.#maxOctets);
    this.#maxOctets = octets;
  }

  /** @throws {SpoolFailed} quota: more than was reserved; diskFull; io */
  async append(octets: readonly Buffer[]): Promise<void> {
    const length = octets.reduce((sum, part) => sum + part.length, 0);
    if (this.#writtenOctets + length > this.#maxOctets)
      throw new SpoolFailed("quota", `more than the ${this.#maxOctets} octets reserved`);
    await onDisk(() => this.#writeAll(octets));
  }

  /** @throws {SpoolFailed} io */
  async read(into: Buffer, offset: number): Promise<number> {
    return (await onDisk(() => this.#handle.read(into, 0, into.length, offset))).bytesRead;
  }

  /** @throws {SpoolFailed} diskFull | io */
  async sync(): Promise<void> {
    await onDisk(() => this.#handle.datasync());
  }

  /**
   * Keeps what has been written beyond `close` and beyond a restart, until `untilMs` of the wall clock.
   *
   * @throws {SpoolFailed} diskFull | io: then it is not kept
   */
  async keep(untilMs: number): Promise<void> {
    await this.sync();
    await onDisk(() => this.#fate.keep(this.#writtenOctets, untilMs));
    this.#fate.release(this.#maxOctets - this.#writtenOctets);
    this.#kept = true;
  }

  /** Waits for what is under way and gives the descriptor back; the file is removed unless it is kept. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      await this.#handle.close();
    } finally {
      this.#fate.closed();
      if (!this.#kept) {
        this.#fate.release(this.#maxOctets);
        await this.#fate.remove();
      }
    }
  }

  async #writeAll(octets: readonly Buffer[]): Promise<void> {
    let rest: readonly Buffer[] = octets;
    while (rest.length > 0) {
      const { bytesWritten } = await this.#handle.writev(rest, this.#writtenOctets);
      this.#writtenOctets += bytesWritten;
      rest = withoutFirst(rest, bytesWritten);
    }
  }
}

/** A full disk may take a part only: what is left to write, without the `octets` that are there. */
function withoutFirst(parts: readonly Buffer[], octets: number): readonly Buffer[] {
  let first = 0;
  let taken = octets;
  for (; first < parts.length && taken >= parts[first]!.length; first += 1) taken -= parts[first]!.length;
  return first === parts.length ? [] : [parts[first]!.subarray(taken), ...parts.slice(first + 1)];
}

/** A new name is durable only when its folder is. */
async function syncFolder(directory: string): Promise<void> {
  const folder = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (failure) {
    throw failure instanceof SpoolFailed ? failure : asSpoolFailed(failure);
  }
}

function asSpoolFailed(failure: unknown): SpoolFailed {
  const code = (failure as NodeJS.ErrnoException).code;
  const full = code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG";
  return new SpoolFailed(full ? "diskFull" : "io", code ?? "unknown", { cause: failure });
}
