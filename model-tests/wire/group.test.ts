/**
 * What a CPM Group Session can do, on the wire: creation through the conference
 * factory, joining, adding, removing, leaving, being lost, the participant
 * information, messages and notifications, and how a group ends.
 */
import { expect, test } from "vitest";
import {
  chatAnswerLines, chatCpim, chatSdp, composingCpim, contactLine, creation, deliveredCpim, factory, featureTag, resourceLists, subscription,
} from "./octets.ts";
import { Dialog, Scene, focus, type Device } from "./scene.ts";
import { Focus, crlf, frame, quiet, token, type SipText } from "./stranger.ts";

const sessionTag = featureTag("session");
const callCompleted = 'SIP;cause=200;text="Call completed"';
const bearerUnavailable = 'SIP;cause=480;text="Bearer unavailable"';
const closedGroup = (invite: string): string =>
  invite.replace("a=max-size:8192\r\n", "a=max-size:8192\r\na=chatroom:org.3gpp.urn%3Aurn-7%3A3gpp-application.ims.iari.rcs.closedgroupchat\r\n");
const warning = (text: string): RegExp => new RegExp(`^399 \\S+ "${text}"$`);

/** A creation by that device with that list. */
function creating(from: Device, list: readonly string[], path = from.path()): string {
  return creation({ from, list, path, conversationId: token(), contributionId: token() });
}

const emptyList = (invite: string): string => invite.replace(/<list>[\s\S]*<\/list>/, "<list>\r\n</list>");

/** The status of a user in a conference-info document, RFC 4575 §5.6 and §5.7. */
function statusOf(notify: SipText, aor: string): string | undefined {
  return /<status>([^<]*)<\/status>/.exec(userIn(notify, aor) ?? "")?.[1];
}

function userIn(notify: SipText, aor: string): string | undefined {
  return new RegExp(`<user entity="${aor}"[^>]*(?:/>|>[\\s\\S]*?</user>)`).exec(notify.body)?.[0];
}

const documentState = (notify: SipText): { state: string | undefined; version: number } => ({
  state: /<conference-info[^>]* state="(\w+)"/.exec(notify.body)?.[1],
  version: Number(/<conference-info[^>]* version="(\d+)"/.exec(notify.body)?.[1]),
});

/** The NOTIFY that tells so of that user. */
const notifiedOf = (watcher: Device, aor: string, says: RegExp): Promise<SipText> =>
  watcher.sip.hears((one) => one.startLine.startsWith("NOTIFY ") && says.test(userIn(one, aor) ?? ""));

const refer = (from: Device, to: string, lines = "Refer-Sub: false"): string =>
  from.chat.dialog.request("REFER", `${contactLine(from)}\nRefer-To: <${to}>\n${lines}\nP-Preferred-Service: urn:urn-7:3gpp-service.ims.icsi.oma.cpm.session.group`);

/** A request outside any dialog. */
const outOfDialog = (from: Device, method: string, uri: string, lines = ""): string => crlf(`
${method} ${uri} SIP/2.0
Via: SIP/2.0/TCP ${from.address};branch=z9hG4bK${token()};rport
Max-Forwards: 70
From: <${from.aor}>;tag=${token()}
To: <${uri}>
Call-ID: ${token()}
CSeq: 1 ${method}
${contactLine(from)}
${lines}${lines === "" ? "" : "\n"}Content-Length: ?

`);

