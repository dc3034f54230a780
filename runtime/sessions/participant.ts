import type { Effect } from "../../machines/effects.ts";
import type { Seat } from "../../machines/terms.ts";
import { parseCpim, withCrlf, type CpimMessage } from "../body/cpim.ts";
import { PeerMisbehaved } from "../errors.ts";
import type { IncomingMessage, SessionUser } from "../msrp/session.ts";
import { addressOf } from "../sip/identity.ts";
import type { IncomingRefer } from "../sip/refer.ts";
import type { Arrival, ArrivedInvite, Focus } from "./focus.ts";
import type { Group } from "./group.ts";
import { Leg, type LegAcceptance, type LegInvitation } from "./leg.ts";
import type { LegMedia, MediaTemplate } from "./media.ts";

/** One dialog of a Participant with the group's chat. */
export class ParticipantLeg extends Leg {
  readonly seat: Seat;
  readonly group: Group;
  readonly peer: string;
  readonly #referredBy: string;
  /** The spelling of CPIM From that was found to be this Participant's last. */
  #knownFrom = "";

  constructor(focus: Focus, group: Group, seat: Seat, peer: string, referredBy: string, arrived: ArrivedInvite | undefined, ended: (leg: ParticipantLeg) => void) {
    super(focus, "group-participant", group.id, `${seat}.${focus.random(32)}`, arrived, () => ended(this));
    this.group = group;
    this.seat = seat;
    this.peer = peer;
    this.#referredBy = referredBy;
  }

  /** An invitation that has no answer yet. */
  get calls(): boolean {
    return this.dialog === undefined;
  }

  protected override get template(): MediaTemplate {
    return this.group.mediaTemplate;
  }

  protected override invitation(media: LegMedia): LegInvitation {
    return this.group.invitation(this.peer, this.#referredBy, media);
  }

  protected override acceptance(): LegAcceptance {
    return this.group.acceptance;
  }

  protected override receiver(): SessionUser["receive"] {
    return { onMessage: (message) => this.#onMessage(message) };
  }

  protected override report(effect: Effect): void {
    if (effect.type !== "reportParticipant") return;
    if (effect.outcome === "connected") this.group.remember(this.seat, undefined);
    this.group.session.tell({ type: `participant.${effect.outcome}`, seat: this.seat });
  }

  protected override rejected(status: number): void {
    this.group.remember(this.seat, status);
    super.rejected(status);
  }

  protected override refer(refer: IncomingRefer): void {
    try {
      this.group.refer(refer, this.peer);
    } catch (fault) {
      if (!(fault instanceof PeerMisbehaved)) throw fault;
      refer.reject(fault.status);
    }
  }

  #onMessage(message: IncomingMessage): void {
    const { contentType, body } = message;
    let cpim: CpimMessage | undefined;
    try {
      cpim = isCpim(contentType) ? parseCpim(body) : undefined;
    } catch (fault) {
      if (!(fault instanceof PeerMisbehaved)) throw fault;
      return message.respond(fault.status);
    }
    const arrival: Arrival = {
      answer: (status) => {
        message.respond(status);
        if (status === 200) message.report();
      },
      // Phones read CPIM strictly: what came with bare LF leaves with CRLF.
      message: { contentType, body: cpim === undefined || cpim.canonical ? body : withCrlf(cpim) },
    };
    this.focus.turns.arrive(arrival, () => this.group.session.tell(this.group.messageEvent(this.seat, cpim, cpim !== undefined && this.#isOwn(cpim.from))));
  }

  #isOwn(from: string): boolean {
    if (from === this.#knownFrom) return true;
    const own = isAddress(from) && this.group.isAddressOf(this.seat, addressOf(from));
    if (own) this.#knownFrom = from;
    return own;
  }
}

const isCpim = (contentType: string): boolean => contentType.toLowerCase().startsWith("message/cpim");

/** A URI that `addressOf` reads; CPIM From may be any. */
export function isAddress(uri: string): boolean {
  try {
    addressOf(uri);
    return true;
  } catch (fault) {
    if (fault instanceof PeerMisbehaved) return false;
    throw fault;
  }
}

