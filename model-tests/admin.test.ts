/**
 * The operator's interface: what it answers is what its own description says, strangers and other sites are kept out, the metrics
 * are what Prometheus reads, and whoever looks on at machines holds nobody up.
 */
import { Ajv2020 } from "ajv/dist/2020.js";
import { createInspectorServer } from "@statelyai/inspect/server";
import { createWebSocketReceiver, type StatelyInspectionEvent } from "@statelyai/inspect";
import { Validator } from "@seriousme/openapi-schema-validator";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { BlockList, connect, createServer as createTcpServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { machines as specification, type MachineName } from "../machines/index.ts";
import { transitions } from "../machines/inspect.ts";
import { Admin } from "../runtime/admin/admin.ts";
import { EventStream } from "../runtime/admin/event-stream.ts";
import { Inspection } from "../runtime/admin/inspection.ts";
import { describe as describeApi } from "../runtime/admin/openapi.ts";
import { systemClock } from "../runtime/clock.ts";
import { CpmClient } from "../runtime/client/client.ts";
import type { GroupLeg } from "../runtime/client/group-leg.ts";
import { ServerProcess } from "../runtime/client/server-process.ts";
import { ConfigurationRefused, readConfiguration } from "../runtime/config.ts";
import { MsrpEndpoint } from "../runtime/msrp/endpoint.ts";
import { systemRandom } from "../runtime/random.ts";
import { Session, Turns } from "../runtime/session.ts";
import { ControllingFunction } from "../runtime/sessions.ts";
import { SipEndpoint } from "../runtime/sip/endpoint.ts";
import { Spool } from "../runtime/store/spool.ts";
import { run } from "./wire/stranger.ts";

const factory = "sip:conference-factory@cpm.example";
const token = "Zm9yIHRoZSBvcGVyYXRvcg==";
const directory = mkdtempSync(join(tmpdir(), "cpm-admin-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

// ---------------------------------------------------------------- a server, its operator and its clients

interface Running {
  readonly focus: ControllingFunction;
  readonly port: number;
  readonly sipPort: number;
  readonly spoolFolder: string;
  readonly faults: unknown[];
  close(): Promise<void>;
}

async function serve(name: string, { token: wanted }: { readonly token?: string } = {}): Promise<Running> {
  const trusted = new BlockList();
  trusted.addSubnet("127.0.0.0", 8, "ipv4");
  const faults: unknown[] = [];
  const failed = (fault: unknown): void => void faults.push(fault);
  const focus = new ControllingFunction({ clock: systemClock, random: systemRandom, domain: "cpm.example", factory, trusted, refused() {}, failed });
  const sip = new SipEndpoint({ listen: [{ transport: "tcp", host: "127.0.0.1", port: 0 }], user: focus, domain: "cpm.example", recordRoute: true, supported: ["timer", "100rel", "norefersub"], understood: ["timer", "100rel", "norefersub", "recipient-list-invite", "multiple-refer"], events: ["conference"] });
  const msrp = new MsrpEndpoint({ clock: systemClock, random: systemRandom });
  const spoolFolder = join(directory, name);
  const spool = await Spool.open({ directory: spoolFolder, clock: systemClock, random: systemRandom, maxOctets: 2 ** 30, maxOpenFiles: 16, minFreeOctets: 0 });
  focus.begin(sip, msrp, spool);
  await msrp.listen({ transport: "tcp", host: "127.0.0.1", port: 0 });
  const [listener] = await sip.start();
  const admin = new Admin({ host: "127.0.0.1", port: 0, token: wanted, server: { focus, sip, msrp, spool }, now: Date.now, failed });
  const { port } = await admin.listen();
  const close = async (): Promise<void> => {
    await admin.close();
    await Promise.all([sip.close(), msrp.close()]);
    spool.close();
  };
  return { focus, port, sipPort: listener!.port, spoolFolder, faults, close };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: any;
}

interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A request with whatever header fields: what `fetch` does not let anybody say. */
function ask(port: number, path: string, { method = "GET", headers = {}, body }: Asking = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest({ host: "127.0.0.1", port, path, method, headers, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (more: string) => (text += more));
      answer.on("error", reject).on("end", () => resolve({ status: answer.statusCode!, headers: answer.headers, text, json: /json/.test(answer.headers["content-type"] ?? "") && text !== "" ? JSON.parse(text) : undefined }));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

async function until<T>(look: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (const end = performance.now() + 5_000; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
    const value = await look();
    if (holds(value)) return value;
    if (performance.now() > end) throw new Error(`it never came to hold: ${JSON.stringify(value).slice(0, 1_000)}`);
  }
}

/** Server-sent events as they come in. */
async function* events(answer: Response): AsyncGenerator<{ readonly event: string; readonly data: any }> {
  let text = "";
  for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
    const frames = (text + chunk).split("\n\n");
    text = frames.pop()!;
    for (const frame of frames) {
      const [, event = "", data = "null"] = /^event: (\w+)\ndata: (.*)$/.exec(frame) ?? [];
      if (event !== "") yield { event, data: JSON.parse(data) };
    }
  }
}

// ---------------------------------------------------------------- what the description says

const document = describeApi("0.0.0") as any;
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true, formats: { "date-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ } });
ajv.addVocabulary(["components", "paths", "openapi", "info", "security"]);
ajv.addSchema(document, "openapi.json");

/** Schemas that a real answer was held against, and answers that were. */
const checked = new Set<string>();
const seen = new Set<string>();

/** Holds a value against a schema of the description, and everything that it refers to. */
function conform(value: unknown, schema: object): void {
  const rooted = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"openapi.json#/components'));
  const isValid = ajv.compile(rooted);
  expect(isValid(value) || isValid.errors).toBe(true);
  note(schema, value);
}

/** Remembers which schemas have really been used by a value: an empty list shows nothing of its entries. */
function note(schema: any, value: any): void {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split("/").at(-1);
    checked.add(name);
    return note(document.components.schemas[name], value);
  }
  if (Array.isArray(value)) for (const each of value) note(schema.items ?? {}, each);
  else if (value !== null && typeof value === "object") for (const [key, each] of Object.entries(value)) note(schema.properties?.[key] ?? {}, each);
}

const schemaOf = (name: string): object => ({ $ref: `#/components/schemas/${name}` });

/** Asks for a path of the description, and holds the answer against it. */
async function askAs(port: number, template: string, path: string, asking: Asking = {}): Promise<Answer> {
  const answer = await ask(port, path, asking);
  const method = (asking.method ?? "GET").toLowerCase();
  const { responses } = document.paths[template][method];
  const response = responses[answer.status] ?? responses.default;
  seen.add(`${method} ${template} ${answer.status in responses ? answer.status : "default"}`);
  const type = answer.headers["content-type"]!.split(";", 1)[0]!;
  expect(Object.keys(response.content)).toContain(type);
  conform(answer.json ?? answer.text, response.content[type].schema);
  return answer;
}

/** Where a rule begins, and what triggers it. */
function declared(machine: MachineName, rule: number): readonly [from: string, event: string] {
  const { source, eventType } = transitions(specification[machine])[rule - 1]!;
  return [source.id, eventType];
}

describe("the description", () => {
  let server: Running;
  let clients: Readonly<Record<"alice" | "bob" | "carol", CpmClient>>;
  let group: GroupLeg;
  let id: string;

  beforeAll(async () => {
    server = await serve("description");
    const start = async (user: string): Promise<CpmClient> => {
      const client = await CpmClient.start({ uri: `sip:${user}@cpm.example`, instance: `urn:uuid:00000000-0000-4000-8000-${user.padStart(12, "0").replaceAll(/[^0-9a-f]/g, "0")}`, server: { transport: "tcp", host: "127.0.0.1", port: server.sipPort }, onInvitation: (invitation) => ("file" in invitation ? invitation.ring() : invitation.accept()) });
      await client.register();
      return client;
    };
    clients = { alice: await start("alice"), bob: await start("bob"), carol: await start("carol") };
    group = await clients.alice.createGroup(factory, { subject: "Hiking", recipients: [clients.bob.uri, clients.carol.uri] });
    id = /^sip:([^@]+)@/.exec(group.identity)![1]!;
    await until(() => ask(server.port, `/api/groups/${id}`), ({ json }) => json.participants.connected === 3);
  });
  afterAll(async () => {
    await Promise.all(Object.values(clients).map((client) => client.close()));
    await server.close();
    expect(server.faults).toEqual([]);
  });

  test("is an OpenAPI 3.1 document, and what is served", async () => {
    const { json } = await askAs(server.port, "/api/openapi.json", "/api/openapi.json");
    const validator = new Validator();
    expect(await validator.validate(json)).toMatchObject({ valid: true });
    expect(validator.version).toBe("3.1");
    expect(json.paths).toEqual(JSON.parse(JSON.stringify(document.paths)));
    expect(json.info.version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test("every path answers as it says: health, lists, a group, a file, the metrics", async () => {
    const { port } = server;
    await askAs(port, "/healthz", "/healthz");
    await askAs(port, "/metrics", "/metrics");
    expect((await askAs(port, "/readyz", "/readyz")).status).toBe(200);
    const begin = await ask(port, "/");
    expect([begin.status, begin.headers.location]).toEqual([307, "/live"]);
    seen.add("get / 307");
    expect((await askAs(port, "/live", "/live")).text).toMatch(/^<!doctype html>/);
    const list = await askAs(port, "/api/groups", "/api/groups");
    expect(list.json).toMatchObject({ total: 1, next: null, groups: [{ id, subject: "Hiking", participants: { connected: 3 } }] });
    await clients.alice.sendFile(group, { name: "<b>photo</b>.jpg", type: "image/jpeg", content: Buffer.alloc(2_000) });
    await until(() => ask(port, "/api/transfers"), ({ json }) => json.transfers[0]?.recipients.every(({ status }: any) => status === "ringing"));
    expect((await askAs(port, "/api/transfers", "/api/transfers")).json).toMatchObject({ total: 1, transfers: [{ group: id, file: { name: "<b>photo</b>.jpg" } }] });
    const { json, text } = await askAs(port, "/api/groups/{id}", `/api/groups/${id}`);
    expect(json.seats.map(({ uri, status, dialogs }: any) => [uri, status, dialogs.length])).toEqual(Object.values(clients).map(({ uri }) => [uri, "connected", 1]));
    expect(json.machines.map(({ machine }: any) => machine)).toEqual(expect.arrayContaining(["group-session", "group-participant", "group-file-transfer", "large-message", "large-message-sender", "large-message-recipient"]));
    expect(text).not.toContain("<");
    const { machines, ...rest } = json;
    expect((await askAs(port, "/api/groups/{id}", `/api/groups/${id}?machines=no`)).json).toEqual(rest);
    expect((await askAs(port, "/api/groups/{id}", `/api/groups/${id}?machines=some`)).status).toBe(400);
  });

  test("the stream tells what it says; the group's end ends it", async () => {
    const { port } = server;
    const answer = await fetch(`http://127.0.0.1:${port}/api/inspect?group=${id}`);
    seen.add("get /api/inspect 200");
    const stream = events(answer);
    const first = await stream.next();
    conform(first.value!.data, schemaOf("Group"));
    await group.subscribe();
    await group.send("hello");

    const removed = await askAs(port, "/api/groups/{id}/participants/{seat}", `/api/groups/${id}/participants/2`, { method: "DELETE" });
    expect([removed.status, removed.json.status]).toEqual([202, "removed"]);
    expect((await askAs(port, "/api/groups/{id}/participants/{seat}", `/api/groups/${id}/participants/2`, { method: "DELETE" })).status).toBe(409);
    expect((await askAs(port, "/api/groups/{id}/participants/{seat}", `/api/groups/${id}/participants/7`, { method: "DELETE" })).status).toBe(404);
    const ended = await askAs(port, "/api/groups/{id}", `/api/groups/${id}`, { method: "DELETE" });
    expect([ended.status, ended.json.id]).toEqual([202, id]);

    const told = new Map<string, number>();
    const machines = new Set<string>();
    for await (const { event, data } of stream) {
      told.set(event, (told.get(event) ?? 0) + 1);
      if (event === "step") machines.add(data.machine);
      for (const { rule, from, event: cause } of data.taken ?? []) expect([from, cause]).toEqual(declared(data.machine, rule));
      conform(data, event === "ended" ? {} : schemaOf({ step: "Step", timers: "Timers", snapshot: "Group", dropped: "Dropped" }[event]!));
    }
    expect([...told.keys()].toSorted()).toEqual(["ended", "step", "timers"]);
    expect(machines).toEqual(new Set(["group-session", "group-participant", "group-file-transfer", "large-message", "large-message-sender", "large-message-recipient", "conference-subscription"]));
    expect(server.focus.turns.observer, "nobody looks on any more").toBeUndefined();
  });

  test("what is refused is a problem, as it says", async () => {
    const { port } = server;
    for (const [template, path, status] of [
      ["/api/groups/{id}", "/api/groups/none", 404],
      ["/api/groups", "/api/groups?limit=0", 400],
      ["/api/groups", "/api/groups?limit=1001", 400],
      ["/api/groups", "/api/groups?limit=ten", 400],
      ["/api/groups", "/api/groups?after=-1", 400],
      ["/api/groups", "/api/groups?state=happy", 400],
      ["/api/groups", "/api/groups?order=best", 400],
      ["/api/transfers", "/api/transfers?limit=1e3", 400],
      ["/api/inspect", "/api/inspect", 400],
      ["/api/inspect", "/api/inspect?group=none", 404],
      ["/api/inspect/stately", "/api/inspect/stately?group=none", 426],
    ] as const)
      expect((await askAs(port, template, path)).status, path).toBe(status);
  });

  test("a spool that cannot be written is not ready, and says so", async () => {
    rmSync(server.spoolFolder, { recursive: true });
    const { status, json } = await askAs(server.port, "/readyz", "/readyz");
    expect([status, json.status]).toEqual([503, "notReady"]);
    expect(json.reasons.join()).toMatch(/spool.*ENOENT/);
    expect((await ask(server.port, "/healthz")).status).toBe(200);
  });

  test("a server that stops is not ready, and still alive", async () => {
    const end = server.focus.end();
    const { status, json } = await ask(server.port, "/readyz");
    expect([status, json.reasons[0]]).toEqual([503, "the server stops"]);
    expect((await ask(server.port, "/healthz")).status).toBe(200);
    await end;
  });
});

// ---------------------------------------------------------------- lists

test("pages of a list: every group once and in order, whatever the length of a page; a group that ends meanwhile disturbs nothing", async () => {
  const server = await serve("pages");
  const alice = await CpmClient.start({ uri: "sip:alice@cpm.example", server: { transport: "tcp", host: "127.0.0.1", port: server.sipPort } });
  const all: string[] = [];
  for (let k = 0; k < 7; k++) all.push(/^sip:([^@]+)@/.exec((await alice.createGroup(factory, { subject: `Grüße: trip to ${k}`, recipients: [`sip:nobody${k}@cpm.example`] })).identity)![1]!);

  const read = async (limit: number, asked = "", between: () => Promise<unknown> = async () => {}): Promise<string[]> => {
    const ids: string[] = [];
    for (let after: number | null | undefined; after !== null; await between()) {
      const { json }: Answer = await ask(server.port, `/api/groups?limit=${limit}${asked}${after === undefined ? "" : `&after=${after}`}`);
      expect(json.groups.length).toBeLessThanOrEqual(limit);
      expect(json.next === null || json.groups.length === limit).toBe(true);
      ids.push(...json.groups.map((one: any) => one.id));
      after = json.next;
    }
    return ids;
  };
  for (const limit of [1, 2, 3, 7, 8, 1_000]) {
    expect(await read(limit)).toEqual(all);
    expect(await read(limit, "&order=newest")).toEqual(all.toReversed());
  }
  // Whatever an operator knows of a group finds it, and nothing else.
  expect(await read(2, "&search=NOBODY3@cpm")).toEqual([all[3]]);
  expect(await read(2, "&search=alice")).toEqual(all);
  expect(await read(2, "&search=trip%20to%205")).toEqual([all[5]]);
  expect(await read(2, `&search=${all[6]!.slice(3, 20).toUpperCase()}`)).toEqual([all[6]]);
  expect(await read(2, "&search=Gr%C3%BC%C3%9Fe&order=newest")).toEqual(all.toReversed());
  expect(await read(2, "&search=elsewhere")).toEqual([]);
  let ended = 0;
  const ids = await read(2, "", () => ask(server.port, `/api/groups/${all[ended++]!}`, { method: "DELETE" }));
  expect(ids).toEqual(all);
  await alice.close();
  await server.close();
});

// ---------------------------------------------------------------- who may come in

describe("strangers and other sites", () => {
  let open: Running;
  let guarded: Running;
  beforeAll(async () => void ([open, guarded] = await Promise.all([serve("open"), serve("guarded", { token })])));
  afterAll(async () => {
    await Promise.all([open.close(), guarded.close()]);
    expect([...open.faults, ...guarded.faults]).toEqual([]);
  });

  const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;

  test("a page that had its own name resolved to loopback gets nothing: 421", async () => {
    for (const path of ["/healthz", "/metrics", "/api/groups", "/diagrams/group-session.svg", "/live", "/"])
      for (const host of ["evil.example", "evil.example:8060", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1@evil.example", "127.1", "x"]) expect((await ask(open.port, path, { headers: { host } })).status, `${host} ${path}`).toBe(421);
    for (const host of ["localhost", "LOCALHOST:9", "127.0.0.1", `127.0.0.1:${open.port}`, "[::1]:8060", "192.0.2.1:8060"]) expect((await ask(open.port, "/api/groups", { headers: { host } })).status, host).toBe(200);
  });

  test("a page of another site gets nothing and does nothing: 403", async () => {
    const host = `127.0.0.1:${open.port}`;
    const elsewhere: Record<string, string>[] = [{ origin: "https://evil.example" }, { origin: "null" }, { origin: "http://127.0.0.1:1" }, { "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "same-site" }];
    for (const headers of elsewhere)
      for (const [method, path] of [["GET", "/api/groups"], ["GET", "/metrics"], ["DELETE", "/api/groups/x"], ["DELETE", "/api/groups/x/participants/0"], ["POST", "/api/groups"], ["GET", "/api/inspect?group=x"]] as const)
        expect((await ask(open.port, path, { method, headers })).status, `${method} ${path} ${JSON.stringify(headers)}`).toBe(403);
    for (const headers of [{ origin: `http://${host}` }, { origin: `https://${host}` }, { "sec-fetch-site": "same-origin" }, { "sec-fetch-site": "none" }] as Record<string, string>[])
      expect((await ask(open.port, "/api/groups/x", { method: "DELETE", headers: { host, ...headers } })).status).toBe(404);
    // A link to a picture is a link.
    expect((await ask(open.port, "/diagrams/group-session.svg", { headers: { "sec-fetch-site": "cross-site" } })).status).toBe(200);
  });

  test("nobody is let in by CORS, and nothing is guessed, framed or kept", async () => {
    for (const [method, path] of [["OPTIONS", "/api/groups"], ["GET", "/api/groups"], ["GET", "/metrics"], ["GET", "/nowhere"], ["GET", "/diagrams/group-session.svg"], ["GET", "/live"], ["GET", "/"], ["DELETE", "/api/groups/x"], ["GET", "/healthz"]] as const) {
      const { headers } = await ask(open.port, path, { method, headers: { "access-control-request-method": "DELETE" } });
      expect(Object.keys(headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(headers["content-security-policy"]).toMatch(/^default-src 'none';.*frame-ancestors 'none'/);
      expect(headers["cache-control"]).toBe("no-store");
    }
    const api = await ask(open.port, "/api/groups");
    expect([api.headers["content-type"], api.headers["content-security-policy"]]).toEqual(["application/json", "default-src 'none'; frame-ancestors 'none'"]);
    const page = String((await ask(open.port, "/live")).headers["content-security-policy"]).split("; ");
    expect(page).toEqual(expect.arrayContaining(["default-src 'none'", "script-src 'self'", "style-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"]));
    expect(page.join()).not.toMatch(/unsafe|\*|(?<!font-src )data:|https?:/);
    expect((await ask(open.port, "/diagrams/group-session.svg")).headers["content-security-policy"]).toMatch(/; sandbox;/);
  });

  test("a method that is none here is 405 and names those that are; HEAD is GET without a body", async () => {
    for (const [method, path, allow] of [["POST", "/api/groups", "GET"], ["PUT", "/healthz", "GET"], ["PATCH", "/api/groups/x", "GET, DELETE"], ["OPTIONS", "/api/groups/x", "GET, DELETE"], ["DELETE", "/api/transfers", "GET"], ["POST", "/api/inspect?group=x", "GET"], ["POST", "/diagrams/group-session.svg", "GET"]] as const) {
      const { status, headers } = await ask(open.port, path, { method });
      expect([status, headers.allow], `${method} ${path}`).toEqual([405, allow]);
    }
    const head = await ask(open.port, "/api/groups", { method: "HEAD" });
    expect([head.status, head.text, Number(head.headers["content-length"]) > 0]).toEqual([200, "", true]);
  });

  test("a body is small JSON or is refused", async () => {
    const remove = (headers: Record<string, string>, body: string) => ask(open.port, "/api/groups/x", { method: "DELETE", headers, body });
    expect((await remove({ "content-type": "application/json", "content-length": "2" }, "{}")).status).toBe(404);
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp"]) expect((await remove({ "content-type": type, "content-length": "3" }, "a=b")).status, type).toBe(415);
    expect((await remove({ "content-length": "3" }, "a=b")).status).toBe(415);
    expect((await remove({ "content-type": "application/json", "content-length": "5000" }, "x".repeat(5_000))).status).toBe(413);
    expect((await remove({ "content-type": "application/json", "transfer-encoding": "chunked" }, "{}")).status).toBe(413);
  });

  test("no path of a request reaches the disk", async () => {
    for (const path of ["/package.json", "/diagrams/../package.json", "/diagrams/%2e%2e/package.json", "/diagrams/..%2fpackage.json", "/diagrams/print.ts", "/diagrams", "/diagrams/", "//etc/passwd", "/%00", "/api/groups/../../etc", "/.git/config"]) expect((await ask(open.port, path)).status, path).toBe(404);
    const picture = await ask(open.port, "/diagrams/group-session.svg");
    expect([picture.status, picture.headers["content-type"]]).toEqual([200, "image/svg+xml"]);
    expect(picture.text).toContain("<svg");
  });

  test("with a token: everything but the probes, the live page and the pictures wants it, as Bearer or as the password of Basic; then any host name is right", async () => {
    for (const path of ["/metrics", "/api/groups", "/api/openapi.json", "/api/transfers", "/api/inspect?group=x", "/nowhere"]) {
      for (const authorization of [undefined, "Bearer", `Bearer ${token}x`, `Bearer ${token.slice(1)}`, "Bearer x", basic(`admin:${token}x`), basic(token.slice(2)), `Digest ${token}`, token]) {
        const { status, headers } = await ask(guarded.port, path, { headers: authorization === undefined ? {} : { authorization } });
        expect([status, headers["www-authenticate"]?.startsWith("Basic realm=")], `${path} ${authorization}`).toEqual([401, true]);
      }
    }
    for (const authorization of [`Bearer ${token}`, `bearer ${token}`, basic(`admin:${token}`), basic(`:${token}`)]) expect((await ask(guarded.port, "/api/groups", { headers: { authorization, host: "cf.example.org" } })).status).toBe(200);
    for (const path of ["/healthz", "/readyz", "/live", "/live.js", "/live.css", "/diagrams/group-session.svg"]) expect((await ask(guarded.port, path, { headers: { host: "cf.example.org" } })).status, path).toBe(200);
    expect((await ask(guarded.port, "/api/groups/x", { method: "DELETE", headers: { authorization: basic(`a:${token}`), origin: "https://evil.example" } })).status).toBe(403);
  });

  test("a WebSocket passes the same door", async () => {
    const upgrade = (port: number, path: string, lines: readonly string[]): Promise<string> =>
      new Promise((resolve) => {
        const socket = connect(port, "127.0.0.1", () => socket.write([`GET ${path} HTTP/1.1`, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", ...lines, "", ""].join("\r\n")));
        let text = "";
        socket.on("data", (octets) => (text += octets)).on("close", () => resolve(text));
      });
    const path = "/api/inspect/stately?group=none";
    for (const [running, lines, status] of [
      [open, ["Host: 127.0.0.1"], 404],
      [open, ["Host: evil.example"], 421],
      [open, ["Host: 127.0.0.1", "Origin: https://evil.example"], 403],
      [guarded, ["Host: 127.0.0.1"], 401],
      [guarded, ["Host: 127.0.0.1", `Authorization: Bearer ${token}`], 404],
    ] as const) {
      const text = await upgrade(running.port, path, lines);
      expect(text.split("\r\n")[0]).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(text).toContain("x-content-type-options: nosniff");
    }
    expect(await upgrade(open.port, "/api/groups", ["Host: 127.0.0.1"])).toMatch(/^HTTP\/1.1 404 /);
  });

  test("a request that is too long, or too slow, or one too many, is let go", async () => {
    const server = await serve("bounds");
    const raw = (text: string): { readonly socket: Socket; readonly closed: Promise<string> } => {
      const socket = connect(server.port, "127.0.0.1", () => socket.write(text));
      let heard = "";
      return { socket, closed: new Promise((resolve) => socket.on("error", () => {}).on("data", (octets) => (heard += octets)).on("close", () => resolve(heard))) };
    };
    expect(await raw(`GET /api/groups HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${"x".repeat(10_000)}\r\n\r\n`).closed).toMatch(/^HTTP\/1.1 431 /);
    const began = performance.now();
    const slow = Array.from({ length: 64 }, () => raw("GET /api/groups HTTP/1.1\r\nHost: 127."));
    await Promise.all(slow.map(({ socket }) => once(socket, "connect")));
    expect(await raw("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").closed, "the 65th connection").toBe("");
    for (const heard of await Promise.all(slow.map(({ closed }) => closed))) expect(heard).toMatch(/^HTTP\/1.1 408 /);
    expect(performance.now() - began).toBeLessThan(9_000);
    expect((await ask(server.port, "/healthz")).status).toBe(200);
    await server.close();
  });
});

// ---------------------------------------------------------------- the metrics

/** One metric family of the text format. */
interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

/** Reads the text format 0.0.4, strictly; a value is what Go's ParseFloat reads, which knows NaN in any case. @throws {Error} a line that it does not have */
function readMetrics(text: string): Map<string, Family> {
  expect(text.endsWith("\n")).toBe(true);
  const families = new Map<string, { type: string; help: string; samples: Family["samples"][number][] }>();
  let current = "";
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const help = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) ((?:[^\\\n]|\\\\|\\n)*)$/.exec(line);
    const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)$/.exec(line);
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*",?)*)\})? (-?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|[+-]Inf|[Nn]a[Nn])(?: -?\d+)?$/.exec(line);
    if (help) {
      current = help[1]!;
      if (families.has(current)) throw new Error(`${current} has a second HELP`);
      families.set(current, { type: "", help: help[2]!, samples: [] });
    } else if (type) {
      if (type[1] !== current || families.get(current)!.samples.length > 0) throw new Error(`the TYPE of ${type[1]} is out of place`);
      families.get(current)!.type = type[2]!;
    } else if (sample) {
      const [, name = "", labels = "", value = ""] = sample;
      const family = families.get(current)!;
      if (name !== current && !(["histogram", "summary"].includes(family.type) && ["_bucket", "_sum", "_count"].some((suffix) => name === current + suffix))) throw new Error(`${name} stands among ${current}`);
      const pairs = [...labels.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [label!, text!] as const);
      if (family.samples.some((other) => other.name === name && JSON.stringify(other.labels) === JSON.stringify(Object.fromEntries(pairs)))) throw new Error(`${line} stands twice`);
      family.samples.push({ name, labels: Object.fromEntries(pairs), value: Number(value.replace("Inf", "Infinity")) });
    } else throw new Error(`no line of the text format: ${JSON.stringify(line)}`);
  }
  return families;
}

describe("the metrics", () => {
  let server: Running;
  let alice: CpmClient;
  let text: string;
  beforeAll(async () => {
    server = await serve("metrics");
    alice = await CpmClient.start({ uri: "sip:alice@cpm.example", server: { transport: "tcp", host: "127.0.0.1", port: server.sipPort } });
    await alice.createGroup(factory, { recipients: ["sip:nobody@cpm.example"] });
    await alice.join("sip:nowhere@cpm.example").catch(() => {});
    const { headers, text: read } = await ask(server.port, "/metrics");
    expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    text = read;
  });
  afterAll(async () => {
    await alice.close();
    await server.close();
  });

  test("are the text format, and named as Prometheus recommends", () => {
    const families = readMetrics(text);
    expect(families.size).toBeGreaterThan(30);
    for (const [name, { type, help, samples }] of families) {
      expect(name).toMatch(/^(cpm|process)_[a-z0-9_]+$/);
      expect(help.length, name).toBeGreaterThan(10);
      expect(type, name).toMatch(/^(counter|gauge)$/);
      // Counters alone end in _total; units are base units, and come last but for it.
      expect(name.endsWith("_total"), name).toBe(type === "counter");
      expect(name).not.toMatch(/_(ms|milliseconds|microseconds|kilobytes|megabytes|octets|minutes|percent)(_|$)/);
      for (const { labels, value } of samples) {
        expect(Object.keys(labels).filter((label) => label.startsWith("__"))).toEqual([]);
        if (type === "counter") expect(value, name).toBeGreaterThanOrEqual(0);
      }
    }
  });

  test("say what has happened", () => {
    const families = readMetrics(text);
    const value = (name: string, labels: Record<string, string> = {}): number | undefined => families.get(name)?.samples.find((sample) => Object.entries(labels).every(([label, wanted]) => sample.labels[label] === wanted))?.value;
    expect(value("cpm_groups_created_total")).toBe(1);
    expect(families.get("cpm_groups")!.samples.reduce((sum, one) => sum + one.value, 0)).toBe(1);
    expect(families.get("cpm_participants")!.samples.reduce((sum, one) => sum + one.value, 0)).toBe(2);
    expect(value("cpm_sip_requests_total", { direction: "in", method: "INVITE" })).toBe(2);
    expect(value("cpm_sip_responses_total", { direction: "out", method: "INVITE", class: "2xx" })).toBe(1);
    expect(value("cpm_refusals_total", { protocol: "sip", status: "404" })).toBe(1);
    expect(value("cpm_machine_steps_total", { machine: "group-session" })).toBeGreaterThan(0);
    expect(value("cpm_turns_total")).toBeGreaterThan(0);
    expect(value("cpm_msrp_sessions")).toBeGreaterThanOrEqual(1);
    expect(value("process_resident_memory_bytes")).toBeGreaterThan(1e6);
    expect(value("process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(value("process_open_fds")).toBeGreaterThan(5);
    expect(value("cpm_event_loop_active_seconds_total")).toBeGreaterThan(0);
  });

  test("pass Prometheus's own check, where it is installed", ({ skip }) => {
    const { status, error, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
    if (error) return skip("promtool is not here; the checks above are ours");
    expect([status, stdout, stderr]).toEqual([0, "", ""]);
  });
});

// ---------------------------------------------------------------- looking on

const group = { maxGroupSize: 9, minParticipants: 2, maxDevices: 1, maxTransfers: 1, addRole: "anyone", removeRole: "creator", anonymity: "refuse", inactiveGroup: "notFound", closed: false, longLived: true };

/** A group-session machine that runs alone. */
function lone(of: string): { readonly turns: Turns<never>; readonly session: Session<never> } {
  const turns = new Turns<never>({ clock: systemClock, failed: (fault) => expect.fail(String(fault)) });
  const session = new Session(turns, "group-session", group, of, of, { perform() {}, refuse() {}, lengthOf: () => 60_000, ended() {} });
  return { turns, session };
}

describe("looking on", () => {
  test("an event that is refused is told with its grounds; one machine is looked at and no other", async () => {
    const { turns, session } = lone("here");
    const other = new Session(turns, "group-session", group, "elsewhere", "elsewhere", { perform() {}, refuse() {}, lengthOf: () => 60_000, ended() {} });
    const told: any[] = [];
    const inspection = new Inspection(turns, Date.now);
    const leave = inspection.watch("here", { see: (one) => told.push(one), ended: () => told.push("ended") });
    const create = { type: "sip.INVITE.create", recipients: 1, anonymous: false } as const;
    session.tell(create);
    other.tell(create);
    session.tell(create);
    const steps = told.filter(({ kind }) => kind === "step");
    expect(steps.map(({ instance, handled, refusal }) => [instance, handled, refusal?.status])).toEqual([["here", true, undefined], ["here", false, 500]]);
    const { context, contextMoved, ...sent } = steps[1];
    expect(contextMoved).toBe(false);
    conform(JSON.parse(JSON.stringify(sent)), schemaOf("Step"));
    conform(JSON.parse(JSON.stringify(told.find(({ kind }) => kind === "timers"))), schemaOf("Timers"));
    expect(turns.observer).toBe(inspection);
    leave();
    expect([inspection.size, turns.observer]).toEqual([0, undefined]);
    session.tell(create);
    expect(told.filter(({ kind }) => kind === "step")).toHaveLength(2);
  });

  test("a reader that does not read holds nobody up and fills no memory: what it misses is counted, and it is told where everything stands", async () => {
    const { turns, session } = lone("busy");
    const inspection = new Inspection(turns, Date.now);
    let snapshots = 0;
    const server = createServer((_, response) => response.on("close", inspection.watch("busy", new EventStream(response, () => ({ snapshots: (snapshots += 1) })).reader))).listen(0, "127.0.0.1");
    await once(server, "listening");
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1", () => socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    let text = "";
    socket.setEncoding("utf8").on("data", (more: string) => (text += more));
    await until(async () => inspection.size, (size) => size === 1);
    session.tell({ type: "sip.INVITE.create", recipients: 1, anonymous: false });
    session.tell({ type: "participant.connected", seat: 0 });
    socket.pause();
    const say = { type: "msrp.SEND", from: 0, content: "chat", claims: "self", to: "group" } as const;
    const heapBefore = process.memoryUsage().heapUsed;
    const messages = 40_000;
    for (let k = 0; k < messages; k++) {
      session.tell(say);
      if (k % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(150e6);
    expect(snapshots).toBe(1);
    socket.resume();
    await until(async () => text, (all) => all.includes("event: dropped"));
    await until(async () => snapshots, (count) => count >= 2);
    session.tell({ type: "admin.end" });
    await until(async () => text, (all) => all.includes('"type":"admin.end"'));
    const dropped = [...text.matchAll(/event: dropped\ndata: (.*)/g)].map(([, data]) => JSON.parse(data!));
    for (const one of dropped) conform(one, schemaOf("Dropped"));
    // Nothing is lost without a word: every step and its timers were told or counted.
    const told = [...text.matchAll(/^event: (step|timers)$/gm)].length;
    const timersOfSetUp = 3;
    expect(told + dropped.reduce((sum, { seen: count }) => sum + count, 0)).toBeGreaterThanOrEqual(2 * messages + timersOfSetUp);
    expect(text.indexOf("event: snapshot", text.indexOf("event: dropped"))).toBeGreaterThan(0);
    socket.destroy();
    await until(async () => inspection.size, (size) => size === 0);
    server.close();
  });

  describe("with Stately's tools", () => {
    let server: Running;
    let alice: CpmClient;
    let bob: CpmClient;
    let chat: GroupLeg;
    let url: string;
    beforeAll(async () => {
      server = await serve("stately");
      const start = (user: string) => CpmClient.start({ uri: `sip:${user}@cpm.example`, server: { transport: "tcp", host: "127.0.0.1", port: server.sipPort }, onInvitation: (invitation) => invitation.accept() });
      [alice, bob] = [await start("alice"), await start("bob")];
      await Promise.all([alice.register(), bob.register()]);
      chat = await alice.createGroup(factory, { recipients: [bob.uri] });
      const id = /^sip:([^@]+)@/.exec(chat.identity)![1]!;
      await until(() => ask(server.port, `/api/groups/${id}`), ({ json }) => json.participants.connected === 2);
      url = `ws://127.0.0.1:${server.port}/api/inspect/stately?group=${id}`;
    });
    afterAll(async () => {
      await Promise.all([alice.close(), bob.close()]);
      await server.close();
      expect(server.faults).toEqual([]);
    });

    const collect = (from: { subscribe(next: (event: StatelyInspectionEvent) => void): unknown }): StatelyInspectionEvent[] => {
      const told: StatelyInspectionEvent[] = [];
      from.subscribe((event) => void told.push(event));
      return told;
    };
    const has = (type: string) => (all: StatelyInspectionEvent[]) => all.some((one) => one.type === type);

    test("the package's own receiver attaches: actors with their definitions, events, snapshots", async () => {
      const told = collect(createWebSocketReceiver({ server: url }));
      seen.add("get /api/inspect/stately 101");
      await until(async () => told, (all) => all.filter((one) => one.type === "@xstate.actor").length === 3);
      const actors = told.filter((one) => one.type === "@xstate.actor");
      expect(actors.map(({ name }) => name)).toEqual(["group-session", "group-participant", "group-participant"]);
      expect(actors.map(({ parentId }) => parentId)).toEqual([undefined, actors[0]!.sessionId, actors[0]!.sessionId]);
      const definition = JSON.parse(actors[0]!.definition!);
      expect([definition.id, Object.keys(definition.states).toSorted()]).toEqual(["group-session", ["closed", "closing", "idle", "new", "open", "refused"]]);
      expect(JSON.stringify(definition)).toContain("not fromMember");
      expect(actors[0]!.snapshot).toMatchObject({ status: "active", value: { open: { membership: "active" } } });

      await chat.send("hello");
      await until(async () => told, has("@xstate.snapshot"));
      const event = told.find((one) => one.type === "@xstate.event")!;
      expect(event).toMatchObject({ sessionId: actors[0]!.sessionId, event: { type: "msrp.SEND", from: 0 } });
      const snapshot = told.find((one) => one.type === "@xstate.snapshot")!;
      expect(snapshot).toMatchObject({ sessionId: actors[0]!.sessionId, event: { type: "msrp.SEND" }, snapshot: { status: "active", context: { seats: [{ status: "connected" }, { status: "connected" }] } } });
      for (const one of told) expect(typeof one._version).toBe("string");
      // A machine that begins is an actor that is told of.
      await chat.subscribe();
      await until(async () => told, (all) => all.some((one) => one.type === "@xstate.actor" && one.name === "conference-subscription"));
    });

    test("and so does its inspector, through the bridge as the README tells", async () => {
      const port = await freePort();
      const bridge = createInspectorServer({ port, autoOpen: false });
      const out = await until(async () => await opened(`ws://localhost:${port}`), (socket) => socket !== undefined);
      createWebSocketReceiver({ server: url }).subscribe((event) => out!.send(JSON.stringify(event)));
      const told = collect(createWebSocketReceiver({ server: `ws://localhost:${port}` }));
      await until(async () => told, has("@xstate.actor"));
      await chat.send("again");
      await until(async () => told, has("@xstate.snapshot"));
      out!.close();
      bridge.stop();
    });

    test("readers are bounded: the 33rd gets 503", async () => {
      const id = new URL(url).searchParams.get("group")!;
      const streams: Response[] = [];
      for (let k = 0; k < 40; k++) {
        const answer = await fetch(`http://127.0.0.1:${server.port}/api/inspect?group=${id}`);
        if (answer.status === 503) {
          expect(answer.headers.get("retry-after")).toBe("5");
          break;
        }
        streams.push(answer);
      }
      expect(streams.length).toBeGreaterThan(25);
      expect(streams.length).toBeLessThanOrEqual(32);
      await Promise.all(streams.map(({ body }) => body!.cancel()));
    });
  });
});

async function opened(url: string): Promise<WebSocket | undefined> {
  const socket = new WebSocket(url);
  const outcome = await new Promise((resolve) => {
    socket.addEventListener("open", () => resolve("open"));
    socket.addEventListener("error", () => resolve("error"));
  });
  return outcome === "open" ? socket : undefined;
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

// ---------------------------------------------------------------- where it is, and what it wants to be shown

describe("the configuration", () => {
  const admin = (args: readonly string[], environment: Record<string, string> = {}) => readConfiguration(args, environment).admin;
  const tokenFile = join(directory, "token");
  writeFileSync(tokenFile, `${token}\n`);

  test("loopback unless told otherwise; none is nowhere; a token from a file, or itself in the environment", () => {
    expect(admin([])).toEqual({ host: "127.0.0.1", port: 8060, token: undefined, wanted: false });
    expect(admin(["--admin", "none"])).toBeUndefined();
    expect(admin([], { CPM_ADMIN: "none" })).toBeUndefined();
    expect(admin(["--admin", "[::1]:0"])).toEqual({ host: "::1", port: 0, token: undefined, wanted: true });
    expect(admin(["--admin", "0.0.0.0:8060", "--admin-token", tokenFile])).toEqual({ host: "0.0.0.0", port: 8060, token, wanted: true });
    expect(admin(["--admin", "[2001:db8::1]:80"], { CPM_ADMIN_TOKEN: token })?.token).toBe(token);
    expect(admin(["--admin-token", tokenFile], { CPM_ADMIN_TOKEN: "something-else-altogether" })?.token).toBe(token);
  });

  const refused: [args: readonly string[], environment: Record<string, string>, ...says: string[]][] = [
    [["--admin", "0.0.0.0:8060"], {}, "0.0.0.0:8060", "--admin-token", "CPM_ADMIN_TOKEN"],
    [["--admin", "192.0.2.1:8060"], {}, "192.0.2.1", "token"],
    [["--admin", "[::]:8060"], {}, "[::]:8060", "token"],
    [["--admin", "localhost:8060"], {}, "localhost:8060"],
    [["--admin", "8060"], {}, "8060"],
    [["--admin", "127.0.0.1:70000"], {}, "70000"],
    [["--admin-token", join(directory, "absent")], {}, "--admin-token", "absent", "ENOENT"],
    [[], { CPM_ADMIN_TOKEN: "short" }, "token", "16"],
    [[], { CPM_ADMIN_TOKEN: "with spaces in the middle" }, "token"],
  ];
  test.each(refused)("%j %j is refused, and says so", (args, environment, ...says: string[]) => {
    const message = (() => {
      try {
        return admin(args, environment);
      } catch (fault) {
        return fault instanceof ConfigurationRefused ? fault.message : fault;
      }
    })();
    for (const word of says) expect(message).toContain(word);
    expect(message).not.toContain(environment["CPM_ADMIN_TOKEN"] ?? "\n");
  });

  const options = (name: string): string[] => ["--listen", "udp:127.0.0.1:0", "--msrp", "tcp:127.0.0.1:0", "--data", join(directory, name)];

  test("an address that was asked for and is taken: one line, exit 2", async () => {
    const taken = createTcpServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const { code, err } = await run(["serve", ...options("taken"), "--admin", `127.0.0.1:${port}`]);
    expect([code, err.trim().split("\n").length]).toEqual([2, 1]);
    expect(err).toContain(`--admin 127.0.0.1:${port}: the port is in use`);
    taken.close();
  });

  test("the default that is taken, as by a second server: a warning in one line, and the server serves", async () => {
    // Taken by us, or by whoever has it already.
    const taken = createTcpServer().listen(8060, "127.0.0.1").on("error", () => {});
    const before = process.env["CPM_ADMIN"];
    process.env["CPM_ADMIN"] = "";
    const server = await ServerProcess.start(options("second")).finally(() => {
      if (before === undefined) delete process.env["CPM_ADMIN"];
      else process.env["CPM_ADMIN"] = before;
    });
    expect(await server.lines.next((line) => line.includes("8060"), 5_000)).toMatch(/ warn 127\.0\.0\.1:8060 is in use: .* --admin /);
    expect(await server.stop()).toBe(0);
    taken.close();
  });
});

test("every path and every schema of the description was held against a real answer", () => {
  const described = Object.entries<any>(document.paths).flatMap(([path, methods]) => Object.entries<any>(methods).flatMap(([method, { responses }]) => Object.keys(responses).map((status) => `${method} ${path} ${status}`)));
  // What may go wrong everywhere is shown above, path by path.
  const good = described.filter((one) => !one.endsWith(" default"));
  expect(good.filter((one) => !seen.has(one))).toEqual([]);
  expect(Object.keys(document.components.schemas).filter((name) => !checked.has(name))).toEqual([]);
});
