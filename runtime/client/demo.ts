/**
 * `npm run demo`: the server as a process of its own, and here four CPM Clients that chat in a group and send it a file.
 *
 * Prints what passes between them as a ladder. The exit code is 0 only if everything that is expected was seen on the wire.
 */
import { createHash } from "node:crypto";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { CpmClient } from "./client.ts";
import { Expectations } from "./expectations.ts";
import type { GroupLeg } from "./group-leg.ts";
import { Ladder } from "./ladder.ts";
import type { LocalFile } from "./local-file.ts";
import { ServerProcess } from "./server-process.ts";
import { DeadlineMissed } from "./waiting.ts";

const usage = `npm run demo -- [options]
  --keep-trace FILE   keep the server's trace there
  --sip-port PORT     the server's SIP port instead of any free one, for a capture; the clients take the four after it
  --msrp-port PORT    the server's MSRP port likewise
  --admin ADDRESS:PORT  serve the operator there, with the live page
  --pace MS           wait so long before each scene, for whoever looks on
  --ports             the same as --sip-port 5060 --msrp-port 2855
  --quiet             print only what was expected and not seen
  --help              this text
`;

const options = readOptions();

function readOptions() {
  try {
    return parseArgs({
      options: {
        "keep-trace": { type: "string" },
        "sip-port": { type: "string" },
        "msrp-port": { type: "string" },
        admin: { type: "string" },
        pace: { type: "string" },
        ports: { type: "boolean", default: false },
        quiet: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (fault) {
    process.stderr.write(`${(fault as Error).message}\n${usage}`);
    process.exit(2);
  }
}

const pace = Number(options.pace ?? 0);
const sipPort = options["sip-port"] ?? (options.ports ? "5060" : "0");
const msrpPort = options["msrp-port"] ?? (options.ports ? "2855" : "0");
const factory = "sip:conference-factory@cpm.example";
const people = ["alice", "bob", "carol", "dave"] as const;
type Person = (typeof people)[number];
const titled = (person: Person): string => person.charAt(0).toUpperCase() + person.slice(1);

const print = (line: string): void => {
  if (!options.quiet) process.stdout.write(`${line}\n`);
};
const ladder = new Ladder({ columns: ["Alice", "CF", "Bob", "Carol", "Dave"], focus: "CF", write: print });
const seen = new Expectations(print);

/** 3 MB that are the same in every run. */
const photo: LocalFile = {
  name: "photo.jpg",
  type: "image/jpeg",
  content: pseudoRandomOctets(3 * 2 ** 20),
  disposition: "render",
  date: { creation: "Mon, 06 May 2024 10:11:12 +0200" },
  icon: { type: "image/png", octets: Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64") },
};

function pseudoRandomOctets(octets: number): Buffer {
  const blocks = Array.from({ length: octets / 32 }, (_, at) => createHash("sha256").update(String(at)).digest());
  return Buffer.concat(blocks);
}

const sha256 = (octets: Buffer): string => createHash("sha256").update(octets).digest("hex");

// ------------------------------------------------------------------ the scene

/** The server and the four of them. */
interface Scene {
  readonly server: ServerProcess;
  readonly client: Readonly<Record<Person, CpmClient>>;
  /** Makes the server read its policies again, with this value. */
  supportFiles(value: "supported" | "notSupported"): Promise<void>;
}

/** A group, as each of its Participants is in it. */
type Group = Readonly<Record<Person, GroupLeg>>;

async function open(directory: string): Promise<Scene> {
  const config = join(directory, "config.json");
  const supportFiles = (value: string): Promise<void> => writeFile(config, JSON.stringify({ policy: { groupFileTransfer: value } }));
  await supportFiles("supported");
  const server = await ServerProcess.start([
    ...["--listen", `udp:127.0.0.1:${sipPort}`, "--listen", `tcp:127.0.0.1:${sipPort}`, "--msrp", `tcp:127.0.0.1:${msrpPort}`],
    ...["--domain", "cpm.example", "--factory", factory, "--trust", "127.0.0.0/8"],
    ...(options.admin === undefined ? [] : ["--admin", options.admin]),
    ...["--data", join(directory, "data"), "--trace", traceOf(directory), "--config", config],
  ]);
  if (options.admin !== undefined) {
    const [, address] = /^listening admin http (\S+)$/.exec(await server.lines.next((line) => line.startsWith("listening admin "))) ?? [];
    print(`The live page is http://${address}/live\n`);
  }
  const clients = await Promise.all(people.map((person, at) => newClient(server, person, at)));
  const client = Object.fromEntries(people.map((person, at) => [person, clients[at]])) as Scene["client"];
  return {
    server,
    client,
    supportFiles: async (value) => {
      await supportFiles(value);
      await server.reload();
    },
  };
}

const traceOf = (directory: string): string => join(directory, "trace.ndjson");

/** Carol and Dave speak SIP over UDP, the others over TCP. */
function newClient(server: ServerProcess, person: Person, at: number): Promise<CpmClient> {
  const transport = at < 2 ? "tcp" : "udp";
  return CpmClient.start({
    uri: `sip:${person}@cpm.example`,
    name: titled(person),
    instance: `urn:gsma:imei:35824005-00000${at + 1}-0`,
    server: server.address("sip", transport),
    listen: { transport, host: "127.0.0.1", port: sipPort === "0" ? 0 : Number(sipPort) + 1 + at },
    onWire: (event) => ladder.draw(event),
  });
}

async function close({ server, client }: Scene): Promise<void> {
  await server.stop();
  await Promise.all(people.map((person) => client[person].close()));
}

// ------------------------------------------------------------------- the play

/** A line across, and time to see what was before. */
async function scene(title: string): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, pace));
  ladder.note(title);
}

async function register({ client }: Scene): Promise<void> {
  ladder.note("Everybody registers");
  const statuses = await Promise.all(people.map((person) => client[person].register()));
  seen.equal("four registrations are accepted", statuses, [200, 200, 200, 200]);
}

async function createGroup({ client }: Scene): Promise<Group> {
  await scene("Alice creates a group with Bob, Carol and Dave");
  const others = ["bob", "carol", "dave"] as const;
  const creating = client.alice.createGroup(factory, { subject: "Hiking", recipients: others.map((person) => client[person].uri) });
  const [bob, carol, dave] = await Promise.all(others.map((person) => enter(client[person])));
  const alice = await creating;
  const group = { alice, bob, carol, dave } as Group;
  seen.equal("the invitations are the group's", distinct(group, (leg) => `${leg.conversationId} ${leg.contributionId}`).length, 1);
  seen.equal("the Group Session Identity is one for all", distinct(group, (leg) => leg.identity).length, 1);
  await alice.subscribe();
  await alice.rosterWith("four connected Participants", (roster) => roster.hasConnected(...people.map((person) => client[person].uri)));
  seen.note("the participant information shows four that are connected");
  return group;
}

async function enter(client: CpmClient): Promise<GroupLeg> {
  const invitation = await client.chats.next();
  seen.equal(`${client.name}'s invitation names the subject`, invitation.subject, "Hiking");
  seen.equal(`${client.name}'s invitation is from a focus`, invitation.byFocus, true);
  seen.equal(`${client.name}'s invitation tells who else is invited`, invitation.recipients?.length, 3);
  invitation.ring();
  const group = invitation.accept();
  await group.leg.bound.within();
  return group;
}

async function chat({ client }: Scene, group: Group): Promise<void> {
  await scene("They chat: a message for all others, its notifications for its sender alone");
  await say(group, "alice", "Who is coming on Sunday?", ["bob", "carol", "dave"]);
  await scene("Bob writes");
  group.bob.composing();
  for (const person of ["alice", "carol", "dave"] as const) {
    const { from, state } = await group[person].composings.next();
    seen.equal(`${titled(person)} sees that Bob writes`, `${state} ${from}`, `active ${client.bob.uri}`);
  }
  await say(group, "bob", "I am. Grüße!", ["alice", "carol", "dave"]);
}

/** One says it, the others and nobody else hear it, and their notifications come back to the one. */
async function say(group: Group, from: Person, text: string, others: readonly Person[]): Promise<void> {
  const { status, messageId } = await group[from].send(text);
  seen.equal(`${titled(from)}'s message is taken`, status, 200);
  for (const person of others) {
    const message = await group[person].messages.next();
    seen.equal(`${titled(person)} reads ${titled(from)}'s message`, `${message.text} ${message.messageId}`, `${text} ${messageId}`);
  }
  const wanted = others.flatMap((person) => [`sip:${person}@cpm.example delivered`, `sip:${person}@cpm.example displayed`]).toSorted();
  const notified = await Promise.all(wanted.map(() => group[from].notifications.next((one) => one.messageId === messageId)));
  seen.equal(`${titled(from)} is told of delivery and display`, notified.map((one) => `${one.from} ${one.status}`).toSorted(), wanted);
  const astray = people.filter((person) => group[person].notifications.kept.length > 0);
  seen.equal("nobody else is told of it", astray, []);
}

async function leave({ client }: Scene, group: Group): Promise<void> {
  await scene("Dave leaves");
  seen.equal("Dave's BYE is accepted", await group.dave.leave(), 200);
  const gone = await group.alice.rosterWith("Dave's departure", (roster) => roster.find(client.dave.uri)?.status !== "connected");
  const dave = gone.find(client.dave.uri);
  seen.equal("the participant information shows that Dave departed", dave?.disconnectionMethod, "departed");
  await say(group, "alice", "Pity.", ["bob", "carol"]);
  seen.equal("Dave hears no more", group.dave.messages.kept.length, 0);
}

async function sendFile({ client }: Scene, group: Group): Promise<void> {
  await scene("Alice sends a photo of 3 MB; Bob accepts, Carol declines");
  const sent = await client.alice.sendFile(group.alice, photo);
  const [toBob, toCarol] = await Promise.all([client.bob.files.next(), client.carol.files.next()]);
  for (const { request, parts, file, icon, conversationId, contributionId, device } of [toBob, toCarol]) {
    const { name } = device;
    const [hash] = file.selector.hashes ?? [];
    seen.equal(`${name} is told name, type and size`, [file.selector.name, file.selector.type, file.selector.size], [photo.name, photo.type, 3 * 2 ** 20]);
    seen.equal(`${name} is told the hash`, hash?.value.replaceAll(":", "").toLowerCase(), createHash("sha1").update(photo.content as Buffer).digest("hex"));
    seen.equal(`${name} is told disposition and date`, [file.disposition, file.date?.creation], [photo.disposition, photo.date?.creation]);
    seen.equal(`${name} has the icon`, icon?.equals(photo.icon!.octets), true);
    seen.equal(`${name}'s INVITE has the group's Conversation-ID and the transfer's Contribution-ID`, [conversationId, contributionId], [group.alice.conversationId, sent.contributionId]);
    seen.equal(`${name}'s INVITE has no recipient list`, [parts.some(({ contentType }) => contentType.essence === "application/resource-lists+xml"), request.has("require", "recipient-list-invite")], [false, false]);
  }
  seen.equal("Dave, who left, is offered nothing", client.dave.files.kept.length, 0);

  toCarol.ring();
  toBob.ring();
  await scene("Both telephones ring");
  toCarol.decline(603);
  const received = await toBob.accept().received.within(10_000);
  seen.equal("Bob has the file whole", [received.complete, received.asOffered], [true, true]);
  seen.equal("Bob has the file octet for octet, by SHA-256", received.sha256, sha256(photo.content as Buffer));
  seen.equal("Alice's file is taken whole", (await sent.outcome.within(10_000)).is, "delivered");
  const { from, status } = await group.alice.notifications.next((one) => one.messageId === sent.messageId);
  seen.equal("Alice is told that Bob has it", `${from} ${status}`, `${client.bob.uri} delivered`);
}

async function sendUnsupportedFile({ client, supportFiles }: Scene, group: Group): Promise<void> {
  await scene("The provider switches file transfer in groups off, and Alice sends the photo again");
  await supportFiles("notSupported");
  const sent = await client.alice.sendFile(group.alice, photo);
  const outcome = await sent.outcome.within();
  if (outcome.is !== "refused") throw new Error(`the file was not refused: ${outcome.is}`);
  seen.equal("the answer is 403 Forbidden", `${outcome.status} ${outcome.reason}`, "403 Forbidden");
  seen.equal("its Warning is 399 and 122 Function not allowed", /^399 \S+ "122 Function not allowed"$/.test(outcome.warning ?? ""), true);
  await scene("The chat goes on");
  await say(group, "carol", "Then send it by pigeon.", ["alice", "bob"]);
  seen.equal("nobody was offered the file", [client.bob.files.kept.length, client.carol.files.kept.length], [0, 0]);
}

async function end({ server }: Scene, group: Group): Promise<void> {
  await scene("The server is told to end");
  const stopping = server.stop();
  const ends = await Promise.all((["alice", "bob", "carol"] as const).map((person) => group[person].leg.ended.within(10_000)));
  seen.equal("everybody gets a BYE", ends.map(({ by }) => by), ["peer", "peer", "peer"]);
  seen.equal("the subscription is terminated", typeof (await group.alice.unsubscribed.within(10_000)), "string");
  seen.equal("the server ends with exit code 0", await stopping, 0);
}

function distinct(group: Group, of: (leg: GroupLeg) => string): string[] {
  return [...new Set(people.map((person) => of(group[person])))];
}

async function play(scene: Scene): Promise<void> {
  ladder.drawHead();
  await register(scene);
  const group = await createGroup(scene);
  await chat(scene, group);
  await leave(scene, group);
  await sendFile(scene, group);
  await sendUnsupportedFile(scene, group);
  await end(scene, group);
}

async function main(): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), "cpm-demo-"));
  try {
    const scene = await open(directory);
    try {
      await play(scene);
    } catch (fault) {
      seen.missed(fault instanceof DeadlineMissed ? fault.message : ((fault as Error).stack ?? String(fault)));
      scene.server.lines.kept.forEach((line) => print(`server: ${line}`));
    } finally {
      await close(scene);
    }
    if (options["keep-trace"] !== undefined) await copyFile(traceOf(directory), options["keep-trace"]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  return seen.report();
}

// Whoever stops the demo stops the server with it.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

if (options.help) process.stdout.write(usage);
else
  process.exitCode = await main().catch((fault: Error) => {
    process.stderr.write(`the demo could not run: ${fault.message}\n`);
    return 1;
  });