focus("creation", { policies: { notifyPaceMs: 20, maxGroupSize: 5 } }, (conversation) => {
  conversation("CPM-CONV §9.2, RFC 5366 §5, RFC 4579 §5, §5.2, RFC 3261 §12.1.1, §13.2: the creator is answered before anybody else, with the Group Session Identity as Contact; everybody in the list is invited", async (scene) => {
    const [alice, bob, carol] = await Promise.all(["alice", "bob", "carol"].map((person) => scene.device(person))) as [Device, Device, Device];
    const path = alice.path();
    const [conversationId, contributionId] = [token(), token()];
    const ok = await alice.asks(creation({ from: alice, list: [bob.aor, carol.aor], path, conversationId, contributionId }));

    expect(ok.startLine).toBe("SIP/2.0 200 OK");
    const identity = ok.uri("Contact");
    expect(identity).toMatch(/^sip:[^@]{16,}@cpm\.example$/);
    // Who has no DNS finds the way back to it, RFC 3261 §16.6.
    expect(ok.routes).toEqual([`<sip:127.0.0.1:${scene.focus.address.tcp};transport=tcp;lr>`]);
    expect(ok.header("Contact")).toContain(";isfocus");
    expect(ok.header("Contact")).toContain(sessionTag);
    expect(ok.header("Conversation-ID")).toBe(conversationId);
    expect(ok.header("Contribution-ID")).toBe(contributionId);
    expect(ok.header("Session-Expires")).toMatch(/^1800;refresher=uac$/);
    expect(ok.attribute("path")).toMatch(new RegExp(`^msrp://127\\.0\\.0\\.1:${scene.focus.address.msrp}/[^;]{16,};tcp$`));
    expect(ok.attribute("setup")).toBe("passive");
    expect(ok.attribute("accept-types")).toContain("message/cpim");
    await alice.established(ok, path);

    for (const person of [bob, carol]) {
      const invite = await person.isInvited();
      expect(invite.header("To")).toBe(`<${person.aor}>`);
      expect(invite.uri("Contact")).toBe(identity);
      expect(invite.header("Contact")).toContain(";isfocus");
      expect(invite.header("Contact")).toContain(sessionTag);
      expect(invite.header("Accept-Contact")).toContain(sessionTag);
      expect(invite.header("P-Asserted-Service")).toBe("urn:urn-7:3gpp-service.ims.icsi.oma.cpm.session.group");
      expect(invite.header("Referred-By")).toContain(`<${alice.aor}>`);
      expect(invite.header("Subject")).toBe("Hiking");
      expect(invite.header("Conversation-ID")).toBe(conversationId);
      expect(invite.header("Contribution-ID")).toBe(contributionId);
      expect(invite.headers("Require").join()).not.toContain("recipient-list");
      expect(invite.attribute("setup")).toBe("actpass");
      const history = invite.parts.find((part) => part.head.includes("application/resource-lists+xml"))!;
      expect(history.head).toMatch(/Content-Disposition: recipient-list-history; ?handling=optional/);
      expect(history.content).toMatch(new RegExp(`<entry uri="${bob.aor}" [\\w]+:copyControl="to"/>`));
      expect(history.content).toMatch(new RegExp(`<entry uri="${carol.aor}" [\\w]+:copyControl="to"/>`));
    }
  });

  conversation("RFC 5364 §4: the history list shows to and cc, folds the anonymous, hides bcc; everybody is invited", async (scene) => {
    const [alice, bill, randy, joe, ted] = await Promise.all(["alice", "bill", "randy", "joe", "ted"].map((person) => scene.device(person))) as [Device, Device, Device, Device, Device];
    const invite = creating(alice, []).replace(/<list>[\s\S]*<\/list>/, [
      "<list>",
      `<entry uri="${bill.aor}" cp:copyControl="to"/>`,
      `<entry uri="${randy.aor}" cp:copyControl="to" cp:anonymize="true"/>`,
      `<entry uri="${joe.aor}" cp:copyControl="cc"/>`,
      `<entry uri="${ted.aor}" cp:copyControl="bcc"/>`,
      "</list>",
    ].join("\r\n"));
    expect((await alice.asks(invite)).status).toBe(200);
    for (const person of [bill, randy, joe, ted]) {
      const list = (await person.isInvited()).part("application/resource-lists+xml");
      expect(list).toMatch(new RegExp(`<entry uri="${bill.aor}" \\w+:copyControl="to"/>`));
      expect(list).toMatch(new RegExp(`<entry uri="${joe.aor}" \\w+:copyControl="cc"/>`));
      expect(list).toMatch(/<entry uri="sip:anonymous@anonymous\.invalid"[^>]*copyControl="to"/);
      expect(list).not.toContain(randy.aor);
      if (person !== ted) expect(list).not.toContain(ted.aor);
    }
  });

  conversation("RFC 5366 §4: an entry that appears twice is invited once; the creator in its own list is not invited", async (scene) => {
    const [alice, bob] = [await scene.device("alice"), await scene.device("bob")];
    expect((await alice.asks(creating(alice, [bob.aor, bob.aor, alice.aor]))).status).toBe(200);
    await bob.isInvited();
    await bob.sip.hearsNothing("INVITE ");
    await alice.sip.hearsNothing("INVITE ", 20);
  });

  conversation('an empty list is 403 "129 No destinations"', async (scene) => {
    const alice = await scene.device("alice");
    for (const text of [emptyList(creating(alice, [])), creating(alice, [alice.aor])]) {
      const answer = await alice.asks(text);
      expect(answer.startLine).toBe("SIP/2.0 403 Forbidden");
      expect(answer.header("Warning")).toMatch(warning("129 No destinations"));
    }
  });

  conversation('more than maxGroupSize Participants is 486 "102 Too many participants"; nobody is invited', async (scene) => {
    const [alice, bob] = [await scene.device("alice"), await scene.device("bob")];
    const four = ["c", "d", "e", "f"].map((name) => scene.aor(name));
    const answer = await alice.asks(creating(alice, [bob.aor, ...four]));
    expect(answer.startLine).toBe("SIP/2.0 486 Busy Here");
    expect(answer.header("Warning")).toMatch(warning("102 Too many participants"));
    await bob.sip.hearsNothing("INVITE ");
    expect((await alice.asks(creating(alice, [bob.aor, ...four.slice(1)]))).status).toBe(200);
  });

  const malformed: [string, (invite: string) => string][] = [
    ["is not well-formed", (invite) => invite.replace("</resource-lists>", "</resource-list>")],
    ["has a document type", (invite) => invite.replace('<resource-lists ', '<!DOCTYPE x [<!ENTITY y "z">]>\r\n<resource-lists ')],
    ["has an entry without a URI", (invite) => invite.replace(/<entry uri="[^"]*"/, "<entry")],
    ["has no root of its kind", (invite) => invite.replaceAll("resource-lists ", "lists ").replace("</resource-lists>", "</lists>")],
  ];
  for (const [what, spoil] of malformed) {
    conversation(`RFC 5366 §4, RFC 4826 §3: a list that ${what} is 400`, async (scene) => {
      const [alice, bob] = [await scene.device("alice"), await scene.device("bob")];
      expect((await alice.asks(spoil(creating(alice, [bob.aor])))).status).toBe(400);
      await bob.sip.hearsNothing("INVITE ", 60);
    });
  }

  conversation("RFC 3261 §21.4.26: a session description without MSRP is 488", async (scene) => {
    const [alice, bob] = [await scene.device("alice"), await scene.device("bob")];
    const audio = creating(alice, [bob.aor]).replace("m=message 9 TCP/MSRP *", "m=audio 49170 RTP/AVP 0");
    expect((await alice.asks(audio)).startLine).toBe("SIP/2.0 488 Not Acceptable Here");
  });

  conversation("RFC 3261 §8.2.2.3: an extension that nobody knows is 420, and named in Unsupported", async (scene) => {
    const [alice, bob] = [await scene.device("alice"), await scene.device("bob")];
    const answer = await alice.asks(creating(alice, [bob.aor]).replace("Require: recipient-list-invite", "Require: recipient-list-invite, x-telepathy"));
    expect(answer.startLine).toBe("SIP/2.0 420 Bad Extension");
    expect(answer.header("Unsupported")).toBe("x-telepathy");
  });

  conversation("RFC 3261 §16.7: a member with two devices is rung on both; one accepts, the other hears CANCEL", async (scene) => {
    const [alice, phone, tablet] = [await scene.device("alice"), await scene.device("bob"), await scene.device("bob")];
    const path = alice.path();
    const ok = await alice.asks(creating(alice, [phone.aor], path));
    alice.createdChat(await alice.established(ok, path));
    const [toPhone, toTablet] = await Promise.all([phone.isInvited(), tablet.isInvited()]);
    tablet.rings(toTablet);
    await phone.entersChat(toPhone);
    await tablet.sip.hears("CANCEL ");
    await alice.says("hello phone");
    await phone.chat.hears("hello phone");
  });

  conversation("RFC 3261 §18.1.1: a member registered over UDP is invited over TCP when the INVITE is above 1,300 octets", async (scene) => {
    const [alice, bob] = [await scene.device("alice"), await scene.device("bob", "udp")];
    expect((await alice.asks(creating(alice, [bob.aor]))).status).toBe(200);
    const invite = await bob.isInvited();
    expect(invite.octets.length).toBeGreaterThan(1300);
    expect(invite.header("Via")).toMatch(/^SIP\/2\.0\/TCP /);
  });

  conversation("a member who declines is disconnected; the others go on [RFC 3261 §21.6.2]", async (scene) => {
    const [alice, bob, carol] = await Promise.all(["alice", "bob", "carol"].map((person) => scene.device(person))) as [Device, Device, Device];
    const path = alice.path();
    const ok = await alice.asks(creating(alice, [bob.aor, carol.aor], path));
    alice.createdChat(await alice.established(ok, path));
    await alice.subscribes(ok.uri("Contact"));
    await bob.entersChat(await bob.isInvited());
    carol.declines(await carol.isInvited());
    const notify = await notifiedOf(alice, carol.aor, /<status>disconnected<\/status>/);
    expect(userIn(notify, carol.aor)).toContain("603");
    await alice.says("only we two");
    await bob.chat.hears("only we two");
  });
});

focus("joining", { policies: { notifyPaceMs: 20 } }, (conversation) => {
  conversation("a member's other device joins by an INVITE to the identity: 200, Contact is the identity, and messages reach both devices [RFC 4579 §5.1]", async (scene) => {
    const { group, alice, bob } = await scene.trio();
    const tablet = await scene.device("bob");
    const path = tablet.path();
    const ok = await tablet.asks(tablet.joining(group, path));
    expect(ok.startLine).toBe("SIP/2.0 200 OK");
    expect(ok.uri("Contact")).toBe(group.identity);
    expect(ok.header("Contact")).toContain(";isfocus");
    expect(ok.header("Conversation-ID")).toBe(group.conversationId);
    expect(ok.header("Contribution-ID")).toBe(group.contributionId);
    tablet.createdChat(await tablet.established(ok, path));
    await alice.says("to every device");
    await Promise.all([bob.chat.hears("to every device"), tablet.chat.hears("to every device")]);
    await bob.chat.dialog.hearsNoBye();
  });

  conversation("the same device again replaces its older leg, which hears BYE; a message reaches it once", async (scene) => {
    const { group, alice, bob } = await scene.trio();
    const older = bob.chat;
    await bob.joins(group);
    await older.dialog.hearsBye();
    await alice.says("once");
    await bob.chat.hears("once");
    await older.hearsNothing();
  });

  conversation('a stranger is 403 "127 Service not authorised"', async (scene) => {
    const { group } = await scene.trio();
    const mallory = await scene.device("mallory");
    const answer = await mallory.asks(mallory.joining(group));
    expect(answer.startLine).toBe("SIP/2.0 403 Forbidden");
    expect(answer.header("Warning")).toMatch(warning("127 Service not authorised"));
  });

  conversation("an identity that nobody allocated is 404 [RFC 3261 §21.4.5]", async (scene) => {
    const { group, alice } = await scene.trio();
    const answer = await alice.asks(alice.joining({ ...group, identity: "sip:no-such-group-anywhere@cpm.example" }));
    expect(answer.startLine).toBe("SIP/2.0 404 Not Found");
  });

  conversation("RFC 3261 §19.1.4: the identity with a parameter and an escaped octet is the same identity", async (scene) => {
    const { group, alice } = await scene.trio();
    const tablet = await scene.device("bob");
    const [user, domain] = group.identity.slice(4).split("@") as [string, string];
    const escaped = `%${user.charCodeAt(0).toString(16)}${user.slice(1)}`;
    await tablet.joins({ ...group, identity: `sip:${escaped}@${domain.toUpperCase()};transport=tcp` });
    await alice.says("same room");
    expect((await tablet.chat.hears("same room")).startLine).toMatch(/ SEND$/);
  });

  conversation("CPM-CONV §9.2: a member restarts the session at the factory, under its Contribution-ID: it joins the same group, and nobody is invited again", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const tablet = await scene.device("bob");
    const path = tablet.path();
    const ok = await tablet.asks(creation({ from: tablet, list: [alice.aor, carol.aor], path, conversationId: group.conversationId, contributionId: group.contributionId }));
    expect(ok.startLine).toBe("SIP/2.0 200 OK");
    expect(ok.uri("Contact")).toBe(group.identity);
    tablet.createdChat(await tablet.established(ok, path));
    for (const person of [alice, carol]) await person.sip.hearsNothing("INVITE ", 60);
    await alice.says("one group");
    await Promise.all([bob, carol, tablet].map((one) => one.chat.hears("one group")));
  });

  conversation("who is no member and names that Contribution-ID makes a group of its own", async (scene) => {
    const { group, alice } = await scene.trio();
    const mallory = await scene.device("mallory");
    const ok = await mallory.asks(creation({ from: mallory, list: [alice.aor], path: mallory.path(), conversationId: group.conversationId, contributionId: group.contributionId }));
    expect(ok.startLine).toBe("SIP/2.0 200 OK");
    expect(ok.uri("Contact")).not.toBe(group.identity);
    expect((await alice.isInvited()).uri("Contact")).toBe(ok.uri("Contact"));
  });
});

