import type { Clock } from "../clock.ts";
import { PeerMisbehaved } from "../errors.ts";
import type { Random } from "../random.ts";
import { ClientMachine, type ClientLayer, type ClientUser, type Field, type TransactionTimes } from "./client-transaction.ts";
import { largestDatagramRequest, type Flow, type ReplyPath, type Target } from "./flow.ts";
import { MessageCounts } from "./message-counts.ts";
import type { SipMessage, Via } from "./message.ts";
import { createResponse, serialise } from "./serialise.ts";
import { ServerMachine, type ServerLayer, type ServerTransaction } from "./server-transaction.ts";
import { TimerQueues } from "./timer-queue.ts";

export type { ClientUser, ServerTransaction };

/** A request that went out. */
export interface ClientTransaction {
  readonly request: SipMessage;
  /** Cancels the INVITE, as soon as a provisional response has come; nothing once there is a final one. @see RFC 3261 §9.1 */
  cancel(fields?: readonly Field[]): void;
}

/** Who answers the requests. */
export interface TransactionUser {
  /** A new request, once; never ACK, never CANCEL. */
  onRequest(transaction: ServerTransaction): void;
  /** The ACK of a 2xx, every copy of it. @see RFC 3261 §13.3.1.4 */
  onAck(ack: SipMessage, flow: Flow): void;
  /** The peer cancelled an INVITE that has no final response yet; the CANCEL itself is answered already. @see RFC 3261 §9.2 */
  onCancel(invite: ServerTransaction, cancel: SipMessage): void;
  /** No ACK came for a final response other than 2xx (timer H). */
  onServerTimeout(transaction: ServerTransaction): void;
  /** A response could not be sent; not told of a 2xx, whose ACK will be missed. */
  onServerTransportError?(transaction: ServerTransaction, error: Error): void;
  /** A response that belongs to no request of ours. */
  onStrayResponse?(response: SipMessage): void;
}

/** What transactions need of the transport. */
export interface Sender {
  flowTo(target: Target, sizeOctets: number): Promise<Flow>;
  replyPath(request: SipMessage, flow: Flow): ReplyPath;
}

export interface TransactionLayerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Sender;
  readonly user: TransactionUser;
  readonly t1Ms?: number | undefined;
  readonly t2Ms?: number | undefined;
  readonly t4Ms?: number | undefined;
}

/** What the layer has seen since the start. */
export interface TransactionCounters {
  retransmissionsIn: number;
  strayResponses: number;
}

/** Every branch begins with it since RFC 3261; without it the older way of matching holds. @see RFC 3261 §8.1.1.7 */
const magicCookie = "z9hG4bK";
const tokenBits = 72;

const viaNames = { udp: "UDP", tcp: "TCP", tls: "TLS" } as const;

/** Nobody waits for the answer to a CANCEL: what counts is the INVITE's. */
const nobody: ClientUser = { onResponse() {}, onTimeout() {}, onTransportError() {} };

/** Requests and responses made reliable: every request passed up once, every response to whom it belongs. @see RFC 3261 §17, RFC 6026 */
export class TransactionLayer {
  readonly counters: TransactionCounters = { retransmissionsIn: 0, strayResponses: 0 };
  readonly messages = new MessageCounts();
  readonly times: TransactionTimes;
  /** Also for what the user retransmits itself: 2xx, reliable provisional responses. */
  readonly timers: TimerQueues;
  readonly #random: Random;
  readonly #transport: Sender;
  readonly #user: TransactionUser;
  readonly #clients = new Map<string, ClientMachine>();
  readonly #servers = new Map<string, ServerMachine>();
  readonly #ongoing = new Map<string, ServerMachine>();
  /** What the machines see of us. */
  readonly #clientLayer: ClientLayer;
  readonly #serverLayer: ServerLayer;

