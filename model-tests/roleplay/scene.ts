/**
 * The scene of one tour: its users on their sockets, their transactions, and the dialogs that the model has a machine for.
 *
 * What a user agent says without being asked is said here: 100, the ACK of a refusal, the 200 of a CANCEL and of a NOTIFY, and
 * again what was said when a request is repeated. Everything else is handed to whoever watches.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Seat, Sender } from "../../machines/terms.ts";
import { serviceOf } from "../../runtime/body/feature-tags.ts";
import type { MessageMedia } from "../../runtime/body/sdp.ts";
import { escape } from "../../runtime/client/ladder.ts";
import { PeerMisbehaved } from "../../runtime/errors.ts";
import type { SipMessage } from "../../runtime/sip/message.ts";
import { parseNameAddr, parseUri } from "../../runtime/sip/uri.ts";
import { ControllingFunction, type Address } from "../composition/controlling-function.ts";
import { ackOf, answerOf, Dialog, User } from "./cast.ts";
import type { Contribution, OfferedFile, Watcher } from "./checks.ts";
import type { Delivery, Upload } from "./file.ts";
import { MsrpLink, token, type Frame } from "./msrp-link.ts";
import { modelPolicy, type PolicySet } from "./policy-sets.ts";
import { startOf, type Place } from "./possible-steps.ts";
import { SipPort, summary, type Heard } from "./sip-port.ts";
import type { LadderLine, Target, WireTour } from "./verdict.ts";
import { otherwise, Watch, wrong } from "./watch.ts";

/** How long anything that has to come may take. */
export const patienceMs = 5_000;

/** How long an OPTIONS on their connection may take: not everybody answers there. */
const wayMs = 500;

/** What a tour needs could not be had: nothing is said about the target. */
export class NotSetUp extends Error {
  override readonly name = "NotSetUp";
}

/** A request of ours. */
export interface Sent {
  readonly by: User;
  readonly request: SipMessage;
  /** Who waits for the answer, where it is not the watch. */
  readonly answered?: ((response: SipMessage) => void) | undefined;
  /** A response that is not final has come. */
  onProvisional?: (() => void) | undefined;
  provisional: boolean;
  final?: SipMessage;
  ack?: SipMessage;
}

/** One dialog with an MSRP session, from its INVITE on: theirs, or ours. */
export class Leg {
  readonly number: number;
  readonly user: User;
  readonly device: number;
  /** Our tag in answers. */
  readonly tag = token();
  /** Our MSRP path. */
  readonly path: string;
  readonly contribution: Contribution;
  dialog: Dialog | undefined;
  /** Their INVITE, to be answered. */
  invite: Heard | undefined;
  /** Our INVITE. */
  sent: Sent | undefined;
  /** Their half of the session description. */
  remote: MessageMedia | undefined;
  link: MsrpLink | undefined;
  /** Their BYE, and their refresh, to be answered. */
  bye: Heard | undefined;
  refresh: Heard | undefined;
  sdpVersion = 1;
  /** Messages that wait for the MSRP session. */
  readonly waiting: Buffer[] = [];
  upload: Upload | undefined;
  delivery: Delivery | undefined;

  constructor(number: number, user: User, device: number, contribution: Contribution) {
    this.number = number;
    this.user = user;
    this.device = device;
    this.contribution = contribution;
    const { host } = user.port;
    this.path = `msrp://${host.includes(":") ? `[${host}]` : host}:9/${token()};tcp`;
  }

  /** Every other one has no UPDATE, so that its refresh is a re-INVITE. */
  get takesUpdate(): boolean {
    return this.number % 2 === 0;
  }
}

export class Subscription {
  readonly number: number;
  readonly user: User;
  readonly watcher: Watcher;
  dialog: Dialog | undefined;
  /** A NOTIFY to be answered. */
  notify: Heard | undefined;

  constructor(number: number, user: User, watcher: Watcher) {
    this.number = number;
    this.user = user;
    this.watcher = watcher;
  }
}

/** A file that was offered to the group. */
export interface Transfer {
  readonly from: Seat;
  readonly contributionId: string;
  readonly offered: OfferedFile;
  readonly upload: Upload;
}

