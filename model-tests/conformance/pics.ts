/**
 * PICS, the protocol implementation conformance statement: what a server that is tested says of itself.
 *
 * A file of lines `item: value`, as the proformas of OMA and ETSI. Its items are the service-provider policies, limits and timers
 * of the specification, and the capabilities that a Controlling Function may lack. From it follow the tours that apply, and
 * what each of them expects.
 */
import type { Clauses, Grounds } from "../../machines/clauses.ts";
import { machines } from "../../machines/index.ts";
import { defaults, policies, type Policies, type PolicyName, type TimerName } from "../../machines/policies.ts";

/** The statement cannot be used; the message is one line and names the item. */
export class PicsRefused extends Error {
  override readonly name = "PicsRefused";
}

/** What a Controlling Function may have or lack besides what policies say. */
export const capabilities = {
  conferenceSubscription: { means: "tells its subscribers who takes part, by the conference event package", clauses: ["RFC 4575 §3.5"] },
  addByRefer: { means: "takes a REFER that adds Participants", clauses: ["RFC 4579 §5.5"] },
  removeByRefer: { means: "takes a REFER that removes a Participant", clauses: ["RFC 4579 §5.11"] },
  closedGroups: { means: "knows the token of a closed group in a=chatroom", clauses: ["CPM-CR §4.2"] },
  sessionRefresh: { means: "answers UPDATE and re-INVITE that refresh a session", clauses: ["RFC 4028 §10"] },
} as const satisfies Record<string, { readonly means: string; readonly clauses: Clauses }>;

export type Capability = keyof typeof capabilities;
export type Item = Capability | PolicyName;

const capabilityNames = Object.keys(capabilities) as Capability[];
const policyNames = Object.keys(policies) as PolicyName[];

export interface Pics {
  readonly has: ReadonlySet<Capability>;
  /** What the statement says, and the specification's defaults where it says nothing. */
  readonly policies: Policies;
  /** Timers whose length is not told. */
  readonly unknown: ReadonlySet<TimerName>;
}

const isCapability = (name: string): name is Capability => Object.hasOwn(capabilities, name);
const isPolicy = (name: string): name is PolicyName => Object.hasOwn(policies, name);
/** Timers that are so short that every tour waits for them. */
export const moments: readonly TimerName[] = ["notifyPaceMs"];

/** The timers that machines name and tours let pass. Other lengths of time are limits. */
const timers = new Set(Object.values(machines).flatMap(({ implementations }) => Object.keys((implementations as { readonly delays: object }).delays) as TimerName[]));
for (const name of moments) timers.delete(name);
export const isTimer = (name: string): name is TimerName => timers.has(name as TimerName);

/** How a timer's length is told that nobody knows. */
const unknown = "unknown";

const refuse = (detail: string): never => {
  throw new PicsRefused(detail);
};

/** What holds where the file says nothing: everything is there, every policy is the specification's, and no timer's length is known. */
const byDefault = (item: Item): string => (isCapability(item) ? "yes" : isTimer(item) ? unknown : String(defaults[item]));

/** What may be said of an item, for people. */
function choices(item: Item): string {
  if (isCapability(item)) return "yes or no";
  const policy = policies[item];
  if (policy.unit === "word") return policy.values.join(", ");
  const least = `a whole number of ${policy.unit}, ${policy.least} or more`;
  return isTimer(item) ? `${least}, or ${unknown}` : least;
}

// ---------------------------------------------------------------- reading

interface Said {
  readonly item: Item;
  readonly value: string;
  readonly line: number;
}

