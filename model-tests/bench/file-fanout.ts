/**
 * One file from one sender to many receivers: octets a second through the file relay, and beside it, in the same run,
 * through the fastest plain TCP fan-out that we can write: no frames, no responses, no disk, no hash.
 *
 * Server and load are processes of their own; the load's cost is nobody's. Rounds take turns, so that whatever else the
 * machine does is shared out; the first one warms up. `node model-tests/bench/file-fanout.ts [receivers] [megabytes]`
 */
import { fork, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../runtime/clock.ts";
import { MsrpEndpoint } from "../../runtime/msrp/endpoint.ts";
import { FileRelay, type FileRelayReport } from "../../runtime/msrp/file-relay.ts";
import type { ChunkReceiver, MsrpSession } from "../../runtime/msrp/session.ts";
import { systemRandom } from "../../runtime/random.ts";
import { Spool } from "../../runtime/store/spool.ts";

type Server = "plain" | "relay";

interface Run {
  readonly server: Server;
  readonly receivers: number;
  /** Further receivers that never read. */
  readonly silent: number;
  readonly octets: number;
  readonly hashed: boolean;
}

/** What a server tells before a round: the port, and for MSRP the path for each peer, the sender's first. */
interface Ready {
  readonly port: number;
  readonly paths: readonly string[];
}

interface Cost {
  readonly cpuSeconds: number;
  readonly peakMegabytes: number;
}

const block = Buffer.alloc(65_536, "octet ");

// ------------------------------------------------------------------ the two servers

/** One server process: what it does before each round and after it. */
interface Serving {
  open(): Promise<Ready>;
  close(): Promise<void>;
}

async function servePlain({ receivers }: Run): Promise<Serving> {
  let sockets: Socket[] = [];
  const server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => {
    if (sockets.push(socket) === receivers + 1) fanOut(sockets[0]!, sockets.slice(1));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    open: async () => ({ port: (server.address() as AddressInfo).port, paths: [] }),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      sockets = [];
    },
  };
}

/** The sender waits for the slowest: the plainest back-pressure there is. */
function fanOut(sender: Socket, receivers: readonly Socket[]): void {
  const full = new Set<Socket>();
  for (const receiver of receivers)
    receiver.on("drain", () => {
      full.delete(receiver);
      if (full.size === 0) sender.resume();
    });
  sender.on("data", (octets) => {
    for (const receiver of receivers) if (!receiver.write(octets)) full.add(receiver);
    if (full.size > 0) sender.pause();
  });
  sender.resume();
}

const refusing: ChunkReceiver = { onSendStart: (chunk) => chunk.respond(413), onData: () => {}, onSendEnd: () => {} };

async function serveRelay({ receivers, silent, octets, hashed }: Run): Promise<Serving> {
  const directory = await mkdtemp(join(tmpdir(), "file-fanout-"));
  process.on("disconnect", () => rmSync(directory, { recursive: true }));
  const spool = await Spool.open({ directory, clock: systemClock, random: systemRandom, maxOctets: octets, maxOpenFiles: 1, minFreeOctets: 0 });
  const file = { size: octets, hashes: hashed ? [{ hash: "sha-1", value: sha1OfFile(octets) }] : [] };
  const endpoint = new MsrpEndpoint({ clock: systemClock, random: systemRandom, limits: { chunkOctets: 262_144 } });
  const { port } = await endpoint.listen({ transport: "tcp", host: "127.0.0.1", port: 0 });
  const onReport = (report: FileRelayReport) => {
    if (report.type !== "first" && report.type !== "complete" && report.type !== "drained") throw new Error(report.type);
  };
  let relay: FileRelay;
  let sessions: MsrpSession[];
  return {
    open: async () => {
      relay = new FileRelay({ clock: systemClock, spool: await spool.create(octets), file, maxFileOctets: octets, stallMs: 60_000, onReport });
      sessions = Array.from({ length: 1 + receivers + silent }, (_, peer) => {
        const session = endpoint.createSession({ receive: peer === 0 ? relay : refusing });
        session.setRemote({ path: pathOf(peer), setup: "active" });
        if (peer === 0) relay.setSender(session);
        else relay.addRecipient(peer - 1, session);
        return session;
      });
      return { port, paths: sessions.map(({ localPath }) => localPath) };
    },
    close: async () => {
      await relay.close();
      for (const session of sessions) session.close();
    },
  };
}

function sha1OfFile(octets: number): string {
  const hash = createHash("sha1");
  for (let sent = 0; sent < octets; sent += block.length) hash.update(block.subarray(0, octets - sent));
  return hash.digest("hex").toUpperCase().match(/../g)!.join(":");
}

