/**
 * What crosses, repeats itself, comes too late or names the wrong one, on the wire: every request gets one answer, every
 * subscription its last NOTIFY, and nothing that a peer says is a fault of the focus.
 */
import { expect, test } from "vitest";
import { chatAnswerLines, chatCpim, chatSdp, contactLine, creation, resourceLists, specimen, subscription } from "./octets.ts";
import { Dialog, Scene, focus, receivesFile, sendsFile, type Device, type Group } from "./scene.ts";
import { Focus, crlf, quiet, response, sha256, token, type SipText } from "./stranger.ts";

/** A REFER in the chat's dialog that makes a subscription. */
const refer = (from: Device, to: string): string => from.chat.dialog.request("REFER", `${contactLine(from)}\nRefer-To: <${to}>`);

/** A REFER that names several by a list. */
const referList = (from: Device, list: readonly string[]): string =>
  from.chat.dialog.request("REFER", `
${contactLine(from)}
Require: multiple-refer
Refer-To: <cid:list@client.example>
Content-Disposition: recipient-list
Content-ID: <list@client.example>
Content-Type: application/resource-lists+xml`, resourceLists(list));

/** What became of a REFER: its last NOTIFY. */
const outcome = (referrer: Device): Promise<SipText> =>
  referrer.sip.hears((one) => one.startLine.startsWith("NOTIFY ") && one.header("Event").startsWith("refer") && one.header("Subscription-State").startsWith("terminated"));

/** The NOTIFYs to come of the participant information, up to one that holds. */
async function notifiedUntil(watcher: Device, holds: (notify: SipText) => boolean): Promise<SipText> {
  return await watcher.sip.hears((one) => one.startLine.startsWith("NOTIFY ") && one.header("Event").startsWith("conference") && holds(one));
}

/** The entry of a user in a conference-info document. */
const userIn = (notify: SipText, aor: string): string => new RegExp(`<user entity="${aor}"[\\s\\S]*?</user>`).exec(notify.body)?.[0] ?? "";

/** A MESSAGE to the group, outside of any dialog. */
const message = (from: Device, group: Group, cpim: string): string => crlf(`
MESSAGE ${group.identity} SIP/2.0
Via: SIP/2.0/TCP ${from.address};branch=z9hG4bK${token()};rport
Max-Forwards: 70
From: <${from.aor}>;tag=${token()}
To: <${group.identity}>
Call-ID: ${token()}
CSeq: 1 MESSAGE
Content-Type: message/cpim
Content-Length: ?

`) + cpim;

focus("REFER", { policies: { notifyPaceMs: 20 } }, (conversation) => {
  conversation("RFC 3515 §2.4.5: who refers somebody who is here already, or itself, hears the end of it; the next REFER is told of its own", async (scene) => {
    const { group, alice, bob } = await scene.trio();
    for (const target of [bob.aor, alice.aor, group.identity]) {
      expect((await alice.asks(refer(alice, target))).startLine).toBe("SIP/2.0 202 Accepted");
      expect((await outcome(alice)).body).toBe("SIP/2.0 200 OK\r\n");
    }
    const dave = await scene.device("dave");
    const second = alice.asks(refer(alice, dave.aor));
    await dave.entersChat(await dave.isInvited());
    await second;
    expect((await outcome(alice)).body).toBe("SIP/2.0 200 OK\r\n");
  });

  conversation("REFERs that name members make no end of subscriptions: the twentieth is answered as the first", async (scene) => {
    const { alice, bob } = await scene.trio();
    for (let count = 0; count < 20; count += 1) expect((await alice.asks(refer(alice, bob.aor))).status).toBe(202);
  });

  conversation("the group itself is nobody to invite", async (scene) => {
    const { group, alice, bob } = await scene.trio();
    const { first } = await bob.subscribes(group.identity);
    expect(first.body).toContain("<user-count>3</user-count>");
    const dave = await scene.device("dave");
    expect((await alice.asks(referList(alice, [group.identity, dave.aor, dave.aor, alice.aor]))).status).toBe(202);
    await dave.entersChat(await dave.isInvited());
    const told = await notifiedUntil(bob, (one) => userIn(one, dave.aor).includes("<status>connected</status>"));
    expect(told.body).not.toContain(`<user entity="${group.identity}"`);
    await dave.sip.hearsNothing("INVITE ");
  });
});

