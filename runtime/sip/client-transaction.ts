import type { Clock, Timer } from "../clock.ts";
import { SipMessage } from "./message.ts";
import { serialise } from "./serialise.ts";
import {
  inviteClient,
  nonInviteClient,
  responseClass,
  type ClientAction,
  type ClientInput,
  type ClientState,
  type ClientTable,
} from "./transaction-tables.ts";
import type { Flow } from "./flow.ts";

export interface TransactionTimes {
  /** The round-trip time, estimated. */
  readonly t1Ms: number;
  /** The longest interval between retransmissions, except of INVITE. */
  readonly t2Ms: number;
  /** How long a message may stay in the network. */
  readonly t4Ms: number;
}

/** A header field's name and value. */
export type Field = readonly [name: string, value: string];

/** Who sent a request. One final response, `onTimeout` or `onTransportError` ends it. */
export interface ClientUser {
  /** Every provisional response, the final one, and every 2xx to INVITE, retransmitted and forked ones too. @see RFC 6026 §7.2 */
  /** `flow`: the peer's own connection, known where the request left on the one that a device registered. */
  onResponse(response: SipMessage, flow?: Flow): void;
  /** To be treated as 408. @see RFC 3261 §8.1.3.1 */
  onTimeout(): void;
  /** To be treated as 503; after a final response: its ACK could not be sent. @see RFC 3261 §8.1.3.1 */
  onTransportError(error: Error): void;
}

/** What a client transaction needs of its layer. */
export interface ClientLayer {
  readonly times: TransactionTimes;
  readonly timers: Pick<Clock, "after">;
  /** Sends the CANCEL as a transaction of its own with the same branch on the same flow. */
  sendCancel(cancel: SipMessage, flow: Flow): void;
  onEnd(machine: ClientMachine): void;
}

/** The client side of one transaction: runs `inviteClient` or `nonInviteClient`. @see RFC 3261 §17.1 */
export class ClientMachine implements Record<ClientAction, (response?: SipMessage, error?: Error) => void> {
  /** By what the layer finds it. */
  readonly key: string;
  readonly #layer: ClientLayer;
  readonly #table: ClientTable;
  readonly #user: ClientUser;
  #state: ClientState;
  /** Until the final response. */
  #request: SipMessage | undefined;
  #octets: Buffer | undefined;
  #flow: Flow | undefined;
  #ack: Buffer | undefined;
  /** The header fields of the CANCEL that waits for a provisional response. */
  #cancelFields: readonly Field[] | undefined;
  #cancelWanted = false;
  #intervalMs = 0;
  #retransmission: Timer | undefined;
  #lifetime: Timer | undefined;

  constructor(key: string, request: SipMessage, user: ClientUser, layer: ClientLayer) {
    this.key = key;
    this.#request = request;
    this.#user = user;
    this.#layer = layer;
    const invite = request.method === "INVITE";
    this.#table = invite ? inviteClient : nonInviteClient;
    this.#state = invite ? "calling" : "trying";
  }

  get state(): ClientState {
    return this.#state;
  }

  start(octets: Buffer, flow: Flow): void {
    this.#octets = octets;
    this.#flow = flow;
    this.#take("start");
  }

  receive(response: SipMessage): void {
    this.#take(responseClass(response.status), response);
  }

  cancel(fields: readonly Field[]): void {
    this.#cancelFields = fields;
    this.#take("cancel");
  }

  fail(error: Error): void {
    this.#take("transportError", undefined, error);
  }