export const channels = {
  answer: (request: SipMessage) => `answer ${keyOf(request)}`,
  call: ({ uri }: User, service: string) => `call ${uri} ${service}`,
  dialog: ({ number }: Leg) => `dialog ${number}`,
  subscription: ({ number }: Subscription) => `subscription ${number}`,
  msrp: ({ number }: Leg) => `msrp ${number}`,
  msrpAnswer: ({ number }: Leg) => `msrp-answer ${number}`,
  file: ({ number }: Leg) => `file ${number}`,
} as const;

const keyOf = (message: SipMessage): string => `${message.callId} ${message.cseq.seq} ${message.cseq.method}`;

/** What a tour needs of the room for files; its steps say it. */
export function spoolOf({ steps }: Pick<WireTour, "steps">): PolicySet["spool"] {
  const found = steps.flatMap((step) => step.flatMap(({ event }) => (event.type === "largeMessage.execute" ? [event["spool"] as "ready" | "exhausted"] : [])));
  if (found.includes("exhausted")) return "exhausted";
  return found.length > 0 || steps.some((step) => step.some(({ event }) => event.type === "sip.CANCEL") && step.length > 1) ? "slow" : "ready";
}

/** Compositions by their policies: what one tour has stepped through, the next need not. */
const compositions = new Map<string, ControllingFunction>();

function compositionOf(tour: WireTour): ControllingFunction {
  const { policies, closed } = tour;
  const spool = spoolOf(tour) === "ready" ? "immediate" : "separate";
  const key = JSON.stringify([policies, closed, spool]);
  const known = compositions.get(key) ?? new ControllingFunction(modelPolicy({ policies, closed }), { spool });
  compositions.set(key, known);
  return known;
}

const names = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "kim", "leo"];
const nameOf = (number: number): string => names[number] ?? `user${number}`;
const outsider = "mallory";

export class Scene {
  readonly tour: WireTour;
  readonly target: Target;
  readonly model: ControllingFunction;
  readonly watch = new Watch();
  readonly ladder: LadderLine[] = [];
  readonly domain: string;
  /** Where the model is: after the step under way. */
  place: Place;
  /** The step under way, from 0. */
  at = -1;
  readonly seats: User[] = [];
  readonly legs = new Map<Address, Leg>();
  readonly subscriptions = new Map<Address, Subscription>();
  readonly transfers = new Map<number, Transfer>();
  /** The dialogs and subscriptions by their Call-ID. */
  readonly #ofCall = new Map<string, Leg | Subscription>();
  readonly conversationId = token();
  readonly contributionId = token();
  /** Whom the creator invited. */
  recipients: readonly string[] = [];
  /** Those who were named and are not seated. */
  readonly newcomers: User[] = [];
  /** Subscriptions whose NOTIFYs are not answered at once. */
  holds: Address | undefined;
  readonly #began = performance.now();
  readonly #tag = token().slice(0, 10);
  readonly #users = new Map<string, User>();
  readonly #ports: SipPort[] = [];
  readonly #sent = new Map<string, Sent>();
  /** What was said last to every request that came. */
  readonly #seen = new Map<string, { answer: (() => void) | undefined }>();
  /** Final responses above 299 to their INVITEs: their ACK is nobody's business. */
  readonly #refused = new Set<string>();
  /** The way by which something was answered last. */
  #way: { readonly user: User; readonly heard: Heard } | undefined;
  #identity: string | undefined;
  #count = 0;

  constructor(tour: WireTour, target: Target) {
    this.tour = tour;
    this.target = target;
    this.model = compositionOf(tour);
    this.place = startOf(this.model);
    this.domain = parseUri(target.factory).host;
  }