focus("a REFER and the end", { policies: { minParticipants: 3 } }, (conversation) => {
  conversation("RFC 3515 §2.4.7: a group that ends while an invitation rings tells the referrer so, and the invited", async (scene) => {
    const { alice, bob, carol } = await scene.trio();
    const dave = await scene.device("dave");
    expect((await bob.asks(refer(bob, dave.aor))).status).toBe(202);
    dave.rings(await dave.isInvited());
    for (const one of [alice, carol]) await one.chat.dialog.end('SIP;cause=200;text="Call completed"');
    expect((await bob.chat.dialog.hearsBye()).header("Reason")).toContain("410");
    await dave.sip.hears("CANCEL ");
    expect((await outcome(bob)).body).toBe("SIP/2.0 487 Request Terminated\r\n");
  });
});

focus("what a peer writes is no fault of ours", {}, (conversation) => {
  conversation("a transfer whose Contribution-ID is longer than any client makes them is 400", async (scene) => {
    const { group, alice } = await scene.trio();
    const { text, contributionId } = alice.offer(group);
    expect((await alice.asks(text.replace(contributionId, "c".repeat(300)))).startLine).toBe("SIP/2.0 400 Bad Request");
  });

  conversation("RFC 3261 §14.2: a re-INVITE for MSRP over TLS, which is not served, is 488, and the chat goes on", async (scene) => {
    const { alice, bob } = await scene.trio();
    const offer = chatSdp(alice.chat.fromPath).replace("TCP/MSRP", "TCP/TLS/MSRP").replace(/msrp:/g, "msrps:");
    expect((await alice.asks(alice.chat.dialog.request("INVITE", chatAnswerLines(alice), offer.replace(/;tcp/, "x;tcp")))).startLine).toBe("SIP/2.0 488 Not Acceptable Here");
    await alice.says("still here");
    await bob.chat.hears("still here");
  });

  conversation("RFC 4575 §5.3: a Subject beyond ASCII is the same letters in the participant information", async (scene) => {
    const subject = Buffer.from("Übergänge 山", "utf8").toString("latin1");
    const { group, bob } = await scene.trio((invite) => invite.replace("Subject: Hiking", `Subject: ${subject}`));
    expect((await bob.subscribes(group.identity)).first.body).toContain(`<subject>${subject}</subject>`);
    const dave = await scene.device("dave");
    await bob.asks(refer(bob, dave.aor));
    expect((await dave.isInvited()).header("Subject")).toBe(subject);
  });

  conversation("RFC 4975 §10.5, RFC 3428 §7: a MESSAGE above maxMessageOctets is 413, as a SEND would be", async (scene) => {
    const { group, alice, bob } = await scene.trio();
    const cpim = (octets: number): string => chatCpim(alice.aor, group.identity, "x".repeat(octets));
    expect((await alice.asks(message(alice, group, cpim(70_000)))).status).toBe(413);
    expect((await alice.asks(message(alice, group, cpim(60_000)))).status).toBe(200);
    await bob.chat.msrp.hears(/x{1000}/);
  });
});

focus("who is who", {}, (conversation) => {
  conversation("RFC 3261 §19.1.6: a global number is one user however it is spelled, a local one is another at another host", async (scene) => {
    const { group, alice } = await scene.trio();
    const as = (aor: string): string => alice.joining(group).replace(/\r\nCall-ID: \w+/, `\r\nCall-ID: ${token()}`).replace("P-Preferred-Service", `P-Asserted-Identity: <${aor}>\r\nP-Preferred-Service`);
    for (const invited of ["sip:+1-212-555-0100@cpm.example;user=phone", "sip:100@a.example;user=phone"])
      expect((await alice.asks(alice.chat.dialog.request("REFER", `${contactLine(alice)}\nRefer-To: <${invited}>\nRefer-Sub: false`))).status).toBe(202);
    const cases: readonly (readonly [string, number])[] = [
      ["tel:+12125550100", 200],
      ["sip:+12125550100@elsewhere.example", 200],
      ["sip:100@A.example;user=phone", 200],
      ["sip:100@b.example;user=phone", 403],
      ["tel:100;phone-context=a.example", 403],
    ];
    for (const [aor, status] of cases) {
      const answer = await alice.asks(as(aor));
      expect([aor, answer.status]).toEqual([aor, status]);
    }
  });
});

