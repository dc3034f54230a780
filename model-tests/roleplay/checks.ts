/** Whether a message is the one that an effect of the model stands for. */
import type { Effect } from "../../machines/effects.ts";
import { warnings, type ReleaseReason, type SeatState, type Status, type Warning } from "../../machines/terms.ts";
import { parseConferenceInfo, type ConferenceInfo, type EndpointStatus } from "../../runtime/body/conference-info.ts";
import { isFocus, serviceOf, type Service } from "../../runtime/body/feature-tags.ts";
import { partOfCid, type BodyPart } from "../../runtime/body/multipart.ts";
import { parseResourceLists } from "../../runtime/body/resource-lists.ts";
import { messageMedia, parseSdp, type MessageMedia } from "../../runtime/body/sdp.ts";
import { Roster } from "../../runtime/client/roster.ts";
import { PeerMisbehaved } from "../../runtime/errors.ts";
import { reasonHeaders } from "../../runtime/sip/from-effect.ts";
import type { SipMessage } from "../../runtime/sip/message.ts";
import { bodyParts } from "../../runtime/sip/to-event.ts";
import { parseNameAddr } from "../../runtime/sip/uri.ts";
import { firstOf, otherwise, wrong, type Finding } from "./watch.ts";

/** What cannot be read is wrong. */
export function readable(check: () => Finding | undefined): Finding | undefined {
  try {
    return check();
  } catch (fault) {
    if (!(fault instanceof PeerMisbehaved)) throw fault;
    return wrong(`${fault.fault} (${fault.clause})`);
  }
}

const same = (what: string, seen: string | undefined, wanted: string): Finding | undefined => (seen?.trim() === wanted ? undefined : wrong(`${what} is ${seen ?? "missing"} instead of ${wanted}`));

// ---------------------------------------------------------------- responses

/** The status of a final response, and its Warning. A refusal by another status than ours refuses, too. */
export function checkStatus(response: SipMessage, wanted: Status, warning?: Warning): Finding | undefined {
  const { status } = response;
  if (status !== wanted) {
    const says = `the answer is ${status} instead of ${wanted}`;
    return status >= 400 && wanted >= 400 ? otherwise(says) : wrong(says);
  }
  if (warning === undefined) return undefined;
  const text = warnings[warning];
  const said = response.getAll("warning").map((value) => /"([^"]*)"/.exec(value)?.[1]);
  return said.includes(text) ? undefined : wrong(`there is no Warning "${text}"`);
}

// ---------------------------------------------------------------- dialogs

/** What every dialog of a contribution has to say of it. */
export interface Contribution {
  readonly conversationId: string;
  readonly contributionId: string;
  readonly service: Extract<Service, "session" | "filetransfer">;
}

/** Contact and identifiers of a focus. @see RFC 4579 §5.1, CPM-CONV §C.1 */
export function checkFocus(message: SipMessage, { conversationId, contributionId, service }: Contribution): Finding | undefined {
  const contact = message.getAll("contact");
  return firstOf([
    isFocus(contact) ? undefined : wrong("the Contact has no isfocus"),
    serviceOf({ acceptContact: [], contact, service: [] }) === service ? undefined : wrong(`the Contact does not show the feature tag of ${service}`),
    same("Conversation-ID", message.get("conversation-id"), conversationId),
    same("Contribution-ID", message.get("contribution-id"), contributionId),
  ]);
}

export function mediaIn(message: SipMessage): MessageMedia {
  const part = bodyParts(message).find(({ contentType }) => contentType.essence === "application/sdp");
  return messageMedia(parseSdp(part?.content ?? Buffer.alloc(0)));
}

/** A media line that we can go on with. `role`: what we are, and the focus is not. @see RFC 6135 §4.2 */
export function checkMedia(media: MessageMedia, direction: MessageMedia["direction"], setups: readonly (MessageMedia["setup"] | undefined)[]): Finding | undefined {
  return firstOf([
    media.port > 0 ? undefined : wrong("the media line is refused"),
    media.path.length > 0 ? undefined : wrong("there is no a=path"),
    media.direction === direction ? undefined : wrong(`the media are ${media.direction} instead of ${direction}`),
    setups.includes(media.setup) ? undefined : wrong(`a=setup is ${media.setup ?? "missing"}`),
  ]);
}

