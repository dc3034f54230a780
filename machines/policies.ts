import type { Grounds } from "./clauses.ts";

/** A policy that takes one of a few words. */
interface Choice<V extends string = string> {
  readonly unit: "word";
  readonly values: readonly V[];
  readonly default: V;
  readonly means: string;
  readonly grounds: Grounds;
}

/** A policy that is a number of something: a whole number from `least` on. */
interface Quantity {
  readonly unit: "ms" | "octets" | "Participants" | "devices" | "transfers";
  readonly least: number;
  readonly default: number;
  readonly means: string;
  readonly grounds: Grounds;
}

const choice = <const V extends string>(values: readonly V[], byDefault: NoInfer<V>, means: string, grounds: Grounds): Choice<V> => ({
  unit: "word",
  values,
  default: byDefault,
  means,
  grounds,
});

const quantity = (unit: Quantity["unit"], least: number, byDefault: number, means: string, grounds: Grounds): Quantity => ({
  unit,
  least,
  default: byDefault,
  means,
  grounds,
});

const minutes = 60_000;
const days = 24 * 60 * minutes;

/** Every service-provider policy, limit and timer. A name that ends in `Ms` is a timer, which machines name and never measure. */
export const policies = {
  // ------------------------------------------------------------ file transfer in a group session
  groupFileTransfer: choice(["supported", "notSupported"], "supported", "whether CPM File Transfer in a CPM Group Session is supported", {
    cites: ["CPM-CR §9.3.1"],
  }),
  wrappedTypes: choice(
    ["acceptTypes", "exclude", "sendAnyway", "sendUnwrapped", "rejectAll"],
    "acceptTypes",
    "what is done with a recipient whose answer did not indicate support in a=accept-wrapped-types: judge by a=accept-types, leave it out, send all the same, send without the CPIM wrapper, or refuse the whole transfer",
    { decides: "the text asks for a policy and names none; a file that travels unwrapped is governed by a=accept-types", beside: ["CPM-CR §9.3.1", "RFC 4975 §8.6"] },
  ),
  answerSender: choice(["early", "firstAccept", "allAnswered"], "firstAccept", "when the sender's INVITE is accepted", {
    decides: "the first acceptance: an earlier answer uploads a file that nobody may want, a later one keeps everybody waiting for the slowest",
    beside: ["CPM-CONV §9.1.2"],
  }),
  senderNotConnected: choice(["refuse", "rejoin"], "refuse", "a file from a member who has no dialog with the group: 403, or taken while the focus invites the member again", {
    decides: "refuse: the text speaks of an on-going session, and the sender is not in it",
    beside: ["CPM-CR §9.3.1"],
  }),
  inactiveGroup: choice(["notFound", "unavailable", "reactivate"], "notFound", "a file for a group that is known and not active: 404, 480, or the group is woken", {
    decides: "404: a client that gets it re-joins or restarts, and then sends again",
    beside: ["CPM-CR §9.3.1"],
  }),
  maxFileOctets: quantity("octets", 1, 10_485_760, "the largest file that a group takes", { cites: ["CPM-CR §4.2"] }),
  maxTransfers: quantity("transfers", 1, 100, "file transfers that one group carries at a time; above it 486", {
    decides: "a bound, so that one group cannot fill the disk",
    beside: ["CPM-CR §9.3.1"],
  }),
  stallMs: quantity("ms", 1, 9 * minutes, "how long a message may stand still before it counts as aborted", { cites: ["RFC 7701 §6.1"] }),
  senderByeMs: quantity("ms", 1, 30_000, "how long the sender has for its BYE after the last octet was acknowledged", {
    decides: "as long as an MSRP transaction; then the Controlling Function says BYE",
    beside: ["RFC 5547 §8.4"],
  }),

  // ------------------------------------------------------------ group session
  maxGroupSize: quantity("Participants", 2, 100, "Participants of one group, the creator counted; above it 486", {
    decides: "100, what deployed clients are configured for",
    beside: ["CPM-CONV §9.2"],
  }),
  minParticipants: quantity("Participants", 1, 2, "members below which the group ends", { decides: "two: nobody talks alone", beside: ["CPM-CONV §9.2"] }),
  maxDevices: quantity("devices", 1, 8, "dialogs that one user may have with a group; above it 486", {
    decides: "a bound, so that one user cannot take all the memory",
    beside: ["CPM-CONV §9.2"],
  }),
  longLived: choice(["yes", "no"], "yes", "whether a group survives when nobody is connected", { cites: ["CPM-CR §4.2"] }),
  addRole: choice(["anyone", "creator"], "anyone", "who may add Participants to a group that is not closed", {
    decides: "anyone, as in deployed networks",
    beside: ["RFC 4579 §5.5"],
  }),
  removeRole: choice(["creator", "anyone"], "creator", "who may remove a Participant", {
    decides: "the creator, who holds the chair",
    beside: ["RFC 4579 §5.11"],
  }),
  anonymity: choice(["refuse", "allow"], "refuse", "whether a Participant may hide its identity", {
    decides: "refuse: a group shows who is in it",
    beside: ["RFC 3325 §9.3"],
  }),
  copyControl: choice(["to", "bcc"], "to", "how a list entry without copyControl counts when a group is created", {
    decides: "to: RFC 5364 says bcc, and then clients that leave it out would see an empty list",
    beside: ["RFC 5364 §4"],
  }),
  maxMessageOctets: quantity("octets", 1, 65_536, "the largest message of a group chat; above it 413", {
    decides: "room for a message with a picture in it",
    beside: ["RFC 4975 §10.5"],
  }),
  inactivityMs: quantity("ms", 1, 10 * minutes, "how long a group may be silent", {
    decides: "longer than the 300 s after which deployed clients go idle themselves",
    beside: ["CPM-CR §4.2"],
  }),
  lifetimeMs: quantity("ms", 1, 90 * days, "how long an idle group is kept", { decides: "90 days", beside: ["CPM-CR §4.2"] }),
  reinviteMs: quantity("ms", 1, minutes, "how long the focus waits before it invites absent members again", {
    decides: "a minute, so that a chatting group does not ring a dead device without end",
    beside: ["CPM-CR §4.2"],
  }),

  // ------------------------------------------------------------ one dialog
  ringMs: quantity("ms", 1, minutes, "how long an INVITE rings before it is given up", {
    decides: "60 s, as deployed clients do",
    beside: ["RFC 3261 §13.2.2"],
  }),
  cancelMs: quantity("ms", 1, 32_000, "64*T1: how long a cancelled INVITE waits for its final response", { cites: ["RFC 3261 §9.1"] }),
  noAckMs: quantity("ms", 1, 32_000, "64*T1: how long a 2xx to an INVITE waits for its ACK", { cites: ["RFC 3261 §13.3.1.4"] }),
  bindMs: quantity("ms", 1, 30_000, "how long a confirmed dialog waits for the MSRP connection", {
    decides: "30 s, as long as an MSRP transaction",
    beside: ["RFC 6135 §4.2"],
  }),
  sessionExpiresMs: quantity("ms", 90_000, 30 * minutes, "the session interval that we ask for; what is negotiated counts", { cites: ["RFC 4028 §4"] }),
  sessionRefreshMs: quantity("ms", 45_000, 15 * minutes, "when we refresh: half of the interval that was negotiated, and never when the peer refreshes", {
    cites: ["RFC 4028 §10"],
  }),
  glareMs: quantity("ms", 1, 3_000, "how long a refresh waits after 491", { cites: ["RFC 3261 §14.1"] }),

  // ------------------------------------------------------------ conference event package
  notifyPaceMs: quantity("ms", 0, 1_000, "the least time between two NOTIFYs to one subscriber; changes in between travel together", { cites: ["RFC 4575 §3.9"] }),
  subscriptionMs: quantity("ms", 1_000, 3_600_000, "the longest life of a subscription; what was asked for counts below it", { cites: ["RFC 4575 §3.3"] }),
  minSubscriptionMs: quantity("ms", 1, minutes, "the shortest subscription that is taken; below it 423", { cites: ["RFC 6665 §4.2.1.1"] }),
} as const satisfies Record<string, Choice | Quantity>;

export type PolicyName = keyof typeof policies;

/** A value for every policy. */
export type Policies = {
  readonly [K in PolicyName]: (typeof policies)[K] extends Choice<infer V> ? V : number;
};

/** Policies of which the first must not be above the second, else nobody gets what the second allows. */
export const notAbove: readonly (readonly [PolicyName, PolicyName])[] = [
  ["minParticipants", "maxGroupSize"],
  ["sessionRefreshMs", "sessionExpiresMs"],
  ["minSubscriptionMs", "subscriptionMs"],
];

/** The values when nobody says otherwise. */
export const defaults = Object.fromEntries(Object.entries(policies).map(([name, policy]) => [name, policy.default])) as Policies;

/** The timers that machines name in `after`. */
export type TimerName = Extract<PolicyName, `${string}Ms`>;

/**
 * Named delays for `setup`. Their length is of no meaning: `step` returns the name, and the runtime looks it up.
 */
export function delays<const N extends TimerName>(...names: N[]) {
  return Object.fromEntries(names.map((name) => [name, 1])) as { [K in N]: number };
}
