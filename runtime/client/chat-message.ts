import { contentFieldOf, contentOf, formatCpim, headerOf, imdnHeaderOf, parseCpim } from "../body/cpim.ts";
import type { CpimFields, CpimMessage } from "../body/cpim.ts";
import { formatImdn, parseDispositionNotification, parseImdn } from "../body/imdn.ts";
import type { DispositionRequest, Imdn } from "../body/imdn.ts";
import { formatIsComposing, parseIsComposing } from "../body/is-composing.ts";
import type { IsComposing } from "../body/is-composing.ts";
import { parseMediaType } from "../body/media-type.ts";

/** A message of the chat. */
export interface ChatMessage {
  readonly kind: "message";
  readonly from: string;
  readonly to: readonly string[];
  readonly dateTime: string;
  /** imdn.Message-ID; empty where the sender gave none. */
  readonly messageId: string;
  readonly asksFor: readonly DispositionRequest[];
  readonly contentType: string;
  readonly content: Buffer;
  /** The content as UTF-8. */
  readonly text: string;
}

/** A disposition notification of a message that this client sent. */
export interface Notification extends Imdn {
  readonly kind: Imdn["kind"];
  readonly from: string;
  readonly to: readonly string[];
}

/** Somebody composes a message, or has stopped. */
export interface Composing extends IsComposing {
  readonly from: string;
}

/** What one MSRP message of a chat session was. */
export type ChatArrival =
  | { readonly is: "message"; readonly message: ChatMessage }
  | { readonly is: "notification"; readonly notification: Notification }
  | { readonly is: "composing"; readonly composing: Composing };

/**
 * Reads what arrived in a chat session.
 *
 * @throws {PeerMisbehaved} CPIM_MALFORMED, XML_MALFORMED, IMDN_MALFORMED, IS_COMPOSING_MALFORMED, 400
 */
export function readChat(octets: Buffer): ChatArrival {
  // Kept beyond the turn; the octets are a view of the receive buffer.
  const cpim = parseCpim(Buffer.from(octets));
  const { from, to } = cpim;
  switch (parseMediaType(contentFieldOf(cpim, "Content-Type") ?? "").essence) {
    case "message/imdn+xml":
      return { is: "notification", notification: { ...parseImdn(contentOf(cpim)), from, to } };
    case "application/im-iscomposing+xml":
      return { is: "composing", composing: { ...parseIsComposing(contentOf(cpim)), from } };
    default:
      return { is: "message", message: readMessage(cpim) };
  }
}

function readMessage(cpim: CpimMessage): ChatMessage {
  const content = contentOf(cpim);
  return {
    kind: "message",
    from: cpim.from,
    to: cpim.to,
    ...askedOf(cpim),
    contentType: contentFieldOf(cpim, "Content-Type") ?? "text/plain",
    content,
    text: content.toString("utf8"),
  };
}

/** What a CPIM header says for disposition notifications. @see RFC 5438 §6 */
export function askedOf(cpim: CpimMessage): Pick<ChatMessage, "dateTime" | "messageId" | "asksFor"> {
  return {
    dateTime: headerOf(cpim, "DateTime") ?? "",
    messageId: imdnHeaderOf(cpim, "Message-ID") ?? "",
    asksFor: parseDispositionNotification(imdnHeaderOf(cpim, "Disposition-Notification")),
  };
}

/** From whom to whom, and when. */
export interface Envelope {
  readonly from: string;
  readonly to: string;
  /** RFC 3339. */
  readonly dateTime: string;
  /** imdn.Message-ID. */
  readonly messageId: string;
}

export interface Text extends Envelope {
  readonly content: Buffer;
  readonly contentType: string;
  readonly asksFor: readonly DispositionRequest[];
}

/** A CPIM message that asks for disposition notifications. Without content it is the part of a file transfer's INVITE. */
export function formatMessage({ asksFor, content, contentType, ...envelope }: Omit<Text, "content" | "contentType"> & Partial<Text>): Buffer {
  const asked = asksFor.length === 0 ? undefined : asksFor.join(", ");
  return formatCpim({ ...headersOf(envelope, { "Disposition-Notification": asked }), contentType, content });
}

/** A CPIM message that notifies the sender of a message; it asks for nothing itself. @see RFC 5438 §7 */
export function formatNotification(envelope: Envelope, imdn: Imdn): Buffer {
  return formatCpim({ ...headersOf(envelope), contentType: "message/imdn+xml", contentDisposition: "notification", content: formatImdn(imdn) });
}

export function formatComposing(envelope: Envelope, composing: IsComposing): Buffer {
  return formatCpim({ ...headersOf(envelope), contentType: "application/im-iscomposing+xml", content: formatIsComposing(composing) });
}

const headersOf = ({ from, to, dateTime, messageId }: Envelope, imdn: CpimFields["imdn"] = {}): CpimFields => ({
  from,
  to: [to],
  dateTime,
  imdn: { "Message-ID": messageId, ...imdn },
});