focus("adding and removing", { policies: { notifyPaceMs: 20, maxGroupSize: 5 } }, (conversation) => {
  conversation("RFC 4579 §5.5, RFC 3515 §2.4.2, RFC 4488 §4: a REFER with Refer-Sub: false is 202; the new Participant is invited, Referred-By the referrer, and is told to everybody", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const dave = await scene.device("dave");
    await carol.subscribes(group.identity);
    const answer = await bob.asks(refer(bob, dave.aor));
    expect(answer.startLine).toBe("SIP/2.0 202 Accepted");
    expect(answer.header("Refer-Sub")).toBe("false");

    const invite = await dave.isInvited();
    expect(invite.header("Referred-By")).toContain(`<${bob.aor}>`);
    expect(invite.uri("Contact")).toBe(group.identity);
    expect(invite.header("Subject")).toBe("Hiking");
    expect(invite.header("Contribution-ID")).toBe(group.contributionId);
    await dave.entersChat(invite);
    await notifiedOf(carol, dave.aor, /<status>connected<\/status>/);
    await dave.says("hello all");
    await Promise.all([alice, bob, carol].map((one) => one.chat.hears("hello all")));
    await bob.sip.hearsNothing((one) => one.startLine.startsWith("NOTIFY ") && one.header("Event").startsWith("refer"), 20);
  });

  conversation("RFC 5368 §4: several at once by a list in the REFER", async (scene) => {
    const { bob } = await scene.trio();
    const [dave, erin] = [await scene.device("dave"), await scene.device("erin")];
    const answer = await bob.asks(bob.chat.dialog.request("REFER", `
${contactLine(bob)}
Require: multiple-refer, norefersub
Refer-Sub: false
Refer-To: <cid:cn35t8jf02@127.0.0.1>
Content-Disposition: recipient-list
Content-ID: <cn35t8jf02@127.0.0.1>
Content-Type: application/resource-lists+xml`, resourceLists([dave.aor, erin.aor])));
    expect([200, 202]).toContain(answer.status);
    await Promise.all([dave, erin].map(async (one) => await one.entersChat(await one.isInvited())));
    await dave.says("two more");
    await Promise.all([bob.chat.hears("two more"), erin.chat.hears("two more")]);
  });

  conversation('a group that is full: 486 "102 Too many participants", and nobody is invited', async (scene) => {
    const { bob } = await scene.trio();
    const [dave, erin, frank] = [await scene.device("dave"), await scene.device("erin"), await scene.device("frank")];
    for (const one of [dave, erin]) {
      expect((await bob.asks(refer(bob, one.aor))).status).toBe(202);
      await one.entersChat(await one.isInvited());
    }
    const answer = await bob.asks(refer(bob, frank.aor));
    expect(answer.status).toBe(486);
    expect(answer.header("Warning")).toMatch(warning("102 Too many participants"));
    await frank.sip.hearsNothing("INVITE ");
  });

  conversation("a REFER from somebody who is not in the group is 403 [RFC 4579 §5.5]", async (scene) => {
    const { group } = await scene.trio();
    const [mallory, dave] = [await scene.device("mallory"), await scene.device("dave")];
    const answer = await mallory.asks(outOfDialog(mallory, "REFER", group.identity, `Refer-To: <${dave.aor}>\nRefer-Sub: false`));
    expect(answer.status).toBe(403);
    await dave.sip.hearsNothing("INVITE ", 100);
  });

  conversation("RFC 4579 §5.11: the creator removes Bob by REFER with method=BYE: Bob hears BYE \"Booted\", the others learn it, and Bob cannot re-join", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    await carol.subscribes(group.identity);
    expect((await alice.asks(refer(alice, `${bob.aor};method=BYE`))).startLine).toBe("SIP/2.0 202 Accepted");
    expect((await bob.chat.dialog.hearsBye()).header("Reason")).toBe('SIP;cause=200;text="Booted"');
    const notify = await notifiedOf(carol, bob.aor, /booted/);
    expect(statusOf(notify, bob.aor)).toBe("disconnected");
    const answer = await bob.asks(bob.joining(group));
    expect(answer.startLine).toBe("SIP/2.0 403 Forbidden");
    expect(answer.header("Warning")).toMatch(warning("127 Service not authorised"));
    await alice.says("without Bob");
    await carol.chat.hears("without Bob");
  });

  conversation("somebody else than the creator may not remove: 403, and nobody hears BYE", async (scene) => {
    const { bob, carol } = await scene.trio();
    expect((await bob.asks(refer(bob, `${carol.aor};method=BYE`))).startLine).toBe("SIP/2.0 403 Forbidden");
    await carol.chat.dialog.hearsNoBye();
  });

  conversation('a closed group: a REFER to add, even by the creator, is 403 "122 Function not allowed": no INVITE, no NOTIFY [CPM-CR §4.2]', async (scene) => {
    const { group, alice, bob, carol } = await scene.trio(closedGroup);
    const dave = await scene.device("dave");
    await carol.subscribes(group.identity);
    await quiet(60);
    const told = carol.sip.unread("NOTIFY ").length;
    const answer = await alice.asks(refer(alice, dave.aor));
    expect(answer.startLine).toBe("SIP/2.0 403 Forbidden");
    expect(answer.header("Warning")).toMatch(warning("122 Function not allowed"));
    await dave.sip.hearsNothing("INVITE ");
    expect(carol.sip.unread("NOTIFY ")).toHaveLength(told);
    await alice.says("we go on");
    await bob.chat.hears("we go on");
  });

  conversation("RFC 7701 §8: a closed group says so in the offers of the focus", async (scene) => {
    const [alice, bob] = [await scene.device("alice"), await scene.device("bob")];
    await alice.asks(closedGroup(creating(alice, [bob.aor])));
    expect((await bob.isInvited()).attribute("chatroom")).toContain("closedgroupchat");
  });
});

