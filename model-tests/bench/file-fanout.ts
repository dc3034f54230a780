/**
 * One file from one sender to many receivers: octets a second through the file relay, and beside it, in the same run,
 * through the fastest plain TCP fan-out that we can write: no frames, no responses, no disk, no hash.
 *
 * Server and load are processes of their own; the load's cost is nobody's. `node model-tests/bench/file-fanout.ts [receivers] [megabytes]`
 */
import { fork, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../runtime/clock.ts";
import { MsrpEndpoint } from "../../runtime/msrp/endpoint.ts";
import { FileRelay } from "../../runtime/msrp/file-relay.ts";
import type { ChunkReceiver } from "../../runtime/msrp/session.ts";
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

/** What a server tells once it listens: the port, and for MSRP the path for each peer, the sender's first. */
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

function servePlain({ receivers }: Run): void {
  const sockets: Socket[] = [];
  process.on("disconnect", () => process.exit());
  const server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => {
    if (sockets.push(socket) === receivers + 1) fanOut(sockets[0]!, sockets.slice(1));
  });
  server.listen(0, "127.0.0.1", () => process.send!({ port: (server.address() as AddressInfo).port, paths: [] } satisfies Ready));
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

async function serveRelay({ receivers, silent, octets, hashed }: Run): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "file-fanout-"));
  process.on("disconnect", () => void rm(directory, { recursive: true }).then(() => process.exit()));
  const spool = await Spool.open({ directory, clock: systemClock, random: systemRandom, maxOctets: octets, maxOpenFiles: 1, minFreeOctets: 0 });
  const relay = new FileRelay({
    clock: systemClock,
    spool: await spool.create(octets),
    file: { size: octets, hashes: hashed ? [{ hash: "sha-1", value: sha1OfFile(octets) }] : [] },
    maxFileOctets: octets,
    stallMs: 60_000,
    onReport: (report) => {
      if (report.type !== "first" && report.type !== "complete" && report.type !== "drained") throw new Error(report.type);
    },
  });
  const endpoint = new MsrpEndpoint({ clock: systemClock, random: systemRandom, limits: { chunkOctets: 131_072 } });
  const { port } = await endpoint.listen({ transport: "tcp", host: "127.0.0.1", port: 0 });
  const sessions = Array.from({ length: 1 + receivers + silent }, (_, peer) => {
    const session = endpoint.createSession({ receive: peer === 0 ? relay : refusing });
    session.setRemote({ path: pathOf(peer), setup: "active" });
    if (peer === 0) relay.setSender(session);
    else relay.addRecipient(peer - 1, session);
    return session;
  });
  process.send!({ port, paths: sessions.map(({ localPath }) => localPath) } satisfies Ready);
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

/** @returns seconds from the first octet sent to the last one received by the last receiver */
async function load(run: Run, { port, paths }: Ready): Promise<number> {
  const sockets: Socket[] = [];
  for (let peer = 0; peer < 1 + run.receivers + run.silent; peer += 1) {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    sockets.push(socket);
    await once(socket, "connect");
    if (run.server === "relay") await bind(socket, paths[peer]!, peer);
  }
  const [sender, ...others] = sockets;
  const received = others.slice(0, run.receivers).map((socket, index) =>
    run.server === "plain" ? receivePlain(socket, run.octets) : receiveChunks(socket, run.octets, paths[index + 1]!, pathOf(index + 1)),
  );
  const start = performance.now();
  await Promise.all([sendFile(sender!, run, paths[0]), ...received]);
  return (performance.now() - start) / 1_000;
}

async function bind(socket: Socket, path: string, peer: number): Promise<void> {
  socket.write(`MSRP bind${peer}0000 SEND\r\nTo-Path: ${path}\r\nFrom-Path: ${pathOf(peer)}\r\nMessage-ID: bind${peer}\r\n-------bind${peer}0000$\r\n`);
  await once(socket, "data");
  socket.removeAllListeners("data").pause();
}

