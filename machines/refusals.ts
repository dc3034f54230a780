import type { Grounds } from "./clauses.ts";
import type { Event } from "./events.ts";
import type { MsrpStatus, Status, Warning } from "./terms.ts";

/** The answer to an event that no transition takes. */
export type Refusal =
  | { readonly protocol: "sip"; readonly status: Status; readonly warning?: Warning; readonly grounds: Grounds }
  | { readonly protocol: "msrp"; readonly status: MsrpStatus; readonly grounds: Grounds }
  | { readonly protocol: "silence"; readonly grounds: Grounds };

const sip = (status: Status, grounds: Grounds): Refusal => ({ protocol: "sip", status, grounds });
const silence = (grounds: Grounds): Refusal => ({ protocol: "silence", grounds });

/** Nobody waits for an answer to a response, nor to what our own machines tell each other. */
const response = silence({ cites: ["RFC 3261 §8.1.3"] });
const told = silence({ decides: "what another machine of ours, the data plane or the operator tells comes too late and changes nothing", beside: ["CPM-CONV §9.1.2"] });

/**
 * The refusal of every event, in whatever state: the states that answer otherwise have a transition that says so.
 *
 * A key for every event there is: a new event without a refusal does not compile.
 */
export const refusals: { readonly [T in Event["type"]]: Refusal } = {
  "sip.INVITE.create": sip(500, { decides: "a group is created once; a second creation never reaches it", beside: ["RFC 5366 §5"] }),
  "sip.INVITE.join": sip(404, { cites: ["RFC 3261 §21.4.5"] }),
  "sip.INVITE.fileTransfer": sip(404, { decides: "the group is not active, so the procedure does not apply", beside: ["CPM-CR §9.3.1", "RFC 3261 §21.4.5"] }),
  "sip.REFER.add": sip(404, { cites: ["RFC 3261 §21.4.5"] }),
  "sip.REFER.remove": sip(404, { cites: ["RFC 3261 §21.4.5"] }),
  "sip.SUBSCRIBE": sip(404, { cites: ["RFC 3261 §21.4.5"] }),
  "msrp.SEND": { protocol: "msrp", status: 481, grounds: { cites: ["RFC 4975 §10.8"] } },

  "sip.ACK": silence({ cites: ["RFC 3261 §13.3.1.4"] }),
  "sip.BYE": sip(481, { cites: ["RFC 3261 §15.1.2"] }),
  "sip.CANCEL": sip(481, { cites: ["RFC 3261 §9.2"] }),
  "sip.reINVITE": sip(481, { cites: ["RFC 3261 §12.2.2"] }),
  "sip.UPDATE": sip(481, { cites: ["RFC 3261 §12.2.2"] }),
  "sip.ringing": response,
  "sip.accepted": response,
  "sip.rejected": response,
  "sip.refreshed": response,
  "sip.BYE.answered": response,
  "sip.NOTIFY.failed": response,
  "msrp.bound": told,
  "msrp.lost": told,

  "participant.connected": told,
  "participant.left": told,
  "participant.lost": told,
  "participant.declined": told,
  "participant.unreachable": told,
  "participant.failed": told,
  "participant.released": told,
  "transfer.begun": told,
  "transfer.ended": told,
  "transfer.senderAway": told,
  "group.invite": told,
  "group.admit": told,
  "leg.release": told,
  "group.changed": told,
  "group.ended": told,
  "group.expelled": told,
  "admin.end": told,
  "admin.remove": told,
  "admin.shutdown": told,
  "largeMessage.execute": told,
  "largeMessage.ended": told,
  "largeMessage.offer": told,
  "largeMessage.invite": told,
  "largeMessage.accept": told,
  "largeMessage.reject": told,
  "largeMessage.deliver": told,
  "recipient.ringing": told,
  "recipient.accepted": told,
  "recipient.declined": told,
  "recipient.failed": told,
  "recipient.delivered": told,
  "sender.started": told,
  "sender.completed": told,
  "sender.aborted": told,
  "sender.misbehaved": told,
  "data.first": told,
  "data.complete": told,
  "data.aborted": told,
  "data.misbehaved": told,
  "data.drained": told,
  "data.refused": told,
};
