/** What the specification is about: the change request line by line, and the clauses of the RFCs that its procedures stand on. */
import type { Clause } from "./clauses.ts";

/** One sentence of CPM-CR §9.3.1 or one bullet of CPM-CR §4.2, in our words. */
export interface Line {
  readonly clause: "CPM-CR §9.3.1" | "CPM-CR §4.2";
  readonly asks: string;
  /**
   * Where it shows: a state (`machine.state`), a transition (`machine.state event`, and its guard if there are several) or a
   * `policy NAME`. Empty where it is not modelled: then `exceptions.ts` says why.
   */
  readonly shows: readonly string[];
}

const onTransfers = (asks: string, ...shows: string[]): Line => ({ clause: "CPM-CR §9.3.1", asks, shows });
const onVersion2 = (asks: string, ...shows: string[]): Line => ({ clause: "CPM-CR §4.2", asks, shows });

const offer = "group-file-transfer.awaiting sip.INVITE.fileTransfer";

export const lines = {
  // ---------------------------------------------------------------- change 1: section 9.3.1
  fileTransferFeatureTag: onTransfers("an INVITE with the CPM File Transfer Feature Tag is a transfer, one without it is not", offer, "group-session.open.membership.active sip.INVITE.fileTransfer"),
  groupSessionIdentity: onTransfers("the Request-URI is the CPM Group Session Identity"),
  onGoingActive: onTransfers("the session is on-going and active", "group-session.open.membership.active"),
  supported: onTransfers("where the transfer is supported, the procedures of 9.1.2 are executed", "policy groupFileTransfer", offer, "group-file-transfer.executing"),
  wrappedTypesNotIndicated: onTransfers(
    "Participants whose answer did not indicate the supported types in a=accept-wrapped-types are handled by service-provider policy",
    "policy wrappedTypes",
    "large-message.sending recipient.accepted awaited and indicated",
  ),
  noRecipientList: onTransfers("the generated INVITEs carry no recipient list: steps 3 b, 3 c, 3 d and 4 are skipped", offer, "large-message.admitted largeMessage.execute"),
  notSupported: onTransfers('where it is not, 403 "Forbidden" with the Warning text "122 Function not allowed"', `${offer} notSupported`),

  // ---------------------------------------------------------------- change 2: section 4.2
  standaloneNotificationsToDevice: onVersion2("notifications of a standalone message go to the device that sent it"),
  chatNotifications: onVersion2("isComposing and disposition notifications within a 1-1 chat"),
  chatStored: onVersion2("messages and notifications of a 1-1 chat are stored while a participant is not available"),
  chatDelivered: onVersion2("and delivered when the recipient becomes available"),
  chatForked: onVersion2("a 1-1 chat is forked to all devices in case of auto-answer"),
  chatRecorded: onVersion2("live recording of a 1-1 chat"),
  groupNotifications: onVersion2("isComposing and disposition notifications within a group chat", "group-session.open.membership msrp.SEND isNotification and toSomebodyThere"),
  groupStored: onVersion2("messages and notifications of a group chat are stored while a Participant is not available"),
  groupDelivered: onVersion2("and delivered when the recipient becomes available"),
  groupForked: onVersion2("a group chat is forked to all devices in case of auto-answer"),
  groupRecorded: onVersion2("live recording of a group chat"),
  closedGroup: onVersion2("closed group chat", "group-session.open.membership sip.REFER.add closed"),
  longLivedGroup: onVersion2("long-lived group chat", "policy longLived", "group-session.idle", "group-session.open.activity.quiet xstate.after.inactivityMs longLived"),
  interworking: onVersion2("interworking over the NNI with SIMPLE IM V2.0 chat"),
  fileAttributes: onVersion2("size, name and type of the file in the request"),
  maximumFileSize: onVersion2("a maximum file size by policy", "policy maxFileOctets", `${offer} sizeExceeded`),
  transferBesideSession: onVersion2("a transfer while a session is on-going", "group-session.open.activity.quiet xstate.after.inactivityMs transferring"),
  transferToOffline: onVersion2("a transfer to recipients who are off-line"),
  resume: onVersion2("a transfer is resumed by its sender or its recipient"),
  thumbnail: onVersion2("a thumbnail in the invitation"),
  noHistoryObject: onVersion2("version 1.0's session history object is not supported"),
  notificationsToDevice: onVersion2("sip.instance: a disposition notification goes to the device that sent the message"),
  deferredToDevice: onVersion2("sip.instance: what was deferred goes to the device that had accepted"),
} as const satisfies Record<string, Line>;

export type LineName = keyof typeof lines;

/** The clauses of the RFCs that a focus, its dialogs and its transfers stand on: each is cited by a machine, or in `exceptions.ts`. */
export const clausesInScope: readonly Clause[] = [
  // dialogs and their races
  "RFC 3261 §9.1",
  "RFC 3261 §9.2",
  "RFC 3261 §12",
  "RFC 3261 §12.2.1.2",
  "RFC 3261 §12.2.2",
  "RFC 3261 §13.2",
  "RFC 3261 §13.2.2.3",
  "RFC 3261 §13.2.2.4",
  "RFC 3261 §13.3.1",
  "RFC 3261 §13.3.1.3",
  "RFC 3261 §13.3.1.4",
  "RFC 3261 §14.1",
  "RFC 3261 §14.2",
  "RFC 3261 §15",
  "RFC 3261 §15.1.1",
  "RFC 3261 §15.1.2",
  "RFC 3262 §3",
  "RFC 3311 §5.2",
  "RFC 4028 §7.4",
  "RFC 4028 §9",
  "RFC 4028 §10",
  // the focus
  "RFC 3515 §2.4.2",
  "RFC 4488 §4",
  "RFC 4579 §5",
  "RFC 4579 §5.1",
  "RFC 4579 §5.3",
  "RFC 4579 §5.4",
  "RFC 4579 §5.5",
  "RFC 4579 §5.6",
  "RFC 4579 §5.7",
  "RFC 4579 §5.8",
  "RFC 4579 §5.9",
  "RFC 4579 §5.10",
  "RFC 4579 §5.11",
  "RFC 4579 §5.13",
  "RFC 5366 §5",
  "RFC 5366 §5.2",
  "RFC 5368 §5",
  // who is there
  "RFC 4575 §3.3",
  "RFC 4575 §3.5",
  "RFC 4575 §3.9",
  "RFC 4575 §4.4",
  "RFC 6665 §4.1.2.3",
  "RFC 6665 §4.2.1.1",
  "RFC 6665 §4.2.1.2",
  "RFC 6665 §4.2.1.4",
  "RFC 6665 §4.2.2",
  "RFC 6665 §4.4.1",
  "RFC 6665 §4.4.3",
  // messages
  "RFC 4975 §5.4",
  "RFC 4975 §7.1",
  "RFC 4975 §7.1.1",
  "RFC 4975 §7.1.2",
  "RFC 4975 §7.3.1",
  "RFC 4975 §7.3.2",
  "RFC 4975 §10.5",
  "RFC 4975 §10.8",
  "RFC 7701 §6.1",
  "RFC 7701 §6.2",
  "RFC 7701 §6.3",
  "RFC 7701 §6.4",
  "RFC 7701 §7",
  // files
  "RFC 5547 §8.2",
  "RFC 5547 §8.3.1",
  "RFC 5547 §8.3.2",
  "RFC 5547 §8.4",
];
