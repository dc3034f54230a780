import { parseParameters, readQuoted } from "./media-type.ts";

/** The CPM services, by the last word of their IMS communication service identifier. */
export const services = ["session", "filetransfer", "largemsg", "msg", "deferred", "systemmsg"] as const;

export type Service = (typeof services)[number];

const icsiFeature = "+g.3gpp.icsi-ref";
const iariFeature = "+g.3gpp.iari-ref";
const instanceFeature = "+sip.instance";
const simpleImFeature = "+g.oma.sip-im";
const cpmUrn = "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.";
const iariUrn = "urn:urn-7:3gpp-application.ims.iari.";

/** The header fields of one request that say which service it asks for: one string a header line, as received. */
export interface ServiceFields {
  readonly acceptContact: readonly string[];
  readonly contact: readonly string[];
  /** P-Asserted-Service or, from a client, P-Preferred-Service. */
  readonly service: readonly string[];
}

/**
 * The CPM service that a request asks for.
 *
 * 1. The feature tags of Accept-Contact: they say which service the request is
 *    routed to. Where they name several, the one that the service identifier
 *    names too, else the first.
 * 2. The service identifier, with `.group` or without.
 * 3. The feature tags of Contact, if they name one service only: they say what
 *    the device can do, and a device that can do several asks for none by it.
 *
 * @see RFC 3841 §9.2, RFC 6050 §4.1
 */
export function serviceOf({ acceptContact, contact, service }: ServiceFields): Service | undefined {
  const requested = servicesRequested(acceptContact);
  const asserted = service.flatMap(splitValues).map(serviceOfUrn).find((named) => named !== undefined);
  if (requested.length > 0) return requested.find((named) => named === asserted) ?? requested[0];
  if (asserted !== undefined) return asserted;
  const capable = servicesIn(contact);
  return capable.length === 1 ? capable[0] : undefined;
}

/** What was read of Accept-Contact before. Bounded, so that a peer that invents spellings cannot grow it. */
const known = new Map<string, readonly Service[]>();
const knownAtMost = 256;
const knownLongest = 512;

/** The services that Accept-Contact names. A kind of client has one spelling of it for all its requests, long enough to be remembered. */
function servicesRequested(lines: readonly string[]): readonly Service[] {
  const text = lines.join("\n");
  const before = known.get(text);
  if (before !== undefined) return before;
  const named = servicesIn(lines);
  if (known.size === knownAtMost) known.clear();
  // Copied: a slice would keep the whole message that it came in.
  if (text.length <= knownLongest) known.set(Buffer.from(text).toString(), named);
  return named;
}

/** The services that feature tags name, CPM's own before their relatives of SIMPLE IM and RCS-e. */
function servicesIn(lines: readonly string[]): Service[] {
  const named = featureValues(lines, icsiFeature).map(serviceOfUrn);
  const applications = featureValues(lines, iariFeature).map(canonicalUrn);
  const ofCpm = new Set(named.filter((service) => service !== undefined));
  if (ofCpm.size > 0) return [...ofCpm];
  if (applications.includes(`${iariUrn}rcse.ft`)) return ["filetransfer"];
  return applications.includes(`${iariUrn}rcse.im`) || hasFeature(lines, simpleImFeature) ? ["session"] : [];
}

/** The service of an identifier in any spelling: escaped or not, in any case, with `.group` or without. */
function serviceOfUrn(text: string): Service | undefined {
  const urn = canonicalUrn(text);
  if (!urn.startsWith(cpmUrn)) return undefined;
  const name = urn.slice(cpmUrn.length).replace(/\.group$/, "");
  return services.find((service) => service === name);
}

const canonicalUrn = (text: string): string => text.trim().toLowerCase().replaceAll("%3a", ":");

/** The values of a feature tag in all header lines; a comma list inside the quotes is several. */
export const featureValues = (lines: readonly string[], feature: string): string[] =>
  featuresIn(lines).flatMap(([name, value]) => (name === feature && value !== undefined ? value.split(",").map((item) => item.trim()) : []));

/** Whether the feature tag stands in a header line, with a value or without. */
export const hasFeature = (lines: readonly string[], feature: string): boolean => featuresIn(lines).some(([name]) => name === feature);

/** A Contact with this parameter is a conference focus. @see RFC 4579 §5.1 */
export const isFocus = (contact: readonly string[]): boolean => hasFeature(contact, "isfocus");

/** The URN of the device in +sip.instance, without its angle brackets. @see RFC 5626 §4.1 */
export function sipInstance(lines: readonly string[]): string | undefined {
  const value = featuresIn(lines).find(([name]) => name === instanceFeature)?.[1];
  return value?.startsWith("<") && value.endsWith(">") ? value.slice(1, -1) : value;
}

const featuresIn = (lines: readonly string[]): [name: string, value: string | undefined][] =>
  lines.flatMap(splitValues).flatMap((value) => parseParameters(value, afterAddress(value)));

/** The values of a header line that are separated by commas outside of quotes and angle brackets. */
function splitValues(line: string): string[] {
  const values: string[] = [];
  let start = 0;
  let bracketed = false;
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at];
    if (character === '"') at = readQuoted(line, at).end - 1;
    else if (character === "<") bracketed = true;
    else if (character === ">") bracketed = false;
    else if (character === "," && !bracketed) {
      values.push(line.slice(start, at).trim());
      start = at + 1;
    }
  }
  return [...values, line.slice(start).trim()].filter((value) => value !== "");
}

/** Where the parameters of a contact value begin: after `*`, after `<…>`, or at the first semicolon of a bare URI. */
function afterAddress(value: string): number {
  let at = 0;
  while (at < value.length && value[at] !== "<" && value[at] !== ";") at = value[at] === '"' ? readQuoted(value, at).end : at + 1;
  if (value[at] === "<") {
    const close = value.indexOf(">", at);
    at = close < 0 ? value.length : value.indexOf(";", close);
  }
  return at < 0 ? value.length : at + 1;
}

/** The feature parameter of one or more services, as Contact and Accept-Contact carry it. */
export const formatFeature = (...named: readonly Service[]): string =>
  `${icsiFeature}="${named.map((service) => `${cpmUrn}${service}`.replaceAll(":", "%3A")).join(",")}"`;

/** The value of Accept-Contact that asks for the service. */
export const formatAcceptContact = (service: Service): string => `*;${formatFeature(service)}`;

/** The value of P-Asserted-Service and P-Preferred-Service; `.group` stands here only, never in a feature tag. */
export const formatServiceId = (service: Service, addressee: "user" | "group" = "group"): string => `${cpmUrn}${service}${addressee === "group" ? ".group" : ""}`;

/** The parameter of Contact that names the device. */
export const formatInstance = (urn: string): string => `${instanceFeature}="<${urn}>"`;
