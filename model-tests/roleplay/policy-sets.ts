/** The policies that tours are made for: each value of every policy that changes what a machine does is in one of the sets. */
import { defaults, type Policies, type TimerName } from "../../machines/policies.ts";
import { worlds } from "../../machines/worlds.ts";
import type { Policy } from "../composition/controlling-function.ts";
import type { WirePolicies } from "./verdict.ts";

/** One way to run a Controlling Function. */
export interface PolicySet {
  readonly name: string;
  /** Those that are not the defaults. */
  readonly policies: WirePolicies;
  /** The creator asks for a closed group. */
  readonly closed: boolean;
  /** Whether files can be kept. `slow`: that somebody cancels before there is room is a step of its own. */
  readonly spool: "ready" | "slow" | "exhausted";
}

/** What a file of the tours weighs, and one that is too large. A machine hears 1 and 2 of them: within the limit and above. */
export const fileOctets = { within: 2_048, above: 4_097, limit: 4_096 } as const;

/** The world of the group session in its `index`th input. */
function groupOf(index: number): { readonly policies: WirePolicies; readonly closed: boolean } {
  const { closed, longLived, ...group } = worlds["group-session"].inputs[index]!;
  return { policies: { ...group, longLived: longLived ? "yes" : "no", maxFileOctets: fileOctets.limit }, closed };
}

const set = (name: string, group: number, policies: Partial<Policies> = {}, spool: PolicySet["spool"] = "ready"): PolicySet => {
  const base = groupOf(group);
  return { name, policies: { ...base.policies, ...policies }, closed: base.closed, spool };
};

/** The groups are those of the machines' worlds; the first has room for two recipients of a file. */
export const policySets: readonly PolicySet[] = [
  set("default", 0),
  set("early", 0, { answerSender: "early" }),
  set("all-answered", 0, { answerSender: "allAnswered" }),
  set("exclude", 0, { wrappedTypes: "exclude" }),
  set("send-anyway", 0, { wrappedTypes: "sendAnyway", senderNotConnected: "rejoin" }),
  set("send-unwrapped", 0, { wrappedTypes: "sendUnwrapped", groupFileTransfer: "supported" }),
  set("reject-all", 0, { wrappedTypes: "rejectAll" }),
  set("short-lived", 1, { groupFileTransfer: "notSupported" }),
  set("closed", 2),
  set("creator-adds", 3, { maxDevices: 2 }),
  set("anonymous", 4),
  set("reactivate", 5, { senderNotConnected: "rejoin" }),
  set("cancelled-at-once", 0, {}, "slow"),
  set("no-room", 0, {}, "exhausted"),
];

/** Every policy of a set, and `maxFileOctets` as the tours mean it. */
export const policiesOf = (policies: WirePolicies): Policies => ({ ...defaults, maxFileOctets: fileOctets.limit, ...policies }) as Policies;

/** The policies as the machines are made with them. A file weighs 1 and may weigh 1. */
export function modelPolicy({ policies, closed }: Pick<PolicySet, "policies" | "closed">): Policy {
  const { maxGroupSize, minParticipants, maxDevices, maxTransfers, addRole, removeRole, anonymity, inactiveGroup, longLived, groupFileTransfer, senderNotConnected, answerSender, wrappedTypes } = policiesOf(policies);
  return {
    group: { maxGroupSize, minParticipants, maxDevices, maxTransfers, addRole, removeRole, anonymity, inactiveGroup, closed, longLived: longLived === "yes" },
    transfer: { groupFileTransfer, senderNotConnected, maxFileOctets: 1 },
    message: { answerSender, wrappedTypes },
  };
}

/** The delays that machines name. */
export const isTimer = (name: string): name is TimerName => name.endsWith("Ms") && name in defaults;