function pathOf(peer: number): string {
  return `msrp://127.0.0.1:9/peer${peer};tcp`;
}

// ------------------------------------------------------------------ the load

/**
 * A connection whose octets are handed to `take` in the one buffer that all are read into.
 *
 * The load shares the machine with the server, so it costs as little as it can: it counts and answers, and verifies nothing.
 */
class Peer {
  readonly socket: Socket;
  take: (octets: Buffer) => void = () => {};
  static readonly #buffer = Buffer.allocUnsafeSlow(262_144);

  constructor(port: number) {
    const callback = (length: number, buffer: Uint8Array): boolean => {
      this.take((buffer as Buffer).subarray(0, length));
      return true;
    };
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true, onread: { buffer: Peer.#buffer, callback } });
  }

  bind(path: string, peer: number): Promise<void> {
    this.socket.write(`MSRP bind${peer}0000 SEND\r\nTo-Path: ${path}\r\nFrom-Path: ${pathOf(peer)}\r\nMessage-ID: bind${peer}\r\n-------bind${peer}0000$\r\n`);
    return new Promise((resolve) => (this.take = () => resolve()));
  }
}

/** @returns seconds from the first octet sent to the last one received by the last receiver */
async function load(run: Run, { port, paths }: Ready): Promise<number> {
  const peers: Peer[] = [];
  for (let peer = 0; peer < 1 + run.receivers + run.silent; peer += 1) {
    peers.push(new Peer(port));
    await once(peers[peer]!.socket, "connect");
    if (run.server === "relay") await peers[peer]!.bind(paths[peer]!, peer);
  }
  const [sender, ...others] = peers;
  for (const silent of others.splice(run.receivers)) silent.socket.pause();
  sender!.take = () => {};
  const received = others.map((receiver, index) =>
    run.server === "plain" ? receivePlain(receiver, run.octets) : receiveChunks(receiver, run.octets, paths[index + 1]!, pathOf(index + 1)),
  );
  const start = performance.now();
  await Promise.all([sendFile(sender!.socket, run, paths[0]), ...received]);
  const seconds = (performance.now() - start) / 1_000;
  for (const { socket } of peers) socket.destroy();
  return seconds;
}

async function sendFile(socket: Socket, run: Run, path: string | undefined): Promise<void> {
  for (let sent = 0; sent < run.octets; ) {
    const body = block.subarray(0, run.octets - sent);
    socket.cork();
    if (path) socket.write(chunkHead(path, sent, run.octets));
    let room = socket.write(body);
    sent += body.length;
    if (path) room = socket.write(`\r\n-------file${sent - body.length}x${sent === run.octets ? "$" : "+"}\r\n`);
    socket.uncork();
    if (!room) await once(socket, "drain");
  }
}

function chunkHead(path: string, sent: number, total: number): string {
  const range = `Byte-Range: ${sent + 1}-*/${total}`;
  return `MSRP file${sent}x SEND\r\nTo-Path: ${path}\r\nFrom-Path: ${pathOf(0)}\r\nMessage-ID: thefile\r\n${range}\r\nContent-Type: video/mp4\r\n\r\n`;
}

function receivePlain(peer: Peer, octets: number): Promise<void> {
  return new Promise((resolve) => {
    let received = 0;
    peer.take = (data) => {
      received += data.length;
      if (received === octets) resolve();
    };
  });
}

/** More than an end-line and the head of the next chunk have. */
const textOctets = 512;
const cr = 13;

/** The leanest MSRP receiver: the file has no CR, so the next one ends a chunk; then come its flag and the next head. */
function receiveChunks(peer: Peer, octets: number, path: string, ownPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = 0;
    let inBody = false;
    let answered = true;
    let text = "";
    peer.take = (data) => {
      for (let at = 0; at < data.length; ) {
        if (inBody) {
          const end = data.indexOf(cr, at);
          received += (end < 0 ? data.length : end) - at;
          if (end < 0) return;
          at = end;
          inBody = answered = false;
          text = "";
        }
        const before = text.length;
        text += data.toString("latin1", at, at + textOctets);
        const [, id, flag] = (!answered && /^\r\n-------(\w+)([+$])\r\n/.exec(text)) || [];
        if (id) {
          answered = true;
          peer.socket.write(`MSRP ${id} 200 OK\r\nTo-Path: ${path}\r\nFrom-Path: ${ownPath}\r\n-------${id}$\r\n`);
          if (flag === "$") return received === octets ? resolve() : reject(new Error(`${received} of ${octets} octets`));
        }
        const headEnd = text.indexOf("\r\n\r\n");
        inBody = headEnd >= 0;
        at = inBody ? at + headEnd + 4 - before : Math.min(at + textOctets, data.length);
      }
    };
  });
}

