import type { Effect } from "../../machines/effects.ts";
import type { Recipient } from "../../machines/terms.ts";
import { acceptsType, fileInAnswer, type MessageMedia } from "../body/sdp.ts";
import type { SessionUser } from "../msrp/session.ts";
import { acceptanceHeaders, describe, focusContact, invitationHeaders } from "../sip/from-effect.ts";
import { typesIn, type Description } from "../sip/to-event.ts";
import type { Focus } from "./focus.ts";
import { Leg, type LegAcceptance, type LegInvitation } from "./leg.ts";
import type { LegMedia, MediaTemplate } from "./media.ts";
import type { Transfer } from "./transfer.ts";

/** What the offer says of the file and not of the MSRP session that it came on. */
function templateOf({ direction, acceptTypes, acceptWrappedTypes, maxSize, file, attributes }: MessageMedia): MediaTemplate {
  return {
    direction,
    acceptTypes,
    ...(acceptWrappedTypes && { acceptWrappedTypes }),
    ...(maxSize !== undefined && { maxSize }),
    ...(file && { file }),
    ...(attributes && { attributes }),
  };
}

/** The type of the file: as the selector says, else the first that the sender names and that is no wrapper. */
const fileTypeOf = ({ file, acceptTypes }: MessageMedia): string =>
  file?.selector.type ?? acceptTypes.find((type) => type !== "message/cpim" && !type.includes("*")) ?? "application/octet-stream";

/** The dialog with the sender of a file. */
export class SenderLeg extends Leg {
  readonly #transfer: Transfer;

  constructor(focus: Focus, transfer: Transfer, ended: () => void) {
    super(focus, "large-message-sender", transfer.group.id, `${transfer.instance}.sender`, transfer.arrived, ended);
    this.#transfer = transfer;
    transfer.arrived.invite.user = { onCancel: () => this.session.tell({ type: "sip.CANCEL" }) };
  }

  override get peer(): string {
    return this.#transfer.arrived.speaker;
  }

  protected override get template(): MediaTemplate {
    const { media } = this.#transfer.arrived.offer;
    const { maxFileOctets } = this.focus.policies();
    return { ...templateOf(media), direction: "recvonly", maxSize: maxFileOctets, ...(media.file && { file: fileInAnswer(media.file, "recvonly") }) };
  }

  protected override invitation(): LegInvitation {
    throw new Error("the sender's leg never calls");
  }

  protected override acceptance(): LegAcceptance {
    const { contribution } = this.#transfer;
    return { contact: focusContact(contribution.identity, "filetransfer"), headers: acceptanceHeaders(contribution) };
  }

  /** Octets go straight to the relay; a chunk that comes before there is one finds nobody. */
  protected override receiver(): SessionUser["receive"] {
    return {
      onSendStart: (chunk) => {
        const { relay } = this.#transfer;
        if (relay === undefined) return chunk.respond(413);
        if (!acceptsType(this.template.acceptTypes, chunk.contentType)) return chunk.respond(415);
        relay.setSender(this.media.session);
        relay.onSendStart(chunk);
      },
      onData: (chunk, octets, offset) => this.#transfer.relay?.onData(chunk, octets, offset),
      onSendEnd: (chunk, flag) => this.#transfer.relay?.onSendEnd(chunk, flag),
    };
  }

  protected override report(effect: Effect): void {
    this.#transfer.tellOfSender(effect);
  }

  protected override lost(): void {
    this.#transfer.relay?.senderLost();
    super.lost();
  }
}

/** The dialog with one recipient of a file. */
export class RecipientLeg extends Leg {
  readonly #transfer: Transfer;
  readonly #recipient: Recipient;
  readonly peer: string;
  /** As the large message said, once it has. */
  #delivery: { readonly unwrapped: boolean } | undefined;

  constructor(focus: Focus, transfer: Transfer, recipient: Recipient, peer: string, ended: () => void) {
    super(focus, "large-message-recipient", transfer.group.id, `${transfer.instance}.${recipient}`, undefined, ended);
    this.#transfer = transfer;
    this.#recipient = recipient;
    this.peer = peer;
  }

  protected override get template(): MediaTemplate {
    return templateOf(this.#transfer.arrived.offer.media);
  }

  protected override invitation(media: LegMedia): LegInvitation {
    const { contribution, arrived, copiedParts } = this.#transfer;
    return {
      requestUri: this.peer,
      identity: contribution.identity,
      contact: focusContact(contribution.identity, contribution.service),
      headers: invitationHeaders(contribution, arrived.speaker, arrived.invite.request.get("subject")),
      content: describe(media.offer(this.template), copiedParts, () => this.focus.random(96)),
    };
  }

  protected override acceptance(): LegAcceptance {
    throw new Error("a recipient's leg never answers an INVITE");
  }

  protected override accepted({ media }: Description): void {
    this.session.tell({ type: "sip.accepted", ...typesIn(media, fileTypeOf(this.#transfer.arrived.offer.media)) });
  }

  protected override acceptedInVain(): void {
    this.session.tell({ type: "sip.accepted", wrappedTypes: "notIndicated", acceptTypes: "other" });
  }

  /** A recipient of a file sends nothing. */
  protected override receiver(): SessionUser["receive"] {
    return { onMessage: (message) => message.respond(403) };
  }

  protected override report(effect: Effect): void {
    if (effect.type !== "openDelivery") return this.#transfer.tellOfRecipient(this.#recipient, effect);
    this.#delivery = effect;
    this.#deliver(effect);
  }

  #deliver({ unwrapped }: { readonly unwrapped: boolean }): void {
    if (this.#transfer.spoolFailed) return this.session.tell({ type: "data.refused" });
    this.#transfer.relay?.addRecipient(this.#recipient, this.media.session, { unwrapped });
  }

  /** What came on the session before is nobody's any more: the message begins again on the new one. */
  protected override moved(): void {
    if (this.#delivery === undefined) return;
    this.#transfer.relay?.removeRecipient(this.#recipient);
    this.#deliver(this.#delivery);
  }

  protected override lost(): void {
    this.#transfer.relay?.recipientLost(this.#recipient);
    super.lost();
  }
}