focus("leaving and being lost", { policies: { notifyPaceMs: 20 } }, (conversation) => {
  conversation('a BYE with Reason 200 "Call completed" is leaving: departed, and no message comes any more [RFC 3261 §15.1.2]', async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    await carol.subscribes(group.identity);
    expect((await bob.chat.dialog.end(callCompleted)).status).toBe(200);
    const notify = await notifiedOf(carol, bob.aor, /departed/);
    expect(statusOf(notify, bob.aor)).toBe("disconnected");
    await alice.says("Bob is gone");
    await carol.chat.hears("Bob is gone");
    await bob.chat.hearsNothing();
    await bob.sip.hearsNothing("INVITE ", 20);
  });

  const losses: [string, (bob: Device) => Promise<void>][] = [
    ["a BYE with Reason 480", async (bob) => void (await bob.chat.dialog.end(bearerUnavailable))],
    ["a BYE without a Reason", async (bob) => void (await bob.chat.dialog.end())],
    ["a reset of the MSRP connection", async (bob) => bob.chat.msrp.cut()],
  ];
  for (const [what, loses] of losses) {
    conversation(`${what} is not leaving: disconnected, not departed; the member re-joins and hears the others [RFC 4975 §5.4]`, async (scene) => {
      const { group, alice, bob, carol } = await scene.trio();
      await carol.subscribes(group.identity);
      await loses(bob);
      const notify = await notifiedOf(carol, bob.aor, /<status>disconnected<\/status>/);
      expect(userIn(notify, bob.aor)).not.toContain("departed");
      await bob.joins(group);
      await notifiedOf(carol, bob.aor, /<status>connected<\/status>/);
      await alice.says("welcome back");
      await bob.chat.hears("welcome back");
    });
  }

  conversation("a leaver of a closed group may not come back: 403 [CPM-CR §4.2]", async (scene) => {
    const { group, bob } = await scene.trio(closedGroup);
    await bob.chat.dialog.end(callCompleted);
    expect((await bob.asks(bob.joining(group))).startLine).toBe("SIP/2.0 403 Forbidden");
  });

  conversation("a member lost from a closed group may come back [CPM-CR §4.2]", async (scene) => {
    const { group, alice, bob } = await scene.trio(closedGroup);
    await bob.chat.dialog.end(bearerUnavailable);
    await bob.joins(group);
    await alice.says("still yours");
    await bob.chat.hears("still yours");
  });

  conversation("a leaver of an open group may be added again by REFER", async (scene) => {
    const { alice, bob } = await scene.trio();
    await bob.chat.dialog.end(callCompleted);
    expect((await alice.asks(refer(alice, bob.aor))).status).toBe(202);
    await bob.entersChat(await bob.isInvited());
    await alice.says("again");
    await bob.chat.hears("again");
  });

  conversation('members below minParticipants end the group: BYE with Reason 410 "Gone", and a new INVITE is 404 or 410 [RFC 3261 §15.1.1, RFC 6665 §4.2.2, §4.4.1]', async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    await alice.subscribes(group.identity);
    await bob.chat.dialog.end(callCompleted);
    await carol.chat.dialog.end(callCompleted);
    expect((await alice.chat.dialog.hearsBye()).header("Reason")).toBe('SIP;cause=410;text="Gone"');
    const last = await alice.sip.hears((one) => one.startLine.startsWith("NOTIFY ") && one.header("Subscription-State").startsWith("terminated"));
    expect(last.header("Subscription-State")).toContain("reason=noresource");
    expect([404, 410]).toContain((await alice.asks(alice.joining(group))).status);
  });
});

