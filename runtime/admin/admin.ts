import { readFileSync } from "node:fs";
import { createServer, STATUS_CODES, type IncomingMessage, type Server as HttpServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import type { Group } from "../sessions/group.ts";
import { problem, safeHeaders, send, type Answer } from "./answer.ts";
import { apiOf, noGroup, type Api, type Route } from "./api.ts";
import { refusalOf, type Refusal } from "./door.ts";
import { EventStream } from "./event-stream.ts";
import { Inspection } from "./inspection.ts";
import { metricsOf, type Server } from "./metrics.ts";
import { describe } from "./openapi.ts";
import { Router } from "./router.ts";
import { packageFolder, StaticFiles } from "./static-files.ts";
import { groupOf } from "./views.ts";

export interface AdminOptions {
  readonly host: string;
  /** 0: any. */
  readonly port: number;
  /** What every request has to show. */
  readonly token: string | undefined;
  readonly server: Server;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** A fault of ours; whoever asked got 500. */
  readonly failed: (fault: unknown) => void;
}

/** What clients can make us hold. */
const limits = {
  connections: 64,
  headerOctets: 8_192,
  /** How long a request may take to arrive, and its head. */
  requestMs: 10_000,
  headMs: 5_000,
  /** How long nothing may move on a connection; a stream has heartbeats. */
  silenceMs: 60_000,
  /** Streams that look on at groups. */
  readers: 32,
} as const;

/** The operator's interface over HTTP: health, metrics, groups, and the machines as they run. */
export class Admin {
  readonly #options: AdminOptions;
  readonly #http: HttpServer;
  readonly #inspection: Inspection;
  /** WebSockets: no HTTP connections any more. */
  readonly #upgraded = new Set<Duplex>();
  readonly #files = new StaticFiles();
  readonly #api: Readonly<Record<string, Readonly<Record<string, Route>>>>;
  readonly #router: Router<string>;

  constructor(options: AdminOptions) {
    const { server, now } = options;
    this.#options = options;
    this.#inspection = new Inspection(server.focus.turns, now);
    const { version } = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8")) as { version: string };
    const description = describe(version);
    const api: Api = apiOf(server, metricsOf(server, this.#inspection), description);
    this.#api = api;
    this.#router = new Router(Object.keys(description.paths));
    const { headerOctets: maxHeaderSize, headMs: headersTimeout, requestMs: requestTimeout } = limits;
    this.#http = createServer({ maxHeaderSize, headersTimeout, requestTimeout, keepAliveTimeout: 5_000, connectionsCheckingInterval: 1_000 }, (request, response) => void this.#onRequest(request, response));
    this.#http.maxConnections = limits.connections;
    this.#http.timeout = limits.silenceMs;
    this.#http.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => void this.#onUpgrade(request, socket, head));
  }

  /** Rejects with the error of the operating system, e.g. EADDRINUSE. */
  async listen(): Promise<{ readonly host: string; readonly port: number }> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      // Stays: an error later, e.g. too many open files at an accept, is no reason to end.
      this.#http.on("error", reject);
      this.#http.listen({ host, port }, resolve);
    });
    return { host, port: (this.#http.address() as AddressInfo).port };
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#http.close(resolve));
    this.#http.closeAllConnections();
    for (const socket of this.#upgraded) socket.destroy();
    await closed;
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Nobody needs a body: what came of one is let go.
    request.resume();
    try {
      const url = urlOf(request);
      const refusal = this.#refusal(request, url);
      if (refusal !== undefined) send(response, problem({ ...refusal, headers: { ...refusal.headers, connection: "close" } }));
      else if (url!.pathname === "/api/inspect" && request.method === "GET") this.#stream(url!, response);
      else send(response, await this.#answer(request.method!, url!));
    } catch (fault) {
      this.#options.failed(fault);
      if (response.headersSent) response.destroy();
      else send(response, problem({ status: 500, detail: "a fault of the server's own: its log has it" }));
    }
  }

  #refusal(request: IncomingMessage, url: URL | undefined): Refusal | undefined {
    if (url === undefined) return { status: 400, detail: "the request names no path" };
    const { pathname } = url;
    const isProbe = pathname === "/healthz" || pathname === "/readyz";
    const isPage = pathname === "/" || this.#files.has(pathname);
    return refusalOf(request, isProbe ? "probe" : isPage ? "page" : "data", this.#options.token);
  }

  async #answer(method: string, { pathname, searchParams: query }: URL): Promise<Answer> {
    const found = this.#router.find(pathname);
    if (found === undefined && !this.#files.has(pathname)) return problem({ status: 404, detail: "there is no such path; /api/openapi.json describes those that are" });
    const wanted = method === "HEAD" ? "get" : method.toLowerCase();
    const routes: Readonly<Record<string, Route>> = this.#files.has(pathname) ? { get: () => this.#files.read(pathname) } : (this.#api[found!.template] ?? others[found!.template] ?? {});
    const route = Object.hasOwn(routes, wanted) ? routes[wanted] : undefined;
    if (route !== undefined) return route({ path: found?.values ?? {}, query });
    return problem({ status: 405, detail: `${method} is not done here`, headers: { allow: Object.keys(routes).map((name) => name.toUpperCase()).join(", ") } });
  }

  #stream(url: URL, response: ServerResponse): void {
    const watched = this.#watched(url);
    if ("refused" in watched) return send(response, watched.refused);
    const { reader } = new EventStream(response, () => groupOf(watched.group));
    response.on("close", this.#inspection.watch(watched.group.id, reader));
  }

  async #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    this.#upgraded.add(socket);
    socket.on("error", () => {}).on("close", () => this.#upgraded.delete(socket));
    const url = urlOf(request);
    const refusal = this.#refusal(request, url);
    if (refusal !== undefined) return refuseUpgrade(socket, problem(refusal));
    if (url!.pathname !== "/api/inspect/stately") return refuseUpgrade(socket, problem({ status: 404, detail: "there is no WebSocket here" }));
    // Stately's package comes in when somebody wants it.
    const { upgrade } = await import("./stately.ts");
    const watched = this.#watched(url!);
    if ("refused" in watched) return refuseUpgrade(socket, watched.refused);
    const { group } = watched;
    upgrade(request, socket, head, () => group.instances, (reader) => void socket.on("close", this.#inspection.watch(group.id, reader)));
  }

  /** The group that a request wants to look at. */
  #watched(url: URL): { readonly group: Group } | { readonly refused: Answer } {
    const id = url.searchParams.get("group");
    if (id === null) return { refused: problem({ status: 400, detail: "group says which group is looked at" }) };
    const group = this.#options.server.focus.group(id);
    if (group === undefined) return { refused: noGroup(id) };
    if (this.#inspection.size >= limits.readers) return { refused: problem({ status: 503, detail: `${limits.readers} look on already`, headers: { "retry-after": "5" } }) };
    return { group };
  }
}

/** What streams answer who wants no stream: HEAD, and a request that is no WebSocket's. And where the pages begin. */
const others: Readonly<Record<string, Readonly<Record<string, Route>>>> = {
  "/": { get: () => ({ status: 307, type: "text/plain; charset=utf-8", body: "", headers: { location: "/live" } }) },
  "/api/inspect": { get: () => ({ status: 200, type: "text/event-stream", body: "" }) },
  "/api/inspect/stately": { get: () => problem({ status: 426, detail: "this is a WebSocket", headers: { upgrade: "websocket", connection: "upgrade" } }) },
};

/** Undefined: what it asks for is no path, e.g. `*`. */
function urlOf({ url = "" }: IncomingMessage): URL | undefined {
  return url.startsWith("/") ? (URL.parse(`http://localhost${url}`) ?? undefined) : undefined;
}

function refuseUpgrade(socket: Duplex, { status, type, body, headers = {} }: Answer): void {
  const lines = Object.entries({ ...safeHeaders(type), "content-length": String(Buffer.byteLength(body)), ...headers, connection: "close" }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n${body}`);
}
