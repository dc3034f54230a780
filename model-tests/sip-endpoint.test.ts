import { afterEach, describe, expect, test } from "vitest";
import type { OnResponse } from "../runtime/sip/final-response.ts";
import { SipEndpoint } from "../runtime/sip/endpoint.ts";
import type { EndpointOptions, EndpointUser } from "../runtime/sip/endpoint.ts";
import type { Invitation, OutgoingInvite } from "../runtime/sip/invite-client.ts";
import type { InviteDialog } from "../runtime/sip/invite-dialog.ts";
import type { IncomingInvite } from "../runtime/sip/invite-server.ts";
import type { SipMessage } from "../runtime/sip/message.ts";
import { sipfrag } from "../runtime/sip/refer.ts";
import type { IncomingRefer } from "../runtime/sip/refer.ts";
import type { IncomingSubscription } from "../runtime/sip/subscription.ts";
import { Stranger, response, status, value, values } from "./sip-stranger.ts";

/** T1 of a loopback: a twentieth of the standard's. */
const t1Ms = 25;
const offer = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=message 9 TCP/MSRP *\r\n";
const answer = offer.replace("o=- 1 1", "o=- 2 1");

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

interface Bound {
  readonly endpoint: SipEndpoint;
  readonly udp: number;
  readonly tcp: number;
}

async function endpoint(user: EndpointUser = {}, options: Partial<EndpointOptions> = {}): Promise<Bound> {
  const made = new SipEndpoint({
    listen: [
      { transport: "udp", host: "127.0.0.1", port: 0 },
      { transport: "tcp", host: "127.0.0.1", port: 0 },
    ],
    user,
    t1Ms,
    t2Ms: 8 * t1Ms,
    t4Ms: 10 * t1Ms,
    supported: ["timer", "100rel"],
    product: "house",
    ...options,
  });
  opened.push(made);
  const [udp, tcp] = await made.start();
  return { endpoint: made, udp: udp?.port ?? 0, tcp: tcp?.port ?? 0 };
}

async function stranger(transport: "udp" | "tcp" = "udp"): Promise<Stranger> {
  const made = await Stranger[transport]();
  opened.push(made);
  return made;
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** A promise and what fulfils it. */
function later<T>(): { promise: Promise<T>; tell: (value: T) => void } {
  let tell!: (value: T) => void;
  const promise = new Promise<T>((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error("it did not happen")), 4000);
    tell = (value) => {
      clearTimeout(limit);
      resolve(value);
    };
  });
  promise.catch(() => {});
  return { promise, tell };
}

const answered = (ask: (onResponse: OnResponse) => unknown): Promise<SipMessage> => new Promise((tell) => ask((got) => tell(got)));

let serial = 0;