focus("the participant information", { policies: { notifyPaceMs: 20 } }, (conversation) => {
  conversation("RFC 4575 §3.3, §3.5, §4.4, §5.1, §5.7.3, RFC 6665 §4.2.1.2: the first NOTIFY is full, the next partial with the next version", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { ok, first } = await alice.subscribes(group.identity);
    expect(ok.startLine).toBe("SIP/2.0 200 OK");
    expect(Number(ok.header("Expires"))).toBe(3600);
    expect(first.header("Event")).toBe("conference");
    expect(first.header("Subscription-State")).toMatch(/^active;expires=3(600|5\d\d)$/);
    expect(first.header("Content-Type")).toBe("application/conference-info+xml");
    const full = documentState(first);
    expect(full.state).toBe("full");
    expect(first.body).toContain(`entity="${group.identity}"`);
    expect(first.body).toContain("<subject>Hiking</subject>");
    expect(first.body).toContain("<user-count>3</user-count>");
    for (const person of [alice, bob, carol]) expect(statusOf(first, person.aor)).toBe("connected");

    await carol.chat.dialog.end(bearerUnavailable);
    const next = await alice.notified();
    expect(documentState(next)).toEqual({ state: "partial", version: full.version + 1 });
    expect(statusOf(next, carol.aor)).toBe("disconnected");
    expect(userIn(next, bob.aor)).toBeUndefined();
  });

  conversation("a subscriber who is not a member is 403 [RFC 4575 §3.5]", async (scene) => {
    const { group } = await scene.trio();
    const mallory = await scene.device("mallory");
    expect((await mallory.asks(subscription(mallory, group.identity))).startLine).toBe("SIP/2.0 403 Forbidden");
    await mallory.sip.hearsNothing("NOTIFY ");
  });

  conversation("RFC 6665 §8.2.2: another event package is 489, and Allow-Events says conference", async (scene) => {
    const { group, alice } = await scene.trio();
    const answer = await alice.asks(subscription(alice, group.identity).replace("Event: conference", "Event: presence"));
    expect(answer.startLine).toBe("SIP/2.0 489 Bad Event");
    expect(answer.header("Allow-Events")).toContain("conference");
  });

  conversation("RFC 6665 §4.4.3: Expires: 0 fetches the state once: one NOTIFY, terminated", async (scene) => {
    const { group, alice } = await scene.trio();
    expect((await alice.asks(subscription(alice, group.identity).replace("Expires: 3600", "Expires: 0"))).status).toBe(200);
    const notify = await alice.notified();
    expect(notify.header("Subscription-State")).toMatch(/^terminated/);
    expect(documentState(notify).state).toBe("full");
  });

  conversation("RFC 6665 §4.2.1.1: too short a subscription is 423 with Min-Expires", async (scene) => {
    const { group, alice } = await scene.trio();
    const answer = await alice.asks(subscription(alice, group.identity).replace("Expires: 3600", "Expires: 1"));
    expect(answer.startLine).toBe("SIP/2.0 423 Interval Too Brief");
    expect(Number(answer.header("Min-Expires"))).toBeGreaterThan(1);
  });

  conversation("a SUBSCRIBE with Expires: 0 in the dialog ends the subscription [RFC 6665 §4.1.2.3, §4.4.1]", async (scene) => {
    const { group, alice, carol } = await scene.trio();
    const { dialog } = await alice.subscribes(group.identity);
    const answer = await alice.asks(dialog.request("SUBSCRIBE", `${contactLine(alice)}\nEvent: conference\nExpires: 0`));
    expect(answer.status).toBe(200);
    await alice.sip.hears((one) => /^NOTIFY /.test(one.startLine) && one.header("Subscription-State").startsWith("terminated"));
    await carol.chat.dialog.end(bearerUnavailable);
    await alice.sip.hearsNothing((one) => /^NOTIFY /.test(one.startLine) && /^active/.test(one.header("Subscription-State")));
  });
});

