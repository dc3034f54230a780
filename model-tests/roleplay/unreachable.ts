/**
 * Transitions that no peer and no timer can cause, each with its reason. A tour on the wire takes every other one.
 *
 * Some are reached all the same, by the operator or by a fault that a test injects: `model-tests/wire/faults.test.ts` does it, and
 * the trace of its servers shows it. The others are kept so that a machine answers every event in every state, whoever composes it.
 */

export interface Unreachable {
  /** Named as `scope.ts` names them. */
  readonly transition: string;
  /** Why no tour takes it. */
  readonly why: string;
  /** Who reaches it instead. */
  readonly reached: "by the operator" | "by a fault" | "by nobody";
}

const by = (reached: Unreachable["reached"], why: string, ...transitions: string[]): Unreachable[] => transitions.map((transition) => ({ transition, why, reached }));

export const unreachable: readonly Unreachable[] = [
  ...by(
    "by the operator",
    "the operator ends a group, removes a Participant, or stops the server",
    "group-session.open admin.end",
    "group-session.open admin.shutdown",
    "group-session.open.membership admin.remove targetIsMember",
    "group-session.idle admin.end",
    "group-session.idle admin.remove targetIsMember",
    "group-session.idle admin.shutdown",
    "large-message.sending admin.shutdown",
    "large-message.sending.offering admin.shutdown",
  ),
  ...by("by nobody", "the server would have to be stopped in the moment in which room is made for a file", "large-message.admitted admin.shutdown"),
  ...by("by nobody", "9.3.1 asks for no recipient history, and nothing else executes a large message yet", "large-message.admitted largeMessage.execute withHistory"),
  ...by(
    "by a fault",
    "when a connection breaks under a file, the data plane tells of the file first, and the leg is released: only an MSRP path that is none breaks the session alone",
    "large-message-sender.open.dialog.unconfirmed msrp.lost unfinished",
    "large-message-sender.open.dialog.condemned.broken sip.ACK",
    "large-message-sender.open.dialog.condemned.broken leg.release",
    "large-message-sender.open.dialog.condemned.broken xstate.after.noAckMs",
  ),
  ...by("by nobody", "once the ACK is here the path has been found to be one, and then the data plane tells of every loss before the end of the file", "large-message-sender.open.dialog.confirmed msrp.lost unfinished"),
  ...by("by nobody", "who leaves or is removed has every dialog told to go in the same turn, and a call that was told to go connects nobody", "group-session.open.membership participant.connected"),
  ...by(
    "by nobody",
    "a dialog is told to go before the group is idle or closing, and then an answer to its INVITE says `released`, unless it is 603",
    "group-session.idle participant.failed ofMember",
    "group-session.idle participant.failed",
    "group-session.closing participant.failed",
  ),
];
