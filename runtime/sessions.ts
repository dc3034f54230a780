/**
 * The live Controlling Function: which machine an arrival belongs to.
 *
 * Every request outside a dialog comes in here, is read, and becomes an event of a group that is here, or a new group.
 */
import type { BlockList } from "node:net";
import { defaults, type Policies } from "../machines/policies.ts";
import { PeerIncompatible, PeerMisbehaved } from "./errors.ts";
import type { Clock } from "./clock.ts";
import type { MsrpEndpoint } from "./msrp/endpoint.ts";
import type { Random } from "./random.ts";
import { Turns, type MachineClock } from "./session.ts";
import type { SipEndpoint, EndpointUser } from "./sip/endpoint.ts";
import { warningHeaders } from "./sip/from-effect.ts";
import { addressOf, speakerNameOf, speakerOf, userOf, wantsPrivacy } from "./sip/identity.ts";
import type { IncomingRequest } from "./sip/incoming-request.ts";
import type { IncomingInvite } from "./sip/invite-server.ts";
import type { IncomingRefer } from "./sip/refer.ts";
import type { SipMessage } from "./sip/message.ts";
import type { IncomingSubscription } from "./sip/subscription.ts";
import { bodyParts, descriptionIn, identifierIn, recipientsIn, serviceIn, type Description } from "./sip/to-event.ts";
import type { Flow } from "./sip/transport.ts";
import { parseUri } from "./sip/uri.ts";
import { sipInstance } from "./body/feature-tags.ts";
import type { BodyPart } from "./body/multipart.ts";
import type { ListEntry } from "./body/resource-lists.ts";
import { FocusCounts, type Arrival, type ArrivedInvite, type Focus } from "./sessions/focus.ts";
import { closedGroupToken, contributionIdOf, Group } from "./sessions/group.ts";
import type { Spool } from "./store/spool.ts";
import type { Transfer } from "./sessions/transfer.ts";
import type { Trace } from "./trace.ts";

export interface ControllingFunctionOptions {
  readonly clock: Clock;
  /** What lets the timers of machines expire; `clock` unless said. */
  readonly machineClock?: MachineClock | undefined;
  readonly random: Random;
  readonly domain: string;
  /** The Conference-factory URI. */
  readonly factory: string;
  /** Peers whose word for who speaks is taken. */
  readonly trusted: BlockList;
  readonly trace?: Trace | undefined;
  /** A peer that is not trusted asked for something, and got 403. */
  readonly refused: (host: string) => void;
  /** A fault of ours; the peer got 500. */
  readonly failed: (fault: unknown) => void;
}

/** Tokens of a=chatroom that close a group. @see RFC 7701 §8 */
const closedTokens = [closedGroupToken.toLowerCase(), "org.openmobilealliance.groupchat.closed"];

/** How long the last NOTIFYs may take when everything else has ended. */
const lastNotificationsMs = 1_000;

/** Groups outlive their dialogs, and peers make as many as they like: above it 503. */
const groupsAtMost = 100_000;

export class ControllingFunction implements EndpointUser {
  readonly #options: ControllingFunctionOptions;
  readonly turns: Turns<Arrival>;
  readonly counts = new FocusCounts();
  readonly #transfers = new Set<Transfer>();
  /** Groups by the user part of their identity. */
  readonly #groups = new Map<string, Group>();
  /** The group of a Contribution-ID: the first, which no later one of other people takes the name from. */
  readonly #contributions = new Map<string, Group>();
  readonly #factory: ReturnType<typeof parseUri>;
  #focus: Focus | undefined;
  #policies: Policies = defaults;
  #emptied: (() => void) | undefined;
  #stopping = false;
  #faults = 0;

  constructor(options: ControllingFunctionOptions) {
    this.#options = options;
    this.#factory = parseUri(options.factory);
    this.turns = new Turns({
      clock: options.machineClock ?? options.clock,
      trace: options.trace,
      failed: (fault, arrival) => this.#fail(fault, arrival),
    });
  }