focus("messages", { policies: { maxMessageOctets: 20_000 } }, (conversation) => {
  conversation("RFC 7701 §6.1: a message reaches all others, octet by octet, under new paths and ids, and never comes back", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const cpim = chatCpim(alice.aor, group.identity, "Hello, Grüße, 你好", "MsgA1");
    expect((await alice.chat.says(cpim)).startLine).toMatch(/^MSRP \S+ 200 OK$/);
    for (const person of [bob, carol]) {
      const send = await person.chat.hears("Hello");
      expect(send.header("To-Path")).toBe(person.chat.fromPath);
      expect(send.header("From-Path")).toBe(person.chat.toPath);
      expect(send.header("Content-Type")).toBe("message/cpim");
      const octets = Buffer.byteLength(cpim);
      expect([`1-${octets}/${octets}`, `1-*/${octets}`]).toContain(send.header("Byte-Range"));
      expect(send.body.toString()).toBe(cpim);
      expect(send.flag).toBe("$");
    }
    await alice.chat.hearsNothing();
  });

  conversation("many messages keep their order", async (scene) => {
    const { alice, bob } = await scene.trio();
    const texts = Array.from({ length: 30 }, (_, index) => `number ${index}.`);
    await Promise.all(texts.map((text) => alice.says(text)));
    for (const text of texts) expect((await bob.chat.msrp.hears("SEND")).body.toString()).toContain(text);
  });

  conversation("CPM-CR §4.2, RFC 3994 §3: isComposing reaches all others, and not who types", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    await bob.chat.msrp.says(bob.chat.send(token(), composingCpim(bob.aor, group.identity), "message/cpim", "Failure-Report: no"));
    await Promise.all([alice.chat.hears("<state>active</state>"), carol.chat.hears("<state>active</state>")]);
    await bob.chat.hearsNothing();
  });

  conversation("CPM-CR §4.2, RFC 5438 §11: a disposition notification reaches the original sender and nobody else", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    await alice.says("please confirm", "MsgA1");
    await Promise.all([bob, carol].map((one) => one.chat.hears("please confirm")));
    const imdn = deliveredCpim(bob.aor, alice.aor, group.identity, "MsgA1");
    await bob.chat.msrp.says(bob.chat.send(token(), imdn, "message/cpim", "Failure-Report: no"));
    expect((await alice.chat.hears("<delivered/>")).body.toString()).toBe(imdn);
    await carol.chat.hearsNothing();
    await bob.chat.hearsNothing();
  });

  conversation("RFC 7701 §6.1: a CPIM From that is not the sender's is 403; nobody hears it, and the room goes on", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    expect((await alice.chat.says(chatCpim(bob.aor, group.identity, "I am Bob"))).startLine).toMatch(/^MSRP \S+ 403 /);
    await alice.says("I am Alice");
    for (const person of [bob, carol]) expect((await person.chat.msrp.hears("SEND")).body.toString()).toContain("I am Alice");
  });

  conversation("RFC 7701 §6.1: a message that is not CPIM is 415", async (scene) => {
    const { alice, bob } = await scene.trio();
    expect((await alice.chat.says("hello", "text/plain")).startLine).toMatch(/^MSRP \S+ 415 /);
    await bob.chat.hearsNothing();
  });

  conversation("RFC 7701 §6.1, §6.2: several CPIM To are 403, an unknown one 404, a private message 428", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const several = chatCpim(alice.aor, bob.aor, "to both").replace("\r\nDateTime:", `\r\nTo: <${carol.aor}>\r\nDateTime:`);
    expect((await alice.chat.says(several)).startLine).toMatch(/^MSRP \S+ 403 /);
    expect((await alice.chat.says(chatCpim(alice.aor, "sip:nobody@cpm.example", "who"))).startLine).toMatch(/^MSRP \S+ 404 /);
    expect((await alice.chat.says(chatCpim(alice.aor, bob.aor, "psst"))).startLine).toMatch(/^MSRP \S+ 428 /);
    expect((await alice.chat.says(chatCpim(alice.aor, group.identity, "everybody"))).startLine).toMatch(/ 200 OK$/);
    expect((await bob.chat.msrp.hears("SEND")).body.toString()).toContain("everybody");
  });

  conversation("RFC 4975 §7.1.2: Success-Report: yes gets a REPORT from the focus; the receivers' REPORTs stay with it", async (scene) => {
    const { group, alice, bob } = await scene.trio();
    const cpim = chatCpim(alice.aor, group.identity, "report, please");
    await alice.chat.says(cpim, "message/cpim", "Failure-Report: yes\nSuccess-Report: yes");
    const report = await alice.chat.msrp.hears("REPORT");
    expect(report.header("Status")).toMatch(/^000 200/);
    const octets = Buffer.byteLength(cpim);
    expect(report.header("Byte-Range")).toBe(`1-${octets}/${octets}`);
    const send = await bob.chat.hears("report, please");
    await bob.chat.msrp.says(frame(`MSRP ${token()} REPORT`, `${bob.chat.paths}\nMessage-ID: ${send.header("Message-ID")}\nByte-Range: 1-${octets}/${octets}\nStatus: 000 200 OK`, undefined));
    await alice.chat.msrp.hearsNothing("REPORT");
  });

  conversation("RFC 4975 §10.5: a message above maxMessageOctets is 413, and the session lives", async (scene) => {
    const { group, alice, bob } = await scene.trio();
    expect((await alice.chat.says(chatCpim(alice.aor, group.identity, "x".repeat(20_000)))).startLine).toMatch(/^MSRP \S+ 413 /);
    await alice.says("shorter");
    expect((await bob.chat.msrp.hears("SEND")).body.toString()).toContain("shorter");
  });

  conversation("RFC 4975 §10.8, §10.10: a session that is not there is 481, one that another connection has bound is 506", async (scene) => {
    const { alice, bob } = await scene.trio();
    const thief = await bob.connects(alice.chat.toPath);
    const speak = async (toPath: string): Promise<string> => {
      const tid = token();
      await thief.says(frame(`MSRP ${tid} SEND`, `To-Path: ${toPath}\nFrom-Path: ${alice.chat.fromPath}\nMessage-ID: ${token()}`, undefined));
      return (await thief.answerTo(tid)).startLine;
    };
    expect(await speak(alice.chat.toPath.replace(/\/[^/]*;tcp$/, "/guessed-session-id;tcp"))).toMatch(/ 481 /);
    expect(await speak(alice.chat.toPath)).toMatch(/ 506 /);
    await alice.says("still mine");
    await bob.chat.hears("still mine");
  });
});

