import { parseCpim } from "../body/cpim.ts";
import type { Service } from "../body/feature-tags.ts";
import { isFocus } from "../body/feature-tags.ts";
import { decodeContent, partOfCid } from "../body/multipart.ts";
import type { BodyPart } from "../body/multipart.ts";
import { parseResourceLists } from "../body/resource-lists.ts";
import { fileInAnswer, messageMedia, parseSdp } from "../body/sdp.ts";
import type { FileDescription, MessageMedia, SessionDescription } from "../body/sdp.ts";
import type { HeaderFields, ResponseContent } from "../sip/content.ts";
import type { IncomingInvite } from "../sip/invite-server.ts";
import { reasonPhrases } from "../sip/reason-phrases.ts";
import { octetsToText } from "../sip/message.ts";
import type { SipMessage } from "../sip/message.ts";
import { parseNameAddr } from "../sip/uri.ts";
import { askedOf } from "./chat-message.ts";
import type { ChatMessage } from "./chat-message.ts";
import { chatTerms } from "./chat-terms.ts";
import type { Device } from "./device.ts";
import { GroupLeg } from "./group-leg.ts";
import type { ChatTerms } from "./group-leg.ts";
import { IncomingFile } from "./incoming-file.ts";
import type { ReceivedFile, Taking } from "./incoming-file.ts";
import type { Terms } from "./leg.ts";
import { partsOf } from "./leg.ts";
import { Eventual } from "./waiting.ts";

/** What becomes of what an invitation leads to. */
export interface InvitationOwner {
  onJoined(group: GroupLeg): void;
  /** The file that `for` describes is here whole. */
  onReceived(invitation: FileInvitation, file: ReceivedFile): void;
}

/** An INVITE that awaits its answer. */
abstract class Invited {
  readonly service: Service;
  readonly request: SipMessage;
  readonly parts: readonly BodyPart[];
  readonly offer: SessionDescription;
  readonly media: MessageMedia;
  readonly conversationId: string;
  readonly contributionId: string;
  readonly inReplyTo: string | undefined;
  readonly subject: string | undefined;
  /** Who invites: Referred-By, else P-Asserted-Identity, else From. */
  readonly from: string;
  /** A conference focus invites, not a user. */
  readonly byFocus: boolean;
  /** The inviter took it back. */
  readonly cancelled: Eventual<true>;
  readonly device: Device;
  protected readonly owner: InvitationOwner;
  protected readonly invite: IncomingInvite;

  /** @throws {PeerMisbehaved} the body is unreadable, or offers nothing that we can use */
  constructor(device: Device, owner: InvitationOwner, invite: IncomingInvite, service: Service) {
    const { request } = invite;
    this.device = device;
    this.owner = owner;
    this.invite = invite;
    this.service = service;
    this.request = request;
    this.parts = partsOf(request);
    this.offer = parseSdp(this.parts.find(({ contentType }) => contentType.essence === "application/sdp")?.content ?? Buffer.alloc(0));
    this.media = messageMedia(this.offer);
    this.conversationId = request.get("conversation-id") ?? "";
    this.contributionId = request.get("contribution-id") ?? "";
    this.inReplyTo = request.get("inreplyto-contribution-id");
    this.subject = subjectOf(request);
    this.from = inviterOf(request);
    this.byFocus = isFocus(request.getAll("contact"));
    this.cancelled = new Eventual(`CANCEL of an INVITE to ${device.name}`, device.clock);
    invite.user = {
      onCancel: () => {
        device.tell("received", "SIP", "CANCEL");
        this.cancelled.settle(true);
        this.decline(487);
      },
    };
  }

  /** One line about it. */
  abstract get about(): string;

  /** The recipient list or its history that came along; undefined where none did. */
  get recipients(): readonly string[] | undefined {
    const list = this.parts.find(({ contentType }) => contentType.essence === "application/resource-lists+xml");
    return list && parseResourceLists(list.content).map(({ uri }) => uri);
  }

  /** Alerts the user: 180. */
  ring(status = 180): void {
    this.device.tell("sent", "SIP", `${status} ${reasonPhrases[status] ?? ""} (INVITE)`);
    this.invite.ring(status, { contact: this.device.contact(this.service) });
  }

  decline(status = 603, content: ResponseContent = {}): void {
    this.device.tell("sent", "SIP", `${status} ${content.reason ?? reasonPhrases[status] ?? ""} (INVITE)`);
    this.invite.reject(status, content);
  }

  /** The header fields that a 2xx repeats. */
  protected get identifiers(): HeaderFields {
    const ids: HeaderFields = [["Conversation-ID", this.conversationId], ["Contribution-ID", this.contributionId]];
    return ids.filter(([, value]) => value !== "");
  }
}

/** An invitation to chat. */
export class ChatInvitation extends Invited {
  get about(): string {
    return `${this.byFocus ? "group" : "chat"} ${JSON.stringify(this.subject ?? "")} by ${this.from}`;
  }

  /** Accepts. The MSRP session is bound a little later: `group.leg.bound`. */
  accept(terms: ChatTerms & Partial<Terms> = {}): GroupLeg {
    const group = new GroupLeg(this.device, this, terms);
    group.leg.accept(this.invite, this.service, this.offer, { ...chatTerms, ...terms }, this.identifiers);
    this.owner.onJoined(group);
    return group;
  }
}

/** An invitation to receive a file. */
export class FileInvitation extends Invited {
  readonly file: FileDescription;

  constructor(device: Device, owner: InvitationOwner, invite: IncomingInvite, service: Service) {
    super(device, owner, invite, service);
    this.file = this.media.file ?? { selector: {} };
  }

  get about(): string {
    return `${this.byFocus ? "group " : ""}file ${this.file.selector.name ?? ""} by ${this.from}`;
  }

  /** The octets of the icon; undefined where none came along. */
  get icon(): Buffer | undefined {
    const part = this.file.icon === undefined ? undefined : partOfCid(this.parts, this.file.icon);
    return part && decodeContent(part);
  }

  /** Whose the file is, and what its sender wants to be told; undefined without a CPIM part. */
  get cpim(): Pick<ChatMessage, "from" | "messageId" | "dateTime" | "asksFor"> | undefined {
    const part = this.parts.find(({ contentType }) => contentType.essence === "message/cpim");
    if (part === undefined) return undefined;
    const cpim = parseCpim(part.content);
    return { from: cpim.from, ...askedOf(cpim) };
  }

  accept(taking: Taking = {}): IncomingFile {
    const { type = "application/octet-stream" } = this.file.selector;
    const { acceptTypes = ["message/cpim", type], acceptWrappedTypes = [type, "*"], maxSize, change } = taking;
    const incoming = new IncomingFile(this.device, this.file, taking);
    const terms: Terms = {
      acceptTypes,
      acceptWrappedTypes: acceptWrappedTypes === "none" ? undefined : acceptWrappedTypes,
      maxSize,
      change,
      file: fileInAnswer(this.file, "recvonly"),
    };
    incoming.received.on((file) => {
      if (file.complete) this.owner.onReceived(this, file);
    });
    incoming.leg.accept(this.invite, this.service, this.offer, terms, this.identifiers);
    return incoming;
  }
}

export type Invitation = ChatInvitation | FileInvitation;

function inviterOf(request: SipMessage): string {
  const asserted = request.get("referred-by") ?? request.list("p-asserted-identity")[0];
  return asserted === undefined ? request.from.uri : parseNameAddr(asserted).uri;
}

function subjectOf(request: SipMessage): string | undefined {
  const subject = request.get("subject");
  return subject === undefined ? undefined : octetsToText(subject);
}
