/**
 * A stranger on the wire: it knows the standards and nothing of this project.
 *
 * It starts the Controlling Function as any operator would, speaks literal
 * SIP and MSRP octets to it over real sockets, and writes down as a ladder
 * what was said. It imports nothing of the specification and none of our
 * codecs: what a test expects, it states in octets.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { createSocket, type Socket as Datagrams } from "node:dgram";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection, createServer, type AddressInfo, type Server as Listener, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { connect as connectTls } from "node:tls";
import { fileURLToPath } from "node:url";

const projectRoot = fileURLToPath(new URL("../../", import.meta.url));

/** Longer than any answer takes, shorter than a test's patience. */
const deadlineMs = 10_000;
/** How long nobody may say anything before a test believes that nothing comes. */
const quietMs = 200;

/** A token that nobody else uses: for tags, branches, Call-IDs, MSRP session ids and transaction ids. */
export const token = (): string => randomBytes(9).toString("hex");

export const sha256 = (octets: Buffer): string => createHash("sha256").update(octets).digest("hex");

/** The lines of a template as octets: CRLF ends, the template's first line break dropped. */
export function crlf(text: string): string {
  return text.replace(/^\n/, "").replace(/\r?\n/g, "\r\n");
}

/** A SIP message with its `Content-Length: ?` counted. */
export function counted(text: string): string {
  const end = text.indexOf("\r\n\r\n") + 4;
  return text.slice(0, end).replace(/\r\n(Content-Length|l): \?/i, `\r\n$1: ${text.length - end}`) + text.slice(end);
}

// ---------------------------------------------------------------- the ladder

/** What was said, by whom and to whom, in order. */
export class Ladder {
  readonly #startedAt = performance.now();
  readonly #rungs: string[] = [];
  /** Octets that no peer may ever emit, found in what the focus said. */
  readonly faults: string[] = [];

  note(from: string, to: string, octets: string): void {
    const ms = (performance.now() - this.#startedAt).toFixed(0).padStart(5);
    const said = process.env["CPM_LADDER"] === "full" ? `\n${indented(octets.slice(0, 6_000))}` : summary(octets);
    this.#rungs.push(`${ms} ms  ${from.padStart(8)} -> ${to.padEnd(8)}  ${said}`);
  }

  toString(): string {
    return [...this.#rungs, ...this.faults.map((fault) => `FAULT ${fault}`)].join("\n");
  }
}

const telling = /^(CSeq|Warning|Reason|Byte-Range|Message-ID|Status|Unsupported|Subscription-State): /i;

function summary(octets: string): string {
  const [first = "", ...lines] = (octets.split("\r\n\r\n", 1)[0] ?? "").split("\r\n");
  return [first, ...lines.filter((line) => telling.test(line))].join(" · ").slice(0, 200);
}

const indented = (text: string): string => text.split("\n").map((line) => `            | ${line}`).join("\n");

// ----------------------------------------------------------------- the inbox

/** What a peer has heard and nobody has asked for yet; a question waits for its answer until a deadline. */
class Inbox<Message> {
  #unread: Message[] = [];
  #questions: { asks(message: Message): boolean; take(message: Message): void }[] = [];

  add(message: Message): void {
    const question = this.#questions.find((one) => one.asks(message));
    if (question === undefined) this.#unread.push(message);
    else question.take(message);
  }

  next(asks: (message: Message) => boolean, what: string, ms: number): Promise<Message> {
    const at = this.#unread.findIndex(asks);
    if (at >= 0) return Promise.resolve(this.#unread.splice(at, 1)[0]!);
    return new Promise((resolve, reject) => {
      const question = { asks, take };
      const forget = (): void => void (this.#questions = this.#questions.filter((one) => one !== question));
      const late = setTimeout(() => {
        forget();
        reject(new Error(`${what} was not heard within ${ms} ms`));
      }, ms);
      function take(message: Message): void {
        clearTimeout(late);
        forget();
        resolve(message);
      }
      this.#questions.push(question);
    });
  }

  unread(asks: (message: Message) => boolean): Message[] {
    return this.#unread.filter(asks);
  }
}

export const quiet = (ms = quietMs): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

// ------------------------------------------------------------------- the SIP

/** RFC 3261 §7.3.3 and the registry: the header fields that have a compact form. */
const compactNames: Readonly<Record<string, string>> = {
  "accept-contact": "a", "allow-events": "u", "call-id": "i", contact: "m", "content-encoding": "e", "content-length": "l", "content-type": "c", event: "o",
  from: "f", "refer-to": "r", "referred-by": "b", "session-expires": "x", subject: "s", supported: "k", to: "t", via: "v",
};

/** A SIP message as it came: octets, and the few cuts a reader makes with a pencil. */
export class SipText {
  readonly octets: string;
  readonly startLine: string;
  readonly body: string;
  /** Sends octets back on the way by which this message came. */
  readonly reply: (octets: string) => void;
  readonly #lines: string[];

  constructor(octets: string, reply: (octets: string) => void) {
    const end = octets.indexOf("\r\n\r\n");
    const [startLine = "", ...lines] = octets.slice(0, end).split("\r\n");
    this.octets = octets;
    this.startLine = startLine;
    this.body = octets.slice(end + 4);
    this.reply = reply;
    this.#lines = lines;
  }

  /** The values of every line of that header field, in order, its name in full or compact. */
  headers(name: string): string[] {
    const names = [name.toLowerCase(), compactNames[name.toLowerCase()]];
    return this.#lines.flatMap((line) => {
      const colon = line.indexOf(":");
      return names.includes(line.slice(0, colon).trimEnd().toLowerCase()) ? [line.slice(colon + 1).trim()] : [];
    });
  }

  /** The value of the header field; an absent one fails the test that asks. */
  header(name: string): string {
    const [value] = this.headers(name);
    if (value === undefined) throw new Error(`no ${name} in\n${this.octets}`);
    return value;
  }

  /** The body's lines: an SDP, an XML document. */
  get bodyLines(): string[] {
    return this.body.split("\r\n");
  }

  /** The body parts of a multipart, each with its own header lines and content; a plain body is the one part. */
  get parts(): { head: string; content: string }[] {
    const type = this.headers("Content-Type")[0] ?? "";
    const boundary = /boundary="?([^";]+)"?/i.exec(type)?.[1];
    if (boundary === undefined) return [{ head: `Content-Type: ${type}`, content: this.body }];
    return `\r\n${this.body}`.split(`\r\n--${boundary}`).slice(1, -1).map((part) => {
      const text = part.replace(/^\r\n/, "");
      const end = text.indexOf("\r\n\r\n");
      return { head: text.slice(0, end), content: text.slice(end + 4) };
    });
  }

