/**
 * INVITE, 200, ACK, BYE, 200: calls a second of one core, driven by SIPp from another.
 *
 * A call to our server is a member who joins a group by its identity and goes off-line again: per call one machine of the
 * dialog lives and dies and the group's machine admits and lets go, while the creator of each group stays. A creation would
 * add a call of ours to every call of SIPp's, and no peer does that. Beside it our SIP layer without machines, SIPp's own UAS,
 * and Kamailio's stateful reply.
 *
 *   node model-tests/bench/sip.ts [calls]
 */
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CpmClient } from "../../runtime/client/client.ts";
import { SipEndpoint } from "../../runtime/sip/endpoint.ts";
import { cpuSeconds, listeners, start, startServer, stop } from "./server.ts";
import { printTable, ratio, type Cell } from "./table.ts";

type Transport = "udp" | "tcp";

/** Who answers: where, and the lines of the injection file, a group and a member each. */
interface Peer {
  readonly pid: number;
  readonly ports: Readonly<Record<Transport, number>>;
  readonly members: readonly string[];
  stop(): Promise<void>;
}

interface Figures {
  readonly calls: number;
  readonly failed: number;
  readonly retransmissions: number;
  readonly callsPerSecond: number;
  readonly cpuMicroseconds: number;
}

/** The server runs on one core, the load on another. */
const serverCore = 0;
const loadCore = 1;
const groups = 100;
const membersOfGroup = 10;
const anybody = ["sip:group@cpm.example;sip:member@cpm.example"];
const here = fileURLToPath(import.meta.url);
const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const [argument] = process.argv.slice(2);
if (argument === "endpoint") await answerCalls();
else await measure(Number(argument ?? 8_000));

async function measure(calls: number): Promise<void> {
  const missing = ["sipp", "kamailio", "taskset"].filter((name) => spawnSync("which", [name]).status !== 0);
  if (missing.length > 0) return console.log(`not run: needs ${missing.join(", ")}`);
  const peers = { "server, machines behind it": ourServer, "our SIP layer alone": ourEndpoint, "Kamailio, tm": kamailio, "SIPp's UAS": sippUas };
  const rows: Cell[][] = [];
  for (const transport of ["udp", "tcp"] as const) {
    const all = new Map<string, Figures>();
    for (const [name, begin] of Object.entries(peers)) all.set(name, await figuresOf(begin, transport, calls));
    const { callsPerSecond, cpuMicroseconds } = all.get("Kamailio, tm")!;
    for (const [name, row] of all) {
      const ofKamailio = [ratio(row.callsPerSecond, callsPerSecond), ratio(cpuMicroseconds, row.cpuMicroseconds)];
      rows.push([transport.toUpperCase(), name, row.callsPerSecond, row.cpuMicroseconds, ...ofKamailio, row.failed, row.retransmissions]);
    }
  }
  console.log("Aim: at least the calls a second of Kamailio.\n");
  printTable(["", "", "calls/s on one core", "CPU µs a call", "of Kamailio, calls/s", "of Kamailio, per CPU-second", "failed", "retransmitted"], rows);
}

async function figuresOf(begin: (transport: Transport) => Promise<Peer>, transport: Transport, calls: number): Promise<Figures> {
  const peer = await begin(transport);
  try {
    await call(peer, transport, calls / 2);
    return await call(peer, transport, calls);
  } finally {
    await peer.stop();
  }
}

