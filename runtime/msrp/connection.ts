import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Clock } from "../clock.ts";
import { PeerMisbehaved } from "../errors.ts";
import { Tally } from "../tally.ts";
import type { ContinuationFlag, RequestHead } from "./message.ts";
import { FrameParser, type FrameUser } from "./parse.ts";
import { formatBodilessRequest, formatResponse, formatTransactionId, FrameWriter } from "./serialise.ts";
import { PendingRequests, type Pending } from "./transaction.ts";
import { firstOfPath } from "./uri.ts";

/** Why a session lost its connection. */
export type Loss =
  | "closed" // the peer, or the network between us, closed the connection
  | "notConnected" // we are active and could not connect
  | "notTrusted" // TLS: the certificate is neither trusted nor the one that the fingerprint names
  | "refused" // we are active and the peer did not answer the SEND that binds with 200
  | "malformed" // the peer broke the framing
  | "overflow"; // the peer does not read or does not answer: more is queued or unanswered than the limits allow

/** Where the octets of a SEND go. */
export interface BodySink {
  onBody(octets: Buffer): void;
  onEnd(flag: ContinuationFlag): void;
}

/** A session as its connection sees it. */
export interface Tenant {
  readonly localPath: string;
  /** Its path is an msrps one: only a TLS connection can speak for it. */
  readonly secure: boolean;
  /** The connection that it is bound to, or that waits for it to be told its peer. */
  readonly connection: Connection | undefined;
  /** False before `setRemote`. */
  readonly knowsPeer: boolean;
  isFrom(fromPath: string): boolean;
  /** Whether the connection has it among those that have something to write. */
  speaking: boolean;
  /** A connection asks to speak for the session, which does not know its peer yet; or (undefined) it is gone. */
  claim(connection: Connection | undefined): void;
  bind(connection: Connection): void;
  onConnected(): void;
  receiveSend(head: RequestHead): BodySink;
  receiveReport(head: RequestHead): void;
  /** Writes one frame. @returns false when there is none */
  writeFrame(connection: Connection): boolean;
  /** Writes what abandons its messages, as the last of it. */
  writeLast(connection: Connection): void;
  lose(reason: Loss): void;
}

export interface ConnectionLimits {
  readonly responseMs: number;
  readonly bindMs: number;
  readonly maxUnanswered: number;
}

/** What has gone through the connections since the start. */
export class Traffic {
  octetsIn = 0;
  octetsOut = 0;
  /** Requests that we answered with an error. */
  readonly refusals = new Tally("status");
}

/** What connections share. */
export interface Surroundings {
  readonly traffic: Traffic;
  readonly clock: Clock;
  readonly limits: ConnectionLimits;
  readonly turn: WriteTurn;
  find(toPath: string): Tenant | undefined;
  onClosed(connection: Connection): void;
}

/** Octets of one write at most; then the next connection has its turn. */
const writeOctets = 65_536;
/** Responses and reports that wait before we stop reading a peer that does not read. */
const maxWaitingTexts = 1024;

/**
 * Writes once a turn what the turn left for each connection.
 *
 * Many messages that arrive together become one write a socket: system calls,
 * not octets, are what a switch spends its time on.
 */
export class WriteTurn {
  readonly writer = new FrameWriter();
  #waiting: Connection[] = [];

  add(connection: Connection): void {
    if (this.#waiting.push(connection) === 1) setImmediate(() => this.#run());
  }

  #run(): void {
    const connections = this.#waiting;
    this.#waiting = [];
    for (const connection of connections) connection.flush();
  }
}

/**
 * One TCP or TLS connection and the sessions that it speaks for.
 *
 * It speaks for the sessions that it bound and for no other: a request that
 * names somebody else's session gets 506, one that names none gets 481.
 *
 * @see RFC 4975 §5.4
 */
export class Connection implements FrameUser {
  readonly pending: PendingRequests;
  readonly #socket: Socket;
  readonly #secure: boolean;
  readonly #around: Surroundings;
  readonly #parser: FrameParser;
  /** By local path, spelled as we do. */
  readonly #sessions = new Map<string, Tenant>();
  /** Sessions that have something to write; they take turns frame by frame. */
  readonly #speaking: Tenant[] = [];
  #speaker = 0;
  /** Frames without a body, which go before everything else. */
  #texts: string[] = [];
  #sink: BodySink | undefined;
  /** The request of a session that does not know its peer yet, and the octets behind it, wait. */
  #held: { session: Tenant; head: RequestHead; fault: PeerMisbehaved | undefined } | undefined;
  readonly #pausers = new Set<unknown>();
  #state: "connecting" | "open" | "ending" | "over";
  #scheduled = false;
  /** Since when it speaks for nobody. */
  #idleSince: number;
  /** The time of the write under way. */
  now: number;

