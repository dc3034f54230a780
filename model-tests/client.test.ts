import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { CpmClient, Refused } from "../runtime/client/client.ts";
import type { CpmClientOptions } from "../runtime/client/client.ts";
import { Ladder } from "../runtime/client/ladder.ts";
import { Roster } from "../runtime/client/roster.ts";
import { ServerProcess } from "../runtime/client/server-process.ts";
import { Arrivals, DeadlineMissed, Eventual } from "../runtime/client/waiting.ts";

const clients: CpmClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

const nobody = { transport: "tcp", host: "127.0.0.1", port: 9 } as const;

async function client(user: string, options: Partial<CpmClientOptions> = {}): Promise<CpmClient> {
  const made = await CpmClient.start({ uri: `sip:${user}@cpm.example`, instance: `urn:uuid:00000000-0000-4000-8000-0000000000${user.length}0`, server: nobody, ...options });
  clients.push(made);
  return made;
}

/** Two clients without anybody between them. */
async function pair(options: Partial<CpmClientOptions> = {}): Promise<{ alice: CpmClient; bob: CpmClient }> {
  const bob = await client("bob", options);
  return { bob, alice: await client("alice", { ...options, server: bob.address }) };
}

async function chat(options: Partial<CpmClientOptions> = {}) {
  const { alice, bob } = await pair(options);
  const joining = alice.join(bob.uri, { addressee: "user", subject: "Grüße" });
  const invitation = await bob.chats.next();
  const theirs = invitation.accept();
  return { alice, bob, invitation, ours: await joining, theirs };
}

const sha256 = (octets: Buffer): string => createHash("sha256").update(octets).digest("hex");

describe.each(["tcp", "udp"] as const)("client to client over %s", (transport) => {
  const listen = { transport, host: "127.0.0.1", port: 0 };

  test("a chat: messages both ways, delivered and displayed, isComposing, BYE with its Reason", async () => {
    const { ours, theirs, invitation } = await chat({ listen });
    expect(invitation.subject).toBe("Grüße");
    expect([theirs.conversationId, theirs.contributionId]).toEqual([ours.conversationId, ours.contributionId]);
    expect(ours.contributionId).toMatch(/^[0-9a-f]{32}$/);

    const { status, messageId } = await ours.send("Hello");
    expect(status).toBe(200);
    expect((await theirs.messages.next()).text).toBe("Hello");
    expect(await ours.notifications.next()).toMatchObject({ status: "delivered", messageId, from: "sip:bob@cpm.example" });
    expect(await ours.notifications.next()).toMatchObject({ status: "displayed", messageId });

    theirs.composing();
    expect(await ours.composings.next()).toMatchObject({ state: "active", from: "sip:bob@cpm.example" });

    expect(await ours.leave()).toBe(200);
    expect(await theirs.leg.ended.within()).toEqual({ by: "peer", reason: 'SIP;cause=200;text="Call completed"' });
  });

  test("a file with everything that is said of it", async () => {
    const { alice, bob, ours } = await chat({ listen });
    const content = randomBytes(300_000);
    const icon = randomBytes(700);
    const date = { creation: "Mon, 06 May 2024 10:11:12 +0200" };
    const sent = await alice.sendFileTo(bob.uri, { name: 'Straße "1".jpg', type: "image/jpeg", content, disposition: "render", date, icon: { type: "image/png", octets: icon } }, { conversationId: ours.conversationId, addressee: "user" });
    const offer = await bob.files.next();
    expect(offer.file).toMatchObject({ selector: { name: 'Straße "1".jpg', type: "image/jpeg", size: 300_000 }, disposition: "render", date, transferId: sent.fileTransferId });
    expect(offer.icon?.equals(icon)).toBe(true);
    expect(offer.cpim).toMatchObject({ from: alice.uri, messageId: sent.messageId });
    expect(offer.conversationId).toBe(ours.conversationId);
    expect(offer.contributionId).not.toBe(ours.contributionId);

    const received = await offer.accept().received.within();
    expect(received).toMatchObject({ complete: true, asOffered: true, sha256: sha256(content) });
    expect(received.octets.equals(content)).toBe(true);
    expect(await sent.outcome.within()).toEqual({ is: "delivered", octets: 300_000 });
    expect(await ours.notifications.next()).toMatchObject({ status: "delivered", messageId: sent.messageId });
  });
});