focus("who sits where", { policies: { notifyPaceMs: 1500, maxGroupSize: 4 } }, (conversation) => {
  conversation("RFC 4575 §4.4: a watcher hears that somebody has gone although the seat was given away meanwhile", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const [dave, erin] = [await scene.device("dave"), await scene.device("erin")];
    expect((await alice.asks(refer(alice, dave.aor))).status).toBe(202);
    await dave.entersChat(await dave.isInvited());
    const { first } = await bob.subscribes(group.identity);
    expect(userIn(first, carol.aor)).toContain("<status>connected</status>");
    expect((await carol.chat.dialog.end('SIP;cause=200;text="Call completed"')).status).toBe(200);
    await quiet(50);
    expect((await alice.asks(refer(alice, erin.aor))).status).toBe(202);
    await erin.entersChat(await erin.isInvited());
    const told = await notifiedUntil(bob, (one) => userIn(one, erin.aor).includes("connected"));
    const carolIsGone = /state="full"/.test(/<conference-info[^>]*>/.exec(told.body)![0]) ? userIn(told, carol.aor) === "" : /disconnected|state="deleted"/.test(userIn(told, carol.aor));
    expect(carolIsGone, told.body).toBe(true);
  });
});

focus("subscriptions", { policies: { subscriptionMs: 90_000 } }, (conversation) => {
  conversation("RFC 4575 §3.3, RFC 6665 §4.2.1.1, §4.2.1.4: a subscription is granted what policy allows, when it begins and when it is refreshed", async (scene) => {
    const { group, alice } = await scene.trio();
    const { ok, dialog } = await alice.subscribes(group.identity);
    expect(ok.header("Expires")).toBe("90");
    const refreshed = await alice.asks(dialog.request("SUBSCRIBE", `${contactLine(alice)}\nEvent: conference\nExpires: 3600`));
    expect(refreshed.header("Expires")).toBe("90");
    expect((await alice.notified()).header("Subscription-State")).toMatch(/^active;expires=(90|89)$/);
  });

  conversation("RFC 6665 §4.2.1.1: a refresh below the minimum is 423, as the first SUBSCRIBE is, and the subscription goes on", async (scene) => {
    const { group, alice } = await scene.trio();
    const { dialog } = await alice.subscribes(group.identity);
    const tooShort = await alice.asks(dialog.request("SUBSCRIBE", `${contactLine(alice)}\nEvent: conference\nExpires: 1`));
    expect([tooShort.status, tooShort.header("Min-Expires")]).toEqual([423, "60"]);
    expect((await alice.asks(dialog.request("SUBSCRIBE", `${contactLine(alice)}\nEvent: conference\nExpires: 60`))).status).toBe(200);
    await alice.notified();
  });

  conversation("one user has so many subscriptions and no more: 503", async (scene) => {
    const { group, alice } = await scene.trio();
    const statuses: number[] = [];
    for (let count = 0; count < 33; count += 1) statuses.push((await alice.asks(subscription(alice, group.identity))).status);
    expect(statuses).toEqual([...Array.from({ length: 32 }, () => 200), 503]);
  });
});

focus("a 2xx without its ACK", { policies: { noAckMs: 300 } }, (conversation) => {
  conversation("RFC 3261 §13.3.1.4: the BYE comes when noAckMs has passed, and the member may join again", async (scene) => {
    const { group, bob } = await scene.trio();
    const joined = Dialog.called(bob, await bob.asks(bob.joining(group)));
    const replaced = bob.chat.dialog.hearsBye();
    const bye = await joined.hearsBye(1_500);
    expect(bye.header("Reason")).toBe('SIP;cause=480;text="Bearer unavailable"');
    await replaced;
    expect((await bob.asks(bob.joining(group))).status).toBe(200);
  });
});

