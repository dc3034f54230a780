/**
 * The ways to the focus: TLS, IPv6, an outbound proxy, keep-alives, and provisional responses that want a PRACK.
 */
import { createConnection } from "node:net";
import { once } from "node:events";
import { expect, test } from "vitest";
import { selfSigned } from "../certificate.ts";
import { chatSdp, contactLine, creation, photo } from "./octets.ts";
import { Dialog, Scene, focus, receivesFile, sendsFile, type Device } from "./scene.ts";
import { Focus, SipPeer, crlf, quiet, response, sha256, token } from "./stranger.ts";

const creating = (from: Device, path: string, ...list: Device[]): string =>
  creation({ from, path, list: list.map((one) => one.aor), conversationId: token(), contributionId: token() });

focus("TLS", { tls: selfSigned("cpm.example") }, (conversation) => {
  conversation("SIP and MSRP over TLS: a group is created and joined; messages and a file go through", async (scene) => {
    const [alice, bob, carol] = [await scene.device("alice", "tls"), await scene.device("bob", "tls"), await scene.device("carol")];
    const { host, tls, msrps } = scene.focus.address;
    const path = alice.path();
    const [conversationId, contributionId] = [token(), token()];
    const ok = await alice.asks(creation({ from: alice, path, list: [bob.aor, carol.aor], conversationId, contributionId }));
    expect(ok.startLine).toBe("SIP/2.0 200 OK");
    expect(ok.routes).toEqual([`<sip:${host}:${tls};transport=tls;lr>`]);
    expect(ok.attribute("path")).toMatch(new RegExp(`^msrps://127\\.0\\.0\\.1:${msrps}/[^;]{16,};tcp$`));
    expect(ok.sdp.find((line) => line.startsWith("m="))).toBe(`m=message ${msrps} TCP/TLS/MSRP *`);
    alice.createdChat(await alice.established(ok, path));
    const group = { identity: ok.uri("Contact"), conversationId, contributionId };

    // Bob's device cannot be connected to: it is invited on its own connection, RFC 5626 §5.3.
    const invite = await bob.isInvited();
    expect(invite.header("Via")).toMatch(/^SIP\/2\.0\/TLS /);
    bob.declines(invite, "486 Busy Here");
    await bob.joins(group);
    expect(bob.chat.toPath).toMatch(/^msrps:/);
    await carol.entersChat(await carol.isInvited());
    expect(carol.chat.toPath).toMatch(/^msrp:/);

    await alice.says("in secret");
    expect((await bob.chat.hears("in secret")).header("From-Path")).toBe(bob.chat.toPath);
    await carol.chat.hears("in secret");

    const offer = alice.offer(group);
    const request = alice.send(offer.text);
    bob.declines(await bob.isOffered());
    const toCarol = await carol.takes(await carol.isOffered(), photo);
    const accepted = await alice.sip.finalTo(request);
    expect(accepted.attribute("path")).toMatch(/^msrps:/);
    const sender = await alice.established(accepted, offer.path);
    const [, received] = await Promise.all([sendsFile(sender, photo), receivesFile(toCarol)]);
    expect(sha256(received.octets)).toBe(sha256(photo.octets));
    expect((await sender.dialog.end('SIP;cause=200;text="Call completed"')).status).toBe(200);
    await toCarol.dialog.hearsBye();
  });

  conversation("RFC 5626 §5.3: a device that is reached on its own connection alone is invited, acknowledged and released on it", async (scene) => {
    const [alice, bob] = [await scene.device("alice"), await scene.device("bob", "tls")];
    const path = alice.path();
    const ok = await alice.asks(creating(alice, path, bob));
    alice.createdChat(await alice.established(ok, path));
    await bob.entersChat(await bob.isInvited());
    await alice.says("to the one behind");
    await bob.chat.hears("to the one behind");
    await alice.chat.dialog.end('SIP;cause=200;text="Call completed"');
    await bob.chat.dialog.hearsBye();
  });

  conversation("who offers plain MSRP gets plain MSRP, beside one who has TLS", async (scene) => {
    const [alice, bob] = [await scene.device("alice", "tls"), await scene.device("bob")];
    const path = alice.path();
    const ok = await alice.asks(creating(alice, path, bob));
    alice.createdChat(await alice.established(ok, path));
    await bob.entersChat(await bob.isInvited());
    expect(bob.chat.toPath).toMatch(/^msrp:/);
    await bob.says("from the open");
    await alice.chat.hears("from the open");
  });

  conversation("RFC 4975 §14.1: an msrps session is not to be had by a connection without TLS", async (scene) => {
    const [alice, bob] = [await scene.device("alice", "tls"), await scene.device("bob")];
    const path = alice.path();
    const ok = await alice.asks(creating(alice, path, bob));
    const { msrp, msrps } = scene.focus.address;
    const thief = await bob.connects(ok.attribute("path").replace("msrps:", "msrp:").replace(`:${msrps}/`, `:${msrp}/`));
    const tid = token();
    await thief.says(`MSRP ${tid} SEND\r\nTo-Path: ${ok.attribute("path")}\r\nFrom-Path: ${path}\r\nMessage-ID: m\r\n-------${tid}$\r\n`);
    expect((await thief.answerTo(tid)).startLine).not.toMatch(/ 200 /);
    alice.createdChat(await alice.established(ok, path));
  });
});

