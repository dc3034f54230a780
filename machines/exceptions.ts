/** What is in scope and deliberately not modelled, with the reason; and what the text leaves open, with what we chose. */
import type { Clause } from "./clauses.ts";
import type { LineName } from "./scope.ts";

/** Lines of the change request that no machine shows. */
export const linesNotModelled: { readonly [N in LineName]?: string } = {
  standaloneNotificationsToDevice: "the Participating Function's: standalone messages have no machine yet",
  chatNotifications: "1-1 chats have no machine yet; a group of two does the same",
  chatStored: "store and forward comes with the deferred messages of the Participating Function",
  chatDelivered: "store and forward comes with the deferred messages of the Participating Function",
  chatForked: "the Participating Function's: it forks in parallel dialogs",
  chatRecorded: "the message store comes later",
  groupStored: "store and forward comes later; until then a message recalls absent members and is kept for those who are being invited",
  groupDelivered: "store and forward comes later",
  groupForked: "the Participating Function's: the focus has as many dialogs with a user as devices come",
  groupRecorded: "the message store comes later",
  interworking: "the translation of tokens at the NNI comes later; no decision of a machine depends on it",
  fileAttributes: "data: the runtime copies the file-selector to every leg, and a machine sees the size alone",
  transferToOffline: "comes with store and forward: now a file goes to connected Participants, and to members who are being invited again",
  resume: "comes later: a recipient's resume is told apart and refused 488, a sender's is a new transfer to everybody",
  thumbnail: "data: the runtime copies the icon and its body part to every leg",
  noHistoryObject: "the message store comes later; no such object is made",
  notificationsToDevice: "comes with the Participating Function: the focus sends a notification to all dialogs of the user it names",
  deferredToDevice: "comes with store and forward",
};

/** Clauses in scope that no machine cites. */
export const clausesNotModelled: { readonly [C in Clause]?: string } = {
  "RFC 3262 §3": "reliable provisional responses are the SIP endpoint's: they change when a response may leave, not which",
  "RFC 4488 §4": "whether a REFER makes a subscription is the SIP endpoint's: the machine's answer is the same",
  "RFC 4579 §5.3": "for people who dial in by voice",
  "RFC 4579 §5.4": "creation without a list makes a group of nobody: it is refused like an empty list",
  "RFC 4579 §5.6": "a REFER between two users; the focus sees the INVITE that follows",
  "RFC 4579 §5.7": "the focus invites whoever is added, and refers nobody",
  "RFC 4579 §5.8": "Join is not offered: a Group Session Identity is how one joins",
  "RFC 4579 §5.9": "Replaces is not offered: a device that joins again replaces its own dialog",
  "RFC 4579 §5.10": "extending a 1-1 session to a group comes with 1-1 sessions",
  "RFC 4579 §5.13": "OPTIONS is the SIP endpoint's: it touches no group",
  "RFC 5366 §5.2": "the history of a list is built by the runtime; the machine says whether it goes along",
  "RFC 5368 §5": "the list of a REFER is read by the runtime: the machine hears how many strangers and which seats",
  "RFC 4975 §7.1.2": "REPORTs answer octets that are kept: the data plane's",
  "RFC 4975 §7.3.2": "a REPORT is forwarded to nobody and answered by nobody: the data plane's",
  "RFC 7701 §6.3": "the switch's own responses and REPORTs are the data plane's",
  "RFC 7701 §6.4": "back-pressure per leg is the data plane's",
  "RFC 7701 §7": "nicknames are not offered: a CPM Group Session shows addresses",
  "RFC 5547 §8.2": "the offerer's side is a CPM Client's; the runtime copies its attributes into our offers",
  "RFC 5547 §8.3.2": "answering as the sender of a file is resume by a recipient, which comes later",
};

/** Clauses of CPM that were not at hand: what we know of them is inferred from what cites or builds on them. They stand beside decisions and are never cited. */
export const clausesInferred: { readonly [C in Clause]?: string } = {
  "CPM-CONV §9.1.2": "only its number and the function of its steps 3 b, 3 c, 3 d and 4 are in the change request; its steps are rebuilt from RFC 5364, RFC 5366 and what deployed clients do",
  "CPM-CONV §9.2": "only its place between 9.1 and 9.3 is known; the group session is rebuilt from RFC 4579, RFC 5366, RFC 7701 and what deployed clients do",
};

/** A place where the change request can be read in more than one way. */
export interface Ambiguity {
  readonly clause: "CPM-CR §9.3.1" | "CPM-CR §4.2";
  /** What the text leaves open. */
  readonly open: string;
  readonly chosen: string;
  /** Where it shows, spelled as in `scope.ts`. */
  readonly shows: readonly [string, ...string[]];
}

const onTransfers = (open: string, chosen: string, ...shows: [string, ...string[]]): Ambiguity => ({ clause: "CPM-CR §9.3.1", open, chosen, shows });
const onVersion2 = (open: string, chosen: string, ...shows: [string, ...string[]]): Ambiguity => ({ clause: "CPM-CR §4.2", open, chosen, shows });

