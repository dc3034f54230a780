import { parseConferenceInfo } from "../body/conference-info.ts";
import type { DispositionRequest } from "../body/imdn.ts";
import { formatResourceLists } from "../body/resource-lists.ts";
import { formatAcceptContact, formatServiceId } from "../body/feature-tags.ts";
import type { Timer } from "../clock.ts";
import { PeerMisbehaved } from "../errors.ts";
import type { IncomingMessage, WholeMessage } from "../msrp/session.ts";
import type { HeaderFields } from "../sip/content.ts";
import type { OutgoingSubscription } from "../sip/subscriber.ts";
import { formatComposing, formatMessage, formatNotification, readChat } from "./chat-message.ts";
import type { ChatArrival, ChatMessage, Composing, Envelope, Notification } from "./chat-message.ts";
import type { Device } from "./device.ts";
import { Leg, lineOf } from "./leg.ts";
import { Roster } from "./roster.ts";
import { Arrivals, Eventual, patienceMs } from "./waiting.ts";

/** The session that a leg belongs to. */
export interface Conversation {
  readonly conversationId: string;
  readonly contributionId: string;
  readonly subject: string | undefined;
}

export interface ChatTerms {
  /** Disposition notifications that are sent for every message that asks; both unless said. */
  readonly notify?: readonly ("delivered" | "displayed")[] | undefined;
}

export interface SendOptions {
  readonly contentType?: string | undefined;
  /** imdn.Message-ID; a random one unless given. */
  readonly messageId?: string | undefined;
  /** Delivery and display unless said. */
  readonly asksFor?: readonly DispositionRequest[] | undefined;
  /** CPIM To; the Group Session Identity unless given. */
  readonly to?: string | undefined;
  /** CPIM From; for scripts that pretend to be somebody else. */
  readonly from?: string | undefined;
}

/** What became of a message: the MSRP status that answered it. */
export interface SentMessage {
  readonly messageId: string;
  readonly status: number;
}

/** What clients of groups leave and are lost with. @see RFC 3326 §2 */
export const reasons = {
  left: 'SIP;cause=200;text="Call completed"',
  lost: 'SIP;cause=480;text="Bearer unavailable"',
} as const;

/** This client's part in a CPM Group Session: dialog, MSRP session, and subscription to the participant information. */
export class GroupLeg {
  readonly conversationId: string;
  readonly contributionId: string;
  readonly subject: string | undefined;
  readonly leg: Leg;
  readonly messages: Arrivals<ChatMessage>;
  readonly notifications: Arrivals<Notification>;
  readonly composings: Arrivals<Composing>;
  readonly roster = new Roster();
  /** Notifications of the conference event package that were applied, full and partial. */
  readonly rosters: Arrivals<Roster>;
  /** Why the subscription ended, e.g. `noresource`. */
  readonly unsubscribed: Eventual<string | undefined>;
  readonly #device: Device;
  readonly #notify: readonly ("delivered" | "displayed")[];
  #subscription: OutgoingSubscription | undefined;
  #resubscribe: Timer | undefined;

