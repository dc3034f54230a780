import type { Mishap } from "./composition.ts";

/** What a machine may refuse or leave without an answer, and why; some of it only on a bad network. */
export const tolerations: readonly { readonly events: readonly string[]; readonly states: readonly unknown[]; readonly on?: readonly Mishap[]; readonly because: string }[] = [
  { events: ["sip.ringing"], states: ["withdrawing", "givingUp"], because: "RFC 3261 §9.1: a provisional response that crosses the CANCEL says nothing new" },
  { events: ["sip.ringing"], states: [{ calling: "alerting" }, "open", "releasing", "dropping"], on: ["duplication", "overtaking"], because: "RFC 3261 §17.1.1.2: a provisional response that comes twice, or after the final one" },
  { events: ["sip.refreshed"], states: ["releasing", "dropping"], because: "RFC 3261 §15: the dialog is ending, its session is nobody's concern" },
  { events: ["sip.reINVITE"], states: ["releasing", "dropping"], because: "RFC 3261 §12.2.2: the dialog is ending, and 481 says so" },
  { events: ["msrp.bound", "msrp.lost"], states: [{ open: { dialog: "condemned" } }], because: "RFC 3261 §15: the dialog ends as soon as its ACK has come" },
  { events: ["msrp.lost"], states: ["releasing", "dropping"], because: "RFC 4975 §5.4: the session was closed when the octets broke off" },
  { events: ["sip.ACK"], states: ["releasing", "dropping"], because: "RFC 3261 §13.3.1.4: an ACK that comes when we have given it up" },
  { events: ["sip.ACK"], states: [{ open: { dialog: "confirmed" } }], on: ["duplication"], because: "RFC 3261 §13.3.1.4: an ACK that comes twice" },
  { events: ["sip.accepted"], states: ["open", "releasing", "dropping"], on: ["duplication"], because: "RFC 3261 §13.2.2.4: a 2xx that comes twice has its ACK from the core" },
  { events: ["sip.BYE"], states: ["calling", "withdrawing", "givingUp"], on: ["loss"], because: "RFC 3261 §15.1.2: without the 2xx, which was lost, there is no dialog: 481" },
  { events: ["msrp.SEND"], states: ["idle", "closing", "closed"], because: "RFC 4975 §10.8: the session is about to end, and 481 tells who wrote" },
  { events: ["sip.INVITE.join", "sip.INVITE.fileTransfer", "sip.REFER.add", "sip.REFER.remove"], states: ["new", "closing", "closed"], because: "RFC 3261 §21.4.5: there is no such group, or no more" },
];
