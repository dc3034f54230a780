import { PeerMisbehaved } from "../errors.ts";
import { attributeOf, formatElement, formatText, parseXml, textOf, xmlDeclaration, type XmlElement } from "./xml.ts";

/** How an entry's recipient is shown to the others, the most open first. @see RFC 5364 §4 */
export type CopyControl = "to" | "cc" | "bcc";

/** One entry of a URI list. */
export interface ListEntry {
  /** Safe in a header field: no space, quote, bracket or control character. Without URI headers. */
  readonly uri: string;
  readonly copyControl: CopyControl;
  readonly anonymize?: boolean | undefined;
  /** How many recipients the entry stands for; 1 where it is missing. */
  readonly count?: number | undefined;
  readonly displayName?: string | undefined;
  /** The Contribution-ID of the one-to-one session that the group continues, from the URI header Session-Replaces; visible ASCII. */
  readonly sessionReplaces?: string | undefined;
}

const listNamespace = "urn:ietf:params:xml:ns:resource-lists";

/** RFC 5364 writes it in lower case; an example of RFC 5366, and stacks that follow it, do not. */
const copyControlNamespace = "urn:ietf:params:xml:ns:copycontrol";

/** Recipients beyond any group of ours; the machine's own limit is lower. */
const mostEntries = 2000;

const anonymousUri = "sip:anonymous@anonymous.invalid";

const malformed = (detail: string) => new PeerMisbehaved("RESOURCE_LISTS_MALFORMED", "RFC 4826 §3.2", 400, detail);

/**
 * Reads a URI list: every entry once, in the order of the document.
 *
 * Lists in lists are read as one list; references to elsewhere are skipped.
 * Of entries with equal URIs the one with the highest copyControl remains.
 * RFC 5364 takes an entry without copyControl for bcc; for session creation
 * pass `to`, because clients that never write the attribute mean that.
 *
 * @throws {PeerMisbehaved} XML_MALFORMED, 400: no XML that we read
 * @throws {PeerMisbehaved} RESOURCE_LISTS_MALFORMED, 400: not a resource-lists document, a bad attribute, an entry without a usable URI
 * @throws {PeerMisbehaved} RESOURCE_LISTS_TOO_LONG, 486: more entries than any group takes
 * @see RFC 5366 §5, RFC 5364 §4
 */
export function parseResourceLists(octets: Uint8Array, withoutCopyControl: CopyControl = "to"): ListEntry[] {
  const root = parseXml(octets);
  if (root.name !== "resource-lists" || root.namespace !== listNamespace) throw malformed("the root is no resource-lists");
  const entries = new Map<string, ListEntry>();
  for (const element of entryElements(root)) {
    const entry = readEntry(element, withoutCopyControl);
    // A history has one anonymous entry for each copyControl: they are different people.
    const key = entry.uri === anonymousUri ? `${anonymousUri} ${entry.copyControl}` : equalityKey(entry.uri);
    const known = entries.get(key);
    if (known === undefined || precedes(entry, known)) entries.set(key, entry);
    if (entries.size > mostEntries) throw new PeerMisbehaved("RESOURCE_LISTS_TOO_LONG", "RFC 5366 §5", 486, `above ${mostEntries} entries`);
  }
  return [...entries.values()];
}

/** The entries of all lists; the depth is bounded by the reader of XML. */
function* entryElements(parent: XmlElement): Generator<XmlElement> {
  for (const child of parent.children) {
    if (child.namespace !== listNamespace) continue;
    if (child.name === "list") yield* entryElements(child);
    else if (child.name === "entry" && parent.name === "list") yield child;
  }
}

const precedence: readonly CopyControl[] = ["to", "cc", "bcc"];

const precedes = (entry: ListEntry, known: ListEntry): boolean => precedence.indexOf(entry.copyControl) < precedence.indexOf(known.copyControl);

function readEntry(element: XmlElement, withoutCopyControl: CopyControl): ListEntry {
  const written = attributeOf(element, "uri")?.trim() ?? "";
  const question = written.indexOf("?");
  const uri = question < 0 ? written : written.slice(0, question);
  if (!isPlainUri(uri)) throw malformed("an entry without a usable URI");
  return {
    uri,
    copyControl: readCopyControl(copyAttribute(element, "copyControl")) ?? withoutCopyControl,
    anonymize: readBoolean(copyAttribute(element, "anonymize")),
    count: readCount(copyAttribute(element, "count")),
    displayName: textOf(element, "display-name"),
    sessionReplaces: question < 0 ? undefined : sessionReplaces(written.slice(question + 1)),
  };
}

