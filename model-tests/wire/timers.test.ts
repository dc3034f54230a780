/**
 * Every named timer of the machines expires once by itself, in real time, shortened by policy, and what follows is seen on the wire.
 *
 * The session interval has no policy below 90 s, by RFC 4028 §4: here the peer grants one of two seconds, and the focus keeps it.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { namedTimers, timersIn } from "../roleplay/trace-transitions.ts";
import { chatAnswerLines, chatCpim, chatSdp, creation, subscription } from "./octets.ts";
import { Dialog, Scene, Sending, sendsFile, type Device, type Group } from "./scene.ts";
import { Focus, quiet, response, token, type SipText } from "./stranger.ts";

const shortened = {
  ringMs: 500, cancelMs: 400, noAckMs: 1_500, bindMs: 1_500, glareMs: 300, senderByeMs: 500, stallMs: 1_000, notifyPaceMs: 400, reinviteMs: 1_200, subscriptionMs: 3_600_000, minSubscriptionMs: 1_000,
};
let alert: Focus;
let sleepy: Focus;

beforeAll(async () => {
  [alert, sleepy] = await Promise.all([Focus.start({ policies: shortened }), Focus.start({ policies: { inactivityMs: 1_200, lifetimeMs: 700 } })]);
});

afterAll(async () => {
  await Promise.all([alert?.stop(0), sleepy?.stop(0)]);
});

function conversation(title: string, of: () => Focus, body: (scene: Scene) => Promise<void>): void {
  test.concurrent(title, async ({ onTestFailed }) => {
    const scene = new Scene(of());
    onTestFailed(() => console.log(`${title}\n${scene.ladder}\n${of().lastWords}`));
    try {
      await body(scene);
      expect(scene.ladder.faults).toEqual([]);
    } finally {
      scene.close();
    }
  });
}

const unavailable = 'SIP;cause=480;text="Bearer unavailable"';

/** Alice creates a group with Bob, who has got his INVITE. */
async function invited(scene: Scene): Promise<{ group: Group; alice: Device; bob: Device; invite: SipText }> {
  const [alice, bob] = [await scene.device("alice"), await scene.device("bob")];
  const path = alice.path();
  const [conversationId, contributionId] = [token(), token()];
  const ok = await alice.asks(creation({ from: alice, list: [bob.aor], path, conversationId, contributionId }));
  alice.createdChat(await alice.established(ok, path));
  return { group: { identity: ok.uri("Contact"), conversationId, contributionId }, alice, bob, invite: await bob.isInvited() };
}

/** What Alice is told of Bob, when it is that. */
const told = (alice: Device, bob: Device, status: string): Promise<SipText> =>
  alice.sip.hears((one) => one.startLine.startsWith("NOTIFY ") && new RegExp(`entity="${bob.aor}"[\\s\\S]*?<status>${status}<`).test(one.body));