/** Reads a statement. @throws {PicsRefused} an item that does not exist or is said twice, a value that it cannot have */
export function parsePics(text: string): Pics {
  const said = new Map<Item, string>();
  for (const { item, value, line } of text.split(/\r?\n/).flatMap(readLine)) {
    if (said.has(item)) refuse(`line ${line}: ${item} is said twice`);
    check(item, value, line);
    said.set(item, value);
  }
  const valueOf = (item: Item): string => said.get(item) ?? byDefault(item);
  const known = policyNames.filter((name) => valueOf(name) !== unknown);
  const told = known.map((name) => [name, policies[name].unit === "word" ? valueOf(name) : Number(valueOf(name))]);
  return {
    has: new Set(capabilityNames.filter((name) => valueOf(name) === "yes")),
    policies: { ...defaults, ...(Object.fromEntries(told) as Partial<Policies>) },
    unknown: new Set(policyNames.filter((name): name is TimerName => isTimer(name) && valueOf(name) === unknown)),
  };
}

function readLine(written: string, index: number): Said[] {
  const line = index + 1;
  const text = written.replace(/#.*/, "").trim();
  if (text === "") return [];
  const [, name = "", value = ""] = /^([^\s:]+)\s*:\s*(.*)$/.exec(text) ?? refuse(`line ${line}: ${quoted(text)} is not of the form "item: value"`);
  if (!isCapability(name) && !isPolicy(name)) return refuse(`line ${line}: there is no item ${quoted(name)}${resembling(name)}`);
  return [{ item: name, value, line }];
}

function check(item: Item, value: string, line: number): void {
  if (!isAllowed(item, value)) refuse(`line ${line}: ${item} cannot be ${quoted(value)}: ${choices(item)}`);
}

function isAllowed(item: Item, value: string): boolean {
  if (isCapability(item)) return value === "yes" || value === "no";
  const policy = policies[item];
  if (policy.unit === "word") return (policy.values as readonly string[]).includes(value);
  if (isTimer(item) && value === unknown) return true;
  return /^\d{1,15}$/.test(value) && Number(value) >= policy.least;
}

/** The file's own octets may hold anything. */
const quoted = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text);

/** The item that was meant, where letters' case or a dash was the difference. */
function resembling(name: string): string {
  const plain = (one: string) => one.toLowerCase().replace(/[^a-z0-9]/g, "");
  const meant = [...capabilityNames, ...policyNames].find((item) => plain(item) === plain(name));
  return meant === undefined ? "" : `; ${meant} is meant?`;
}

// ---------------------------------------------------------------- the proforma

const clausesOf = (grounds: Grounds): Clauses => ("cites" in grounds ? grounds.cites : grounds.beside);

/** An empty statement: every item with its meaning, what may be said of it, and its default. */
export function picsTemplate(): string {
  const entry = (item: Item, means: string, clauses: Clauses): string => [`# ${means} (${clauses.join(", ")})`, `# ${choices(item)}`, `${item}: ${byDefault(item)}`, ""].join("\n");
  const policy = (name: PolicyName): string => entry(name, policies[name].means, clausesOf(policies[name].grounds));
  return [
    "# PICS of a CPM Controlling Function: what the server that is tested says of itself.",
    "# One item a line; what follows # is a comment. An item that is left out counts as written here.",
    "",
    "# ---- capabilities: without one, the tours that need it are left out",
    "",
    ...capabilityNames.map((name) => entry(name, capabilities[name].means, capabilities[name].clauses)),
    "# ---- policies and limits: the tours expect what follows from them",
    "",
    ...policyNames.filter((name) => !isTimer(name)).map(policy),
    "# ---- timers: a tour in which one passes is played when its length is told and no longer than --longest-wait",
    "",
    ...policyNames.filter(isTimer).map(policy),
  ].join("\n");
}

// ---------------------------------------------------------------- what the tours keep away from

/** Capabilities that the server lacks. */
export const absent = ({ has }: Pics): Capability[] => capabilityNames.filter((name) => !has.has(name));

/** Timers that nobody can wait for. */
export const tooLong = ({ unknown: untold, policies: told }: Pics, longestWaitMs: number): TimerName[] => policyNames.filter(isTimer).filter((name) => untold.has(name) || told[name] > longestWaitMs);
