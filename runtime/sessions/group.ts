import type { Effect } from "../../machines/effects.ts";
import type { GroupMessage } from "../../machines/events.ts";
import type { GroupSessionInput } from "../../machines/group-session.ts";
import type { Seat, SeatState, Sender, Warning } from "../../machines/terms.ts";
import { formatConferenceInfo } from "../body/conference-info.ts";
import { contentFieldOf, parseCpim, withCrlf, type CpimMessage } from "../body/cpim.ts";
import { historyList, type ListEntry } from "../body/resource-lists.ts";
import { Session, type Instance, type World } from "../session.ts";
import { acceptanceHeaders, describe, focusContact, historyPart, invitationHeaders, warningHeaders, type Contribution } from "../sip/from-effect.ts";
import { addressOf, textOf, userOf } from "../sip/identity.ts";
import { sipfrag, type IncomingRefer } from "../sip/refer.ts";
import type { IncomingSubscription, Notification } from "../sip/subscription.ts";
import type { SipMessage } from "../sip/message.ts";
import { identifierIn, referralIn } from "../sip/to-event.ts";
import { parseUri } from "../sip/uri.ts";
import type { Arrival, ArrivedInvite, Focus } from "./focus.ts";
import type { LegAcceptance, LegInvitation } from "./leg.ts";
import type { LegMedia, MediaTemplate } from "./media.ts";
import { isAddress, ParticipantLeg } from "./participant.ts";
import { Roster } from "./roster.ts";
import { ConferenceSubscription } from "./subscription.ts";
import { Transfer } from "./transfer.ts";

/** What the creator said of the group. */
export interface GroupDescription {
  readonly conversationId: string;
  readonly contributionId: string;
  readonly subject: string | undefined;
  readonly closed: boolean;
  readonly recipients: readonly ListEntry[];
}

type GroupEffect =
  | "answer"
  | "answerMsrp"
  | "admit"
  | "invite"
  | "release"
  | "replace"
  | "relay"
  | "startSubscription"
  | "notify"
  | "expelSubscribers"
  | "endSubscriptions"
  | "startFileTransfer";

/** The closed group's token. @see RFC 7701 §8 */
export const closedGroupToken = "org.3gpp.urn%3Aurn-7%3A3gpp-application.ims.iari.rcs.closedgroupchat";

/** One CPM Group Session: the group-session machine, the users behind its seats, and everything that belongs to it. */
export class Group {
  readonly id: string;
  readonly identity: string;
  readonly session: Session<Arrival>;
  readonly roster = new Roster();
  readonly description: GroupDescription;
  /** The how-manieth of this server. */
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly #focus: Focus;
  readonly #ended: (group: Group) => void;
  /** Dialogs by seat. */
  readonly #legs: Set<ParticipantLeg>[] = [];
  readonly #subscriptions = new Set<ConferenceSubscription>();
  /** Running transfers by Contribution-ID and file-transfer-id. */
  readonly #transfers = new Map<string, Transfer>();
  /** Subscriptions that REFERs have made, by the seat whose invitation they follow. */
  readonly #referrals = new Map<Seat, IncomingSubscription>();
  /** The spelling of CPIM To that was found to be this group last. */
  #knownTo = "";

  constructor(focus: Focus, id: string, identity: string, description: GroupDescription, ended: (group: Group) => void) {
    this.#focus = focus;
    this.#ended = ended;
    this.id = id;
    this.identity = identity;
    this.description = description;
    this.number = ++focus.counts.groups;
    this.since = focus.clock.wall();
    const { longLived, ...policies } = focus.policies();
    const input: GroupSessionInput = {
      maxGroupSize: policies.maxGroupSize,
      minParticipants: policies.minParticipants,
      maxDevices: policies.maxDevices,
      maxTransfers: policies.maxTransfers,
      addRole: policies.addRole,
      removeRole: policies.removeRole,
      anonymity: policies.anonymity,
      inactiveGroup: policies.inactiveGroup,
      closed: description.closed,
      longLived: longLived === "yes",
    };
    this.session = new Session(focus.turns, "group-session", input, id, id, {
      perform: (effect, arrival) => (this.#world as unknown as Record<string, (effect: Effect, arrival: Arrival | undefined) => void>)[effect.type]?.(effect, arrival),
      refuse: (refusal, arrival) => {
        if (refusal.protocol === "sip") arrival?.answer(refusal.status, refusal.warning);
        else if (refusal.protocol === "msrp") arrival?.answer(refusal.status);
      },
      lengthOf: focus.lengthOf,
      ended: () => this.#settle(),
    });
  }

  #settle(): void {
    if (this.over) this.#ended(this);
  }