  #take(input: ClientInput, response?: SipMessage, error?: Error): void {
    const cell = this.#table[this.#state]?.[input];
    if (cell === undefined) return;
    this.#state = cell.next;
    if (cell.next === "terminated") this.#end();
    for (const action of cell.actions) this[action](response, error);
  }

  #end(): void {
    this.stopTimers();
    this.release();
    this.#layer.onEnd(this);
  }

  readonly #failed = (error: Error): void => this.fail(error);

  sendRequest(): void {
    if (this.#octets !== undefined) this.#flow?.send(this.#octets, this.#failed);
  }

  /** @see RFC 3261 §17.1.1.3 */
  makeAck(response?: SipMessage): void {
    if (this.#request === undefined || response === undefined) return;
    this.#ack = serialise(follower("ACK", this.#request, response.get("To") ?? ""));
  }

  sendAck(): void {
    if (this.#ack !== undefined) this.#flow?.send(this.#ack, this.#failed);
  }

  wantCancel(): void {
    this.#cancelWanted = true;
  }

  cancelIfWanted(): void {
    if (this.#cancelWanted) this.sendCancel();
  }

  /** @see RFC 3261 §9.1 */
  sendCancel(): void {
    // While proceeding no timer runs but the one that a CANCEL starts: a second CANCEL finds it and stays home.
    if (this.#request === undefined || this.#flow === undefined || this.#lifetime !== undefined) return;
    const cancel = follower("CANCEL", this.#request, this.#request.get("To") ?? "");
    for (const [name, value] of this.#cancelFields ?? []) cancel.add(name, value);
    this.#layer.sendCancel(cancel, this.#flow);
    this.#live("cancelTimer", 64 * this.#layer.times.t1Ms);
  }

  pass(response?: SipMessage): void {
    if (response !== undefined) this.#user.onResponse(response);
  }

  release(): void {
    this.#request = undefined;
    this.#octets = undefined;
    this.#cancelFields = undefined;
  }

  informTimeout(): void {
    this.#user.onTimeout();
  }

  informTransportError(_response?: SipMessage, error?: Error): void {
    if (error !== undefined) this.#user.onTransportError(error);
  }

  stopTimers(): void {
    this.#retransmission?.stop();
    this.#lifetime?.stop();
    this.#retransmission = this.#lifetime = undefined;
  }

  startA(): void {
    const { t1Ms } = this.#layer.times;
    this.#retransmitAfter("timerA", this.#intervalMs === 0 ? t1Ms : 2 * this.#intervalMs);
  }

  startB(): void {
    this.#live("timerB", 64 * this.#layer.times.t1Ms);
  }

  /** At least 32 seconds over UDP, which is 64*T1 of the T1 that the standard gives. */
  startD(): void {
    this.#linger("timerD", 64 * this.#layer.times.t1Ms);
  }

  startE(): void {
    const { t1Ms, t2Ms } = this.#layer.times;
    this.#retransmitAfter("timerE", this.#intervalMs === 0 ? t1Ms : Math.min(2 * this.#intervalMs, t2Ms));
  }

  startEAtT2(): void {
    this.#retransmitAfter("timerE", this.#layer.times.t2Ms);
  }

  startF(): void {
    this.#live("timerF", 64 * this.#layer.times.t1Ms);
  }

  startK(): void {
    this.#linger("timerK", this.#layer.times.t4Ms);
  }

  startM(): void {
    this.#live("timerM", 64 * this.#layer.times.t1Ms);
  }

  /** Timers A and E do not run over a reliable transport. */
  #retransmitAfter(timer: ClientInput, ms: number): void {
    if (this.#flow?.reliable === true) return;
    this.#intervalMs = ms;
    this.#retransmission = this.#layer.timers.after(ms, () => this.#take(timer));
  }

  #live(timer: ClientInput, ms: number): void {
    this.#lifetime = this.#layer.timers.after(ms, () => this.#take(timer));
  }

  /** Timers D and K wait for late retransmissions, of which a reliable transport has none. */
  #linger(timer: ClientInput, ms: number): void {
    if (this.#flow?.reliable === true) this.#take(timer);
    else this.#live(timer, ms);
  }
}

/** The ACK or CANCEL that follows an INVITE hop by hop: the same branch, route and CSeq number. */
function follower(method: "ACK" | "CANCEL", invite: SipMessage, to: string): SipMessage {
  const message = SipMessage.request(method, invite.uri);
  message.add("Via", invite.via[0]?.raw ?? "");
  for (const route of invite.getAll("Route")) message.add("Route", route);
  return message
    .add("Max-Forwards", "70")
    .add("From", invite.get("From") ?? "")
    .add("To", to)
    .add("Call-ID", invite.callId)
    .add("CSeq", `${invite.cseq.seq} ${method}`);
}