focus("MSRP by TLS alone", { tls: selfSigned("cpm.example"), onlySecureMsrp: true }, (conversation) => {
  conversation("who offers it is taken, and who is invited is offered it; plain MSRP is 488", async (scene) => {
    const [alice, bob] = [await scene.device("alice", "tls"), await scene.device("bob")];
    expect((await bob.asks(creating(bob, bob.path(), alice))).startLine).toBe("SIP/2.0 488 Not Acceptable Here");
    expect((await alice.asks(creating(alice, alice.path(), bob))).startLine).toBe("SIP/2.0 200 OK");
    const invite = await bob.isInvited();
    expect(invite.sdp.find((line) => line.startsWith("m="))).toBe(`m=message ${scene.focus.address.msrps} TCP/TLS/MSRP *`);
    expect(invite.attribute("path")).toMatch(/^msrps:/);
  });
});

focus("IPv6", { host: "::1" }, (conversation) => {
  for (const transport of ["tcp", "udp"] as const) {
    conversation(`SIP over ${transport.toUpperCase()} and MSRP at [::1]: a group, a message, a file`, async (scene) => {
      const [alice, bob] = [await scene.device("alice", transport), await scene.device("bob")];
      const path = alice.path();
      const [conversationId, contributionId] = [token(), token()];
      const ok = await alice.asks(creation({ from: alice, path, list: [bob.aor], conversationId, contributionId }));
      expect(ok.startLine).toBe("SIP/2.0 200 OK");
      expect(ok.attribute("path")).toMatch(new RegExp(`^msrp://\\[::1\\]:${scene.focus.address.msrp}/`));
      expect(ok.sdp).toContain("c=IN IP6 ::1");
      alice.createdChat(await alice.established(ok, path));
      await bob.entersChat(await bob.isInvited());
      await alice.says("six");
      await bob.chat.hears("six");

      const offer = alice.offer({ identity: ok.uri("Contact"), conversationId, contributionId });
      const request = alice.send(offer.text);
      const toBob = await bob.takes(await bob.isOffered(), photo);
      const sender = await alice.established(await alice.sip.finalTo(request), offer.path);
      const [, received] = await Promise.all([sendsFile(sender, photo), receivesFile(toBob)]);
      expect(sha256(received.octets)).toBe(sha256(photo.octets));
    });
  }
});

