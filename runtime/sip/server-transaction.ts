import type { Clock, Timer } from "../clock.ts";
import { PeerMisbehaved } from "../errors.ts";
import type { TransactionTimes } from "./client-transaction.ts";
import type { Flow, ReplyPath } from "./flow.ts";
import type { SipMessage } from "./message.ts";
import { createResponse, serialise } from "./serialise.ts";
import {
  inviteServer,
  nonInviteServer,
  responseClass,
  type ServerAction,
  type ServerInput,
  type ServerState,
  type ServerTable,
} from "./transaction-tables.ts";

/** A request that came in, and the responses to it. */
export interface ServerTransaction {
  readonly request: SipMessage;
  /** The flow on which the request came. */
  readonly flow: Flow;
  readonly method: string;
  /** The tag of our To in the responses to a request that has none; also in the 200 of its CANCEL. @see RFC 3261 §9.2 */
  readonly toTag: string;
  /** The same request came on another path and is still being worked on: the user answers 482. @see RFC 3261 §8.2.2.2 */
  readonly merged: boolean;
  readonly finalSent: boolean;
  /** Sends it. After a 2xx to INVITE only further 2xx leave (the user retransmits them); after any other final response nothing does. */
  respond(response: SipMessage): void;
}

/** What a server transaction needs of its layer. */
export interface ServerLayer {
  readonly times: TransactionTimes;
  readonly timers: Pick<Clock, "after">;
  token(): string;
  onRequest(transaction: ServerTransaction): void;
  onAck(ack: SipMessage, flow: Flow): void;
  onTimeout(transaction: ServerTransaction): void;
  onTransportError(transaction: ServerTransaction, error: Error): void;
  onEnd(machine: ServerMachine): void;
  /** A response leaves; not told of what the user or we send again after the final one. */
  onResponse?(method: string, response: SipMessage): void;
}

/** How long the user may take before 100 (Trying) leaves without it. @see RFC 3261 §17.2.1 */
const tryingMs = 200;

const slabOctets = 64 << 10;

/**
 * Where final responses wait for retransmitted requests.
 *
 * Small buffers of Node share their memory with whatever was made beside them,
 * and would keep it alive. Here only final responses lie together, which end
 * in the order in which they came.
 */
class Slabs {
  #slab = Buffer.alloc(0);
  #used = 0;

  keep(octets: Buffer): Buffer {
    if (this.#used + octets.length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(Math.max(slabOctets, octets.length));
      this.#used = 0;
    }
    const kept = this.#slab.subarray(this.#used, this.#used + octets.length);
    kept.set(octets);
    this.#used += octets.length;
    return kept;
  }
}

const finalResponses = new Slabs();

/**
 * The server side of one transaction: runs `inviteServer` or `nonInviteServer`.
 *
 * Once a final response has left, it holds that response's octets and not the
 * request: at ten thousand calls a second the requests of the last half minute
 * would be gigabytes.
 *
 * @see RFC 3261 §17.2
 */
export class ServerMachine implements Record<ServerAction, (message?: SipMessage, error?: Error) => void> {
  /** By what the layer finds it. */
  readonly key: string;
  /** By what the layer finds the same request on another path. */
  readonly mergeKey: string | undefined;
  readonly #layer: ServerLayer;
  readonly #table: ServerTable;
  readonly #path: ReplyPath;
  #state: ServerState;
  /** What the user sees; until the final response, or the ACK of one other than 2xx. */
  #transaction: ServerTransaction | undefined;
  #octets: Buffer | undefined;
  #toTag: string | undefined;
  #intervalMs = 0;
  #retransmission: Timer | undefined;
  #lifetime: Timer | undefined;
  /** The flow of the ACK that is being passed. */
  #ackFlow: Flow | undefined;

  constructor(keys: { readonly key: string; readonly mergeKey: string | undefined; readonly merged: boolean }, request: SipMessage, flow: Flow, path: ReplyPath, layer: ServerLayer) {
    this.key = keys.key;
    this.mergeKey = keys.mergeKey;
    this.#layer = layer;
    this.#path = path;
    const invite = request.method === "INVITE";
    this.#table = invite ? inviteServer : nonInviteServer;
    this.#state = invite ? "proceeding" : "trying";
    this.#transaction = new ReceivedRequest(this, request, flow, keys.merged);
  }

  get state(): ServerState {
    return this.#state;
  }

  /** What the user sees, while it can still be answered or acknowledged. */
  get transaction(): ServerTransaction | undefined {
    return this.#transaction;
  }

  get finalSent(): boolean {
    return this.#state !== "trying" && this.#state !== "proceeding";
  }

