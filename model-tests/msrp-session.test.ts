import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock, type Clock } from "../runtime/clock.ts";
import { MsrpEndpoint, type Limits, type TlsOptions } from "../runtime/msrp/endpoint.ts";
import type { Report } from "../runtime/msrp/message.ts";
import type { ChunkReceiver, IncomingChunk, IncomingMessage, Loss, MessageReceiver, MsrpSession, Remote } from "../runtime/msrp/session.ts";
import { systemRandom } from "../runtime/random.ts";
import { selfSigned } from "./certificate.ts";
import { MsrpPeer } from "./msrp-peer.ts";
import { VirtualClock } from "./virtual-clock.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function endpointOf(limits: Partial<Limits> = {}, clock: Clock = systemClock, tlsOptions?: TlsOptions): Promise<MsrpEndpoint> {
  const endpoint = new MsrpEndpoint({ clock, random: systemRandom, limits, ...(tlsOptions ? { tls: tlsOptions } : {}) });
  open.push(endpoint);
  await endpoint.listen({ transport: "tcp", host: "127.0.0.1", port: 0 });
  return endpoint;
}

/** A session and everything that it told. */
class Told {
  readonly session: MsrpSession;
  readonly messages: IncomingMessage[] = [];
  readonly bodies: string[] = [];
  readonly losses: Loss[] = [];
  readonly reports: Report[] = [];
  bound = 0;

  constructor(endpoint: MsrpEndpoint, receive?: MessageReceiver | ChunkReceiver, options?: { transport?: "tcp" | "tls" }) {
    const whole: MessageReceiver = {
      onMessage: (message) => {
        this.messages.push(message);
        this.bodies.push(message.body.toString("latin1"));
        message.respond(200);
      },
    };
    this.session = endpoint.createSession(
      {
        receive: receive ?? whole,
        onBound: () => void this.bound++,
        onLost: (reason) => void this.losses.push(reason),
        onReport: (report) => void this.reports.push(report),
      },
      options,
    );
  }
}

const alice = "msrp://192.0.2.1:9/alice;tcp";
const text = (messageId: string, body: string, more: readonly string[] = []) => [`Message-ID: ${messageId}`, `Byte-Range: 1-${body.length}/${body.length}`, ...more, "Content-Type: text/plain", "", body];

async function connect(path: string, from = alice): Promise<MsrpPeer> {
  const peer = await MsrpPeer.connect(path, from);
  open.push(peer);
  return peer;
}

/** A session whose peer has bound it. */
async function bound(endpoint: MsrpEndpoint, receive?: MessageReceiver | ChunkReceiver): Promise<{ told: Told; session: MsrpSession; path: string; peer: MsrpPeer }> {
  const told = new Told(endpoint, receive);
  const { session } = told;
  session.setRemote({ path: alice, setup: "active" });
  const peer = await connect(session.localPath);
  expect((await peer.bind(session.localPath)).what).toBe("200 OK");
  return { told, session, path: session.localPath, peer };
}

