/**
 * The basic tours: short ways that every group goes, each with a name that people understand.
 *
 * They are played before the walked ones, so that a server that lacks something plain is told so plainly. Only what the peers
 * do is written here; what has to come back follows from the machines, with the policies that the server states. A way ends
 * where its next step cannot be: after the 403 of a server that takes no files nobody is asked to accept one.
 */
import type { TimerName } from "../../machines/policies.ts";
import { ControllingFunction } from "../composition/controlling-function.ts";
import { modelPolicy, type PolicySet } from "../roleplay/policy-sets.ts";
import { startOf, walk, type Reach, type Step } from "../roleplay/possible-steps.ts";
import type { WireTour } from "../roleplay/verdict.ts";
import { endingStep, mostEndings, possibleStep } from "./ending.ts";
import { isTimer, type Capability } from "./pics.ts";

interface BasicTour {
  readonly name: string;
  readonly title: string;
  /** Without it, or where nobody waits so long, there is no such tour. */
  readonly needs?: Capability | TimerName;
  /** Of an open group, a closed one, or both. */
  readonly group?: "open" | "closed";
  readonly steps: readonly Step[];
}

// ---------------------------------------------------------------- what peers do

type Params = Readonly<Record<string, unknown>>;
const does = (on: string, type: string, params: Params = {}): Step => [{ on, event: { type, ...params } }];
const asks = (type: string, params: Params, device?: number): Step => [{ on: "group", event: { type, ...params }, ...(device !== undefined && { device }) }];

const creates = (recipients: number, anonymous = false): Step => asks("sip.INVITE.create", { recipients, anonymous }, 0);
const leg = (seat: number, place = 0): string => `leg ${seat}.${place}`;
const acknowledges = (on: string): Step => does(on, "sip.ACK");
const binds = (on: string): Step => does(on, "msrp.bound");
const rings = (on: string): Step => does(on, "sip.ringing");
const refuses = (on: string, outcome: "declined" | "unreachable" | "failed"): Step => does(on, "sip.rejected", { outcome });
const hangsUp = (on: string, reason: "callCompleted" | "involuntary" | "unspecified"): Step => does(on, "sip.BYE", { reason });
const joins = (from: number | "stranger", device = 0): Step => asks("sip.INVITE.join", { from, device: "new" }, device);
const says = (from: number, params: Params = {}): Step => asks("msrp.SEND", { from, content: "chat", claims: "self", to: "group", ...params });
const subscribes = (from: number | "stranger", expires: "positive" | "zero" | "tooShort" = "positive"): Step => asks("sip.SUBSCRIBE", { from, expires });
const adds = (from: number | "stranger", strangers: number, seats: readonly number[] = []): Step => asks("sip.REFER.add", { from, strangers, seats });
const removes = (from: number | "stranger", target: number | "stranger"): Step => asks("sip.REFER.remove", { from, target });
const offers = (from: number | "stranger", fileOctets: 1 | 2 = 1, direction: "push" | "pull" = "push"): Step => asks("sip.INVITE.fileTransfer", { from, direction, fileOctets }, 0);
const takes = (recipient: number, wrappedTypes = "indicated", acceptTypes = "covers"): Step => does(`recipient 0.${recipient}`, "sip.accepted", { wrappedTypes, acceptTypes });

const passes = (timer: TimerName, on = "group"): Step => does(on, timer);

/** An invited user accepts, and its MSRP session has its connection. */
const enters = (seat: number): Step[] => [does(leg(seat), "sip.accepted"), binds(leg(seat))];

/** A group whose creator and whose others are all connected. */
const group = (others: number): Step[] => [creates(others), acknowledges(leg(0)), binds(leg(0)), ...Array.from({ length: others }, (_, index) => enters(index + 1)).flat()];

/** Both recipients take Alice's file, and everybody has a connection. */
const offered: Step[] = [...group(2), offers(0), takes(0), takes(1), acknowledges("sender 0"), binds("sender 0"), binds("recipient 0.0"), binds("recipient 0.1")];
const delivered = (recipient: number): Step => does(`recipient 0.${recipient}`, "data.drained");

// ---------------------------------------------------------------- the tours