describe("in real time", () => {
  conversation("ringMs, cancelMs: nobody answers, the INVITE is cancelled, and when its end does not come either, the user is away", () => alert, async (scene) => {
    const { group, alice, bob, invite } = await invited(scene);
    await alice.subscribes(group.identity);
    bob.rings(invite);
    bob.sip.polite = false;
    const cancel = await bob.sip.hears("CANCEL ");
    cancel.reply(response(cancel, "200 OK", bob.sip.tagFor(invite)));
    await told(alice, bob, "disconnected");
  });

  conversation("noAckMs: a 2xx whose ACK does not come is followed by BYE 480", () => alert, async (scene) => {
    const { group, bob } = await scene.trio();
    const joined = Dialog.called(bob, await bob.asks(bob.joining(group)));
    expect((await joined.hearsBye()).header("Reason")).toBe(unavailable);
  });

  conversation("bindMs: a dialog whose MSRP connection does not come is ended by BYE 480", () => alert, async (scene) => {
    const { bob, invite } = await invited(scene);
    const tag = bob.sip.tagFor(invite);
    invite.reply(response(invite, "200 OK", tag, chatAnswerLines(bob), chatSdp(bob.path())));
    await bob.sip.hears("ACK ");
    expect((await Dialog.answered(bob, invite, tag).hearsBye()).header("Reason")).toBe(unavailable);
  });

  conversation("sessionRefreshMs, glareMs, sessionExpiresMs: half of the interval, the time after 491, and all of it: BYE 408", () => alert, async (scene) => {
    const { bob, invite } = await invited(scene);
    const path = bob.path();
    const { dialog } = await bob.accepts(invite, path, `${chatAnswerLines(bob).trim()}\nAllow: INVITE, ACK, BYE, UPDATE\nRequire: timer\nSession-Expires: 2;refresher=uac`, chatSdp(path));
    const collides = await bob.sip.hears("UPDATE ");
    collides.reply(response(collides, "491 Request Pending"));
    const refused = await bob.sip.hears("UPDATE ");
    refused.reply(response(refused, "488 Not Acceptable Here"));
    expect((await dialog.hearsBye()).header("Reason")).toBe('SIP;cause=408;text="Session expired"');
  });

  conversation("senderByeMs: a sender that forgets its BYE gets ours", () => alert, async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const offer = alice.offer(group);
    const sent = alice.asks(offer.text);
    carol.declines(await carol.isOffered());
    await bob.takes(await bob.isOffered(), offer.file);
    const leg = await alice.established(await sent, offer.path);
    await sendsFile(leg, offer.file);
    expect((await leg.dialog.hearsBye()).header("Reason")).toBe('SIP;cause=200;text="Call completed"');
  });

  conversation("stallMs: a file that stands still is given up, and nobody keeps half of it", () => alert, async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const offer = alice.offer(group);
    const sent = alice.asks(offer.text);
    carol.declines(await carol.isOffered());
    const toBob = await bob.takes(await bob.isOffered(), offer.file);
    const leg = await alice.established(await sent, offer.path);
    await new Sending(leg, offer.file).upTo(40_000);
    expect((await leg.dialog.hearsBye()).header("Reason")).toBe(unavailable);
    await toBob.msrp.hears((one) => one.flag === "#");
    await toBob.dialog.hearsBye();
  });

  conversation("notifyPaceMs: what changes in quick succession is told together, and after its time", () => alert, async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    await alice.subscribes(group.identity);
    await quiet(shortened.notifyPaceMs + 200);
    await Promise.all([bob, carol].map((one) => one.chat.dialog.end('SIP;cause=480;text="Bearer unavailable"')));
    const began = performance.now();
    const notifies: SipText[] = [];
    const gone = (person: Device) => notifies.some(({ body }) => new RegExp(`entity="${person.aor}"[\\s\\S]*?<status>disconnected<`).test(body));
    while (!gone(bob) || !gone(carol)) notifies.push(await alice.notified());
    expect(notifies.length).toBeLessThanOrEqual(2);
    if (notifies.length === 2) expect(performance.now() - began).toBeGreaterThan(shortened.notifyPaceMs - 100);
  });

  conversation("subscriptionMs: a subscription that is not refreshed ends, and says so", () => alert, async (scene) => {
    const { group, alice } = await scene.trio();
    const ok = await alice.asks(subscription(alice, group.identity).replace("Expires: 3600", "Expires: 1"));
    expect([ok.status, ok.header("Expires")]).toEqual([200, "1"]);
    expect((await alice.notified()).header("Subscription-State")).toMatch(/^active/);
    await alice.sip.hears((one) => one.startLine.startsWith("NOTIFY ") && /^terminated;reason=timeout/.test(one.header("Subscription-State")));
  });

  conversation("reinviteMs: who is away is invited when somebody writes, and not again before its time", () => alert, async (scene) => {
    const { alice, bob } = await scene.trio();
    await bob.chat.dialog.end('SIP;cause=480;text="Bearer unavailable"');
    const says = () => alice.chat.says(chatCpim(alice.aor, alice.chat.dialog.target, "are you there?"));
    await says();
    bob.declines(await bob.isInvited(), "480 Temporarily Unavailable");
    await quiet(200);
    await says();
    await bob.sip.hearsNothing("INVITE ");
    await quiet(shortened.reinviteMs);
    await says();
    bob.declines(await bob.isInvited(), "480 Temporarily Unavailable");
  });

  conversation("inactivityMs, lifetimeMs: a silent group tells everybody to go, is kept for a while, and then is no more", () => sleepy, async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    for (const one of [alice, bob, carol]) expect((await one.chat.dialog.hearsBye()).headers("Reason")).toEqual([]);
    await quiet(1_000);
    expect((await bob.asks(bob.joining(group))).status).toBe(404);
  });
});

test("every named timer has expired", () => {
  const expired = new Set([alert, sleepy].flatMap(({ trace }) => [...timersIn(trace)]));
  expect(namedTimers.filter((timer) => !expired.has(timer))).toEqual([]);
});