/** After everything that is under way on loopback. */
async function until(condition: () => boolean): Promise<void> {
  for (let wait = 0; !condition(); wait++) {
    if (wait > 1000) throw new Error(`not in time: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe("binding", () => {
  test("our path: the listener's address and 128 random bits, another one each", async () => {
    const endpoint = await endpointOf();
    const paths = Array.from({ length: 50 }, () => new Told(endpoint).session.localPath);
    for (const path of paths) expect(path).toMatch(/^msrp:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32};tcp$/);
    expect(new Set(paths).size).toBe(50);
  });

  test("the empty SEND binds and is answered octet for octet", async () => {
    const endpoint = await endpointOf();
    const told = new Told(endpoint);
    const { session } = told;
    session.setRemote({ path: alice, setup: "active" });
    expect(session.bound).toBe(false);
    const peer = await connect(session.localPath);
    const answer = await peer.bind(session.localPath);
    expect(answer.octets).toBe(`MSRP bind1 200 OK\r\nTo-Path: ${alice}\r\nFrom-Path: ${session.localPath}\r\n-------bind1$\r\n`);
    expect([told.bound, session.bound, told.messages]).toEqual([1, true, []]);
  });

  test("without Byte-Range as well, and with Failure-Report: no in silence", async () => {
    const endpoint = await endpointOf();
    const told = new Told(endpoint);
    told.session.setRemote({ path: alice });
    const peer = await connect(told.session.localPath);
    peer.send(told.session.localPath, "s001", ["Message-ID: m001", "Failure-Report: no"]);
    peer.send(told.session.localPath, "s002", ["Message-ID: m002"]);
    expect(await peer.next()).toMatchObject({ id: "s002", what: "200 OK" });
    expect(told.bound).toBe(1);
  });

  test("a session that is not here: 481, and the connection may try another one", async () => {
    const endpoint = await endpointOf();
    const { session } = new Told(endpoint);
    session.setRemote({ path: alice });
    const peer = await connect(session.localPath);
    for (const wrong of [session.localPath.replace(/[0-9a-f]{32}/, "0".repeat(32)), session.localPath.replace("msrp:", "msrps:"), session.localPath.replace("127.0.0.1", "127.0.0.2"), `${session.localPath} ${alice}`]) {
      peer.send(wrong, "s001", ["Message-ID: m001"]);
      expect(await peer.next()).toMatchObject({ id: "s001", what: "481 Session does not exist" });
    }
    expect((await peer.bind(session.localPath)).what).toBe("200 OK");
  });

  test("the peer is not who the session description names: 481", async () => {
    const endpoint = await endpointOf();
    const told = new Told(endpoint);
    told.session.setRemote({ path: alice });
    const mallory = await connect(told.session.localPath, "msrp://192.0.2.1:9/mallory;tcp");
    expect((await mallory.bind(told.session.localPath)).what).toMatch(/^481 /);
    const again = await connect(told.session.localPath, "msrp://someone@192.0.2.1:9/alice;TCP");
    expect((await again.bind(told.session.localPath)).what).toBe("200 OK");
    expect(told.bound).toBe(1);
  });

  test("another connection that names a bound session: 506, and nothing of it is taken", async () => {
    const endpoint = await endpointOf();
    const { told, path } = await bound(endpoint);
    const second = await connect(path);
    second.send(path, "s001", text("m001", "mine now"));
    expect((await second.next()).what).toMatch(/^506 /);
    expect(told.bodies).toEqual([]);
  });

  test("one connection may bind several sessions, and speaks for those alone", async () => {
    const endpoint = await endpointOf();
    const one = await bound(endpoint);
    const two = new Told(endpoint);
    two.session.setRemote({ path: alice });
    one.peer.send(two.session.localPath, "s001", text("m001", "second session"));
    expect((await one.peer.next()).what).toBe("200 OK");
    const other = await bound(endpoint);
    one.peer.send(other.path, "s002", text("m002", "not mine"));
    expect((await one.peer.next()).what).toMatch(/^506 /);
    expect([one.told.bodies, two.bodies, other.told.bodies]).toEqual([[], ["second session"], []]);
    one.session.close();
    one.peer.send(two.session.localPath, "s003", text("m003", "still here"));
    expect((await one.peer.next()).what).toBe("200 OK");
    two.session.close();
    await one.peer.ended();
  });

  test("a peer that is faster than its session description waits", async () => {
    const endpoint = await endpointOf();
    const told = new Told(endpoint);
    const peer = await connect(told.session.localPath);
    peer.send(told.session.localPath, "s001", ["Message-ID: m001"]);
    peer.send(told.session.localPath, "s002", text("m002", "early"));
    const second = await connect(told.session.localPath);
    await until(() => told.session.connection !== undefined);
    expect((await second.bind(told.session.localPath)).what).toMatch(/^506 /);
    expect([peer.waiting, told.bodies]).toEqual([[], []]);
    told.session.setRemote({ path: alice, setup: "active" });
    expect([await peer.next(), await peer.next()].map(({ id, what }) => [id, what])).toEqual([["s001", "200 OK"], ["s002", "200 OK"]]);
    expect(told.bodies).toEqual(["early"]);
  });

  test("if the session ends meanwhile, or was another's, it is 481", async () => {
    const endpoint = await endpointOf();
    for (const settle of [(told: Told) => told.session.close(), (told: Told) => told.session.setRemote({ path: "msrp://192.0.2.7:9/bob;tcp" })]) {
      const told = new Told(endpoint);
      const peer = await connect(told.session.localPath);
      peer.send(told.session.localPath, "s001", ["Message-ID: m001"]);
      await until(() => told.session.connection !== undefined);
      settle(told);
      expect((await peer.next()).what).toMatch(/^481 /);
      expect(told.bound).toBe(0);
    }
  });

  test("a REPORT binds nothing and is answered with nothing", async () => {
    const endpoint = await endpointOf();
    const told = new Told(endpoint);
    told.session.setRemote({ path: alice });
    const peer = await connect(told.session.localPath);
    peer.write(`MSRP r001 REPORT\r\nTo-Path: ${told.session.localPath}\r\nFrom-Path: ${alice}\r\nMessage-ID: m001\r\nByte-Range: 1-1/1\r\nStatus: 000 200 OK\r\n-------r001$\r\n`);
    expect(await peer.bind(told.session.localPath)).toMatchObject({ id: "bind1" });
    expect(told.reports).toEqual([]);
  });

  test("a connection that binds nothing is closed", async () => {
    const clock = new VirtualClock();
    const endpoint = await endpointOf({ bindMs: 10_000 }, clock);
    const { session } = new Told(endpoint);
    const peer = await connect(session.localPath);
    await until(() => endpoint.connectionCount === 1);
    clock.advance(9_000);
    expect(endpoint.connectionCount).toBe(1);
    clock.advance(3_000);
    await peer.ended();
    expect(endpoint.connectionCount).toBe(0);
  });
});

describe("active", () => {
  async function listening(handle: (peer: MsrpPeer) => void = () => {}): Promise<{ path: string; port: number; accepted: Promise<MsrpPeer> }> {
    const server = net.createServer();
    const accepted = once(server, "connection").then(([socket]) => {
      const peer = new MsrpPeer(socket as net.Socket, local);
      open.push(peer);
      handle(peer);
      return peer;
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    open.push(server);
    const { port } = server.address() as AddressInfo;
    const local = `msrp://127.0.0.1:${port}/peer;tcp`;
    return { path: local, port, accepted };
  }

  test("the peer is passive: we connect, bind with an empty SEND and then send", async () => {
    const endpoint = await endpointOf();
    const told = new Told(endpoint);
    const { path, accepted } = await listening();
    const outcomes: number[] = [];
    told.session.send({ contentType: "text/plain", body: Buffer.from("at once") }, (status) => outcomes.push(status));
    told.session.setRemote({ path, setup: "passive" });
    const peer = await accepted;
    const bind = await peer.next();
    expect(bind).toMatchObject({ what: "SEND", body: undefined, fields: { "To-Path": path, "From-Path": told.session.localPath, "Byte-Range": "1-0/0" } });
    expect(told.bound).toBe(0);
    peer.answer(bind, "200 OK");
    const message = await peer.next();
    expect(message).toMatchObject({ body: "at once", fields: { "Byte-Range": "1-7/7", "Content-Type": "text/plain" } });
    peer.answer(message, "200 OK");
    await until(() => outcomes.length > 0);
    expect([told.bound, outcomes]).toEqual([1, [200]]);
  });

  test("the peer refuses the binding, closes, or is not there: the session is lost, once", async () => {
    const endpoint = await endpointOf();
    const refusing = await listening((peer) => void peer.next().then((bind) => peer.answer(bind, "481 No")));
    const closing = await listening((peer) => void peer.next().then(() => peer.close()));
    const nowhere = await listening();
    await new Promise((resolve) => (open.pop() as net.Server).close(resolve));
    for (const [remote, reason] of [[refusing, "refused"], [closing, "closed"], [nowhere, "notConnected"]] as const) {
      const told = new Told(endpoint);
      told.session.setRemote({ path: remote.path, setup: "passive" });
      await until(() => told.losses.length > 0);
      expect([told.losses, told.session.ended]).toEqual([[reason], true]);
    }
    expect(endpoint.sessionCount).toBe(0);
  });

  test("no answer to the binding in 30 s", async () => {
    const clock = new VirtualClock();
    const endpoint = await endpointOf({}, clock);
    const told = new Told(endpoint);
    const { path, accepted } = await listening();
    told.session.setRemote({ path, setup: "passive" });
    await (await accepted).next();
    clock.advance(29_000);
    expect(told.losses).toEqual([]);
    clock.advance(3_000);
    expect(told.losses).toEqual(["refused"]);
  });

  test("CEMA: the connection goes to the address of c= and m=, the paths stay", async () => {
    const endpoint = await endpointOf();
    const told = new Told(endpoint);
    const { port, accepted } = await listening();
    const far = "msrp://203.0.113.5:2855/far;tcp";
    told.session.setRemote({ path: far, setup: "passive", cema: true, address: { host: "127.0.0.1", port } });
    const peer = await accepted;
    const bind = await peer.next();
    expect(bind.fields["To-Path"]).toBe(far);
    peer.write(`MSRP ${bind.id} 200 OK\r\nTo-Path: ${told.session.localPath}\r\nFrom-Path: ${far}\r\n-------${bind.id}$\r\n`);
    peer.write(`MSRP s001 SEND\r\nTo-Path: ${told.session.localPath}\r\nFrom-Path: ${far}\r\nMessage-ID: m001\r\nContent-Type: text/plain\r\n\r\nthrough the anchor\r\n-------s001$\r\n`);
    await until(() => told.bodies.length > 0);
    expect(told.bodies).toEqual(["through the anchor"]);
  });

  test("a path that is none", async () => {
    const endpoint = await endpointOf();
    const { session } = new Told(endpoint);
    for (const path of ["", "sip:bob@example", "msrp://h:1/a;tcp\r\nX: y"]) expect(() => session.setRemote({ path })).toThrow(expect.objectContaining({ fault: "MSRP_MALFORMED", status: 400 }));
  });

  test("two endpoints over IPv6", async () => {
    const endpoint = new MsrpEndpoint({ clock: systemClock, random: systemRandom });
    open.push(endpoint);
    await endpoint.listen({ transport: "tcp", host: "::1", port: 0 });
    const [passive, active] = [new Told(endpoint), new Told(endpoint)];
    expect(passive.session.localPath).toMatch(/^msrp:\/\/\[::1\]:\d+\//);
    passive.session.setRemote({ path: active.session.localPath, setup: "active" });
    active.session.setRemote({ path: passive.session.localPath, setup: "passive" });
    active.session.send({ contentType: "text/plain", body: Buffer.from("six") });
    await until(() => passive.bodies.length > 0 && active.bound > 0);
    expect([passive.bodies, active.bound]).toEqual([["six"], 1]);
  });
});

describe("TLS", () => {
  const certificate = selfSigned("focus.example");

  async function secure(remote: (fingerprint: string) => Partial<Remote>, ca?: string): Promise<{ passive: Told; active: Told }> {
    const server = await endpointOf({}, systemClock, certificate);
    await server.listen({ transport: "tls", host: "127.0.0.1", port: 0 });
    const client = await endpointOf({}, systemClock, { ...selfSigned("client.example"), ...(ca ? { ca } : {}) });
    const passive = new Told(server, undefined, { transport: "tls" });
    const active = new Told(client);
    passive.session.setRemote({ path: active.session.localPath, setup: "active" });
    active.session.setRemote({ path: passive.session.localPath, setup: "passive", ...remote(server.fingerprint!) });
    active.session.send({ contentType: "text/plain", body: Buffer.from("secret") });
    await until(() => active.bound + active.losses.length > 0);
    return { passive, active };
  }

  test("msrps, with the certificate that the fingerprint names", async () => {
    const { passive } = await secure((fingerprint) => ({ fingerprint }));
    expect(passive.session.localPath).toMatch(/^msrps:\/\//);
    await until(() => passive.bodies.length > 0);
    expect(passive.bodies).toEqual(["secret"]);
  });

  test("msrps, with an authority that we trust", async () => {
    const { active } = await secure(() => ({}), certificate.cert);
    expect([active.bound, active.losses]).toEqual([1, []]);
  });

  test("a certificate that nobody vouches for, and another one than the fingerprint names", async () => {
    for (const remote of [{}, { fingerprint: `SHA-256 ${Array(32).fill("00").join(":")}` }, { fingerprint: "MD5 00" }]) {
      const { passive, active } = await secure(() => remote);
      expect([active.losses, passive.bound]).toEqual([["notTrusted"], 0]);
    }
  });

  test("a session of the TLS listener is not to be had over TCP, nor the other way round", async () => {
    const endpoint = await endpointOf({}, systemClock, certificate);
    await endpoint.listen({ transport: "tls", host: "127.0.0.1", port: 0 });
    const [secured, plain] = [new Told(endpoint, undefined, { transport: "tls" }), new Told(endpoint)];
    for (const { session } of [secured, plain]) session.setRemote({ path: alice });
    const overTcp = await connect(plain.session.localPath);
    const overTls = await MsrpPeer.connect(secured.session.localPath, alice, { rejectUnauthorized: false });
    open.push(overTls);
    expect((await overTcp.bind(secured.session.localPath)).what).toMatch(/^481/);
    expect((await overTls.bind(plain.session.localPath)).what).toMatch(/^481/);
    expect((await overTls.bind(secured.session.localPath)).what).toBe("200 OK");
  });
});

describe("whole messages in", () => {
  test("one chunk: delivered, and answered as the user says, once and when he says", async () => {
    const asked: IncomingMessage[] = [];
    const { path, peer } = await bound(await endpointOf(), { onMessage: (message) => void asked.push(message) });
    for (const [k, status] of [200, 403, 404, 413, 415, 428].entries()) {
      peer.send(path, `s00${k}`, text(`m00${k}`, `hello ${k}`, ["Content-Disposition: notification", "Success-Report: yes"]));
      await until(() => asked.length === k + 1);
      expect(asked[k]).toMatchObject({ messageId: `m00${k}`, contentType: "text/plain", headers: [["Content-Disposition", "notification"]], wantsSuccessReport: true, totalOctets: 7 });
      expect(peer.waiting).toEqual([]);
      asked[k]!.respond(status, k === 1 ? "Go\r\naway: you" : undefined);
      asked[k]!.respond(500);
      const answer = await peer.next();
      expect(answer).toMatchObject({ id: `s00${k}`, fields: { "To-Path": alice, "From-Path": path } });
      expect(answer.what).toMatch(k === 1 ? /^403 Go  away: you$/ : new RegExp(`^${status} \\S`));
    }
  });

  test("a CPIM message in many chunks, a frame over many segments and many frames in a segment", async () => {
    const cpim = `From: <sip:alice@home.example>\r\nTo: <sip:g1@cf.home.example>\r\n\r\nContent-Type: text/plain\r\n\r\n${"long ".repeat(900)}`;
    const { told, path, peer } = await bound(await endpointOf());
    let octets = "";
    for (let at = 0, k = 0; at < cpim.length; at += 1000, k++) {
      const piece = cpim.slice(at, at + 1000);
      const flag = at + 1000 < cpim.length ? "+" : "$";
      octets += `MSRP c00${k} SEND\r\nTo-Path: ${path}\r\nFrom-Path: ${alice}\r\nMessage-ID: m001\r\nByte-Range: ${at + 1}-${at + piece.length}/${cpim.length}\r\nContent-Type: message/cpim\r\n\r\n${piece}\r\n-------c00${k}${flag}\r\n`;
    }
    peer.write(octets);
    for (let k = 0; k < 5; k++) expect(await peer.next()).toMatchObject({ id: `c00${k}`, what: "200 OK" });
    for (let at = 0; at < octets.length; at += 97) {
      peer.write(octets.slice(at, at + 97));
      if (at % 1000 < 97) await new Promise(setImmediate);
    }
    for (let k = 0; k < 5; k++) expect(await peer.next()).toMatchObject({ id: `c00${k}`, what: "200 OK" });
    expect(told.bodies).toEqual([cpim, cpim]);
  });

  const chunk = (messageId: string, range: string, body: string) => [`Message-ID: ${messageId}`, `Byte-Range: ${range}`, "Content-Type: text/plain", "", body];

  test("chunks out of order, twice, overlapping; the last one to come completes", async () => {
    const { told, path, peer } = await bound(await endpointOf());
    peer.send(path, "c001", chunk("m001", "7-9/9", "ghi"), "$");
    peer.send(path, "c002", chunk("m001", "1-3/9", "abc"), "+");
    peer.send(path, "c003", chunk("m001", "1-4/9", "abcd"), "+");
    expect(told.bodies).toEqual([]);
    peer.send(path, "c004", chunk("m001", "4-6/9", "def"), "+");
    for (const id of ["c001", "c002", "c003", "c004"]) expect(await peer.next()).toMatchObject({ id, what: "200 OK" });
    expect(told.bodies).toEqual(["abcdefghi"]);
  });

  test("messages interleaved, as many as the limit; one more is 413 and hurts no other", async () => {
    const { told, path, peer } = await bound(await endpointOf({ maxInterleavedMessages: 2 }));
    peer.send(path, "c001", chunk("m001", "1-*/*", "one "), "+");
    peer.send(path, "c002", chunk("m002", "1-*/*", "two "), "+");
    peer.send(path, "c003", chunk("m003", "1-*/*", "three "), "+");
    peer.send(path, "c004", chunk("m001", "5-*/*", "uno"), "$");
    peer.send(path, "c005", chunk("m003", "7-*/*", "tre"), "$");
    peer.send(path, "c006", chunk("m002", "5-*/*", "due"), "$");
    const answers = [];
    for (let k = 0; k < 6; k++) answers.push((await peer.next()).what.slice(0, 3));
    expect(answers).toEqual(["200", "200", "413", "200", "413", "200"]);
    expect(told.bodies).toEqual(["one uno", "two due"]);
  });

  test("too long: 413 at once where the total says so, else when the octets do, in the middle of a chunk", async () => {
    const { told, path, peer } = await bound(await endpointOf({ maxMessageOctets: 1000 }));
    peer.write(`MSRP c001 SEND\r\nTo-Path: ${path}\r\nFrom-Path: ${alice}\r\nMessage-ID: m001\r\nByte-Range: 1-*/1001\r\nContent-Type: text/plain\r\n\r\nthe rest is not`);
    expect((await peer.next()).what).toBe("413 Stop sending this message");
    peer.write(` awaited\r\n-------c001#\r\n`);
    peer.write(`MSRP c002 SEND\r\nTo-Path: ${path}\r\nFrom-Path: ${alice}\r\nMessage-ID: m002\r\nByte-Range: 1-*/*\r\nContent-Type: text/plain\r\n\r\n${"x".repeat(1001)}`);
    expect((await peer.next()).what).toMatch(/^413/);
    peer.write(`\r\n-------c002+\r\n`);
    peer.send(path, "c003", chunk("m002", "1002-*/*", "more"), "$");
    expect((await peer.next()).what).toMatch(/^413/);
    peer.send(path, "c004", chunk("m003", "1-1000/1000", "y".repeat(1000)), "$");
    expect((await peer.next()).what).toBe("200 OK");
    expect(told.bodies).toEqual(["y".repeat(1000)]);
  });

  test("abandoned with #: answered, dropped, and its Message-ID is free", async () => {
    const { told, path, peer } = await bound(await endpointOf());
    peer.send(path, "c001", chunk("m001", "1-*/8", "half"), "+");
    peer.send(path, "c002", chunk("m001", "5-*/8", "x"), "#");
    peer.send(path, "c003", chunk("m001", "1-4/4", "anew"), "$");
    for (const id of ["c001", "c002", "c003"]) expect(await peer.next()).toMatchObject({ id, what: "200 OK" });
    expect(told.bodies).toEqual(["anew"]);
  });

  test.each([
    ["more octets than the range", "1-2/5", "hello", "$"],
    ["more octets than the total", "1-*/4", "hello", "$"],
    ["$ before the total", "1-*/6", "hello", "$"],
    ["end before start", "3-1/5", "hello", "$"],
    ["beyond 2^53", "1-99999999999999999999/99999999999999999999", "hello", "$"],
  ])("a false Byte-Range: %s", async (_, range, body, flag) => {
    const { told, path, peer } = await bound(await endpointOf());
    peer.send(path, "c001", chunk("m001", range, body), flag);
    expect((await peer.next()).what).toMatch(/^400 /);
    peer.send(path, "c002", chunk("m002", "1-2/2", "ok"), "$");
    expect((await peer.next()).what).toBe("200 OK");
    expect(told.bodies).toEqual(["ok"]);
  });

  test("a total that changes, and a hole that the last chunk leaves", async () => {
    const { told, path, peer } = await bound(await endpointOf());
    peer.send(path, "c001", chunk("m001", "1-3/9", "abc"), "+");
    peer.send(path, "c002", chunk("m001", "4-6/8", "def"), "+");
    peer.send(path, "c003", chunk("m002", "1-3/9", "abc"), "+");
    peer.send(path, "c004", chunk("m002", "7-9/9", "ghi"), "$");
    const answers = [];
    for (let k = 0; k < 4; k++) answers.push((await peer.next()).what.slice(0, 3));
    expect([answers, told.bodies]).toEqual([["200", "400", "200", "200"], []]);
  });

  test("1-*/* with a short body is a whole message; octets that are no message need a Content-Type", async () => {
    const { told, path, peer } = await bound(await endpointOf());
    peer.send(path, "c001", chunk("m001", "1-*/*", "short"), "$");
    expect((await peer.next()).what).toBe("200 OK");
    peer.send(path, "c002", ["Message-ID: m002", "Byte-Range: 1-5/5", "", "naked"], "$");
    expect((await peer.next()).what).toMatch(/^400 /);
    expect(told.bodies).toEqual(["short"]);
  });

  test("a message of single octets with gaps between them is refused before it is long", async () => {
    const { path, peer } = await bound(await endpointOf());
    const answers = [];
    for (let k = 0; k < 30; k++) {
      peer.send(path, `c1${k}`.padEnd(4, "x"), chunk("m001", `${2 * k + 1}-*/*`, "x"), "+");
      answers.push((await peer.next()).what.slice(0, 3));
    }
    expect(answers.indexOf("413")).toBeGreaterThan(10);
    expect(answers.slice(answers.indexOf("413"))).not.toContain("200");
  });

  test("an unfinished message is dropped when its next chunk does not come", async () => {
    const clock = new VirtualClock();
    const { told, path, peer } = await bound(await endpointOf({ chunkReceptionMs: 60_000 }, clock));
    peer.send(path, "c001", chunk("m001", "1-*/*", "half "), "+");
    await peer.next();
    clock.advance(62_000);
    peer.send(path, "c002", chunk("m001", "6-*/*", "more"), "$");
    expect((await peer.next()).what).toMatch(/^408 /);
    peer.write(`MSRP c003 SEND\r\nTo-Path: ${path}\r\nFrom-Path: ${alice}\r\nMessage-ID: m002\r\nByte-Range: 1-*/*\r\nContent-Type: text/plain\r\n\r\nslow`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    peer.write("er");
    await new Promise((resolve) => setTimeout(resolve, 20));
    clock.advance(62_000);
    peer.write(" and slower\r\n-------c003$\r\n");
    expect((await peer.next()).what).toMatch(/^408 /);
    expect(told.bodies).toEqual([]);
  });

  test("Failure-Report: no answers nothing, partial answers failures alone", async () => {
    const { path, peer } = await bound(await endpointOf(), { onMessage: (message) => message.respond(message.body.toString() === "bad" ? 403 : 200) });
    for (const [id, wants, body] of [["s001", "no", "good"], ["s002", "no", "bad"], ["s003", "partial", "good"], ["s004", "partial", "bad"], ["s005", "yes", "good"], ["s006", "yes", "bad"]] as const) {
      peer.send(path, id, text(id, body, [`Failure-Report: ${wants}`]));
    }
    const answers = [await peer.next(), await peer.next(), await peer.next()];
    expect(answers.map(({ id, what }) => [id, what.slice(0, 3)])).toEqual([["s004", "403"], ["s005", "200"], ["s006", "403"]]);
  });

  test("the success REPORT is sent where it was asked for, and never answered", async () => {
    const { told, path, peer } = await bound(await endpointOf(), {
      onMessage(message) {
        message.respond(200);
        message.report();
      },
    });
    peer.send(path, "s001", text("m001", "no report"));
    peer.send(path, "s002", text("m002", "report", ["Success-Report: yes"]));
    expect([await peer.next(), await peer.next()].map(({ id }) => id)).toEqual(["s001", "s002"]);
    const report = await peer.next();
    expect(report).toMatchObject({ what: "REPORT", body: undefined, fields: { "To-Path": alice, "From-Path": path, "Message-ID": "m002", "Byte-Range": "1-6/6", Status: "000 200 OK" } });
    peer.answer(report, "200 OK");
    peer.write(`MSRP s002 REPORT\r\nTo-Path: ${path}\r\nFrom-Path: ${alice}\r\nMessage-ID: m009\r\nByte-Range: 1-*/*\r\nStatus: 000 413 Enough\r\n-------s002$\r\n`);
    peer.send(path, "s003", text("m003", "next"));
    expect((await peer.next()).id).toBe("s003");
    expect(told.reports).toEqual([{ messageId: "m009", byteRange: { start: 1, end: "*", total: "*" }, status: 413, comment: "Enough" }]);
  });

  test("unknown methods: 501", async () => {
    const { path, peer } = await bound(await endpointOf());
    peer.write(`MSRP n001 NICKNAME\r\nTo-Path: ${path}\r\nFrom-Path: ${alice}\r\nUse-Nickname: "A"\r\n-------n001$\r\n`);
    expect(await peer.next()).toMatchObject({ id: "n001", what: "501 Unknown method" });
    expect((await peer.bind(path)).what).toBe("200 OK");
  });

  test("broken framing: 400, and the connection is over for its sessions alone", async () => {
    const endpoint = await endpointOf();
    const [one, two] = [await bound(endpoint), await bound(endpoint)];
    one.peer.write(`MSRP s001 SEND\r\nTo-Path: ${one.path}\r\nFrom-Path: ${alice}\r\nMessage-ID: m\x07001\r\n\r\n`);
    expect((await one.peer.next()).what).toMatch(/^400 /);
    await one.peer.ended();
    expect([one.told.losses, one.session.ended, two.told.losses]).toEqual([["malformed"], true, []]);
    expect((await two.peer.bind(two.path)).what).toBe("200 OK");
    await until(() => endpoint.connectionCount === 1);
  });

  test("the peer closes: the session is lost, once", async () => {
    const endpoint = await endpointOf();
    const { told, peer } = await bound(endpoint);
    peer.close();
    await until(() => told.losses.length > 0);
    expect([told.losses, endpoint.sessionCount, endpoint.connectionCount]).toEqual([["closed"], 0, 0]);
  });
});

describe("chunks in, as they arrive", () => {
  class Chunks implements ChunkReceiver {
    readonly told: string[] = [];
    readonly chunks: IncomingChunk[] = [];
    octets = 0;

    onSendStart(chunk: IncomingChunk): void {
      this.chunks.push(chunk);
      this.told.push(`start ${chunk.startOffset}/${chunk.totalOctets}`);
    }

    onData(_chunk: IncomingChunk, octets: Buffer, offset: number): void {
      this.told.push(`data ${offset} ${octets}`);
      this.octets += octets.length;
    }

    onSendEnd(_chunk: IncomingChunk, flag: string): void {
      this.told.push(`end ${flag}`);
    }
  }

  test("start, data, end; the user answers each chunk", async () => {
    const chunks = new Chunks();
    const { path, peer } = await bound(await endpointOf(), chunks);
    peer.send(path, "c001", ["Message-ID: f001", "Byte-Range: 1-*/8", "Content-Type: image/png", "", "1234"], "+");
    await until(() => chunks.told.length === 3);
    expect(peer.waiting).toEqual([]);
    chunks.chunks[0]!.respond(200);
    expect(await peer.next()).toMatchObject({ id: "c001", what: "200 OK" });
    peer.write(`MSRP c002 SEND\r\nTo-Path: ${path}\r\nFrom-Path: ${alice}\r\nMessage-ID: f001\r\nByte-Range: 5-*/8\r\nContent-Type: image/png\r\n\r\n56`);
    await until(() => chunks.told.length === 5);
    peer.write(`78\r\n-------c002$\r\n`);
    await until(() => chunks.told.length === 7);
    expect(chunks.told).toEqual(["start 0/8", "data 0 1234", "end +", "start 4/8", "data 4 56", "data 6 78", "end $"]);
  });

  test("refused in the middle, abandoned, and false: each ends once", async () => {
    const chunks = new Chunks();
    const { path, peer } = await bound(await endpointOf(), chunks);
    peer.write(`MSRP c001 SEND\r\nTo-Path: ${path}\r\nFrom-Path: ${alice}\r\nMessage-ID: f001\r\nByte-Range: 1-*/8\r\nContent-Type: image/png\r\n\r\n12`);
    await until(() => chunks.told.length === 2);
    chunks.chunks[0]!.respond(413);
    expect((await peer.next()).what).toMatch(/^413/);
    peer.write(`34\r\n-------c001#\r\n`);
    peer.send(path, "c002", ["Message-ID: f002", "Byte-Range: 1-*/8", "Content-Type: image/png", "", "12"], "#");
    peer.send(path, "c003", ["Message-ID: f003", "Byte-Range: 1-1/8", "Content-Type: image/png", "", "12"], "+");
    expect(await peer.next()).toMatchObject({ id: "c003", what: "400 Unintelligible request" });
    expect(chunks.told).toEqual(["start 0/8", "data 0 12", "start 0/8", "data 0 12", "end #", "start 0/8", "end #"]);
  });

  test("an empty file is a message too", async () => {
    const chunks = new Chunks();
    const { path, peer } = await bound(await endpointOf(), chunks);
    peer.send(path, "c001", ["Message-ID: f001", "Byte-Range: 1-0/0", "Content-Type: image/png", "", ""], "$");
    await until(() => chunks.told.length === 2);
    expect(chunks.told).toEqual(["start 0/0", "end $"]);
  });

  test("paused, the peer's octets wait in the network; resumed, none is missing", async () => {
    const chunks = new Chunks();
    const { path, peer, session } = await bound(await endpointOf(), chunks);
    const total = 32 * 1024 * 1024;
    peer.write(`MSRP c001 SEND\r\nTo-Path: ${path}\r\nFrom-Path: ${alice}\r\nMessage-ID: f001\r\nByte-Range: 1-*/${total}\r\nContent-Type: image/png\r\n\r\n`);
    await until(() => chunks.chunks.length > 0);
    session.pause();
    chunks.told.length = 0;
    peer.socket.write(Buffer.alloc(total, "z"));
    peer.write("\r\n-------c001$\r\n");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(chunks.told).toEqual([]);
    expect(peer.socket.writableLength).toBeGreaterThan(total / 2);
    session.resume();
    await until(() => chunks.told.at(-1) === "end $");
    expect(chunks.octets).toBe(total);
  });
});

describe("messages out", () => {
  test("a small one: one SEND, octet for octet", async () => {
    const { session, path, peer } = await bound(await endpointOf());
    const outcomes: number[] = [];
    session.send({ contentType: "text/plain", body: [Buffer.from("two "), Buffer.from("pieces")], messageId: "m001", headers: [["Content-Disposition", "notification"]], successReport: true }, (status) => outcomes.push(status));
    const frame = await peer.next();
    expect(frame.id).toMatch(/^[0-9a-f]{24}$/);
    expect(frame.octets).toBe(
      `MSRP ${frame.id} SEND\r\nTo-Path: ${alice}\r\nFrom-Path: ${path}\r\nMessage-ID: m001\r\nByte-Range: 1-10/10\r\nSuccess-Report: yes\r\nContent-Disposition: notification\r\nContent-Type: text/plain\r\n\r\ntwo pieces\r\n-------${frame.id}$\r\n`,
    );
    peer.answer(frame, "200 OK");
    await until(() => outcomes.length > 0);
    expect(outcomes).toEqual([200]);
  });

  test("a larger chunk is interruptible; a longer message goes in chunks, and the next one after it", async () => {
    const { session, peer } = await bound(await endpointOf({ chunkOctets: 4000 }));
    const outcomes: [string, number][] = [];
    session.send({ contentType: "text/plain", body: Buffer.alloc(3000, "a") }, (status) => outcomes.push(["one", status]));
    session.send({ contentType: "text/plain", body: Buffer.alloc(10_000, "b") }, (status) => outcomes.push(["two", status]));
    session.send({ contentType: "text/plain", body: Buffer.from("last") }, (status) => outcomes.push(["three", status]));
    const frames = [];
    for (let k = 0; k < 5; k++) frames.push(await peer.next());
    expect(frames.map(({ fields, flag, body }) => [fields["Byte-Range"], flag, body!.length])).toEqual([
      ["1-*/3000", "$", 3000],
      ["1-*/10000", "+", 4000],
      ["4001-*/10000", "+", 4000],
      ["8001-10000/10000", "$", 2000],
      ["1-4/4", "$", 4],
    ]);
    expect(new Set(frames.slice(1, 4).map(({ fields }) => fields["Message-ID"])).size).toBe(1);
    for (const frame of frames) peer.answer(frame, "200 OK");
    await until(() => outcomes.length === 3);
    expect(outcomes).toEqual([["one", 200], ["two", 200], ["three", 200]]);
  });

  test("two sessions on one connection take turns, chunk by chunk", async () => {
    const endpoint = await endpointOf({ chunkOctets: 1000 });
    const { session, peer } = await bound(endpoint);
    const two = new Told(endpoint);
    two.session.setRemote({ path: alice });
    peer.send(two.session.localPath, "b002", ["Message-ID: b002"]);
    await peer.next();
    for (const one of [session, two.session]) one.send({ contentType: "text/plain", body: Buffer.alloc(3000, "x") });
    const order = [];
    for (let k = 0; k < 6; k++) order.push((await peer.next()).fields["From-Path"] === session.localPath ? 1 : 2);
    expect(order).toEqual([1, 2, 1, 2, 1, 2]);
  });

  test("the outcome is the status that comes, or 408 when none comes in 30 s", async () => {
    const clock = new VirtualClock();
    const { session, peer } = await bound(await endpointOf({}, clock));
    const outcomes: [string, number][] = [];
    const send = (name: string, failureReport: "yes" | "no" | "partial") => session.send({ contentType: "text/plain", body: Buffer.from(name), failureReport }, (status) => outcomes.push([name, status]));
    for (const name of ["a", "b", "c"]) send(name, "yes");
    send("d", "no");
    for (const name of ["e", "f"]) send(name, "partial");
    const frames = [];
    for (let k = 0; k < 6; k++) frames.push(await peer.next());
    expect(frames.map(({ fields }) => fields["Failure-Report"])).toEqual([undefined, undefined, undefined, "no", "partial", "partial"]);
    peer.answer(frames[1]!, "481 Gone");
    peer.answer(frames[0]!, "200 OK");
    peer.answer(frames[0]!, "403 Twice");
    peer.answer(frames[4]!, "413 Full");
    peer.write(`MSRP stranger 200 OK\r\nTo-Path: ${session.localPath}\r\nFrom-Path: ${alice}\r\n-------stranger$\r\n`);
    await until(() => outcomes.length === 3);
    clock.advance(29_000);
    expect(outcomes).toEqual([["b", 481], ["a", 200], ["e", 413]]);
    clock.advance(3_000);
    expect(outcomes.slice(3)).toEqual([["c", 408]]);
  });

  test("a stream with a known total: the chunk that reaches it carries $", async () => {
    const { session, peer } = await bound(await endpointOf({ chunkOctets: 4 }));
    const told: string[] = [];
    const stream = session.openMessage({ contentType: "image/png", totalOctets: 10, onDelivered: () => void told.push("delivered"), onFailed: (status) => void told.push(`${status}`) });
    for (const piece of ["12345", "6", "7890"]) stream.write(Buffer.from(piece));
    const frames = [await peer.next(), await peer.next(), await peer.next()];
    expect(frames.map(({ body, flag, fields }) => [body, flag, fields["Byte-Range"]])).toEqual([["1234", "+", "1-4/10"], ["5678", "+", "5-8/10"], ["90", "$", "9-10/10"]]);
    for (const frame of frames.reverse()) peer.answer(frame, "200 OK");
    await until(() => told.length > 0);
    expect(told).toEqual(["delivered"]);
  });

  test("a stream of unknown length, and one that goes on where another ended", async () => {
    const { session, peer } = await bound(await endpointOf());
    const stream = session.openMessage({ contentType: "image/png", startOffset: 100, failureReport: "no" });
    stream.write(Buffer.from("abc"));
    stream.write(Buffer.from("def"));
    expect(await peer.next()).toMatchObject({ body: "abc", flag: "+", fields: { "Byte-Range": "101-103/*" } });
    stream.end();
    expect(await peer.next()).toMatchObject({ body: "def", flag: "$", fields: { "Byte-Range": "104-106/106" } });
    const empty = session.openMessage({ contentType: "image/png", totalOctets: 0 });
    empty.end();
    expect(await peer.next()).toMatchObject({ body: "", flag: "$", fields: { "Byte-Range": "1-0/0" } });
  });

  test("abort: # if anything was sent, otherwise nothing", async () => {
    const { session, peer } = await bound(await endpointOf());
    const [begun, unbegun] = [session.openMessage({ contentType: "image/png", totalOctets: 10 }), session.openMessage({ contentType: "image/png", totalOctets: 10 })];
    begun.write(Buffer.from("abc"));
    expect(await peer.next()).toMatchObject({ body: "abc", flag: "+" });
    begun.abort();
    unbegun.write(Buffer.from("xyz"));
    unbegun.abort();
    expect(begun.write(Buffer.from("ignored"))).toBe(true);
    expect(await peer.next()).toMatchObject({ body: "", flag: "#", fields: { "Byte-Range": "4-*/10" } });
    session.send({ contentType: "text/plain", body: Buffer.from("next") });
    expect(await peer.next()).toMatchObject({ body: "next" });
  });

  test("413 stops a stream", async () => {
    const { session, peer } = await bound(await endpointOf({ chunkOctets: 4 }));
    const failures: number[] = [];
    const stream = session.openMessage({ contentType: "image/png", totalOctets: 1000, onFailed: (status) => void failures.push(status) });
    stream.write(Buffer.from("12345678"));
    const frames = [await peer.next(), await peer.next()];
    for (const frame of frames) peer.answer(frame, "413 Stop");
    await until(() => failures.length > 0);
    stream.write(Buffer.from("9012"));
    stream.end();
    session.send({ contentType: "text/plain", body: Buffer.from("next") });
    expect(await peer.next()).toMatchObject({ body: "next" });
    expect([failures, stream.queuedOctets]).toEqual([[413], 0]);
  });

  test("the window: so many octets without an answer and no more", async () => {
    const { session, peer } = await bound(await endpointOf({ chunkOctets: 10, windowOctets: 30 }));
    let drained = 0;
    const stream = session.openMessage({ contentType: "image/png", onDrain: () => void drained++ });
    expect(stream.write(Buffer.alloc(100, "x"))).toBe(false);
    stream.write(Buffer.from("y"));
    const frames = [await peer.next(), await peer.next(), await peer.next()];
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([peer.waiting, stream.queuedOctets, drained]).toEqual([[], 71, 0]);
    peer.answer(frames[0]!, "200 OK");
    frames.push(await peer.next());
    expect(stream.queuedOctets).toBe(61);
    for (let k = 1; k < 10; k++) {
      peer.answer(frames[k]!, "200 OK");
      if (k < 7) frames.push(await peer.next());
      if (frames.length === 10) break;
    }
    expect(drained).toBe(1);
  });
});

describe("fan-out", () => {
  test("one message to many sessions: each its own paths and transaction, the rest the same", async () => {
    const endpoint = await endpointOf();
    const all = await Promise.all(Array.from({ length: 5 }, () => bound(endpoint)));
    const outcomes: number[] = [];
    const messageId = endpoint.fanOut(all.map(({ session }) => session), { contentType: "message/cpim", body: Buffer.from("to all") }, (_, status) => outcomes.push(status));
    const frames = await Promise.all(all.map(({ peer }) => peer.next()));
    for (const [k, { fields, body }] of frames.entries()) {
      expect([fields["From-Path"], fields["Message-ID"], body]).toEqual([all[k]!.path, messageId, "to all"]);
      all[k]!.peer.answer(frames[k]!, k === 3 ? "403 No" : "200 OK");
    }
    expect(new Set(frames.map(({ id }) => id)).size).toBe(5);
    await until(() => outcomes.length === 5);
    expect(outcomes.toSorted()).toEqual([200, 200, 200, 200, 403]);
  });

  test("one that does not read is lost alone, with no more memory than the limit; the others have every message in order", async () => {
    const endpoint = await endpointOf({ maxQueuedOctets: 200_000 });
    const [good, bad] = [await bound(endpoint), await bound(endpoint)];
    bad.peer.socket.pause();
    const sessions = new Set([good.session, bad.session]);
    let most = 0;
    for (let k = 0; k < 3000; k++) {
      endpoint.fanOut(sessions, { contentType: "text/plain", body: Buffer.from(`${k}:`.padEnd(8000, ".")) });
      most = Math.max(most, bad.session.queuedOctets);
      const frame = await good.peer.next();
      expect(frame.body).toMatch(new RegExp(`^${k}:`));
      good.peer.answer(frame, "200 OK");
      if (bad.session.ended) break;
    }
    expect([good.told.losses, bad.told.losses]).toEqual([[], ["overflow"]]);
    expect(most).toBeLessThan(210_000);
    bad.peer.close();
    await until(() => endpoint.connectionCount === 1);
  });

  test("one that reads and never answers is lost when too many requests wait", async () => {
    const endpoint = await endpointOf({ maxUnanswered: 50 });
    const { told, session } = await bound(endpoint);
    for (let k = 0; k < 51; k++) endpoint.fanOut([session], { contentType: "text/plain", body: Buffer.from("?") });
    await until(() => told.losses.length > 0);
    expect(told.losses).toEqual(["overflow"]);
  });

  test("a peer that floods us with requests and reads no answers is not read", async () => {
    const { path, peer } = await bound(await endpointOf());
    peer.socket.pause();
    const request = `MSRP s001 SEND\r\nTo-Path: ${path}\r\nFrom-Path: ${alice}\r\nMessage-ID: m001\r\n-------s001$\r\n`;
    const flood = Buffer.alloc(request.length * 200_000, request);
    peer.socket.write(flood);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(peer.socket.writableLength).toBeGreaterThan(0);
    let answers = 0;
    peer.socket.removeAllListeners("data");
    peer.socket.on("data", (octets: Buffer) => {
      for (let at = octets.indexOf("$\r"); at >= 0; at = octets.indexOf("$\r", at + 1)) answers++;
    });
    peer.socket.resume();
    await until(() => answers > 199_000);
  });
});

describe("the end", () => {
  test("close: what is due is written, the peer sees the end, nobody is called", async () => {
    const endpoint = await endpointOf();
    const { told, session, path, peer } = await bound(endpoint);
    const outcomes: number[] = [];
    session.send({ contentType: "text/plain", body: Buffer.from("good bye") }, (status) => outcomes.push(status));
    session.close();
    const last = await peer.next();
    expect(last.body).toBe("good bye");
    peer.answer(last, "200 OK");
    peer.send(path, "s001", text("m001", "too late"));
    await peer.ended();
    await until(() => endpoint.connectionCount === 0);
    expect([outcomes, told.losses, told.bodies, endpoint.sessionCount]).toEqual([[], [], [], 0]);
    session.send({ contentType: "text/plain", body: Buffer.from("nobody") });
    session.close();
  });

  test("a session that ends while its peer is in the middle of a chunk hears nothing more", async () => {
    const { told, session, path, peer } = await bound(await endpointOf(), { onMessage: () => session.close() });
    peer.write(`MSRP s001 SEND\r\nTo-Path: ${path}\r\nFrom-Path: ${alice}\r\nMessage-ID: m001\r\nContent-Type: text/plain\r\n\r\nhalf`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    session.close();
    peer.write("\r\n-------s001$\r\n");
    await peer.ended();
    expect([told.bodies, told.losses]).toEqual([[], []]);
  });

  test("a session that ends while it is paused hears nothing of what waited; another one of the connection does", async () => {
    const endpoint = await endpointOf();
    const bodies: string[] = [];
    const onMessage = (message: IncomingMessage) => {
      bodies.push(message.body.toString());
      session.pause();
      message.respond(200);
    };
    const { told, session, path, peer } = await bound(endpoint, { onMessage });
    const other = new Told(endpoint);
    other.session.setRemote({ path: alice });
    await peer.bind(other.session.localPath);
    peer.socket.cork();
    peer.send(path, "s001", text("m001", "the last"));
    peer.send(path, "s002", text("m002", "for nobody"));
    peer.send(other.session.localPath, "s003", text("m003", "for the other"));
    peer.socket.uncork();
    expect((await peer.next()).id).toBe("s001");
    expect(other.bodies).toEqual([]);
    session.close();
    expect([await peer.next(), await peer.next()].map(({ id, what }) => [id, what.slice(0, 3)])).toEqual([["s002", "481"], ["s003", "200"]]);
    expect([told.bound, bodies, other.bodies]).toEqual([1, ["the last"], ["for the other"]]);
  });

  test("thousands of joins leave nothing behind", async () => {
    const endpoint = await endpointOf();
    const round = async (count: number) => {
      for (let k = 0; k < count; k++) {
        const { session, peer } = await bound(endpoint);
        endpoint.fanOut([session], { contentType: "text/plain", body: Buffer.from("hello") });
        const frame = await peer.next();
        peer.answer(frame, "200 OK");
        session.close();
        await peer.ended();
        open.length = 1;
      }
    };
    await round(1000);
    const before = heapOctets();
    await round(1000);
    await until(() => endpoint.connectionCount === 0);
    expect(endpoint.sessionCount).toBe(0);
    expect(heapOctets() - before).toBeLessThan(1000 * 200);
  });
});

function heapOctets(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}