  /** The content of the part of that type. */
  part(type: string): string {
    const found = this.parts.find((part) => part.head.toLowerCase().includes(`content-type: ${type}`));
    if (found === undefined) throw new Error(`no part ${type} in\n${this.octets}`);
    return found.content;
  }

  /** The lines of the session description, wherever in the body it stands. */
  get sdp(): string[] {
    return this.part("application/sdp").split("\r\n");
  }

  /** The value of the one `a=NAME:` line of the session description. */
  attribute(name: string): string {
    const line = this.sdp.find((one) => one.startsWith(`a=${name}:`));
    if (line === undefined) throw new Error(`no a=${name} in\n${this.octets}`);
    return line.slice(name.length + 3);
  }

  /** The proxies that stay on the way, topmost first. */
  get routes(): string[] {
    return this.headers("Record-Route").flatMap((value) => value.split(/,\s*(?=<)/));
  }

  /** What a response repeats of the topmost Via whatever the server adds to it: sent-by and branch. */
  get sentBy(): string {
    const [via = ""] = this.headers("Via");
    return `${via.split(";", 1)[0]} ${/;\s*branch=([^;,\s]+)/i.exec(via)?.[1]}`;
  }

  get status(): number {
    return this.startLine.startsWith("SIP/2.0 ") ? Number(this.startLine.slice(8, 11)) : 0;
  }

  /** The URI between `<` and `>`. */
  uri(name: string): string {
    return /<([^>]*)>/.exec(this.header(name))?.[1] ?? this.header(name);
  }

  tag(name: "From" | "To"): string {
    return /;tag=([^;\s]+)/i.exec(this.header(name))?.[1] ?? "";
  }
}

/** What to wait for: the start of the first line, an expression over all octets, or a predicate. */
export type Wanted<Message> = string | RegExp | ((message: Message) => boolean);

const asks = (wanted: Wanted<SipText>) => (message: SipText): boolean =>
  typeof wanted === "string" ? message.startLine.startsWith(wanted)
  : wanted instanceof RegExp ? wanted.test(message.octets)
  : wanted(message);

