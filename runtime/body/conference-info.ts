import { PeerMisbehaved } from "../errors.ts";
import { attributeOf, childOf, childrenOf, formatElement, formatText, parseXml, textOf, xmlDeclaration, type XmlElement } from "./xml.ts";

/** A conference information document. @see RFC 4575 §5 */
export interface ConferenceInfo {
  /** The conference URI: the Group Session Identity. */
  readonly entity: string;
  readonly state: InfoState;
  /** One more with every document of a subscription. */
  readonly version: number;
  readonly subject?: string | undefined;
  readonly maximumUserCount?: number | undefined;
  readonly userCount?: number | undefined;
  readonly active?: boolean | undefined;
  /** All users where `state` is full, those that changed where it is partial. */
  readonly users: readonly ConferenceUser[];
}

/** Whether a part of the document is whole, changes what is known, or takes it away. */
export type InfoState = "full" | "partial" | "deleted";

export interface ConferenceUser {
  readonly entity: string;
  /** Full where it is missing. */
  readonly state?: InfoState | undefined;
  readonly displayText?: string | undefined;
  readonly roles?: readonly string[] | undefined;
  /** The entry is the watcher's own. */
  readonly yourown?: boolean | undefined;
  readonly endpoints: readonly ConferenceEndpoint[];
}

/** One dialog of a user. */
export interface ConferenceEndpoint {
  readonly entity: string;
  readonly state?: InfoState | undefined;
  readonly displayText?: string | undefined;
  readonly status?: EndpointStatus | undefined;
  readonly joiningMethod?: JoiningMethod | undefined;
  readonly disconnectionMethod?: DisconnectionMethod | undefined;
  /** As a Reason header field, `SIP;cause=603;text="Decline"`. */
  readonly disconnectionReason?: string | undefined;
}

const states = ["full", "partial", "deleted"] as const;
const endpointStatuses = ["connected", "disconnected", "on-hold", "muted-via-focus", "pending", "alerting", "dialing-in", "dialing-out", "disconnecting"] as const;
const joiningMethods = ["dialed-in", "dialed-out", "focus-owner"] as const;
const disconnectionMethods = ["departed", "booted", "failed", "busy"] as const;

export type EndpointStatus = (typeof endpointStatuses)[number];
export type JoiningMethod = (typeof joiningMethods)[number];
export type DisconnectionMethod = (typeof disconnectionMethods)[number];

/** A roster of some 3,000 users. Only the focus that one has subscribed to sends it. */
const mostOctets = 1_048_576;

const namespace = "urn:ietf:params:xml:ns:conference-info";

/** Writes a conference information document, its elements in the order of the schema. */
export function formatConferenceInfo(info: ConferenceInfo): Buffer {
  const { entity, state, version, subject, maximumUserCount, userCount, active, users } = info;
  const content = [
    formatParent("conference-description", [formatText("subject", subject), formatText("maximum-user-count", maximumUserCount)]),
    formatParent("conference-state", [formatText("user-count", userCount), formatText("active", active?.toString())]),
    formatUsers(users, state),
  ].filter((element) => element !== "");
  const attributes = { xmlns: namespace, entity, state, version: String(version) };
  return Buffer.from(`${xmlDeclaration}${formatElement("conference-info", attributes, `\r\n${content.join("\r\n")}\r\n`)}\r\n`);
}

/** An element for its children; nothing where it has none. */
function formatParent(name: string, children: readonly string[]): string {
  const content = children.join("");
  return content === "" ? "" : formatElement(name, {}, content);
}

/** In a partial document the list of users is partial too: its default would mean that nobody else is there. */
function formatUsers(users: readonly ConferenceUser[], state: InfoState): string {
  if (users.length === 0 && state !== "full") return "";
  return formatElement("users", { state: state === "full" ? undefined : "partial" }, `\r\n${users.map((user) => `${formatUser(user)}\r\n`).join("")}`);
}

