import type { Effect } from "../../machines/effects.ts";
import type { Seat, SeatStatus } from "../../machines/terms.ts";
import { Session, type World } from "../session.ts";
import { focusContact } from "../sip/from-effect.ts";
import type { IncomingSubscription } from "../sip/subscription.ts";
import type { Arrival, Focus } from "./focus.ts";
import type { Group } from "./group.ts";

/** One subscription of a Participant to the group's conference events. */
export class ConferenceSubscription {
  readonly seat: Seat;
  readonly session: Session<Arrival>;
  readonly #focus: Focus;
  readonly #group: Group;
  readonly #subscription: IncomingSubscription;
  #expiresS: number;
  #version = 0;
  /** Who sat where, and was what to the group, when it was last told; by seat. */
  #told: readonly { readonly uri: string; readonly status: SeatStatus }[] = [];

  constructor(focus: Focus, group: Group, seat: Seat, subscription: IncomingSubscription, ended: (subscription: ConferenceSubscription) => void) {
    this.#focus = focus;
    this.#group = group;
    this.seat = seat;
    this.#subscription = subscription;
    this.#expiresS = subscription.expiresS;
    this.session = new Session(focus.turns, "conference-subscription", undefined, group.id, `${seat}.${focus.random(32)}`, {
      perform: (effect) => (this.#world as unknown as Record<string, (effect: Effect) => void>)[effect.type]?.(effect),
      refuse: (refusal, arrival) => {
        if (refusal.protocol === "sip") arrival?.answer(refusal.status, refusal.warning);
      },
      lengthOf: (timer) => (timer === "subscriptionMs" ? this.#expiresS * 1000 : focus.lengthOf(timer)),
      ended: () => ended(this),
    });
    subscription.user = {
      onRefresh: (expiresS) => {
        this.#expiresS = expiresS;
        this.session.tell({ type: "sip.SUBSCRIBE", from: seat, expires: "positive" });
      },
      leastExpiresS: () => this.#leastExpiresS,
      onTooBrief: () => this.session.tell({ type: "sip.SUBSCRIBE", from: seat, expires: "tooShort" }),
      onUnsubscribe: () => this.session.tell({ type: "sip.SUBSCRIBE", from: seat, expires: "zero" }),
      onGone: () => this.session.tell({ type: "sip.NOTIFY.failed" }),
    };
  }

  get #leastExpiresS(): number {
    return Math.ceil(this.#focus.policies().minSubscriptionMs / 1000);
  }

  readonly #world: World<"answerSubscribe" | "sendNotify", Arrival> = {
    // A refresh has its 200 from the user agent core; only the first SUBSCRIBE is answered here.
    answerSubscribe: ({ status }) => {
      if (status === 200) this.#subscription.accept(this.#expiresS, [], focusContact(this.#group.identity, "session"));
      else this.#subscription.reject(423, { headers: [["Min-Expires", String(this.#leastExpiresS)]] });
    },
    sendNotify: ({ state, subscription }) => {
      const before = this.#told;
      this.#told = this.#group.seats.map(({ status }, seat) => ({ uri: this.#group.roster.uriOf(seat), status }));
      const changed = this.#told.flatMap(({ uri, status }, seat) => (uri === before[seat]?.uri && status === before[seat].status ? [] : [seat]));
      // Whoever had a seat that was given away meanwhile is told of by being in no full list.
      const given = changed.some((seat) => before[seat] !== undefined && before[seat].uri !== this.#told[seat]!.uri);
      const full = state === "full" || given;
      this.#version += 1;
      const info = this.#group.conferenceInfo(this.seat, this.#version, subscription === "noresource" ? "ended" : full ? "full" : changed);
      const terminated = subscription !== "active";
      this.#subscription.notify(terminated ? "terminated" : "active", {
        contentType: "application/conference-info+xml",
        body: info,
        ...(terminated && { reason: subscription }),
        replaces: full,
      });
    },
  };
}
