/** What the effects of the model look like to its peers: what has to come after a step, on which dialog, saying what. */
import type { AnyMachineSnapshot } from "xstate";
import type { Effect } from "../../machines/effects.ts";
import type { Refusal } from "../../machines/refusals.ts";
import type { Seat, SeatState, Status, Warning } from "../../machines/terms.ts";
import { closedGroup } from "../../runtime/client/chat-terms.ts";
import type { SipMessage } from "../../runtime/sip/message.ts";
import { seatOf, placeOf, type Address, type Server, type Shown, type Turn } from "../composition/controlling-function.ts";
import type { Act } from "./acts.ts";
import { Dialog } from "./cast.ts";
import { checkChat, checkFile, checkFocus, checkInvitation, checkMedia, checkOffer, checkReason, checkStatus, mediaIn, readable, Watcher, type Seated } from "./checks.ts";
import { Delivery } from "./file.ts";
import type { Frame } from "./msrp-link.ts";
import { seatsOf, snapshotOf, type Place } from "./possible-steps.ts";
import { channels, contactOf, plain, type Leg, type Scene, type Sent, type Subscription } from "./scene.ts";
import type { Heard } from "./sip-port.ts";
import { firstOf, wrong, type Finding } from "./watch.ts";

type Of<T extends Effect["type"]> = Extract<Effect, { type: T }>;

/** Says what has to come. Nothing has been sent yet. */
export function expectOutcome(scene: Scene, act: Act, turns: readonly Turn[], before: Place, after: Place): void {
  let server = before.server;
  for (const turn of turns) {
    new Outcome(scene, act, turn, server, after).expect();
    server = turn.after;
  }
  if (act.answers && act.answers.status > 0) expectMsrpAnswer(scene, act.answers.leg, act.answers.status);
  expectWaiting(scene, before, after);
  expectFiles(scene, after);
}

/** Messages that were kept for a session which is there now. */
function expectWaiting(scene: Scene, before: Place, after: Place): void {
  for (const address of after.connected) {
    const leg = before.connected.has(address) ? undefined : scene.legs.get(address);
    for (const body of leg?.waiting.splice(0) ?? []) expectMessage(scene, leg!, body);
  }
}

/** A file that is complete comes whole to everybody who is served and connected. */
function expectFiles(scene: Scene, { server, connected }: Place): void {
  for (const { transfer, state, serves } of server.relays.values()) {
    if (state !== "complete") continue;
    for (const recipient of serves) {
      const address = `recipient ${transfer}.${recipient}`;
      const leg = connected.has(address) ? scene.legs.get(address) : undefined;
      const { delivery } = leg ?? {};
      if (leg === undefined || delivery === undefined || delivery.due) continue;
      delivery.due = true;
      scene.watch.expect<Frame>({ channel: channels.file(leg), says: `the whole file for ${plain(leg.user.name)}, ${delivery.unwrapped ? "unwrapped" : "as it was sent"}`, check: (frame) => delivery.check(frame) });
    }
  }
}

function expectMessage(scene: Scene, leg: Leg, body: Buffer): void {
  scene.watch.expect<Frame>({
    channel: channels.msrp(leg),
    says: `the message for ${plain(leg.user.name)}`,
    check: ({ head, body: got }) =>
      firstOf([
        got.equals(body) ? undefined : wrong("its octets are not those that were sent"),
        head.contentType?.toLowerCase().startsWith("message/cpim") ? undefined : wrong(`it is ${head.contentType}`),
      ]),
  });
}

function expectMsrpAnswer(scene: Scene, leg: Leg, status: number): void {
  scene.watch.expect<number>({ channel: channels.msrpAnswer(leg), says: `${status} by MSRP for ${plain(leg.user.name)}`, check: (got) => (got === status ? undefined : wrong(`the answer is ${got} instead of ${status}`)) });
}

/** One turn of the model. */
class Outcome {
  readonly #scene: Scene;
  readonly #act: Act;
  readonly #turn: Turn;
  readonly #before: Server;
  readonly #after: Place;
  /** The seats, as they were when each NOTIFY was asked for. */
  readonly #told: (readonly SeatState[])[] = [];

  constructor(scene: Scene, act: Act, turn: Turn, before: Server, after: Place) {
    this.#scene = scene;
    this.#act = act;
    this.#turn = turn;
    this.#before = before;
    this.#after = after;
    let seats = seatsOf(scene.model, before);
    for (const { address, step } of turn.taken) {
      if (address === "group") seats = ((step.snapshot as AnyMachineSnapshot).context as { readonly seats: readonly SeatState[] }).seats;
      for (const { type } of step.effects) if (type === "sendNotify") this.#told.push(seats);
    }
  }

