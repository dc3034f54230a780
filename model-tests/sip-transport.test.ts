import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../runtime/clock.ts";
import { systemRandom } from "../runtime/random.ts";
import type { SipMessage } from "../runtime/sip/message.ts";
import { createResponse, serialise } from "../runtime/sip/serialise.ts";
import { SourceBudget } from "../runtime/sip/source-budget.ts";
import { TransactionLayer } from "../runtime/sip/transaction.ts";
import { defaultLimits, Transport, type Flow, type TransportName, type TransportOptions } from "../runtime/sip/transport.ts";
import { selfSigned } from "./certificate.ts";
import { VirtualClock } from "./virtual-clock.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const opened of open.splice(0).reverse()) await opened.close();
});

/** What has arrived, for a test to wait for. */
class Arrivals<T> {
  readonly all: T[] = [];
  #wake: (() => void)[] = [];

  add(item: T): void {
    this.all.push(item);
    for (const wake of this.#wake.splice(0)) wake();
  }

  async nth(n: number): Promise<T> {
    while (this.all.length < n) await new Promise<void>((wake) => this.#wake.push(wake));
    const item = this.all[n - 1];
    if (item === undefined) throw new Error("nothing arrived");
    return item;
  }
}

interface Arrived {
  readonly message: SipMessage;
  readonly flow: Flow;
}

/** A transport of ours that answers every request 200 unless `answers` is false. */
function transport(options: Partial<TransportOptions> & { readonly answers?: boolean } = {}): Transport & { readonly arrived: Arrivals<Arrived>; readonly lost: Arrivals<Flow> } {
  const arrived = new Arrivals<Arrived>();
  const lost = new Arrivals<Flow>();
  const { answers = true, ...rest } = options;
  const made: Transport = new Transport({
    clock: systemClock,
    onMessage(message, flow) {
      if (message.isRequest && answers) made.replyPath(message, flow).send(serialise(createResponse(message, 200, undefined, "t")));
      arrived.add({ message, flow });
    },
    onFlowClosed: (flow) => lost.add(flow),
    ...rest,
  });
  open.push(made);
  return Object.assign(made, { arrived, lost });
}

interface Sent {
  readonly via?: string;
  readonly body?: string;
  readonly callId?: string;
  readonly extra?: readonly string[];
}

function options({ via = "SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bK1;rport", body = "", callId = "c1", extra = [] }: Sent = {}): string {
  return [
    "OPTIONS sip:focus@127.0.0.1 SIP/2.0",
    `Via: ${via}`,
    "Max-Forwards: 70",
    "From: <sip:alice@127.0.0.1>;tag=a",
    "To: <sip:focus@127.0.0.1>",
    `Call-ID: ${callId}`,
    "CSeq: 1 OPTIONS",
    ...extra,
    `Content-Length: ${body.length}`,
    "",
    body,
  ].join("\r\n");
}

const overTcp = (callId = "c1") => options({ via: "SIP/2.0/TCP 127.0.0.1:5999;branch=z9hG4bK1;rport", callId });

async function udpPeer(host = "127.0.0.1"): Promise<{ socket: DatagramSocket; port: number; heard: Arrivals<string>; say(octets: string | Buffer, port: number): void }> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  const heard = new Arrivals<string>();
  socket.on("message", (octets) => heard.add(octets.toString("latin1")));
  await new Promise<void>((bound) => socket.bind(0, host, bound));
  open.push({ close: () => new Promise<void>((done) => socket.close(done)) });
  return { socket, port: socket.address().port, heard, say: (octets, port) => socket.send(octets, port, host) };
}

interface TcpPeer {
  readonly socket: Socket;
  /** All octets so far, for a test to wait until they contain something. */
  until(text: string, times?: number): Promise<string>;
  readonly closed: Promise<void>;
}

function onStream(socket: Socket): TcpPeer {
  let text = "";
  const more = new Arrivals<number>();
  socket.on("data", (octets: Buffer) => {
    text += octets.toString("latin1");
    more.add(text.length);
  });
  socket.on("error", () => {});
  open.push({ close: () => socket.destroy() });
  return {
    socket,
    closed: new Promise((done) => socket.once("close", () => done())),
    async until(wanted, times = 1) {
      while (text.split(wanted).length <= times) await more.nth(more.all.length + 1);
      return text;
    },
  };
}

async function tcpPeer(port: number, host = "127.0.0.1"): Promise<TcpPeer> {
  const socket = connect({ port, host, noDelay: true });
  await once(socket, "connect");
  return onStream(socket);
}

/** A server that is not ours. */
async function tcpServer(port = 0): Promise<{ server: Server; port: number; accepted: Arrivals<TcpPeer> }> {
  const accepted = new Arrivals<TcpPeer>();
  const server = createServer((socket) => accepted.add(onStream(socket)));
  await new Promise<void>((bound) => server.listen(port, "127.0.0.1", bound));
  open.push({ close: () => new Promise<void>((done) => server.close(() => done())) });
  const address = server.address();
  return { server, accepted, port: typeof address === "object" && address !== null ? address.port : 0 };
}

const local = (name: TransportName) => ({ transport: name, host: "127.0.0.1", port: 0 });

const soon = (ms: number) => new Promise<void>((done) => void setTimeout(done, ms));

describe("UDP", () => {
  test("a request arrives with received and rport, and its response goes back to the port that it came from", async () => {
    const focus = transport();
    const { port } = await focus.listen(local("udp"));
    const peer = await udpPeer();
    peer.say(options(), port);
    const { message, flow } = await focus.arrived.nth(1);
    expect(message.get("Via")).toBe(`SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bK1;received=127.0.0.1;rport=${peer.port}`);
    expect(flow.remote).toEqual({ host: "127.0.0.1", port: peer.port });
    expect(await peer.heard.nth(1)).toMatch(/^SIP\/2\.0 200 OK\r\n/);
  });

  test("without rport the response goes to the Via's port, and a Via that tells the truth stays as it is", async () => {
    const focus = transport();
    const { port } = await focus.listen(local("udp"));
    const [sender, listener] = [await udpPeer(), await udpPeer()];
    sender.say(options({ via: `SIP/2.0/UDP 127.0.0.1:${listener.port};Branch=z9hG4bK1;x="y"` }), port);
    expect(await listener.heard.nth(1)).toContain(`\r\nVia: SIP/2.0/UDP 127.0.0.1:${listener.port};Branch=z9hG4bK1;x="y"\r\n`);
    expect(sender.heard.all).toEqual([]);
  });

  test("what the Via says of received and rport itself is replaced", async () => {
    const focus = transport();
    const { port } = await focus.listen(local("udp"));
    const peer = await udpPeer();
    peer.say(options({ via: "SIP/2.0/UDP client.example;received=10.9.9.9;branch=z9hG4bK1;rport=9" }), port);
    expect(await peer.heard.nth(1)).toContain(`Via: SIP/2.0/UDP client.example;branch=z9hG4bK1;received=127.0.0.1;rport=${peer.port}\r\n`);
  });

  test("a Via whose port is none, or who names another address in maddr, aims no response elsewhere", async () => {
    const focus = transport();
    const { port } = await focus.listen(local("udp"));
    const [peer, victim] = [await udpPeer(), await udpPeer()];
    peer.say(options({ via: `SIP/2.0/UDP 127.0.0.1:${peer.port};branch=z9hG4bK1;maddr=127.0.0.2` }), port);
    peer.say(options({ via: "SIP/2.0/UDP 127.0.0.1:0;branch=z9hG4bK2" }), port);
    await peer.heard.nth(1);
    expect(victim.heard.all).toEqual([]);
  });

  test("keep-alives and junk get no answer, and the next request does", async () => {
    const focus = transport();
    const { port } = await focus.listen(local("udp"));
    const peer = await udpPeer();
    const stun = Buffer.from("000100002112a442000102030405060708090a0b", "hex");
    for (const junk of ["\r\n\r\n", "\0\0\0\0", stun, Buffer.alloc(0), Buffer.alloc(60_000, "x"), "SIP/2.0 200 OK\r\n\r\n"]) peer.say(junk, port);
    peer.say(options(), port);
    expect(await peer.heard.nth(1)).toMatch(/^SIP\/2\.0 200 /);
    expect(focus.arrived.all).toHaveLength(1);
  });

  test.each([
    ["400", "of a CSeq that is none", options().replace("1 OPTIONS", "x OPTIONS")],
    ["400", "of another method in CSeq", options().replace("1 OPTIONS", "1 INVITE")],
    ["505", "of another version", options().replace("SIP/2.0\r\nVia", "SIP/7.0\r\nVia")],
  ])("%s because %s", async (status, _why, octets) => {
    const focus = transport();
    const { port } = await focus.listen(local("udp"));
    const peer = await udpPeer();
    peer.say(octets, port);
    const answer = await peer.heard.nth(1);
    expect(answer.slice(0, 12)).toBe(`SIP/2.0 ${status} `);
    expect(answer).toContain(`;received=127.0.0.1;rport=${peer.port}`);
    expect(focus.counters.udp.unreadable).toBe(1);
    expect(focus.arrived.all).toEqual([]);
  });

  test("a source above its budget is dropped, others are not", async () => {
    const focus = transport({ limits: { burstPerSource: 5, messagesPerSecondPerSource: 0.001 } });
    const { port } = await focus.listen({ transport: "udp", host: "0.0.0.0", port: 0 });
    const [flood, other] = [await udpPeer("127.0.0.1"), await udpPeer("127.0.0.2")];
    for (let i = 0; i < 20; i++) flood.socket.send(options({ callId: `f${i}` }), port, "127.0.0.1");
    while (focus.counters.udp.overBudget < 15) await soon(5);
    other.socket.send(options({ callId: "other" }), port, "127.0.0.1");
    await other.heard.nth(1);
    expect(focus.arrived.all.map(({ message }) => message.callId)).toEqual(["f0", "f1", "f2", "f3", "f4", "other"]);
  });

  test("a datagram that cannot leave is told to its sender and breaks nothing", async () => {
    const focus = transport();
    const { port } = await focus.listen(local("udp"));
    const peer = await udpPeer();
    const flow = await focus.flowTo({ ...local("udp"), port: peer.port }, 0);
    const error = await new Promise<Error>((failed) => flow.send(Buffer.alloc(70_000), failed));
    expect(error.message).toMatch(/EMSGSIZE/);
    peer.say(options(), port);
    await peer.heard.nth(1);
    expect(focus.counters.udp).toMatchObject({ messagesIn: 1, messagesOut: 2, sendErrors: 1 });
  });
});

describe("the budget of a source", () => {
  const { messagesPerSecondPerSource: messagesPerSecond, burstPerSource: burst } = defaultLimits;

  test("twenty thousand messages a second from one source are within the default", () => {
    const clock = new VirtualClock();
    const budget = new SourceBudget({ clock, messagesPerSecond, burst, maxSources: 10 });
    let quietMs = 0;
    for (let ms = 0; ms < 20_000; ms++) {
      for (let i = 0; i < 20; i++) quietMs += budget.take("10.0.0.1", 1);
      clock.advance(1);
    }
    expect(quietMs).toBe(0);
  });

  test("who takes too much has to be quiet until the debt is paid", () => {
    const clock = new VirtualClock();
    const budget = new SourceBudget({ clock, messagesPerSecond: 100, burst: 10, maxSources: 10 });
    expect(budget.take("a", 10)).toBe(0);
    expect(budget.take("a", 5)).toBe(50);
    expect(budget.take("a", 5)).toBe(50);
    expect(budget.take("b", 1)).toBe(0);
    clock.advance(50);
    expect(budget.take("a", 0)).toBe(0);
  });

  test("no more sources are remembered than allowed, the oldest is forgotten", () => {
    const budget = new SourceBudget({ clock: new VirtualClock(), messagesPerSecond: 1, burst: 1, maxSources: 2 });
    expect(budget.take("a", 2)).toBe(1000);
    budget.take("b", 1);
    expect(budget.take("a", 1)).toBe(1000);
    budget.take("c", 1);
    expect(budget.take("a", 1)).toBe(0);
  });
});

describe("TCP", () => {
  test("a message split at every octet, and two in one segment, are framed", async () => {
    const focus = transport();
    const { port } = await focus.listen(local("tcp"));
    const peer = await tcpPeer(port);
    for (const octet of options({ via: "SIP/2.0/TCP a.example;branch=z9hG4bK1", body: "one\r\n\r\ntwo" })) {
      peer.socket.write(octet);
      await new Promise<void>((flushed) => void setImmediate(flushed));
    }
    peer.socket.write(overTcp("c2") + overTcp("c3"));
    await peer.until("SIP/2.0 200", 3);
    expect(focus.arrived.all.map(({ message }) => message.callId)).toEqual(["c1", "c2", "c3"]);
    expect(focus.arrived.all[0]?.message.body.toString()).toBe("one\r\n\r\ntwo");
    expect(focus.counters.tcp).toMatchObject({ connections: 1, messagesIn: 3, messagesOut: 3 });
  });

  test("a double CRLF is answered by one, a single one by none", async () => {
    const focus = transport();
    const { port } = await focus.listen(local("tcp"));
    const peer = await tcpPeer(port);
    peer.socket.write("\r\n");
    peer.socket.write(`${overTcp()}\r\n\r\n`);
    const text = await peer.until("\r\n\r\n\r\n");
    expect(text.startsWith("SIP/2.0 200")).toBe(true);
    expect(text.endsWith("\r\n\r\n\r\n")).toBe(true);
  });

  test("a request to the peer takes the connection that is open, ours or its own", async () => {
    const [a, b] = [transport(), transport()];
    const { port } = await b.listen(local("tcp"));
    const target = { ...local("tcp"), port };
    const [first, second] = await Promise.all([a.flowTo(target, 0), a.flowTo(target, 0)]);
    expect(second).toBe(first);
    expect(await a.flowTo(target, 0)).toBe(first);
    first.send(Buffer.from(overTcp()));
    const { flow } = await b.arrived.nth(1);
    expect(await b.flowTo({ ...local("tcp"), port: flow.remote.port }, 0)).toBe(flow);
    expect([a.connections, b.connections]).toEqual([1, 1]);
  });

  test("the alias of a connection stands for the port of its Via", async () => {
    const focus = transport();
    const { port } = await focus.listen(local("tcp"));
    const peer = await tcpPeer(port);
    peer.socket.write(options({ via: "SIP/2.0/TCP 127.0.0.1:5999;branch=z9hG4bK1;alias" }));
    const { flow } = await focus.arrived.nth(1);
    expect(await focus.flowTo({ ...local("tcp"), port: 5999 }, 0)).toBe(flow);
    peer.socket.destroy();
    expect(await focus.lost.nth(1)).toBe(flow);
    expect(flow.closed).toBe(true);
    await expect(focus.flowTo({ ...local("tcp"), port: flow.remote.port }, 0)).rejects.toThrow("ECONNREFUSED");
  });

  test("a response whose connection has closed goes by a new one to the port of the Via", async () => {
    const focus = transport({ answers: false });
    const { port } = await focus.listen(local("tcp"));
    const elsewhere = await tcpServer();
    const peer = await tcpPeer(port);
    peer.socket.write(options({ via: `SIP/2.0/TCP a.example:${elsewhere.port};branch=z9hG4bK1;rport` }));
    const { message, flow } = await focus.arrived.nth(1);
    const path = focus.replyPath(message, flow);
    peer.socket.destroy();
    await focus.lost.nth(1);
    path.send(serialise(createResponse(message, 200, undefined, "t")));
    const later = await elsewhere.accepted.nth(1);
    expect(await later.until("Content-Length: 0")).toMatch(/^SIP\/2\.0 200 OK\r\n/);
  });

  test("a response that nobody takes is told to its sender", async () => {
    const focus = transport({ answers: false });
    const { port } = await focus.listen(local("tcp"));
    const gone = await tcpServer();
    await new Promise<void>((done) => gone.server.close(() => done()));
    const peer = await tcpPeer(port);
    peer.socket.write(options({ via: `SIP/2.0/TCP 127.0.0.1:${gone.port};branch=z9hG4bK1` }));
    const { message, flow } = await focus.arrived.nth(1);
    const path = focus.replyPath(message, flow);
    peer.socket.destroy();
    await focus.lost.nth(1);
    const error = await new Promise<Error>((failed) => path.send(Buffer.from("x"), failed));
    expect(error.message).toContain("ECONNREFUSED");
  });

  test("our Via names the listener, where the peer finds us when the connection is gone", async () => {
    const [a, b] = [transport(), transport()];
    const listening = await a.listen(local("tcp"));
    const { port } = await b.listen(local("tcp"));
    const flow = await a.flowTo({ ...local("tcp"), port }, 0);
    expect(flow.local.port).not.toBe(listening.port);
    expect(flow.sentBy).toBe(`127.0.0.1:${listening.port}`);
  });

  test("a message without Content-Length is answered 400, and the connection closed", async () => {
    const focus = transport();
    const { port } = await focus.listen(local("tcp"));
    const peer = await tcpPeer(port);
    peer.socket.write(overTcp().replace("Content-Length: 0\r\n", ""));
    expect(await peer.until("\r\n\r\n")).toMatch(/^SIP\/2\.0 400 /);
    await peer.closed;
    expect(focus.counters.tcp.refused).toBe(1);
  });
});

describe("RFC 3261 §18.1.1: a request above 1,300 octets", () => {
  /** A port that is free for both; somebody else may have the one of TCP. */
  async function onePort(b: Transport): Promise<number> {
    for (let tries = 0; ; tries++) {
      const { port } = await b.listen(local("udp"));
      const bound = await b.listen({ ...local("tcp"), port }).catch((fault: unknown) => {
        if (tries === 20) throw fault;
      });
      if (bound) return port;
    }
  }

  async function both(withTcp: boolean) {
    const [a, b] = [transport(), transport()];
    await a.listen(local("udp"));
    // The same port for both, as the rule supposes.
    const port = await (withTcp ? onePort(b) : b.listen(local("udp")).then((bound) => bound.port));
    const layer = new TransactionLayer({ clock: systemClock, random: systemRandom, transport: a, user: { onRequest() {}, onAck() {}, onCancel() {}, onServerTimeout() {} } });
    return { a, b, layer, target: { ...local("udp"), port } };
  }

  test.each([
    ["goes by TCP", true, 1301, "tcp"],
    ["goes by UDP when TCP is refused", false, 1301, "udp"],
    ["is one of 1,301, not of 1,300", true, 1300, "udp"],
  ])("%s", async (_title, withTcp, octets, expected) => {
    const { a, target } = await both(withTcp);
    expect((await a.flowTo(target, octets)).transport).toBe(expected);
  });

  test("arrives whole with a Via that names TCP, and the port of the listener only if there is one", async () => {
    const { b, layer, target } = await both(true);
    const { message } = await transportMessage(options({ body: "x".repeat(1300) }));
    layer.request(message, target, { onResponse() {}, onTimeout() {}, onTransportError() {} });
    const arrived = await b.arrived.nth(1);
    expect(arrived.message.body).toHaveLength(1300);
    expect(arrived.message.via).toHaveLength(1);
    expect(arrived.message.via[0]?.transport).toBe("TCP");
  });

  async function transportMessage(octets: string): Promise<Arrived> {
    const reader = transport();
    const { port } = await reader.listen(local("udp"));
    const peer = await udpPeer();
    peer.say(octets, port);
    return reader.arrived.nth(1);
  }
});

describe("IPv6", () => {
  test.each(["udp", "tcp"] as const)("%s between ::1 and ::1, with brackets in Via and none in received", async (name) => {
    const [a, b] = [transport(), transport()];
    const own = { transport: name, host: "::1", port: 0 };
    const listening = await a.listen(own);
    const { port } = await b.listen(own);
    const flow = await a.flowTo({ transport: name, host: "::1", port }, 0);
    expect(flow.sentBy).toBe(`[::1]:${listening.port}`);
    flow.send(Buffer.from(options({ via: `SIP/2.0/${name.toUpperCase()} ${flow.sentBy};branch=z9hG4bK1;rport` })));
    const { message } = await b.arrived.nth(1);
    expect(message.get("Via")).toBe(`SIP/2.0/${name.toUpperCase()} ${flow.sentBy};branch=z9hG4bK1;received=::1;rport=${name === "udp" ? listening.port : flow.local.port}`);
    const answer = await a.arrived.nth(1);
    expect(answer.message.status).toBe(200);
  });

  test("IPv4 and IPv6 listeners share a port number", async () => {
    const focus = transport();
    const { port } = await focus.listen({ transport: "udp", host: "0.0.0.0", port: 0 });
    await focus.listen({ transport: "udp", host: "::", port });
    const tcp = await focus.listen({ transport: "tcp", host: "0.0.0.0", port: 0 });
    await focus.listen({ transport: "tcp", host: "::", port: tcp.port });
    const flow = await focus.flowTo({ transport: "udp", host: "127.0.0.1", port: 9 }, 0);
    expect(flow.sentBy).toBe(`127.0.0.1:${port}`);
  });
});

describe("TLS", () => {
  const identity = selfSigned("cpm.example");

  test("a request and its response pass between two of us, by the name that was resolved", async () => {
    const [a, b] = [transport({ tls: { ...identity, ca: identity.cert } }), transport({ tls: identity })];
    const { port } = await b.listen(local("tls"));
    const target = { ...local("tls"), port, name: "cpm.example" };
    const flow = await a.flowTo(target, 0);
    expect(await a.flowTo(target, 0)).toBe(flow);
    flow.send(Buffer.from(options({ via: "SIP/2.0/TLS 127.0.0.1:5999;branch=z9hG4bK1" })));
    expect((await a.arrived.nth(1)).message.status).toBe(200);
    expect((await b.arrived.nth(1)).flow.transport).toBe("tls");
  });

  test("a certificate of nobody that we trust, or of another name, is no connection", async () => {
    const b = transport({ tls: identity });
    const { port } = await b.listen(local("tls"));
    await expect(transport({ tls: selfSigned("cpm.example") }).flowTo({ ...local("tls"), port }, 0)).rejects.toThrow("self-signed certificate");
    const trusting = transport({ tls: { ...identity, ca: identity.cert } });
    await expect(trusting.flowTo({ ...local("tls"), port, name: "other.example" }, 0)).rejects.toThrow("other.example");
  });

  test("no renegotiation, no TLS 1.1, no plain text, and the next peer is served", async () => {
    const focus = transport({ tls: identity });
    const { port } = await focus.listen(local("tls"));
    const renegotiating = connectTls({ port, host: "127.0.0.1", ca: identity.cert, maxVersion: "TLSv1.2" });
    await once(renegotiating, "secureConnect");
    open.push({ close: () => renegotiating.destroy() });
    const refused = new Promise<Error>((failed) => void renegotiating.once("error", failed));
    renegotiating.renegotiate({}, () => {});
    expect((await refused).message).toContain("no renegotiation");
    const old = onStream(connectTls({ port, host: "127.0.0.1", ca: identity.cert, minVersion: "TLSv1", maxVersion: "TLSv1.1" }));
    await old.closed;
    const plain = await tcpPeer(port);
    plain.socket.write(overTcp());
    await plain.closed;
    const good = connectTls({ port, host: "127.0.0.1", ca: identity.cert });
    await once(good, "secureConnect");
    const peer = onStream(good);
    good.write(options({ via: "SIP/2.0/TLS 127.0.0.1:5999;branch=z9hG4bK1" }));
    expect(await peer.until("\r\n\r\n")).toMatch(/^SIP\/2\.0 200 /);
  });
});

describe("peers that mean no good", () => {
  const impatient = { headTimeoutMs: 200, bodyTimeoutMs: 200, idleMs: 400 };

  test.each([
    ["says nothing", ""],
    ["sends a head octet by octet without end", "OPTIONS sip:focus@127.0.0.1 SIP/2.0\r\nX: "],
    ["never sends the body that it promised", overTcp().replace("Content-Length: 0", "Content-Length: 100")],
  ])("a connection that %s is closed", async (_what, start) => {
    const focus = transport({ limits: impatient });
    const { port } = await focus.listen(local("tcp"));
    const peer = await tcpPeer(port);
    peer.socket.write(start);
    const drip = setInterval(() => start !== "" && peer.socket.write("z"), 20);
    await peer.closed;
    clearInterval(drip);
    expect(focus.counters.tcp.refused).toBe(1);
    await focus.lost.nth(1);
    expect(focus.connections).toBe(0);
  });

  test("a connection that has spoken may be idle for longer, but not for ever, and a keep-alive counts", async () => {
    const focus = transport({ limits: impatient });
    const { port } = await focus.listen(local("tcp"));
    const [idle, lively] = [await tcpPeer(port), await tcpPeer(port)];
    idle.socket.write(overTcp());
    lively.socket.write(overTcp());
    const ping = setInterval(() => lively.socket.write("\r\n\r\n"), 50);
    const started = performance.now();
    await idle.closed;
    await focus.lost.nth(1);
    clearInterval(ping);
    expect(performance.now() - started).toBeGreaterThan(350);
    expect(focus.connections).toBe(1);
  });

  test("a head without end is cut off at its limit", async () => {
    const focus = transport();
    const { port } = await focus.listen(local("tcp"));
    const peer = await tcpPeer(port);
    peer.socket.write("OPTIONS sip:focus@127.0.0.1 SIP/2.0\r\nX: ");
    let written = 0;
    const pour = () => {
      while (!peer.socket.destroyed && written < 64 << 20) {
        written += 65536;
        if (!peer.socket.write(Buffer.alloc(65536, "z"))) return void peer.socket.once("drain", pour);
      }
    };
    pour();
    await peer.closed;
    expect(written).toBeLessThan(16 << 20);
    expect(focus.counters.tcp.octetsIn).toBeLessThan(1 << 20);
  });

  test("half-closed and reset connections leave nothing behind", async () => {
    const focus = transport();
    const { port } = await focus.listen(local("tcp"));
    for (let i = 0; i < 60; i++) {
      const peer = await tcpPeer(port);
      if (i % 3 !== 0) peer.socket.write(overTcp().slice(0, i * 5));
      if (i % 2 === 0) peer.socket.resetAndDestroy();
      else peer.socket.end();
    }
    const good = await tcpPeer(port);
    good.socket.write(overTcp());
    await good.until("SIP/2.0 200");
    while (focus.connections > 1) await soon(5);
    expect(focus.connections).toBe(1);
  });

  test("a flood of connections stops at the limit of its source, and the open ones are served", async () => {
    const focus = transport({ limits: { maxConnectionsPerSource: 20 } });
    const { port } = await focus.listen(local("tcp"));
    const flood = await Promise.all(Array.from({ length: 60 }, () => tcpPeer(port)));
    while (focus.counters.tcp.refused < 40) await soon(5);
    expect(focus.connections).toBe(20);
    const [first] = flood;
    first?.socket.write(overTcp());
    await first?.until("SIP/2.0 200");
    for (const { socket } of flood) socket.destroy();
    while (focus.connections > 0) await soon(5);
    const next = await tcpPeer(port);
    next.socket.write(overTcp());
    await next.until("SIP/2.0 200");
  });

  test("a peer that sends and does not read is not read either, and what waits for it is bounded", async () => {
    const focus = transport({ limits: { maxQueuedOctets: 1 << 20 } });
    const { port } = await focus.listen(local("tcp"));
    const peer = await tcpPeer(port);
    peer.socket.pause();
    const many = Buffer.from(overTcp().repeat(200));
    let written = 0;
    while (peer.socket.write(many) || written < 400) {
      written++;
      await soon(0);
      if (peer.socket.writableLength > 4 << 20) break;
    }
    await soon(100);
    const { flow } = await focus.arrived.nth(1);
    expect(flow.closed).toBe(false);
    const read = focus.counters.tcp.messagesIn;
    await soon(100);
    expect(focus.counters.tcp.messagesIn).toBe(read);
    for (let i = 0; i < 64; i++) flow.send(Buffer.alloc(1 << 16, "x"));
    await focus.lost.nth(1);
    expect(flow.closed).toBe(true);
    const error = await new Promise<Error>((failed) => flow.send(Buffer.from("x"), failed));
    expect(error.message).toBe("the flow is closed");
  });

  test("a source above its budget is read more slowly, and loses nothing", async () => {
    const focus = transport({ limits: { burstPerSource: 10, messagesPerSecondPerSource: 200 } });
    const { port } = await focus.listen(local("tcp"));
    const peer = await tcpPeer(port);
    const started = performance.now();
    for (let i = 0; i < 50; i++) {
      peer.socket.write(overTcp(`c${i}`));
      await soon(1);
    }
    await focus.arrived.nth(50);
    expect(performance.now() - started).toBeGreaterThan(120);
  });
});

describe("listeners", () => {
  test.each(["udp", "tcp", "tls"] as const)("%s: a port in use is one clear error", async (name) => {
    const focus = transport({ tls: selfSigned("cpm.example") });
    const { port } = await focus.listen(local(name));
    await expect(focus.listen({ ...local(name), port })).rejects.toThrow(`cannot listen on sip ${name}:127.0.0.1:${port}: the port is in use`);
  });

  test("an address that is not ours, and TLS without a key, are clear errors", async () => {
    const focus = transport();
    await expect(focus.listen({ transport: "udp", host: "192.0.2.1", port: 0 })).rejects.toThrow("this machine has no such address");
    await expect(focus.listen({ transport: "tcp", host: "192.0.2.1", port: 0 })).rejects.toThrow("this machine has no such address");
    await expect(focus.listen(local("tls"))).rejects.toThrow("TLS needs a key and a certificate");
  });

  test("a target that is a name, or has no port, is no target", async () => {
    const focus = transport();
    await expect(focus.flowTo({ transport: "udp", host: "cpm.example", port: 5060 }, 0)).rejects.toThrow("no SIP target");
    await expect(focus.flowTo({ transport: "tcp", host: "127.0.0.1", port: 0 }, 0)).rejects.toThrow("no SIP target");
    await expect(focus.flowTo({ transport: "udp", host: "127.0.0.1", port: 5060 }, 0)).rejects.toThrow("no UDP socket of ours");
  });

  test("close gives every port back, sends what is written, and ends the flows", async () => {
    const focus = transport();
    const udp = await focus.listen(local("udp"));
    const tcp = await focus.listen(local("tcp"));
    const peer = await tcpPeer(tcp.port);
    peer.socket.write(overTcp());
    const { flow } = await focus.arrived.nth(1);
    flow.send(Buffer.from("the last words"));
    await focus.close();
    await peer.until("the last words");
    await peer.closed;
    expect(flow.closed).toBe(true);
    const next = transport();
    await next.listen({ ...local("udp"), port: udp.port });
    await next.listen({ ...local("tcp"), port: tcp.port });
  });
});
