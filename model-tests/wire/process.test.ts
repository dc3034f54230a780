/**
 * The server as a process: what it says when it cannot serve, what signals do, and that its trace and its log tell nothing
 * that people wrote.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { chatCpim, photo, specimen } from "./octets.ts";
import { Scene, receivesFile, sendsFile, type Device, type Group, type Leg } from "./scene.ts";
import { Focus, bound, run, sha256, token, type FocusOptions } from "./stranger.ts";

const directory = mkdtempSync(join(tmpdir(), "cpm-process-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const at = (name: string): string => join(directory, name);

/** One conversation with one process. */
async function process(options: FocusOptions, body: (focus: Focus, scene: Scene) => Promise<void>): Promise<void> {
  const focus = await Focus.start(options);
  const scene = new Scene(focus);
  try {
    await body(focus, scene);
    expect(focus.faults).toEqual([]);
    expect(scene.ladder.faults).toEqual([]);
  } catch (fault) {
    console.log(`${scene.ladder}\n${focus.lastWords}`);
    throw fault;
  } finally {
    scene.close();
    await focus.stop(0);
  }
}

describe("what cannot be served is one clear line on standard error, and exit 2", () => {
  const sockets = ["--listen", "udp:127.0.0.1:0", "--listen", "tcp:127.0.0.1:0", "--msrp", "tcp:127.0.0.1:0"];
  const refused = async (words: readonly string[], ...says: string[]): Promise<void> => {
    const { code, out, err } = await run(words);
    expect(out).toBe("");
    expect(err).toMatch(/^cpm-cf: [^\n]+\n$/);
    for (const word of says) expect(err).toContain(word);
    expect(err).not.toMatch(/undefined|\[object|ERR_|node:/);
    expect(code).toBe(2);
  };

  const cases: readonly (readonly [what: string, words: readonly string[], ...says: string[]])[] = [
    ["no command", [], "serve"],
    ["another command", ["fly"], "fly"],
    ["a wrong option", ["serve", "--bogus"], "--bogus"],
    ["a configuration that is not there", ["serve", "--config", at("absent.json")], "absent.json"],
    ["data that is no folder", ["serve", ...sockets, "--data", "package.json"], "--data"],
    ["a trace that cannot be written", ["serve", ...sockets, "--data", at("data"), "--trace", at("absent/trace")], "--trace"],
    ["a key that is none", ["serve", ...sockets, "--data", at("data"), "--msrp", "tls:127.0.0.1:0", "--tls-key", "package.json", "--tls-cert", "package.json"], "--tls"],
    ["an address that this machine has not", ["serve", ...sockets, "--data", at("data"), "--msrp", "tcp:192.0.2.1:0"], "192.0.2.1"],
  ];
  for (const [what, words, ...says] of cases) test(what, async () => await refused(words, ...says));

  test("a port in use: SIP over TCP, over UDP, MSRP", async () => {
    const listener = createServer();
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const { port } = listener.address() as { port: number };
    const datagrams = await bound(0);
    try {
      await Promise.all([
        refused(["serve", "--data", at("a"), "--listen", `tcp:127.0.0.1:${port}`, "--msrp", "tcp:127.0.0.1:0"], `127.0.0.1:${port}`, "in use"),
        refused(["serve", "--data", at("b"), "--listen", `udp:127.0.0.1:${datagrams.address().port}`, "--msrp", "tcp:127.0.0.1:0"], `127.0.0.1:${datagrams.address().port}`, "in use"),
        refused(["serve", "--data", at("c"), "--listen", "tcp:127.0.0.1:0", "--msrp", `tcp:127.0.0.1:${port}`], `127.0.0.1:${port}`, "in use"),
      ]);
    } finally {
      listener.close();
      datagrams.close();
    }
  });

  test("--help is asked for: standard output, exit 0", async () => {
    const { code, out, err } = await run(["--help"]);
    expect(out).toMatch(/^  --listen [\s\S]*^  groupFileTransfer=/m);
    expect([code, err]).toEqual([0, ""]);
  });
});

/** Alice's file on its way to Bob: offered, accepted, nothing sent yet. */
async function transferred(group: Group, alice: Device, bob: Device): Promise<{ sender: Leg; toBob: Leg }> {
  const offer = alice.offer(group);
  const request = alice.send(offer.text);
  const toBob = await bob.takes(await bob.isOffered(), photo);
  return { sender: await alice.established(await alice.sip.finalTo(request), offer.path), toBob };
}

test.concurrent("SIGHUP reads the policies again: a new transfer gets 403 122, the running one completes; a file that is broken changes nothing", async () => {
  const config = at("config.json");
  const says = (groupFileTransfer: string): void => writeFileSync(config, JSON.stringify({ policy: { groupFileTransfer } }));
  says("supported");
  await process({ more: ["--config", config] }, async (focus, scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { sender, toBob } = await transferred(group, alice, bob);
    carol.declines(await carol.isOffered());

    says("notSupported");
    focus.signal("SIGHUP");
    await focus.says(/info the policies were read again\n/);
    const refused = await bob.asks(bob.offer(group).text);
    expect(refused.startLine).toBe("SIP/2.0 403 Forbidden");
    expect(refused.header("Warning")).toMatch(/^399 \S+ "122 Function not allowed"$/);

    const [, received] = await Promise.all([sendsFile(sender, photo), receivesFile(toBob)]);
    expect(sha256(received.octets)).toBe(sha256(photo.octets));
    expect((await sender.dialog.end('SIP;cause=200;text="Call completed"')).status).toBe(200);
    await toBob.dialog.hearsBye();

    writeFileSync(config, "{");
    focus.signal("SIGHUP");
    await focus.says(/the policies stay as they are: [^\n]*not JSON\n/);
    expect((await bob.asks(bob.offer(group).text)).status).toBe(403);
    await alice.sip.hearsNothing("INVITE ", 20);

    says("supported");
    focus.signal("SIGHUP");
    await focus.says(/read again\n[\s\S]*read again\n/);
    bob.send(bob.offer(group).text);
    await Promise.all([alice.isOffered(), carol.isOffered()]);
  });
});

test.concurrent("SIGTERM ends what runs in order: BYE to everybody, of the transfer too, NOTIFY terminated, exit 0", async () => {
  await process({}, async (focus, scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    await alice.subscribes(group.identity);
    const { sender, toBob } = await transferred(group, alice, bob);
    carol.declines(await carol.isOffered());
    const code = focus.stop();
    for (const leg of [alice.chat, bob.chat, carol.chat, sender, toBob]) expect((await leg.dialog.hearsBye()).headers("Reason").join()).not.toContain("410");
    await alice.sip.hears((one) => one.startLine.startsWith("NOTIFY ") && one.header("Subscription-State").startsWith("terminated"));
    expect(await code).toBe(0);
  });
});

test.concurrent("SIGTERM when nobody is there any more to answer: exit 0 within 10 s", async () => {
  await process({}, async (focus, scene) => {
    const { alice, bob, carol } = await scene.trio();
    for (const person of [alice, bob, carol]) person.close();
    const before = performance.now();
    expect(await focus.stop(12_000)).toBe(0);
    expect(performance.now() - before).toBeLessThan(10_000);
  });
});

test.concurrent("the trace: every line is JSON with its machine and instance; neither it nor the log has an octet that somebody wrote", async () => {
  await process({ policies: { notifyPaceMs: 0 }, more: ["--log-level", "debug"] }, async (focus, scene) => {
    const canary = (what: string): string => `canary-${what}-${token()}`;
    const words = Object.fromEntries(["subject", "display", "file", "text", "conversation", "contribution", "reason", "instance", "agent", "cpim", "imdn"].map((what) => [what, canary(what)])) as Record<string, string>;
    const { group, alice, bob, carol } = await scene.trio((invite) => invite
      .replace("Subject: Hiking", `Subject: ${words["subject"]}`)
      .replace(/\r\nFrom: </, `\r\nFrom: "${words["display"]}" <`)
      .replace("User-Agent: CPM-client/OMA2.0", `User-Agent: ${words["agent"]}`)
      .replace(/\r\nConversation-ID: [^\r]*/, `\r\nConversation-ID: ${words["conversation"]}`)
      .replace(/\r\nContribution-ID: [^\r]*/, `\r\nContribution-ID: ${words["contribution"]}`)
      .replace(/urn:gsma:imei:[^>]*/, `urn:uuid:${words["instance"]}`));
    await bob.subscribes(group.identity);
    await alice.chat.says(chatCpim(alice.aor, group.identity, words["text"]!, words["imdn"]).replace(/^From: </, `From: "${words["cpim"]}" <`));
    await Promise.all([bob, carol].map((one) => one.chat.hears(words["text"]!)));
    // What is refused, and what cannot be read, is told no more than what is taken.
    await alice.chat.says(words["text"]!, "text/plain");
    await alice.chat.says(`${words["cpim"]}\r\n\r\n`);
    await alice.asks(`${alice.offer({ ...group, identity: `sip:${words["text"]}@cpm.example` }).text}`);
    await alice.asks(alice.offer(group).text.replace("a=file-selector:", `a=file-selector:broken:${words["file"]} `).replace("v=0", `v=${words["text"]}`));

    const file = specimen(10_000, `${words["file"]}.jpg`);
    const offer = alice.offer(group, file);
    const request = alice.send(offer.text);
    carol.declines(await carol.isOffered(), `603 ${words["reason"]}`);
    const toBob = await bob.takes(await bob.isOffered(), file);
    const sender = await alice.established(await alice.sip.finalTo(request), offer.path);
    await Promise.all([sendsFile(sender, file), receivesFile(toBob)]);
    await sender.dialog.end(`SIP;cause=200;text="${words["reason"]}"`);
    await toBob.dialog.hearsBye();
    await carol.chat.dialog.end(`SIP;cause=480;text="${words["reason"]}"`);
    await bob.sip.hears((one) => one.startLine.startsWith("NOTIFY ") && one.body.includes(carol.aor) && one.body.includes("disconnected"));

    const lines = focus.trace.trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.length).toBeGreaterThan(40);
    const begun = new Set<string>();
    for (const line of lines) {
      expect(line).toMatchObject({ at: expect.any(Number), of: expect.any(String), machine: expect.any(String), instance: expect.any(String), state: expect.anything(), effects: expect.any(Array) });
      // An instance begins with a line of its own; every further one has the event that it took.
      const name = `${String(line["of"])} ${String(line["machine"])} ${String(line["instance"])}`;
      expect("event" in line).toBe(begun.has(name));
      begun.add(name);
    }
    expect(new Set(lines.map(({ machine }) => machine))).toEqual(new Set([
      "group-session", "group-participant", "group-file-transfer", "large-message", "large-message-sender", "large-message-recipient", "conference-subscription",
    ]));
    const written = [...Object.values(words), alice.aor, bob.aor, scene.aor("alice").slice(4).split("@")[0]!, offer.fileTransferId, offer.contributionId, file.sha1];
    for (const word of written) {
      expect(focus.trace).not.toContain(word);
      expect(focus.words).not.toContain(word);
    }
  });
});
