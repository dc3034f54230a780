import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { connect, createServer, type Server, type Socket } from "node:net";

/**
 * A SIP peer made of sockets and literal octets: it shares no code with what it
 * is to test. Messages come out as text, in the order in which they came in.
 */
export class Stranger {
  readonly port: number;
  readonly #send: (text: string, port: number) => void;
  readonly #close: () => void;
  readonly #received: string[] = [];
  readonly #waiting: { wanted: (message: string) => boolean; take: (message: string) => void }[] = [];

  private constructor(port: number, send: (text: string, port: number) => void, close: () => void) {
    this.port = port;
    this.#send = send;
    this.#close = close;
  }

  static async udp(): Promise<Stranger> {
    const socket: DatagramSocket = createSocket("udp4");
    await new Promise<void>((bound) => socket.bind(0, "127.0.0.1", bound));
    const stranger = new Stranger(socket.address().port, (text, port) => socket.send(text, port, "127.0.0.1"), () => socket.close());
    socket.on("message", (octets) => stranger.#take(octets.toString("latin1")));
    return stranger;
  }

  /** Listens; a message leaves on the one connection that there is, made if need be. */
  static async tcp(): Promise<Stranger> {
    let peer: Socket | undefined;
    let octets = "";
    const adopt = (socket: Socket) => {
      peer = socket;
      socket.on("error", () => {});
      socket.on("data", (chunk) => {
        octets += chunk.toString("latin1");
        for (let end = lengthOfFirst(octets); end !== undefined; end = lengthOfFirst(octets)) {
          stranger.#take(octets.slice(0, end));
          octets = octets.slice(end);
        }
      });
    };
    const server: Server = createServer(adopt);
    await new Promise<void>((bound) => server.listen(0, "127.0.0.1", bound));
    const { port } = server.address() as { port: number };
    const send = (text: string, to: number) => {
      if (peer === undefined || peer.destroyed) adopt(connect(to, "127.0.0.1"));
      peer?.write(text);
    };
    const stranger: Stranger = new Stranger(port, send, () => {
      peer?.destroy();
      server.close();
    });
    return stranger;
  }

  #take(message: string): void {
    const at = this.#waiting.findIndex(({ wanted }) => wanted(message));
    const [waiting] = at < 0 ? [] : this.#waiting.splice(at, 1);
    if (waiting) waiting.take(message);
    else this.#received.push(message);
  }

  /** Sends lines as a message with the Content-Length that the body asks for. */
  send(port: number, lines: readonly string[], body = ""): void {
    this.#send([...lines, `Content-Length: ${Buffer.byteLength(body)}`, "", body].join("\r\n"), port);
  }

  /** The first message that is wanted, one that has come already included; its place in the order does not matter. */
  receive(wanted: string | RegExp | ((message: string) => boolean), withinMs = 3000): Promise<string> {
    const matches = typeof wanted === "function" ? wanted : (message: string) => (typeof wanted === "string" ? message.startsWith(wanted) : wanted.test(message));
    const at = this.#received.findIndex(matches);
    if (at >= 0) return Promise.resolve(this.#received.splice(at, 1)[0] as string);
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error(`nothing came that is ${String(wanted)}; there is:\n${this.#received.join("\n")}`)), withinMs);
      this.#waiting.push({
        wanted: matches,
        take: (message) => {
          clearTimeout(limit);
          resolve(message);
        },
      });
    });
  }

  /** How many messages that came are still untaken and match. */
  count(wanted: RegExp): number {
    return this.#received.filter((message) => wanted.test(message)).length;
  }

  close(): void {
    this.#close();
  }
}

function lengthOfFirst(octets: string): number | undefined {
  const head = octets.indexOf("\r\n\r\n");
  if (head < 0) return undefined;
  const length = head + 4 + Number(/^content-length:\s*(\d+)/im.exec(octets.slice(0, head))?.[1] ?? 0);
  return octets.length >= length ? length : undefined;
}

/** The values of a header field of a message, line by line. */
export function values(message: string, name: string): string[] {
  const head = message.slice(0, message.indexOf("\r\n\r\n"));
  return head
    .split("\r\n")
    .slice(1)
    .filter((line) => line.slice(0, line.indexOf(":")).trim().toLowerCase() === name.toLowerCase())
    .map((line) => line.slice(line.indexOf(":") + 1).trim());
}

export function value(message: string, name: string): string {
  const [first] = values(message, name);
  if (first === undefined) throw new Error(`no ${name} in\n${message}`);
  return first;
}

export function status(message: string): number {
  return Number(message.slice(8, 11));
}

/** The lines of a response to a request that came in, before its Content-Length. */
export function response(request: string, line: string, toTag: string, more: readonly string[] = []): string[] {
  const to = value(request, "To");
  return [
    `SIP/2.0 ${line}`,
    ...values(request, "Via").map((via) => `Via: ${via}`),
    ...values(request, "Record-Route").map((route) => `Record-Route: ${route}`),
    `From: ${value(request, "From")}`,
    `To: ${to.includes(";tag=") ? to : `${to};tag=${toTag}`}`,
    `Call-ID: ${value(request, "Call-ID")}`,
    `CSeq: ${value(request, "CSeq")}`,
    ...more,
  ];
}