/** The lines of a request from a stranger. */
function request(from: Stranger, method: string, uri: string, more: { to?: string; callId?: string; seq?: number; branch?: string; fields?: string[]; contact?: boolean; maxForwards?: number } = {}): string[] {
  serial++;
  return [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${from.port};branch=${more.branch ?? `z9hG4bKstranger${serial}`}`,
    `Max-Forwards: ${more.maxForwards ?? 70}`,
    `From: <sip:stranger@127.0.0.1>;tag=s1`,
    `To: ${more.to ?? `<${uri}>`}`,
    `Call-ID: ${more.callId ?? `call${serial}@stranger`}`,
    `CSeq: ${more.seq ?? 1} ${method}`,
    ...(more.contact === false ? [] : [`Contact: <sip:stranger@127.0.0.1:${from.port}>`]),
    ...(more.fields ?? []),
  ];
}

/** The next request of the dialog that an INVITE of a stranger and its response made. */
function inDialog(from: Stranger, method: string, ok: string, seq: number, fields: string[] = []): string[] {
  const target = /<([^>]+)>/.exec(value(ok, "Contact"))?.[1] ?? "";
  return request(from, method, target, { to: value(ok, "To"), callId: value(ok, "Call-ID"), seq, fields });
}

const invitation = (to: number, more: Partial<Invitation> = {}): Invitation => ({
  requestUri: `sip:bob@127.0.0.1:${to}`,
  from: "sip:alice@127.0.0.1",
  contentType: "application/sdp",
  body: offer,
  ...more,
});

/** What becomes of an INVITE. */
function invite(from: SipEndpoint, asked: Invitation): { sent: OutgoingInvite; accepted: Promise<InviteDialog>; rejected: Promise<{ status: number; cause: string | undefined }>; provisional: number[] } {
  const accepted = later<InviteDialog>();
  const rejected = later<{ status: number; cause: string | undefined }>();
  const provisional: number[] = [];
  const sent = from.invite(asked, {
    onProvisional: (got) => provisional.push(got.status),
    onAccepted: (dialog) => accepted.tell(dialog),
    onRejected: (got, cause) => rejected.tell({ status: got.status, cause }),
  });
  return { sent, accepted: accepted.promise, rejected: rejected.promise, provisional };
}

/** An endpoint that accepts; `dialog` is its side of the first call. */
async function callee(prepare: (call: IncomingInvite, dialog: InviteDialog) => void = () => {}, options: Partial<EndpointOptions> = {}) {
  const dialog = later<InviteDialog>();
  const call = later<IncomingInvite>();
  const bound = await endpoint(
    {
      onInvite: (incoming) => {
        const made = incoming.accept({ contentType: "application/sdp", body: answer });
        prepare(incoming, made);
        call.tell(incoming);
        dialog.tell(made);
      },
    },
    options,
  );
  return { ...bound, dialog: dialog.promise, call: call.promise };
}

describe("the inspection of a request", () => {
  const accept = { INVITE: ["application/sdp", "multipart/mixed"], MESSAGE: ["message/*"] };

  test.each<[string, { method: string; uri?: string; fields?: string[]; body?: string; maxForwards?: number; contact?: boolean; to?: string }, number, Record<string, RegExp>]>([
    ["a method that exists and is not taken", { method: "PUBLISH" }, 405, { Allow: /INVITE/ }],
    ["a method that nobody knows", { method: "DANCE" }, 501, {}],
    ["a URI scheme that we do not have", { method: "INVITE", uri: "http://127.0.0.1" }, 416, {}],
    ["an extension that we do not have", { method: "INVITE", fields: ["Require: timer, replaces, foo"] }, 420, { Unsupported: /^replaces, foo$/ }],
    ["an extension that a proxy shall have", { method: "OPTIONS", fields: ["Proxy-Require: foo"] }, 200, {}],
    ["no hop left to go on", { method: "INVITE", maxForwards: 0 }, 483, {}],
    ["no hop left, and none needed", { method: "OPTIONS", maxForwards: 0 }, 200, { Allow: /INVITE/, Accept: /application\/sdp/, Supported: /timer/, "Accept-Encoding": /identity/ }],
    ["a media type that we do not take", { method: "INVITE", fields: ["Content-Type: text/html"], body: "<p>" }, 415, { Accept: /application\/sdp, multipart\/mixed/ }],
    ["a media type of a range that we take", { method: "MESSAGE", fields: ["Content-Type: message/cpim"], body: "x" }, 200, {}],
    ["a body that may be passed over", { method: "MESSAGE", fields: ["Content-Type: text/html", "Content-Disposition: render;handling=optional"], body: "x" }, 200, {}],
    ["a content coding that we do not have", { method: "INVITE", fields: ["Content-Type: application/sdp", "Content-Encoding: gzip"], body: "x" }, 415, { "Accept-Encoding": /identity/ }],
    ["a BYE of no dialog", { method: "BYE", to: "<sip:bob@127.0.0.1>;tag=none" }, 481, {}],
    ["an INFO without a To tag", { method: "INFO" }, 405, {}],
    ["an UPDATE without a To tag", { method: "UPDATE" }, 481, {}],
    ["an INVITE without a Contact", { method: "INVITE", contact: false }, 400, {}],
    ["an event package that we do not have", { method: "SUBSCRIBE", fields: ["Event: presence"] }, 489, { "Allow-Events": /conference/ }],
    ["a subscription that is too brief", { method: "SUBSCRIBE", fields: ["Event: conference", "Expires: 5"] }, 423, { "Min-Expires": /^60$/ }],
    ["a session interval that is too brief", { method: "INVITE", fields: ["Supported: timer", "Session-Expires: 30"] }, 422, { "Min-SE": /^90$/ }],
    ["a session interval that is none", { method: "INVITE", fields: ["Supported: timer", "Session-Expires: soon"] }, 400, {}],
  ])("%s", async (_what, { method, uri, fields = [], body = "", ...more }, expected, headers) => {
    const peer = await stranger();
    const { udp } = await endpoint(
      { onInvite: (call) => call.reject(486), onSubscribe: (subscription) => subscription.reject(403), onMessage: (message) => message.respond(200) },
      { accept, events: ["conference"], subscription: { minS: 60 } },
    );
    peer.send(udp, request(peer, method, uri ?? `sip:bob@127.0.0.1:${udp}`, { fields, ...more }), body);
    const got = await peer.receive((message) => status(message) >= 200);
    expect(status(got)).toBe(expected);
    expect(value(got, "Server")).toBe("house");
    for (const [name, wanted] of Object.entries(headers)) expect(value(got, name)).toMatch(wanted);
  });

  test("a request that came on two paths is taken once: 482", async () => {
    const peer = await stranger();
    let calls = 0;
    const { udp } = await endpoint({ onInvite: () => void calls++ });
    const lines = request(peer, "INVITE", `sip:bob@127.0.0.1:${udp}`, { branch: "z9hG4bKpath1" });
    peer.send(udp, lines);
    peer.send(udp, lines.map((line) => line.replace("path1", "path2")));
    const got = await peer.receive(/^SIP\/2.0 482/);
    expect(value(got, "Via")).toContain("path2");
    expect(calls).toBe(1);
  });

  test("OPTIONS for somebody whom the user does not know: 404", async () => {
    const peer = await stranger();
    const { udp } = await endpoint({ onOptions: ({ request: { uri } }) => (uri.startsWith("sip:bob@") ? 200 : 404) });
    peer.send(udp, request(peer, "OPTIONS", `sip:eve@127.0.0.1:${udp}`));
    expect(status(await peer.receive("SIP/2.0"))).toBe(404);
    peer.send(udp, request(peer, "OPTIONS", `sip:bob@127.0.0.1:${udp}`));
    expect(status(await peer.receive("SIP/2.0"))).toBe(200);
  });

  test("more than the limits hold: 503 with Retry-After", async () => {
    const peer = await stranger();
    const { udp, endpoint: full } = await endpoint({ onInvite: () => {} }, { limits: { pendingInvites: 1 } });
    peer.send(udp, request(peer, "INVITE", `sip:bob@127.0.0.1:${udp}`));
    peer.send(udp, request(peer, "INVITE", `sip:bob@127.0.0.1:${udp}`));
    expect(Number(value(await peer.receive("SIP/2.0 503"), "Retry-After"))).toBeLessThanOrEqual(10);
    expect(full.counters.pendingInvites).toBe(1);
  });
});

describe.each(["udp", "tcp"] as const)("a call between two endpoints over %s", (transport) => {
  const via = ({ udp, tcp }: Bound) => (transport === "udp" ? `sip:bob@127.0.0.1:${udp}` : `sip:bob@127.0.0.1:${tcp};transport=tcp`);

  test("INVITE, 180, 200, ACK, BYE", async () => {
    const heard: string[] = [];
    const bye = later<SipMessage>();
    const acked = later<SipMessage>();
    const bob = await endpoint({
      onInvite: (call) => {
        expect(call.flow.transport).toBe(transport);
        call.ring(180, { headers: [["Alert-Info", "<urn:x>"]] });
        call.user = { onAck: acked.tell };
        const dialog = call.accept({ contentType: "application/sdp", body: answer, contact: `<${bob.endpoint.uri("group", transport)}>;isfocus` });
        dialog.user = { onBye: bye.tell };
      },
    });
    const alice = await endpoint();
    const call = invite(alice.endpoint, invitation(0, { requestUri: via(bob), headers: [["Subject", "chess"]] }));
    const dialog = await call.accepted;
    heard.push(...call.provisional.map(String));
    expect(heard).toEqual(["180"]);
    expect(dialog.remoteTarget).toContain("sip:group@127.0.0.1");
    expect(dialog.state).toBe("confirmed");
    expect((await acked.promise).cseq.seq).toBe(1);
    expect(dialog.sessionTimer).toEqual({ sessionExpiresMs: 1_800_000, weRefresh: true });
    const got = await answered((tell) => dialog.bye([["Reason", 'SIP;cause=200;text="Call completed"']], tell));
    expect(got.status).toBe(200);
    expect((await bye.promise).get("reason")).toContain("Call completed");
    expect(alice.endpoint.counters.dialogs).toBe(0);
    expect(bob.endpoint.counters.dialogs).toBe(0);
    expect(bob.endpoint.counters.pendingInvites).toBe(0);
  });

  test("the callee ends it, and both may do so at once", async () => {
    const acked = later<void>();
    const bob = await callee((call) => (call.user = { onAck: () => acked.tell() }));
    const alice = await endpoint();
    const call = invite(alice.endpoint, invitation(0, { requestUri: via(bob) }));
    const [hers, his] = await Promise.all([call.accepted, bob.dialog, acked.promise]);
    const [first, second] = await Promise.all([answered((tell) => hers.bye([], tell)), answered((tell) => his.bye([], tell))]);
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(alice.endpoint.counters.dialogs + bob.endpoint.counters.dialogs).toBe(0);
  });

  test("requests inside the dialog, both ways", async () => {
    const bob = await callee((_call, dialog) => {
      dialog.user = {
        onRequest: (got) => got.respond(got.method === "INFO" ? 200 : 415),
        onUpdate: (update) => update.respond(200, { contentType: "application/sdp", body: answer }),
      };
    }, { methods: ["INFO", "MESSAGE"] });
    const alice = await endpoint({}, { methods: ["INFO"] });
    const dialog = await invite(alice.endpoint, invitation(0, { requestUri: via(bob) })).accepted;
    expect((await answered((tell) => dialog.request("INFO", {}, tell))).status).toBe(200);
    expect((await answered((tell) => dialog.request("MESSAGE", { contentType: "text/plain", body: "hi" }, tell))).status).toBe(415);
    expect((await answered((tell) => dialog.request("UPDATE", { contentType: "application/sdp", body: offer }, tell))).body.toString()).toBe(answer);
    const his = await bob.dialog;
    expect((await answered((tell) => his.request("INFO", {}, tell))).status).toBe(405);
    expect((await answered((tell) => his.request("PUBLISH", {}, tell))).status).toBe(405);
    expect(dialog.state).toBe("confirmed");
  });

  test("rejected, with Warning and reason", async () => {
    const bob = await endpoint({ onInvite: (call) => call.reject(403, { reason: "No", headers: [["Warning", '399 h "122 Function not allowed"']] }) });
    const alice = await endpoint();
    const rejected = later<SipMessage>();
    alice.endpoint.invite(invitation(0, { requestUri: via(bob) }), { onAccepted() {}, onRejected: (got) => rejected.tell(got) });
    const got = await rejected.promise;
    expect([got.status, got.reason, got.get("warning")]).toEqual([403, "No", '399 h "122 Function not allowed"']);
    expect(alice.endpoint.counters.pendingInvites).toBe(0);
  });
});

describe("the 2xx of an INVITE", () => {
  test("is repeated until its ACK; no ACK in 64*T1 is told", async () => {
    const peer = await stranger();
    const missed = later<void>();
    const bob = await callee((call) => (call.user = { onNoAck: () => missed.tell() }));
    peer.send(bob.udp, request(peer, "INVITE", `sip:bob@127.0.0.1:${bob.udp}`));
    const begun = performance.now();
    await missed.promise;
    expect(performance.now() - begun).toBeGreaterThanOrEqual(63 * t1Ms);
    // T1, 2*T1, 4*T1, then every T2 = 8*T1 until 64*T1: 0, 1, 3, 7, 15, 23, 31, 39, 47, 55, 63.
    // The last of them falls on the end: a busy machine may be late for it.
    expect([10, 11]).toContain(peer.count(/^SIP\/2.0 200/));
    expect(bob.endpoint.counters.missingAcks).toBe(1);
    const dialog = await bob.dialog;
    dialog.bye();
    peer.send(bob.udp, response(await peer.receive("BYE"), "200 OK", ""));
  });

  test("a late ACK ends the repetition, and a BYE of ours waits for it", async () => {
    const peer = await stranger();
    const acked = later<void>();
    const bob = await callee((call, dialog) => {
      call.user = { onAck: () => acked.tell() };
      dialog.bye([["Reason", "SIP;cause=410"]]);
    });
    peer.send(bob.udp, request(peer, "INVITE", `sip:bob@127.0.0.1:${bob.udp}`));
    const ok = await peer.receive("SIP/2.0 200");
    await peer.receive("SIP/2.0 200");
    await pause(2 * t1Ms);
    expect(peer.count(/^BYE/)).toBe(0);
    peer.send(bob.udp, inDialog(peer, "ACK", ok, 1));
    await acked.promise;
    const bye = await peer.receive("BYE");
    expect(value(bye, "Reason")).toBe("SIP;cause=410");
    expect(bye.split(" ")[1]).toBe(`sip:stranger@127.0.0.1:${peer.port}`);
    const before = peer.count(/^SIP\/2.0 200/);
    await pause(10 * t1Ms);
    expect(peer.count(/^SIP\/2.0 200/)).toBe(before);
  });

  test("that comes again gets its ACK again", async () => {
    const peer = await stranger();
    const { endpoint: alice, udp } = await endpoint();
    const call = invite(alice, invitation(peer.port));
    const lines = response(await peer.receive("INVITE"), "200 OK", "t1", [`Contact: <sip:bob@127.0.0.1:${peer.port}>`]);
    peer.send(udp, lines);
    await call.accepted;
    const ack = await peer.receive("ACK");
    expect(value(ack, "CSeq")).toBe("1 ACK");
    peer.send(udp, lines);
    expect(value(await peer.receive("ACK"), "To")).toBe(value(ack, "To"));
  });

  test("of another branch gets ACK and BYE, unless the user keeps it", async () => {
    const peer = await stranger();
    const { endpoint: alice, udp } = await endpoint();
    const kept: string[] = [];
    const accepted = later<InviteDialog>();
    alice.invite(invitation(peer.port), {
      onAccepted: (dialog) => accepted.tell(dialog),
      onRejected() {},
      onForked: (dialog) => {
        if (dialog.remoteTag !== "t3") return false;
        kept.push(dialog.remoteTag);
        return true;
      },
    });
    const got = await peer.receive("INVITE");
    for (const tag of ["t1", "t2", "t3"]) peer.send(udp, response(got, "200 OK", tag, [`Contact: <sip:${tag}@127.0.0.1:${peer.port}>`]));
    const acks = [await peer.receive("ACK"), await peer.receive("ACK"), await peer.receive("ACK")];
    expect(acks.map((ack) => ack.split(" ")[1]?.slice(4, 6)).sort()).toEqual(["t1", "t2", "t3"]);
    const bye = await peer.receive("BYE");
    expect(bye.startsWith("BYE sip:t2@")).toBe(true);
    peer.send(udp, response(bye, "200 OK", ""));
    await pause(2 * t1Ms);
    expect(peer.count(/^BYE/)).toBe(0);
    expect(kept).toEqual(["t3"]);
    expect((await accepted.promise).remoteTag).toBe("t1");
  });
});

describe("CANCEL", () => {
  test("is answered, and the user rejects the INVITE", async () => {
    const cancelled = later<string | undefined>();
    const bob = await endpoint({
      onInvite: (call) => {
        call.ring();
        call.user = {
          onCancel: (cancel) => {
            cancelled.tell(cancel.get("reason"));
            call.reject(487);
          },
        };
      },
    });
    const alice = await endpoint();
    const call = invite(alice.endpoint, invitation(bob.udp));
    await pause(2 * t1Ms);
    call.sent.cancel([["Reason", "SIP;cause=408"]]);
    expect(await cancelled.promise).toBe("SIP;cause=408");
    expect(await call.rejected).toEqual({ status: 487, cause: undefined });
    expect(bob.endpoint.counters.dialogs).toBe(0);
    expect(bob.endpoint.counters.pendingInvites).toBe(0);
  });

  test("without anybody to decide: 487", async () => {
    const bob = await endpoint({ onInvite: (call) => call.ring() });
    const alice = await endpoint();
    const call = invite(alice.endpoint, invitation(bob.udp));
    call.sent.cancel();
    expect((await call.rejected).status).toBe(487);
  });

  test("that crosses the 200: the user gets the dialog and ends it", async () => {
    const peer = await stranger();
    const { endpoint: alice, udp } = await endpoint();
    const call = invite(alice, invitation(peer.port));
    const got = await peer.receive("INVITE");
    peer.send(udp, response(got, "180 Ringing", "t1"));
    await pause(t1Ms);
    call.sent.cancel();
    const cancel = await peer.receive("CANCEL");
    peer.send(udp, response(got, "200 OK", "t1", [`Contact: <sip:bob@127.0.0.1:${peer.port}>`]));
    peer.send(udp, response(cancel, "200 OK", "t1"));
    const dialog = await call.accepted;
    await peer.receive("ACK");
    dialog.bye();
    expect(value(await peer.receive("BYE"), "CSeq")).toBe("2 BYE");
  });

  test("after our 200 changes nothing", async () => {
    const peer = await stranger();
    const bob = await callee();
    const lines = request(peer, "INVITE", `sip:bob@127.0.0.1:${bob.udp}`, { branch: "z9hG4bKlatecancel" });
    peer.send(bob.udp, lines);
    await peer.receive(/^SIP\/2.0 200[^]*CSeq: 1 INVITE/);
    peer.send(bob.udp, lines.map((line) => line.replace(/INVITE/, "CANCEL")));
    expect(status(await peer.receive(/^SIP[^]*CSeq: 1 CANCEL/))).toBe(200);
    expect((await bob.dialog).state).toBe("confirmed");
  });

  test("BYE in the early dialog ends the INVITE", async () => {
    const peer = await stranger();
    const bob = await endpoint({ onInvite: (call) => call.ring() });
    peer.send(bob.udp, request(peer, "INVITE", `sip:bob@127.0.0.1:${bob.udp}`));
    const ringing = await peer.receive("SIP/2.0 180");
    peer.send(bob.udp, inDialog(peer, "BYE", ringing, 2));
    expect(status(await peer.receive(/CSeq: 2 BYE/))).toBe(200);
    expect(status(await peer.receive(/CSeq: 1 INVITE/))).toBe(487);
  });
});

describe("an INVITE that nobody answers", () => {
  test("is told as 408", async () => {
    const peer = await stranger();
    const { endpoint: alice } = await endpoint({}, { t1Ms: 5 });
    expect(await invite(alice, invitation(peer.port)).rejected).toEqual({ status: 408, cause: "timeout" });
  });

  test("cannot leave: 503", async () => {
    const { endpoint: alice } = await endpoint();
    const nowhere = await stranger("tcp");
    nowhere.close();
    const call = invite(alice, invitation(0, { requestUri: `sip:bob@127.0.0.1:${nowhere.port};transport=tcp` }));
    expect(await call.rejected).toEqual({ status: 503, cause: "transport" });
    expect(await invite(alice, invitation(0, { requestUri: "sip:bo b@<>\r\n" })).rejected).toEqual({ status: 503, cause: "transport" });
    expect(alice.counters.pendingInvites).toBe(0);
  });
});

describe("inside a dialog of a stranger", () => {
  async function established(options: Partial<EndpointOptions> = {}, fields: string[] = []) {
    const peer = await stranger();
    const bob = await callee(undefined, options);
    peer.send(bob.udp, request(peer, "INVITE", `sip:bob@127.0.0.1:${bob.udp}`, { fields }));
    const ok = await peer.receive("SIP/2.0 200");
    peer.send(bob.udp, inDialog(peer, "ACK", ok, 1));
    return { peer, bob, ok, dialog: await bob.dialog };
  }

  test("a CSeq that is too low: 500; another tag or Call-ID: 481", async () => {
    const { peer, bob, ok } = await established();
    peer.send(bob.udp, inDialog(peer, "OPTIONS", ok, 5));
    expect(status(await peer.receive(/CSeq: 5 /))).toBe(200);
    peer.send(bob.udp, inDialog(peer, "OPTIONS", ok, 4));
    expect(status(await peer.receive(/CSeq: 4 /))).toBe(500);
    peer.send(bob.udp, inDialog(peer, "BYE", ok, 6).map((line) => line.replace("tag=s1", "tag=s2")));
    expect(status(await peer.receive(/CSeq: 6 /))).toBe(481);
    peer.send(bob.udp, inDialog(peer, "BYE", ok, 7).map((line) => line.replace("Call-ID: ", "Call-ID: x")));
    expect(status(await peer.receive(/CSeq: 7 /))).toBe(481);
    peer.send(bob.udp, inDialog(peer, "BYE", ok, 8));
    expect(status(await peer.receive(/CSeq: 8 /))).toBe(200);
  });

  test("a re-INVITE with a recipient list: 420", async () => {
    const { peer, bob, ok } = await established({ understood: ["recipient-list-invite"] });
    peer.send(bob.udp, inDialog(peer, "INVITE", ok, 2, ["Require: recipient-list-invite"]));
    const got = await peer.receive(/CSeq: 2 INVITE/);
    expect([status(got), value(got, "Unsupported")]).toEqual([420, "recipient-list-invite"]);
  });

  test("an INVITE before the first is answered: 500 with Retry-After; while ours waits: 491", async () => {
    const { peer, bob, ok, dialog } = await established();
    const pending = later<IncomingInvite>();
    dialog.user = { onReinvite: pending.tell };
    peer.send(bob.udp, inDialog(peer, "INVITE", ok, 2));
    const first = await pending.promise;
    peer.send(bob.udp, inDialog(peer, "INVITE", ok, 3));
    const second = await peer.receive(/CSeq: 3 INVITE/);
    expect(status(second)).toBe(500);
    expect(Number(value(second, "Retry-After"))).toBeLessThanOrEqual(10);
    expect((await answered((tell) => dialog.reinvite({}, tell))).status).toBe(491);
    first.reject(488);
    expect(status(await peer.receive(/^SIP[^]*CSeq: 2 INVITE/))).toBe(488);

    const ours = answered((tell) => dialog.reinvite({}, tell));
    const got = await peer.receive("INVITE");
    peer.send(bob.udp, inDialog(peer, "INVITE", ok, 4));
    expect(status(await peer.receive(/^SIP[^]*CSeq: 4 INVITE/))).toBe(491);
    peer.send(bob.udp, response(got, "491 Request Pending", ""));
    expect((await ours).status).toBe(491);
    expect(dialog.state).toBe("confirmed");
  });

  test("a re-INVITE moves the target, and is accepted with the same description", async () => {
    const { peer, bob, ok, dialog } = await established();
    const lines = inDialog(peer, "INVITE", ok, 2, ["Content-Type: application/sdp"]).map((line) => line.replace("Contact: <sip:stranger@", "Contact: <sip:moved@"));
    peer.send(bob.udp, lines, offer);
    const again = await peer.receive(/^SIP\/2.0 200[^]*CSeq: 2 INVITE/);
    expect(again.slice(again.indexOf("\r\n\r\n") + 4)).toBe(answer);
    peer.send(bob.udp, inDialog(peer, "ACK", ok, 2));
    dialog.bye();
    expect((await peer.receive("BYE")).startsWith(`BYE sip:moved@127.0.0.1:${peer.port} `)).toBe(true);
  });

  test("a request of ours that gets 481 ends the dialog", async () => {
    const { peer, bob, dialog } = await established();
    const gone = later<number>();
    dialog.user = { onGone: gone.tell };
    dialog.request("INFO");
    peer.send(bob.udp, response(await peer.receive("INFO"), "481 Gone", ""));
    expect(await gone.promise).toBe(481);
    expect(dialog.state).toBe("terminated");
    expect(bob.endpoint.counters.dialogs).toBe(0);
  });

  test("a request of ours that nobody answers ends it too", async () => {
    const { dialog } = await established({ t1Ms: 5 });
    const gone = later<number>();
    dialog.user = { onGone: gone.tell };
    dialog.request("INFO");
    expect(await gone.promise).toBe(408);
  });

  test("the route set: loose routes stay in order, a strict one takes the Request-URI", async () => {
    const loose = (await stranger()) as Stranger;
    const { dialog } = await established({}, [`Record-Route: <sip:127.0.0.1:${loose.port};lr>, <sip:second.example;lr>`]);
    dialog.bye();
    const bye = await loose.receive("BYE");
    expect(bye.startsWith("BYE sip:stranger@127.0.0.1:")).toBe(true);
    expect(values(bye, "Route").join(", ")).toBe(`<sip:127.0.0.1:${loose.port};lr>, <sip:second.example;lr>`);

    const strict = await stranger();
    const other = await established({}, [`Record-Route: <sip:127.0.0.1:${strict.port}>, <sip:second.example;lr>`]);
    other.dialog.bye();
    const strictly = await strict.receive("BYE");
    expect(strictly.startsWith(`BYE sip:127.0.0.1:${strict.port} `)).toBe(true);
    expect(values(strictly, "Route").join(", ")).toMatch(/^<sip:second.example;lr>, <sip:stranger@127.0.0.1:\d+>$/);
  });

  test("the route set of a 2xx is reversed, and its ACK takes it", async () => {
    const peer = await stranger();
    const proxy = await stranger();
    const { endpoint: alice, udp } = await endpoint();
    const call = invite(alice, invitation(peer.port));
    const got = await peer.receive("INVITE");
    peer.send(udp, response(got, "200 OK", "t1", ["Record-Route: <sip:far.example;lr>", `Record-Route: <sip:127.0.0.1:${proxy.port};lr>`, "Contact: <sip:bob@far.example>"]));
    await call.accepted;
    const ack = await proxy.receive("ACK");
    expect(ack.startsWith("ACK sip:bob@far.example ")).toBe(true);
    expect(values(ack, "Route")).toEqual([`<sip:127.0.0.1:${proxy.port};lr>`, "<sip:far.example;lr>"]);
  });
});

describe("reliable provisional responses", () => {
  test("between two endpoints: ring, PRACK, then the 200", async () => {
    const bob = await endpoint({
      onInvite: (call) => {
        call.ring(183, { reliable: true, contentType: "application/sdp", body: answer });
        call.ring(180, { reliable: true });
        call.accept({ contentType: "application/sdp", body: answer });
      },
    });
    const alice = await endpoint();
    const call = invite(alice.endpoint, invitation(bob.udp));
    expect((await call.accepted).state).toBe("confirmed");
    expect(call.provisional).toEqual([183, 180]);
    expect(alice.endpoint.counters.dialogs).toBe(1);
  });

  test("are used when the caller requires them, and repeated until the PRACK", async () => {
    const peer = await stranger();
    const bob = await endpoint({ onInvite: (call) => call.ring() });
    peer.send(bob.udp, request(peer, "INVITE", `sip:bob@127.0.0.1:${bob.udp}`, { fields: ["Require: 100rel"] }));
    const ringing = await peer.receive("SIP/2.0 180");
    expect(value(ringing, "Require")).toBe("100rel");
    const again = await peer.receive("SIP/2.0 180");
    const rseq = Number(value(again, "RSeq"));
    expect(rseq).toBe(Number(value(ringing, "RSeq")));
    peer.send(bob.udp, inDialog(peer, "PRACK", ringing, 2, [`RAck: ${rseq + 7} 1 INVITE`]));
    expect(status(await peer.receive(/CSeq: 2 PRACK/))).toBe(481);
    peer.send(bob.udp, inDialog(peer, "PRACK", ringing, 3, [`RAck: ${rseq} 1 INVITE`]));
    expect(status(await peer.receive(/CSeq: 3 PRACK/))).toBe(200);
  });

  test("without a PRACK the INVITE is rejected", async () => {
    const peer = await stranger();
    const bob = await endpoint({ onInvite: (call) => call.ring() }, { t1Ms: 5 });
    peer.send(bob.udp, request(peer, "INVITE", `sip:bob@127.0.0.1:${bob.udp}`, { fields: ["Require: 100rel"] }));
    expect(status(await peer.receive("SIP/2.0 5"))).toBe(504);
  });

  test("a 200 and a BYE that wait for the PRACK: without one the INVITE is rejected and the dialog gone", async () => {
    const peer = await stranger();
    const gone = later<number>();
    const ended = later<number>();
    const bob = await endpoint(
      {
        onInvite: (call) => {
          call.ring();
          const dialog = call.accept({ contentType: "application/sdp", body: answer });
          dialog.user = { onGone: gone.tell };
          dialog.bye([], (got) => ended.tell(got.status));
        },
      },
      { t1Ms: 5 },
    );
    peer.send(bob.udp, request(peer, "INVITE", `sip:bob@127.0.0.1:${bob.udp}`, { fields: ["Require: 100rel"] }));
    expect(status(await peer.receive(/^SIP\/2.0 [2-6]/))).toBe(504);
    expect([await gone.promise, await ended.promise]).toEqual([504, 481]);
    expect(peer.count(/^BYE/)).toBe(0);
    expect([bob.endpoint.counters.dialogs, bob.endpoint.counters.pendingInvites]).toEqual([0, 0]);
  });

  test("that come twice or out of order get no second PRACK", async () => {
    const peer = await stranger();
    const { endpoint: alice, udp } = await endpoint();
    const call = invite(alice, invitation(peer.port));
    const got = await peer.receive("INVITE");
    const reliable = (rseq: number) => response(got, "180 Ringing", "t1", ["Require: 100rel", `RSeq: ${rseq}`, `Contact: <sip:bob@127.0.0.1:${peer.port}>`]);
    peer.send(udp, reliable(40));
    const prack = await peer.receive("PRACK");
    expect(value(prack, "RAck")).toBe("40 1 INVITE");
    peer.send(udp, response(prack, "200 OK", ""));
    peer.send(udp, reliable(40));
    peer.send(udp, reliable(42));
    await pause(3 * t1Ms);
    expect(peer.count(/^PRACK/)).toBe(0);
    expect(call.provisional).toEqual([180]);
  });
});

describe("session timers", () => {
  const brief = { sessionExpiresMs: 100_000 };

  test("the caller refreshes by UPDATE where the callee allows it", async () => {
    const timers: unknown[] = [];
    const bob = await callee((_call, dialog) => (dialog.user = { onSessionTimer: (timer) => timers.push(timer) }), brief);
    const alice = await endpoint({}, brief);
    const dialog = await invite(alice.endpoint, invitation(bob.udp)).accepted;
    expect(dialog.sessionTimer).toEqual({ sessionExpiresMs: 100_000, weRefresh: true });
    expect((await bob.dialog).sessionTimer).toEqual({ sessionExpiresMs: 100_000, weRefresh: false });
    const refreshed = await answered((tell) => dialog.refresh(tell));
    expect([refreshed.status, refreshed.cseq.method]).toEqual([200, "UPDATE"]);
    expect(timers).toEqual([{ sessionExpiresMs: 100_000, weRefresh: false }]);
    expect(dialog.sessionTimer).toEqual({ sessionExpiresMs: 100_000, weRefresh: true });
  });

  test("else by a re-INVITE with the description as it was", async () => {
    const peer = await stranger();
    const { endpoint: alice, udp } = await endpoint();
    const call = invite(alice, invitation(peer.port));
    const first = await peer.receive("INVITE");
    expect(value(first, "Session-Expires")).toBe("1800");
    const ok = (to: string) => response(to, "200 OK", "t1", [`Contact: <sip:bob@127.0.0.1:${peer.port}>`, "Require: timer", "Session-Expires: 600;refresher=uac", "Allow: INVITE, ACK, BYE"]);
    peer.send(udp, ok(first));
    const dialog = await call.accepted;
    const refreshed = answered((tell) => dialog.refresh(tell));
    const again = await peer.receive(/^INVITE[^]*CSeq: 2 /);
    expect(value(again, "Session-Expires")).toBe("600;refresher=uac");
    expect(again.slice(again.indexOf("\r\n\r\n") + 4)).toBe(offer);
    peer.send(udp, ok(again));
    expect((await refreshed).status).toBe(200);
    await peer.receive(/^ACK[^]*CSeq: 2 ACK/);
  });

  test("422 makes the INVITE ask again with what the callee takes", async () => {
    const bob = await callee(undefined, { minSeMs: 200_000, sessionExpiresMs: 300_000 });
    const alice = await endpoint({}, brief);
    const dialog = await invite(alice.endpoint, invitation(bob.udp)).accepted;
    expect(dialog.sessionTimer).toEqual({ sessionExpiresMs: 200_000, weRefresh: true });
    expect((await bob.call).request.cseq.seq).toBe(2);
  });

  test("a caller that does not know them is refreshed by us", async () => {
    const peer = await stranger();
    const bob = await callee();
    peer.send(bob.udp, request(peer, "INVITE", `sip:bob@127.0.0.1:${bob.udp}`));
    const ok = await peer.receive("SIP/2.0 200");
    expect(value(ok, "Session-Expires")).toBe("1800;refresher=uas");
    expect(values(ok, "Require")).toEqual([]);
    expect((await bob.dialog).sessionTimer).toEqual({ sessionExpiresMs: 1_800_000, weRefresh: true });
  });
});

describe("REFER", () => {
  test("with Refer-Sub: false makes no subscription", async () => {
    const refer = later<IncomingRefer>();
    const bob = await callee((_call, dialog) => (dialog.user = { onRefer: refer.tell }), { supported: ["norefersub"] });
    const alice = await endpoint();
    const dialog = await invite(alice.endpoint, invitation(bob.udp)).accepted;
    const got = answered((tell) => dialog.request("REFER", { headers: [["Refer-To", "<sip:dave@127.0.0.1>"], ["Refer-Sub", "false"]] }, tell));
    const incoming = await refer.promise;
    expect([incoming.subscribes, incoming.dialog === (await bob.dialog)]).toEqual([false, true]);
    expect(incoming.accept()).toBeUndefined();
    expect([(await got).status, (await got).get("refer-sub")]).toEqual([202, "false"]);
    expect(bob.endpoint.counters.subscriptions).toBe(0);
  });

  test("in a dialog: NOTIFYs share it, and the dialog outlives them", async () => {
    const subscription = later<IncomingSubscription>();
    const bob = await callee((_call, dialog) => (dialog.user = { onRefer: (refer) => subscription.tell(refer.accept() as IncomingSubscription) }));
    const alice = await endpoint();
    const dialog = await invite(alice.endpoint, invitation(bob.udp)).accepted;
    const bodies: string[] = [];
    const last = later<void>();
    dialog.user = {
      onRequest: (got) => {
        bodies.push(`${got.request.get("subscription-state")?.split(";")[0]} ${got.request.body.toString().trim()}`);
        expect(got.request.get("event")).toBe("refer;id=2");
        got.respond(200);
        if (bodies.length === 2) last.tell();
      },
    };
    expect((await answered((tell) => dialog.request("REFER", { headers: [["Refer-To", "<sip:dave@127.0.0.1>"]] }, tell))).status).toBe(202);
    (await subscription.promise).notify("terminated", { ...sipfrag(200), reason: "noresource" });
    await last.promise;
    expect(bodies).toEqual(["active SIP/2.0 100 Trying", "terminated SIP/2.0 200 OK"]);
    await pause(t1Ms);
    expect([bob.endpoint.counters.subscriptions, bob.endpoint.counters.dialogs]).toEqual([0, 1]);
    expect((await answered((tell) => dialog.bye([], tell))).status).toBe(200);
  });

  test("outside a dialog: the referrer follows it", async () => {
    const bob = await endpoint({
      onRefer: (refer) => {
        expect(refer.dialog).toBeUndefined();
        refer.accept()?.notify("terminated", { ...sipfrag(486), reason: "noresource" });
      },
    });
    const alice = await endpoint();
    const ended = later<string | undefined>();
    const bodies: string[] = [];
    alice.endpoint.refer(
      { requestUri: `sip:group@127.0.0.1:${bob.udp}`, from: "sip:alice@127.0.0.1", headers: [["Refer-To", "<sip:dave@127.0.0.1>"]] },
      { onNotify: (notify) => bodies.push(notify.body.toString().trim()), onEnded: (_status, reason) => ended.tell(reason) },
    );
    expect(await ended.promise).toBe("noresource");
    expect(bodies).toEqual(["SIP/2.0 100 Trying", "SIP/2.0 486 Busy Here"]);
    await pause(t1Ms);
    expect([bob.endpoint.counters.dialogs, alice.endpoint.counters.dialogs]).toEqual([0, 0]);
  });
});

describe("SUBSCRIBE and NOTIFY", () => {
  const subscribing = (port: number) => ({ requestUri: `sip:group@127.0.0.1:${port}`, from: "sip:alice@127.0.0.1", event: "conference", expiresS: 600, accept: "application/conference-info+xml" });

  test("subscribe, notify, refresh, unsubscribe", async () => {
    const subscription = later<IncomingSubscription>();
    const refreshed: number[] = [];
    const bob = await endpoint({
      onSubscribe: (incoming) => {
        expect([incoming.event, incoming.expiresS]).toEqual(["conference", 600]);
        incoming.user = {
          onRefresh: (expiresS) => {
            refreshed.push(expiresS);
            incoming.notify("active", { contentType: "text/plain", body: "refreshed" });
          },
          onUnsubscribe: () => incoming.notify("terminated", { reason: "timeout" }),
        };
        incoming.accept();
        incoming.notify("active", { contentType: "text/plain", body: "first" });
        subscription.tell(incoming);
      },
    });
    const alice = await endpoint();
    const heard: string[] = [];
    const ended = later<string | undefined>();
    const granted: (number | undefined)[] = [];
    const hers = alice.endpoint.subscribe(subscribing(bob.udp), {
      onAccepted: (_response, expiresS) => granted.push(expiresS),
      onNotify: (notify, state) => {
        heard.push(`${state} ${notify.body.toString()}`);
        if (heard.length === 1) hers.refresh(300);
        if (heard.length === 2) hers.unsubscribe();
      },
      onEnded: (_status, reason) => ended.tell(reason),
    });
    await subscription.promise;
    expect(await ended.promise).toBe("timeout");
    expect(heard).toEqual(["active first", "active refreshed", "terminated "]);
    expect([refreshed, granted]).toEqual([[300], [600, 300, 0]]);
    await pause(t1Ms);
    expect([bob.endpoint.counters.subscriptions, bob.endpoint.counters.dialogs, alice.endpoint.counters.dialogs]).toEqual([0, 0, 0]);
  });

  async function subscribed() {
    const peer = await stranger();
    const subscription = later<IncomingSubscription>();
    const bob = await endpoint({
      onSubscribe: (incoming) => {
        incoming.accept();
        subscription.tell(incoming);
      },
    });
    peer.send(bob.udp, request(peer, "SUBSCRIBE", `sip:group@127.0.0.1:${bob.udp}`, { fields: ["Event: conference;id=7", "Expires: 60"] }));
    const ok = await peer.receive("SIP/2.0 200");
    expect(value(ok, "Expires")).toBe("60");
    return { peer, bob, ok, subscription: await subscription.promise };
  }

  test("never two NOTIFYs at once: the next waits, or the newest state replaces it", async () => {
    const { peer, bob, subscription } = await subscribed();
    subscription.notify("active", { contentType: "text/plain", body: "1" });
    const first = await peer.receive("NOTIFY");
    expect([value(first, "Event"), value(first, "Subscription-State")]).toEqual(["conference;id=7", "active;expires=60"]);
    subscription.notify("active", { contentType: "text/plain", body: "2" });
    subscription.notify("active", { contentType: "text/plain", body: "3", replaces: true });
    subscription.notify("active", { contentType: "text/plain", body: "4" });
    expect(subscription.outstanding).toBe(3);
    await pause(t1Ms / 2);
    expect(peer.count(/\r\n\r\n[^1]$/)).toBe(0);
    peer.send(bob.udp, response(first, "200 OK", ""));
    const second = await peer.receive(/^NOTIFY[^]*\r\n\r\n3$/);
    peer.send(bob.udp, response(second, "200 OK", ""));
    await peer.receive(/^NOTIFY[^]*\r\n\r\n4$/);
  });

  test("a NOTIFY that gets 481 ends it", async () => {
    const { peer, bob, subscription } = await subscribed();
    const gone = later<number>();
    subscription.user = { onGone: gone.tell };
    subscription.notify("active");
    peer.send(bob.udp, response(await peer.receive("NOTIFY"), "481 Gone", ""));
    expect(await gone.promise).toBe(481);
    expect(bob.endpoint.counters.dialogs).toBe(0);
  });

  test("another event in the same dialog is another subscription; a SUBSCRIBE of no dialog: 481", async () => {
    const { peer, bob, ok } = await subscribed();
    peer.send(bob.udp, inDialog(peer, "SUBSCRIBE", ok, 2, ["Event: conference;id=8", "Expires: 60"]));
    expect(status(await peer.receive(/CSeq: 2 /))).toBe(200);
    expect([bob.endpoint.counters.subscriptions, bob.endpoint.counters.dialogs]).toEqual([2, 1]);
    peer.send(bob.udp, inDialog(peer, "SUBSCRIBE", ok, 3, ["Event: conference;id=8", "Expires: 60"]).map((line) => line.replace("tag=s1", "tag=s9")));
    expect(status(await peer.receive(/CSeq: 3 /))).toBe(481);
  });

  test("a dialog holds no more than its share of subscriptions: 503", async () => {
    const { peer, bob, ok } = await subscribed();
    for (let id = 2; id <= 17; id++) peer.send(bob.udp, inDialog(peer, "SUBSCRIBE", ok, id, [`Event: conference;id=x${id}`]));
    expect(status(await peer.receive(/CSeq: 17 /))).toBe(503);
    expect(bob.endpoint.counters.subscriptions).toBe(16);
  });

  test("rejected, and accepted without a NOTIFY ever", async () => {
    const bob = await endpoint({ onSubscribe: (incoming) => (incoming.request.uri.includes("group") ? incoming.accept() : incoming.reject(403)) });
    const alice = await endpoint({}, { t1Ms: 5 });
    const ends: number[] = [];
    const both = later<void>();
    const user = {
      onNotify() {},
      onEnded: (code: number) => {
        ends.push(code);
        if (ends.length === 2) both.tell();
      },
    };
    alice.endpoint.subscribe(subscribing(bob.udp), user);
    alice.endpoint.subscribe({ ...subscribing(bob.udp), requestUri: `sip:other@127.0.0.1:${bob.udp}` }, user);
    await both.promise;
    expect(ends).toEqual([403, 408]);
  });
});

describe("the registrar", () => {
  const domain = "cpm.example";
  const register = (from: Stranger, port: number, callId: string, seq: number, fields: string[]) =>
    from.send(port, request(from, "REGISTER", `sip:${domain}`, { to: `<sip:bob@${domain}>`, callId, seq, contact: false, fields }));
  const contact = (of: Stranger, params = "") => `Contact: <sip:bob@127.0.0.1:${of.port}>${params}`;

  async function registered() {
    const [one, two] = [await stranger(), await stranger()];
    const home = await endpoint({}, { domain, registration: { minS: 60 } });
    register(one, home.udp, "r1", 5, [contact(one, `;+sip.instance="<urn:uuid:1>";q=0.5`), "Expires: 600"]);
    await one.receive("SIP/2.0 200");
    register(two, home.udp, "r2", 5, [contact(two, `;+sip.instance="<urn:uuid:2>";expires=120`)]);
    const ok = await two.receive("SIP/2.0 200");
    return { one, two, home, ok };
  }

  test("two devices; the same instance again replaces; a stale CSeq changes nothing", async () => {
    const { one, two, home, ok } = await registered();
    expect(values(ok, "Contact")).toHaveLength(2);
    expect(values(ok, "Contact")[1]).toMatch(/\+sip\.instance="<urn:uuid:2>".*;expires=120$/);
    expect(home.endpoint.lookup(`sip:bob@${domain}`).map(({ q }) => q)).toEqual([1, 0.5]);
    const moved = await stranger();
    register(moved, home.udp, "r3", 1, [contact(moved, `;+sip.instance="<urn:uuid:1>"`)]);
    expect(values(await moved.receive("SIP/2.0 200"), "Contact")).toHaveLength(2);
    expect(home.endpoint.lookup(`sip:bob@${domain}`).map(({ uri }) => uri).sort()).toEqual([`sip:bob@127.0.0.1:${moved.port}`, `sip:bob@127.0.0.1:${two.port}`].sort());
    register(two, home.udp, "r2", 4, [contact(two, `;+sip.instance="<urn:uuid:2>";expires=0`)]);
    expect(status(await two.receive("SIP/2.0"))).toBe(500);
    expect(home.endpoint.lookup(`sip:bob@${domain}`)).toHaveLength(2);
    register(one, home.udp, "r2", 6, ["Contact: *", "Expires: 0"]);
    expect(values(await one.receive("SIP/2.0 200"), "Contact")).toEqual([]);
    expect(home.endpoint.lookup(`sip:bob@${domain}`)).toEqual([]);
  });

  test("423, 404, 400, and the limit of a user's bindings", async () => {
    const peer = await stranger();
    const home = await endpoint({}, { domain, registration: { minS: 60 }, limits: { bindingsPerUser: 1 } });
    register(peer, home.udp, "r1", 1, [contact(peer, ";expires=10")]);
    expect(value(await peer.receive("SIP/2.0 423"), "Min-Expires")).toBe("60");
    register(peer, home.udp, "r1", 2, ["Contact: *", "Expires: 60"]);
    expect(status(await peer.receive("SIP/2.0"))).toBe(400);
    peer.send(home.udp, request(peer, "REGISTER", `sip:${domain}`, { to: "<sip:bob@other.example>" }));
    expect(status(await peer.receive("SIP/2.0"))).toBe(404);
    register(peer, home.udp, "r1", 3, [contact(peer), "Contact: <sip:bob@127.0.0.2>"]);
    expect(status(await peer.receive("SIP/2.0"))).toBe(503);
    expect(home.endpoint.lookup(`sip:bob@${domain}`)).toEqual([]);
  });

  test("an INVITE rings both devices; the first 200 cancels the other", async () => {
    const { one, two, home } = await registered();
    const call = invite(home.endpoint, invitation(0, { requestUri: `sip:bob@${domain}` }));
    const [first, second] = [await one.receive("INVITE"), await two.receive("INVITE")];
    expect(value(first, "Call-ID")).toBe(value(second, "Call-ID"));
    expect(first.startsWith(`INVITE sip:bob@127.0.0.1:${one.port} `)).toBe(true);
    one.send(home.udp, response(first, "180 Ringing", "t1"));
    two.send(home.udp, response(second, "180 Ringing", "t2"));
    await pause(2 * t1Ms);
    two.send(home.udp, response(second, "200 OK", "t2", [contact(two)]));
    expect((await call.accepted).remoteTag).toBe("t2");
    const cancel = await one.receive("CANCEL");
    one.send(home.udp, response(cancel, "200 OK", "t1"));
    one.send(home.udp, response(first, "487 Request Terminated", "t1"));
    await one.receive("ACK");
    expect(call.provisional).toEqual([180, 180]);
  });

  test("the best of the rejections is told when all have come", async () => {
    const { one, two, home } = await registered();
    const call = invite(home.endpoint, invitation(0, { requestUri: `sip:bob@${domain}` }));
    two.send(home.udp, response(await two.receive("INVITE"), "503 Service Unavailable", "t2"));
    one.send(home.udp, response(await one.receive("INVITE"), "486 Busy Here", "t1"));
    expect((await call.rejected).status).toBe(486);
    const declined = invite(home.endpoint, invitation(0, { requestUri: `sip:bob@${domain}` }));
    const ringing = await one.receive("INVITE");
    one.send(home.udp, response(ringing, "180 Ringing", "t1"));
    await pause(t1Ms);
    two.send(home.udp, response(await two.receive("INVITE"), "603 Decline", "t2"));
    one.send(home.udp, response(await one.receive("CANCEL"), "200 OK", "t1"));
    one.send(home.udp, response(ringing, "487 Request Terminated", "t1"));
    expect((await declined.rejected).status).toBe(603);
  });

  test("nobody there: 480, and nothing leaves", async () => {
    const home = await endpoint({}, { domain });
    expect(await invite(home.endpoint, invitation(0, { requestUri: `sip:nobody@${domain}` })).rejected).toEqual({ status: 480, cause: "unregistered" });
    const message = await answered((tell) => home.endpoint.request("MESSAGE", { requestUri: `sip:nobody@${domain}`, from: `sip:a@${domain}`, contentType: "text/plain", body: "x" }, tell));
    expect(message.status).toBe(480);
  });

  test("a device behind a connection is reached on it, and a tel URI is its user", async () => {
    const device = await stranger("tcp");
    const home = await endpoint({}, { domain });
    device.send(home.tcp, [
      `REGISTER sip:${domain} SIP/2.0`,
      "Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKtcpreg",
      "Max-Forwards: 70",
      `From: <sip:+4912345@${domain};user=phone>;tag=a`,
      `To: <sip:+4912345@${domain};user=phone>`,
      "Call-ID: tcpreg",
      "CSeq: 1 REGISTER",
      "Supported: outbound, path",
      `Contact: <sip:x@127.0.0.1:9;transport=tcp>;+sip.instance="<urn:uuid:9>";reg-id=1`,
    ]);
    expect(value(await device.receive("SIP/2.0 200"), "Require")).toBe("outbound");
    const call = invite(home.endpoint, invitation(0, { requestUri: "tel:+49-123-45" }));
    const got = await device.receive("INVITE");
    expect(got.startsWith("INVITE sip:x@127.0.0.1:9;transport=tcp SIP/2.0")).toBe(true);
    device.send(home.tcp, response(got, "486 Busy Here", "t"));
    expect((await call.rejected).status).toBe(486);
    device.close();
    await pause(t1Ms);
    expect(home.endpoint.lookup("tel:+4912345")).toEqual([]);
  });

  test("the outbound proxy comes before bindings", async () => {
    const proxy = await stranger();
    const home = await endpoint({}, { domain, route: `sip:127.0.0.1:${proxy.port};lr` });
    const call = invite(home.endpoint, invitation(0, { requestUri: `sip:bob@${domain}` }));
    const got = await proxy.receive("INVITE");
    expect([got.split(" ")[1], value(got, "Route")]).toEqual([`sip:bob@${domain}`, `<sip:127.0.0.1:${proxy.port};lr>`]);
    proxy.send(home.udp, response(got, "302 Moved", "t", ["Contact: <sip:other@127.0.0.1>"]));
    expect((await call.rejected).status).toBe(302);
  });
});
