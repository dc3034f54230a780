/**
 * From the field, on the wire: what deployed devices send, which has to be lived
 * with, and what other servers get wrong, which must not happen here.
 */
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { expect } from "vitest";
import { chatAnswerLines, chatCpim, chatSdp, creation, deliveredCpim, photo, subscription } from "./octets.ts";
import { Leg, focus, type Device } from "./scene.ts";
import { MsrpPeer, crlf, frame, listening, okTo, quiet, response, token, wholeMessage } from "./stranger.ts";

/** From one to all others in the room. */
async function chats(from: Device, ...to: Device[]): Promise<void> {
  const text = `all is well ${token()}`;
  expect((await from.says(text)).startLine).toMatch(/ 200 OK$/);
  await Promise.all(to.map((one) => one.chat.hears(text)));
}

const creating = (from: Device, path: string, ...list: Device[]): string =>
  creation({ from, path, list: list.map((one) => one.aor), conversationId: token(), contributionId: token() });

focus("what deployed phones and stacks do", {}, (conversation) => {
  for (const [what, range] of [["without Byte-Range", ""], ["with Byte-Range: 1-0/0", "\nByte-Range: 1-0/0"], ["with a Content-Type and no body", "\nByte-Range: 1-0/0\nContent-Type: text/plain"]] as const) {
    conversation(`the empty SEND that binds a connection comes ${what}: 200 [RFC 4975 §5.4]`, async (scene) => {
      const { group, alice } = await scene.trio();
      const tablet = await scene.device("bob");
      const path = tablet.path();
      const ok = await tablet.asks(tablet.joining(group, path));
      const msrp = await tablet.connects(ok.attribute("path"));
      const tid = token();
      await msrp.says(frame(`MSRP ${tid} SEND`, `To-Path: ${ok.attribute("path")}\nFrom-Path: ${path}\nMessage-ID: ${token()}${range}`, undefined));
      expect((await msrp.answerTo(tid)).startLine).toBe(`MSRP ${tid} 200 OK`);
      await alice.says("bound");
      await msrp.hears(/bound$/);
    });
  }

  conversation("a REPORT reuses the transaction id of the SEND: tolerated, forwarded to nobody, answered by nobody", async (scene) => {
    const { alice, bob, carol } = await scene.trio();
    await alice.says("report me");
    const send = await bob.chat.hears("report me");
    await bob.chat.msrp.says(frame(`MSRP ${send.tid} REPORT`, `${bob.chat.paths}\nMessage-ID: ${send.header("Message-ID")}\nByte-Range: 1-*/*\nStatus: 000 200 OK`, undefined));
    await bob.chat.msrp.hearsNothing();
    await alice.chat.msrp.hearsNothing("REPORT", 20);
    await chats(carol, alice, bob);
  });

  conversation("a phone answers our REPORT with 200: tolerated", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    await alice.chat.says(chatCpim(alice.aor, group.identity, "x"), "message/cpim", "Success-Report: yes");
    const report = await alice.chat.msrp.hears("REPORT");
    await alice.chat.msrp.says(okTo(report));
    await alice.chat.msrp.hearsNothing(() => true, 60);
    await chats(alice, bob, carol);
  });

  conversation("Content-type and Content-length in any case, in SIP, in MSRP and in CPIM", async (scene) => {
    const spelled = (text: string): string => text.replaceAll("Content-Type", "Content-type").replace("Content-Length: ?", "CONTENT-LENGTH: ?");
    const { group, alice, bob, carol } = await scene.trio(spelled);
    const cpim = chatCpim(alice.aor, group.identity, "any case").replaceAll("Content-T", "content-t").replaceAll("Content-L", "Content-l");
    const tid = token();
    await alice.chat.msrp.says(alice.chat.send(tid, cpim).toString("latin1").replace("Content-Type: message/cpim", "Content-type: Message/CPIM"));
    expect((await alice.chat.msrp.answerTo(tid)).startLine).toMatch(/ 200 OK$/);
    await Promise.all([bob, carol].map((one) => one.chat.hears("any case")));
  });

  conversation("compact SIP header fields", async (scene) => {
    const compact: [string, string][] = [
      ["Via", "v"], ["From", "f"], ["To", "t"], ["Call-ID", "i"], ["Contact", "m"], ["Accept-Contact", "a"], ["Subject", "s"],
      ["Supported", "k"], ["Session-Expires", "x"], ["Content-Type", "c"], ["Content-Length", "l"],
    ];
    const compressed = (text: string): string => {
      const end = text.indexOf("\r\n\r\n");
      return compact.reduce((head, [long, short]) => head.replace(`\r\n${long}:`, `\r\n${short}:`), text.slice(0, end)) + text.slice(end);
    };
    const { alice, bob, carol } = await scene.trio(compressed);
    await chats(alice, bob, carol);
  });

  conversation("an IPv6 MSRP path, in the SDP and in every frame", async (scene) => {
    const { group, alice, bob } = await scene.trio();
    const tablet = await scene.device("bob");
    const path = `msrp://[2001:db8::9:1]:2855/${token()};tcp`;
    const ok = await tablet.asks(tablet.joining(group, path));
    const leg = await tablet.established(ok, path);
    await alice.says("to IPv6");
    expect((await leg.hears("to IPv6")).header("To-Path")).toBe(path);
    await leg.says(chatCpim(tablet.aor, group.identity, "from IPv6"));
    await alice.chat.hears("from IPv6");
    await bob.chat.hears("to IPv6");
  });

  for (const host of ["127.0.0.1", "::1"]) {
    conversation(`RFC 6135 §4.2: a phone that is passive at ${host}: the focus connects and binds with a SEND`, async (scene) => {
      const [alice, bob] = [await scene.device("alice"), await scene.device("bob")];
      const path = alice.path();
      const ok = await alice.asks(creating(alice, path, bob));
      alice.createdChat(await alice.established(ok, path));

      const listener = await listening(host);
      const port = (listener.address() as AddressInfo).port;
      const bobs = `msrp://${host.includes(":") ? `[${host}]` : host}:${port}/${token()};tcp`;
      const arrival = once(listener, "connection") as Promise<[Socket]>;
      const invite = await bob.isInvited();
      invite.reply(response(invite, "200 OK", token(), chatAnswerLines(bob), chatSdp(bobs, "passive")));
      const msrp = new MsrpPeer("bob", scene.ladder, (await arrival)[0]);
      listener.close();
      const bind = await msrp.hears("SEND");
      expect(bind.header("To-Path")).toBe(bobs);
      expect(bind.header("From-Path")).toBe(invite.attribute("path"));
      expect(bind.body.length).toBe(0);
      await alice.says("to the passive one");
      await msrp.hears(/to the passive one$/);
      msrp.close();
    });
  }

  conversation("SDP without s=", async (scene) => {
    const { alice, bob, carol } = await scene.trio((text) => text.replace("s=-\r\n", ""));
    await chats(alice, bob, carol);
  });

  conversation("base64 bodies: a recipient list so encoded is read, a message so encoded is passed on as it is", async (scene) => {
    const encoded = (text: string): string => {
      const list = /<\?xml[\s\S]*<\/resource-lists>\r\n/.exec(text)![0];
      return text.replace(list, `${Buffer.from(list).toString("base64")}\r\n`).replace("Content-Disposition: recipient-list", "Content-Disposition: recipient-list\r\nContent-Transfer-Encoding: base64");
    };
    const { group, alice, bob, carol } = await scene.trio(encoded);
    const cpim = crlf(`
From: <${alice.aor}>
To: <${group.identity}>

Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: base64

`) + Buffer.from("hello in base64").toString("base64");
    await alice.chat.says(cpim);
    for (const person of [bob, carol]) expect((await person.chat.msrp.hears("SEND")).body.toString()).toBe(cpim);
  });

  conversation("NS: imdn<urn:ietf:params:imdn> without a space: the message and its notification find their way", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const tight = (text: string): string => text.replace("NS: imdn <", "NS: imdn<");
    await alice.chat.says(tight(chatCpim(alice.aor, group.identity, "confirm", "MsgA1")));
    await Promise.all([bob, carol].map((one) => one.chat.hears("NS: imdn<urn:ietf:params:imdn>")));
    await bob.chat.says(tight(deliveredCpim(bob.aor, alice.aor, group.identity, "MsgA1")));
    await alice.chat.hears("<delivered/>");
    await carol.chat.hearsNothing();
  });

  const addresses: [string, (identity: string) => string][] = [
    ["To: <the identity of the group>", (identity) => `<${identity}>`],
    ["To: the identity without <>", (identity) => identity],
    ["To: <sip:anonymous@anonymous.invalid>", () => "<sip:anonymous@anonymous.invalid>"],
    ["To: sip:anonymous@anonymous.invalid without <>", () => "sip:anonymous@anonymous.invalid"],
    ["To: a display name and the identity", (identity) => `"Hiking" <${identity}>`],
  ];
  for (const [what, to] of addresses) {
    conversation(`CPIM ${what}: to everybody else, as it was written`, async (scene) => {
      const { group, alice, bob, carol } = await scene.trio();
      const cpim = chatCpim(alice.aor, group.identity, "addressed").replace(`To: <${group.identity}>`, `To: ${to(group.identity)}`);
      expect((await alice.chat.says(cpim)).startLine).toMatch(/ 200 OK$/);
      for (const person of [bob, carol]) expect((await person.chat.msrp.hears("SEND")).body.toString()).toBe(cpim);
    });
  }

  conversation("CPIM From without <>, and with a display name: it is still the sender's", async (scene) => {
    const { group, alice, bob } = await scene.trio();
    for (const from of [alice.aor, `Alice <${alice.aor}>`, `"Alice, who hikes" <${alice.aor}>`]) {
      const cpim = chatCpim(alice.aor, group.identity, "it is me").replace(`From: <${alice.aor}>`, `From: ${from}`);
      expect((await alice.chat.says(cpim)).startLine).toMatch(/ 200 OK$/);
      expect((await bob.chat.msrp.hears("SEND")).body.toString()).toBe(cpim);
    }
  });

  conversation("a modern handset lists wrapped types that nobody here knows, and uses them: passed on, not parsed", async (scene) => {
    const modern = (text: string): string => text.replace(
      /a=accept-wrapped-types:[^\r]*/,
      "a=accept-wrapped-types:text/plain message/imdn+xml application/im-iscomposing+xml application/vnd.oma.cpm-groupdata+xml application/vnd.gsma.rcs-ft-http+xml message/mls message/mls.key-package",
    );
    const { group, alice, bob, carol } = await scene.trio(modern);
    for (const [type, content] of [
      ["application/vnd.oma.cpm-groupdata+xml", '<cpm-group-management xmlns="urn:oma:xml:cpm:groupdata:1.0" id="r1"><group-data/>'],
      ["message/mls", Buffer.from(Array.from({ length: 256 }, (_, octet) => octet)).toString("latin1")],
    ] as const) {
      const cpim = Buffer.from(crlf(`
From: <${alice.aor}>
To: <${group.identity}>

Content-Type: ${type}
Content-Length: ${content.length}

`) + content, "latin1");
      expect((await alice.chat.says(cpim)).startLine).toMatch(/ 200 OK$/);
      for (const person of [bob, carol]) expect((await person.chat.msrp.hears("SEND")).body.equals(cpim)).toBe(true);
    }
  });

  conversation("phones cannot read bare line feeds: a CPIM message that has them reaches nobody in that form", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const tid = token();
    await alice.chat.msrp.says(alice.chat.send(tid, chatCpim(alice.aor, group.identity, "bare").replaceAll("\r\n", "\n")));
    await alice.chat.msrp.answerTo(tid);
    for (const person of [bob, carol]) await person.chat.msrp.hearsNothing((one) => /[^\r]\n/.test(one.body.toString("latin1")));
    await chats(bob, carol);
  });

  conversation("a frame spans many TCP segments", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const tid = token();
    const octets = alice.chat.send(tid, chatCpim(alice.aor, group.identity, "piece by piece"));
    const pieces = Array.from({ length: Math.ceil(octets.length / 9) }, (_, index) => octets.subarray(index * 9, index * 9 + 9));
    await alice.chat.msrp.says(...pieces);
    expect((await alice.chat.msrp.answerTo(tid)).startLine).toMatch(/ 200 OK$/);
    await Promise.all([bob, carol].map((one) => one.chat.hears("piece by piece")));
  });

  conversation("a segment holds many frames", async (scene) => {
    const { group, alice, bob } = await scene.trio();
    const texts = Array.from({ length: 12 }, (_, index) => `frame ${index}.`);
    await alice.chat.msrp.says(Buffer.concat(texts.map((text) => alice.chat.send(token(), chatCpim(alice.aor, group.identity, text)))));
    for (const text of texts) expect((await bob.chat.msrp.hears("SEND")).body.toString()).toContain(text);
  });

  conversation("a segment ends in the middle of a frame's end-line, and the next one goes on", async (scene) => {
    const { group, alice, bob } = await scene.trio();
    const [one, two] = ["first half", "second half"].map((text) => alice.chat.send(token(), chatCpim(alice.aor, group.identity, text))) as [Buffer, Buffer];
    const both = Buffer.concat([one, two]);
    for (const cut of [one.length - 10, one.length - 3, one.length - 1]) {
      await alice.chat.msrp.says(both.subarray(0, cut), both.subarray(cut));
      await bob.chat.hears("first half");
      await bob.chat.hears("second half");
    }
  });
});

