/**
 * The operator's interface, held against what clients see on the wire: who is listed, who is ended and removed, what runs, and the
 * machines as they run.
 */
import { expect } from "vitest";
import { creation, specimen } from "./octets.ts";
import { Scene, focus, type Device } from "./scene.ts";
import { quiet, token, type SipText } from "./stranger.ts";

type Json = any;

/** Where the operator of that scene's focus is served. */
async function operator({ focus }: Scene): Promise<string> {
  await focus.says(/^listening admin http /m);
  return `http://${/^listening admin http (\S+)$/m.exec(focus.words)![1]}`;
}

async function asks(scene: Scene, path: string, method = "GET"): Promise<{ status: number; text: string; json: Json }> {
  const answer = await fetch(`${await operator(scene)}${path}`, { method });
  const text = await answer.text();
  return { status: answer.status, text, json: /json/.test(answer.headers.get("content-type") ?? "") ? JSON.parse(text) : undefined };
}

/** The group's identifier is the user part of its identity. */
const idOf = ({ identity }: { readonly identity: string }): string => /^sip:([^@]+)@/.exec(identity)![1]!;

/** Waits until the operator is shown something that holds. */
async function shows(scene: Scene, path: string, holds: (json: Json) => boolean): Promise<Json> {
  for (const end = performance.now() + 5_000; ; await quiet(20)) {
    const { json } = await asks(scene, path);
    if (holds(json)) return json;
    if (performance.now() > end) throw new Error(`${path} never came to show it: ${JSON.stringify(json).slice(0, 2_000)}`);
  }
}

/** Server-sent events of one group, one after the other. */
class Stream {
  readonly #chunks: ReadableStreamDefaultReader<string>;
  #text = "";

  private constructor(chunks: ReadableStreamDefaultReader<string>) {
    this.#chunks = chunks;
  }

  static async open(scene: Scene, id: string): Promise<Stream> {
    const answer = await fetch(`${await operator(scene)}/api/inspect?group=${id}`);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    return new Stream(answer.body!.pipeThrough(new TextDecoderStream()).getReader());
  }

  /** The next event; undefined when the stream has ended. */
  async next(): Promise<{ event: string; data: Json } | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(this.#text.slice(0, end)) ?? [];
        this.#text = this.#text.slice(end + 2);
        if (event !== undefined) return { event, data: JSON.parse(data!) };
        continue;
      }
      const { done, value } = await this.#chunks.read();
      if (done) return undefined;
      this.#text += value;
    }
  }

  async hears(holds: (event: string, data: Json) => boolean): Promise<Json> {
    for (let one = await this.next(); one; one = await this.next()) if (holds(one.event, one.data)) return one.data;
    throw new Error("the stream ended before");
  }
}

const markup = "<img src=x onerror=alert(1)>&\"'";
const withMarkup = (from: Device) => (invite: string): string =>
  invite.replace("Subject: Hiking", `Subject: ${markup} Grüße`).replace(`P-Preferred-Identity: <${from.aor}>`, `P-Preferred-Identity: "<b>A</b>" <${from.aor}>`);
const inLatin1 = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