const basics: readonly BasicTour[] = [
  { name: "talk", title: "three meet, everybody says something, and one after the other leaves", steps: [...group(2), says(0), says(1), says(2), hangsUp(leg(2), "callCompleted"), says(0), hangsUp(leg(1), "callCompleted")] },
  { name: "early-talk", title: "what is said while somebody rings is heard when that one has come", steps: [creates(2), acknowledges(leg(0)), binds(leg(0)), rings(leg(1)), ...enters(2), says(0), says(2), ...enters(1), says(1)] },
  { name: "nobody-comes", title: "one declines, one is not there, one cannot", steps: [creates(2), acknowledges(leg(0)), binds(leg(0)), rings(leg(1)), refuses(leg(1), "declined"), refuses(leg(2), "unreachable")] },
  { name: "no-list", title: "a group of nobody", steps: [creates(0)] },
  { name: "anonymous", title: "a group of an anonymous creator", steps: [creates(1, true)] },
  { name: "may-not-say", title: "messages that no group passes on", steps: [...group(2), says(0, { claims: "other" }), says(0, { to: "several" }), says(1, { to: "unknown" }), says(1, { content: "notCpim" }), says(2, { to: 0 }), says(2)] },
  { name: "notify", title: "who is typing is shown to all others, a notification to one alone", steps: [...group(2), says(0, { content: "composing" }), says(0), says(1, { content: "imdn", to: 0 }), says(2, { content: "imdn", to: 0 }), says(2, { content: "imdn", to: "unknown" })] },
  { name: "stranger", title: "a stranger asks to join, and offers a file", steps: [...group(1), joins("stranger"), offers("stranger"), says(0)] },
  { name: "come-back", title: "a connection is lost, and its user comes back", steps: [...group(2), hangsUp(leg(1), "involuntary"), says(0), joins(1, 1), acknowledges(leg(1, 1)), binds(leg(1, 1)), says(1), does(leg(2), "msrp.lost")] },
  { name: "again", title: "who has left comes back", steps: [...group(2), hangsUp(leg(1), "callCompleted"), joins(1), says(0)] },
  { name: "watch", title: "who watches is told who comes and goes", needs: "conferenceSubscription", steps: [...group(1), subscribes(0), hangsUp(leg(1), "involuntary"), does("subscription 0.0", "sip.SUBSCRIBE", { from: 0, expires: "zero" })] },
  { name: "may-not-watch", title: "a stranger, and one who asks for too short a time, are told nothing", needs: "conferenceSubscription", steps: [...group(1), subscribes("stranger"), subscribes(1, "tooShort"), subscribes(0, "zero")] },
  { name: "add", title: "somebody is added, and talks", needs: "addByRefer", group: "open", steps: [...group(1), adds(0, 1), ...enters(2), says(2), adds("stranger", 1), adds(0, 0, [1])] },
  { name: "closed", title: "nobody is added to a closed group", needs: "addByRefer", group: "closed", steps: [...group(1), adds(0, 1), says(0)] },
  { name: "remove", title: "the creator removes somebody, who stays out", needs: "removeByRefer", steps: [...group(2), removes(1, 2), removes(0, 1), does(leg(1), "sip.BYE.answered"), joins(1), says(0), removes(0, "stranger")] },
  { name: "refresh", title: "sessions are refreshed, and not changed in the middle", needs: "sessionRefresh", steps: [...group(1), does(leg(0), "sip.UPDATE", { offer: "unacceptable" }), does(leg(1), "sip.reINVITE", { offer: "acceptable" }), says(1), does(leg(0), "sip.reINVITE", { offer: "unacceptable" }), says(0)] },
  {
    name: "file",
    title: "a file for two, who both take it",
    steps: [...offered, does("sender 0", "data.first"), does("sender 0", "data.complete"), delivered(0), delivered(1), hangsUp("sender 0", "callCompleted"), does("recipient 0.0", "sip.BYE.answered"), does("recipient 0.1", "sip.BYE.answered"), says(1)],
  },
  {
    name: "file-for-one",
    title: "a file for two, of whom one declines",
    steps: [...group(2), offers(1), rings("recipient 0.0"), refuses("recipient 0.0", "declined"), takes(1), acknowledges("sender 0"), binds("sender 0"), binds("recipient 0.1"), [{ on: "sender 0", event: { type: "data.first" } }, { on: "sender 0", event: { type: "data.complete" } }], delivered(1)],
  },
  { name: "file-for-nobody", title: "a file that nobody takes", steps: [...group(2), offers(0), refuses("recipient 0.0", "declined"), refuses("recipient 0.1", "unreachable"), says(2)] },
  { name: "file-types", title: "a file for one who indicates its types and one who does not", steps: [...group(2), offers(2), takes(0), takes(1, "notIndicated", "other"), acknowledges("sender 0")] },
  { name: "file-cut", title: "a file that its sender abandons", steps: [...offered, does("sender 0", "data.first"), does("sender 0", "data.aborted")] },
  { name: "file-withdrawn", title: "an offer that is cancelled", steps: [...group(2), offers(0), rings("recipient 0.0"), does("sender 0", "sip.CANCEL"), says(1)] },
  { name: "file-refused", title: "files that no group takes: too large a one, and one that is asked for", steps: [...group(1), offers(0, 2), offers(1, 1, "pull"), says(0)] },
  { name: "ring-out", title: "one rings and does not answer", needs: "ringMs", steps: [creates(2), acknowledges(leg(0)), binds(leg(0)), rings(leg(1)), ...enters(2), passes("ringMs", leg(1)), refuses(leg(1), "failed"), says(0)] },
  { name: "no-ack", title: "the creator does not acknowledge", needs: "noAckMs", steps: [creates(1), passes("noAckMs", leg(0))] },
  { name: "no-session", title: "one accepts and has no MSRP connection", needs: "bindMs", steps: [creates(2), acknowledges(leg(0)), binds(leg(0)), ...enters(1), does(leg(2), "sip.accepted"), passes("bindMs", leg(2))] },
  { name: "silence", title: "nobody says anything, and then somebody comes back", needs: "inactivityMs", steps: [...group(1), says(0), passes("inactivityMs"), does(leg(0), "sip.BYE.answered"), does(leg(1), "sip.BYE.answered"), joins(1), acknowledges(leg(1)), binds(leg(1))] },
  { name: "sender-stays", title: "the sender of a file does not hang up", needs: "senderByeMs", steps: [...offered, does("sender 0", "data.first"), does("sender 0", "data.complete"), delivered(0), delivered(1), passes("senderByeMs", "sender 0")] },
  { name: "watched-enough", title: "a subscription ends by itself", needs: "subscriptionMs", steps: [...group(1), subscribes(0), passes("subscriptionMs", "subscription 0.0"), says(1)] },
];