  /** What breaks a rule is answered as the rule says; anything else is ours to mend, and the peer gets 500. */
  #fail(fault: unknown, arrival: Arrival | undefined): void {
    if (arrival && fault instanceof PeerMisbehaved) return arrival.answer(fault.status);
    this.#faults += 1;
    this.#options.failed(fault);
    arrival?.answer(500);
  }

  /** The transports and the disk it works with; before the first arrival. */
  begin(sip: SipEndpoint, msrp: MsrpEndpoint, spool: Spool): void {
    const { clock, random, domain } = this.#options;
    const policies = () => this.#policies;
    const { turns, counts } = this;
    this.#focus = { sip, msrp, spool, clock, random, domain, turns, counts, transfers: this.#transfers, policies, lengthOf: (timer) => this.#policies[timer] };
  }

  /** From now on: machines that run keep what they were made with, and a timer is as long as its policy was when it started. */
  set policies(policies: Policies) {
    this.#policies = policies;
  }

  get groupCount(): number {
    return this.#groups.size;
  }

  /** Groups that are here, oldest first. */
  get groups(): Iterable<Group> {
    return this.#groups.values();
  }

  group(id: string): Group | undefined {
    return this.#groups.get(id);
  }

  /** Transfers that run, oldest first. */
  get transfers(): ReadonlySet<Transfer> {
    return this.#transfers;
  }

  /** It ends everything, and begins nothing any more. */
  get stopping(): boolean {
    return this.#stopping;
  }

  /** Faults of ours since the start. */
  get faults(): number {
    return this.#faults;
  }

  /** Ends every group in order. Resolves when the last dialog has ended. */
  async end(): Promise<void> {
    this.#stopping = true;
    for (const group of this.#groups.values()) group.end();
    if (this.#groups.size > 0) await new Promise<void>((resolve) => (this.#emptied = resolve));
    await this.#lastNotifications();
  }

  /** A last NOTIFY waits for the answer to the one before it; not longer than a subscriber that is there needs. */
  async #lastNotifications(): Promise<void> {
    const { clock } = this.#options;
    const until = clock.now() + lastNotificationsMs;
    while (this.#focus!.sip.counters.subscriptions > 0 && clock.now() < until) await new Promise<void>((resolve) => void clock.after(20, resolve));
  }

  // ---------------------------------------------------------------- requests outside dialogs

  onInvite(invite: IncomingInvite): void {
    const arrival = this.#arrivalOf((status, headers) => invite.reject(status, { headers }));
    this.#read(arrival, invite.flow, invite.request, (speaker) => this.#onInvite(invite, speaker, arrival));
  }

  onSubscribe(subscription: IncomingSubscription): void {
    const arrival = { ...this.#arrivalOf((status, headers) => subscription.reject(status, { headers })), subscription };
    this.#read(arrival, subscription.flow, subscription.request, (speaker) => {
      const group = this.#groupOf(subscription.request);
      if (group) this.turns.arrive(arrival, () => group.subscribe(subscription, speaker));
      else arrival.answer(404);
    });
  }

  onRefer(refer: IncomingRefer): void {
    const arrival = this.#arrivalOf((status, headers) => refer.reject(status, { headers }));
    this.#read(arrival, refer.flow, refer.request, (speaker) => {
      const group = this.#groupOf(refer.request);
      if (group) group.refer(refer, speaker);
      else arrival.answer(404);
    });
  }

  /** A CPIM message by SIP, as a notification from a device that has no MSRP session: the group hears it as one from the session. */
  onMessage(message: IncomingRequest): void {
    const { request, flow } = message;
    const arrival: Arrival = {
      answer: (status, warning) => message.respond(sipStatusOf(status), { headers: warningHeaders(warning, this.#options.domain) }),
      message: { contentType: "message/cpim", body: request.body },
    };
    this.#read(arrival, flow, request, (speaker) => {
      const group = this.#groupOf(request);
      if (group === undefined) return arrival.answer(404);
      if (request.body.length > this.#policies.maxMessageOctets) return arrival.answer(413);
      if (!/^message\/cpim\b/i.test(request.get("content-type") ?? "")) return message.respond(415, { headers: [["Accept", "message/cpim"]] });
      group.message(speaker, request.body, arrival);
    });
  }

  onOptions({ request }: { readonly request: SipMessage }): number {
    const { user, host } = parseUri(request.uri);
    return user === undefined || this.#isFactory(request) || this.#groupOf(request) !== undefined || host.toLowerCase() === this.#options.domain ? 200 : 404;
  }

  onRegister({ flow }: { readonly flow: Flow }): number | undefined {
    if (this.#isTrusted(flow)) return undefined;
    this.#options.refused(flow.remote.host);
    return 403;
  }

  #arrivalOf(reject: (status: number, headers: readonly (readonly [string, string])[]) => void): Arrival {
    return { answer: (status, warning) => reject(status, warningHeaders(warning, this.#options.domain)) };
  }

  /** Reads a request of a trusted peer. */
  #read(arrival: Arrival, flow: Flow, request: SipMessage, read: (speaker: string) => void): void {
    if (!this.#isTrusted(flow)) {
      this.#options.refused(flow.remote.host);
      return arrival.answer(403);
    }
    if (this.#stopping) return arrival.answer(503);
    try {
      const speaker = speakerOf(request);
      addressOf(speaker);
      read(speaker);
    } catch (fault) {
      this.#fail(fault, arrival);
    }
  }

  #isTrusted({ remote }: Flow): boolean {
    return this.#options.trusted.check(remote.host, remote.host.includes(":") ? "ipv6" : "ipv4");
  }

  #onInvite(invite: IncomingInvite, speaker: string, answers: Arrival): void {
    const { request } = invite;
    const group = this.#groupOf(request);
    if (group === undefined && !this.#isFactory(request)) return answers.answer(404);
    const parts = bodyParts(request);
    const arrived: ArrivedInvite = { invite, parts, offer: this.#offerIn(parts), speaker, name: speakerNameOf(request), instance: sipInstance(request.getAll("contact")) };
    const arrival: Arrival = { ...answers, invite: arrived };
    if (group === undefined) return this.#onCreation(arrived, arrival);
    if (serviceIn(request) === "filetransfer") {
      requireFile(arrived);
      this.turns.arrive(arrival, () => group.transfer(arrived, contributionIdOf(request, this.#focus!)));
    } else {
      this.turns.arrive(arrival, () => group.join(arrived));
    }
  }

  /** @throws {PeerMisbehaved} 400 or 488: no session description that we can answer */
  #offerIn(parts: readonly BodyPart[]): Description {
    const offer = descriptionIn(parts);
    const { secure, plain } = this.#focus!.msrp;
    if (offer.media.protocol === "TCP/TLS/MSRP" ? !secure : !plain)
      throw new PeerIncompatible("SDP_NO_MESSAGE_MEDIA", "RFC 4975 §8", 488, `${offer.media.protocol} is not served here`);
    return offer;
  }

  #onCreation(arrived: ArrivedInvite, arrival: Arrival): void {
    const { request } = arrived.invite;
    const contributionId = contributionIdOf(request, this.#focus!);
    const recipients = this.#recipients(arrived);
    const known = this.#knownBy(contributionId, arrived.speaker);
    // Two members who restart at the same time get one group: the second restart is a join.
    if (known) return this.turns.arrive(arrival, () => known.join(arrived));
    if (this.#groups.size >= groupsAtMost) return arrival.answer(503);
    const id = this.#options.random(128);
    this.turns.arrive(arrival, () => {
      const group = new Group(this.#focus!, id, `sip:${id}@${this.#options.domain}`, {
        conversationId: identifierIn(request, "conversation-id") ?? this.#options.random(128),
        contributionId,
        subject: request.get("subject")?.trim() || undefined,
        closed: (arrived.offer.media.chatroom ?? []).some((token) => closedTokens.includes(token.toLowerCase())),
        recipients,
      }, (ended) => this.#forget(ended));
      this.#groups.set(id, group);
      if (this.#contributions.get(contributionId)?.session.over !== false) this.#contributions.set(contributionId, group);
      group.session.tell({ type: "sip.INVITE.create", recipients: recipients.length, anonymous: wantsPrivacy(request) });
    });
  }

  /** The recipients without the sender. */
  #recipients({ parts, speaker }: ArrivedInvite): ListEntry[] {
    const own = addressOf(speaker);
    const seen = new Set([own]);
    return recipientsIn(parts, this.#policies.copyControl).filter(({ uri }) => {
      const address = addressOf(uri);
      if (seen.has(address)) return false;
      seen.add(address);
      return true;
    });
  }

  #knownBy(contributionId: string, speaker: string): Group | undefined {
    const group = this.#contributions.get(contributionId);
    return group === undefined || group.session.over || group.senderOf(speaker) === "stranger" ? undefined : group;
  }

  #forget(group: Group): void {
    this.#groups.delete(group.id);
    const { contributionId } = group.description;
    if (this.#contributions.get(contributionId) === group) this.#contributions.delete(contributionId);
    this.turns.observer?.ended(group.id);
    if (this.#groups.size === 0) this.#emptied?.();
  }

  #isFactory({ uri }: SipMessage): boolean {
    const asked = parseUri(uri);
    return (asked.scheme === "sip" || asked.scheme === "sips") && userOf(asked) === userOf(this.#factory);
  }

  #groupOf({ uri }: SipMessage): Group | undefined {
    const asked = parseUri(uri);
    return asked.scheme === "sip" || asked.scheme === "sips" ? this.#groups.get(userOf(asked)) : undefined;
  }
}

/** MSRP's statuses that SIP does not have in the same sense. */
const sipStatusOf = (status: number): number => ({ 413: 413, 415: 415, 428: 403, 481: 403 })[status] ?? status;

/** @throws {PeerMisbehaved} SDP_NO_FILE_SELECTOR, 488 */
function requireFile({ offer }: ArrivedInvite): void {
  if (offer.media.file === undefined) throw new PeerMisbehaved("SDP_NO_FILE_SELECTOR", "RFC 5547 §8.2.1", 488, "the offer has no file-selector");
}