focus("the operator", { more: ["--admin", "127.0.0.1:0"], policies: { notifyPaceMs: 0 } }, (conversation) => {
  conversation("sees a group, its seats, dialogs, timers and machines; ends it: BYE 410 to everybody, and it is gone", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const id = idOf(group);
    const shown = await shows(scene, `/api/groups/${id}`, ({ participants }) => participants.connected === 3);
    expect(shown).toMatchObject({ id, identity: group.identity, state: "active", subject: "Hiking", closed: false, conversationId: group.conversationId, contributionId: group.contributionId, transfers: 0, fileTransfers: [] });
    expect(shown.seats.map(({ seat, uri, status, legs, joiningMethod }: Json) => [seat, uri, status, legs, joiningMethod])).toEqual([
      [0, alice.aor, "connected", 1, "dialed-in"],
      [1, bob.aor, "connected", 1, "dialed-out"],
      [2, carol.aor, "connected", 1, "dialed-out"],
    ]);
    expect(shown.seats.flatMap(({ dialogs }: Json) => dialogs.map(({ bound }: Json) => bound))).toEqual([true, true, true]);
    expect(shown.machines.map(({ machine }: Json) => machine)).toEqual(["group-session", "group-participant", "group-participant", "group-participant"]);
    expect(shown.machines[0]).toMatchObject({ instance: id, over: false, state: { open: { membership: "active", activity: "quiet", recall: "ready" } } });
    const [silence] = shown.machines[0].timers;
    expect(silence.timer).toBe("inactivityMs");
    expect(silence.leftMs).toBeGreaterThan(590_000);
    expect(silence.leftMs).toBeLessThanOrEqual(600_000);

    const listed = (await asks(scene, "/api/groups?limit=1000&state=active")).json.groups.find((one: Json) => one.id === id);
    expect(listed).toMatchObject({ state: "active", participants: { connected: 3, invited: 0, away: 0 } });
    expect((await asks(scene, "/api/groups?limit=1000&state=idle")).json.groups.map((one: Json) => one.id)).not.toContain(id);

    const ended = await asks(scene, `/api/groups/${id}`, "DELETE");
    expect([ended.status, ended.json.id]).toEqual([202, id]);
    for (const person of [alice, bob, carol]) expect((await person.chat.dialog.hearsBye()).header("Reason")).toBe('SIP;cause=410;text="Gone"');
    await shows(scene, "/api/groups?limit=1000", ({ groups }) => groups.every((one: Json) => one.id !== id));
    expect((await asks(scene, `/api/groups/${id}`)).status).toBe(404);
    expect((await asks(scene, `/api/groups/${id}`, "DELETE")).status).toBe(404);
  });

  conversation("removes a participant: BYE to all of that user's dialogs, the others are told, who is removed stays out", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const id = idOf(group);
    await shows(scene, `/api/groups/${id}`, ({ participants }) => participants.connected === 3);
    await alice.subscribes(group.identity);
    const removed = await asks(scene, `/api/groups/${id}/participants/1`, "DELETE");
    expect([removed.status, removed.json.uri, removed.json.status]).toEqual([202, bob.aor, "removed"]);
    // The same as after a REFER with method=BYE. RFC 4579 §5.11
    expect((await bob.chat.dialog.hearsBye()).header("Reason")).toBe('SIP;cause=200;text="Booted"');
    const notify: SipText = await alice.sip.hears((one) => one.startLine.startsWith("NOTIFY ") && /booted/.test(one.body));
    expect(notify.body).toContain(bob.aor);
    expect((await bob.asks(bob.joining(group))).status).toBe(403);
    await alice.says("still here");
    await carol.chat.hears("still here");

    expect((await asks(scene, `/api/groups/${id}/participants/1`, "DELETE")).status).toBe(409);
    for (const nobody of ["3", "99", "-1", "x", "0x1"]) expect((await asks(scene, `/api/groups/${id}/participants/${nobody}`, "DELETE")).status).toBe(404);
    expect((await asks(scene, "/api/groups/none/participants/0", "DELETE")).status).toBe(404);

    // One more is one too few: the group ends for whoever is left.
    expect((await asks(scene, `/api/groups/${id}/participants/0`, "DELETE")).status).toBe(202);
    expect((await alice.chat.dialog.hearsBye()).header("Reason")).toContain("Booted");
    expect((await carol.chat.dialog.hearsBye()).header("Reason")).toBe('SIP;cause=410;text="Gone"');
  });

  conversation("looks on: where everything stands, each step with its effects and timers, what was refused, and the end", async (scene) => {
    const { group, alice, bob } = await scene.trio();
    const id = idOf(group);
    await shows(scene, `/api/groups/${id}`, ({ participants }) => participants.connected === 3);
    const stream = await Stream.open(scene, id);
    const first = await stream.next();
    expect([first?.event, first?.data.id, first?.data.machines.length]).toEqual(["snapshot", id, 4]);

    await alice.says("hello");
    await bob.chat.hears("hello");
    const said = await stream.hears((event, { machine }) => event === "step" && machine === "group-session");
    expect(said).toMatchObject({ event: { type: "msrp.SEND", from: 0, content: "chat", claims: "self", to: "group" }, handled: true, refusal: null, over: false });
    expect(said.effects).toEqual([{ type: "answerMsrp", status: 200 }, { type: "relay", to: [1, 2] }]);
    expect(said.timers).toEqual([{ change: "stop", timer: "inactivityMs" }, { change: "start", timer: "inactivityMs" }]);
    expect(said.taken.map(({ from, event, branch }: Json) => [from, event, branch])).toEqual(expect.arrayContaining([["group-session.open.membership", "msrp.SEND", 8], ["group-session.open.activity.quiet", "msrp.SEND", 0]]));
    const moved = await stream.hears((event) => event === "timers");
    expect(moved).toMatchObject({ machine: "group-session", timers: [{ timer: "inactivityMs" }] });
    expect(moved.timers[0].leftMs).toBeGreaterThan(599_000);

    const stranger = await scene.device("mallory");
    expect((await stranger.asks(stranger.joining(group))).status).toBe(403);
    const refused = await stream.hears((event, { machine }) => event === "step" && machine === "group-session");
    expect(refused).toMatchObject({ event: { type: "sip.INVITE.join", from: "stranger" }, effects: [{ type: "answer", status: 403, warning: "serviceNotAuthorised" }] });

    await asks(scene, `/api/groups/${id}`, "DELETE");
    await stream.hears((event, { event: cause }) => event === "step" && cause?.type === "admin.end");
    await stream.hears((event, { machine, over }) => event === "step" && machine === "group-session" && over);
    const rest: string[] = [];
    for (let one = await stream.next(); one; one = await stream.next()) rest.push(one.event);
    expect(rest.at(-1)).toBe("ended");
    expect((await asks(scene, `/api/inspect?group=${id}`)).status).toBe(404);
  });

  conversation("what peers wrote is text and nothing else: subject, display name, file name; a running file is listed, and breaks off with its group", async (scene) => {
    const alice = await scene.device("alice");
    const bob = await scene.device("bob");
    const path = alice.path();
    const conversationId = token();
    const invite = creation({ from: alice, list: [bob.aor], path, conversationId, contributionId: token() });
    const ok = await alice.asks(inLatin1(withMarkup(alice)(invite)));
    alice.createdChat(await alice.established(ok, path));
    await bob.entersChat(await bob.isInvited());
    const group = { identity: ok.uri("Contact"), conversationId, contributionId: "" };
    const id = idOf(group);
    await shows(scene, `/api/groups/${id}`, ({ participants }) => participants.connected === 2);

    const offer = alice.offer(group, specimen(4_096, "<script>alert(1)</script>.jpg"));
    const outcome = alice.asks(offer.text);
    bob.rings(await bob.isOffered());
    const { transfers } = await shows(scene, "/api/transfers?limit=1000", (list) => list.transfers.some((one: Json) => one.group === id && one.recipients[0]?.status === "ringing"));
    expect(transfers.find((one: Json) => one.group === id)).toMatchObject({
      group: id, state: "executing", direction: "push", receivedOctets: 0,
      sender: { seat: 0, uri: alice.aor },
      file: { name: "<script>alert(1)</script>.jpg", type: "image/jpeg", octets: 4_096 },
      recipients: [{ uri: bob.aor, status: "ringing" }],
    });
    const { json, text } = await asks(scene, `/api/groups/${id}`);
    expect(json.subject).toBe(`${markup} Grüße`);
    expect(json.seats[0].name).toBe("<b>A</b>");
    expect(json.fileTransfers).toHaveLength(1);
    expect(text).not.toContain("<");

    await asks(scene, `/api/groups/${id}`, "DELETE");
    expect((await outcome).status).toBe(503);
    for (const person of [alice, bob]) expect((await person.chat.dialog.hearsBye()).header("Reason")).toContain("410");
    await shows(scene, "/api/transfers?limit=1000", (list) => list.transfers.every((one: Json) => one.group !== id));
  });

  conversation("counts what went over the wire: requests, responses, refusals with their Warnings, messages, transfers", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const read = async (): Promise<(line: string) => number> => {
      const { text } = await asks(scene, "/metrics");
      return (line) => Number(text.split("\n").find((one) => one.startsWith(`${line} `))?.slice(line.length + 1) ?? 0);
    };
    const before = await read();
    await alice.says("one");
    for (const person of [bob, carol]) await person.chat.hears("one");
    const stranger = await scene.device("mallory");
    await stranger.asks(stranger.joining(group));
    const after = await read();
    const more = (line: string): number => after(line) - before(line);
    // Others talk to the same focus meanwhile.
    expect(more("cpm_messages_relayed_total")).toBeGreaterThanOrEqual(1);
    expect(more("cpm_message_deliveries_total")).toBeGreaterThanOrEqual(2);
    expect(more("cpm_message_delivered_bytes_total")).toBeGreaterThan(2 * 100);
    expect(more('cpm_sip_requests_total{direction="in",method="REGISTER"}')).toBeGreaterThanOrEqual(1);
    expect(more('cpm_sip_responses_total{direction="out",method="INVITE",class="4xx"}')).toBeGreaterThanOrEqual(1);
    expect(more('cpm_refusals_total{protocol="sip",status="403",warning="127 Service not authorised"}')).toBeGreaterThanOrEqual(1);
    expect(after('cpm_participants{status="connected"}')).toBeGreaterThanOrEqual(3);
    expect(after("cpm_msrp_sessions")).toBeGreaterThanOrEqual(3);
    expect(after("cpm_machine_timers")).toBeGreaterThanOrEqual(1);
    expect(after("cpm_faults_total")).toBe(0);
  });
});
