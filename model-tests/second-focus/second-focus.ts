import type { Effect } from "../../machines/effects.ts";
import type {
  Event,
  FileTransferInvite,
  GroupFileTransferEvent,
  GroupMessage,
  GroupSessionEvent,
  JoinInvite,
  LargeMessageEvent,
  LargeMessageResult,
  ParticipantEvent,
  RecipientAccepted,
  ReferAdd,
  ReferRemove,
  Subscribe,
  TransferRequest,
} from "../../machines/events.ts";
import type { GroupFileTransferInput } from "../../machines/group-file-transfer.ts";
import type { GroupSessionInput } from "../../machines/group-session.ts";
import type { LargeMessageInput } from "../../machines/large-message.ts";
import type { MsrpStatus, Recipient, RecipientStatus, ReleaseReason, Seat, SeatState, SeatStatus, Sender, Status, Warning } from "../../machines/terms.ts";

/** How a request is answered that the present state does not take. */
export type Refusal =
  | { readonly protocol: "sip"; readonly status: Status; readonly warning?: Warning }
  | { readonly protocol: "msrp"; readonly status: MsrpStatus };

/** What one event leads to. */
export interface Answer {
  readonly effects: Effect[];
  readonly refusal?: Refusal;
  /** Nothing more will come of this object. */
  readonly over: boolean;
}

/** A timer ran out; its name is the part that ends in `Ms`. */
export interface TimerExpiry {
  readonly type: `xstate.after.${string}`;
}

/** What an object hears. */
export type Heard = Event | TimerExpiry;

const isTimerExpiry = (event: { readonly type: string }): event is TimerExpiry => event.type.startsWith("xstate.after.");

const timerName = (expiry: TimerExpiry) => expiry.type.split(".").find((part) => part.endsWith("Ms"));

/** Collects what is asked for while one event is served. */
abstract class Taker {
  #effects: Effect[] = [];
  #refusal: Refusal | undefined;
  protected readonly fault: number | undefined;
  protected over = false;

  constructor(fault: number | undefined) {
    this.fault = fault;
  }

  take(event: Heard): Answer {
    this.#effects = [];
    this.#refusal = undefined;
    this.serve(event);
    const answer = { effects: this.#effects, over: this.over };
    return this.#refusal === undefined ? answer : { ...answer, refusal: this.#refusal };
  }

  protected abstract serve(event: Heard): void;

  protected ask(effect: Effect) {
    this.#effects.push(effect);
  }

  protected answer(status: Status, warning?: Warning) {
    this.ask(warning === undefined ? { type: "answer", status } : { type: "answer", status, warning });
  }

  protected answerMsrp(status: MsrpStatus) {
    this.ask({ type: "answerMsrp", status });
  }

  protected refuseSip(status: Status) {
    this.#refusal = { protocol: "sip", status };
  }

  protected refuseMsrp(status: MsrpStatus) {
    this.#refusal = { protocol: "msrp", status };
  }
}

// ---------------------------------------------------------------- group session

type Phase = "none" | "creating" | "active" | "idle" | "closing";

/** Whose seat a newcomer may have, once no dialog is left. */
const vacated: readonly SeatStatus[] = ["left", "declined", "failed"];

const member: readonly SeatStatus[] = ["invited", "connected", "away"];

/** The focus: roster and policy of one group. */
export class SecondGroupSession extends Taker {
  readonly #input: GroupSessionInput;
  readonly #seats: { -readonly [K in keyof SeatState]: SeatState[K] }[] = [];
  #phase: Phase = "none";
  #transfers = 0;
  /** Absent members were invited less than reinviteMs ago. */
  #paced = false;
  #pausesEnded = 0;
  #told = false;

  constructor(input: GroupSessionInput, fault?: number) {
    super(fault);
    this.#input = input;
  }