  get toTag(): string {
    return (this.#toTag ??= this.#layer.token());
  }

  start(): void {
    this.#take("start");
  }

  retransmitted(): void {
    this.#take("request");
  }

  acknowledged(ack: SipMessage, flow: Flow): void {
    this.#ackFlow = flow;
    this.#take("ACK", ack);
    this.#ackFlow = undefined;
  }

  respond(response: SipMessage): void {
    this.#take(responseClass(response.status), response);
  }

  #take(input: ServerInput, message?: SipMessage, error?: Error): void {
    const cell = this.#table[this.#state]?.[input];
    if (cell === undefined) return;
    this.#state = cell.next;
    if (cell.next === "terminated") this.#end();
    for (const action of cell.actions) this[action](message, error);
    if (cell.next !== "terminated") return;
    this.forgetResponse();
    this.release();
  }

  #end(): void {
    this.stopTimers();
    this.#layer.onEnd(this);
  }

  readonly #failed = (error: Error): void => this.#take("transportError", undefined, error);

  /** A request that the codec let pass and the user cannot read after all is answered, not passed on as a crash. */
  pass(): void {
    const transaction = this.#transaction;
    if (transaction === undefined) return;
    try {
      this.#layer.onRequest(transaction);
    } catch (fault) {
      if (!(fault instanceof PeerMisbehaved)) throw fault;
      this.respond(createResponse(transaction.request, fault.status, undefined, this.toTag));
    }
  }

  passAck(ack?: SipMessage): void {
    if (ack !== undefined && this.#ackFlow !== undefined) this.#layer.onAck(ack, this.#ackFlow);
  }

  sendTrying(): void {
    if (this.#transaction !== undefined) this.sendResponse(createResponse(this.#transaction.request, 100));
  }

  sendResponse(response?: SipMessage): void {
    if (response === undefined) return;
    this.#octets = serialise(response);
    if (this.#transaction !== undefined) this.#layer.onResponse?.(this.#transaction.method, response);
    this.resend();
  }

  resend(): void {
    if (this.#octets !== undefined) this.#path.send(this.#octets, this.#failed);
  }

  release(): void {
    this.#transaction = undefined;
    if (this.#octets !== undefined) this.#octets = finalResponses.keep(this.#octets);
  }

  forgetResponse(): void {
    this.#octets = undefined;
  }

  informTimeout(): void {
    if (this.#transaction !== undefined) this.#layer.onTimeout(this.#transaction);
  }

  informTransportError(_message?: SipMessage, error?: Error): void {
    if (this.#transaction !== undefined && error !== undefined) this.#layer.onTransportError(this.#transaction, error);
  }

  stopTimers(): void {
    this.#retransmission?.stop();
    this.#lifetime?.stop();
    this.#retransmission = this.#lifetime = undefined;
  }

  startTryingTimer(): void {
    this.#live("tryingTimer", tryingMs);
  }

  startG(): void {
    if (this.#path.reliable) return;
    const { t1Ms, t2Ms } = this.#layer.times;
    this.#intervalMs = this.#intervalMs === 0 ? t1Ms : Math.min(2 * this.#intervalMs, t2Ms);
    this.#retransmission = this.#layer.timers.after(this.#intervalMs, () => this.#take("timerG"));
  }

  startH(): void {
    this.#live("timerH", 64 * this.#layer.times.t1Ms);
  }

  startI(): void {
    this.#linger("timerI", this.#layer.times.t4Ms);
  }

  startJ(): void {
    this.#linger("timerJ", 64 * this.#layer.times.t1Ms);
  }

  startL(): void {
    this.#live("timerL", 64 * this.#layer.times.t1Ms);
  }

  #live(timer: ServerInput, ms: number): void {
    this.#lifetime = this.#layer.timers.after(ms, () => this.#take(timer));
  }

  /** Timers I and J wait for late retransmissions, of which a reliable transport has none. */
  #linger(timer: ServerInput, ms: number): void {
    if (this.#path.reliable) this.#take(timer);
    else this.#live(timer, ms);
  }
}

/** The user's view, apart from the machine, so that a finished machine can let go of the request. */
class ReceivedRequest implements ServerTransaction {
  readonly request: SipMessage;
  readonly flow: Flow;
  readonly merged: boolean;
  readonly #machine: ServerMachine;

  constructor(machine: ServerMachine, request: SipMessage, flow: Flow, merged: boolean) {
    this.#machine = machine;
    this.request = request;
    this.flow = flow;
    this.merged = merged;
  }

  get method(): string {
    return this.request.method;
  }

  get toTag(): string {
    return this.#machine.toTag;
  }

  get finalSent(): boolean {
    return this.#machine.finalSent;
  }

  respond(response: SipMessage): void {
    this.#machine.respond(response);
  }
}
