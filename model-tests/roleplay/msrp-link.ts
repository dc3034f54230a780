/** One MSRP connection of one session: the player says every frame, and answers every chunk when it wants to. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { PeerMisbehaved } from "../../runtime/errors.ts";
import { comments, type ContinuationFlag, type RequestHead } from "../../runtime/msrp/message.ts";
import { FrameParser } from "../../runtime/msrp/parse.ts";
import { formatBindFields, formatBodilessRequest, formatResponse, formatSendFields } from "../../runtime/msrp/serialise.ts";
import { parsePath } from "../../runtime/msrp/uri.ts";

/** A whole request as it came. */
export interface Frame {
  readonly head: RequestHead;
  readonly body: Buffer;
  readonly flag: ContinuationFlag;
}

export interface LinkUser {
  onRequest(frame: Frame): void;
  onResponse(transactionId: string, status: number): void;
  onClosed(): void;
  onNoise(why: string): void;
  onPassed(direction: "in" | "out", says: string, octets: Buffer): void;
}

/** What is sent in one SEND. */
export interface Chunk {
  readonly messageId: string;
  readonly contentType: string;
  readonly octets: Buffer;
  /** Where in the message it begins, counted from 0. */
  readonly at: number;
  readonly total: number;
  readonly flag: ContinuationFlag;
}

export class MsrpLink {
  readonly #socket: Socket;
  readonly #user: LinkUser;
  readonly #paths: { readonly to: string; readonly from: string };
  #closed = false;

  private constructor(socket: Socket, paths: { readonly to: string; readonly from: string }, user: LinkUser) {
    this.#socket = socket;
    this.#paths = paths;
    this.#user = user;
    const parser = new FrameParser(new Frames(user));
    socket.setNoDelay(true).on("error", () => {});
    socket.on("close", () => {
      if (!this.#closed) user.onClosed();
      this.#closed = true;
    });
    socket.on("data", (octets) => {
      user.onPassed("in", firstLine(octets), octets);
      try {
        parser.push(octets);
      } catch (fault) {
        if (!(fault instanceof PeerMisbehaved)) throw fault;
        user.onNoise(`${fault.fault} (${fault.clause})`);
      }
    });
  }

  /** Connects to the first URI of `to`. @throws {Error} nobody is there, or the path is none */
  static async connect(to: string, from: string, user: LinkUser): Promise<MsrpLink> {
    const [next] = parsePath(to);
    const socket = createConnection(next.port ?? 2855, next.host.replace(/^\[|\]$/g, ""));
    await once(socket, "connect");
    return new MsrpLink(socket, { to, from }, user);
  }

  /** The empty SEND that binds the session. @returns its transaction @see RFC 4975 §5.4 */
  bind(): string {
    const transaction = token();
    this.#write("SEND", Buffer.from(formatBodilessRequest(transaction, "SEND", this.#paths.to, this.#paths.from, formatBindFields(token())), "latin1"));
    return transaction;
  }

  /** @returns its transaction */
  send({ messageId, contentType, octets, at, total, flag }: Chunk): string {
    const transaction = token();
    const fields = formatSendFields({ messageId, contentType, failureReport: "yes", successReport: false, headers: [] }, { start: at + 1, end: at + octets.length, total });
    const head = `MSRP ${transaction} SEND\r\nTo-Path: ${this.#paths.to}\r\nFrom-Path: ${this.#paths.from}\r\n${fields}`;
    this.#write(`SEND ${at + 1}-${at + octets.length}/${total} ${flag}`, Buffer.concat([Buffer.from(head, "latin1"), octets, Buffer.from(`\r\n-------${transaction}${flag}\r\n`, "latin1")]));
    return transaction;
  }

  answer({ head }: Frame, status: number): void {
    if (head.method === "REPORT" || head.failureReport === "no" || (head.failureReport === "partial" && status === 200)) return;
    this.#write(`${status}`, Buffer.from(formatResponse(head, this.#paths.from, status, comments.get(status)), "latin1"));
  }

  /** Whether the request names this session, and comes from the other end of it. */
  isOurs({ head }: Frame): boolean {
    return head.toPath === this.#paths.from && head.fromPath === this.#paths.to;
  }

  /** The connection is gone, as of a phone that is out of reach. */
  cut(): void {
    this.#closed = true;
    this.#socket.destroy();
  }

  #write(says: string, octets: Buffer): void {
    this.#user.onPassed("out", says, octets);
    if (this.#socket.writable) this.#socket.write(octets);
  }
}

/** Collects the pieces of frames. */
class Frames {
  readonly #user: LinkUser;
  #head: RequestHead | undefined;
  #body: Buffer[] = [];

  constructor(user: LinkUser) {
    this.#user = user;
  }

  onRequest(head: RequestHead, fault: PeerMisbehaved | undefined): void {
    if (fault) this.#user.onNoise(`${fault.fault} (${fault.clause})`);
    this.#head = head;
    this.#body = [];
  }

  onBody(octets: Buffer): void {
    this.#body.push(Buffer.from(octets));
  }

  onEnd(flag: ContinuationFlag): void {
    this.#user.onRequest({ head: this.#head!, body: Buffer.concat(this.#body), flag });
  }

  onResponse(status: number, octets: Buffer, idStart: number, idEnd: number): void {
    this.#user.onResponse(octets.toString("latin1", idStart, idEnd), status);
  }
}

export const token = (): string => randomBytes(9).toString("hex");

const firstLine = (octets: Buffer): string => {
  const line = octets.toString("latin1", 0, 120).split("\r\n", 1)[0]!.split(" ").slice(2).join(" ");
  const range = /^Byte-Range: (\S+)/im.exec(octets.toString("latin1", 0, 1_000))?.[1];
  return range === undefined ? line : `${line} ${range}`;
};