async function sendFile(socket: Socket, run: Run, path: string | undefined): Promise<void> {
  socket.resume();
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

function receivePlain(socket: Socket, octets: number): Promise<void> {
  return new Promise((resolve) => {
    let received = 0;
    socket.on("data", (data) => {
      received += data.length;
      if (received === octets) resolve();
    });
  });
}

/** The leanest MSRP receiver: it looks for the end-line, counts, and answers 200. */
function receiveChunks(socket: Socket, octets: number, path: string, ownPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = 0;
    let held = Buffer.alloc(0);
    let endLine: Buffer | undefined;
    let id = "";
    socket.on("data", (data) => {
      const rest = held.length > 0 ? Buffer.concat([held, data]) : data;
      let at = 0;
      for (;;) {
        if (!endLine) {
          const headEnd = rest.indexOf("\r\n\r\n", at);
          if (headEnd < 0) break;
          id = rest.toString("latin1", at + 5, rest.indexOf(" ", at + 5));
          endLine = Buffer.from(`\r\n-------${id}`);
          at = headEnd + 4;
        }
        const bodyEnd = rest.indexOf(endLine, at);
        if (bodyEnd < 0 || rest.length < bodyEnd + endLine.length + 3) {
          const safe = bodyEnd < 0 ? Math.max(at, rest.length - endLine.length) : bodyEnd;
          received += safe - at;
          at = safe;
          break;
        }
        received += bodyEnd - at;
        at = bodyEnd + endLine.length + 3;
        socket.write(`MSRP ${id} 200 OK\r\nTo-Path: ${path}\r\nFrom-Path: ${ownPath}\r\n-------${id}$\r\n`);
        endLine = undefined;
        if (rest[at - 3] === 0x24) received === octets ? resolve() : reject(new Error(`${received} of ${octets} octets`));
      }
      held = Buffer.from(rest.subarray(at));
    });
    socket.resume();
  });
}

// ------------------------------------------------------------------ the table

async function measure(run: Run): Promise<{ seconds: number } & Cost> {
  const server = fork(import.meta.filename, [JSON.stringify(run)]);
  const ready: Ready = await answer(server);
  const loader = fork(import.meta.filename, [JSON.stringify(run), JSON.stringify(ready)]);
  const seconds: number = await answer(loader);
  server.send("cost");
  const cost: Cost = await answer(server);
  loader.disconnect();
  server.disconnect();
  return { seconds, ...cost };
}

async function answer<T>(child: ChildProcess): Promise<T> {
  const died = once(child, "exit").then(() => Promise.reject(new Error("a process of the benchmark died")));
  const [message] = await Promise.race([once(child, "message"), died]);
  died.catch(() => {});
  return message as T;
}

async function printTable(receivers: number, megabytes: number): Promise<void> {
  const runs: readonly (readonly [string, Run["server"], Partial<Run>])[] = [
    ["plain TCP fan-out (limit)", "plain", {}],
    ["file relay, SHA-1 checked", "relay", { hashed: true }],
    ["file relay, no hash announced", "relay", {}],
    ["file relay, one more that never reads", "relay", { silent: 1 }],
  ];
  console.log(`1 sender, ${receivers} receivers, ${megabytes} MB; best of 3`);
  console.log(row("", "MB/s", "of limit", "MB/CPU s", "of limit", "peak RSS MB"));
  let limit: { rate: number; perCpu: number } | undefined;
  for (const [name, server, particulars] of runs) {
    const run = { server, receivers, silent: 0, octets: megabytes * 1_000_000, hashed: false, ...particulars };
    const results = [await measure(run), await measure(run), await measure(run)];
    const rate = megabytes / Math.min(...results.map(({ seconds }) => seconds));
    const perCpu = megabytes / Math.min(...results.map(({ cpuSeconds }) => cpuSeconds));
    const peak = Math.max(...results.map(({ peakMegabytes }) => peakMegabytes));
    limit ??= { rate, perCpu };
    console.log(row(name, rate.toFixed(0), (rate / limit.rate).toFixed(2), perCpu.toFixed(0), (perCpu / limit.perCpu).toFixed(2), peak.toFixed(0)));
  }
}

function row(name: string, ...cells: readonly string[]): string {
  return name.padEnd(38) + cells.map((cell) => cell.padStart(12)).join("");
}

function reportCost(): void {
  const before = process.cpuUsage();
  process.once("message", () => {
    const { user, system } = process.cpuUsage(before);
    process.send!({ cpuSeconds: (user + system) / 1e6, peakMegabytes: process.resourceUsage().maxRSS / 1_000 } satisfies Cost);
  });
}

const [first, second] = process.argv.slice(2);
if (!process.send) {
  await printTable(Number(first ?? 8), Number(second ?? 100));
} else {
  const run: Run = JSON.parse(first!);
  if (second) process.send(await load(run, JSON.parse(second)));
  else {
    if (run.server === "plain") servePlain(run);
    else await serveRelay(run);
    reportCost();
  }
}