/** The value of an attribute of RFC 5364, in either spelling of its namespace. */
const copyAttribute = (element: XmlElement, name: string): string | undefined =>
  element.attributes.find((attribute) => attribute.name === name && attribute.namespace.toLowerCase() === copyControlNamespace)?.value.trim();

function readCopyControl(value: string | undefined): CopyControl | undefined {
  const known = precedence.find((copyControl) => copyControl === value);
  if (value !== undefined && known === undefined) throw malformed("a copyControl that is none of to, cc, bcc");
  return known;
}

function readBoolean(value: string | undefined): boolean {
  if (value === undefined || value === "false" || value === "0") return false;
  if (value === "true" || value === "1") return true;
  throw malformed("an anonymize that is no boolean");
}

function readCount(value: string | undefined): number {
  if (value === undefined) return 1;
  if (!/^\d{1,9}$/.test(value)) throw malformed("a count that is no number");
  return Number(value);
}

/** An absolute URI of characters that can stand in a header field between angle brackets. */
const isPlainUri = (uri: string): boolean => uri.length <= 512 && /^[a-z][a-z0-9+.-]*:[!#-;=@-Z_a-z~[\]]+$/i.test(uri);

function sessionReplaces(headers: string): string | undefined {
  const value = headers
    .split("&")
    .find((header) => /^session-replaces=/i.test(header))
    ?.slice("session-replaces=".length);
  const contributionId = unescapeUri(value ?? "");
  return contributionId.length <= 256 && /^[!-~]+$/.test(contributionId) ? contributionId : undefined;
}

/** A `%` that is followed by no two digits stands for itself. */
const unescapeUri = (text: string): string => text.replace(/%([2-7][0-9A-Fa-f])/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));

/** The parameters that make two SIP URIs different when only one has them. @see RFC 3261 §19.1.4 */
const distinguishing = new Set(["user", "ttl", "method", "maddr", "transport"]);

/**
 * A string that is the same for equal URIs.
 *
 * RFC 3261 §19.1.4 also tells URIs apart by other parameters that both have;
 * that relation is not transitive and no two entries of a list rest on it.
 */
function equalityKey(uri: string): string {
  const colon = uri.indexOf(":");
  const scheme = uri.slice(0, colon).toLowerCase();
  const [address = "", ...parameters] = uri.slice(colon + 1).split(";");
  if (scheme === "tel") return [scheme, address.replace(/[-.()]/g, "").toLowerCase(), ...parameters.map((parameter) => parameter.toLowerCase()).sort()].join(";");
  const at = address.lastIndexOf("@");
  const kept = parameters.map((parameter) => parameter.toLowerCase()).filter((parameter) => distinguishing.has(parameter.split("=")[0]!));
  return [scheme, unescapeUri(address.slice(0, at + 1)), address.slice(at + 1).toLowerCase(), ...kept.sort()].join(";");
}

/**
 * The recipient-history list: what each recipient may know of the others.
 *
 * Entries that asked for anonymity are folded into one anonymous entry of their copyControl; bcc is left out.
 *
 * @see RFC 5364 §4
 */
export const historyList = (entries: readonly ListEntry[]): ListEntry[] => [...historyOf(entries, "to"), ...historyOf(entries, "cc")];

function historyOf(entries: readonly ListEntry[], copyControl: CopyControl): ListEntry[] {
  const shown = entries.filter((entry) => entry.copyControl === copyControl);
  const open = shown.filter((entry) => entry.anonymize !== true);
  const hidden = shown.filter((entry) => entry.anonymize === true);
  if (hidden.length === 0) return open;
  const count = hidden.reduce((sum, entry) => sum + (entry.count ?? 1), 0);
  return [...open, { uri: anonymousUri, copyControl, count }];
}

/** Writes a URI list as one flat list. */
export function formatResourceLists(entries: readonly ListEntry[]): Buffer {
  const list = formatElement("list", {}, `\r\n${entries.map(formatEntry).join("")}`);
  const root = formatElement("resource-lists", { xmlns: listNamespace, "xmlns:cp": copyControlNamespace }, `\r\n${list}\r\n`);
  return Buffer.from(`${xmlDeclaration}${root}\r\n`);
}

function formatEntry({ uri, copyControl, anonymize, count = 1, displayName }: ListEntry): string {
  const attributes = {
    uri,
    "cp:copyControl": copyControl,
    "cp:anonymize": anonymize === true ? "true" : undefined,
    "cp:count": count === 1 ? undefined : String(count),
  };
  return `${formatElement("entry", attributes, formatText("display-name", displayName))}\r\n`;
}