focus("what other servers get wrong", { policies: { notifyPaceMs: 20 } }, (conversation) => {
  conversation("a CPIM message in more than one chunk reaches the others whole, and the sender's session lives", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const cpim = chatCpim(alice.aor, group.identity, "in three chunks");
    const messageId = token();
    const cuts = [0, 20, 150, cpim.length];
    for (let i = 0; i < 3; i += 1) {
      const [at, end, tid] = [cuts[i]!, cuts[i + 1]!, token()];
      await alice.chat.msrp.says(frame(`MSRP ${tid} SEND`, `${alice.chat.paths}\nMessage-ID: ${messageId}\nByte-Range: ${at + 1}-${end}/${cpim.length}\nContent-Type: message/cpim`, cpim.slice(at, end), i < 2 ? "+" : "$"));
      expect((await alice.chat.msrp.answerTo(tid)).startLine).toBe(`MSRP ${tid} 200 OK`);
    }
    for (const person of [bob, carol]) expect((await wholeMessage(person.chat.msrp)).octets.toString()).toBe(cpim);
    await chats(alice, bob, carol);
  });

  conversation("chunks of two messages interleave, and a chunk is repeated: each message comes whole, once", async (scene) => {
    const { group, alice, bob } = await scene.trio();
    const [left, right] = [chatCpim(alice.aor, group.identity, "left message"), chatCpim(alice.aor, group.identity, "right message")];
    const chunk = (id: string, cpim: string, at: number, end: number): Buffer =>
      frame(`MSRP ${token()} SEND`, `${alice.chat.paths}\nMessage-ID: ${id}\nByte-Range: ${at + 1}-${end}/${cpim.length}\nContent-Type: message/cpim`, cpim.slice(at, end), end === cpim.length ? "$" : "+");
    await alice.chat.msrp.says(chunk("l", left, 0, 99), chunk("r", right, 0, 120), chunk("l", left, 0, 99), chunk("r", right, 120, right.length), chunk("l", left, 99, left.length));
    expect((await bob.chat.msrp.hears("SEND")).body.toString()).toBe(right);
    expect((await bob.chat.msrp.hears("SEND")).body.toString()).toBe(left);
    await bob.chat.hearsNothing();
  });

  const nonsense: [string, (leg: Leg, aor: string, identity: string) => string][] = [
    ["CPIM To without <>", (leg, aor, identity) => leg.send(token(), chatCpim(aor, identity, "x").replace(/To: <([^>]*)>/, "To: $1")).toString("latin1")],
    ["CPIM To that is no URI", (leg, aor, identity) => leg.send(token(), chatCpim(aor, identity, "x").replace(/To: <[^>]*>/, "To: <<<;;;>")).toString("latin1")],
    ["CPIM without a From", (leg, aor, identity) => leg.send(token(), chatCpim(aor, identity, "x").replace(/From: [^\r]*\r\n/, "")).toString("latin1")],
    ["CPIM that is nothing", (leg) => leg.send(token(), "").toString("latin1")],
    ["CPIM that is a blank line", (leg) => leg.send(token(), "\r\n\r\n").toString("latin1")],
    ["CPIM that is zeros", (leg) => leg.send(token(), Buffer.alloc(300)).toString("latin1")],
    ["CPIM whose content is shorter than it says", (leg, aor, identity) => leg.send(token(), chatCpim(aor, identity, "x").replace("Content-Length: 1", "Content-Length: 4000000000")).toString("latin1")],
    ["a SEND without a To-Path", (leg) => frame(`MSRP ${token()} SEND`, `From-Path: ${leg.fromPath}\nMessage-ID: m`, "x").toString("latin1")],
    ["a SEND without a Message-ID", (leg) => frame(`MSRP ${token()} SEND`, `${leg.paths}\nContent-Type: text/plain`, "x").toString("latin1")],
    ["a method that nobody knows", (leg) => frame(`MSRP ${token()} JUGGLE`, leg.paths, undefined).toString("latin1")],
    ["a response to nothing", (leg) => frame(`MSRP ${token()} 200 OK`, leg.paths, undefined).toString("latin1")],
    ["a Byte-Range that runs backwards", (leg) => frame(`MSRP ${token()} SEND`, `${leg.paths}\nMessage-ID: m\nByte-Range: 9-3/5\nContent-Type: message/cpim`, "xyz").toString("latin1")],
    ["a Byte-Range beyond all numbers", (leg) => frame(`MSRP ${token()} SEND`, `${leg.paths}\nMessage-ID: m\nByte-Range: 99999999999999999999-99999999999999999999/99999999999999999999\nContent-Type: message/cpim`, "x").toString("latin1")],
    ["a Byte-Range of zero", (leg) => frame(`MSRP ${token()} SEND`, `${leg.paths}\nMessage-ID: m\nByte-Range: 0-0/0\nContent-Type: message/cpim`, "x").toString("latin1")],
    ["another protocol", () => "GET / HTTP/1.1\r\nHost: focus\r\n\r\n"],
    ["a head without an end", (leg) => `MSRP ${token()} SEND\r\nTo-Path: ${leg.toPath}\r\n${"X-Long: y\r\n".repeat(20_000)}`],
    ["a line without an end", () => `MSRP ${"x".repeat(200_000)}`],
    ["octets by chance", () => Array.from({ length: 5_000 }, (_, index) => String.fromCharCode((index * 7919) % 256)).join("")],
  ];
  for (const [what, says] of nonsense) {
    conversation(`one participant's bad input never hurts others: ${what}`, async (scene) => {
      const { group, alice, bob, carol } = await scene.trio();
      await alice.chat.msrp.says(says(alice.chat, alice.aor, group.identity));
      await quiet(40);
      await chats(bob, carol);
      await alice.joins(group);
      await chats(alice, bob, carol);
    });
  }

  const sipNonsense: [string, (device: Device) => string][] = [
    ["another protocol", () => "GET / HTTP/1.1\r\nHost: focus\r\n\r\n"],
    ["a negative Content-Length", (device) => subscription(device, "sip:x@cpm.example").replace("Content-Length: 0", "Content-Length: -5")],
    ["a Content-Length beyond all numbers", (device) => subscription(device, "sip:x@cpm.example").replace("Content-Length: 0", "Content-Length: 99999999999999999999")],
    ["a head without an end", () => `INVITE sip:x@cpm.example SIP/2.0\r\n${"X-Long: y\r\n".repeat(20_000)}`],
    ["a display name without an end", (device) => subscription(device, "sip:x@cpm.example").replace("From: <", `From: "${"\\".repeat(20_000)}<`)],
    ["octets by chance", () => Array.from({ length: 5_000 }, (_, index) => String.fromCharCode((index * 7919) % 256)).join("")],
  ];
  for (const transport of ["tcp", "udp"] as const) {
    conversation(`one peer's bad SIP over ${transport.toUpperCase()} never hurts others`, async (scene) => {
      const { alice, bob, carol } = await scene.trio();
      for (const [, text] of sipNonsense) {
        const mallory = await scene.stranger("mallory");
        mallory.sip.sendOctets(Buffer.from(text(mallory), "latin1").subarray(0, transport === "udp" ? 60_000 : undefined), transport);
        await chats(alice, bob, carol);
      }
      const erin = await scene.device("erin");
      expect((await erin.asks(creating(erin, erin.path(), bob))).status).toBe(200);
    });
  }

  conversation("Contact is the conference identity: a SUBSCRIBE to what Contact names succeeds", async (scene) => {
    const { alice, bob } = await scene.trio();
    const { ok, first } = await alice.subscribes(alice.chat.dialog.target);
    expect(ok.startLine).toBe("SIP/2.0 200 OK");
    expect(ok.uri("Contact")).toBe(alice.chat.dialog.target);
    expect(first.body).toContain(bob.aor);
  });

  conversation("Require: recipient-list-invite is supported, not 420", async (scene) => {
    const [alice, bob] = [await scene.device("alice"), await scene.device("bob")];
    const text = creating(alice, alice.path(), bob);
    expect(text).toContain("\r\nRequire: recipient-list-invite\r\n");
    expect((await alice.asks(text)).startLine).toBe("SIP/2.0 200 OK");
  });

  conversation("NOTIFYs are not always full: what changed travels as partial state", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    await alice.subscribes(group.identity);
    await bob.chat.dialog.end('SIP;cause=480;text="Bearer unavailable"');
    const notify = await alice.notified();
    expect(notify.body).toMatch(/<conference-info[^>]* state="partial"/);
    expect(notify.body).toContain(bob.aor);
    expect(notify.body).not.toContain(carol.aor);
  });

  conversation("one listening TCP port for all sessions, chat and file", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    alice.send(alice.offer(group, photo).text);
    const paths = [alice, bob, carol].map((one) => one.chat.toPath);
    paths.push((await bob.isOffered()).attribute("path"), (await carol.isOffered()).attribute("path"));
    for (const path of paths) expect(path).toContain(`:${scene.focus.address.msrp}/`);
    expect(new Set(paths).size).toBe(paths.length);
  });

  conversation("a frame above 12 kB is taken", async (scene) => {
    const { group, alice, bob } = await scene.trio();
    const cpim = chatCpim(alice.aor, group.identity, "long ".repeat(8_000));
    expect((await alice.chat.says(cpim)).startLine).toMatch(/ 200 OK$/);
    expect((await wholeMessage(bob.chat.msrp)).octets.toString()).toBe(cpim);
  });

  conversation("Byte-Range: 1-*/* with a short segment is one small message", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const cpim = chatCpim(alice.aor, group.identity, "stars");
    const tid = token();
    await alice.chat.msrp.says(frame(`MSRP ${tid} SEND`, `${alice.chat.paths}\nMessage-ID: ${token()}\nByte-Range: 1-*/*\nContent-Type: message/cpim`, cpim));
    expect((await alice.chat.msrp.answerTo(tid)).startLine).toMatch(/ 200 OK$/);
    for (const person of [bob, carol]) expect((await wholeMessage(person.chat.msrp)).octets.toString()).toBe(cpim);
  });

  const multiparts: [string, (text: string) => string][] = [
    ["without a boundary parameter", (text) => text.replace(";boundary=cpm-b1", "")],
    ["with an empty boundary", (text) => text.replace("boundary=cpm-b1", 'boundary=""')],
    ["whose boundary never appears", (text) => text.replace("boundary=cpm-b1", "boundary=elsewhere")],
    ["of boundaries only", (text) => text.slice(0, text.indexOf("\r\n\r\n") + 4) + "--cpm-b1\r\n".repeat(20_000)],
  ];
  for (const [what, spoil] of multiparts) {
    conversation(`a multipart ${what} is refused at once, and the focus lives`, async (scene) => {
      const { alice, bob, carol } = await scene.trio();
      const answer = await alice.asks(spoil(creating(alice, alice.path(), bob)));
      expect([400, 413, 415]).toContain(answer.status);
      await chats(alice, bob, carol);
    });
  }
});

focus("what other servers get wrong: delay", {}, (conversation) => {
  conversation("no message waits for Nagle and a delayed ACK", async (scene) => {
    const { alice, bob } = await scene.trio();
    const took: number[] = [];
    for (let i = 0; i < 25; i += 1) {
      const before = performance.now();
      const heard = bob.chat.hears(`message ${i}.`);
      const answered = alice.says(`message ${i}.`);
      await heard;
      took.push(performance.now() - before);
      await answered;
    }
    expect(took.toSorted((a, b) => a - b)[8]!).toBeLessThan(35);
  });
});
