/**
 * Deliveries per CPU-second of the MSRP layer alone: one sender, N receivers, 200-octet CPIM bodies.
 *
 * Beside it, in the same run, the limit: the fastest plain fan-out of the same
 * octets that we can write on Node, which checks nothing. Both stand behind
 * the same few lines of SIP, just enough for the load generator to join.
 *
 * The two take turns three times and the best of each counts: on a machine with
 * other work everything else measures that work.
 *
 *   node model-tests/bench/msrp-fanout.ts [seconds a run, about]
 */
import { execFileSync, fork, spawnSync, type ChildProcess } from "node:child_process";
import dgram from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import net, { type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../runtime/clock.ts";
import { MsrpEndpoint } from "../../runtime/msrp/endpoint.ts";
import type { MsrpSession } from "../../runtime/msrp/session.ts";
import { systemRandom } from "../../runtime/random.ts";

/** Joins a participant with this `a=path` to a room; says the path to answer with, and how to leave. */
type Join = (room: string, remotePath: string) => { localPath: string; leave(): void };

const here = fileURLToPath(import.meta.url);
const [role] = process.argv.slice(2);
if (role === "layer") await serve(await ourLayer());
else if (role === "limit") await serve(await plainSwitch());
else await measure(Number(role ?? 2));

/** The layer under test: every message of a participant to all others of the room. */
async function ourLayer(): Promise<Join> {
  const endpoint = new MsrpEndpoint({ clock: systemClock, random: systemRandom });
  await endpoint.listen({ transport: "tcp", host: "127.0.0.1", port: 0 });
  const rooms = new Map<string, Set<MsrpSession>>();
  return (name, remotePath) => {
    const room = rooms.get(name) ?? new Set();
    rooms.set(name, room);
    const session: MsrpSession = endpoint.createSession({
      receive: {
        onMessage(message) {
          message.respond(200);
          const others: MsrpSession[] = [];
          for (const one of room) if (one !== session) others.push(one);
          endpoint.fanOut(others, { contentType: message.contentType, body: message.body }, onOutcome);
        },
      },
    });
    session.setRemote({ path: remotePath, setup: "active" });
    room.add(session);
    return {
      localPath: session.localPath,
      leave() {
        room.delete(session);
        session.close();
      },
    };
  };
}

let failures = 0;
function onOutcome(_session: MsrpSession, status: number): void {
  if (status !== 200) failures++;
}

/** The limit: trusts everybody, knows nothing but the first header fields of what the load generator sends, writes once a socket a turn. */
async function plainSwitch(): Promise<Join> {
  interface Leg {
    readonly room: Set<Leg>;
    readonly remotePath: string;
    readonly localPath: string;
    socket: Socket | undefined;
    out: string;
  }
  const legs = new Map<string, Leg>();
  const dirty: Leg[] = [];
  let nextId = 0;
  const server = net.createServer({ noDelay: true }, (socket) => {
    let leg: Leg | undefined;
    let rest = "";
    socket.on("error", () => {});
    socket.on("data", (octets) => {
      const text = rest + octets.toString("latin1");
      let at = 0;
      for (;;) {
        const space = text.indexOf(" ", at + 5);
        const id = text.slice(at + 5, space);
        const end = space < 0 ? -1 : text.indexOf(`-------${id}`, space);
        if (end < 0 || text.length < end + id.length + 10) break;
        if (text.startsWith("SEND", space + 1)) {
          leg ??= bind(text.slice(text.indexOf("To-Path: ", space) + 9, text.indexOf("\r", text.indexOf("To-Path: ", space))), socket);
          const fields = text.indexOf("Message-ID", space);
          write(leg, `MSRP ${id} 200 OK\r\nTo-Path: ${leg.remotePath}\r\nFrom-Path: ${leg.localPath}\r\n-------${id}$\r\n`);
          if (text.indexOf("\r\n\r\n", fields) < end) fanOut(leg, text.slice(fields, end));
        }
        at = end + id.length + 10;
      }
      rest = text.slice(at);
    });
  });
  function bind(localPath: string, socket: Socket): Leg {
    const leg = legs.get(localPath)!;
    leg.socket = socket;
    return leg;
  }
  function fanOut(from: Leg, tail: string): void {
    for (const leg of from.room) {
      if (leg === from) continue;
      const id = `${(nextId++).toString(36)}limit`;
      write(leg, `MSRP ${id} SEND\r\nTo-Path: ${leg.remotePath}\r\nFrom-Path: ${leg.localPath}\r\n${tail}-------${id}$\r\n`);
    }
  }
  function write(leg: Leg, frame: string): void {
    if (leg.out === "" && dirty.push(leg) === 1) setImmediate(flush);
    leg.out += frame;
  }
  function flush(): void {
    for (const leg of dirty) {
      leg.socket?.write(leg.out, "latin1");
      leg.out = "";
    }
    dirty.length = 0;
  }
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const rooms = new Map<string, Set<Leg>>();
  return (name, remotePath) => {
    const room = rooms.get(name) ?? new Set();
    rooms.set(name, room);
    const leg: Leg = { room, remotePath, localPath: `msrp://127.0.0.1:${port}/${systemRandom(64)};tcp`, socket: undefined, out: "" };
    room.add(leg);
    legs.set(leg.localPath, leg);
    return {
      localPath: leg.localPath,
      leave() {
        room.delete(leg);
        legs.delete(leg.localPath);
        leg.socket?.destroy();
      },
    };
  };
}

/** Just enough SIP for the load generator: 200 to INVITE and BYE. Tells the parent its port. */
async function serve(join: Join): Promise<void> {
  const socket = dgram.createSocket("udp4");
  const calls = new Map<string, { answer: string; leave(): void }>();
  socket.on("message", (octets, peer) => {
    const text = octets.toString("latin1");
    const field = (name: string) => new RegExp(`^${name}: *(.*)\r$`, "m").exec(text)?.[1] ?? "";
    const callId = field("Call-ID");
    const same = ["Via", "From", "Call-ID", "CSeq"].map((name) => `${name}: ${field(name)}\r\n`).join("");
    if (text.startsWith("INVITE")) {
      const room = /^INVITE (\S+)/.exec(text)![1]!;
      let call = calls.get(callId);
      if (call === undefined) {
        const { localPath, leave } = join(room, /a=path:(\S+)/.exec(text)![1]!);
        const sdp = `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=message 9 TCP/MSRP *\r\na=path:${localPath}\r\na=setup:passive\r\na=accept-types:*\r\n`;
        const answer = `SIP/2.0 200 OK\r\n${same}To: ${field("To")};tag=bench\r\nContact: <${room}>\r\nContent-Type: application/sdp\r\nContent-Length: ${sdp.length}\r\n\r\n${sdp}`;
        calls.set(callId, (call = { answer, leave }));
      }
      socket.send(call.answer, peer.port, peer.address);
    } else if (text.startsWith("BYE")) {
      calls.get(callId)?.leave();
      calls.delete(callId);
      socket.send(`SIP/2.0 200 OK\r\n${same}To: ${field("To")}\r\nContent-Length: 0\r\n\r\n`, peer.port, peer.address);
    }
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  process.send!(socket.address().port);
  process.on("disconnect", () => process.exit(failures === 0 ? 0 : 1));
}

interface Row {
  readonly deliveries_per_cpu_s: number;
  readonly deliveries_per_s: number;
  readonly p99_ms: number;
  readonly server_rss_kB: number;
}

async function measure(seconds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "msrp-fanout-"));
  try {
    const load = compile(folder);
    if (load === undefined) return;
    console.log("| receivers | what | deliveries per CPU-second | deliveries/s | p99 ms | p99 ms at 100 messages/s | resident MB |");
    console.log("| --- | --- | --- | --- | --- | --- | --- |");
    for (const receivers of [1, 2, 10, 50]) {
      const best = new Map<string, Figures>();
      for (let turn = 0; turn < 3; turn++) for (const what of ["layer", "limit"]) best.set(what, better(best.get(what), await figures(load, what, receivers, seconds)));
      for (const [what, row] of best) console.log(`| ${receivers} | ${what} | ${row.map((figure) => figure.toLocaleString("en")).join(" | ")} |`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function compile(folder: string): string | undefined {
  const load = join(folder, "msrpload");
  const gcc = spawnSync("gcc", ["-O2", "-w", "-o", load, join(here, "..", "msrpload.c"), "-lcrypto"], { encoding: "utf8" });
  if (gcc.status === 0) return load;
  console.log("not run: msrp-fanout needs gcc and libssl-dev");
  return undefined;
}

/** A row of the table: the first two are better when higher, the others when lower. */
type Figures = readonly number[];

function better(one: Figures | undefined, other: Figures): Figures {
  return one?.map((figure, k) => (k < 2 ? Math.max : Math.min)(figure, other[k]!)) ?? other;
}

async function figures(load: string, what: string, receivers: number, seconds: number): Promise<Figures> {
  const server = fork(here, [what]);
  const [port] = (await once(server, "message")) as [number];
  const messages = Math.ceil((seconds * 250_000) / (receivers + 2));
  const full = run(load, server, port, receivers, ["--msgs", String(messages), "--warmup", "200", "--window", "8"]);
  const paced = run(load, server, port, receivers, ["--msgs", String(seconds * 100), "--rate", "100"]);
  server.disconnect();
  const [status] = (await once(server, "exit")) as [number];
  if (status !== 0) throw new Error(`${what} with ${receivers} receivers: not every message was answered 200`);
  return [full.deliveries_per_cpu_s, full.deliveries_per_s, full.p99_ms, paced.p99_ms, Math.round(full.server_rss_kB / 1024)];
}

function run(load: string, server: ChildProcess, port: number, receivers: number, options: string[]): Row {
  const room = `sip:room${systemRandom(32)}@127.0.0.1:${port}`;
  const all = ["room", "--sip", room, "--n", String(receivers + 1), "--size", "200", "--pid", String(server.pid), ...options];
  return JSON.parse(execFileSync(load, all, { encoding: "utf8" })) as Row;
}