  get seats(): readonly SeatState[] {
    return (this.session.snapshot.context as { seats: readonly SeatState[] }).seats;
  }

  /** Nothing of it is left, its transfers included, which may outlive the chat. */
  get over(): boolean {
    return this.session.over && this.#transfers.size === 0;
  }

  get legs(): readonly ParticipantLeg[] {
    return this.#legs.flatMap((legs) => [...(legs ?? [])]);
  }

  /** Those that run. */
  get transfers(): readonly Transfer[] {
    return [...this.#transfers.values()];
  }

  /** Every machine of it. */
  get instances(): readonly Instance[] {
    const own = [this, ...this.legs, ...this.#subscriptions].map(({ session }) => session);
    return [...own, ...this.transfers.flatMap((transfer) => transfer.instances)];
  }

  /** The operator ends it; its files end with it, as when the server stops. */
  close(): void {
    this.session.tell({ type: "admin.end" });
    for (const transfer of this.#transfers.values()) transfer.end();
  }

  /** The operator removes a member. @returns false: the seat is no member's, or the group does so no more */
  remove(target: Seat): boolean {
    const before = this.seats[target]?.status;
    this.session.tell({ type: "admin.remove", target });
    return before !== "removed" && this.seats[target]?.status === "removed";
  }

  /** The server stops. */
  end(): void {
    this.session.tell({ type: "admin.shutdown" });
    for (const transfer of this.#transfers.values()) transfer.end();
  }

  senderOf(uri: string): Sender {
    return this.roster.seatOf(addressOf(uri)) ?? "stranger";
  }

  isAddressOf(seat: Seat, address: string): boolean {
    return this.roster.isAddressOf(seat, address);
  }

  remember(seat: Seat, status: number | undefined): void {
    this.roster.remember(seat, status);
  }

  // ---------------------------------------------------------------- arrivals

  join(arrived: ArrivedInvite): void {
    const from = this.senderOf(arrived.speaker);
    const known = from !== "stranger" && this.#legsOf(from).some(({ instance }) => instance !== undefined && instance === arrived.instance);
    this.session.tell({ type: "sip.INVITE.join", from, device: known ? "known" : "new" });
  }

  /** A file: one that runs already hears of its repetition, any other begins. */
  transfer(arrived: ArrivedInvite, contributionId: string): void {
    const { file } = arrived.offer.media;
    const running = this.#transfers.get(transferKey(contributionId, file?.transferId));
    const from = this.senderOf(arrived.speaker);
    const direction = arrived.offer.media.direction === "recvonly" ? "pull" : "push";
    const fileOctets = file?.selector.size ?? 0;
    if (running) running.session.tell({ type: "sip.INVITE.fileTransfer", sender: "connected", direction, fileOctets, capacity: "free" });
    else this.session.tell({ type: "sip.INVITE.fileTransfer", from, direction, fileOctets });
  }

  subscribe(subscription: IncomingSubscription, speaker: string): void {
    const from = this.senderOf(speaker);
    const theirs = [...this.#subscriptions].filter(({ seat }) => seat === from);
    if (theirs.length >= subscriptionsAtMost) return subscription.reject(503);
    this.session.tell({ type: "sip.SUBSCRIBE", from, expires: this.#expiresOf(subscription) });
  }

  #expiresOf({ expiresS }: IncomingSubscription): "zero" | "tooShort" | "positive" {
    if (expiresS === 0) return "zero";
    return expiresS * 1000 < this.#focus.policies().minSubscriptionMs ? "tooShort" : "positive";
  }

  /** @throws {PeerMisbehaved} 400: what the REFER asks cannot be read */
  refer(refer: IncomingRefer, speaker: string): void {
    const { method, targets: named } = referralIn(refer.request);
    const from = this.senderOf(speaker);
    // The group is nobody who could be in it.
    const targets = named.filter((uri) => !this.#isGroup(uri));
    const known = targets.map((uri) => this.senderOf(uri));
    const strangers = distinct(targets.filter((_, index) => known[index] === "stranger"));
    const arrival: Arrival = { answer: (status, warning) => this.#answerRefer(refer, status, warning), refer: { refer, speaker, strangers } };
    this.#focus.turns.arrive(arrival, () => {
      if (method === "BYE") this.session.tell({ type: "sip.REFER.remove", from, target: known[0] ?? "stranger" });
      else this.session.tell({ type: "sip.REFER.add", from, strangers: strangers.length, seats: [...new Set(known.filter((seat) => seat !== "stranger"))] });
    });
    // A removal is done with its 202, and so is a REFER that brings nobody new; an invitation is when its answer is known.
    this.#followed?.notify("terminated", lastOf(200));
    this.#followed = undefined;
  }

  #answerRefer(refer: IncomingRefer, status: number, warning: Warning | undefined): void {
    if (status >= 300) refer.reject(status, { headers: warningHeaders(warning, this.#focus.domain) });
    else this.#followed = refer.accept(status);
  }

  /** The subscription of the REFER of this turn, until somebody is invited whom it follows. */
  #followed: IncomingSubscription | undefined;

  /** A message that came by SIP. @throws {PeerMisbehaved} CPIM_MALFORMED, 400 */
  message(speaker: string, body: Buffer, arrival: Arrival): void {
    const seat = this.senderOf(speaker);
    if (seat === "stranger") return arrival.answer(403, "serviceNotAuthorised");
    const cpim = parseCpim(body);
    const event = this.messageEvent(seat, cpim, isAddress(cpim.from) && this.isAddressOf(seat, addressOf(cpim.from)));
    const passed = { contentType: "message/cpim", body: withCrlf(cpim) };
    this.#focus.turns.arrive({ ...arrival, message: passed }, () => this.session.tell(event));
  }

  /** What a message on the session of `seat` is to the machine. */
  messageEvent(seat: Seat, cpim: CpimMessage | undefined, own: boolean): GroupMessage {
    const claims = own ? "self" : "other";
    if (cpim === undefined) return { type: "msrp.SEND", from: seat, content: "notCpim", claims, to: "group" };
    return { type: "msrp.SEND", from: seat, content: contentOf(cpim), claims, to: this.#addressee(cpim.to) };
  }

  #addressee(to: readonly string[]): GroupMessage["to"] {
    if (to.length !== 1) return to.length === 0 ? "group" : "several";
    const [uri] = to as [string];
    if (uri === this.#knownTo) return "group";
    if (!isAddress(uri)) return "unknown";
    if (this.#isGroup(uri)) {
      this.#knownTo = uri;
      return "group";
    }
    return this.roster.seatOf(addressOf(uri)) ?? "unknown";
  }

  /** The group itself, or the anonymous URI that some clients write in its place. */
  #isGroup(uri: string): boolean {
    const parsed = parseUri(uri);
    return userOf(parsed) === this.id || (userOf(parsed) === "anonymous" && parsed.host.toLowerCase() === "anonymous.invalid");
  }

  // ---------------------------------------------------------------- effects

  readonly #world: World<GroupEffect, Arrival> = {
    answer: ({ status, warning }, arrival) => arrival?.answer(status, warning),
    answerMsrp: ({ status }, arrival) => arrival?.answer(status),
    admit: ({ seat }, arrival) => {
      const arrived = arrival!.invite!;
      if (this.roster.size === 0) this.roster.seat(0, arrived.speaker, "dialed-in", arrived.name);
      this.roster.rename(seat, arrived.name);
      this.#begin(seat, arrived.speaker, arrived).session.tell({ type: "group.admit" });
    },
    invite: ({ seats }, arrival) => {
      this.#seatNewcomers(seats, arrival);
      const referredBy = arrival?.refer?.speaker ?? this.roster.uriOf(0);
      for (const seat of seats) this.#begin(seat, referredBy, undefined).session.tell({ type: "group.invite" });
      if (this.#followed && seats[0] !== undefined) this.#referrals.set(seats[0], this.#followed);
      this.#followed = undefined;
    },
    release: ({ seats, reason }) => {
      for (const seat of seats) for (const leg of this.#legsOf(seat)) leg.session.tell({ type: "leg.release", reason });
    },
    replace: ({ seat }, arrival) => {
      const { instance } = arrival!.invite!;
      const older = this.#legsOf(seat).slice(0, -1);
      for (const leg of older) if (leg.calls || leg.instance === instance) leg.session.tell({ type: "leg.release", reason: "idle" });
    },
    relay: ({ to }, arrival) => this.#relay(to, arrival!),
    startSubscription: ({ seat }, arrival) => {
      const subscription = new ConferenceSubscription(this.#focus, this, seat, arrival!.subscription!, (ended) => this.#subscriptions.delete(ended));
      this.#subscriptions.add(subscription);
      subscription.session.tell({ type: "sip.SUBSCRIBE", from: seat, expires: this.#expiresOf(arrival!.subscription!) });
    },
    notify: () => {
      this.#settleReferrals();
      for (const subscription of this.#subscriptions) subscription.session.tell({ type: "group.changed" });
    },
    expelSubscribers: ({ seats }) => {
      for (const subscription of this.#subscriptions) if (seats.includes(subscription.seat)) subscription.session.tell({ type: "group.expelled" });
    },
    endSubscriptions: () => {
      for (const subscription of this.#referrals.values()) subscription.notify("terminated", lastOf(487));
      this.#referrals.clear();
      for (const subscription of this.#subscriptions) subscription.session.tell({ type: "group.ended" });
    },
    startFileTransfer: (effect, arrival) => this.#startTransfer(effect, arrival!),
  };

  /** The users that the request of this turn names for seats that are new or newly given. */
  #seatNewcomers(seats: readonly Seat[], arrival: Arrival | undefined): void {
    const creates = this.roster.size <= 1;
    const named: readonly Pick<ListEntry, "uri" | "displayName">[] = arrival?.refer?.strangers.map((uri) => ({ uri })) ?? (creates ? this.description.recipients : []);
    const newcomers = seats.slice(seats.length - named.length);
    newcomers.forEach((seat, index) => this.roster.seat(seat, named[index]!.uri, "dialed-out", named[index]!.displayName));
  }

  #begin(seat: Seat, referredBy: string, arrived: ArrivedInvite | undefined): ParticipantLeg {
    const leg = new ParticipantLeg(this.#focus, this, seat, this.roster.uriOf(seat), referredBy, arrived, (ended) => this.#legs[seat]?.delete(ended));
    (this.#legs[seat] ??= new Set()).add(leg);
    return leg;
  }

  #legsOf(seat: Seat): ParticipantLeg[] {
    return [...(this.#legs[seat] ?? [])];
  }

  #relay(to: readonly Seat[], arrival: Arrival): void {
    const { contentType, body } = arrival.message!;
    const sessions = [];
    for (const seat of to) for (const leg of this.#legs[seat] ?? []) sessions.push(leg.media.session);
    const { counts } = this.#focus;
    counts.messages += 1;
    counts.deliveries += sessions.length;
    counts.deliveredOctets += sessions.length * body.length;
    if (sessions.length === 0) return;
    // A long message leaves in chunks after the turn, and the receive buffer does not live so long.
    this.#focus.msrp.fanOut(sessions, { contentType, body: body.length > largestView ? Buffer.from(body) : body });
  }

  #startTransfer({ sender, capacity, recipients }: Extract<Effect, { type: "startFileTransfer" }>, arrival: Arrival): void {
    const arrived = arrival.invite!;
    const { file, direction } = arrived.offer.media;
    const contributionId = contributionIdOf(arrived.invite.request, this.#focus);
    const key = transferKey(contributionId, file?.transferId);
    const contribution: Contribution = { identity: this.identity, conversationId: this.description.conversationId, contributionId, service: "filetransfer" };
    const uris = recipients.map((seat) => this.roster.uriOf(seat));
    const transfer = new Transfer(this.#focus, this, contribution, arrived, uris, (ended) => {
      if (this.#transfers.get(key) === ended) this.#transfers.delete(key);
      this.#focus.transfers.delete(ended);
      this.#settle();
    });
    this.#transfers.set(key, transfer);
    this.#focus.transfers.add(transfer);
    transfer.session.tell({ type: "sip.INVITE.fileTransfer", sender, capacity, direction: direction === "recvonly" ? "pull" : "push", fileOctets: file?.selector.size ?? 0 });
  }

  /** Invitations that a REFER waits for and that are answered now. @see RFC 3515 §2.4.5 */
  #settleReferrals(): void {
    for (const [seat, subscription] of this.#referrals) {
      const state = this.seats[seat];
      if (state === undefined || state.status === "invited") continue;
      this.#referrals.delete(seat);
      const status = state.status === "connected" ? 200 : state.status === "declined" ? 603 : 480;
      subscription.notify("terminated", lastOf(status));
    }
  }

  // ---------------------------------------------------------------- what the group says of itself

  get #contribution(): Contribution {
    const { conversationId, contributionId } = this.description;
    return { identity: this.identity, conversationId, contributionId, service: "session" };
  }

  get mediaTemplate(): MediaTemplate {
    return {
      direction: "sendrecv",
      acceptTypes: ["message/cpim"],
      acceptWrappedTypes: ["*"],
      maxSize: this.#focus.policies().maxMessageOctets,
      ...(this.description.closed && { chatroom: [closedGroupToken] }),
    };
  }

  invitation(peer: string, referredBy: string, media: LegMedia): LegInvitation {
    return {
      requestUri: peer,
      identity: this.identity,
      contact: focusContact(this.identity, "session"),
      headers: invitationHeaders(this.#contribution, referredBy, this.description.subject),
      content: describe(media.offer(this.mediaTemplate), [historyPart(this.#history())], () => this.#focus.random(96)),
    };
  }

  /** Who else is invited: what the creator's list lets be seen, or after that everybody who has been added. */
  #history(): ListEntry[] {
    const listed = historyList(this.description.recipients);
    const known = new Set(this.description.recipients.map(({ uri }) => addressOf(uri)));
    const added = this.seats.flatMap((_, seat): ListEntry[] => {
      const uri = this.roster.uriOf(seat);
      return seat === 0 || known.has(addressOf(uri)) ? [] : [{ uri, copyControl: "to" }];
    });
    return [...listed, ...added];
  }

  get acceptance(): LegAcceptance {
    return { contact: focusContact(this.identity, "session"), headers: acceptanceHeaders(this.#contribution) };
  }

  /** The roster as `watcher` is told it: whole, or the seats that have changed alone; of a group that has ended, nobody. @see RFC 4575 §5 */
  conferenceInfo(watcher: Seat, version: number, told: "full" | "ended" | readonly Seat[]): Buffer {
    const { seats } = this;
    const { subject } = this.description;
    return formatConferenceInfo({
      entity: this.identity,
      state: typeof told === "string" ? "full" : "partial",
      version,
      subject: subject && textOf(subject),
      maximumUserCount: this.#focus.policies().maxGroupSize,
      userCount: told === "ended" ? 0 : seats.filter(({ status }) => status === "connected").length,
      active: told !== "ended",
      users: (told === "ended" ? [] : told === "full" ? this.#members() : told).map((seat) => this.roster.user(seat, seats[seat]!, watcher)),
    });
  }

  #members(): Seat[] {
    return this.seats.flatMap(({ status }, seat) => (status === "invited" || status === "connected" || status === "away" ? [seat] : []));
  }
}

/** Of one user: every change of the group is a NOTIFY to each. */
const subscriptionsAtMost = 32;

/** What the last NOTIFY of a REFER says. @see RFC 3515 §2.4.5, §2.4.7 */
const lastOf = (status: number): Notification => ({ ...sipfrag(status), reason: "noresource" });

/** Each user once. */
const distinct = (uris: readonly string[]): string[] => [...new Map(uris.map((uri) => [addressOf(uri), uri])).values()];

/** Up to here a view of the receive buffer is encoded in this turn: less than one chunk of the MSRP layer. */
const largestView = 32_768;

/** One file of one contribution. */
const transferKey = (contributionId: string, transferId: string | undefined): string => `${contributionId} ${transferId ?? ""}`;

/** The Contribution-ID of a request; one of ours where it has none. */
export const contributionIdOf = (request: SipMessage, focus: Focus): string => identifierIn(request, "contribution-id") ?? focus.random(128);

function contentOf(cpim: CpimMessage): "chat" | "composing" | "imdn" {
  const type = contentFieldOf(cpim, "content-type")?.toLowerCase() ?? "";
  if (type.startsWith("message/imdn+xml")) return "imdn";
  return type.startsWith("application/im-iscomposing+xml") ? "composing" : "chat";
}
