/** The SIP sockets of one device: every octet in and out is heard and told, and nothing is sent that the player does not say. */
import { createSocket, type Socket as Datagrams } from "node:dgram";
import { once } from "node:events";
import { createConnection, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { answerTo, parseDatagram, SipUnreadable } from "../../runtime/sip/parse.ts";
import { PeerMisbehaved } from "../../runtime/errors.ts";
import type { SipMessage } from "../../runtime/sip/message.ts";
import { serialise } from "../../runtime/sip/serialise.ts";
import type { Target } from "./verdict.ts";

/** A message that came, and the way back to who sent it. */
export interface Heard {
  readonly message: SipMessage;
  /** The transport that it came by. */
  readonly transport: Target["transport"];
  /** Sends on the way by which it came. */
  reply(message: SipMessage): void;
}

export interface PortUser {
  onHeard(heard: Heard): void;
  /** Octets that are no message of SIP. */
  onNoise(why: string): void;
  onPassed(direction: "in" | "out", says: string, octets: Buffer): void;
}

type Where = Pick<Target, "host" | "port" | "transport" | "local">;

/** UDP and TCP at one port: a request that is too large for a datagram comes by TCP. @see RFC 3261 §18.1.1 */
export class SipPort {
  readonly port: number;
  readonly #target: Where;
  readonly #user: PortUser;
  readonly #listener: Server;
  readonly #datagrams: Datagrams | undefined;
  readonly #sockets = new Set<Socket>();
  #out: Socket | undefined;

  private constructor(target: Where, user: PortUser, listener: Server, datagrams: Datagrams | undefined) {
    this.port = (listener.address() as AddressInfo).port;
    this.#target = target;
    this.#user = user;
    this.#listener = listener;
    this.#datagrams = datagrams;
    listener.on("connection", (socket) => this.#listenTo(socket));
    datagrams?.on("message", (octets, from) => this.#take(octets, "udp", (reply) => datagrams.send(reply, from.port, from.address)));
    datagrams?.on("error", () => {});
  }

  /** @throws {Error} no port can be bound, or the target does not take the connection */
  static async open(target: Where, user: PortUser): Promise<SipPort> {
    for (let attempt = 0; ; attempt++) {
      const listener = createServer().listen(0, hostFor(target));
      await once(listener, "listening");
      if (target.transport === "tcp") return await new SipPort(target, user, listener, undefined).#connected();
      const datagrams = createSocket(hostFor(target).includes(":") ? "udp6" : "udp4");
      try {
        datagrams.bind((listener.address() as AddressInfo).port, hostFor(target));
        await once(datagrams, "listening");
        return new SipPort(target, user, listener, datagrams);
      } catch (fault) {
        // The port that TCP gave may be somebody else's on UDP.
        datagrams.close();
        listener.close();
        if (attempt === 20) throw fault;
      }
    }
  }

  async #connected(): Promise<this> {
    try {
      const socket = createConnection(this.#target.port, this.#target.host);
      await once(socket, "connect");
      this.#listenTo(socket);
      this.#out = socket;
      return this;
    } catch (fault) {
      this.close();
      throw fault;
    }
  }

  /** Where the target reaches us. */
  get host(): string {
    return hostFor(this.#target);
  }

  /** Sends them at once: over TCP as one write. */
  send(...messages: readonly SipMessage[]): void {
    const sent = messages.map(serialise);
    messages.forEach((message, index) => this.#user.onPassed("out", summary(message), sent[index]!));
    if (this.#datagrams) for (const octets of sent) this.#datagrams.send(octets, this.#target.port, this.#target.host);
    else if (this.#out?.writable) this.#out.write(Buffer.concat(sent));
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#listener.close();
    this.#datagrams?.close();
  }

  #listenTo(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true).on("error", () => {}).on("close", () => this.#sockets.delete(socket));
    const framer = new Framer();
    socket.on("data", (octets) => {
      for (const message of framer.push(octets)) this.#take(message, "tcp", (reply) => void (socket.writable && socket.write(reply)));
    });
  }

  #take(octets: Buffer, transport: Heard["transport"], back: (octets: Buffer) => void): void {
    if (/^[\r\n]*$/.test(octets.toString("latin1", 0, 4))) return;
    let message: SipMessage;
    try {
      message = parseDatagram(octets);
    } catch (fault) {
      if (!(fault instanceof PeerMisbehaved)) throw fault;
      this.#user.onPassed("in", octets.toString("latin1", 0, 60).split("\r\n", 1)[0]!, octets);
      return this.#user.onNoise(`${fault.fault} (${fault.clause})${fault instanceof SipUnreadable && answerTo(octets, fault) ? ", a request" : ""}`);
    }
    this.#user.onPassed("in", summary(message), octets);
    this.#user.onHeard({
      message,
      transport,
      reply: (said) => {
        const reply = serialise(said);
        this.#user.onPassed("out", summary(said), reply);
        back(reply);
      },
    });
  }
}

/** Peers at loopback are called there; elsewhere we listen on every address. */
const hostFor = ({ local, host }: Where): string => local ?? (host === "::1" ? "::1" : "127.0.0.1");

/** A message in one line: what it is, and what it answers. */
export function summary(message: SipMessage): string {
  const told = ["warning", "reason", "subscription-state"].flatMap((name) => message.get(name) ?? []);
  const what = message.isRequest ? message.method : `${message.status} ${message.reason} (${message.get("cseq")?.split(" ")[1] ?? ""})`;
  return [what, ...told].join(" · ");
}

const endOfHead = Buffer.from("\r\n\r\n");

/** Cuts a stream into messages as they came. @see RFC 3261 §18.3 */
class Framer {
  #rest: Buffer = Buffer.alloc(0);

  push(octets: Buffer): Buffer[] {
    this.#rest = this.#rest.length === 0 ? octets : Buffer.concat([this.#rest, octets]);
    const messages: Buffer[] = [];
    for (let end = this.#end(); end > 0 && end <= this.#rest.length; end = this.#end()) {
      messages.push(Buffer.from(this.#rest.subarray(0, end)));
      this.#rest = this.#rest.subarray(end);
    }
    return messages;
  }

  /** Where the first message ends; 0 while that is not known. */
  #end(): number {
    if (this.#rest[0] === 13 && this.#rest[1] === 10) return 2;
    const head = this.#rest.indexOf(endOfHead);
    if (head < 0) return 0;
    const length = /\r\n(?:content-length|l)[ \t]*:[ \t]*(\d{1,8})/i.exec(this.#rest.toString("latin1", 0, head + 2))?.[1];
    return head + endOfHead.length + Number(length ?? 0);
  }
}