describe("files", () => {
  const photo = { name: "photo.jpg", type: "image/jpeg", content: randomBytes(200_000) };

  test("refused with a Warning", async () => {
    const { alice, bob } = await pair({ onInvitation: (invitation) => invitation.decline(403, { headers: [["Warning", '399 cf.example "122 Function not allowed"']] }) });
    const refused = await alice.sendFileTo(bob.uri, photo, { conversationId: "c" });
    expect(await refused.outcome.within()).toEqual({ is: "refused", status: 403, reason: "Forbidden", warning: '399 cf.example "122 Function not allowed"' });
  });

  test("to a path, read slowly, and without losing an octet", async () => {
    const directory = await mkdtemp(join(tmpdir(), "client-"));
    const { alice, bob } = await pair();
    const sent = await alice.sendFileTo(bob.uri, photo, { conversationId: "c" });
    const path = join(directory, "photo.jpg");
    const received = await (await bob.files.next()).accept({ path, octetsPerSecond: 1_000_000 }).received.within();
    expect(received).toMatchObject({ complete: true, asOffered: true });
    expect(sha256(await readFile(path))).toBe(sha256(photo.content));
    expect((await sent.outcome.within()).is).toBe("delivered");
    await rm(directory, { recursive: true });
  });

  test("stopped by the receiver with 413", async () => {
    const { alice, bob } = await pair();
    const sent = await alice.sendFileTo(bob.uri, photo, { conversationId: "c" });
    const incoming = (await bob.files.next()).accept({ chunkStatus: 413 });
    expect(await sent.outcome.within()).toEqual({ is: "failed", msrpStatus: 413 });
    expect(await incoming.leg.ended.within()).toMatchObject({ by: "peer" });
  });

  test("that is not what its hash says is complete and not as offered", async () => {
    const { alice, bob } = await pair();
    const lie = { hash: "sha-1", value: "00:".repeat(19) + "00" };
    await alice.sendFileTo(bob.uri, photo, { conversationId: "c", describe: (file) => ({ ...file, selector: { ...file.selector, hashes: [lie] } }) });
    expect(await (await bob.files.next()).accept().received.within()).toMatchObject({ complete: true, asOffered: false });
  });

  test("taken back while it rings", async () => {
    const { alice, bob } = await pair();
    const sent = await alice.sendFileTo(bob.uri, photo, { conversationId: "c" });
    const offer = await bob.files.next();
    offer.ring();
    sent.leg.cancel();
    expect(await offer.cancelled.within()).toBe(true);
    expect(await sent.outcome.within()).toMatchObject({ is: "refused", status: 487 });
  });
});

describe("going without leaving", () => {
  test("by a BYE that says so", async () => {
    const { ours, theirs } = await chat();
    await ours.drop();
    expect(await theirs.leg.ended.within()).toEqual({ by: "peer", reason: 'SIP;cause=480;text="Bearer unavailable"' });
  });

  test("by a connection that breaks", async () => {
    const { ours, theirs } = await chat();
    await ours.drop("cut");
    await theirs.leg.lost.within();
    expect(theirs.leg.ended.value).toBeUndefined();
  });
});

