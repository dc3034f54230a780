/**
 * One dialog with the focus, on the wire, where two things cross or one never comes: BYE before the ACK, 200 against CANCEL,
 * the refreshes of the session, and the subscription beside it. Its timers expire when the test says so.
 */
import { expect } from "vitest";
import { chatAnswerLines, chatSdp, contactLine, creation, factory, subscription } from "./octets.ts";
import { Dialog, focus, type Device, type Group, type Scene } from "./scene.ts";
import { crlf, quiet, response, token, type SipText } from "./stranger.ts";

const refreshes = /^(UPDATE|INVITE) /;
const refer = (from: Device, to: string): string => from.chat.dialog.request("REFER", `${contactLine(from)}\nRefer-To: <${to}>\nRefer-Sub: false`);

/** Alice has created a group with Bob, whose phone has got its INVITE and not answered it. */
async function ringing(scene: Scene): Promise<{ alice: Device; bob: Device; invite: SipText; group: Group }> {
  const [alice, bob] = [await scene.device("alice"), await scene.device("bob")];
  const path = alice.path();
  const [conversationId, contributionId] = [token(), token()];
  const ok = await alice.asks(creation({ from: alice, list: [bob.aor], path, conversationId, contributionId }));
  alice.createdChat(await alice.established(ok, path));
  return { alice, bob, invite: await bob.isInvited(), group: { identity: ok.uri("Contact"), conversationId, contributionId } };
}

/** Alice and Bob; Bob's dialog has a session interval that the focus refreshes. */
async function refreshedByFocus(scene: Scene): Promise<{ bob: Device; dialog: Dialog; refresh: () => Promise<SipText>; expire: (timer: string) => Promise<void> }> {
  const { bob, invite, group } = await ringing(scene);
  const lines = `${chatAnswerLines(bob).trim()}\nAllow: INVITE, ACK, CANCEL, BYE, UPDATE\nRequire: timer\nSession-Expires: 90;refresher=uac`;
  const path = bob.path();
  const { dialog } = await bob.accepts(invite, path, lines, chatSdp(path));
  const expire = (timer: string): Promise<void> => scene.focus.expires(group.identity, "group-participant", timer, timer.startsWith("sessionExpires") ? 1 : 0);
  const refresh = async (): Promise<SipText> => {
    await expire("sessionRefreshMs");
    return await bob.sip.hears((one) => refreshes.test(one.startLine) && one.header("Call-ID") === dialog.callId);
  };
  return { bob, dialog, refresh, expire };
}

const answered = (refresh: SipText, statusLine: string): void =>
  refresh.reply(response(refresh, statusLine, "", statusLine.startsWith("2") ? "Require: timer\nSession-Expires: 90;refresher=uac" : ""));

focus("the session interval", { controlled: true }, (conversation) => {
  conversation("at half the interval the focus refreshes, and again after a 2xx [RFC 4028 §7, §7.2, §7.4, §10]", async (scene) => {
    const { bob, dialog, refresh } = await refreshedByFocus(scene);
    for (let round = 0; round < 2; round += 1) {
      const request = await refresh();
      expect(request.header("Session-Expires")).toMatch(/^\d+;refresher=uac$/);
      expect(request.header("To")).toContain(`;tag=${dialog.localTag}`);
      answered(request, "200 OK");
      await bob.sip.hearsNothing("BYE ", 60);
    }
  });

  conversation("a refresh that is answered 491 is sent again after a pause, and a request of the peer in the pause is answered [RFC 3261 §14.1]", async (scene) => {
    const { bob, dialog, refresh, expire } = await refreshedByFocus(scene);
    answered(await refresh(), "491 Request Pending");
    await quiet(60);
    const ok = await bob.asks(dialog.request("UPDATE", `${contactLine(bob)}\nSupported: timer\nSession-Expires: 90;refresher=uas`));
    expect(ok.startLine).toBe("SIP/2.0 200 OK");
    answered(await refresh(), "491 Request Pending");
    await quiet(60);
    await expire("glareMs");
    answered(await bob.sip.hears((one) => refreshes.test(one.startLine)), "200 OK");
    await bob.sip.hearsNothing("BYE ", 60);
  });

  conversation("a refresh that is answered 481 ends the dialog [RFC 3261 §12.2.1.2]", async (scene) => {
    const { dialog, refresh } = await refreshedByFocus(scene);
    answered(await refresh(), "481 Call/Transaction Does Not Exist");
    await dialog.hearsBye();
  });

  conversation("a refresh that is refused changes nothing; the session expires, and the dialog ends with it [RFC 4028 §10]", async (scene) => {
    const { bob, dialog, refresh, expire } = await refreshedByFocus(scene);
    answered(await refresh(), "500 Server Internal Error");
    await bob.sip.hearsNothing("BYE ", 60);
    await expire("sessionExpiresMs");
    await dialog.hearsBye();
  });
});