/** Chat is CPIM. */
export const checkChat = (media: MessageMedia, closedToken: string | undefined): Finding | undefined =>
  firstOf([
    media.acceptTypes.some((type) => type === "message/cpim" || type === "*") ? undefined : wrong("a=accept-types does not name message/cpim"),
    closedToken === undefined || media.chatroom?.some((named) => named.toLowerCase() === closedToken.toLowerCase()) ? undefined : otherwise("a=chatroom does not say that the group is closed"),
  ]);

const listOf = (parts: readonly BodyPart[]): BodyPart | undefined => parts.find(({ contentType }) => contentType.essence === "application/resource-lists+xml");

/** An invitation to the chat: who invites whom, and who else is invited. */
export function checkInvitation(invite: SipMessage, of: Contribution, invited: readonly string[], referredBy: string, closedToken: string | undefined): Finding | undefined {
  return readable(() => {
    const list = listOf(bodyParts(invite));
    const listed = list === undefined ? [] : parseResourceLists(list.content).map(({ uri }) => uri);
    const missing = invited.filter((uri) => !listed.includes(uri));
    const media = mediaIn(invite);
    return firstOf([
      checkFocus(invite, of),
      checkService(invite, of.service),
      checkReferredBy(invite, referredBy),
      checkMedia(media, "sendrecv", ["actpass", "passive", undefined]),
      checkChat(media, closedToken),
      list === undefined ? otherwise("nobody is told who else is invited") : undefined,
      list !== undefined && missing.length > 0 ? wrong(`the list of those who are invited lacks ${missing.join(", ")}`) : undefined,
    ]);
  });
}

function checkReferredBy(invite: SipMessage, wanted: string): Finding | undefined {
  const said = invite.get("referred-by");
  if (said === undefined) return wrong("there is no Referred-By");
  return parseNameAddr(said).uri === wanted ? undefined : wrong(`Referred-By is ${said} instead of ${wanted}`);
}

function checkService(invite: SipMessage, wanted: Service): Finding | undefined {
  const asked = serviceOf({ acceptContact: invite.getAll("accept-contact"), contact: [], service: [] });
  return asked === wanted ? undefined : wrong(`Accept-Contact does not ask for ${wanted}`);
}

/** What a file is offered with, and has to arrive with. */
export interface OfferedFile {
  readonly media: MessageMedia;
  /** What goes with the description. */
  readonly parts: readonly BodyPart[];
  readonly sender: string;
}

/** The offer of a file: the sender's, from the focus, and without a list of recipients. @see CPM-CR §9.3.1 */
export function checkOffer(invite: SipMessage, of: Contribution, { media: offered, parts, sender }: OfferedFile): Finding | undefined {
  return readable(() => {
    const media = mediaIn(invite);
    const own = bodyParts(invite);
    const { icon } = offered.file ?? {};
    return firstOf([
      checkFocus(invite, of),
      checkService(invite, of.service),
      checkReferredBy(invite, sender),
      listOf(own) === undefined ? undefined : wrong("there is a list of recipients"),
      checkMedia(media, "sendonly", ["actpass", "passive", undefined]),
      checkFile(media, offered),
      media.acceptTypes.join(" ") === offered.acceptTypes.join(" ") ? undefined : wrong(`a=accept-types is ${media.acceptTypes.join(" ")}`),
      media.acceptWrappedTypes?.join(" ") === offered.acceptWrappedTypes?.join(" ") ? undefined : wrong(`a=accept-wrapped-types is ${media.acceptWrappedTypes?.join(" ") ?? "missing"}`),
      icon !== undefined && !partOfCid(own, icon)?.content.equals(partOfCid(parts, icon)!.content) ? wrong("the icon is not the sender's") : undefined,
      parts.every((part) => own.some(({ contentType, content }) => contentType.essence === part.contentType.essence && content.equals(part.content))) ? undefined : wrong("a body part of the sender is missing"),
    ]);
  });
}

export function checkFile(media: MessageMedia, offered: MessageMedia): Finding | undefined {
  const { selector, transferId } = offered.file!;
  const file = media.file;
  if (file === undefined) return wrong("there is no file-selector");
  return firstOf([
    file.selector.name === selector.name && file.selector.size === selector.size && file.selector.type === selector.type ? undefined : wrong(`the file-selector is of ${file.selector.name} ${file.selector.type} ${file.selector.size}`),
    file.transferId === transferId ? undefined : wrong(`a=file-transfer-id is ${file.transferId ?? "missing"}`),
    file.range === undefined || (file.range.start === 0 && (file.range.end ?? selector.size) === selector.size) ? undefined : wrong(`a=file-range is ${file.range.start + 1}-${file.range.end ?? "*"}`),
  ]);
}

