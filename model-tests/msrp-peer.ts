import { once } from "node:events";
import net, { type Socket } from "node:net";
import tls from "node:tls";

/** A frame as it stood on the wire, taken apart by nothing of ours. */
export interface Frame {
  readonly octets: string;
  readonly id: string;
  /** `SEND`, `200 OK`, … */
  readonly what: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly flag: string;
}

/** The other side of an MSRP connection: writes what it is told and reads frames with an expression of its own. Text is latin1. */
export class MsrpPeer {
  readonly socket: Socket;
  /** This peer's own path; it never listens there. */
  readonly path: string;
  #text = "";
  readonly #frames: Frame[] = [];
  #wake: () => void = () => {};
  closed = false;

  constructor(socket: Socket, path: string) {
    this.socket = socket;
    this.path = path;
    socket.on("error", () => {});
    socket.on("close", () => {
      this.closed = true;
      this.#wake();
    });
    socket.on("data", (octets: Buffer) => this.#take(octets.toString("latin1")));
  }

  static async connect(localPath: string, path = "msrp://192.0.2.1:9/peer;tcp", options: tls.ConnectionOptions = {}): Promise<MsrpPeer> {
    const [, scheme, v6, v4, port] = /^(msrps?):\/\/(?:\[(.*)\]|([^:]*)):(\d+)/.exec(localPath)!;
    const target = { host: v6 ?? v4!, port: Number(port), noDelay: true };
    const socket = scheme === "msrps" ? tls.connect({ ...options, ...target }) : net.connect(target);
    const peer = new MsrpPeer(socket, path);
    await once(socket, scheme === "msrps" ? "secureConnect" : "connect");
    return peer;
  }

  write(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** A SEND of `lines` (header fields, then an empty line and the body, if any) to `toPath`. */
  send(toPath: string, id: string, lines: readonly string[], flag = "$"): void {
    this.write(`MSRP ${id} SEND\r\nTo-Path: ${toPath}\r\nFrom-Path: ${this.path}\r\n${lines.map((line) => `${line}\r\n`).join("")}-------${id}${flag}\r\n`);
  }

  /** The empty SEND that binds, and its answer. */
  async bind(toPath: string): Promise<Frame> {
    this.send(toPath, "bind1", ["Message-ID: bind1", "Byte-Range: 1-0/0"]);
    return this.next();
  }

  answer(frame: Frame, status: string): void {
    this.write(`MSRP ${frame.id} ${status}\r\nTo-Path: ${frame.fields["From-Path"]}\r\nFrom-Path: ${this.path}\r\n-------${frame.id}$\r\n`);
  }

  async next(): Promise<Frame> {
    while (this.#frames.length === 0) {
      if (this.closed) throw new Error("the connection is closed");
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#frames.shift()!;
  }

  /** Frames that came and were not asked for. */
  get waiting(): readonly Frame[] {
    return this.#frames;
  }

  async ended(): Promise<void> {
    while (!this.closed) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  close(): void {
    this.socket.destroy();
  }

  #take(text: string): void {
    this.#text += text;
    for (;;) {
      const start = /^MSRP (\S+) (.*)\r\n/.exec(this.#text);
      if (!start) break;
      const [line, id, what] = start as unknown as [string, string, string];
      const end = this.#text.indexOf(`\r\n-------${id}`, line.length - 2);
      const next = end + 2 + 7 + id.length + 3;
      if (end < 0 || this.#text.length < next) break;
      const frame = this.#text.slice(0, next);
      const blank = frame.indexOf("\r\n\r\n");
      const head = frame.slice(line.length, blank < 0 ? end + 2 : blank + 2);
      const fields = Object.fromEntries(head.split("\r\n").slice(0, -1).map((field) => field.split(/: (.*)/s) as [string, string]));
      this.#frames.push({ octets: frame, id, what, fields, body: blank < 0 ? undefined : frame.slice(blank + 4, Math.max(end, blank + 4)), flag: frame.at(-3)! });
      this.#text = this.#text.slice(next);
    }
    this.#wake();
  }
}
