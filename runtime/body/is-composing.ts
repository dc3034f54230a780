import { PeerMisbehaved } from "../errors.ts";
import { formatElement, formatText, parseXml, textOf, xmlDeclaration } from "./xml.ts";

/** The status of somebody who composes a message. @see RFC 3994 §3 */
export interface IsComposing {
  readonly state: "active" | "idle";
  /** What is being composed, a media type. */
  readonly contentType?: string | undefined;
  /** When it was last active, RFC 3339. */
  readonly lastActive?: string | undefined;
  /** Until when `active` holds without a new one, in seconds. */
  readonly refresh?: number | undefined;
}

const namespace = "urn:ietf:params:xml:ns:im-iscomposing";

/**
 * Reads an application/im-iscomposing+xml document. A state that we do not know is idle.
 *
 * @throws {PeerMisbehaved} XML_MALFORMED, 400: no XML that we read
 * @throws {PeerMisbehaved} IS_COMPOSING_MALFORMED, 400: another document, or no state
 */
export function parseIsComposing(octets: Uint8Array): IsComposing {
  const root = parseXml(octets);
  const state = textOf(root, "state");
  if (root.name !== "isComposing" || state === undefined) throw new PeerMisbehaved("IS_COMPOSING_MALFORMED", "RFC 3994 §4", 400, "no isComposing with a state");
  const refresh = textOf(root, "refresh") ?? "";
  return {
    state: state === "active" ? "active" : "idle",
    contentType: textOf(root, "contenttype"),
    lastActive: textOf(root, "lastactive"),
    refresh: /^\d{1,9}$/.test(refresh) ? Number(refresh) : undefined,
  };
}

/** Writes an application/im-iscomposing+xml document. */
export function formatIsComposing({ state, contentType, lastActive, refresh }: IsComposing): Buffer {
  const content = [formatText("state", state), formatText("contenttype", contentType), formatText("lastactive", lastActive), formatText("refresh", refresh)];
  return Buffer.from(`${xmlDeclaration}${formatElement("isComposing", { xmlns: namespace }, content.join(""))}`);
}