focus("the beginning and the end of a dialog", { controlled: true }, (conversation) => {
  /** Bob's tablet has joined and not acknowledged the 200 when Alice removes Bob. */
  async function unacknowledged(scene: Scene): Promise<{ group: Group; dialog: Dialog; ok: SipText }> {
    const { group, alice, bob } = await scene.trio();
    const tablet = await scene.device("bob");
    const ok = await tablet.asks(tablet.joining(group));
    expect(ok.startLine).toBe("SIP/2.0 200 OK");
    expect((await alice.asks(refer(alice, `${bob.aor};method=BYE`))).status).toBe(202);
    const dialog = Dialog.called(tablet, ok);
    await dialog.hearsNoBye();
    return { group, dialog, ok };
  }

  conversation("who is removed before the ACK of its 200 has come hears BYE after the ACK, not before [RFC 3261 §15]", async (scene) => {
    const { dialog, ok } = await unacknowledged(scene);
    dialog.acknowledge(ok);
    expect((await dialog.hearsBye()).header("Reason")).toBe('SIP;cause=200;text="Booted"');
  });

  conversation("or when the ACK can no longer come [RFC 3261 §13.3.1.4, §15]", async (scene) => {
    const { group, dialog } = await unacknowledged(scene);
    await scene.focus.expires(group.identity, "group-participant", "noAckMs");
    expect((await dialog.hearsBye()).header("Reason")).toBe('SIP;cause=200;text="Booted"');
  });

  conversation("a 200 that crosses our CANCEL is acknowledged and ended with BYE [RFC 3261 §9.1, §13.2.2.4, §15]", async (scene) => {
    const { bob, invite, group } = await ringing(scene);
    bob.sip.polite = false;
    bob.rings(invite);
    await quiet(60);
    await scene.focus.expires(group.identity, "group-participant", "ringMs");
    const cancel = await bob.sip.hears("CANCEL ");
    expect(cancel.header("CSeq")).toBe(invite.header("CSeq").replace("INVITE", "CANCEL"));
    invite.reply(response(invite, "200 OK", bob.sip.tagFor(invite), chatAnswerLines(bob), chatSdp(bob.path())));
    const ofThis = (method: string) => (one: SipText) => one.startLine.startsWith(`${method} `) && one.header("Call-ID") === invite.header("Call-ID");
    await bob.sip.hears(ofThis("ACK"));
    const bye = await bob.sip.hears(ofThis("BYE"));
    for (const request of [cancel, bye]) request.reply(response(request, "200 OK"));
  });

  conversation("who is invited and answers 480 has not refused: it is told disconnected, and may join later [RFC 3261 §21.4.18]", async (scene) => {
    const { alice, bob, invite, group } = await ringing(scene);
    bob.declines(invite, "480 Temporarily Unavailable");
    await quiet(60);
    const { first } = await alice.subscribes(group.identity);
    expect(new RegExp(`<user entity="${bob.aor}"[\\s\\S]*?</user>`).exec(first.body)?.[0]).toContain("<status>disconnected</status>");
    await bob.joins(group);
    await alice.says("there you are");
    await bob.chat.hears("there you are");
  });

  conversation("responses that nobody waits for change nothing and are answered by nobody [RFC 3261 §8.1.3]", async (scene) => {
    const { alice, bob, carol } = await scene.trio();
    const stray = (via: string, statusLine: string): string => crlf(`
SIP/2.0 ${statusLine}
Via: ${via}
From: <${alice.aor}>;tag=${token()}
To: <${factory}>;tag=${token()}
Call-ID: ${token()}
CSeq: 1 INVITE
Content-Length: 0

`);
    const { host, tcp } = scene.focus.address;
    for (const statusLine of ["100 Trying", "180 Ringing", "200 OK", "486 Busy Here"]) {
      for (const via of [`SIP/2.0/TCP ${host}:${tcp};branch=z9hG4bK${token()}`, `SIP/2.0/TCP elsewhere.example;branch=z9hG4bK${token()}`]) alice.send(stray(via, statusLine));
    }
    await alice.sip.hearsNothing();
    await alice.says("as before");
    await Promise.all([bob, carol].map((one) => one.chat.hears("as before")));
  });
});

focus("a subscription and its timers", { controlled: true }, (conversation) => {
  const subscriptionTimer = (scene: Scene, group: Group, timer: string): Promise<void> => scene.focus.expires(group.identity, "conference-subscription", timer);
  const about = (notify: SipText, one: Device): boolean => notify.body.includes(`entity="${one.aor}"`);

  conversation("changes between two NOTIFYs travel together in the second [RFC 4575 §3.9]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    await alice.subscribes(group.identity);
    for (const one of [bob, carol]) await one.chat.dialog.end('SIP;cause=480;text="Bearer unavailable"');
    await alice.sip.hearsNothing("NOTIFY ");
    await subscriptionTimer(scene, group, "notifyPaceMs");
    const notify = await alice.notified();
    expect([bob, carol].map((one) => about(notify, one))).toEqual([true, true]);
    await bob.joins(group);
    await alice.sip.hearsNothing("NOTIFY ", 60);
    await subscriptionTimer(scene, group, "notifyPaceMs");
    expect(about(await alice.notified(), bob)).toBe(true);
  });

  conversation("a subscription that is not refreshed ends, and says so [RFC 6665 §4.2.1.4, §4.4.1]", async (scene) => {
    const { group, alice, bob } = await scene.trio();
    await alice.subscribes(group.identity);
    await subscriptionTimer(scene, group, "subscriptionMs");
    expect((await alice.notified()).header("Subscription-State")).toBe("terminated;reason=timeout");
    await bob.chat.dialog.end('SIP;cause=480;text="Bearer unavailable"');
    await alice.sip.hearsNothing("NOTIFY ");
  });

  conversation("a NOTIFY that is answered 481 ends its subscription: none follows [RFC 6665 §4.2.2]", async (scene) => {
    const { group, bob, carol } = await scene.trio();
    const watcher = await scene.stranger("alice");
    watcher.sip.polite = false;
    expect((await watcher.asks(subscription(watcher, group.identity))).status).toBe(200);
    const first = await watcher.notified();
    first.reply(response(first, "481 Subscription Does Not Exist"));
    await quiet(60);
    for (const one of [bob, carol]) await one.chat.dialog.end('SIP;cause=480;text="Bearer unavailable"');
    await watcher.sip.hearsNothing("NOTIFY ");
    await expect(subscriptionTimer(scene, group, "subscriptionMs")).rejects.toThrow("no subscriptionMs runs");
  });
});