  expect(): void {
    for (const shown of this.#turn.shown) {
      if (shown.refusal) this.#refused(shown.refusal);
      else if (shown.effect) this.#performed(shown, shown.effect);
    }
  }

  #refused(refusal: Refusal): void {
    if (refusal.protocol === "sip") this.#answer(this.#act.asked, refusal.status, refusal.warning);
    else if (refusal.protocol === "msrp" && this.#act.answers) expectMsrpAnswer(this.#scene, this.#act.answers.leg, refusal.status);
  }

  #performed({ by, seat }: Shown, effect: Effect): void {
    switch (effect.type) {
      case "answer":
        return this.#answer(this.#act.asked, effect.status, effect.warning);
      case "answerMsrp":
        return this.#act.answers && expectMsrpAnswer(this.#scene, this.#act.answers.leg, effect.status);
      case "sendSipRequest":
        return this.#requests(by, seat, effect);
      case "sendBye":
        return this.#inDialog(by, "BYE", `BYE, ${effect.reason}`, (leg, heard) => {
          leg.bye = heard;
          return checkReason(heard.message, effect.reason);
        });
      case "sendSipResponse":
        return this.#responds(by, effect);
      case "answerSubscribe":
        return this.#subscribed(by, effect);
      case "sendNotify":
        return this.#notified(by, effect);
      case "invite":
        return this.#seatNewcomers(effect.seats);
      case "startFileTransfer":
        return this.#begun();
      case "openDelivery": {
        const { delivery } = this.#scene.legs.get(by) ?? {};
        if (delivery) delivery.unwrapped = effect.unwrapped;
        return;
      }
      case "relay":
        return this.#relayed(effect);
      default:
        // The others are between machines, or show in what follows from them.
        return;
    }
  }

  // ---------------------------------------------------------------- answers to what we have asked

  #answer(asked: Sent | undefined, status: Status, warning?: Warning, adopt: (response: SipMessage) => Finding | undefined = () => undefined): void {
    if (asked === undefined) return;
    const of = asked.request.method;
    this.#scene.watch.expect<SipMessage>({
      channel: channels.answer(asked.request),
      says: `${status}${warning ? ` ${warning}` : ""} (${of}) for ${plain(asked.by.name)}`,
      check: (response) => firstOf([checkStatus(response, status, warning), response.status < 300 && response.status === status ? readable(() => adopt(response)) : undefined]),
    });
  }

  #responds(by: Address, { method, status, warning }: Of<"sendSipResponse">): void {
    if (method === "INVITE") return this.#answersInvite(by, status, warning);
    const { asked } = this.#act;
    if (method !== "re-INVITE") return this.#answer(asked, status, warning);
    const leg = this.#scene.legs.get(by);
    this.#answer(asked, status, warning, (response) => {
      if (asked && leg?.dialog) this.#scene.acknowledgeAnew(asked, leg.dialog);
      return mediaIn(response).path.length > 0 ? undefined : wrong("the answer has no a=path");
    });
  }

  #answersInvite(by: Address, status: Status, warning: Warning | undefined): void {
    const leg = this.#scene.legs.get(by) ?? this.#act.leg;
    if (leg === undefined) return;
    this.#scene.legs.set(by, leg);
    this.#answer(leg.sent, status, warning, (ok) => this.#accepted(leg, ok));
  }

  #accepted(leg: Leg, ok: SipMessage): Finding | undefined {
    const media = mediaIn(ok);
    leg.remote = media;
    leg.dialog = Dialog.called(leg.user, ok);
    const isFile = leg.upload !== undefined;
    const offered = isFile ? [...this.#scene.transfers.values()].find(({ upload }) => upload === leg.upload)?.offered.media : undefined;
    return firstOf([
      checkFocus(ok, leg.contribution),
      this.#checkIdentity(ok),
      checkMedia(media, isFile ? "recvonly" : "sendrecv", ["passive", undefined]),
      isFile ? undefined : checkChat(media, this.#closedToken),
      offered && checkFile(media, offered),
    ]);
  }

  #checkIdentity(message: SipMessage): Finding | undefined {
    return this.#scene.isIdentity(contactOf(message)) ? undefined : wrong(`the Contact ${contactOf(message)} is not the group's`);
  }

  get #closedToken(): string | undefined {
    return this.#scene.tour.closed ? closedGroup : undefined;
  }

  // ---------------------------------------------------------------- what the focus asks

  #requests(by: Address, seat: Seat | undefined, { method }: Of<"sendSipRequest">): void {
    if (method === "INVITE") return this.#invites(by, seat!);
    if (method === "refresh")
      return this.#inDialog(by, "INVITE or UPDATE", "a refresh of the session", (leg, heard) => {
        leg.refresh = heard;
        return heard.message.get("session-expires") === undefined ? wrong("there is no Session-Expires") : undefined;
      });
    this.#inDialog(by, method, method, () => undefined);
  }

  #inDialog(by: Address, methods: string, says: string, check: (leg: Leg, heard: Heard) => Finding | undefined): void {
    const leg = this.#scene.legs.get(by);
    if (leg === undefined) return;
    this.#scene.watch.expect<Heard>({
      channel: channels.dialog(leg),
      says: `${says} for ${plain(leg.user.name)}`,
      check: (heard) => (methods.split(" or ").includes(heard.message.method) ? check(leg, heard) : wrong(`it is ${heard.message.method}`)),
    });
  }

  #invites(by: Address, seat: Seat): void {
    const scene = this.#scene;
    const user = scene.userOf(seat);
    const transfer = by.startsWith("recipient ") ? scene.transfers.get(seatOf(by)) : undefined;
    const contribution = { conversationId: scene.conversationId, contributionId: transfer?.contributionId ?? scene.contributionId, service: transfer ? ("filetransfer" as const) : ("session" as const) };
    const leg = scene.leg(by, user, 0, contribution);
    if (transfer) leg.delivery = new Delivery(transfer.upload);
    const referrer = (this.#act.referrer ?? scene.userOf(0)).uri;
    const invited = scene.recipients;
    scene.watch.expect<Heard>({
      channel: channels.call(user, contribution.service),
      says: `INVITE of ${contribution.service} for ${plain(user.name)}`,
      check: (heard) => {
        leg.invite = heard;
        scene.follow(heard.message.callId, leg);
        return firstOf([
          readable(() => {
            leg.remote = mediaIn(heard.message);
            return this.#checkIdentity(heard.message);
          }),
          transfer ? checkOffer(heard.message, contribution, transfer.offered) : checkInvitation(heard.message, contribution, invited, referrer, this.#closedToken),
        ]);
      },
    });
  }

  /** Those whom a REFER brings: the last of those who are invited, in their order. */
  #seatNewcomers(seats: readonly Seat[]): void {
    const { newcomers = [] } = this.#act;
    seats.slice(seats.length - newcomers.length).forEach((seat, index) => (this.#scene.seats[seat] = newcomers[index]!));
    this.#scene.newcomers.splice(0, newcomers.length);
  }

  // ---------------------------------------------------------------- subscriptions

  #subscribed(by: Address, { status }: Of<"answerSubscribe">): void {
    const { asked } = this.#act;
    if (asked === undefined) return;
    const scene = this.#scene;
    const isBegun = status === 200 && !scene.subscriptions.has(by);
    const subscription = isBegun ? scene.subscription(by, asked.by, new Watcher(scene.identity), asked.request.callId) : undefined;
    this.#answer(asked, status, undefined, (ok) => {
      if (subscription) subscription.dialog = Dialog.called(asked.by, ok);
      return ok.get("expires") === undefined ? wrong("there is no Expires") : undefined;
    });
  }

  #notified(by: Address, effect: Of<"sendNotify">): void {
    const scene = this.#scene;
    const subscription: Subscription | undefined = scene.subscriptions.get(by);
    const seats = (this.#told.shift() ?? []).map((state, seat): Seated => ({ ...state, uri: scene.userOf(seat).uri }));
    if (subscription === undefined) return;
    scene.watch.expect<Heard>({
      channel: channels.subscription(subscription),
      says: `NOTIFY, ${effect.state}, ${effect.subscription}, for ${plain(subscription.user.name)}`,
      check: ({ message }) => (message.method === "NOTIFY" ? subscription.watcher.check(message, effect, seats) : wrong(`it is ${message.method}`)),
    });
  }

  // ---------------------------------------------------------------- messages and files

  /** To every dialog of everybody whom the model names: at once, or as soon as its session is there. */
  #relayed({ to }: Of<"relay">): void {
    const { body } = this.#act;
    if (body === undefined) return;
    for (const address of this.#turn.after.instances.keys()) {
      const leg = address.startsWith("leg ") && to.includes(seatOf(address)) ? this.#scene.legs.get(address) : undefined;
      const snapshot = leg && snapshotOf(this.#scene.model, this.#turn.after, address);
      if (leg === undefined || !["calling", "open"].some((state) => snapshot?.matches(state as never))) continue;
      if (this.#after.connected.has(address)) expectMessage(this.#scene, leg, body);
      else leg.waiting.push(body);
    }
  }

  /** The model numbers a transfer by the first number that is free. */
  #begun(): void {
    const { transfer, leg } = this.#act;
    if (transfer === undefined || leg === undefined) return;
    let number = 0;
    while (this.#before.relays.has(number) || this.#before.instances.has(`transfer ${number}`)) number += 1;
    this.#scene.transfers.set(number, transfer);
    this.#scene.legs.set(`sender ${number}`, leg);
  }
}

export { placeOf };