// ------------------------------------------------------------------ the table

const roundsMeasured = 3;

type Result = { readonly seconds: number } & Cost;

/** A server and its load, alive for all rounds. */
class Contender {
  readonly name: string;
  readonly results: Result[] = [];
  readonly #server: ChildProcess;
  readonly #load: ChildProcess;

  constructor(name: string, run: Run) {
    this.name = name;
    this.#server = fork(import.meta.filename, ["server", JSON.stringify(run)]);
    this.#load = fork(import.meta.filename, ["load", JSON.stringify(run)]);
  }

  async round(): Promise<Result> {
    const ready: Ready = await ask(this.#server, "open");
    const seconds: number = await ask(this.#load, ready);
    const cost: Cost = await ask(this.#server, "close");
    return { seconds, ...cost };
  }

  disconnect(): void {
    this.#server.disconnect();
    this.#load.disconnect();
  }

  best(of: (result: Result) => number): number {
    return Math.min(...this.results.map(of));
  }
}

async function ask<T>(child: ChildProcess, question: string | Ready): Promise<T> {
  const asked = new AbortController();
  const { signal } = asked;
  const died = once(child, "exit", { signal }).then(() => Promise.reject(new Error("a process of the benchmark died")));
  child.send(question);
  try {
    const [message] = await Promise.race([once(child, "message", { signal }), died]);
    return message as T;
  } finally {
    died.catch(() => {});
    asked.abort();
  }
}

async function printTable(receivers: number, megabytes: number): Promise<void> {
  const plain: Run = { server: "plain", receivers, silent: 0, octets: megabytes * 1_000_000, hashed: false };
  const contenders = [
    new Contender("plain TCP fan-out (limit)", plain),
    new Contender("file relay, SHA-1 checked", { ...plain, server: "relay", hashed: true }),
    new Contender("file relay, no hash announced", { ...plain, server: "relay" }),
    new Contender("file relay, one more that never reads", { ...plain, server: "relay", silent: 1 }),
  ];
  for (const contender of contenders) await contender.round();
  for (let round = 0; round < roundsMeasured; round += 1) for (const contender of contenders) contender.results.push(await contender.round());
  const load = loadavg()[0]!.toFixed(1);
  console.log(`1 sender, ${receivers} receivers, ${megabytes} MB; best of ${roundsMeasured} warm rounds; load of the machine ${load}`);
  console.log(row("", "MB/s", "of limit", "MB/CPU s", "of limit", "peak RSS MB"));
  const limit = contenders[0]!;
  for (const contender of contenders) {
    const { name } = contender;
    const seconds = contender.best((result) => result.seconds);
    const cpuSeconds = contender.best((result) => result.cpuSeconds);
    const peak = Math.max(...contender.results.map(({ peakMegabytes }) => peakMegabytes));
    const ofRate = limit.best((result) => result.seconds) / seconds;
    const ofCpu = limit.best((result) => result.cpuSeconds) / cpuSeconds;
    console.log(row(name, (megabytes / seconds).toFixed(0), ofRate.toFixed(2), (megabytes / cpuSeconds).toFixed(0), ofCpu.toFixed(2), peak.toFixed(0)));
    contender.disconnect();
  }
}

function row(name: string, ...cells: readonly string[]): string {
  return name.padEnd(38) + cells.map((cell) => cell.padStart(12)).join("");
}

/** The child's side of `ask`, for a server. */
async function answerAsServer(run: Run): Promise<void> {
  const serving = run.server === "plain" ? await servePlain(run) : await serveRelay(run);
  let before = process.cpuUsage();
  process.on("message", async (question) => {
    if (question === "open") {
      const ready = await serving.open();
      before = process.cpuUsage();
      return process.send!(ready);
    }
    const { user, system } = process.cpuUsage(before);
    await serving.close();
    process.send!({ cpuSeconds: (user + system) / 1e6, peakMegabytes: process.resourceUsage().maxRSS / 1_000 } satisfies Cost);
  });
}

const [part, text] = process.argv.slice(2);
if (process.send) {
  const run: Run = JSON.parse(text!);
  process.on("disconnect", () => setImmediate(() => process.exit()));
  if (part === "server") await answerAsServer(run);
  else process.on("message", async (ready: Ready) => process.send!(await load(run, ready)));
} else {
  await printTable(Number(part ?? 8), Number(text ?? 100));
}