/** Why a dialog ends. The cause is the standard's, the text is ours. @see RFC 3326 §2 */
export function checkReason(bye: SipMessage, reason: ReleaseReason): Finding | undefined {
  const wanted = reasonHeaders(reason)[0]?.[1];
  const said = bye.get("reason");
  const causeOf = (value: string | undefined) => /cause\s*=\s*(\d+)/i.exec(value ?? "")?.[1];
  if (causeOf(said) !== causeOf(wanted)) return wrong(`Reason is ${said ?? "missing"} instead of ${wanted ?? "none"}`);
  return said === wanted ? undefined : otherwise(`Reason is ${said} instead of ${wanted}`);
}

// ---------------------------------------------------------------- who is there

/** Somebody on the roster. */
export interface Seated extends SeatState {
  readonly uri: string;
}

/** A subscriber, and what it has been told. */
export class Watcher {
  readonly identity: string;
  readonly #roster = new Roster();
  /** Of those who were told of. */
  #told: readonly Seated[] = [];

  constructor(identity: string) {
    this.identity = identity;
  }

  /** A NOTIFY that tells of `seats`. */
  check(notify: SipMessage, { state, subscription }: Extract<Effect, { type: "sendNotify" }>, seats: readonly Seated[]): Finding | undefined {
    const said = notify.get("subscription-state") ?? "";
    const wanted = subscription === "active" ? /^active\b/ : new RegExp(`^terminated\\b.*reason=${subscription}\\b`);
    if (!wanted.test(said)) return wrong(`Subscription-State is ${said} instead of ${subscription}`);
    return readable(() => {
      const info = parseConferenceInfo(notify.body);
      const told = this.#told;
      this.#told = subscription === "noresource" ? [] : seats;
      return firstOf([
        info.entity === this.identity ? undefined : wrong(`the document is about ${info.entity}`),
        state === "full" && info.state !== "full" ? wrong(`the document is ${info.state} instead of full`) : undefined,
        this.#roster.apply(info) === "applied" ? undefined : wrong(`version ${info.version} does not follow ${this.#roster.version ?? "nothing"}`),
        subscription === "noresource" ? checkNobody(info) : this.#checkSeats(info, told, seats),
      ]);
    });
  }

  /** A NOTIFY that came when its time had passed, of which the tour does not know: its version counts. */
  hear(notify: SipMessage): Finding | undefined {
    return readable(() => {
      const info = parseConferenceInfo(notify.body);
      return this.#roster.apply(info) === "applied" ? undefined : wrong(`version ${info.version} does not follow ${this.#roster.version ?? "nothing"}`);
    });
  }

  /** Everybody whose state is new is in a partial document, all members are in a full one, and everybody is what the model says. */
  #checkSeats(info: ConferenceInfo, told: readonly Seated[], seats: readonly Seated[]): Finding | undefined {
    const named = new Set(info.users.map(({ entity }) => entity));
    const due = seats.filter((seat, index) => (info.state === "full" ? isMember(seat) : seat.status !== told[index]?.status || seat.uri !== told[index].uri));
    const missing = due.find(({ uri }) => !named.has(uri));
    if (missing) return wrong(`${missing.uri}, who is ${missing.status}, is not told of`);
    const extra = info.users.find(({ entity }) => !seats.some(({ uri }) => uri === entity));
    if (extra) return wrong(`${extra.entity} is told of, who is nobody here`);
    const other = seats.find(({ uri, status }) => named.has(uri) && this.#roster.find(uri)?.status !== statusOf[status]);
    return other && wrong(`${other.uri} is told to be ${this.#roster.find(other.uri)?.status} and is ${other.status}`);
  }
}

const isMember = ({ status }: SeatState): boolean => status === "invited" || status === "connected" || status === "away";

const checkNobody = ({ users }: ConferenceInfo): Finding | undefined => (users.length === 0 ? undefined : wrong("a group that has ended shows somebody"));

/** @see RFC 4575 §5.7.3 */
const statusOf: { readonly [S in SeatState["status"]]: EndpointStatus } = {
  invited: "pending",
  connected: "connected",
  away: "disconnected",
  left: "disconnected",
  declined: "disconnected",
  failed: "disconnected",
  removed: "disconnected",
};