describe("in a group", () => {
  test("adds one and several, removes, is lost and comes back", async () => {
    const data = await mkdtemp(join(tmpdir(), "client-"));
    const server = await ServerProcess.start(["--listen", "tcp:127.0.0.1:0", "--msrp", "tcp:127.0.0.1:0", "--data", data, "--policy", "notifyPaceMs=0"]);
    const [alice, ...others] = await Promise.all(
      ["alice", "bob", "carol", "dave", "erin"].map((user) => client(user, { server: server.address("sip", "tcp"), onInvitation: (invitation) => invitation.accept() })),
    );
    const uris = others.map(({ uri }) => uri) as [string, string, string, string];
    const [bob, carol, dave, erin] = uris;
    await Promise.all([alice!, ...others].map((each) => each.register()));

    const group = await alice!.createGroup("sip:conference-factory@cpm.example", { subject: "Hiking", recipients: [bob] });
    await group.subscribe();
    expect(await group.add(carol)).toBe(202);
    expect(await group.add(dave, erin)).toBe(202);
    await group.rosterWith("five", (roster) => roster.hasConnected(alice!.uri, ...uris));
    expect(await group.remove(dave)).toBe(202);
    await group.rosterWith("Dave's removal", (roster) => roster.find(dave)?.disconnectionMethod === "booted");

    await group.drop();
    const back = await alice!.join(group.identity, group);
    expect((await back.send("Here again")).status).toBe(200);
    const closed = await alice!.createGroup("sip:conference-factory@cpm.example", { closed: true, recipients: [bob] });
    expect(await closed.add(carol)).toBe(403);

    expect(await server.stop()).toBe(0);
    await rm(data, { recursive: true });
  });
});

test("an INVITE that is refused says how", async () => {
  const { alice, bob } = await pair({ onInvitation: (invitation) => invitation.decline(486) });
  const refused = alice.join(bob.uri);
  await expect(refused).rejects.toBeInstanceOf(Refused);
  await expect(refused).rejects.toThrow("alice's INVITE to join sip:bob@cpm.example: 486 Busy Here (INVITE)");
});

describe("waiting", () => {
  test("takes what came before and what comes, and says what it missed", async () => {
    const letters = new Arrivals<string>("a letter");
    letters.arrive("a");
    letters.arrive("b");
    expect(await letters.next((letter) => letter === "b")).toBe("b");
    const next = letters.next((letter) => letter === "c");
    letters.arrive("c");
    expect(await next).toBe("c");
    expect(letters.kept).toEqual(["a"]);
    await expect(letters.next((letter) => letter === "d", 10)).rejects.toThrow(new DeadlineMissed("a letter", 10, "; there came: a"));
    await expect(new Eventual("the end").within(10)).rejects.toThrow("waited 10 ms for the end");
  });
});

describe("the roster", () => {
  const user = (entity: string, status: "connected" | "disconnected") => ({ entity, endpoints: [{ entity, status }] });

  test("is put together from full and partial notifications", () => {
    const roster = new Roster();
    const info = { entity: "sip:g@cpm.example", subject: "Hiking" };
    expect(roster.apply({ ...info, state: "full", version: 4, users: [user("sip:a@x", "connected"), user("sip:b@x", "connected")] })).toBe("applied");
    expect(roster.apply({ ...info, state: "partial", version: 5, users: [user("sip:b@x", "disconnected"), user("sip:c@x", "connected")] })).toBe("applied");
    expect(roster.hasConnected("sip:a@x", "sip:c@x")).toBe(true);
    expect(roster.find("sip:b@x")?.status).toBe("disconnected");
    expect(roster.apply({ ...info, state: "partial", version: 5, users: [] })).toBe("stale");
    expect(roster.apply({ ...info, state: "partial", version: 7, users: [] })).toBe("gap");
    expect(roster.apply({ ...info, state: "full", version: 7, users: [user("sip:a@x", "connected")] })).toBe("applied");
    expect(roster.entries).toHaveLength(1);
  });
});

test("the ladder draws one line a message, and nothing that a peer wrote leaves it", () => {
  const lines: string[] = [];
  const ladder = new Ladder({ columns: ["alice", "CF", "bob"], focus: "CF", write: (line) => lines.push(line) });
  ladder.draw({ at: 0, client: "alice", direction: "sent", protocol: "SIP", text: 'INVITE group "a\x1b[31m\r\nb\u202e"' });
  ladder.draw({ at: 12.3, client: "bob", direction: "received", protocol: "MSRP", text: "SEND" });
  expect(lines).toEqual([
    '   0.000    |-------->|         |      INVITE group "a\\x1b[31m\\x0d\\x0ab\\u202e"',
    "   0.012    |         |========>|      SEND",
  ]);
});
