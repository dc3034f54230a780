import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../runtime/clock.ts";
import { MsrpEndpoint, type Limits } from "../runtime/msrp/endpoint.ts";
import { FileRelay, type FileRelayOptions, type FileRelayReport } from "../runtime/msrp/file-relay.ts";
import { mostWrapperOctets, WrapperReader } from "../runtime/msrp/file-wrapper.ts";
import type { ContinuationFlag, HeaderFields, Report } from "../runtime/msrp/message.ts";
import type { ChunkReceiver, IncomingChunk, MessageStream, MsrpSession, SessionUser, StreamedMessage } from "../runtime/msrp/session.ts";
import { systemRandom } from "../runtime/random.ts";
import { Spool } from "../runtime/store/spool.ts";

let directory: string;
let focus: Focus;
const peers: MsrpEndpoint[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "file-relay-"));
});
afterEach(async () => {
  await focus.close();
  for (const peer of peers.splice(0)) await peer.close();
  await rm(directory, { recursive: true, force: true });
});

// ------------------------------------------------------------------ the two ends

async function newEndpoint(limits: Partial<Limits> = {}): Promise<MsrpEndpoint> {
  const endpoint = new MsrpEndpoint({ clock: systemClock, random: systemRandom, limits });
  await endpoint.listen({ transport: "tcp", host: "127.0.0.1", port: 0 });
  return endpoint;
}

/** A peer has an endpoint of its own: nobody shares its connection. */
async function newPeer(): Promise<MsrpEndpoint> {
  const peer = await newEndpoint();
  peers.push(peer);
  return peer;
}

/** The side under test: one relay, its spool, and what it reported. */
class Focus {
  readonly reports: FileRelayReport[] = [];
  /** REPORTs that the sender got. */
  readonly successReports: Report[] = [];
  readonly relay: FileRelay;
  readonly #endpoint: MsrpEndpoint;
  /** Our sessions with them. */
  readonly #recipients = new Map<number, MsrpSession>();
  readonly #spool: Spool;

  private constructor(endpoint: MsrpEndpoint, spool: Spool, relay: Omit<FileRelayOptions, "onReport" | "clock">) {
    this.#endpoint = endpoint;
    this.#spool = spool;
    this.relay = new FileRelay({ ...relay, clock: systemClock, onReport: (report) => this.reports.push(report) });
  }

  static async open(options: Partial<FileRelayOptions> = {}, limits: Partial<Limits> = {}): Promise<Focus> {
    const spool = await Spool.open({
      directory,
      clock: systemClock,
      random: systemRandom,
      maxOctets: 1e9,
      maxOpenFiles: 8,
      minFreeOctets: 0,
    });
    const maxFileOctets = options.maxFileOctets ?? 100_000_000;
    const file = options.file ?? {};
    focus = new Focus(await newEndpoint(limits), spool, {
      file,
      maxFileOctets,
      stallMs: 60_000,
      spool: await spool.create(file.size ?? 900_000),
      ...options,
    });
    return focus;
  }

  get connectionCount(): number {
    return this.#endpoint.connectionCount;
  }

  get told(): string[] {
    return this.reports.map((report) => ("recipient" in report ? `${report.type} ${report.recipient}` : report.type));
  }

  async connectSender(): Promise<MsrpSession> {
    const { ours, theirs } = connect(
      this.#endpoint,
      { receive: this.relay, onLost: () => this.relay.senderLost() },
      await newPeer(),
      { receive: refusing, onReport: (report) => this.successReports.push(report) },
    );
    this.relay.setSender(ours);
    return theirs;
  }

  async connectRecipient(recipient: number, receive: (session: () => MsrpSession) => ChunkReceiver, form: { unwrapped?: boolean } = {}): Promise<MsrpSession> {
    const { ours, theirs } = connect(
      this.#endpoint,
      { receive: refusing, onLost: () => this.relay.recipientLost(recipient) },
      await newPeer(),
      { receive: receive(() => theirs) },
    );
    this.#recipients.set(recipient, ours);
    this.relay.addRecipient(recipient, ours, form);
    return theirs;
  }