  constructor({ clock, random, transport, user, t1Ms = 500, t2Ms = 4000, t4Ms = 5000 }: TransactionLayerOptions) {
    const times = (this.times = { t1Ms, t2Ms, t4Ms });
    const timers = (this.timers = new TimerQueues(clock));
    this.#random = random;
    this.#transport = transport;
    this.#user = user;
    this.#clientLayer = {
      times,
      timers,
      sendCancel: (cancel, flow) => this.#clientFor(branchOf(cancel.via[0]), cancel, nobody).start(serialise(cancel), flow),
      onEnd: ({ key }) => this.#clients.delete(key),
    };
    this.#serverLayer = {
      times,
      timers,
      token: () => this.#token(),
      onRequest: (transaction) => user.onRequest(transaction),
      onAck: (ack, flow) => user.onAck(ack, flow),
      onTimeout: (transaction) => user.onServerTimeout(transaction),
      onTransportError: (transaction, error) => user.onServerTransportError?.(transaction, error),
      onEnd: (machine) => this.#forget(machine),
      onResponse: (method, response) => this.messages.response("out", method, response),
    };
  }

  /** Transactions alive. */
  get size(): { readonly client: number; readonly server: number } {
    return { client: this.#clients.size, server: this.#servers.size };
  }

  /** Takes a valid message from the transport. */
  receive(message: SipMessage, flow: Flow): void {
    try {
      if (!message.isRequest) this.#receiveResponse(message);
      else if (message.method === "ACK") this.#receiveAck(message, flow);
      else if (message.method === "CANCEL") this.#receiveCancel(message, flow);
      else this.#serverFor(message, flow)?.start();
    } catch (fault) {
      // What cannot even be matched has nobody to be passed to; the codec's own checks answer what can be answered.
      if (!(fault instanceof PeerMisbehaved)) throw fault;
    }
  }

  /** Sends a request other than ACK; its top Via is put here, with a new branch. */
  request(request: SipMessage, target: Target | Flow, user: ClientUser): ClientTransaction {
    const branch = this.#newBranch();
    const machine = this.#clientFor(branch, request, user);
    this.#route(
      request,
      branch,
      target,
      (octets, flow) => machine.start(octets, flow),
      (error) => machine.fail(error),
    );
    return { request, cancel: (fields = []) => machine.cancel(fields) };
  }

  /** Sends the ACK of a 2xx, which belongs to no transaction; a lost one is sent again when the 2xx is. @see RFC 3261 §13.2.2.4 */
  sendAck(ack: SipMessage, target: Target | Flow): void {
    this.messages.request("out", "ACK");
    this.#route(
      ack,
      this.#newBranch(),
      target,
      (octets, flow) => flow.send(octets),
      () => {},
    );
  }

  /** @see RFC 3261 §17.1.3, §8.1.3.3 */
  #receiveResponse(response: SipMessage): void {
    this.messages.response("in", response.cseq.method, response);
    const machine = this.#clients.get(clientKey(branchOf(response.via[0]), response.cseq.method));
    if (machine !== undefined && response.via.length === 1) return machine.receive(response);
    this.counters.strayResponses++;
    this.#user.onStrayResponse?.(response);
  }

  #receiveAck(ack: SipMessage, flow: Flow): void {
    this.messages.request("in", "ACK");
    const invite = this.#servers.get(serverKey(ack, "INVITE"));
    if (invite === undefined) this.#user.onAck(ack, flow);
    else invite.acknowledged(ack, flow);
  }

  /** @see RFC 3261 §9.2 */
  #receiveCancel(cancel: SipMessage, flow: Flow): void {
    const machine = this.#serverFor(cancel, flow);
    if (machine === undefined) return;
    const invite = this.#servers.get(serverKey(cancel, "INVITE"));
    if (invite === undefined) return machine.respond(createResponse(cancel, 481, undefined, this.#token()));
    machine.respond(createResponse(cancel, 200, undefined, invite.toTag));
    if (invite.transaction !== undefined && !invite.finalSent) this.#user.onCancel(invite.transaction, cancel);
  }

  /** The new transaction of a request; undefined when there is one, which then answers the retransmission. */
  #serverFor(request: SipMessage, flow: Flow): ServerMachine | undefined {
    const key = serverKey(request, request.method);
    const known = this.#servers.get(key);
    if (known !== undefined) {
      this.counters.retransmissionsIn++;
      known.retransmitted();
      return undefined;
    }
    this.messages.request("in", request.method);
    const mergeKey = mergeKeyOf(request);
    const merged = mergeKey !== undefined && this.#ongoing.has(mergeKey);
    const keys = { key: detached(key), mergeKey: mergeKey && detached(mergeKey), merged };
    const machine = new ServerMachine(keys, request, flow, this.#transport.replyPath(request, flow), this.#serverLayer);
    this.#servers.set(machine.key, machine);
    if (machine.mergeKey !== undefined && !merged) this.#ongoing.set(machine.mergeKey, machine);
    return machine;
  }

  #clientFor(branch: string, request: SipMessage, user: ClientUser): ClientMachine {
    this.messages.request("out", request.method);
    const machine = new ClientMachine(clientKey(branch, request.method), request, user, this.#clientLayer);
    this.#clients.set(machine.key, machine);
    return machine;
  }

  #forget(machine: ServerMachine): void {
    this.#servers.delete(machine.key);
    const { mergeKey } = machine;
    if (mergeKey !== undefined && this.#ongoing.get(mergeKey) === machine) this.#ongoing.delete(mergeKey);
  }

  #token(): string {
    return this.#random(tokenBits);
  }

  #newBranch(): string {
    return magicCookie + this.#token();
  }

  /** Puts the Via, which names the transport, and finds the flow, which depends on the size with the Via. */
  #route(request: SipMessage, branch: string, target: Target | Flow, leave: (octets: Buffer, flow: Flow) => void, failed: (error: Error) => void): void {
    if ("send" in target) return leave(withVia(request, branch, target), target);
    this.#flowFor(request, branch, target).then(({ octets, flow }) => leave(octets, flow), failed);
  }

  async #flowFor(request: SipMessage, branch: string, target: Target): Promise<{ octets: Buffer; flow: Flow }> {
    const flow = await this.#transport.flowTo(target, 0);
    const octets = withVia(request, branch, flow);
    if (flow.reliable || octets.length <= largestDatagramRequest) return { octets, flow };
    const wider = await this.#transport.flowTo(target, octets.length);
    return { octets: withVia(request, branch, wider), flow: wider };
  }
}

