import type { Effect } from "../../machines/effects.ts";
import type { LargeMessageResult } from "../../machines/events.ts";
import type { LargeMessageInput } from "../../machines/large-message.ts";
import type { Recipient } from "../../machines/terms.ts";
import type { BodyPart } from "../body/multipart.ts";
import type { ListEntry } from "../body/resource-lists.ts";
import { FileRelay, type FileRelayReport } from "../msrp/file-relay.ts";
import { Session, type Instance, type Surroundings, type Told, type World } from "../session.ts";
import { historyPart, type Contribution } from "../sip/from-effect.ts";
import { isList } from "../sip/to-event.ts";
import { SpoolFailed } from "../store/spool.ts";
import type { Arrival, ArrivedInvite, Focus } from "./focus.ts";
import type { Group } from "./group.ts";
import { RecipientLeg, SenderLeg } from "./transfer-leg.ts";

type TransferEffect = "answer" | "executeLargeMessage" | "rejoinSender" | "reportTransfer";
type LargeMessageEffect =
  | "addHistoryList"
  | "inviteRecipients"
  | "acceptSender"
  | "rejectSender"
  | "releaseSender"
  | "deliver"
  | "releaseRecipients"
  | "abortDelivery"
  | "stopSender"
  | "reportLargeMessage";

/**
 * One file in a group: the machines of 9.3.1 and of 9.1.2, their legs, and the data plane between them.
 *
 * It is over when the large message has ended and every leg with it.
 */
export class Transfer {
  readonly session: Session<Arrival>;
  readonly group: Group;
  readonly contribution: Contribution;
  readonly arrived: ArrivedInvite;
  readonly #focus: Focus;
  /** By their place in the large message. */
  readonly recipientUris: readonly string[];
  readonly #ended: (transfer: Transfer) => void;
  readonly #recipients: (RecipientLeg | undefined)[] = [];
  /** The name in the trace; the Contribution-ID is the peer's to write. */
  readonly instance: string;
  /** The how-manieth of this server. */
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly since: number;
  #result: LargeMessageResult | "refused" = "refused";
  #largeMessage: Session<Arrival> | undefined;
  #sender: SenderLeg | undefined;
  #legs = 0;
  #history: readonly BodyPart[] = [];
  relay: FileRelay | undefined;
  spoolFailed = false;

  constructor(focus: Focus, group: Group, contribution: Contribution, arrived: ArrivedInvite, recipientUris: readonly string[], ended: (transfer: Transfer) => void) {
    this.#focus = focus;
    this.group = group;
    this.contribution = contribution;
    this.arrived = arrived;
    this.recipientUris = recipientUris;
    this.#ended = ended;
    this.instance = focus.random(64);
    this.number = ++focus.counts.transfers;
    this.since = focus.clock.wall();
    const { groupFileTransfer, senderNotConnected, maxFileOctets } = focus.policies();
    const input = { groupFileTransfer, senderNotConnected, maxFileOctets };
    this.session = new Session(focus.turns, "group-file-transfer", input, group.id, this.instance, this.#around(this.#transferWorld, () => this.#settle()));
  }

  #around(world: object, ended: () => void): Surroundings<Arrival> {
    return {
      perform: (effect, arrival) => (world as Record<string, (effect: Effect, arrival: Arrival | undefined) => void>)[effect.type]?.(effect, arrival),
      refuse: (refusal, arrival) => {
        if (refusal.protocol === "sip") arrival?.answer(refusal.status, refusal.warning);
      },
      lengthOf: this.#focus.lengthOf,
      ended,
    };
  }