focus("a session that is refreshed", { policies: { noAckMs: 300, bindMs: 300 } }, (conversation) => {
  conversation("RFC 4028 §9: a re-INVITE and an UPDATE refresh the session, and it goes on however long ago its ACK was", async (scene) => {
    const { alice, bob } = await scene.trio();
    const { dialog } = alice.chat;
    for (const request of [dialog.request("INVITE", chatAnswerLines(alice), chatSdp(alice.chat.fromPath)), dialog.request("UPDATE", contactLine(alice))]) {
      const ok = await alice.asks(request);
      expect(ok.status).toBe(200);
      if (ok.header("CSeq").endsWith("INVITE")) dialog.acknowledge(ok);
    }
    await quiet(700);
    await dialog.hearsNoBye();
    await alice.says("still here");
    await bob.chat.hears("still here");
  });
});

focus("a file and who moves", { policies: { stallMs: 2_000 } }, (conversation) => {
  conversation("a recipient that comes with a new path in the middle of the file gets all of it there", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const file = specimen(2_000_000);
    const offer = alice.offer(group, file);
    const sent = alice.asks(offer.text);
    const leg = await bob.takes(await bob.isOffered(), file);
    leg.msrp.pause();
    carol.declines(await carol.isOffered());
    const sending = sendsFile(await alice.established(await sent, offer.path), file, 65_536);
    await quiet(100);
    const path = bob.path();
    const ok = await bob.asks(leg.dialog.request("INVITE", `${contactLine(bob, "filetransfer")}\nContent-Type: application/sdp`, movedOffer(path)));
    expect(ok.startLine).toBe("SIP/2.0 200 OK");
    const moved = await bob.established(ok, path);
    const received = await receivesFile(moved);
    expect(sha256(received.octets)).toBe(sha256(file.octets));
    expect(received.flag).toBe("$");
    await sending;
  });
});

/** The offer of a recipient that has another path than before. */
const movedOffer = (path: string): string =>
  chatSdp(path)
    .replace("a=sendrecv", "a=recvonly")
    .replace(/a=accept-types:.*/, "a=accept-types:message/cpim image/jpeg")
    .replace(/a=accept-wrapped-types:.*/, "a=accept-wrapped-types:*")
    .replace(/a=max-size:.*\r\n/, "");

test("SIGTERM: the last NOTIFY shows nobody in the conference any more, and nothing new begins", async ({ onTestFailed }) => {
  const running = await Focus.start();
  const scene = new Scene(running);
  onTestFailed(() => console.log(`${scene.ladder}\n${running.lastWords}`));
  try {
    const { group, alice, bob, carol } = await scene.trio();
    await alice.subscribes(group.identity);
    // Bob is slow to hang up, so that the focus still waits.
    bob.sip.polite = false;
    const stopped = running.stop();
    const bye = await bob.chat.dialog.hearsBye();
    const last = await alice.sip.hears((one) => one.startLine.startsWith("NOTIFY ") && one.header("Subscription-State").startsWith("terminated"));
    expect(last.header("Subscription-State")).toContain("reason=noresource");
    expect(last.body).toContain("<active>false</active>");
    expect(last.body).toContain("<user-count>0</user-count>");
    expect(last.body).not.toContain("<status>connected</status>");
    const path = carol.path();
    const answer = await carol.asks(creation({ from: carol, list: [alice.aor], path, conversationId: token(), contributionId: token() }));
    expect(answer.startLine).toBe("SIP/2.0 503 Service Unavailable");
    bye.reply(response(bye, "200 OK"));
    expect(await stopped).toBe(0);
  } finally {
    scene.close();
    await running.stop();
  }
});

test("SIGTERM: the last NOTIFY waits for a subscriber that is slow to answer the one before", async ({ onTestFailed }) => {
  const running = await Focus.start();
  const scene = new Scene(running);
  onTestFailed(() => console.log(`${scene.ladder}\n${running.lastWords}`));
  try {
    const { group, alice } = await scene.trio();
    const watcher = await scene.stranger("bob");
    watcher.sip.polite = false;
    expect((await watcher.asks(subscription(watcher, group.identity))).status).toBe(200);
    const first = await watcher.notified();
    const stopped = running.stop();
    await alice.chat.dialog.hearsBye();
    await quiet(300);
    first.reply(response(first, "200 OK"));
    const last = await watcher.notified();
    expect(last.header("Subscription-State")).toBe("terminated;reason=noresource");
    last.reply(response(last, "200 OK"));
    expect(await stopped).toBe(0);
  } finally {
    scene.close();
    await running.stop();
  }
});
