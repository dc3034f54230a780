/** What effects look like in SIP: header fields and bodies of what the Controlling Function sends. */
import { warnings, type ReleaseReason, type Warning } from "../../machines/terms.ts";
import { formatAcceptContact, formatFeature, formatServiceId, type Service } from "../body/feature-tags.ts";
import { createPart, formatMultipart, multipartType, type BodyPart } from "../body/multipart.ts";
import { formatResourceLists, type ListEntry } from "../body/resource-lists.ts";
import { formatSdp, type SessionDescription } from "../body/sdp.ts";
import type { Content, HeaderFields } from "./content.ts";
import { quote } from "./uri.ts";

/** What all dialogs of one contribution say about it. */
export interface Contribution {
  /** The CPM Group Session Identity. */
  readonly identity: string;
  readonly conversationId: string;
  readonly contributionId: string;
  readonly service: Extract<Service, "session" | "filetransfer" | "largemsg">;
}

/** The Contact of the focus: the identity as this peer reaches it, `isfocus`, and the service. @see RFC 4579 §5.1 */
export const focusContact = (uri: string, service: Service): string => `<${uri}>;isfocus;${formatFeature(service)}`;

/** Header fields of a 2xx that admits somebody. */
export function acceptanceHeaders({ identity, conversationId, contributionId, service }: Contribution): HeaderFields {
  return [
    ["P-Asserted-Identity", `<${identity}>`],
    ["P-Asserted-Service", formatServiceId(service)],
    ["Conversation-ID", conversationId],
    ["Contribution-ID", contributionId],
  ];
}

/** Header fields of an INVITE that the focus sends. */
export function invitationHeaders(contribution: Contribution, referredBy: string, subject: string | undefined, inReplyTo?: string): HeaderFields {
  return [
    ["Accept-Contact", formatAcceptContact(contribution.service)],
    ...acceptanceHeaders(contribution),
    ...(inReplyTo === undefined ? [] : [["InReplyTo-Contribution-ID", inReplyTo] as const]),
    ["Referred-By", `<${referredBy}>`],
    ...(subject === undefined ? [] : [["Subject", subject] as const]),
  ];
}

/** A session description, alone or with other parts. */
export function describe(description: SessionDescription, others: readonly BodyPart[], boundary: () => string): Content {
  const body = formatSdp(description);
  if (others.length === 0) return { contentType: "application/sdp", body };
  const parting = boundary();
  const parts = [createPart({ contentType: "application/sdp" }, body), ...others];
  return { contentType: multipartType(parting), body: formatMultipart(parts, parting) };
}

/** The body part that tells an invited user who else is. @see RFC 5366 §5.2 */
export const historyPart = (entries: readonly ListEntry[]): BodyPart =>
  createPart({ contentType: "application/resource-lists+xml", disposition: "recipient-list-history;handling=optional" }, formatResourceLists(entries));

/** The Warning that goes with a refusal: the OMA number is part of the text, the warn-code is 399. @see CPM-CR §9.3.1, RFC 3261 §20.43 */
export const warningHeaders = (warning: Warning | undefined, agent: string): HeaderFields =>
  warning === undefined ? [] : [["Warning", `399 ${agent} ${quote(warnings[warning])}`]];

const reasons: { readonly [R in ReleaseReason]: string | undefined } = {
  completed: 'SIP;cause=200;text="Call completed"',
  booted: 'SIP;cause=200;text="Booted"',
  gone: 'SIP;cause=410;text="Gone"',
  idle: undefined,
  bearerUnavailable: 'SIP;cause=480;text="Bearer unavailable"',
  sessionExpired: 'SIP;cause=408;text="Session expired"',
  notAcceptable: 'SIP;cause=488;text="Not acceptable here"',
};

/** @see RFC 3326 §2 */
export function reasonHeaders(reason: ReleaseReason): HeaderFields {
  const value = reasons[reason];
  return value === undefined ? [] : [["Reason", value]];
}