focus("inactivity", { policies: { inactivityMs: 800 } }, (conversation) => {
  conversation("a silent group: BYE to everybody, not 410; re-joining works, and the group is the same [CPM-CR §4.2]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    for (const person of [alice, bob, carol]) expect((await person.chat.dialog.hearsBye()).headers("Reason").join()).not.toContain("410");
    const path = bob.path();
    const ok = await bob.asks(bob.joining(group, path));
    expect(ok.startLine).toBe("SIP/2.0 200 OK");
    expect(ok.uri("Contact")).toBe(group.identity);
    expect(ok.header("Contribution-ID")).toBe(group.contributionId);
  });

  conversation("a silent group is restarted at the factory under its Contribution-ID: the same group, and who is away is invited when somebody writes [CPM-CR §4.2]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    for (const person of [alice, bob, carol]) await person.chat.dialog.hearsBye();
    const path = bob.path();
    const ok = await bob.asks(creation({ from: bob, list: [alice.aor, carol.aor], path, conversationId: group.conversationId, contributionId: group.contributionId }));
    expect(ok.uri("Contact")).toBe(group.identity);
    bob.createdChat(await bob.established(ok, path));
    for (const person of [alice, carol]) await person.sip.hearsNothing("INVITE ", 60);
    await bob.says("wake up");
    await alice.entersChat(await alice.isInvited());
    // What recalled her is kept for her until she is there.
    await alice.chat.hears("wake up");
    await carol.isInvited();
  });

  conversation("every message moves the end: who talks stays [CPM-CR §4.2]", async (scene) => {
    const { alice, bob } = await scene.trio();
    for (let i = 0; i < 6; i += 1) {
      await alice.says(`talk ${i}`);
      await quiet(200);
    }
    expect(bob.sip.unread("BYE ")).toHaveLength(0);
    await bob.chat.dialog.hearsBye();
  });
});