/** The request's octets with our Via on top. @see RFC 3261 §18.1.1, RFC 3581 §3 */
function withVia(request: SipMessage, branch: string, flow: Flow): Buffer {
  const via = `SIP/2.0/${viaNames[flow.transport]} ${flow.sentBy};branch=${branch};rport`;
  if (request.get("Via") === undefined) request.prepend("Via", via);
  else request.setTopVia(via);
  return serialise(request);
}

function branchOf(via: Via | undefined): string {
  return via?.params.get("branch") ?? "";
}

function clientKey(branch: string, method: string): string {
  return `${branch} ${method}`;
}

/**
 * By what a request finds its transaction; an ACK or CANCEL finds its INVITE by the same.
 *
 * Without the magic cookie it is what RFC 2543 compared, except To: its tag is
 * the response's in an ACK, and no two INVITEs differ in it alone.
 *
 * @see RFC 3261 §17.2.3
 */
function serverKey(request: SipMessage, method: string): string {
  const via = request.via[0];
  const branch = branchOf(via);
  if (branch.startsWith(magicCookie) && branch.length > magicCookie.length) return `${branch} ${via?.host.toLowerCase()}:${via?.port ?? ""} ${method}`;
  return [request.callId, request.cseq.seq, request.from.params.get("tag") ?? "", request.uri, via?.raw ?? "", method].join(" ");
}

/** What two copies of one request share whose paths differ; a request inside a dialog has no such copies. @see RFC 3261 §8.2.2.2 */
function mergeKeyOf(request: SipMessage): string | undefined {
  if (request.method === "CANCEL" || request.to.params.has("tag")) return undefined;
  return `${request.callId} ${request.cseq.seq} ${request.method} ${request.from.params.get("tag") ?? ""}`;
}

/**
 * The same string with octets of its own.
 *
 * V8 keeps a string that was cut out of another, or joined from such, as a
 * reference to the other: a key would keep the whole header of its request for
 * half a minute (measured: 1.4 KB a transaction instead of 0.7, and more the longer the header).
 */
function detached(key: string): string {
  return Buffer.from(key, "latin1").toString("latin1");
}