const offer = "group-file-transfer.awaiting sip.INVITE.fileTransfer";

/** What our decisions settle. */
export const ambiguities: readonly Ambiguity[] = [
  onTransfers("each branch has two finite verbs and no conjunction", "one trigger and two branches, of which exactly one applies", offer, "group-file-transfer.refused"),
  onTransfers("by whom it is supported", "by the Controlling Function, as its policy says when the INVITE comes; never derived from Participants", "policy groupFileTransfer"),
  onTransfers('"on-going active" is not defined', "from the first invited Participant who is connected until the group goes idle or ends", "group-session.open.membership.creating", "group-session.open.membership.active"),
  onTransfers("a group that is known and not active", "by policy: 404, 480, or it is woken", "policy inactiveGroup", "group-session.idle sip.INVITE.fileTransfer inactiveNotFound"),
  onTransfers("who is in the session of a group that a file wakes", "its members: the sender counts as there, and the others are invited when 9.3.1 has taken the file", "group-session.idle sip.INVITE.fileTransfer", "group-session.idle transfer.begun"),
  onTransfers("a sender who is not in the session", "403 127 to strangers; a member without a dialog is refused too, or brought back, by policy", "policy senderNotConnected", `${offer} senderIsStranger`),
  onTransfers("a recipient's resume matches the same trigger", "an offer to receive is refused, never fanned out", `${offer} pull`),
  onTransfers("9.1.2 takes the recipients from a list, and there is none", "the Participants who are connected when the INVITE comes, without the sender and the sender's other devices", "group-session.open.membership.active sip.INVITE.fileTransfer"),
  onTransfers("whose SDP answer is judged", "the recipient's, to the INVITE that we generate", "large-message.sending recipient.accepted awaited and indicated"),
  onTransfers(
    "which types are the supported ones, and what the absence of the attribute says",
    "literally the file's type in a=accept-wrapped-types; absent is not indicated; the policy may then look at a=accept-types, and the file travels unwrapped",
    "policy wrappedTypes",
    "large-message.sending recipient.accepted awaited and judgesByAcceptTypes and acceptTypesCover",
  ),
  onTransfers("the policy is left without choices", "five, of which acceptTypes is the default", "policy wrappedTypes"),
  onTransfers("the answer is judged when the user has already accepted", "the leg of who is left out is released with a reason", "large-message.sending recipient.accepted awaited"),
  onTransfers("a policy that refuses for all, when the sender has sent everything", "there is nothing left to refuse: who did not indicate the types is left out alone", "large-message.sending.draining recipient.accepted awaited and not indicated and rejectsAll"),
  onTransfers("the skipped steps are named by another section's numbers", "the large message is told whether the recipient history goes along, whatever its steps are called", "large-message.admitted largeMessage.execute withHistory"),
  onTransfers("the Warning's code is not given, and its text begins with a number", "code 399; number and text are the warn-text", `${offer} notSupported`),
  onTransfers("when the sender is answered", "by policy; at the first acceptance by default", "policy answerSender"),
  onTransfers("what the sender hears when everybody declines", "603 when all said 603, else 480", "large-message.sending.offering always allDeclined"),
  onTransfers("what the sender hears of single failures", "nothing: the others are served", "large-message.sending recipient.failed"),
  onTransfers("who accepts when the upload is over", "still gets the file, from its first octet", "large-message.sending.draining"),
  onTransfers("who joins or leaves meanwhile", "the recipients are fixed when the INVITE comes; leaving the chat ends no transfer", "large-message.sending"),
  onTransfers("octets that are not what was announced", "the sender is stopped with 413, and nobody keeps the file", "large-message.sending.receiving sender.misbehaved"),
  onTransfers("the group ends meanwhile", "a transfer that runs is not cut", "group-session.closing"),
  onTransfers("whether a file breaks the silence of a group", "yes: a group that carries one is not silent", "group-session.open.activity.quiet xstate.after.inactivityMs transferring"),
  onTransfers("the same transfer twice", "the second INVITE is refused 482: there is one fan-out", "group-file-transfer.executing sip.INVITE.fileTransfer"),
  onVersion2("which maximum of which service, and its response", "one for group transfers, 403 133 before anybody is invited", "policy maxFileOctets", `${offer} sizeExceeded`),
  onVersion2("what a closed group freezes", "additions: members may leave and be removed, and who has gone for good does not come back", "group-session.open.membership sip.REFER.add closed"),
  onVersion2("a notification for a Participant who is not available, while nothing is stored", "404, unless the Participant is being invited again: then it is kept, as messages are", "group-session.open.membership msrp.SEND isNotification and toSomebodyThere"),
  onVersion2("whether a Participant is a user or a device", "a user when members are counted, a device when dialogs are", "policy maxGroupSize", "policy maxDevices"),
  onVersion2("what a long-lived group does with silent and absent members", "dialogs end without 410, the seat is kept, and a message invites the absent again", "group-session.idle", "group-session.open.recall"),
];