  readonly #transferWorld: World<TransferEffect, Arrival> = {
    answer: ({ status, warning }, arrival) => arrival?.answer(status, warning),
    executeLargeMessage: ({ recipientList }) => this.#execute(recipientList),
    rejoinSender: () => {
      const seat = this.group.senderOf(this.arrived.speaker);
      if (seat !== "stranger") this.group.session.tell({ type: "transfer.senderAway", seat });
    },
    reportTransfer: ({ progress }) => this.group.session.tell({ type: `transfer.${progress}` }),
  };

  get largeMessage(): Instance | undefined {
    return this.#largeMessage;
  }

  /** Every machine of it. */
  get instances(): readonly Instance[] {
    const legs = [this.#sender, ...this.#recipients].flatMap((leg) => (leg ? [leg.session] : []));
    return [this.session, ...(this.#largeMessage ? [this.#largeMessage] : []), ...legs];
  }

  /** Begins 9.1.2: the sender waits while the spool makes room. */
  #execute(recipientList: LargeMessageInput["recipientList"]): void {
    const { answerSender, wrappedTypes, maxFileOctets } = this.#focus.policies();
    const input: LargeMessageInput = { recipients: this.recipientUris.length, recipientList, answerSender, wrappedTypes };
    this.#largeMessage = new Session(this.#focus.turns, "large-message", input, this.group.id, this.instance, this.#around(this.#largeMessageWorld, () => this.#settle()));
    this.#sender = new SenderLeg(this.#focus, this, () => this.#legEnded());
    this.#legs = 1;
    this.#sender.session.tell({ type: "largeMessage.offer" });
    void this.#makeRoom(this.arrived.offer.media.file?.selector.size ?? maxFileOctets);
  }

  async #makeRoom(octets: number): Promise<void> {
    try {
      const spool = await this.#focus.spool.create(octets);
      const { stallMs, maxFileOctets } = this.#focus.policies();
      const file = this.arrived.offer.media.file?.selector ?? {};
      this.relay = new FileRelay({ clock: this.#focus.clock, spool, file, maxFileOctets, stallMs, onReport: (report) => this.#onReport(report) });
      if (this.#isOver) return void this.relay.close();
      this.#tell({ type: "largeMessage.execute", spool: "ready" });
    } catch (fault) {
      if (!(fault instanceof SpoolFailed)) this.#focus.turns.options.failed(fault, undefined);
      this.#tell({ type: "largeMessage.execute", spool: "exhausted" });
    }
  }

  /** The server stops. */
  end(): void {
    this.#tell({ type: "admin.shutdown" });
  }

  #tell(event: Told): void {
    this.#largeMessage?.tell(event);
  }

  readonly #largeMessageWorld: World<LargeMessageEffect, Arrival> = {
    addHistoryList: () => {
      this.#history = [historyPart(this.recipientUris.map((uri): ListEntry => ({ uri, copyControl: "to" })))];
    },
    inviteRecipients: () => {
      this.recipientUris.forEach((uri, recipient) => {
        const leg = new RecipientLeg(this.#focus, this, recipient, uri, () => this.#legEnded());
        this.#recipients[recipient] = leg;
        this.#legs += 1;
        leg.session.tell({ type: "largeMessage.invite" });
      });
    },
    acceptSender: () => this.#sender?.session.tell({ type: "largeMessage.accept" }),
    rejectSender: ({ status, warning }) => this.#sender?.session.tell({ type: "largeMessage.reject", status, ...(warning && { warning }) }),
    releaseSender: ({ reason }) => this.#sender?.session.tell({ type: "leg.release", reason }),
    deliver: ({ recipient, unwrapped }) => this.#recipients[recipient]?.session.tell({ type: "largeMessage.deliver", unwrapped }),
    releaseRecipients: ({ recipients, reason }) => {
      for (const recipient of recipients) this.#recipients[recipient]?.session.tell({ type: "leg.release", reason });
    },
    // Refuses what still comes, too: 413.
    abortDelivery: () => this.relay?.abort(),
    stopSender: () => this.relay?.abort(),
    reportLargeMessage: ({ result }) => {
      this.#result = result;
      this.session.tell({ type: "largeMessage.ended", result });
    },
  };

  /** What a leg's machine reports goes to the large message. */
  tellOfRecipient(recipient: Recipient, effect: Effect): void {
    if (effect.type === "reportRecipient") this.#tell({ type: `recipient.${effect.outcome}`, recipient });
    else if (effect.type === "reportAnswer") this.#tell({ type: "recipient.accepted", recipient, wrappedTypes: effect.wrappedTypes, acceptTypes: effect.acceptTypes });
  }

  tellOfSender(effect: Effect): void {
    if (effect.type === "reportSender") this.#tell({ type: `sender.${effect.outcome}` });
  }

  /** Parts of the sender's INVITE that go to every recipient: the icon, the CPIM part with the IMDN request; never a list. @see CPM-CR §9.3.1 */
  get copiedParts(): readonly BodyPart[] {
    const copied = this.arrived.parts.filter((part) => part.contentType.essence !== "application/sdp" && !isList(part));
    return [...copied, ...this.#history];
  }

  #onReport(report: FileRelayReport): void {
    switch (report.type) {
      case "first":
        return this.#sender?.session.tell({ type: "data.first" });
      case "complete":
        return this.#sender?.session.tell({ type: "data.complete" });
      case "aborted":
      case "senderLost":
      case "stalled":
        return this.#sender?.session.tell({ type: "data.aborted" });
      case "tooLong":
      case "sizeMismatch":
      case "hashMismatch":
      case "wrapperMalformed":
        return this.#sender?.session.tell({ type: "data.misbehaved" });
      case "spoolFailed":
        return this.#onSpoolFailed();
      case "drained":
        return this.#recipients[report.recipient]?.session.tell({ type: "data.drained" });
      case "rejected":
      case "recipientStalled":
        return this.#recipients[report.recipient]?.session.tell({ type: "data.refused" });
      case "lost":
        // The leg hears of it from its own MSRP session.
        return;
    }
  }

  /** The disk failed: for the sender the message is aborted, and whoever still waits for octets will not get them, nor who accepts later. */
  #onSpoolFailed(): void {
    this.spoolFailed = true;
    this.#sender?.session.tell({ type: "data.aborted" });
    for (const leg of this.#recipients) leg?.session.tell({ type: "data.refused" });
  }

  #legEnded(): void {
    this.#legs -= 1;
    this.#settle();
  }

  get #isOver(): boolean {
    return this.session.over && this.#legs === 0 && (this.#largeMessage?.over ?? true);
  }

  #settle(): void {
    if (!this.#isOver) return;
    void this.relay?.close();
    this.#focus.counts.transfersEnded.add(this.#result);
    this.#ended(this);
  }
}
