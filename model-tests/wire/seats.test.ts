/** Who has a seat in a group, who may come to it, and what is kept for whoever is on the way. */
import { expect } from "vitest";
import { chatCpim, composingCpim, contactLine, deliveredCpim } from "./octets.ts";
import { focus, type Device } from "./scene.ts";
import { quiet, token } from "./stranger.ts";

const bearerUnavailable = 'SIP;cause=480;text="Bearer unavailable"';

/** A REFER in the dialog of the chat. */
const refer = (from: Device, to: string): string => from.chat.dialog.request("REFER", `${contactLine(from)}\nRefer-To: <${to}>\nRefer-Sub: false`);

/** A SEND that nobody answers but with a failure. */
const sends = (from: Device, body: string): Promise<void> => from.chat.msrp.says(from.chat.send(token(), body, "message/cpim", "Failure-Report: no"));

focus("who is being invited again", {}, (conversation) => {
  conversation("messages and notifications of the meantime are kept for it, in their order; that somebody was typing is not [CPM-CR §4.2]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    await carol.says("please confirm", "MsgC1");
    await bob.chat.hears("please confirm");
    await carol.chat.dialog.end(bearerUnavailable);
    await bob.says("where are you?");
    const invite = await carol.isInvited();
    await sends(bob, composingCpim(bob.aor, group.identity));
    await sends(bob, deliveredCpim(bob.aor, carol.aor, group.identity, "MsgC1"));
    await alice.chat.hears("<state>active</state>");
    await bob.says("we wait");
    await carol.entersChat(invite);
    const kept = [];
    for (let count = 0; count < 3; count += 1) kept.push((await carol.chat.msrp.hears("SEND")).body.toString());
    expect(kept.map((body) => ["where are you?", "<delivered/>", "we wait"].findIndex((text) => body.includes(text)))).toEqual([0, 1, 2]);
    await carol.chat.hearsNothing();
  });

  conversation("a notification for somebody who is away and not invited is 404: it would be lost [CPM-CR §4.2]", async (scene) => {
    const { group, bob, carol } = await scene.trio();
    await carol.says("please confirm", "MsgC2");
    await bob.chat.hears("please confirm");
    await carol.chat.dialog.end(bearerUnavailable);
    expect((await bob.chat.says(deliveredCpim(bob.aor, carol.aor, group.identity, "MsgC2"))).startLine).toMatch(/^MSRP \S+ 404 /);
  });
});

focus("a group of three and no more", { policies: { maxGroupSize: 3 } }, (conversation) => {
  conversation("who is removed makes room for somebody else, and does not come back [RFC 4579 §5.5, §5.11]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const dave = await scene.device("dave");
    expect((await alice.asks(refer(alice, dave.aor))).status).toBe(486);
    expect((await alice.asks(refer(alice, `${bob.aor};method=BYE`))).status).toBe(202);
    await bob.chat.dialog.hearsBye();
    await quiet(50);
    expect((await alice.asks(refer(alice, bob.aor))).status).toBe(403);
    expect((await alice.asks(refer(alice, dave.aor))).status).toBe(202);
    await dave.entersChat(await dave.isInvited());
    await dave.says("instead of Bob");
    await Promise.all([alice, carol].map((one) => one.chat.hears("instead of Bob")));
    expect((await bob.asks(bob.joining(group))).status).toBe(403);
  });
});

focus("one device of each user", { policies: { maxDevices: 1, inactivityMs: 700 } }, (conversation) => {
  conversation("a second one is 486, and nothing is said of too many Participants [RFC 3261 §21.4.24]", async (scene) => {
    const { group } = await scene.trio();
    const tablet = await scene.device("bob");
    const answer = await tablet.asks(tablet.joining(group));
    expect(answer.startLine).toBe("SIP/2.0 486 Busy Here");
    expect(answer.headers("Warning")).toEqual([]);
  });

  conversation("a device comes back to a group that has gone idle before it has answered the BYE [CPM-CR §4.2]", async (scene) => {
    const { group, alice, bob } = await scene.trio();
    bob.sip.polite = false;
    await bob.chat.dialog.hearsBye();
    await bob.joins(group);
    expect((await bob.chat.says(chatCpim(bob.aor, group.identity, "still here"))).startLine).toMatch(/ 200 OK$/);
    await alice.entersChat(await alice.isInvited());
    await alice.chat.hears("still here");
  });
});