/** A response that repeats what RFC 3261 §8.2.6.2 says a response repeats, then `lines` and the body as they stand. */
export function response(request: SipText, statusLine: string, toTag = "", lines = "", body = ""): string {
  const to = request.header("To") + (toTag === "" || request.tag("To") !== "" ? "" : `;tag=${toTag}`);
  return [
    `SIP/2.0 ${statusLine}`,
    ...request.headers("Via").map((via) => `Via: ${via}`),
    ...request.headers("Record-Route").map((route) => `Record-Route: ${route}`),
    `From: ${request.header("From")}`,
    `To: ${to}`,
    `Call-ID: ${request.header("Call-ID")}`,
    `CSeq: ${request.header("CSeq")}`,
    ...crlf(lines).split("\r\n").filter((line) => line !== ""),
    `Content-Length: ${body.length}`,
    "",
    body,
  ].join("\r\n");
}

export type Transport = "udp" | "tcp" | "tls";

/** One SIP user agent's sockets: a UDP socket and a TCP listener on one port number, and one TCP or TLS connection to the focus. */
export class SipPeer {
  readonly name: string;
  readonly port: number;
  /** Octet-identical repetitions heard over UDP. */
  repetitions = 0;
  /** A user agent answers NOTIFY, BYE and CANCEL at once and acknowledges failures; `false` leaves that to the test. */
  polite = true;
  readonly #ladder: Ladder;
  readonly #focus: FocusAddress;
  readonly #datagrams: Datagrams;
  readonly #listener: Listener;
  readonly #inbox = new Inbox<SipText>();
  readonly #connections = new Set<Socket>();
  readonly #datagramsHeard = new Set<string>();
  readonly #sent = new Map<string, string>();
  readonly #invitations = new Map<string, SipText>();
  readonly #tags = new Map<string, string>();
  #outbound: Socket | undefined;
  #closed = false;

