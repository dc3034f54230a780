import { PeerMisbehaved } from "../errors.ts";
import { formatElement, formatText, parseXml, textOf, xmlDeclaration, type XmlElement } from "./xml.ts";

/**
 * What a disposition notification can say of a message, by kind of notification.
 *
 * `interworking` is OMA's: the message left the IMS by SMS or MMS.
 *
 * @see RFC 5438 §7.1.2
 */
export const dispositions = {
  delivery: ["delivered", "failed", "forbidden", "error"],
  processing: ["processed", "stored", "forbidden", "error"],
  display: ["displayed", "forbidden", "error"],
  interworking: ["legacy-sms", "legacy-mms", "forbidden", "error"],
} as const;

export type DispositionKind = keyof typeof dispositions;
export type DispositionStatus = (typeof dispositions)[DispositionKind][number];

/** An instant message disposition notification. */
export interface Imdn {
  /** The imdn.Message-ID of the message that it is about. */
  readonly messageId: string;
  /** When that message was sent, as its CPIM header says. */
  readonly dateTime: string;
  readonly recipientUri?: string | undefined;
  readonly originalRecipientUri?: string | undefined;
  readonly subject?: string | undefined;
  readonly kind: DispositionKind;
  readonly status: DispositionStatus;
}

const namespace = "urn:ietf:params:xml:ns:imdn";
const interworkingNamespace = "urn:oma:xml:cpm:imdn-extensions:1.0";

const malformed = (detail: string) => new PeerMisbehaved("IMDN_MALFORMED", "RFC 5438 §11", 400, detail);

/**
 * Reads a message/imdn+xml document.
 *
 * @throws {PeerMisbehaved} XML_MALFORMED, 400: no XML that we read
 * @throws {PeerMisbehaved} IMDN_MALFORMED, 400: no message-id, or not exactly one notification with a status that we know
 */
export function parseImdn(octets: Uint8Array): Imdn {
  const root = parseXml(octets);
  if (root.name !== "imdn") throw malformed("the root is no imdn");
  const messageId = textOf(root, "message-id") ?? "";
  if (messageId === "") throw malformed("no message-id");
  return {
    messageId,
    dateTime: textOf(root, "datetime") ?? "",
    recipientUri: textOf(root, "recipient-uri"),
    originalRecipientUri: textOf(root, "original-recipient-uri"),
    subject: textOf(root, "subject"),
    ...readNotification(root),
  };
}

function readNotification(root: XmlElement): Pick<Imdn, "kind" | "status"> {
  const [notification, second] = root.children.filter(({ name }) => name.endsWith("-notification"));
  if (notification === undefined || second !== undefined) throw malformed("not exactly one notification");
  const kind = notification.name.slice(0, -"-notification".length);
  if (!Object.hasOwn(dispositions, kind)) throw malformed("an unknown notification");
  const reported = notification.children.find(({ name }) => name === "status")?.children.at(0)?.name;
  const status = dispositions[kind as DispositionKind].find((known) => known === reported);
  if (status === undefined) throw malformed("a status that the notification does not have");
  return { kind: kind as DispositionKind, status };
}

/** Writes a message/imdn+xml document. */
export function formatImdn({ messageId, dateTime, recipientUri, originalRecipientUri, subject, kind, status }: Imdn): Buffer {
  const attributes = { xmlns: kind === "interworking" ? interworkingNamespace : undefined };
  const content = [
    formatText("message-id", messageId),
    formatText("datetime", dateTime),
    formatText("recipient-uri", recipientUri),
    formatText("original-recipient-uri", originalRecipientUri),
    formatText("subject", subject),
    formatElement(`${kind}-notification`, attributes, formatElement("status", {}, formatElement(status, {}))),
  ].filter((element) => element !== "");
  return Buffer.from(`${xmlDeclaration}${formatElement("imdn", { xmlns: namespace }, `\r\n${content.join("\r\n")}\r\n`)}`);
}

/** What a sender can ask to be told, in the header Disposition-Notification. @see RFC 5438 §6.2 */
export const dispositionRequests = ["positive-delivery", "negative-delivery", "processing", "display", "interworking"] as const;

export type DispositionRequest = (typeof dispositionRequests)[number];

/** Reads the value of Disposition-Notification; none asks for nothing, and what we do not know is skipped. */
export function parseDispositionNotification(value: string | undefined): DispositionRequest[] {
  const asked = new Set(value?.toLowerCase().split(",").map((request) => request.trim()));
  return dispositionRequests.filter((request) => asked.has(request));
}
