/** SIP messages as the machines hear of them: classes, never octets. */
import type { ByeReason } from "../../machines/events.ts";
import { serviceOf, type Service } from "../body/feature-tags.ts";
import { decodeContent, parseBody, partOfCid, type BodyPart } from "../body/multipart.ts";
import { parseResourceLists, type CopyControl, type ListEntry } from "../body/resource-lists.ts";
import { acceptsType, messageMedia, parseSdp, type MessageMedia, type SessionDescription } from "../body/sdp.ts";
import { PeerMisbehaved } from "../errors.ts";
import type { SipMessage } from "./message.ts";
import { formatUri, parseNameAddr, parseUri } from "./uri.ts";

/** The CPM service that a request asks for. */
export function serviceIn(request: SipMessage): Service | undefined {
  const services = request.getAll("p-asserted-service");
  return serviceOf({
    acceptContact: request.getAll("accept-contact"),
    contact: request.getAll("contact"),
    service: services.length > 0 ? services : request.getAll("p-preferred-service"),
  });
}

/**
 * An identifier that the peer chose and we repeat; undefined where there is none.
 *
 * @throws {PeerMisbehaved} SIP_TOO_LARGE, 400: longer than any client makes them
 */
export function identifierIn(request: SipMessage, name: string): string | undefined {
  const value = request.get(name)?.trim();
  if (value !== undefined && value.length > longestIdentifier) throw new PeerMisbehaved("SIP_TOO_LARGE", "CPM-CONV §C.1", 400, `${name} is above ${longestIdentifier} characters`);
  return value === "" ? undefined : value;
}

const longestIdentifier = 256;

/** The parts of a message's body. @throws {PeerMisbehaved} MULTIPART_MALFORMED, 400 */
export function bodyParts(message: SipMessage): BodyPart[] {
  const contentType = message.get("content-type");
  if (contentType === undefined || message.body.length === 0) return [];
  const transferEncoding = message.get("content-transfer-encoding");
  return parseBody({ contentType, ...(transferEncoding !== undefined && { transferEncoding }) }, message.body);
}

/** A session description and the media line in it that we use. */
export interface Description {
  readonly whole: SessionDescription;
  readonly media: MessageMedia;
}

/**
 * @throws {PeerMisbehaved} SDP_MALFORMED, 400: the grammar is broken
 * @throws {PeerMisbehaved} SDP_NO_MESSAGE_MEDIA, 488: nothing that we can use, or no description at all
 */
export function descriptionIn(parts: readonly BodyPart[]): Description {
  const part = parts.find(({ contentType }) => contentType.essence === "application/sdp");
  if (part === undefined) throw new PeerMisbehaved("SDP_NO_MESSAGE_MEDIA", "RFC 3264 §5", 488, "no session description");
  const whole = parseSdp(decodeContent(part));
  return { whole, media: messageMedia(whole) };
}

/**
 * The recipients that a request lists; none when it has no list.
 *
 * @throws {PeerMisbehaved} XML_MALFORMED or RESOURCE_LISTS_MALFORMED, 400; RESOURCE_LISTS_TOO_LONG, 486
 */
export function recipientsIn(parts: readonly BodyPart[], withoutCopyControl: CopyControl): ListEntry[] {
  const list = parts.find(isList);
  return list === undefined ? [] : entriesOf(list, withoutCopyControl);
}

function entriesOf(list: BodyPart, withoutCopyControl: CopyControl): ListEntry[] {
  const entries = parseResourceLists(decodeContent(list), withoutCopyControl);
  for (const { uri } of entries) requireCallable(uri);
  return entries;
}

/** Somebody whom an INVITE can reach. @throws {PeerMisbehaved} SIP_MALFORMED, 400 */
function requireCallable(uri: string): void {
  if (!["sip", "sips", "tel"].includes(parseUri(uri).scheme)) throw new PeerMisbehaved("SIP_MALFORMED", "RFC 3261 §21.4.14", 400, "a Participant has a sip, sips or tel URI");
}

export const isList = ({ contentType }: BodyPart): boolean => contentType.essence === "application/resource-lists+xml";

/** What a REFER asks of the focus. */
export interface Referral {
  readonly method: "INVITE" | "BYE";
  readonly targets: readonly string[];
}

/**
 * @throws {PeerMisbehaved} SIP_MALFORMED, 400: no Refer-To or two, a method that a focus does not serve, a list that is not there
 * @see RFC 3515 §2.1, RFC 4579 §5.5, RFC 5368 §5
 */
export function referralIn(refer: SipMessage): Referral {
  const [target, ...more] = refer.getAll("refer-to");
  if (target === undefined || more.length > 0) throw malformedRefer("one Refer-To is needed");
  const { uri } = parseNameAddr(target);
  if (uri.toLowerCase().startsWith("cid:")) return { method: "INVITE", targets: listedTargets(refer, uri) };
  const asked = parseUri(uri);
  const method = (asked.params.get("method") ?? "INVITE").toUpperCase();
  if (method !== "INVITE" && method !== "BYE") throw malformedRefer("the method is none that a focus serves");
  // Neither the method nor headers are part of whom it names.
  const params = new Map([...asked.params].filter(([name]) => name !== "method"));
  const named = formatUri({ ...asked, params, headers: undefined });
  requireCallable(named);
  return { method, targets: [named] };
}

function listedTargets(refer: SipMessage, cid: string): string[] {
  const parts = bodyParts(refer);
  // A body that is the list alone names itself by the message's own Content-ID, which clients leave out.
  const list = partOfCid(parts, cid) ?? parts.find(isList);
  if (list === undefined) throw malformedRefer("the list that Refer-To names is not in the body");
  return entriesOf(list, "to").map(({ uri }) => uri);
}

const malformedRefer = (detail: string) => new PeerMisbehaved("SIP_MALFORMED", "RFC 3515 §2.1", 400, detail);

/** @see RFC 3326 §2 */
export function byeReason(bye: SipMessage): ByeReason {
  for (const line of bye.list("reason")) {
    const [protocol = "", ...params] = line.split(";", 8);
    if (protocol.trim().toUpperCase() !== "SIP") continue;
    const cause = params.find((param) => /^\s*cause\s*=/i.test(param));
    return cause?.split("=")[1]?.trim() === "200" ? "callCompleted" : "involuntary";
  }
  return "unspecified";
}

/** The class of a final response that refuses our INVITE. */
export function rejection(status: number): "declined" | "unreachable" | "failed" {
  if (status === 603) return "declined";
  return [408, 480, 486, 487, 500, 503, 504, 600].includes(status) ? "unreachable" : "failed";
}

/** The class of the response to a session refresh. @see RFC 3261 §12.2.1.2, §14.1 */
export function refreshOutcome(status: number): "accepted" | "glare" | "gone" | "refused" {
  if (status < 300) return "accepted";
  if (status === 491) return "glare";
  return status === 408 || status === 481 ? "gone" : "refused";
}

/** How a recipient's answer stands to the file's type: what it shows, read literally. @see CPM-CR §9.3.1, RFC 4975 §8.6 */
export function typesIn({ acceptTypes, acceptWrappedTypes }: MessageMedia, fileType: string) {
  return {
    wrappedTypes: acceptWrappedTypes !== undefined && acceptsType(acceptWrappedTypes, fileType) ? "indicated" : "notIndicated",
    acceptTypes: acceptsType(acceptTypes, fileType) ? "covers" : "other",
  } as const;
}