focus("SIP", {}, (conversation) => {
  conversation("RFC 3261 §21.4.26: an offer of MSRP over TLS, where the focus has none, is 488", async (scene) => {
    const [alice, bob] = [await scene.device("alice"), await scene.device("bob")];
    const answer = await alice.asks(creating(alice, `msrps://127.0.0.1:9/${token()};tcp`, bob));
    expect(answer.startLine).toBe("SIP/2.0 488 Not Acceptable Here");
    await bob.sip.hearsNothing("INVITE ", 60);
  });

  conversation("RFC 5626 §4.4.1: two CRLF over TCP are answered with one; a request behind them is served", async (scene) => {
    const { host, tcp } = scene.focus.address;
    const socket = createConnection(tcp, host);
    socket.write("\r\n\r\n");
    expect((await once(socket, "data"))[0].toString()).toBe("\r\n");
    socket.write(crlf(`
OPTIONS sip:cpm.example SIP/2.0
Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK${token()}
Max-Forwards: 70
From: <${scene.aor("alice")}>;tag=1
To: <sip:cpm.example>
Call-ID: ${token()}
CSeq: 1 OPTIONS
Content-Length: 0

`));
    expect((await once(socket, "data"))[0].toString()).toMatch(/^SIP\/2\.0 200 OK\r\n/);
    socket.destroy();
  });

  conversation("RFC 3262 §3: a caller that requires 100rel creates a group and sends a file; what is not the final answer has no RSeq, or needs its PRACK", async (scene) => {
    const [alice, bob] = [await scene.device("alice"), await scene.device("bob")];
    const reliably = (text: string): string =>
      text.includes("\r\nRequire:") ? text.replace("\r\nRequire: ", "\r\nRequire: 100rel, ") : text.replace("\r\nSupported:", "\r\nRequire: 100rel\r\nSupported:");
    const path = alice.path();
    const [conversationId, contributionId] = [token(), token()];
    const ok = await alice.asks(reliably(creation({ from: alice, path, list: [bob.aor], conversationId, contributionId })));
    expect(ok.startLine).toBe("SIP/2.0 200 OK");
    alice.createdChat(await alice.established(ok, path));
    await bob.entersChat(await bob.isInvited());

    const offer = alice.offer({ identity: ok.uri("Contact"), conversationId, contributionId });
    const request = alice.send(reliably(offer.text));
    const invite = await bob.isOffered();
    bob.rings(invite);
    await alice.sip.hearsNothing((one) => one.status > 100, 300);
    const toBob = await bob.takes(invite, photo);
    const sender = await alice.established(await alice.sip.finalTo(request), offer.path);
    const [, received] = await Promise.all([sendsFile(sender, photo), receivesFile(toBob)]);
    expect(received.octets.length).toBe(photo.octets.length);
  });

  conversation("RFC 3262 §4: a callee's reliable 183 hears PRACK, and nothing again; it accepts after that", async (scene) => {
    const [alice, bob] = [await scene.device("alice"), await scene.device("bob")];
    const path = alice.path();
    const ok = await alice.asks(creating(alice, path, bob));
    alice.createdChat(await alice.established(ok, path));
    const invite = await bob.isInvited();
    const [seq] = invite.header("CSeq").split(" ");
    const progress = response(invite, "183 Session Progress", bob.sip.tagFor(invite), `${contactLine(bob)}\nRequire: 100rel\nRSeq: 4711`);
    invite.reply(progress);
    const prack = await bob.sip.hears("PRACK ");
    expect(prack.header("RAck")).toBe(`4711 ${seq} INVITE`);
    expect(prack.header("Call-ID")).toBe(invite.header("Call-ID"));
    expect(prack.tag("To")).toBe(bob.sip.tagFor(invite));
    expect(prack.startLine).toContain(`@${bob.address}`);
    prack.reply(response(prack, "200 OK"));
    invite.reply(progress);
    await bob.sip.hearsNothing("PRACK ", 60);
    await bob.entersChat(invite);
    await alice.says("reliably");
    await bob.chat.hears("reliably");
  });

  conversation("RFC 3261 §13.2.2.4: a 200 that comes again is acknowledged again", async (scene) => {
    const [alice, bob] = [await scene.device("alice"), await scene.device("bob")];
    await alice.asks(creating(alice, alice.path(), bob));
    const invite = await bob.isInvited();
    const ok = response(invite, "200 OK", bob.sip.tagFor(invite), `${contactLine(bob)}\nContent-Type: application/sdp`, chatSdp(bob.path()));
    for (let i = 0; i < 3; i += 1) {
      invite.reply(ok);
      expect((await bob.sip.hears("ACK ")).header("Call-ID")).toBe(invite.header("Call-ID"));
    }
  });

  conversation("RFC 4028 §4, §7.2, §9: a callee may leave the refreshing to the focus or take it; the answer to an UPDATE of its own repeats what was agreed", async (scene) => {
    const [alice, bob] = [await scene.device("alice"), await scene.device("bob")];
    await alice.asks(creating(alice, alice.path(), bob));
    const invite = await bob.isInvited();
    expect(invite.header("Supported")).toContain("timer");
    expect(invite.header("Session-Expires")).toMatch(/^1800/);
    expect(Number(invite.headers("Min-SE")[0] ?? 90)).toBeGreaterThanOrEqual(90);
    const sdp = chatSdp(bob.path());
    invite.reply(response(invite, "200 OK", bob.sip.tagFor(invite), `${contactLine(bob)}\nRequire: timer\nSession-Expires: 90;refresher=uas\nContent-Type: application/sdp`, sdp));
    await bob.sip.hears("ACK ");
    const dialog = Dialog.answered(bob, invite, bob.sip.tagFor(invite));
    const refreshed = await bob.asks(dialog.request("UPDATE", `${contactLine(bob)}\nSupported: timer\nSession-Expires: 90;refresher=uac`));
    expect(refreshed.startLine).toBe("SIP/2.0 200 OK");
    expect(refreshed.header("Session-Expires")).toBe("90;refresher=uac");
  });
});