  protected override serve(heard: Heard) {
    const before = this.#seats.map((seat) => seat.status);
    this.#told = false;
    const event = heard as GroupSessionEvent | TimerExpiry;
    if (this.over || this.#phase === "none" || this.#phase === "closing") this.#serveWithoutGroup(event);
    else this.#serveWithGroup(event);
    if (!this.over && (this.#phase === "creating" || this.#phase === "active" || this.#phase === "idle")) this.#settle(before);
  }

  // There is no group yet or no longer: "Unknown/expired → 404", and a late SEND has no session any more.
  #serveWithoutGroup(event: GroupSessionEvent | TimerExpiry) {
    if (isTimerExpiry(event)) return;
    if (event.type === "sip.INVITE.create" && this.#phase === "none" && !this.over) this.#create(event.recipients, event.anonymous);
    else if (event.type === "sip.INVITE.join" && this.#phase === "closing" && !this.over && this.fault === 16) this.#join(event);
    else if (event.type === "msrp.SEND") this.refuseMsrp(481);
    else if (event.type.startsWith("sip.")) this.refuseSip(404);
    else if (isLegEnd(event)) {
      this.#dropLeg(event.seat);
      if (this.#phase === "closing" && !this.#anyDialog()) this.over = true;
    }
  }

  #serveWithGroup(event: GroupSessionEvent | TimerExpiry) {
    if (isTimerExpiry(event)) return this.#expire(timerName(event));
    switch (event.type) {
      case "sip.INVITE.create":
        // The group exists; the same request has come by another way (RFC 3261 §8.2.2.2).
        return this.refuseSip(482);
      case "sip.INVITE.join":
        return this.#join(event);
      case "sip.INVITE.fileTransfer":
        return this.#fileTransfer(event);
      case "sip.REFER.add":
        return this.#add(event);
      case "sip.REFER.remove":
        return this.#remove(event);
      case "sip.SUBSCRIBE":
        return this.#subscribe(event);
      case "msrp.SEND":
        return this.#message(event);
      case "participant.connected":
        return this.#connected(event.seat);
      case "transfer.begun":
        return this.#begun();
      case "transfer.ended":
        if (this.fault === 5) return;
        this.#transfers = Math.max(0, this.#transfers - 1);
        return;
      case "transfer.senderAway":
        return this.#bringBack(event.seat);
      case "admin.remove":
        if (this.#isMember(event.target)) this.#boot(event.target);
        return;
      case "admin.end":
        return this.#end("gone");
      case "admin.shutdown":
        // Not the group's own end: without 410 a client re-joins, gets 404 and restarts through the factory.
        return this.#end("idle");
      default:
        if (isLegEnd(event)) this.#legEnded(event);
    }
  }

  // ---------------------------------------------------------- requests

  #create(recipients: number, anonymous: boolean) {
    if (anonymous && this.#input.anonymity === "refuse") return this.#refuseCreation(403, "anonymityNotAllowed");
    if (recipients === 0) return this.#refuseCreation(403, "noDestinations");
    if (1 + recipients > this.#input.maxGroupSize) return this.#refuseCreation(486, "tooManyParticipants");
    // The creator is answered before anybody else answers (RFC 5366); nobody can have subscribed yet, so nobody is notified.
    this.#seats.push({ status: "away", legs: 1 });
    for (let i = 0; i < recipients; i++) this.#seats.push({ status: "invited", legs: 1 });
    this.#phase = "creating";
    this.ask({ type: "admit", seat: 0 });
    this.ask({ type: "invite", seats: this.#all().slice(1) });
  }

  #refuseCreation(status: Status, warning: Warning) {
    this.answer(status, warning);
    this.over = true;
  }

  #join({ from, device }: JoinInvite) {
    const bootedReturns = this.fault === 17 && from !== "stranger" && this.#seats[from]?.status === "removed";
    // "Authorised members only": who left, declined or was removed has to be added again.
    if (!this.#isMember(from) && !bootedReturns) return this.answer(403, "serviceNotAuthorised");
    const seat = this.#seats[from as Seat]!;
    // The newer dialog of a device replaces the older; who comes by itself needs no invitation.
    const replaces = device === "known" || seat.status === "invited";
    // A dialog that is replaced makes room for the new one, once.
    if (seat.legs + (replaces ? 0 : 1) > this.#input.maxDevices) return this.answer(486);
    this.ask({ type: "admit", seat: from as Seat });
    if (replaces) this.ask({ type: "replace", seat: from as Seat });
    seat.legs += 1;
    if (this.#phase === "idle") this.#wake();
  }

  #fileTransfer(event: FileTransferInvite | TransferRequest) {
    if (!("from" in event)) return;
    const { from } = event;
    // "On-going active": not while in creation ...
    if (this.#phase === "creating") return this.answer(480);
    if (this.#phase === "idle") {
      // ... and not while idle, unless policy wakes the group.
      if (this.#input.inactiveGroup === "notFound") return this.answer(404);
      if (this.#input.inactiveGroup === "unavailable") return this.answer(480);
    }
    // "All connected participants except the sender"; in a group that wakes, those who are away.
    const wakes = this.#phase === "idle";
    const recipients = this.#all().filter((seat) => seat !== from && (this.#is(seat, "connected") || (wakes && this.#is(seat, "away") && this.fault !== 21)));
    this.ask({
      type: "startFileTransfer",
      sender: this.#senderClass(from),
      capacity: this.#transfers < this.#input.maxTransfers ? "free" : "exhausted",
      recipients,
    });
  }

  /** A transfer was admitted: only now an idle group wakes, and everybody is invited. */
  #begun() {
    if (this.#transfers >= this.#input.maxTransfers) return;
    this.#transfers += 1;
    if (this.#phase !== "idle") return;
    this.#wake();
    this.#inviteAbsent();
  }

  #senderClass(from: Sender) {
    if (!this.#isMember(from)) return "stranger" as const;
    // In a group that wakes nobody is connected, and its member counts as there.
    return this.#is(from, "connected") || this.#phase === "idle" || this.fault === 14 ? ("connected" as const) : ("away" as const);
  }

  #add({ from, strangers, seats: named }: ReferAdd) {
    if (!this.#is(from, "connected")) return this.answer(403, "serviceNotAuthorised");
    if (this.#input.closed && this.fault !== 7) return this.answer(403, "functionNotAllowed");
    if (this.#input.addRole === "creator" && from !== 0) return this.answer(403, "serviceNotAuthorised");

    // "Target not black-listed".
    if (named.some((seat) => this.#is(seat, "removed"))) return this.answer(403, "serviceNotAuthorised");
    // "Target not already in". A member who is away may be invited again, and so may who has gone.
    const returning = named.filter((seat) => !this.#isOneOf(seat, ["invited", "connected"]) && this.#hasLegLeft(seat));
    const free = this.#all().filter((seat) => seat !== 0 && !named.includes(seat) && this.#seats[seat]!.legs === 0);
    const vacant = free.filter((seat) => this.#isOneOf(seat, vacated));
    // Who was removed is forgotten when there is no other seat.
    const lastChoice = free.filter((seat) => this.#is(seat, "removed"));
    const fresh = Math.max(0, this.#input.maxGroupSize - this.#seats.length);
    if (strangers > vacant.length + fresh + lastChoice.length) return this.answer(486, "tooManyParticipants");

    this.answer(202);
    const taken = vacant.slice(0, strangers);
    while (taken.length < strangers && this.#seats.length < this.#input.maxGroupSize) taken.push(this.#seats.push({ status: "failed", legs: 0 }) - 1);
    taken.push(...lastChoice.slice(0, strangers - taken.length));
    const invited = [...returning, ...taken].sort((a, b) => a - b);
    if (invited.length === 0) return;
    this.#invite(invited);
    if (this.fault !== 12) this.#tell();
  }

  #remove({ from, target }: ReferRemove) {
    if (!this.#is(from, "connected")) return this.answer(403, "serviceNotAuthorised");
    const mayRemove = this.#input.removeRole === "anyone" || (this.fault === 8 ? from !== 0 : from === 0);
    if (!mayRemove) return this.answer(403, "serviceNotAuthorised");
    if (!this.#isMember(target)) return this.answer(404);
    this.answer(202);
    this.#boot(target as Seat);
  }

  #boot(seat: Seat) {
    this.#seats[seat]!.status = "removed";
    if (this.#phase !== "idle") this.ask({ type: "release", seats: [seat], reason: this.fault === 13 ? "gone" : "booted" });
  }

  #subscribe({ from }: Subscribe) {
    // "Only members"; the interval is the subscription's to judge.
    if (!this.#isMember(from)) return this.answer(403, "serviceNotAuthorised");
    this.ask({ type: "startSubscription", seat: from as Seat });
  }

  #message({ from, content, claims, to }: GroupMessage) {
    // A dialog that is being torn down takes nothing more.
    if (!this.#is(from, "connected")) return this.refuseMsrp(481);
    if (content === "notCpim") return this.answerMsrp(415);
    if (claims === "other" && this.fault !== 6) return this.answerMsrp(403);
    if (to === "several") return this.answerMsrp(this.fault === 15 ? 404 : 403);
    if (to === "unknown") return this.answerMsrp(404);
    if (to !== "group") {
      // Only a notification may go to one Participant: it is "routed only to the legs of that sender".
      if (content !== "imdn") return this.answerMsrp(428);
      if (!this.#isThere(to)) return this.answerMsrp(404);
    }
    this.answerMsrp(200);
    // Who is invited by this message gets it.
    if (content === "chat") this.#recall();
    const everybody = to === "group" || this.fault === 22;
    // "Flush queue": what is said is kept for who is being invited. "isComposing: to connected legs, never stored".
    const hears = (seat: Seat) => (content === "composing" ? this.#is(seat, "connected") : this.#isThere(seat));
    this.#relay(this.#all().filter((seat) => hears(seat) && (seat !== from || (this.fault === 20 && to === "group")) && (everybody || seat === to)));
  }

  #relay(to: Seat[]) {
    // What nobody gets is not relayed.
    if (to.length > 0) this.ask({ type: "relay", to });
  }

  // ---------------------------------------------------------- what legs report

  #connected(seat: Seat) {
    const state = this.#seats[seat];
    // A group that is idle is tearing its dialogs down.
    if (state === undefined || this.#phase === "idle") return;
    // Who has left meanwhile is not connected any more.
    if (!this.#isMember(seat)) return this.ask({ type: "release", seats: [seat], reason: "completed" });
    state.status = "connected";
  }

  #legEnded({ type, seat }: ParticipantEvent) {
    const state = this.#seats[seat];
    if (state === undefined || state.legs === 0) return;
    if (this.fault === 3 && type === "participant.unreachable") return;
    if (this.fault === 23 && type === "participant.released" && state.legs > 1) return;
    this.#dropLeg(seat);
    if (!this.#isMember(seat)) return;
    if (type === "participant.left") {
      // "Leg leaves, voluntary: remove member": the user goes, with every device.
      state.status = "left";
      if (this.#phase !== "idle") this.ask({ type: "release", seats: [seat], reason: "completed" });
      return;
    }
    // A member with another dialog is where it was; in an idle group those are ending, and a refusal is a departure.
    const refuses = this.#phase === "idle" && (type === "participant.declined" || type === "participant.failed");
    if (state.legs > 0 && !refuses) return;
    state.status = this.#statusAfter(type, state.status);
  }

  #statusAfter(end: ParticipantEvent["type"], status: SeatStatus): SeatStatus {
    if (end === "participant.declined") return "declined";
    if (end === "participant.failed") return "failed";
    if (end === "participant.lost" && this.fault === 2) return "left";
    // "Stays in the list as disconnected (long-lived) or is dropped (not long-lived)".
    if (end === "participant.unreachable" && status === "invited" && !this.#input.longLived) return "failed";
    // "Going off-line is not leaving".
    return "away";
  }

  #dropLeg(seat: Seat) {
    const state = this.#seats[seat];
    if (state !== undefined && state.legs > 0) state.legs -= 1;
  }

  // ---------------------------------------------------------- invitations

  #invite(seats: Seat[]) {
    for (const seat of seats) {
      this.#seats[seat]!.status = "invited";
      this.#seats[seat]!.legs += 1;
    }
    this.ask({ type: "invite", seats });
  }

  /** "INVITED: conf-info dialing-out/pending": an invitation is a change of the roster. */
  #inviteAbsent() {
    const absent = this.#all().filter((seat) => this.#isAbsent(seat));
    if (absent.length > 0) this.#invite(absent);
    this.#tell();
  }

  /** A message invites absent members, unless that was done less than reinviteMs ago. */
  #recall() {
    if (this.#paced || !this.#all().some((seat) => this.#isAbsent(seat))) return;
    this.#inviteAbsent();
    this.#paced = true;
  }

  #bringBack(seat: Seat) {
    // Too late for a group that is idle; nothing to do for a member whose dialog is being set up.
    if (this.#phase === "idle" || !this.#isAbsent(seat)) return;
    this.#invite([seat]);
    this.#tell();
  }

  // ---------------------------------------------------------- the group as a whole

  #expire(timer: string | undefined) {
    if (timer === "reinviteMs") {
      this.#pausesEnded += 1;
      if (this.fault === 18 && this.#pausesEnded > 1) return;
      this.#paced = false;
    }
    if (timer === "inactivityMs" && this.#phase !== "idle") this.#fallSilent();
    if (timer === "lifetimeMs" && this.#phase === "idle" && this.fault !== 4) this.#end("gone");
  }

  #fallSilent() {
    // "Does FT reset inactivity: yes".
    if (this.#transfers > 0) return;
    if (!this.#input.longLived || this.fault === 1) return this.#end("idle");
    this.#release("idle");
    this.#tell();
    this.#goIdle();
  }

  #goIdle() {
    this.#phase = "idle";
    for (const seat of this.#all()) if (this.#isMember(seat)) this.#seats[seat]!.status = "away";
    // "Message after idle re-invites others": the pause belongs to the session that was.
    this.#paced = false;
  }

  #wake() {
    this.#phase = "active";
    if (this.fault === 19) this.#transfers = 0;
  }

  #end(reason: ReleaseReason) {
    if (this.fault !== 11) this.ask({ type: "endSubscriptions" });
    // The dialogs of an idle group are ending already.
    if (this.#phase !== "idle") this.#release(reason);
    this.#phase = "closing";
    this.over = !this.#anyDialog();
  }

  /** Whoever has a dialog; for one that is ending already this changes nothing. */
  #release(reason: ReleaseReason) {
    const seats = this.#all().filter((seat) => this.#seats[seat]!.legs > 0 && !(this.fault === 24 && this.#is(seat, "invited")));
    if (seats.length > 0) this.ask({ type: "release", seats, reason });
  }

  /** What follows from a change, whatever made it. */
  #settle(before: readonly SeatStatus[]) {
    const known = this.#all().filter((seat) => before[seat] !== undefined);
    const expelled = known.filter((seat) => member.includes(before[seat]!) && !this.#isMember(seat));
    const heard = expelled.filter((seat) => !(this.fault === 10 && this.#is(seat, "left")));
    if (heard.length > 0) this.ask({ type: "expelSubscribers", seats: heard });

    // Whatever becomes of the group, who leaves is told of. An invitation is told by who invites.
    if (known.some((seat) => before[seat] !== this.#seats[seat]!.status && !this.#is(seat, "invited"))) this.#tell();

    const least = this.#input.minParticipants + (this.fault === 9 ? 1 : 0);
    if (expelled.length > 0 && this.#memberCount() < least) return this.#end("gone");
    if (this.#phase !== "idle" && !this.#anyDialog()) {
      if (!this.#input.longLived) return this.#end("gone");
      this.#goIdle();
    }
    if (this.#phase === "creating" && this.#isOnGoing()) this.#phase = "active";
  }

  /** Once for one event. */
  #tell() {
    if (!this.#told) this.ask({ type: "notify" });
    this.#told = true;
  }

  /** Somebody invited is connected, or all invitations are answered. */
  #isOnGoing() {
    return this.#all().some((seat) => seat !== 0 && this.#is(seat, "connected")) || !this.#all().some((seat) => this.#is(seat, "invited"));
  }

  // ---------------------------------------------------------- the roster

  #all(): Seat[] {
    return this.#seats.map((_, seat) => seat);
  }

  #is(from: Sender, status: SeatStatus) {
    return this.#isOneOf(from, [status]);
  }

  #isOneOf(from: Sender, statuses: readonly SeatStatus[]) {
    const seat = from === "stranger" ? undefined : this.#seats[from];
    return seat !== undefined && statuses.includes(seat.status);
  }

  #isMember(from: Sender) {
    return this.#isOneOf(from, member);
  }

  /** Connected, or about to be. */
  #isThere(from: Sender) {
    return this.#isOneOf(from, ["invited", "connected"]);
  }

  /** Dialogs that are ending do not keep a user out. */
  #isAbsent(seat: Seat) {
    return this.#is(seat, "away") && this.#hasLegLeft(seat);
  }

  #hasLegLeft(seat: Seat) {
    return this.#seats[seat]!.legs <= this.#input.maxDevices;
  }

  #memberCount() {
    return this.#all().filter((seat) => this.#isMember(seat)).length;
  }

  #anyDialog() {
    return this.#seats.some((seat) => seat.legs > 0);
  }
}

const isLegEnd = (event: GroupSessionEvent): event is ParticipantEvent => event.type.startsWith("participant.") && event.type !== "participant.connected";

// ---------------------------------------------------------------- group file transfer

/** Section 9.3.1 for one request. */
export class SecondGroupFileTransfer extends Taker {
  readonly #input: GroupFileTransferInput;
  #executing = false;

  constructor(input: GroupFileTransferInput, fault?: number) {
    super(fault);
    this.#input = input;
  }

  protected override serve(heard: Heard) {
    const event = heard as GroupFileTransferEvent;
    if (event.type === "sip.INVITE.fileTransfer") {
      // "Duplicated INVITE: one fan-out".
      if ((this.#executing && this.fault !== 30) || this.over) this.refuseSip(482);
      else this.#decide(event);
    } else if (event.type === "largeMessage.ended" && this.#executing && !this.over) {
      if (this.fault !== 29) this.ask({ type: "reportTransfer", progress: "ended" });
      this.over = true;
    }
  }

  #decide({ sender, direction, fileOctets, capacity }: TransferRequest) {
    if (this.#input.groupFileTransfer === "notSupported") return this.#refuse(403, "functionNotAllowed");
    // A receiver that resumes "must not fan out".
    if (direction === "pull" && this.fault !== 26) return this.#refuse(488);
    const rejoins = (this.#input.senderNotConnected === "rejoin") !== (this.fault === 28);
    if (sender === "stranger" || (sender === "away" && !rejoins)) return this.#refuse(403, "serviceNotAuthorised");
    const tooBig = this.fault === 27 ? fileOctets >= this.#input.maxFileOctets : fileOctets > this.#input.maxFileOctets;
    if (tooBig) return this.#refuse(403, "sizeExceeded");
    if (capacity === "exhausted") return this.#refuse(this.fault === 25 ? 503 : 486);
    this.#executing = true;
    this.ask({ type: "reportTransfer", progress: "begun" });
    // "SHALL not include the recipient-list".
    this.ask({ type: "executeLargeMessage", recipientList: "none" });
    if (sender === "away") this.ask({ type: "rejoinSender" });
  }

  #refuse(status: Status, warning?: Warning) {
    this.answer(status, warning);
    this.over = true;
  }
}

// ---------------------------------------------------------------- large message

/** Section 9.1.2 for one message. */
export class SecondLargeMessage extends Taker {
  readonly #input: LargeMessageInput;
  readonly #recipients: RecipientStatus[];
  #invited = false;
  #senderAccepted = false;
  #started = false;
  #completed = false;

  constructor(input: LargeMessageInput, fault?: number) {
    super(fault);
    this.#input = input;
    this.#recipients = Array.from({ length: input.recipients }, () => "waiting");
  }

  protected override serve(heard: Heard) {
    if (this.over) return;
    const event = heard as LargeMessageEvent;
    switch (event.type) {
      case "largeMessage.execute":
        if (!this.#invited) this.#execute(event.spool);
        return;
      case "admin.shutdown":
        return this.#shutDown();
      case "sender.aborted":
        // Cancelled while room was made: nobody is invited after that.
        if (!this.#invited) return this.#report("aborted");
    }
    if (this.#invited) this.#serveInvited(event);
  }

  #execute(spool: "ready" | "exhausted") {
    if (this.#recipients.length === 0) return this.#rejectSender(480, "failed");
    if (spool === "exhausted") return this.#rejectSender(503, "failed");
    this.#invited = true;
    if (this.#input.recipientList === "history") this.ask({ type: "addHistoryList" });
    this.ask({ type: "inviteRecipients" });
    if (this.#input.answerSender === "early") this.#acceptSender();
  }

  #serveInvited(event: LargeMessageEvent) {
    switch (event.type) {
      case "recipient.ringing":
        if (this.#recipients[event.recipient] === "waiting") this.#recipients[event.recipient] = "ringing";
        return;
      case "recipient.accepted":
        if (this.#isPending(event.recipient)) this.#accepted(event);
        return;
      case "recipient.declined":
        if (this.#isPending(event.recipient)) this.#mark(event.recipient, "declined");
        return;
      case "recipient.failed":
        // "A leg failure does not end the others".
        if (this.#isPending(event.recipient) || (this.#isServed(event.recipient) && this.fault !== 34)) this.#mark(event.recipient, "failed");
        return;
      case "recipient.delivered":
        // "R_i finished: BYE R_i" is said by the recipient's own dialog; nobody has everything before the last octet is here.
        if (this.#completed && this.#isServed(event.recipient)) this.#mark(event.recipient, "done");
        return;
      case "sender.started":
        this.#started ||= this.#senderAccepted;
        return;
      case "sender.completed":
        if (!this.#started || this.#completed) return;
        this.#completed = true;
        if (this.fault === 37) return this.#report(this.#result());
        return this.#proceed();
      case "sender.aborted":
        // After the last octet "keep sending to slow legs".
        if (this.#completed && this.fault !== 39) return;
        // `#` and a stall leave the dialog open.
        if (this.#senderAccepted) this.ask({ type: "releaseSender", reason: "bearerUnavailable" });
        return this.#abort("aborted", "bearerUnavailable");
      case "sender.misbehaved":
        if (!this.#senderAccepted || this.#completed) return;
        // "Count bytes; abort at limit": 413, then BYE; what was sent of it is no file.
        this.#dismissSender("notAcceptable");
        return this.#abort("failed", "bearerUnavailable", this.fault === 38);
    }
  }

  // ---------------------------------------------------------- recipients

  #accepted({ recipient, wrappedTypes, acceptTypes }: RecipientAccepted) {
    if (wrappedTypes === "indicated") return this.#deliver(recipient, this.fault === 31);
    switch (this.#input.wrappedTypes) {
      case "acceptTypes":
        // "A file that travels unwrapped is governed by a=accept-types".
        return acceptTypes === "covers" ? this.#deliver(recipient, true) : this.#exclude(recipient);
      case "exclude":
        return this.#exclude(recipient);
      case "sendAnyway":
        return this.#deliver(recipient, false);
      case "sendUnwrapped":
        return this.#deliver(recipient, true);
      case "rejectAll":
        // What the sender has completed can no longer be refused; then only this recipient is left out.
        return this.#completed ? this.#exclude(recipient) : this.#rejectAll();
    }
  }

  #deliver(recipient: Recipient, unwrapped: boolean) {
    this.ask({ type: "deliver", recipient, unwrapped });
    this.#mark(recipient, "ready");
    if (this.fault === 36 && this.#count("ready") > 1) this.ask({ type: "acceptSender" });
  }

  #exclude(recipient: Recipient) {
    this.ask({ type: "releaseRecipients", recipients: [recipient], reason: "notAcceptable" });
    this.#mark(recipient, "excluded");
  }

  #rejectAll() {
    if (this.#senderAccepted) this.#dismissSender("notAcceptable");
    else this.ask({ type: "rejectSender", status: 488 });
    this.#abort("failed", "notAcceptable");
  }

  #mark(recipient: Recipient, status: RecipientStatus) {
    this.#recipients[recipient] = status;
    this.#proceed();
  }

  // ---------------------------------------------------------- the message as a whole

  /** What follows from how far everybody is. */
  #proceed() {
    const pending = this.#count("waiting") + this.#count("ringing");
    const served = this.#count("ready");
    const done = this.#count("done");
    if (this.#completed) {
      // Who accepts late is served from the spool, so pending invitations are waited for.
      if (pending + served === 0) this.#report(this.#result());
    } else if (pending + served + done === 0) {
      this.#nobodyLeft();
    } else if (!this.#senderAccepted && served + done > 0) {
      const allAnswered = this.fault === 35 ? pending > 0 : pending === 0;
      if (this.#input.answerSender === "firstAccept" || allAnswered) this.#acceptSender();
    }
  }

  #nobodyLeft() {
    // "All 603 → 603; mixed → 480".
    const everybodyDeclined = this.#count("declined") === this.#recipients.length && this.fault !== 32;
    if (!this.#senderAccepted) return this.#rejectSender(everybodyDeclined ? 603 : 480, "failed");
    this.#dismissSender("bearerUnavailable");
    this.#report("failed");
  }

  #acceptSender() {
    this.#senderAccepted = true;
    this.ask({ type: "acceptSender" });
  }

  #rejectSender(status: Status, result: LargeMessageResult) {
    this.ask({ type: "rejectSender", status });
    this.#report(result);
  }

  /** "413 to S then BYE S"; the first chunk may be under way. */
  #dismissSender(reason: ReleaseReason) {
    this.ask({ type: "stopSender" });
    this.ask({ type: "releaseSender", reason });
  }

  /** "`#` to R_i, BYE R_i": nobody keeps waiting for a message that will not come. */
  #abort(result: LargeMessageResult, reason: ReleaseReason, leavesHanging = false) {
    const live = [...this.#recipients.keys()].filter((recipient) => this.#isServed(recipient) || (this.#isPending(recipient) && this.fault !== 33));
    if (this.#senderAccepted) this.ask({ type: "abortDelivery" });
    if (live.length > 0 && !leavesHanging) this.ask({ type: "releaseRecipients", recipients: live, reason });
    this.#report(result);
  }

  #shutDown() {
    if (!this.#invited) return this.#rejectSender(503, "aborted");
    if (!this.#senderAccepted) {
      this.ask({ type: "rejectSender", status: 503 });
      return this.#abort("aborted", "bearerUnavailable");
    }
    this.ask({ type: "releaseSender", reason: "idle" });
    this.#abort("aborted", "idle");
  }

  #report(result: LargeMessageResult) {
    this.ask({ type: "reportLargeMessage", result });
    this.over = true;
  }

  #result(): LargeMessageResult {
    const all = this.#recipients.length - (this.fault === 40 ? 1 : 0);
    if (this.#count("done") === 0) return "failed";
    return this.#count("done") >= all ? "complete" : "partial";
  }

  #isPending(recipient: Recipient) {
    return this.#recipients[recipient] === "waiting" || this.#recipients[recipient] === "ringing";
  }

  #isServed(recipient: Recipient) {
    return this.#recipients[recipient] === "ready";
  }

  #count(status: RecipientStatus) {
    return this.#recipients.filter((each) => each === status).length;
  }
}