function formatUser({ entity, state = "full", displayText, roles = [], yourown, endpoints }: ConferenceUser): string {
  const attributes = { entity, state, yourown: yourown === true ? "true" : undefined };
  const entries = roles.map((role) => formatText("entry", role));
  return formatElement("user", attributes, [formatText("display-text", displayText), formatParent("roles", entries), ...endpoints.map(formatEndpoint)].join(""));
}

function formatEndpoint(endpoint: ConferenceEndpoint): string {
  const content = [
    formatText("display-text", endpoint.displayText),
    formatText("status", endpoint.status),
    formatText("joining-method", endpoint.joiningMethod),
    formatText("disconnection-method", endpoint.disconnectionMethod),
    formatParent("disconnection-info", [formatText("reason", endpoint.disconnectionReason)]),
  ];
  return formatElement("endpoint", { entity: endpoint.entity, state: endpoint.state }, content.join(""));
}

const malformed = (detail: string) => new PeerMisbehaved("CONFERENCE_INFO_MALFORMED", "RFC 4575 §5", 400, detail);

/**
 * Reads a conference information document, whatever prefix it uses. A value that RFC 4575 does not list is left out.
 *
 * @throws {PeerMisbehaved} XML_MALFORMED, 400: no XML that we read
 * @throws {PeerMisbehaved} CONFERENCE_INFO_MALFORMED, 400: another document, or one without entity
 */
export function parseConferenceInfo(octets: Uint8Array): ConferenceInfo {
  const root = parseXml(octets, mostOctets);
  const entity = attributeOf(root, "entity");
  if (root.name !== "conference-info" || root.namespace !== namespace || entity === undefined) throw malformed("no conference-info with an entity");
  const description = childOf(root, "conference-description");
  const conferenceState = childOf(root, "conference-state");
  const users = childOf(root, "users");
  return {
    entity,
    state: oneOf(states, attributeOf(root, "state")) ?? "full",
    version: count(attributeOf(root, "version")) ?? 0,
    subject: description && textOf(description, "subject"),
    maximumUserCount: description && count(textOf(description, "maximum-user-count")),
    userCount: conferenceState && count(textOf(conferenceState, "user-count")),
    active: conferenceState && readBoolean(textOf(conferenceState, "active")),
    users: users === undefined ? [] : childrenOf(users, "user").map(readUser),
  };
}

function readUser(user: XmlElement): ConferenceUser {
  const roles = childOf(user, "roles");
  return {
    entity: attributeOf(user, "entity") ?? "",
    state: oneOf(states, attributeOf(user, "state")),
    displayText: textOf(user, "display-text"),
    roles: roles === undefined ? [] : childrenOf(roles, "entry").map(({ text }) => text.trim()),
    yourown: readBoolean(attributeOf(user, "yourown")),
    endpoints: childrenOf(user, "endpoint").map(readEndpoint),
  };
}

function readEndpoint(endpoint: XmlElement): ConferenceEndpoint {
  const info = childOf(endpoint, "disconnection-info");
  return {
    entity: attributeOf(endpoint, "entity") ?? "",
    state: oneOf(states, attributeOf(endpoint, "state")),
    displayText: textOf(endpoint, "display-text"),
    status: oneOf(endpointStatuses, textOf(endpoint, "status")),
    joiningMethod: oneOf(joiningMethods, textOf(endpoint, "joining-method")),
    disconnectionMethod: oneOf(disconnectionMethods, textOf(endpoint, "disconnection-method")),
    disconnectionReason: info && textOf(info, "reason"),
  };
}

const oneOf = <Value extends string>(values: readonly Value[], text: string | undefined): Value | undefined => values.find((value) => value === text);

const count = (text: string | undefined): number | undefined => (text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined);

const readBoolean = (text: string | undefined): boolean | undefined => (text === undefined ? undefined : text === "true" || text === "1");