  private constructor(name: string, ladder: Ladder, focus: FocusAddress, datagrams: Datagrams, listener: Listener) {
    this.name = name;
    this.port = (listener.address() as AddressInfo).port;
    this.#ladder = ladder;
    this.#focus = focus;
    this.#datagrams = datagrams;
    this.#listener = listener;
    listener.on("connection", (socket) => this.#hear(socket));
    datagrams.on("message", (octets, from) => {
      const text = octets.toString("latin1");
      if (this.#datagramsHeard.has(text)) {
        this.repetitions += 1;
        ladder.note("focus", name, text);
        return;
      }
      this.#datagramsHeard.add(text);
      this.#take(new SipText(text, (reply) => {
        ladder.note(name, "focus", reply);
        datagrams.send(Buffer.from(reply, "latin1"), from.port, from.address);
      }));
    });
  }

  static async open(name: string, ladder: Ladder, focus: FocusAddress): Promise<SipPeer> {
    for (let attempt = 0; ; attempt += 1) {
      const listener = await listening(focus.host);
      try {
        return new SipPeer(name, ladder, focus, await bound((listener.address() as AddressInfo).port, focus.host), listener);
      } catch (fault) {
        // The port that TCP gave may be somebody else's on UDP.
        listener.close();
        if (attempt === 20) throw fault;
      }
    }
  }

  /** Sends a request as it stands, but for `Content-Length: ?`, which is counted; answers what was sent. */
  send(text: string, transport: Transport = "tcp"): string {
    const octets = counted(text);
    const branch = /;branch=([^;,\s]+)/i.exec(octets)?.[1];
    if (branch !== undefined && /^INVITE /.test(octets)) this.#sent.set(branch, octets);
    this.sendOctets(Buffer.from(octets, "latin1"), transport);
    return octets;
  }

  /** Sends whatever octets, good or bad. */
  sendOctets(octets: Buffer, transport: Transport = "tcp"): void {
    this.#ladder.note(this.name, "focus", octets.toString("latin1"));
    if (transport === "udp") this.#datagrams.send(octets, this.#focus.udp, this.#focus.host);
    else this.#connection(transport).write(octets);
  }

  /** RFC 3261 §8.2.6.2: the same tag in every response to one request. */
  tagFor(request: SipText): string {
    const callId = request.header("Call-ID");
    const tag = this.#tags.get(callId) ?? token();
    this.#tags.set(callId, tag);
    return tag;
  }

  hears(wanted: Wanted<SipText>, ms = deadlineMs): Promise<SipText> {
    return this.#inbox.next(asks(wanted), `${this.name}: ${String(wanted)}`, ms);
  }

  /** Sends a request and waits for its final response. */
  async asks(text: string, transport: Transport = "tcp", ms = deadlineMs): Promise<SipText> {
    return await this.finalTo(this.send(text, transport), ms);
  }

  /** The final response to a request that was sent. */
  finalTo(request: string, ms = deadlineMs): Promise<SipText> {
    return this.hears((message) => message.status >= 200 && answers(message, request), ms);
  }

  provisionalTo(request: string, status: number, ms = deadlineMs): Promise<SipText> {
    return this.hears((message) => message.status === status && answers(message, request), ms);
  }

  /** Waits, then fails if anything wanted was heard and not asked for. */
  async hearsNothing(wanted: Wanted<SipText> = () => true, ms = quietMs): Promise<void> {
    await quiet(ms);
    const heard = this.#inbox.unread(asks(wanted));
    if (heard.length > 0) throw new Error(`${this.name} should hear nothing, and heard\n${heard.map((one) => one.octets).join("\n")}`);
  }

  /** What was heard so far and not asked for. */
  unread(wanted: Wanted<SipText> = () => true): SipText[] {
    return this.#inbox.unread(asks(wanted));
  }

  /** Drops the connection to the focus; the next request opens another. */
  hangUp(): void {
    this.#outbound?.destroy();
    this.#outbound = undefined;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const socket of this.#connections) socket.destroy();
    this.#listener.close();
    this.#datagrams.close();
  }

  #connection(transport: "tcp" | "tls"): Socket {
    if (this.#outbound === undefined || this.#outbound.destroyed) {
      const { host, tcp, tls, certificate } = this.#focus;
      this.#outbound = transport === "tcp" ? createConnection(tcp, host) : connectTls({ port: tls, host, ca: certificate });
      this.#hear(this.#outbound);
    }
    return this.#outbound;
  }

  #hear(socket: Socket): void {
    socket.setNoDelay(true);
    this.#connections.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#connections.delete(socket));
    let rest = "";
    socket.on("data", (octets) => {
      rest += octets.toString("latin1");
      for (;;) {
        rest = rest.replace(/^(\r\n)+/, "");
        const end = rest.indexOf("\r\n\r\n");
        if (end < 0) return;
        const length = Number(/\r\n(?:Content-Length|l)[ \t]*:[ \t]*(\d+)/i.exec(rest.slice(0, end + 2))?.[1] ?? 0);
        if (rest.length < end + 4 + length) return;
        const text = rest.slice(0, end + 4 + length);
        rest = rest.slice(end + 4 + length);
        this.#take(new SipText(text, (reply) => {
          this.#ladder.note(this.name, "focus", reply);
          socket.write(Buffer.from(reply, "latin1"));
        }));
      }
    });
  }

  #take(message: SipText): void {
    this.#ladder.note("focus", this.name, message.octets);
    const head = message.octets.slice(0, message.octets.indexOf("\r\n\r\n"));
    if (/[^\r]\n/.test(head)) this.#ladder.faults.push(`a bare LF in the head of ${message.startLine}`);
    if (this.polite) this.#behave(message);
    this.#inbox.add(message);
  }

  #behave(message: SipText): void {
    const branch = /;branch=([^;,\s]+)/i.exec(message.octets)?.[1] ?? "";
    const method = message.startLine.split(" ")[0] ?? "";
    if (method === "INVITE") this.#invitations.set(branch, message);
    if (method === "BYE" || method === "NOTIFY" || method === "CANCEL") message.reply(response(message, "200 OK"));
    const cancelled = method === "CANCEL" ? this.#invitations.get(branch) : undefined;
    cancelled?.reply(response(cancelled, "487 Request Terminated", this.tagFor(cancelled)));
    const invite = this.#sent.get(branch);
    if (message.status >= 300 && invite !== undefined && / INVITE$/.test(message.header("CSeq"))) {
      message.reply(acknowledgement(invite, message));
    }
  }
}

/** A UDP socket at that port. */
export async function bound(port: number, host = "127.0.0.1"): Promise<Datagrams> {
  const datagrams = createSocket(host.includes(":") ? "udp6" : "udp4");
  await new Promise<void>((resolve, reject) => {
    datagrams.once("error", reject);
    datagrams.bind(port, host, resolve);
  });
  return datagrams;
}