  close(): void {
    for (const { link } of this.legs.values()) link?.cut();
    for (const port of this.#ports) port.close();
  }

  get identity(): string {
    if (this.#identity === undefined) throw new NotSetUp("the focus has not said what the group is called");
    return this.#identity;
  }

  /** The Group Session Identity, as the first Contact says it. @returns whether it is the same in this one */
  isIdentity(uri: string): boolean {
    this.#identity ??= uri;
    return userOf(uri) === userOf(this.#identity);
  }

  /** The user part of the identity. */
  get group(): string {
    return userOf(this.identity) ?? "";
  }

  // ---------------------------------------------------------------- users

  userOf(who: Sender): User {
    const user = who === "stranger" ? this.#users.get(outsider) : this.seats[who];
    if (user === undefined) throw new NotSetUp(`nobody sits at ${who}`);
    return user;
  }

  /** Everybody for a group of that many. */
  async seat(count: number): Promise<void> {
    for (let seat = 0; seat < count; seat++) this.seats[seat] = await this.#userNamed(nameOf(seat));
  }

  async admitOutsider(): Promise<void> {
    await this.#userNamed(outsider);
  }

  /** That many who do not sit in the group. */
  async bring(count: number): Promise<void> {
    while (this.newcomers.length < count) this.newcomers.push(await this.#userNamed(nameOf(this.#users.size)));
  }

  async #userNamed(name: string): Promise<User> {
    const known = this.#users.get(name);
    if (known) return known;
    let user: User | undefined;
    const port = await SipPort.open(this.target, {
      onHeard: (heard) => this.#guard(() => user && this.#hear(user, heard)),
      onNoise: (why) => this.watch.find(wrong(`octets that are no SIP message: ${why}`)),
      onPassed: (direction, says, octets) => this.#note(direction, name, says, octets),
    }).catch((fault: Error) => {
      throw new NotSetUp(`${name} cannot reach the target: ${fault.message}`);
    });
    this.#ports.push(port);
    user = new User(`${name}-${this.#tag}`, `sip:${name}-${this.#tag}@${this.domain}`, port, this.target.transport);
    const register = user.request("REGISTER", `sip:${this.domain}`, { headers: [["Contact", user.contact("session", 0)], ["Expires", "3600"]] }).set("To", `<${user.uri}>`);
    const status = await this.#ask(user, register);
    if (status !== 200) throw new NotSetUp(status === undefined ? `the REGISTER of ${name} was not answered` : `the REGISTER of ${name} was answered ${status}`);
    this.#users.set(name, user);
    return user;
  }

  /**
   * Everything that the target does in this turn has been said when it answers this: on the way by which the step's message has
   * gone, too, for one connection may be read before another.
   */
  async barrier(): Promise<boolean> {
    const [user] = this.#users.values();
    if (user === undefined) return true;
    const way = this.#way;
    this.#way = undefined;
    if (way) await Promise.race([this.#ask(way.user, this.#options(way.user).set("Via", way.user.viaBy(way.heard.transport)), way.heard.reply), pause(wayMs)]);
    return (await this.#ask(user, this.#options(user))) !== undefined;
  }

  #options(user: User): SipMessage {
    return user.request("OPTIONS", `sip:${this.domain}`, {});
  }

  /** @returns the status of the answer; undefined: there was none */
  async #ask(user: User, request: SipMessage, send = (message: SipMessage) => user.port.send(message)): Promise<number | undefined> {
    return await new Promise((resolve) => {
      const late = setTimeout(resolve, patienceMs, undefined);
      this.ask(user, request, ({ status }) => {
        clearTimeout(late);
        resolve(status);
      });
      send(request);
    });
  }

  // ---------------------------------------------------------------- dialogs

  /** A dialog that begins, theirs or ours. */
  leg(address: Address | undefined, user: User, device: number, contribution: Contribution): Leg {
    const leg = new Leg(this.#count++, user, device, contribution);
    if (address !== undefined) this.legs.set(address, leg);
    return leg;
  }

  subscription(address: Address, user: User, watcher: Watcher, callId: string): Subscription {
    const subscription = new Subscription(this.#count++, user, watcher);
    this.subscriptions.set(address, subscription);
    this.#ofCall.set(callId, subscription);
    return subscription;
  }

  /** From now on the requests of that Call-ID are the leg's. */
  follow(callId: string, leg: Leg): void {
    this.#ofCall.set(callId, leg);
  }

  /** What no machine is left of is forgotten; its late requests are still known. */
  forget(): void {
    const { instances } = this.place.server;
    for (const [address, leg] of this.legs) {
      if (instances.has(address)) continue;
      leg.link?.cut();
      this.legs.delete(address);
    }
    for (const address of this.subscriptions.keys()) if (!instances.has(address)) this.subscriptions.delete(address);
    for (const transfer of this.transfers.keys()) if (!instances.has(`transfer ${transfer}`) && !this.place.server.relays.has(transfer)) this.transfers.delete(transfer);
  }

  /** Connects the MSRP session of a leg. */
  async connect(leg: Leg): Promise<MsrpLink> {
    const path = leg.remote?.path.join(" ");
    if (path === undefined) throw new NotSetUp("the focus has not said its MSRP path");
    const { name } = leg.user;
    leg.link = await MsrpLink.connect(path, leg.path, {
      onRequest: (frame) => this.#guard(() => this.#hearMsrp(leg, frame)),
      onResponse: (_, status) => this.watch.arrive(channels.msrpAnswer(leg), `${status} by MSRP for ${plain(name)}`, status),
      onClosed: () => {
        const [address] = [...this.legs].find(([, one]) => one === leg) ?? [];
        if (address !== undefined && this.place.connected.has(address)) this.watch.find(wrong(`the focus closed the MSRP connection of ${plain(name)}`));
      },
      onNoise: (why) => this.watch.find(wrong(`octets that are no MSRP: ${why}`)),
      onPassed: (direction, says, octets) => this.#note(direction, plain(name), says, octets),
    }).catch((fault: Error): never => {
      throw new NotSetUp(`the MSRP connection to ${path}: ${fault.message}`);
    });
    return leg.link;
  }

  // ---------------------------------------------------------------- what is heard

  /** A request whose answer somebody waits for. */
  ask(by: User, request: SipMessage, answered?: (response: SipMessage) => void): Sent {
    const sent: Sent = { by, request, answered, provisional: false };
    this.#sent.set(keyOf(request), sent);
    return sent;
  }

  /** A fault of the player is not the target's: the tour is over, and decides nothing. */
  #guard(hear: () => void): void {
    try {
      hear();
    } catch (fault) {
      if (fault instanceof PeerMisbehaved) this.watch.find(wrong(`${fault.fault} (${fault.clause})`));
      else this.watch.find(otherwise(`the player broke: ${fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)}`));
    }
  }

  #hear(user: User, heard: Heard): void {
    const { message } = heard;
    // A port of a tour that is over may be ours now: what is still repeated to its user is nothing to us.
    if (!(message.isRequest ? message.to : message.from).uri.includes(this.#tag)) return;
    if (message.isRequest) this.#hearRequest(user, heard);
    else this.#hearResponse(user, message);
  }

  #hearResponse(user: User, response: SipMessage): void {
    const sent = this.#sent.get(keyOf(response));
    if (sent === undefined) return this.watch.find(wrong(`${plain(user.name)} got ${summary(response)}, and had asked nothing`));
    if (response.status < 200) {
      sent.provisional = true;
      return sent.onProvisional?.();
    }
    if (sent.final !== undefined) return this.#hearAgain(sent, response);
    sent.final = response;
    if (sent.request.method === "INVITE" && response.status >= 300) this.#acknowledge(sent, ackOf(sent.request, response));
    if (sent.answered) sent.answered(response);
    else this.watch.arrive(channels.answer(sent.request), `${plain(user.name)} gets ${summary(response)}`, response);
  }

  /** A final response once more: it lacks its ACK, or has crossed it. */
  #hearAgain(sent: Sent, response: SipMessage): void {
    if (sent.final?.status !== response.status) this.watch.find(wrong(`${plain(sent.by.name)} got ${summary(response)} after ${summary(sent.final!)}`));
    else if (sent.ack) sent.by.port.send(sent.ack);
  }

  #acknowledge(sent: Sent, ack: SipMessage): void {
    sent.ack = ack;
    sent.by.port.send(ack);
  }

  /** The ACK of a 2xx. */
  acknowledge(leg: Leg): void {
    if (leg.sent?.final && leg.dialog) this.#acknowledge(leg.sent, leg.dialog.ack(leg.sent.final));
  }

  /** A new INVITE in a dialog has its 2xx. */
  acknowledgeAnew(sent: Sent, dialog: Dialog): void {
    if (sent.final) this.#acknowledge(sent, dialog.ack(sent.final));
  }

  #hearRequest(user: User, { message: request, transport, reply }: Heard): void {
    const { method } = request;
    const key = `${request.via[0]?.params.get("branch") ?? ""} ${method} ${keyOf(request)}`;
    const before = this.#seen.get(key);
    if (before) return before.answer?.();
    const seen: { answer: (() => void) | undefined } = { answer: undefined };
    this.#seen.set(key, seen);
    const heard: Heard = {
      message: request,
      transport,
      reply: (response) => {
        if (method === "INVITE" && response.status >= 300) this.#refused.add(`${request.callId} ${request.cseq.seq}`);
        seen.answer = () => reply(response);
        this.#way = { user, heard: { message: request, transport, reply } };
        reply(response);
      },
    };
    if (method === "ACK" && this.#refused.has(`${request.callId} ${request.cseq.seq}`)) return;
    if (method === "INVITE") heard.reply(answerOf(request, 100, ""));
    const says = `${plain(user.name)} gets ${summary(request)}`;
    const of = this.#ofCall.get(request.callId);
    if (of instanceof Leg) return this.#hearInDialog(of, heard, says);
    if (of) return this.#hearNotify(of, heard, says);
    if (method === "INVITE") return this.#hearCall(user, heard);
    if (method === "OPTIONS") return heard.reply(answerOf(request, 200, token()));
    this.watch.arrive("nowhere", `${says} in no dialog`, heard);
  }

  #hearCall(user: User, heard: Heard): void {
    const { message } = heard;
    const service = serviceOf({ acceptContact: message.getAll("accept-contact"), contact: message.getAll("contact"), service: message.getAll("p-asserted-service") }) ?? "session";
    this.watch.arrive(channels.call(user, service), `${plain(user.name)} gets ${summary(message)} of ${service}`, heard);
  }

  #hearInDialog(leg: Leg, heard: Heard, says: string): void {
    const { message } = heard;
    if (message.method === "CANCEL") heard.reply(answerOf(message, 200, leg.tag));
    // The ACK of their re-INVITE follows our 200 to it.
    if (message.method === "ACK" && leg.invite?.message.cseq.seq !== message.cseq.seq) return;
    if (message.method === "NOTIFY" && /^refer\b/i.test(message.get("event") ?? "")) return heard.reply(answerOf(message, 200, leg.tag));
    this.watch.arrive(channels.dialog(leg), says, heard);
  }

  #hearNotify(subscription: Subscription, heard: Heard, says: string): void {
    const [address] = [...this.subscriptions].find(([, one]) => one === subscription) ?? [];
    if (address !== undefined && address === this.holds) subscription.notify = heard;
    else heard.reply(answerOf(heard.message, 200, ""));
    if (this.#isPaced(subscription, heard.message)) {
      const finding = subscription.watcher.hear(heard.message);
      return finding ? this.watch.find(finding) : this.watch.note(says);
    }
    this.watch.arrive(channels.subscription(subscription), says, heard);
  }