  closeRecipient(recipient: number): void {
    this.#recipients.get(recipient)!.close();
  }

  async close(): Promise<void> {
    await this.relay.close();
    await this.#endpoint.close();
    this.#spool.close();
    expect([this.#spool.openFiles, this.#spool.reservedOctets]).toEqual([0, 0]);
  }
}

function connect(focus: MsrpEndpoint, focusUser: SessionUser, peer: MsrpEndpoint, peerUser: SessionUser) {
  const ours = focus.createSession(focusUser);
  const theirs = peer.createSession(peerUser);
  ours.setRemote({ path: theirs.localPath, setup: "active" });
  theirs.setRemote({ path: ours.localPath, setup: "passive" });
  return { ours, theirs };
}

const refusing: ChunkReceiver = { onSendStart: (chunk) => chunk.respond(413), onData: () => {}, onSendEnd: () => {} };

/** A recipient that takes everything and keeps only what tests ask for. */
class Recipient implements ChunkReceiver {
  readonly flags: ContinuationFlag[] = [];
  readonly #hash = createHash("sha256");
  octets = 0;
  contentType = "";
  headers: HeaderFields = [];
  messageId = "";
  totalOctets: number | undefined;
  firstOffset = -1;

  onSendStart(chunk: IncomingChunk): void {
    if (this.firstOffset >= 0) return;
    this.firstOffset = chunk.startOffset;
    ({ contentType: this.contentType, headers: this.headers, messageId: this.messageId, totalOctets: this.totalOctets } = chunk);
  }
  onData(_chunk: IncomingChunk, octets: Buffer, offset: number): void {
    expect(offset).toBe(this.octets);
    this.octets += octets.length;
    this.#hash.update(octets);
  }
  onSendEnd(chunk: IncomingChunk, flag: ContinuationFlag): void {
    this.flags.push(flag);
    chunk.respond(200);
  }
  get lastFlag(): ContinuationFlag | undefined {
    return this.flags.at(-1);
  }
  sha256(): string {
    return this.#hash.digest("hex");
  }
}

/** Reads a little, then rests. */
class SlowRecipient extends Recipient {
  readonly #session: () => MsrpSession;

  constructor(session: () => MsrpSession) {
    super();
    this.#session = session;
  }
  override onData(chunk: IncomingChunk, octets: Buffer, offset: number): void {
    super.onData(chunk, octets, offset);
    this.#session().pause();
    systemClock.after(3, () => this.#session().resume());
  }
}

/** Octets with no period that a block or a chunk could share. */
function fileOf(size: number): Buffer {
  const file = Buffer.allocUnsafe(size);
  for (let i = 0, x = 1; i < size; i += 1) file[i] = (x = (Math.imul(x, 1_103_515_245) + 12_345) | 0) >>> 16;
  return file;
}

const sha256 = (octets: Buffer) => createHash("sha256").update(octets).digest("hex");

function announced(file: Buffer, hash = "sha-1") {
  const hex = createHash(hash.replace("-", "")).update(file).digest("hex").toUpperCase();
  return { size: file.length, hashes: [{ hash, value: hex.match(/../g)!.join(":") }] };
}

interface Sending {
  readonly stream: MessageStream;
  /** 200, or what the sender was answered first instead. */
  readonly outcome: Promise<number>;
}

/** Sends a file as a CPM Client does: with back-pressure, in pieces; only its first `until` octets, as though it stopped there. */
function send(session: MsrpSession, file: Buffer, message: Partial<StreamedMessage> = { totalOctets: file.length }, until = file.length): Sending {
  let stream!: MessageStream;
  const outcome = new Promise<number>((resolve) => {
    let sent = 0;
    const push = () => {
      for (let writable = true; writable && sent < until; sent += pieceOctets) writable = stream.write(file.subarray(sent, Math.min(sent + pieceOctets, until)));
      if (sent >= file.length) stream.end();
    };
    stream = session.openMessage({ contentType: "image/jpeg", ...message, onDrain: push, onFailed: resolve, onDelivered: () => resolve(200) });
    push();
  });
  return { stream, outcome };
}

const pieceOctets = 20_000;

const eventually = (read: () => unknown) => expect.poll(read, { timeout: 8_000, interval: 5 });

// ------------------------------------------------------------------ the tests

describe("every recipient gets the file octet for octet", () => {
  const file = fileOf(3_000_000);

  test("whether it keeps up, is slow, comes late or comes after the end; the death of another harms nobody", async () => {
    const { relay, reports } = await Focus.open({ file: announced(file) });
    const [quick, dying, late, last] = [new Recipient(), new Recipient(), new Recipient(), new Recipient()];
    let slow!: SlowRecipient;
    await focus.connectRecipient(0, () => quick);
    await focus.connectRecipient(1, (session) => (slow = new SlowRecipient(session)));
    const doomed = await focus.connectRecipient(2, () => dying);
    const sender = await focus.connectSender();

    const { stream, outcome } = send(sender, file);
    await eventually(() => dying.octets).toBeGreaterThan(0);
    doomed.close();
    await focus.connectRecipient(3, () => late);
    expect(await outcome).toBe(200);
    await eventually(() => focus.told).toContain("complete");
    await focus.connectRecipient(4, () => last);

    await eventually(() => focus.told.filter((report) => report.startsWith("drained")).sort()).toEqual(["drained 0", "drained 1", "drained 3", "drained 4"]);
    expect(focus.told).toContain("lost 2");
    expect(focus.told[0]).toBe("first");
    expect(reports).toContainEqual({ type: "complete", octets: file.length });
    for (const recipient of [quick, slow, late, last]) {
      expect(recipient.sha256()).toBe(sha256(file));
      expect(recipient.lastFlag).toBe("$");
      expect([recipient.contentType, recipient.totalOctets, recipient.firstOffset]).toEqual(["image/jpeg", file.length, 0]);
    }
    const messageIds = new Set([stream.messageId, ...[quick, slow, late, last].map(({ messageId }) => messageId)]);
    expect(messageIds.size).toBe(5);
    expect(relay.receivedOctets).toBe(file.length);
  });

  test("although the sender closes its session right after the last octet", async () => {
    await Focus.open({ file: announced(file) });
    let slow!: SlowRecipient;
    await focus.connectRecipient(0, (session) => (slow = new SlowRecipient(session)));
    const sender = await focus.connectSender();
    expect(await send(sender, file).outcome).toBe(200);
    sender.close();
    await eventually(() => focus.told).toEqual(["first", "complete", "drained 0"]);
    expect(slow.sha256()).toBe(sha256(file));
  });

  test("where neither offer nor sender told its size", async () => {
    await Focus.open({ file: {} });
    const recipient = new Recipient();
    await focus.connectRecipient(0, () => recipient);
    const octets = file.subarray(0, 500_000);
    expect(await send(await focus.connectSender(), octets, {}).outcome).toBe(200);
    await eventually(() => focus.told).toEqual(["first", "complete", "drained 0"]);
    expect([recipient.sha256(), recipient.lastFlag]).toEqual([sha256(octets), "$"]);
  });

  test.each([0, 1, 2, 2048, 131_072])("where it has %i octets", async (size) => {
    const small = file.subarray(0, size);
    await Focus.open({ file: announced(small, "sha-256") });
    const recipient = new Recipient();
    await focus.connectRecipient(0, () => recipient);
    expect(await send(await focus.connectSender(), small).outcome).toBe(200);
    await eventually(() => focus.told).toEqual(["first", "complete", "drained 0"]);
    expect(recipient.sha256()).toBe(sha256(small));
  });

  test("where a chunk sends octets a second time, and no octet goes out twice", async () => {
    await Focus.open({ file: announced(file) });
    const recipient = new Recipient();
    await focus.connectRecipient(0, () => recipient);
    const sender = await focus.connectSender();
    const { stream } = send(sender, file, undefined, 600_000);
    await eventually(() => recipient.octets).toBe(600_000);
    const again = { messageId: stream.messageId, totalOctets: file.length, startOffset: 450_000 };
    expect(await send(sender, file.subarray(450_000), again).outcome).toBe(200);
    await eventually(() => focus.told).toEqual(["first", "complete", "drained 0"]);
    expect(recipient.sha256()).toBe(sha256(file));
  });

  test("and the sender a success REPORT for all of it where it asked for one", async () => {
    const small = file.subarray(0, 50_000);
    await Focus.open({ file: announced(small) });
    const sender = await focus.connectSender();
    expect(await send(sender, small, { totalOctets: small.length, successReport: true }).outcome).toBe(200);
    await eventually(() => focus.successReports).toMatchObject([{ status: 200, byteRange: { start: 1, end: 50_000, total: 50_000 } }]);
    expect(focus.told).toEqual(["first", "complete"]);
  });
});

describe("a transfer that fails", () => {
  const file = fileOf(1_000_000);

  /** One recipient that had octets; what is reported must be exactly `told`, and `abort` must reach it as `#`. */
  async function expectAborted(recipient: Recipient, ...told: string[]): Promise<void> {
    await eventually(() => focus.told).toEqual(["first", ...told]);
    focus.relay.abort();
    if (recipient.octets > 0) await eventually(() => recipient.lastFlag).toBe("#");
    expect(recipient.flags).not.toContain("$");
    expect(recipient.octets).toBeLessThan(file.length);
  }

  async function open(options: Partial<FileRelayOptions>): Promise<Recipient> {
    await Focus.open(options);
    const recipient = new Recipient();
    await focus.connectRecipient(0, () => recipient);
    return recipient;
  }

  test("the sender abandons it with #", async () => {
    const recipient = await open({ file: announced(file) });
    const { stream } = send(await focus.connectSender(), file, undefined, 600_000);
    await eventually(() => recipient.octets).toBeGreaterThan(0);
    stream.abort();
    await expectAborted(recipient, "aborted");
  });

  test("the sender is lost before the last octet", async () => {
    const recipient = await open({ file: announced(file) });
    const sender = await focus.connectSender();
    send(sender, file, undefined, 600_000);
    await eventually(() => recipient.octets).toBeGreaterThan(0);
    sender.close();
    await expectAborted(recipient, "senderLost");
  });

  test("more octets than announced, as the sender says itself", async () => {
    await open({ file: { size: file.length - 1 } });
    expect(await send(await focus.connectSender(), file).outcome).toBe(413);
    expect(focus.told).toEqual(["tooLong"]);
  });

  test("more octets than announced, as it turns out", async () => {
    const recipient = await open({ file: { size: 500_000 } });
    expect(await send(await focus.connectSender(), file, {}).outcome).toBe(413);
    await expectAborted(recipient, "tooLong");
  });

  test("more octets than allowed, where none were announced", async () => {
    const recipient = await open({ maxFileOctets: 500_000 });
    expect(await send(await focus.connectSender(), file, {}).outcome).toBe(413);
    await expectAborted(recipient, "tooLong");
  });

  test("fewer octets than announced", async () => {
    const recipient = await open({ file: { size: file.length + 1 } });
    expect(await send(await focus.connectSender(), file, {}).outcome).toBe(413);
    await eventually(() => focus.told).toEqual(["first", "sizeMismatch"]);
    focus.relay.abort();
    await eventually(() => recipient.lastFlag).toBe("#");
  });

  test.each(["sha-1", "sha-256"])("octets that are not those of the %s", async (hash) => {
    const wrong = Buffer.from(file);
    wrong[700_000]! ^= 1;
    const recipient = await open({ file: announced(file, hash) });
    expect(await send(await focus.connectSender(), wrong).outcome).toBe(413);
    await expectAborted(recipient, "hashMismatch");
  });

  test("a chunk that leaves a gap", async () => {
    const recipient = await open({ file: announced(file) });
    const sender = await focus.connectSender();
    const { stream } = send(sender, file, undefined, 600_000);
    await eventually(() => recipient.octets).toBe(600_000);
    const behindGap = { messageId: stream.messageId, totalOctets: file.length, startOffset: 600_001 };
    expect(await send(sender, file.subarray(600_001), behindGap).outcome).toBe(413);
    await expectAborted(recipient, "sizeMismatch");
  });

  test("a second message in the place of the first", async () => {
    await open({ file: announced(file) });
    const sender = await focus.connectSender();
    send(sender, file, undefined, 600_000);
    expect(await send(sender, file.subarray(0, 100)).outcome).toBe(413);
    expect(focus.told).toEqual(["first"]);
  });

  test("nothing comes any more", async () => {
    const recipient = await open({ file: announced(file), stallMs: 150 });
    send(await focus.connectSender(), file, undefined, 600_000);
    await expectAborted(recipient, "stalled");
  });

  test("the disk is full", async (context) => {
    if (!mountSmallDisk(directory)) return context.skip("not run: a file system of 1 MB cannot be mounted here");
    try {
      const recipient = await open({ maxFileOctets: 900_000, file: { size: 900_000 } });
      await writeFile(join(directory, "somebody-else"), Buffer.alloc(800_000));
      const { stream, outcome } = send(await focus.connectSender(), file, { totalOctets: 900_000 }, 600_000);
      await expectAborted(recipient, "spoolFailed");
      stream.write(file.subarray(600_000, 700_000));
      expect(await outcome).toBe(413);
      expect(focus.reports.at(-1)).toMatchObject({ failure: { name: "SpoolFailed", fault: "diskFull" } });
      await focus.relay.close();
      expect(await readdir(directory)).toEqual(["somebody-else"]);
    } finally {
      execFileSync("umount", ["--lazy", directory]);
    }
  });
});

describe("a file in a CPIM message", () => {
  const file = fileOf(300_000);
  const wrapped = { contentType: "message/cpim" };
  const cpimHeader = "From: <sip:alice@example.org>\r\nTo: <sip:group@example.org>\r\n\r\n";
  const wrap = (content: Buffer, ...fields: readonly string[]) =>
    Buffer.concat([Buffer.from([`${cpimHeader}Content-Type: image/png`, ...fields, "\r\n"].join("\r\n")), content]);

  /** Two recipients: one takes CPIM messages, one files alone. */
  async function open(options: Partial<FileRelayOptions>): Promise<{ whole: Recipient; alone: Recipient; sender: MsrpSession }> {
    await Focus.open(options);
    const [whole, alone] = [new Recipient(), new Recipient()];
    await focus.connectRecipient(0, () => whole);
    await focus.connectRecipient(1, () => alone, { unwrapped: true });
    return { whole, alone, sender: await focus.connectSender() };
  }

  const everybodyHasIt = () => eventually(() => [...focus.told].sort()).toEqual(["complete", "drained 0", "drained 1", "first"]);

  test.each([0, 1, 300_000])("of %i octets: one recipient gets the message, the other the file; size and hash are the file's", async (size) => {
    const content = file.subarray(0, size);
    const message = wrap(content, "Content-Disposition: render", "Content-Length: 1");
    const { whole, alone, sender } = await open({ file: announced(content) });
    expect(await send(sender, message, { ...wrapped, totalOctets: message.length, successReport: true }).outcome).toBe(200);
    await everybodyHasIt();
    expect([whole.contentType, whole.totalOctets, whole.sha256()]).toEqual(["message/cpim", message.length, sha256(message)]);
    expect([alone.contentType, alone.totalOctets, alone.sha256()]).toEqual(["image/png", size, sha256(content)]);
    expect(alone.headers).toEqual([["Content-Disposition", "render"]]);
    expect(focus.reports).toContainEqual({ type: "complete", octets: size });
    await eventually(() => focus.successReports).toMatchObject([{ byteRange: { start: 1, end: message.length, total: message.length } }]);
  });

  test("may have a size that nobody told", async () => {
    const message = wrap(file);
    const { whole, alone, sender } = await open({});
    expect(await send(sender, message, wrapped).outcome).toBe(200);
    await everybodyHasIt();
    expect([whole.sha256(), alone.sha256()]).toEqual([sha256(message), sha256(file)]);
  });

  test("goes to everybody as it came where the sender did not wrap it", async () => {
    const { whole, alone, sender } = await open({ file: announced(file) });
    expect(await send(sender, file).outcome).toBe(200);
    await everybodyHasIt();
    for (const recipient of [whole, alone]) expect([recipient.contentType, recipient.sha256()]).toEqual(["image/jpeg", sha256(file)]);
  });

  test("encoded within is passed on unchecked, longer than announced, and says that it is encoded", async () => {
    const encoded = Buffer.from(file.toString("base64"));
    const message = wrap(encoded, "Content-Transfer-Encoding: base64");
    const { whole, alone, sender } = await open({ file: announced(file) });
    expect(await send(sender, message, { ...wrapped, totalOctets: message.length }).outcome).toBe(200);
    await everybodyHasIt();
    expect([whole.sha256(), alone.sha256()]).toEqual([sha256(message), sha256(encoded)]);
    expect(alone.headers).toEqual([["Content-Transfer-Encoding", "base64"]]);
  });

  test("encoded within is bounded by what a file may have", async () => {
    const encoded = Buffer.from(file.toString("base64"));
    const message = wrap(encoded, "Content-Transfer-Encoding: base64");
    const { sender } = await open({ file: announced(file), maxFileOctets: encoded.length - 1 });
    expect(await send(sender, message, { ...wrapped, totalOctets: message.length }).outcome).toBe(413);
    expect(focus.told).toEqual(["first", "tooLong"]);
  });

  const otherFile = Buffer.from(file).fill(0, 0, 1);
  test.each<readonly [string, string, Buffer]>([
    ["is another one", "hashMismatch", wrap(otherFile)],
    ["has an octet more", "tooLong", wrap(Buffer.concat([file, Buffer.of(1)]))],
    ["has an octet less", "sizeMismatch", wrap(file.subarray(1))],
    ["has no From", "wrapperMalformed", Buffer.from("Subject: none\r\n\r\nContent-Type: image/png\r\n\r\n")],
    ["has a wrapper that does not end", "wrapperMalformed", Buffer.from(cpimHeader)],
    ["has a wrapper that never ends", "wrapperMalformed", Buffer.alloc(file.length, "x-y: z\r\n")],
  ])("that %s is refused: %s", async (_what, fault, message) => {
    const { whole, alone, sender } = await open({ file: announced(file) });
    expect(await send(sender, message, wrapped).outcome).toBe(413);
    expect(focus.told).toEqual(["first", fault]);
    expect([...whole.flags, ...alone.flags]).not.toContain("$");
  });

  test("is found wherever the stream is cut", () => {
    const message = wrap(Buffer.from("\r\n\r\nfile"));
    const start = message.indexOf("\r\n\r\nfile");
    for (let cut = 0; cut <= message.length; cut += 1) {
      const reader = new WrapperReader();
      const first = reader.read(message.subarray(0, cut));
      const content = reader.wrapper ? Buffer.concat([first, message.subarray(cut)]) : reader.read(message.subarray(cut));
      expect([content.toString(), reader.wrapper?.octets.length, reader.wrapper?.contentType]).toEqual(["\r\n\r\nfile", start, "image/png"]);
    }
  });

  test("has a wrapper of at most 16 KiB", () => {
    const fill = (length: number) => wrap(Buffer.alloc(0), `X: ${"x".repeat(length)}`);
    const longest = fill(mostWrapperOctets - fill(0).length);
    expect(new WrapperReader().read(longest)).toHaveLength(0);
    expect(() => new WrapperReader().read(fill(mostWrapperOctets - fill(0).length + 1))).toThrow("CPIM_MALFORMED");
  });
});

describe("a recipient", () => {
  const file = fileOf(1_000_000);

  test("that answers 413 is rejected alone", async () => {
    await Focus.open({ file: announced(file) });
    const recipient = new Recipient();
    await focus.connectRecipient(0, () => refusing);
    await focus.connectRecipient(1, () => recipient);
    expect(await send(await focus.connectSender(), file).outcome).toBe(200);
    await eventually(() => focus.told).toContain("drained 1");
    expect(focus.reports).toContainEqual({ type: "rejected", recipient: 0, status: 413 });
    expect(recipient.sha256()).toBe(sha256(file));
  });

  test("that is removed gets #, and nothing is told of it", async () => {
    await Focus.open({ file: announced(file) });
    const recipient = new Recipient();
    await focus.connectRecipient(0, () => recipient);
    send(await focus.connectSender(), file, undefined, 600_000);
    await eventually(() => recipient.octets).toBeGreaterThan(0);
    focus.relay.removeRecipient(0);
    await eventually(() => recipient.lastFlag).toBe("#");
    expect(focus.told).toEqual(["first"]);
  });

  describe("whose session is closed at once after", () => {
    const long = fileOf(16_000_000);

    /** Served more than its connection takes, while it does not read; no window keeps that from its connection. */
    async function openFull(recipient: ChunkReceiver) {
      await Focus.open({ file: announced(long) }, { windowOctets: long.length, bindMs: 500 });
      const theirs = await focus.connectRecipient(0, () => recipient);
      theirs.pause();
      const sender = await focus.connectSender();
      const { outcome } = send(sender, long);
      await outcome;
      return theirs;
    }

    test.each(["removeRecipient", "abort"] as const)("%s gets # when it reads at last", async (how) => {
      const recipient = new Recipient();
      const theirs = await openFull(recipient);
      if (how === "abort") focus.relay.abort();
      else focus.relay.removeRecipient(0);
      focus.closeRecipient(0);
      theirs.resume();
      await eventually(() => recipient.lastFlag).toBe("#");
      expect(recipient.octets).toBeLessThan(long.length);
      await eventually(() => theirs.ended).toBe(true);
    });

    test("costs its connection no longer than bindMs when it never reads", async () => {
      await openFull(new Recipient());
      const before = focus.connectionCount;
      focus.relay.removeRecipient(0);
      focus.closeRecipient(0);
      await eventually(() => focus.connectionCount).toBe(before - 1);
    });
  });

  test("that does not read holds up neither the sender nor the others, costs bounded memory, and is given up", async () => {
    const megabytes = 64;
    const block = fileOf(1_000_000);
    await Focus.open({ file: { size: megabytes * block.length }, stallMs: 1_500 });
    const reading = new Recipient();
    const silent = await focus.connectRecipient(0, () => new Recipient());
    await focus.connectRecipient(1, () => reading);
    silent.pause();
    const sender = await focus.connectSender();
    const before = octetsInMemory();

    expect(await sendBlocks(sender, block, megabytes)).toBe(200);
    await eventually(() => focus.told).toContain("drained 1");

    // Ours and the peers', which are in this process too.
    expect(octetsInMemory() - before).toBeLessThan(16_000_000);
    expect(reading.octets).toBe(megabytes * block.length);
    await eventually(() => focus.told).toContain("recipientStalled 0");
  });
});

/** Sends one block again and again, so that the file itself takes no memory. @returns the outcome */
function sendBlocks(session: MsrpSession, block: Buffer, times: number): Promise<number> {
  return new Promise((resolve) => {
    let sent = 0;
    const push = () => {
      for (let writable = true; writable && sent < times; sent += 1) writable = stream.write(block);
    };
    const stream = session.openMessage({
      contentType: "video/mp4",
      totalOctets: times * block.length,
      onDrain: push,
      onFailed: resolve,
      onDelivered: () => resolve(200),
    });
    push();
  });
}

/** Octets in buffers that somebody still holds. */
function octetsInMemory(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().arrayBuffers;
}

/** A real file system of 1 MB; it needs root and Linux. */
function mountSmallDisk(at: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", at], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