/** RFC 3261 §17.1.1.3: the ACK of a failure has the INVITE's Request-URI, Via and CSeq number, and the response's To. */
function acknowledgement(invite: string, failure: SipText): string {
  const line = (name: string): string => new RegExp(`\r\n(?:${name})[ \t]*:[^\r]*`, "i").exec(invite)?.[0].slice(2) ?? "";
  return [
    invite.slice(0, invite.indexOf("\r\n")).replace(/^INVITE/, "ACK"),
    line("Via|v"),
    "Max-Forwards: 70",
    line("From|f"),
    `To: ${failure.header("To")}`,
    line("Call-ID|i"),
    `CSeq: ${failure.header("CSeq").replace("INVITE", "ACK")}`,
    "Content-Length: 0",
    "\r\n",
  ].join("\r\n");
}

/** Whether a response answers that request: the same branch in the topmost Via and the same CSeq. */
function answers(message: SipText, request: string): boolean {
  const branch = (text: string): string => /;\s*branch=([^;,\s]+)/i.exec(text)?.[1] ?? "";
  const cseq = /\r\nCSeq[ \t]*:[ \t]*([^\r]*)/i.exec(request)?.[1] ?? "";
  return branch(message.octets) === branch(request) && message.header("CSeq") === cseq;
}

// ------------------------------------------------------------------ the MSRP

/** One MSRP frame as it came. */
export interface MsrpText {
  /** `MSRP tid SEND` or `MSRP tid 200 OK`. */
  readonly startLine: string;
  readonly tid: string;
  /** The header lines, without the start line. */
  readonly head: string;
  readonly body: Buffer;
  /** `$` the last chunk, `+` more to come, `#` aborted. */
  readonly flag: string;
  header(name: string): string;
}

/** Cuts MSRP frames out of octets however they were segmented. */
export class MsrpFramer {
  #rest: Buffer = Buffer.alloc(0);