  /** Where the clock is not ours, what notifyPaceMs has held back comes when it comes. */
  #isPaced(subscription: Subscription, notify: SipMessage): boolean {
    if (this.target.controlled || !/^active\b/i.test(notify.get("subscription-state") ?? "")) return false;
    const awaited = this.watch.awaited(channels.subscription(subscription));
    return awaited === undefined || (awaited.includes(", full,") && /<(?:\w+:)?conference-info[^>]*\sstate="partial"/.test(notify.body.toString("latin1")));
  }

  #hearMsrp(leg: Leg, frame: Frame): void {
    const { head, body, flag } = frame;
    const says = `${plain(leg.user.name)} gets ${head.method} of ${body.length} octets ${flag}`;
    if (head.method === "REPORT") return this.watch.note(says);
    if (!leg.link!.isOurs(frame)) return this.watch.find(wrong(`${says} for ${escape(head.toPath)}, which is another session`));
    if (leg.delivery) return this.#hearChunk(leg, leg.delivery, frame, says);
    leg.link!.answer(frame, 200);
    this.watch.arrive(channels.msrp(leg), says, frame);
  }

  /** Octets of a file come as they like; its end is what the model tells of. */
  #hearChunk(leg: Leg, delivery: Delivery, frame: Frame, says: string): void {
    const finding = delivery.take(frame);
    if (finding) this.watch.find(finding);
    if (frame.flag === "$") this.watch.arrive(channels.file(leg), says, frame);
    else this.watch.note(says);
  }

  // ---------------------------------------------------------------- the ladder

  #note(direction: "in" | "out", name: string, says: string, octets: Buffer): void {
    const [from, to] = direction === "out" ? [name, "focus"] : ["focus", name];
    this.ladder.push({ at: performance.now() - this.#began, step: this.at, from, to, says, octets: Buffer.from(octets) });
  }
}

/** `alice` of `alice-5f1c…`. */
export const plain = (name: string): string => name.split("-", 1)[0]!;

const userOf = (uri: string): string | undefined => parseUri(uri).user;

/** The URI of a Contact. */
export const contactOf = (message: SipMessage): string => parseNameAddr(message.list("contact")[0] ?? "").uri;

export const pause = (ms: number): Promise<void> => sleep(ms);