focus("the rules of the dialog", {}, (conversation) => {
  conversation("RFC 5366 §5.1: a recipient list in a re-INVITE is 420 with Unsupported: recipient-list-invite; the session goes on", async (scene) => {
    const { alice, bob } = await scene.trio();
    const dave = await scene.device("dave");
    const boundary = `
${contactLine(alice)}
Require: recipient-list-invite
Content-Type: multipart/mixed;boundary=cpm-b1`;
    const body = `${crlf("\n--cpm-b1\nContent-Type: application/sdp\n\n")}${chatSdp(alice.chat.fromPath)}\r\n${crlf("\n--cpm-b1\nContent-Type: application/resource-lists+xml\nContent-Disposition: recipient-list\n\n")}${resourceLists([dave.aor])}\r\n--cpm-b1--\r\n`;
    const answer = await alice.asks(alice.chat.dialog.request("INVITE", boundary, body));
    expect(answer.startLine).toBe("SIP/2.0 420 Bad Extension");
    expect(answer.header("Unsupported")).toBe("recipient-list-invite");
    await dave.sip.hearsNothing("INVITE ", 100);
    await alice.says("nothing happened");
    await bob.chat.hears("nothing happened");
  });

  conversation("RFC 3261 §14.2: a re-INVITE that repeats the session is 200, and the chat goes on", async (scene) => {
    const { alice, bob } = await scene.trio();
    const ok = await alice.asks(alice.chat.dialog.request("INVITE", chatAnswerLines(alice), chatSdp(alice.chat.fromPath)));
    expect(ok.startLine).toBe("SIP/2.0 200 OK");
    alice.chat.dialog.acknowledge(ok);
    await alice.says("refreshed");
    await bob.chat.hears("refreshed");
  });

  conversation("RFC 4028 §9, RFC 3311 §5.2: an UPDATE refreshes the session timer", async (scene) => {
    const { alice } = await scene.trio();
    const ok = await alice.asks(alice.chat.dialog.request("UPDATE", `${contactLine(alice)}\nSupported: timer\nSession-Expires: 1800;refresher=uac`));
    expect(ok.startLine).toBe("SIP/2.0 200 OK");
    expect(ok.header("Session-Expires")).toBe("1800;refresher=uac");
  });

  conversation("RFC 4028 §9: an interval below our minimum is 422 with Min-SE", async (scene) => {
    const [alice, bob] = [await scene.device("alice"), await scene.device("bob")];
    const answer = await alice.asks(creating(alice, [bob.aor]).replace("Session-Expires: 1800", "Session-Expires: 30"));
    expect(answer.startLine).toBe("SIP/2.0 422 Session Interval Too Small");
    expect(Number(answer.header("Min-SE"))).toBeGreaterThanOrEqual(90);
  });

  conversation("RFC 3261 §12.2.2: a request for a dialog that is not there is 481", async (scene) => {
    const { alice } = await scene.trio();
    const text = alice.chat.dialog.request("BYE").replace(/(\r\nTo: [^\r]*;tag=)[^\r]*/, "$1nobody");
    expect((await alice.asks(text)).startLine).toMatch(/^SIP\/2\.0 481 /);
  });

  conversation("RFC 3261 §11: OPTIONS says what the factory takes", async (scene) => {
    const alice = await scene.device("alice");
    const answer = await alice.asks(outOfDialog(alice, "OPTIONS", factory));
    expect(answer.startLine).toBe("SIP/2.0 200 OK");
    for (const method of ["INVITE", "ACK", "CANCEL", "BYE", "REFER", "SUBSCRIBE", "UPDATE", "OPTIONS"]) expect(answer.header("Allow")).toContain(method);
    expect(answer.headers("Supported").join()).toContain("recipient-list-invite");
    expect(answer.headers("Accept").join()).toContain("application/sdp");
  });

  conversation("RFC 3261 §8.2.1: a method that nobody knows is 405 or 501", async (scene) => {
    const { group, alice } = await scene.trio();
    expect([405, 501]).toContain((await alice.asks(outOfDialog(alice, "JUGGLE", group.identity))).status);
  });

  conversation("RFC 3261 §13.3.1.4: over UDP the 200 is repeated until the ACK comes, and then no more", async (scene) => {
    const { group } = await scene.trio();
    const tablet = await scene.device("alice", "udp");
    const text = tablet.joining(group);
    const ok = await tablet.sip.asks(text, "udp");
    await quiet(700);
    const before = tablet.sip.repetitions;
    expect(before).toBeGreaterThan(0);
    Dialog.called(tablet, ok).acknowledge(ok);
    await quiet(1_200);
    expect(tablet.sip.repetitions).toBe(before);
  });
});

focus("who speaks", {}, (conversation) => {
  const preferred = (aor: string) => (text: string): string => text.replace("\r\nCall-ID:", `\r\nP-Preferred-Identity: <${aor}>\r\nCall-ID:`);
  const asserted = (aor: string) => (text: string): string => text.replace("\r\nCall-ID:", `\r\nP-Asserted-Identity: "Somebody" <${aor}>\r\nCall-ID:`);

  conversation("RFC 3325 §9.1: P-Asserted-Identity before P-Preferred-Identity before From", async (scene) => {
    const { group, alice } = await scene.trio();
    const mallory = await scene.device("mallory");
    const cases: [string, (text: string) => string, number][] = [
      ["a stranger's From", (text) => text, 403],
      ["a stranger's From, a member preferred", preferred(alice.aor), 200],
      ["a stranger's From, a member asserted", asserted(alice.aor), 200],
      ["a stranger preferred, a member asserted", (text) => asserted(alice.aor)(preferred(mallory.aor)(text)), 200],
      ["a member preferred, a stranger asserted", (text) => asserted(mallory.aor)(preferred(alice.aor)(text)), 403],
    ];
    for (const [who, change, status] of cases) {
      const answer = await mallory.asks(change(mallory.joining(group)));
      expect([who, answer.status]).toEqual([who, status]);
      if (status === 200) Dialog.called(mallory, answer).acknowledge(answer);
    }
  });

  conversation("a member's From does not help when a stranger is asserted", async (scene) => {
    const { group, alice } = await scene.trio();
    expect((await alice.asks(asserted(scene.aor("mallory"))(alice.joining(group)))).status).toBe(403);
  });
});

focus("a source that is not trusted", { trust: "127.9.9.9/32" }, (conversation) => {
  conversation("a creation from anybody else is 403, whatever it asserts", async (scene) => {
    const alice = await scene.stranger("alice");
    const text = creating(alice, [scene.aor("bob")]);
    expect((await alice.asks(text)).startLine).toBe("SIP/2.0 403 Forbidden");
    expect((await alice.asks(text.replace(/branch=\w+/, `branch=z9hG4bK${token()}`).replace(/\r\nCall-ID: \w+/, `\r\nCall-ID: ${token()}`).replace("P-Preferred-Identity", "P-Asserted-Identity"))).startLine).toBe("SIP/2.0 403 Forbidden");
  });
});

test("SIGTERM ends the sessions in order: BYE to everybody, NOTIFY terminated, exit 0", async ({ onTestFailed }) => {
  const running = await Focus.start();
  const scene = new Scene(running);
  onTestFailed(() => console.log(`${scene.ladder}\n${running.lastWords}`));
  try {
    const { group, alice, bob, carol } = await scene.trio();
    await alice.subscribes(group.identity);
    const code = running.stop();
    for (const person of [alice, bob, carol]) expect((await person.chat.dialog.hearsBye()).headers("Reason").join()).not.toContain("410");
    await alice.sip.hears((one) => one.startLine.startsWith("NOTIFY ") && one.header("Subscription-State").startsWith("terminated"));
    expect(await code).toBe(0);
  } finally {
    scene.close();
    await running.stop();
  }
});