  constructor(device: Device, { conversationId, contributionId, subject }: Conversation, { notify = ["delivered", "displayed"] }: ChatTerms = {}) {
    const { name, clock } = device;
    this.conversationId = conversationId;
    this.contributionId = contributionId;
    this.subject = subject;
    this.#device = device;
    this.#notify = notify;
    this.messages = new Arrivals(`a message for ${name}`, clock, ({ from, text }) => `"${text}" from ${from}`);
    this.notifications = new Arrivals(`a disposition notification for ${name}`, clock, ({ from, status, messageId }) => `${status} ${messageId} from ${from}`);
    this.composings = new Arrivals(`isComposing for ${name}`, clock, ({ from, state }) => `${state} from ${from}`);
    this.rosters = new Arrivals(`a NOTIFY for ${name}`, clock, ({ version }) => `version ${version}`);
    this.unsubscribed = new Eventual(`the end of ${name}'s subscription`, clock);
    this.leg = new Leg(device, "chat session", { onMessage: (message) => this.#receive(message) });
    this.leg.ended.on(() => this.#resubscribe?.stop());
  }

  /** The Group Session Identity: the Contact of the focus, without parameters. */
  get identity(): string {
    const target = this.leg.dialog?.remoteTarget;
    if (target === undefined) throw new Error(`${this.#device.name} is in no group yet`);
    return target;
  }

  // ------------------------------------------------------------ messages

  /** Sends a message to the group. @throws {DeadlineMissed} nobody answered the SEND */
  async send(text: string, options: SendOptions = {}): Promise<SentMessage> {
    const { contentType = "text/plain; charset=UTF-8", asksFor = ["positive-delivery", "display"] } = options;
    const envelope = this.#envelope(options);
    const body = formatMessage({ ...envelope, asksFor, contentType, content: Buffer.from(text) });
    const status = await this.sendOctets({ contentType: "message/cpim", body }, `"${text}"`);
    return { messageId: envelope.messageId, status };
  }

  /** Sends any MSRP message, whatever is in it. @returns the MSRP status that answered it */
  sendOctets(message: WholeMessage, about: string): Promise<number> {
    const outcome = new Eventual<number>(`the answer to ${this.#device.name}'s SEND ${about}`, this.#device.clock);
    this.#tell("sent", `SEND ${about}`);
    this.leg.session.send(message, (status) => {
      if (status !== 200) this.#tell("received", `${status} (SEND ${about})`);
      outcome.settle(status);
    });
    return outcome.within();
  }

  /** Says that the user composes a message, or has stopped. */
  composing(state: Composing["state"] = "active"): void {
    const body = formatComposing(this.#envelope({}), { state, contentType: "text/plain", refresh: state === "active" ? 60 : undefined });
    this.#sendUnanswered(body, `isComposing ${state}`);
  }

  /** Notifies the sender of a message, or of a file. */
  notify(of: Pick<ChatMessage, "from" | "messageId" | "dateTime">, status: "delivered" | "displayed"): void {
    const imdn = {
      messageId: of.messageId,
      dateTime: of.dateTime,
      recipientUri: this.#device.uri,
      originalRecipientUri: this.identity,
      kind: status === "delivered" ? ("delivery" as const) : ("display" as const),
      status,
    };
    this.#sendUnanswered(formatNotification(this.#envelope({ to: of.from }), imdn), `IMDN ${status} to ${of.from}`);
  }

  #sendUnanswered(body: Buffer, about: string): void {
    this.#tell("sent", `SEND ${about}`);
    this.leg.session.send({ contentType: "message/cpim", body, failureReport: "no" });
  }

  #envelope({ from = this.#device.uri, to = this.identity, messageId = this.#device.random(96) }: SendOptions): Envelope {
    return { from, to, messageId, dateTime: new Date(this.#device.clock.wall()).toISOString() };
  }

  #receive(message: IncomingMessage): void {
    try {
      const arrival = readChat(message.body);
      message.respond(200);
      message.report();
      this.#arrived(arrival);
    } catch (fault) {
      if (!(fault instanceof PeerMisbehaved)) throw fault;
      this.#tell("received", `SEND that is unreadable: ${fault.fault}`);
      message.respond(400);
    }
  }

  #arrived(arrival: ChatArrival): void {
    switch (arrival.is) {
      case "message": {
        const { message } = arrival;
        this.#tell("received", `SEND "${message.text}" from ${message.from}`);
        this.messages.arrive(message);
        if (message.asksFor.includes("positive-delivery") && this.#notify.includes("delivered")) this.notify(message, "delivered");
        if (message.asksFor.includes("display") && this.#notify.includes("displayed")) this.notify(message, "displayed");
        return;
      }
      case "notification":
        this.#tell("received", `SEND IMDN ${arrival.notification.status} from ${arrival.notification.from}`);
        return this.notifications.arrive(arrival.notification);
      case "composing":
        this.#tell("received", `SEND isComposing ${arrival.composing.state} from ${arrival.composing.from}`);
        return this.composings.arrive(arrival.composing);
    }
  }

  // ------------------------------------------------------------ participants

  /** Adds users, one by its URI, several by a list. @returns the status of the answer @see RFC 4579 §5.5, RFC 5368 §4 */
  add(...uris: [string, ...string[]]): Promise<number> {
    const [first] = uris;
    const about = `to add ${uris.join(", ")}`;
    if (uris.length === 1) return this.#refer(about, [["Refer-To", `<${first}>`]]);
    const contentId = `${this.#device.random(96)}@cpm.client`;
    const list = formatResourceLists(uris.map((uri) => ({ uri, copyControl: "to" })));
    const headers: HeaderFields = [
      ["Require", "multiple-refer, norefersub"],
      ["Refer-To", `<cid:${contentId}>`],
      ["Content-ID", `<${contentId}>`],
      ["Content-Disposition", "recipient-list"],
    ];
    return this.#refer(about, headers, list);
  }

  /** Removes a user. @returns the status of the answer @see RFC 4579 §5.11 */
  remove(uri: string): Promise<number> {
    return this.#refer(`to remove ${uri}`, [["Refer-To", `<${uri};method=BYE>`]]);
  }

  #refer(about: string, headers: HeaderFields, list?: Buffer): Promise<number> {
    const answer = new Eventual<number>(`the answer to ${this.#device.name}'s REFER ${about}`, this.#device.clock);
    const all: HeaderFields = [
      ["Refer-Sub", "false"],
      ["Supported", "norefersub"],
      ["Accept-Contact", formatAcceptContact("session")],
      ["P-Preferred-Service", formatServiceId("session")],
      ["P-Preferred-Identity", `<${this.#device.uri}>`],
      ["Conversation-ID", this.conversationId],
      ["Contribution-ID", this.contributionId],
      ...headers,
    ];
    const content = list && { contentType: "application/resource-lists+xml", body: list };
    this.leg.request("REFER", about, { headers: all, ...content }, (response) => answer.settle(response.status));
    return answer.within();
  }

  /** Subscribes to the participant information; done with the first notification. @see RFC 4575 §3 */
  subscribe(expiresS = 3600): Promise<Roster> {
    const { sip, uri, server } = this.#device;
    this.#tellSip("sent", "SUBSCRIBE conference");
    this.#subscription = sip.subscribe(
      {
        requestUri: this.identity,
        from: uri,
        contact: this.#device.contact("session"),
        event: "conference",
        accept: "application/conference-info+xml",
        expiresS,
        destination: server,
        headers: this.#device.serviceHeaders("session", "group"),
      },
      {
        onNotify: ({ body }) => this.#notified(body),
        onAccepted: (response, grantedS = expiresS) => {
          this.#tellSip("received", lineOf(response));
          this.#refreshAt(grantedS, expiresS);
        },
        onEnded: (status, reason) => {
          this.#resubscribe?.stop();
          if (status !== 200) this.#tellSip("received", `${status} (SUBSCRIBE)`);
          this.unsubscribed.settle(reason ?? String(status));
        },
      },
    );
    return this.rosters.next();
  }

  #refreshAt(grantedS: number, expiresS: number): void {
    this.#resubscribe?.stop();
    if (grantedS > 0) this.#resubscribe = this.#device.clock.after(grantedS * 500, () => this.#subscription?.refresh(expiresS));
  }

  #notified(body: Buffer): void {
    if (body.length === 0) return this.#tellSip("received", "NOTIFY without body");
    try {
      const info = parseConferenceInfo(body);
      const users = info.users.map(({ entity, endpoints }) => `${entity} ${endpoints.at(-1)?.status ?? ""}`);
      this.#tellSip("received", `NOTIFY ${info.state} ${info.version}: ${users.join(", ")}`);
      const outcome = this.roster.apply(info);
      if (outcome === "applied") this.rosters.arrive(this.roster);
      if (outcome === "gap") this.#subscription?.refresh(3600);
    } catch (fault) {
      if (!(fault instanceof PeerMisbehaved)) throw fault;
      this.#tellSip("received", `NOTIFY that is unreadable: ${fault.fault}`);
    }
  }

  /** Waits until the participant information is as wanted. @throws {DeadlineMissed} it did not become so in time */
  async rosterWith(what: string, matches: (roster: Roster) => boolean, withinMs: number = patienceMs): Promise<Roster> {
    if (matches(this.roster)) return this.roster;
    return await this.rosters.next(matches, withinMs, `${this.#device.name} to be told of ${what}`);
  }

  // ------------------------------------------------------------ the end

  /** Leaves for good. @returns the status of the answer */
  leave(): Promise<number> {
    this.#subscription?.unsubscribe();
    return this.leg.bye(reasons.left).within();
  }

  /** Goes without leaving: by a BYE that says so, or by a connection that breaks, with no word at all. */
  async drop(how: "bye" | "cut" = "bye"): Promise<void> {
    if (how === "bye") await this.leg.bye(reasons.lost).within();
    else this.leg.cut();
  }

  #tell(direction: "sent" | "received", text: string): void {
    this.#device.tell(direction, "MSRP", text);
  }

  #tellSip(direction: "sent" | "received", text: string): void {
    this.#device.tell(direction, "SIP", text);
  }
}