  push(octets: Buffer): MsrpText[] {
    this.#rest = Buffer.concat([this.#rest, octets]);
    const frames: MsrpText[] = [];
    for (let frame = this.#cut(); frame !== undefined; frame = this.#cut()) frames.push(frame);
    return frames;
  }

  #cut(): MsrpText | undefined {
    const firstEnd = this.#rest.indexOf("\r\n");
    if (firstEnd < 0) return undefined;
    const startLine = this.#rest.toString("latin1", 0, firstEnd);
    const tid = startLine.split(" ")[1] ?? "";
    const closing = `\r\n-------${tid}`;
    const at = this.#rest.indexOf(closing);
    const end = at + closing.length + 3;
    if (at < 0 || this.#rest.length < end) return undefined;
    const flag = String.fromCharCode(this.#rest[end - 3]!);
    // The end-line of a frame without a body follows the last header line directly, RFC 4975 §9.
    const blank = this.#rest.subarray(0, at).indexOf("\r\n\r\n");
    const headEnd = blank < 0 ? at : blank;
    const head = this.#rest.toString("latin1", firstEnd + 2, headEnd);
    const body = blank < 0 ? Buffer.alloc(0) : Buffer.from(this.#rest.subarray(blank + 4, at));
    this.#rest = this.#rest.subarray(end);
    return { startLine, tid, head, body, flag, header: (name) => headerOf(head, name) };
  }
}

function headerOf(head: string, name: string): string {
  const line = head.split("\r\n").find((one) => one.toLowerCase().startsWith(`${name.toLowerCase()}: `));
  if (line === undefined) throw new Error(`no ${name} in\n${head}`);
  return line.slice(name.length + 2);
}

/** A frame: the lines as they stand, the body octet by octet, the end-line. */
export function frame(startLine: string, lines: string, body: Buffer | string | undefined, flag = "$"): Buffer {
  const tid = startLine.split(" ")[1];
  const head = [startLine, ...crlf(lines).split("\r\n").filter((line) => line !== "")].join("\r\n");
  if (body === undefined) return Buffer.from(`${head}\r\n-------${tid}${flag}\r\n`, "latin1");
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`, "latin1"), Buffer.from(body), Buffer.from(`\r\n-------${tid}${flag}\r\n`, "latin1")]);
}

const asksMsrp = (wanted: Wanted<MsrpText>) => (one: MsrpText): boolean =>
  typeof wanted === "string" ? ` ${one.startLine.split(" ").slice(2).join(" ")} `.startsWith(` ${wanted} `)
  : wanted instanceof RegExp ? wanted.test(`${one.startLine}\r\n${one.head}\r\n\r\n${one.body.toString("latin1")}`)
  : wanted(one);

/** One end of one MSRP connection. */
export class MsrpPeer {
  readonly name: string;
  /** Answers every SEND that wants it with 200 at once; `false` leaves that to the test. */
  polite = true;
  /** Told when the connection is closed by the focus or lost. */
  readonly closed: Promise<void>;
  readonly #ladder: Ladder;
  readonly #socket: Socket;
  readonly #framer = new MsrpFramer();
  readonly #inbox = new Inbox<MsrpText>();

  constructor(name: string, ladder: Ladder, socket: Socket) {
    this.name = name;
    this.#ladder = ladder;
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
    this.closed = new Promise((resolve) => socket.on("close", () => resolve()));
    socket.on("data", (octets) => {
      for (const one of this.#framer.push(octets)) this.#take(one);
    });
  }

  /** Connects to the first URI of a path: by TLS to an msrps one. */
  static async connect(name: string, ladder: Ladder, path: string, certificate?: string): Promise<MsrpPeer> {
    const [, scheme, bracketed, port] = /^(msrps?):\/\/(\[[^\]]*\]|[^:/]*):(\d+)\//.exec(path) ?? [];
    const host = bracketed?.replace(/[[\]]/g, "");
    const socket = scheme === "msrps" ? connectTls({ port: Number(port), host, ca: certificate }) : createConnection(Number(port), host);
    await new Promise<void>((resolve, reject) => {
      socket.once(scheme === "msrps" ? "secureConnect" : "connect", resolve);
      socket.once("error", reject);
    });
    return new MsrpPeer(name, ladder, socket);
  }

  /** Says these octets, in as many writes as there are pieces; a pause between them keeps the segments apart. */
  async says(...pieces: (Buffer | string)[]): Promise<void> {
    const octets = pieces.map((piece) => Buffer.from(piece as string, "latin1"));
    this.#ladder.note(this.name, "focus", Buffer.concat(octets).toString("latin1"));
    for (const [index, piece] of octets.entries()) {
      if (index > 0) await quiet(2);
      if (this.#socket.destroyed) throw new Error(`${this.name}: the focus has closed the MSRP connection`);
      if (!this.#socket.write(piece)) await new Promise((resolve) => this.#socket.once("drain", resolve).once("close", resolve));
    }
  }

  hears(wanted: Wanted<MsrpText>, ms = deadlineMs): Promise<MsrpText> {
    return this.#inbox.next(asksMsrp(wanted), `${this.name}: ${String(wanted)} by MSRP`, ms);
  }

  async hearsNothing(wanted: Wanted<MsrpText> = () => true, ms = quietMs): Promise<void> {
    await quiet(ms);
    const heard = this.#inbox.unread(asksMsrp(wanted));
    if (heard.length > 0) throw new Error(`${this.name} should hear nothing by MSRP, and heard\n${heard.map(printed).join("\n")}`);
  }

  /** The response to the request with that transaction id. */
  answerTo(tid: string, ms = deadlineMs): Promise<MsrpText> {
    return this.hears((one) => one.tid === tid && /^MSRP \S+ \d{3}/.test(one.startLine), ms);
  }

  /** Stops reading: what comes stays in the network. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** The connection is gone, as when a device drops out of coverage and its address with it. */
  cut(): void {
    this.#socket.resetAndDestroy();
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(one: MsrpText): void {
    this.#ladder.note("focus", this.name, `${one.startLine}\r\n${one.head}\r\n\r\n${one.body.length} octets ${one.flag}`);
    if (/(^|[^\r])\n/.test(one.head)) this.#ladder.faults.push(`a bare LF in the head of ${one.startLine}`);
    if (this.polite && / SEND$/.test(one.startLine) && !/^Failure-Report: no/im.test(one.head)) this.#socket.write(okTo(one));
    this.#inbox.add(one);
  }
}

const printed = (one: MsrpText): string => `${one.startLine}\n${one.head}\n\n${one.body.toString("latin1", 0, 500)}\n${one.flag}`;

/** RFC 4975 §7.2: the paths change places, first URI of each. */
export function okTo(one: MsrpText, status = "200 OK"): Buffer {
  return frame(`MSRP ${one.tid} ${status}`, `
To-Path: ${one.header("From-Path").split(" ")[0]}
From-Path: ${one.header("To-Path").split(" ")[0]}`, undefined);
}

/** Waits for one whole MSRP message, chunk by chunk, each octet put where its Byte-Range says. */
export async function wholeMessage(peer: MsrpPeer, ms = deadlineMs): Promise<{ octets: Buffer; contentType: string; flag: string; chunks: number }> {
  const pieces: { at: number; octets: Buffer }[] = [];
  let messageId: string | undefined;
  for (;;) {
    const one = await peer.hears((heard) => heard.startLine.endsWith(" SEND") && (messageId === undefined || heard.header("Message-ID") === messageId), ms);
    messageId = one.header("Message-ID");
    pieces.push({ at: Number(one.header("Byte-Range").split("-")[0]) - 1, octets: one.body });
    if (one.flag !== "+") return { octets: assembled(pieces), contentType: one.header("Content-Type"), flag: one.flag, chunks: pieces.length };
  }
}

function assembled(pieces: { at: number; octets: Buffer }[]): Buffer {
  const whole = Buffer.alloc(Math.max(...pieces.map((piece) => piece.at + piece.octets.length)));
  for (const piece of pieces) piece.octets.copy(whole, piece.at);
  return whole;
}

export async function listening(host: string): Promise<Listener> {
  const listener = createServer();
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(0, host, resolve);
  });
  return listener;
}

// ----------------------------------------------------------- the focus itself

/** Where the focus listens; port 0 is nowhere. */
export interface FocusAddress {
  readonly host: string;
  readonly udp: number;
  readonly tcp: number;
  readonly tls: number;
  readonly msrp: number;
  readonly msrps: number;
  /** Of its TLS. */
  readonly certificate: string | undefined;
}

export interface FocusOptions {
  /** `--policy NAME=VALUE`, one each. */
  readonly policies?: Readonly<Record<string, string | number | boolean>>;
  readonly trust?: string;
  readonly host?: string;
  /** Key and certificate, PEM: it listens for TLS too. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** MSRP by TLS alone. */
  readonly onlySecureMsrp?: boolean;
  /** The timers of its machines expire when `expires` says so, and never by themselves. */
  readonly controlled?: boolean;
  /** More words for the command line. */
  readonly more?: readonly string[];
}

/** `CPM_FOCUS` names another program with the same command line. */
const program = process.env["CPM_FOCUS"] ?? "runtime/main.ts";

/** Runs a command that should end by itself; answers what it said and its exit code, null of one that was killed. */
export async function run(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [program, ...words], { cwd: projectRoot, env: { CPM_ADMIN: "none", ...process.env, ...environment }, stdio: ["ignore", "pipe", "pipe"] });
  const said = { out: "", err: "" };
  child.stdout.on("data", (octets) => (said.out += octets));
  child.stderr.on("data", (octets) => (said.err += octets));
  const late = setTimeout(() => child.kill("SIGKILL"), deadlineMs);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearTimeout(late);
  return { code, ...said };
}

/** The Controlling Function under test, as a process of its own. */
export class Focus {
  readonly address: FocusAddress;
  readonly #process: ChildProcess;
  readonly #directory: string;
  readonly #traceFile: string;
  readonly #said: string[];
  /** The last command: one waits for the answer to the one before. */
  #commands: Promise<void> = Promise.resolve();

  private constructor(address: FocusAddress, child: ChildProcess, directory: string, traceFile: string, said: string[]) {
    this.address = address;
    this.#process = child;
    this.#directory = directory;
    this.#traceFile = traceFile;
    this.#said = said;
  }

  static async start({ policies = {}, trust = "127.0.0.0/8", host = "127.0.0.1", tls, onlySecureMsrp = false, controlled = false, more = [] }: FocusOptions = {}): Promise<Focus> {
    const directory = mkdtempSync(join(tmpdir(), "cpm-wire-"));
    // Whoever set CPM_TRACES keeps the trace and judges it.
    const traceFile = join(process.env["CPM_TRACES"] ?? directory, `${basename(directory)}.ndjson`);
    const at = host.includes(":") ? `[${host}]:0` : `${host}:0`;
    for (const [name, text] of Object.entries(tls ?? {})) writeFileSync(join(directory, `${name}.pem`), text);
    const child = spawn(process.execPath, [
      program, "serve",
      "--listen", `udp:${at}`, "--listen", `tcp:${at}`, ...(onlySecureMsrp ? [] : ["--msrp", `tcp:${at}`]),
      ...(tls === undefined ? [] : ["--listen", `tls:${at}`, "--msrp", `tls:${at}`, "--tls-key", join(directory, "key.pem"), "--tls-cert", join(directory, "cert.pem")]),
      "--domain", "cpm.example", "--factory", "sip:conference-factory@cpm.example",
      "--trust", trust, "--trust", "::1",
      "--data", join(directory, "data"), "--trace", traceFile,
      ...Object.entries(policies).flatMap(([name, value]) => ["--policy", `${name}=${value}`]), ...(controlled ? ["--clock", "controlled"] : []), ...more,
    ], { cwd: projectRoot, env: { CPM_ADMIN: "none", ...process.env }, stdio: [controlled ? "pipe" : "ignore", "pipe", "pipe"] });
    const said: string[] = [];
    const ports = await listeners(child, said, ["sip udp", "sip tcp", ...(onlySecureMsrp ? [] : ["msrp tcp"]), ...(tls === undefined ? [] : ["sip tls", "msrp tls"])]);
    const address = { host, udp: ports["sip udp"]!, tcp: ports["sip tcp"]!, tls: ports["sip tls"] ?? 0, msrp: ports["msrp tcp"] ?? 0, msrps: ports["msrp tls"] ?? 0, certificate: tls?.cert };
    return new Focus(address, child, directory, traceFile, said);
  }

  /** The lines the process has printed last. */
  get lastWords(): string {
    return this.words.slice(-3_000);
  }

  /** Everything it has printed. */
  get words(): string {
    return this.#said.join("");
  }

  /** The lines in which it says that it itself is wrong: its log, and what Node prints of an exception that nobody caught. */
  get faults(): string[] {
    return this.words.split("\n").filter((line) => /^\S+Z error (?!the policies stay as they are)|^\s+at |Error: /.test(line));
  }

  /** The trace that it has written so far. */
  get trace(): string {
    return readFileSync(this.#traceFile, "utf8");
  }

  /** Lets a timer of that group expire, the `nth` of those that run under that name, in the order in which their machines began. */
  expires(identity: string, machine: string, timer: string, nth = 0): Promise<void> {
    const group = identity.slice("sip:".length, identity.indexOf("@"));
    const command = this.#commands.catch(() => {}).then(async () => {
      const before = this.words.length;
      this.#process.stdin!.write(`${JSON.stringify({ expire: { group, machine, timer, nth } })}\n`);
      await this.says(/^\{"expired":\w+\}$/m, deadlineMs, before);
      if (!/^\{"expired":true\}$/m.test(this.words.slice(before))) throw new Error(`no ${timer} runs in a ${machine} of ${identity}`);
    });
    this.#commands = command;
    return command;
  }

  signal(name: "SIGHUP" | "SIGTERM" | "SIGINT"): void {
    this.#process.kill(name);
  }

  /** Waits until it has printed that, after its first `from` letters. */
  async says(wanted: RegExp, ms = deadlineMs, from = 0): Promise<void> {
    for (const end = performance.now() + ms; !wanted.test(this.words.slice(from)); await quiet(5)) {
      if (performance.now() > end) throw new Error(`the focus did not say ${wanted} within ${ms} ms:\n${this.lastWords}`);
    }
  }

  /** SIGTERM; answers the exit code, which is null of a process that did not end in time and was killed. Patience 0 kills at once. */
  async stop(patienceMs = 10_000): Promise<number | null> {
    const late = setTimeout(() => this.#process.kill("SIGKILL"), patienceMs);
    this.#process.kill(patienceMs === 0 ? "SIGKILL" : "SIGTERM");
    const code = this.#process.exitCode ?? await new Promise<number | null>((resolve) => this.#process.once("exit", resolve));
    clearTimeout(late);
    rmSync(this.#directory, { recursive: true, force: true });
    return code;
  }
}

/** Waits for the line of every listener, `listening sip udp 127.0.0.1:40123`; answers their ports. */
function listeners(child: ChildProcess, said: string[], wanted: readonly string[]): Promise<Readonly<Record<string, number>>> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => child.kill("SIGKILL"), 15_000);
    const hear = (octets: Buffer): void => {
      said.push(octets.toString());
      const lines = said.join("").matchAll(/^listening (\w+ \w+) .*:(\d+)$/gm);
      const ports = Object.fromEntries([...lines].map(([, what, port]) => [what, Number(port)]));
      if (!wanted.every((what) => what in ports)) return;
      clearTimeout(late);
      child.removeListener("exit", ended);
      resolve(ports);
    };
    const ended = (): void => {
      clearTimeout(late);
      reject(new Error(`the focus ended before it listened:\n${said.join("")}`));
    };
    child.stdout?.on("data", hear);
    child.stderr?.on("data", hear);
    child.once("exit", ended);
  });
}