/** As many calls as it takes with 64 under way. */
async function call(peer: Peer, transport: Transport, calls: number): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), "sipp-"));
  try {
    const members = join(folder, "members.csv");
    const statistics = join(folder, "statistics.csv");
    writeFileSync(members, `SEQUENTIAL\n${peer.members.join("\n")}\n`);
    const target = [`127.0.0.1:${peer.ports[transport]}`, "-i", "127.0.0.1", "-p", String(await freePort()), "-t", transport === "udp" ? "u1" : "t1"];
    const load = ["-sf", beside("join.xml"), "-inf", members, "-r", "50000", "-l", "64", "-m", String(calls), "-timeout", "60s"];
    const before = cpuSeconds(peer.pid);
    const begin = performance.now();
    await promisify(execFile)("taskset", ["-c", String(loadCore), "sipp", ...target, ...load, "-nostdin", "-trace_stat", "-stf", statistics, "-fd", "1"]).catch(() => {});
    return read(readFileSync(statistics, "latin1"), cpuSeconds(peer.pid) - before, (performance.now() - begin) / 1000);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The last line of SIPp's statistics. */
function read(statistics: string, cpu: number, seconds: number): Figures {
  const lines = statistics.trim().split("\n");
  const names = lines[0]!.split(";");
  const values = lines.at(-1)!.split(";");
  const value = (name: string): number => Number(values[names.indexOf(name)]);
  const calls = value("SuccessfulCall(C)");
  return {
    calls,
    failed: value("FailedCall(C)"),
    retransmissions: value("Retransmissions(C)"),
    callsPerSecond: calls / seconds,
    cpuMicroseconds: (cpu / calls) * 1e6,
  };
}

// ---------------------------------------------------------------- who answers

async function ourServer(): Promise<Peer> {
  const server = await startServer({ maxDevices: 64 }, { core: serverCore });
  const creator = await CpmClient.start({ uri: "sip:creator@cpm.example", server: { transport: "tcp", host: "127.0.0.1", port: server.tcp } });
  const members: string[] = [];
  const recipients = Array.from({ length: membersOfGroup - 1 }, (_, member) => `sip:member${member}@cpm.example`);
  const identities: string[] = [];
  for (let group = 0; group < groups; group++) identities.push((await creator.createGroup("sip:conference-factory@cpm.example", { recipients })).identity);
  for (const recipient of recipients) for (const identity of identities) members.push(`${identity};${recipient}`);
  return {
    pid: server.pid,
    ports: server,
    members,
    async stop() {
      await creator.close();
      await server.stop();
    },
  };
}

async function ourEndpoint(): Promise<Peer> {
  const child = start([process.execPath, here, "endpoint"], serverCore);
  const ports = await listeners(child, 2);
  return { pid: child.pid!, ports: { udp: ports.get("sip udp")!, tcp: ports.get("sip tcp")! }, members: anybody, stop: () => stop(child) };
}

/** Accepts every call. */
async function answerCalls(): Promise<void> {
  const body = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=message 9 TCP/MSRP *\r\na=path:msrp://127.0.0.1:9/bench;tcp\r\na=accept-types:*\r\n";
  const listen = (["udp", "tcp"] as const).map((transport) => ({ transport, host: "127.0.0.1", port: 0 }));
  const endpoint = new SipEndpoint({ listen, user: { onInvite: (invite) => void invite.accept({ contentType: "application/sdp", body }) } });
  for (const { transport, port } of await endpoint.start()) console.log(`listening sip ${transport} 127.0.0.1:${port}`);
}

async function kamailio(): Promise<Peer> {
  const port = await freePort();
  const listen = ["-l", `udp:127.0.0.1:${port}`, "-l", `tcp:127.0.0.1:${port}`];
  return outside(["kamailio", "-f", beside("kamailio.cfg"), "-DD", "-m", "1024", "-M", "64", ...listen], port);
}

async function sippUas(transport: Transport): Promise<Peer> {
  const port = await freePort();
  return outside(["sipp", "-sn", "uas", "-i", "127.0.0.1", "-p", String(port), "-t", transport === "udp" ? "u1" : "t1", "-nostdin"], port);
}

async function outside(command: readonly string[], port: number): Promise<Peer> {
  const child = start(command, serverCore);
  child.stdout!.resume();
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  if (child.exitCode !== null) throw new Error(`${command[0]} does not run`);
  return { pid: child.pid!, ports: { udp: port, tcp: port }, members: anybody, stop: () => stop(child) };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