  constructor(socket: Socket, prefix: string, around: Surroundings, state: "connecting" | "open") {
    this.#socket = socket;
    this.#secure = socket instanceof TLSSocket;
    this.#around = around;
    this.#state = state;
    this.now = this.#idleSince = around.clock.now();
    this.#parser = new FrameParser(this);
    this.pending = new PendingRequests(prefix);
    socket.setNoDelay(true);
    socket.on("data", (octets) => {
      around.traffic.octetsIn += octets.length;
      this.#read(() => this.#parser.push(octets));
    });
    socket.on("drain", () => this.#schedule());
    socket.on("error", () => {});
    socket.on("close", () => this.close(this.#state === "connecting" ? "notConnected" : "closed"));
  }

  get writer(): FrameWriter {
    return this.#around.turn.writer;
  }

  /** The connection that we asked for is there. */
  open(): void {
    if (this.#state !== "connecting") return;
    this.#state = "open";
    this.now = this.#around.clock.now();
    for (const session of [...this.#sessions.values()]) session.onConnected();
    this.#schedule();
  }

  /** From now on it speaks for this session. */
  add(session: Tenant): void {
    this.#sessions.set(session.localPath, session);
  }

  /** The session ended. Without any the connection is no use, and is closed after what is due is written. */
  remove(session: Tenant): void {
    // First of all: nothing that still comes is for it.
    const spoke = this.#sessions.delete(session.localPath);
    this.flush();
    this.#writeLast(session);
    const place = this.#speaking.indexOf(session);
    if (place >= 0) this.#speaking.splice(place, 1);
    if (this.#held?.session === session) this.proceed();
    if (spoke && this.#sessions.size === 0) this.#end();
    else this.resume(session);
  }

  /** The session has something to write. */
  speak(session: Tenant): void {
    if (!session.speaking) this.#speaking.push(session);
    session.speaking = true;
    this.#schedule();
  }

  /** Answers a request. A REPORT is never answered, nor is a SEND whose Failure-Report does not want it. @see RFC 4975 §7.2 */
  respond(head: RequestHead, localPath: string, status: number, comment?: string): void {
    if (head.method !== "REPORT" && status >= 400) this.#around.traffic.refusals.add(String(status));
    if (head.method === "REPORT" || head.failureReport === "no" || (head.failureReport === "partial" && status === 200)) return;
    this.#writeText(formatResponse(head, localPath, status, comment));
  }

  /** Sends a request without a body; `fields` are complete lines. */
  request(method: "SEND" | "REPORT", toPath: string, fromPath: string, fields: string, pending?: Pending): void {
    const transactionId = formatTransactionId(this.pending.prefix, this.pending.add(pending));
    this.#writeText(formatBodilessRequest(transactionId, method, toPath, fromPath, fields));
  }

  #writeText(frame: string): void {
    if (this.#texts.push(frame) > maxWaitingTexts) this.pause(this);
    this.#schedule();
  }

  /** Reads no more until everybody who paused it has resumed it. */
  pause(who: unknown): void {
    this.#pausers.add(who);
    this.#parser.suspend();
    this.#socket.pause();
  }

  resume(who: unknown): void {
    if (!this.#pausers.delete(who) || this.#pausers.size > 0 || this.#state === "over") return;
    this.#socket.resume();
    this.#read(() => this.#parser.resume());
  }

  /** A session that a request waited for knows its peer now, or is over. */
  proceed(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    this.#begin(held.head, held.fault);
    this.resume(held);
  }

  /** What takes too long: responses, and the first request. */
  sweep(): void {
    const { limits, clock } = this.#around;
    const now = clock.now();
    for (let late = this.pending.takeBefore(now - limits.responseMs); late; late = this.pending.takeBefore(now - limits.responseMs)) {
      late.settle(408);
    }
    if (this.#sessions.size > 0) this.#idleSince = now;
    else if (now - this.#idleSince >= limits.bindMs) this.close("closed");
  }

  /** The end, for the socket and for every session; once. */
  close(reason: Loss): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#parser.suspend();
    this.#socket.destroy();
    this.#loseSessions(reason);
    this.#around.onClosed(this);
  }

  #loseSessions(reason: Loss): void {
    const sessions = [...this.#sessions.values()];
    const held = this.#held;
    this.#held = undefined;
    this.#sessions.clear();
    this.#speaking.length = 0;
    this.#texts.length = 0;
    held?.session.claim(undefined);
    for (const session of sessions) session.lose(reason);
  }

  // Reading

  #read(step: () => void): void {
    if (this.#state === "over" || this.#state === "ending") return;
    try {
      step();
    } catch (error) {
      if (!(error instanceof PeerMisbehaved)) {
        this.close("closed");
        throw error;
      }
      const head = this.#parser.answerable;
      if (head !== undefined) this.respond(head, firstOfPath(head.toPath), error.status);
      this.flush();
      this.#end();
      this.#loseSessions("malformed");
    }
  }

  onRequest(head: RequestHead, fault: PeerMisbehaved | undefined): void {
    this.#sink = undefined;
    if (this.#state !== "open") return;
    if (head.method === "SEND" || head.method === "REPORT") this.#begin(head, fault);
    else this.respond(head, firstOfPath(head.toPath), 501);
  }

  onBody(octets: Buffer): void {
    this.#sink?.onBody(octets);
  }

  onEnd(flag: ContinuationFlag): void {
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.onEnd(flag);
  }

  /** A response to something that we did not ask is nobody's, e.g. to a REPORT. */
  onResponse(status: number, octets: Buffer, idStart: number, idEnd: number): void {
    this.pending.take(octets, idStart, idEnd)?.settle(status);
  }

  #begin(head: RequestHead, fault: PeerMisbehaved | undefined): void {
    const session = this.#sessions.get(head.toPath) ?? this.#find(head.toPath);
    if (session === undefined) return this.respond(head, firstOfPath(head.toPath), 481);
    if (session.connection !== undefined && session.connection !== this) return this.respond(head, firstOfPath(head.toPath), 506);
    if (!session.knowsPeer) return this.#hold(session, head, fault);
    if (!session.isFrom(head.fromPath)) return this.respond(head, session.localPath, 481);
    if (fault !== undefined) return this.respond(head, session.localPath, fault.status);
    if (!this.#sessions.has(session.localPath)) {
      if (head.method !== "SEND") return;
      this.add(session);
      session.bind(this);
    }
    if (head.method === "SEND") this.#sink = session.receiveSend(head);
    else session.receiveReport(head);
  }

  #find(toPath: string): Tenant | undefined {
    const session = this.#around.find(toPath);
    return session?.secure === this.#secure || session?.connection === this ? session : undefined;
  }

  #hold(session: Tenant, head: RequestHead, fault: PeerMisbehaved | undefined): void {
    this.#held = { session, head, fault };
    this.pause(this.#held);
    session.claim(this);
  }

  // Writing

  #schedule(): void {
    if (this.#scheduled || this.#state !== "open") return;
    this.#scheduled = true;
    this.#around.turn.add(this);
  }

  /** Writes what is due, as far as the socket takes it. Calls nobody before it is done: the writer is everybody's. */
  flush(): void {
    this.#scheduled = false;
    if (this.#state !== "open") return;
    this.now = this.#around.clock.now();
    while (!this.#socket.writableNeedDrain && this.#fill()) this.#write();
    if (this.pending.size > this.#around.limits.maxUnanswered) this.close("overflow");
    else if (this.#texts.length === 0) this.resume(this);
  }

  /** What is due without a body goes out although the socket has enough: it is little, and there is no later. */
  #writeLast(session: Tenant): void {
    if (this.#state !== "open") return;
    this.#fillTexts();
    session.writeLast(this);
    if (this.writer.octets > 0) this.#write();
  }

  #write(): void {
    this.#around.traffic.octetsOut += this.writer.octets;
    this.writer.writeTo(this.#socket);
  }

  #fillTexts(): void {
    for (const frame of this.#texts) this.writer.text(frame);
    this.#texts.length = 0;
  }

  /** @returns whether there is something for the socket */
  #fill(): boolean {
    const writer = this.writer;
    this.#fillTexts();
    while (this.#speaking.length > 0 && writer.octets < writeOctets) {
      if (this.#speaker >= this.#speaking.length) this.#speaker = 0;
      const session = this.#speaking[this.#speaker]!;
      if (session.writeFrame(this)) {
        this.#speaker++;
      } else {
        session.speaking = false;
        this.#speaking.splice(this.#speaker, 1);
      }
    }
    return writer.octets > 0;
  }

  /** Closes after what was written; what still comes is not read. */
  #end(): void {
    if (this.#state !== "open") return this.close("closed");
    this.#state = "ending";
    this.#idleSince = this.now;
    this.#parser.suspend();
    this.#socket.end();
    this.#socket.resume();
  }
}