/** The basic tours of a server that runs with this set of policies. */
export function basicTours(set: PolicySet, reach: Reach): WireTour[] {
  const of = new ControllingFunction(modelPolicy(set), { spool: "immediate" });
  const kind = set.closed ? "closed" : "open";
  const canBe = (need: Capability | TimerName) => (isTimer(need) ? reach.timers(need) : !reach.without.has(need));
  return basics
    .filter(({ needs, group }) => (needs === undefined || canBe(needs)) && (group ?? kind) === kind)
    .map(({ name, title, needs, steps }) => ({
      id: `basic/${kind}/${name}`,
      title: set.closed ? `${title} (closed group)` : title,
      policy: set.name,
      policies: set.policies,
      closed: set.closed,
      features: [...(set.closed ? ["closedGroups"] : []), ...(needs === undefined ? [] : [needs])],
      seed: 0,
      steps: played(of, reach, steps),
    }));
}

/** The way as far as it can be gone, and then everybody hangs up. */
function played(of: ControllingFunction, reach: Reach, steps: readonly Step[]): Step[] {
  const gone: Step[] = [];
  let place = startOf(of);
  const take = (wanted: Step | undefined): boolean => {
    const step = wanted && possibleStep(of, place, reach, wanted);
    const walked = step && walk(of, place, step);
    if (step === undefined || walked === undefined) return false;
    place = walked.place;
    return gone.push(step) > 0;
  };
  for (const step of steps) if (!take(step)) break;
  for (let endings = 0; endings < mostEndings && take(endingStep(of, place, reach)); endings++);
  return gone;
}