test("an outbound proxy, --route: the identity is of the domain, nothing is recorded, and every request comes to the proxy with its Route [RFC 3261 §12.1.2, §12.2.1.1]", async ({ onTestFailed }) => {
  // The proxy is a socket that answers for everybody behind it; it has to be there before the focus.
  const where = { host: "127.0.0.1", udp: 0, tcp: 0, tls: 0, msrp: 0, msrps: 0, certificate: undefined };
  const ladder = new Scene({ address: where } as Focus).ladder;
  const proxy = await SipPeer.open("proxy", ladder, where);
  const route = `sip:127.0.0.1:${proxy.port};lr`;
  const running = await Focus.start({ more: ["--route", route] });
  Object.assign(where, running.address);
  const scene = new Scene(running);
  onTestFailed(() => console.log(`${ladder}\n${running.lastWords}`));
  try {
    const alice = await scene.stranger("alice");
    const behind = (text: string): string => text.replace("\r\nMax-Forwards:", `\r\nRecord-Route: <${route}>\r\nMax-Forwards:`);
    const bob = scene.aor("bob");
    const path = alice.path();
    const request = behind(creation({ from: { ...alice, aor: alice.aor, address: `127.0.0.1:${proxy.port}`, transport: "udp", instance: alice.instance }, list: [bob], path, conversationId: token(), contributionId: token() }));
    const ok = await proxy.asks(request, "udp");
    expect(ok.startLine).toBe("SIP/2.0 200 OK");
    expect(ok.uri("Contact")).toMatch(/^sip:[^@]{16,}@cpm\.example$/);
    expect(ok.headers("Record-Route")).toEqual([`<${route}>`]);

    const invite = await proxy.hears("INVITE ");
    expect(invite.startLine).toBe(`INVITE ${bob} SIP/2.0`);
    expect(invite.headers("Route")).toEqual([`<${route}>`]);
    expect(invite.headers("Record-Route")).toEqual([]);
    expect(invite.uri("Contact")).toBe(ok.uri("Contact"));

    // The proxy stays on the way: ACK and BYE come by it, addressed to Bob's device.
    const tag = token();
    const device = "sip:bob@192.0.2.7:5060";
    invite.reply(response(invite, "200 OK", tag, `Record-Route: <${route}>\nContact: <${device}>\nContent-Type: application/sdp`, chatSdp(alice.path())));
    const ack = await proxy.hears((one) => one.startLine.startsWith("ACK ") && one.header("Call-ID") === invite.header("Call-ID"));
    expect(ack.startLine).toBe(`ACK ${device} SIP/2.0`);
    expect(ack.headers("Route")).toEqual([`<${route}>`]);
    await quiet(20);
    running.signal("SIGTERM");
    const bye = await proxy.hears((one) => one.startLine.startsWith("BYE ") && one.header("Call-ID") === invite.header("Call-ID"));
    expect(bye.startLine).toBe(`BYE ${device} SIP/2.0`);
    expect(bye.headers("Route")).toEqual([`<${route}>`]);
    expect(running.faults).toEqual([]);
  } finally {
    proxy.close();
    scene.close();
    await running.stop(0);
  }
});
