/** What is in scope and deliberately not modelled, with the reason; and what the text leaves open, with what we chose. */
import type { Clause } from "./clauses.ts";
import type { LineName } from "./scope.ts";

/** Lines of the change request that no machine shows. */
export const linesNotModelled: { readonly [N in LineName]?: string } = {
  groupSessionIdentity: "data: the runtime compares the Request-URI with the CPM Group Session Identities that it has given out, and a machine hears of its own group alone",
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

/**
 * The questions that a reader of the change request asks, by the number under which they are listed for its authors. Each is
 * settled by an ambiguity below, or left to later by one that says why.
 */
export const questions = {
  "Q-1": "how the condition and the request hang together: two finite verbs, no conjunction",
  "Q-2": "by whom the transfer is supported",
  "Q-3": "which the CPM supported MIME types are, and what the absence of the attribute says",
  "Q-4": "whose SDP answer is meant",
  "Q-5": "what the service provider may choose from",
  "Q-6": "that the answer comes when the user has accepted already",
  "Q-7": "which warn-code goes with the text",
  "Q-8": "which states of a session are on-going and active, and what the others answer",
  "Q-9": "what becomes of a sender who is not in the session",
  "Q-10": "that a recipient's resume looks like a new transfer",
  "Q-11": "who gets the rest when a sender resumes",
  "Q-12": "that steps are skipped by the numbers of another section",
  "Q-13": "who the recipients are, when there is no list",
  "Q-14": "whether the sender's other devices get the file",
  "Q-15": "what the sender hears of single failures",
  "Q-16": "when the sender is answered",
  "Q-17": "what a leg that fails in the middle does to the others",
  "Q-18": "what becomes of who accepts late",
  "Q-19": "what becomes of who joins or leaves meanwhile",
  "Q-20": "which maximum size, of what, and who enforces it",
  "Q-21": "what a size that is absent or a lie leads to",
  "Q-22": "how a transfer is related to the session that it belongs to",
  "Q-23": "whether the request for notifications goes along",
  "Q-24": "which Contact the generated INVITEs have",
  "Q-25": "who the generated INVITEs are from",
  "Q-26": "what becomes of an anonymous sender",
  "Q-27": "which response the sender gets when nobody takes it",
  "Q-28": "whether a file breaks the silence of a long-lived group",
  "Q-29": "what becomes of a transfer when its group ends",
  "Q-30": "whether live recording records files and notifications",
  "Q-31": "what a missed chat is",
  "Q-32": "what the interworking with SIMPLE IM covers",
  "Q-33": "how long what was deferred waits for the device that had accepted",
  "Q-34": "what a client does with an object of version 1.0",
  "Q-35": "how forking can reach all devices when the first 200 cancels the others",
  "Q-36": "who removes the duplicates of a message that is stored and sent again",
  "Q-37": "which of two devices' notifications counts",
  "Q-38": "whether other specifications are affected after all",
  "Q-39": "what a closed group freezes",
  "Q-40": "whether a Participant is a user or a device",
  "Q-41": "whether a list in a re-INVITE adds Participants",
  "Q-42": "how a list entry without copyControl counts",
  "Q-43": "what becomes of a Session-Replaces within a list entry",
  "Q-44": "how MSRP finds its way behind a border controller",
  "Q-45": "whether the hash of a file is checked on the way",
} as const;

export type Question = keyof typeof questions;

/** A place where the change request can be read in more than one way. */
export interface Ambiguity {
  readonly clause: "CPM-CR §9.3.1" | "CPM-CR §4.2";
  /** The lines that it is about. */
  readonly lines: readonly LineName[];
  readonly questions: readonly Question[];
  /** What the text leaves open. */
  readonly open: string;
  /** The readings. */
  readonly options: readonly string[];
  readonly chosen: string;
  /** Where it shows, spelled as in `scope.ts`; empty where no machine decides it. */
  readonly shows: readonly string[];
  /** Who decides it instead, or when it will be decided. */
  readonly because?: string;
}

const onTransfers = (lines: readonly LineName[], questions: readonly Question[], open: string, options: readonly string[], chosen: string, ...shows: [string, ...string[]]): Ambiguity => ({
  clause: "CPM-CR §9.3.1",
  lines,
  questions,
  open,
  options,
  chosen,
  shows,
});
const onVersion2 = (...of: Parameters<typeof onTransfers>): Ambiguity => ({ ...onTransfers(...of), clause: "CPM-CR §4.2" });
/** What no machine decides. */
const elsewhere = (clause: Ambiguity["clause"], lines: readonly LineName[], questions: readonly Question[], open: string, options: readonly string[], chosen: string, because: string): Ambiguity => ({
  clause,
  lines,
  questions,
  open,
  options,
  chosen,
  shows: [],
  because,
});

const offer = "group-file-transfer.awaiting sip.INVITE.fileTransfer";
const dataPlane = "the runtime does it: no decision of a machine depends on it";
const storeLater = "comes with store and forward";

/** What our decisions settle. */
export const ambiguities: readonly Ambiguity[] = [
  onTransfers(
    ["supported", "notSupported"],
    ["Q-1"],
    "each branch has two finite verbs and no conjunction",
    ["if it is supported and the INVITE comes, then", "when the INVITE comes: if it is supported, then; otherwise"],
    "one trigger and two branches, of which exactly one applies",
    offer,
    "group-file-transfer.refused",
  ),
  onTransfers(
    ["supported", "notSupported"],
    ["Q-2"],
    "by whom it is supported",
    ["the operator", "the implementation", "the group", "the sender's profile", "all Participants"],
    "by the Controlling Function, as its policy says when the INVITE comes; never derived from Participants",
    "policy groupFileTransfer",
  ),
  onTransfers(
    ["onGoingActive"],
    ["Q-8"],
    '"on-going active" is not defined',
    ["from its creation", "from the first Participant who is connected", "while anybody has a dialog"],
    "from the first invited Participant who is connected until the group goes idle or ends",
    "group-session.open.membership.creating",
    "group-session.open.membership.active",
  ),
  onTransfers(
    ["onGoingActive"],
    ["Q-8"],
    "a group that is known and not active",
    ["404", "480", "410", "the group is woken"],
    "by policy: 404, 480, or it is woken",
    "policy inactiveGroup",
    "group-session.idle sip.INVITE.fileTransfer inactiveNotFound",
  ),
  onTransfers(
    ["onGoingActive"],
    [],
    "who is in the session of a group that a file wakes",
    ["nobody but the sender", "its members"],
    "its members: the sender counts as there, and the others are invited when 9.3.1 has taken the file",
    "group-session.idle sip.INVITE.fileTransfer",
    "group-session.idle transfer.begun",
  ),
  onTransfers(
    ["groupSessionIdentity"],
    ["Q-9"],
    "a sender who is not in the session",
    ["403 127", "an implicit join"],
    "403 127 to strangers; a member without a dialog is refused too, or brought back, by policy",
    "policy senderNotConnected",
    `${offer} senderIsStranger`,
  ),
  onTransfers(
    ["fileTransferFeatureTag", "resume"],
    ["Q-10"],
    "a recipient's resume matches the same trigger",
    ["told apart by the direction", "told apart by InReplyTo-Contribution-ID", "told apart by the hash"],
    "an offer to receive is refused, never fanned out",
    `${offer} pull`,
  ),
  onTransfers(
    ["noRecipientList"],
    ["Q-13", "Q-14"],
    "9.1.2 takes the recipients from a list, and there is none",
    ["connected Participants", "all members, those who are away too", "with the sender's other devices, or without"],
    "the Participants who are connected when the INVITE comes, without the sender and the sender's other devices",
    "group-session.open.membership.active sip.INVITE.fileTransfer",
  ),
  onTransfers(
    ["wrappedTypesNotIndicated"],
    ["Q-4"],
    "whose SDP answer is judged",
    ["the recipient's to us", "ours to the sender"],
    "the recipient's, to the INVITE that we generate",
    "large-message.sending recipient.accepted awaited and indicated",
  ),
  onTransfers(
    ["wrappedTypesNotIndicated"],
    ["Q-3"],
    "which types are the supported ones, and what the absence of the attribute says",
    ["the file's type in a=accept-types counts", "a=accept-wrapped-types alone counts", "absence is no support", "absence says nothing"],
    "literally the file's type in a=accept-wrapped-types; absent is not indicated; the policy may then look at a=accept-types, and the file travels unwrapped",
    "policy wrappedTypes",
    "large-message.sending recipient.accepted awaited and judgesByAcceptTypes and acceptTypesCover",
  ),
  onTransfers(
    ["wrappedTypesNotIndicated"],
    ["Q-5"],
    "the policy is left without choices",
    ["leave the recipient out", "send all the same", "send a link", "tell the recipient", "refuse for all"],
    "five, of which acceptTypes is the default",
    "policy wrappedTypes",
  ),
  onTransfers(
    ["wrappedTypesNotIndicated"],
    ["Q-6"],
    "the answer is judged when the user has already accepted",
    ["release the leg with a reason", "ask for capabilities before", "judge by the answer of the group chat's leg"],
    "the leg of who is left out is released with a reason",
    "large-message.sending recipient.accepted awaited",
  ),
  onTransfers(
    ["wrappedTypesNotIndicated"],
    [],
    "a policy that refuses for all, when the sender has sent everything",
    ["abort what everybody has", "leave out who did not indicate the types"],
    "there is nothing left to refuse: who did not indicate the types is left out alone",
    "large-message.sending.draining recipient.accepted awaited and not indicated and rejectsAll",
  ),
  onTransfers(
    ["noRecipientList"],
    ["Q-12"],
    "the skipped steps are named by another section's numbers",
    ["by their numbers", "by what they do"],
    "the large message is told whether the recipient history goes along, whatever its steps are called",
    "large-message.admitted largeMessage.execute withHistory",
  ),
  onTransfers(
    ["notSupported"],
    ["Q-7"],
    "the Warning's code is not given, and its text begins with a number",
    ['399 agent "122 Function not allowed"', '122 agent "Function not allowed", which is no code of RFC 3261'],
    "code 399; number and text are the warn-text",
    `${offer} notSupported`,
  ),
  onTransfers(["supported"], ["Q-16"], "when the sender is answered", ["at once", "at the first acceptance", "when everybody has answered"], "by policy; at the first acceptance by default", "policy answerSender"),
  onTransfers(["supported"], ["Q-27"], "what the sender hears when everybody declines", ["603", "480", "487", "the best of all responses"], "603 when all said 603, else 480", "large-message.sending.offering always allDeclined"),
  onTransfers(
    ["supported"],
    ["Q-15", "Q-17"],
    "what the sender hears of single failures",
    ["a negative notification a recipient", "the participant information", "nothing", "all legs end"],
    "nothing: the others are served",
    "large-message.sending recipient.failed",
  ),
  onTransfers(["supported"], ["Q-18"], "who accepts when the upload is over", ["is served from what was kept", "480"], "still gets the file, from its first octet", "large-message.sending.draining"),
  onTransfers(
    ["onGoingActive"],
    ["Q-19"],
    "who joins or leaves meanwhile",
    ["the recipients are fixed at the INVITE", "at the first chunk", "never"],
    "the recipients are fixed when the INVITE comes; leaving the chat ends no transfer",
    "large-message.sending",
  ),
  onTransfers(
    ["fileAttributes"],
    ["Q-21", "Q-45"],
    "octets that are not what was announced",
    ["refuse an offer without a size", "count, and abort", "ignore it"],
    "the sender is stopped with 413, and nobody keeps the file",
    "large-message.sending.receiving sender.misbehaved",
  ),
  onTransfers(["onGoingActive"], ["Q-29"], "the group ends meanwhile", ["the transfer is cut", "it goes on"], "a transfer that runs is not cut", "group-session.closing"),
  onTransfers(
    ["longLivedGroup"],
    ["Q-28"],
    "whether a file breaks the silence of a group",
    ["yes", "no"],
    "yes: a group that carries one is not silent",
    "group-session.open.activity.quiet xstate.after.inactivityMs transferring",
  ),
  onTransfers(["supported"], [], "the same transfer twice", ["two offers to everybody", "one"], "the second INVITE is refused 482: there is one fan-out", "group-file-transfer.executing sip.INVITE.fileTransfer"),
  onVersion2(
    ["maximumFileSize"],
    ["Q-20"],
    "which maximum of which service, and its response",
    ["one for all services", "one a service", "at the Participating Function too"],
    "one for group transfers, 403 133 before anybody is invited",
    "policy maxFileOctets",
    `${offer} sizeExceeded`,
  ),
  onVersion2(
    ["closedGroup"],
    ["Q-39"],
    "what a closed group freezes",
    ["additions", "removals too", "whoever left may come back, or not"],
    "additions: members may leave and be removed, and who has gone for good does not come back",
    "group-session.open.membership sip.REFER.add closed",
  ),
  onVersion2(
    ["groupNotifications"],
    [],
    "a notification for a Participant who is not available, while nothing is stored",
    ["kept", "404"],
    "404, unless the Participant is being invited again: then it is kept, as messages are",
    "group-session.open.membership msrp.SEND isNotification and toSomebodyThere",
  ),
  onVersion2(
    ["longLivedGroup", "closedGroup"],
    ["Q-40"],
    "whether a Participant is a user or a device",
    ["a user", "a device"],
    "a user when members are counted, a device when dialogs are",
    "policy maxGroupSize",
    "policy maxDevices",
  ),
  onVersion2(
    ["longLivedGroup"],
    [],
    "what a long-lived group does with silent and absent members",
    ["410 and a new group", "dialogs end and the group is kept"],
    "dialogs end without 410, the seat is kept, and a message invites the absent again",
    "group-session.idle",
    "group-session.open.recall",
  ),
  elsewhere("CPM-CR §4.2", ["resume"], ["Q-11"], "who gets the rest when a sender resumes", ["who failed", "everybody, each from its own offset"], "a sender's resume is a new transfer to everybody", "resume comes later"),
  elsewhere("CPM-CR §9.3.1", ["supported"], ["Q-22"], "how a transfer is related to its session", ["InReplyTo-Contribution-ID", "the Conversation-ID"], "a Contribution-ID of its own under the group's Conversation-ID", dataPlane),
  elsewhere("CPM-CR §9.3.1", ["supported"], ["Q-23"], "whether the CPIM part that asks for notifications is copied", ["copied", "left out"], "copied to every leg as it came", dataPlane),
  elsewhere("CPM-CR §9.3.1", ["supported"], ["Q-24"], "which Contact the generated INVITEs have", ["with isfocus", "without"], "the Group Session Identity with isfocus and the File Transfer Feature Tag", dataPlane),
  elsewhere("CPM-CR §9.3.1", ["supported"], ["Q-25"], "who the generated INVITEs are from", ["the group, Referred-By the sender", "the sender"], "the Group Session Identity, Referred-By the sender", dataPlane),
  onTransfers(
    ["supported"],
    ["Q-26"],
    "what becomes of an anonymous sender",
    ["403 119", "an anonymous offer"],
    "anonymity is decided when the group is created and not again for a file: recipients are told who sends",
    "policy anonymity",
    "group-session.new sip.INVITE.create anonymityNotAllowed",
  ),
  elsewhere("CPM-CR §4.2", ["chatRecorded", "groupRecorded"], ["Q-30"], "whether live recording records files and notifications", ["messages alone", "files as objects of their own"], "not decided", "the message store comes later"),
  elsewhere("CPM-CR §4.2", ["chatStored", "groupStored"], ["Q-31"], "what a missed chat is", ["an invitation that nobody answered", "one that was rejected as busy", "both"], "not decided", storeLater),
  elsewhere("CPM-CR §4.2", ["interworking"], ["Q-32"], "what the interworking covers beside chat", ["chat alone", "files", "the closed flag", "the Conversation-ID"], "not decided", "the translation of tokens at the NNI comes later"),
  elsewhere("CPM-CR §4.2", ["deferredToDevice"], ["Q-33"], "how long what was deferred waits for the device that had accepted", ["for ever", "until a time has passed, then for any device"], "not decided", storeLater),
  elsewhere("CPM-CR §4.2", ["noHistoryObject"], ["Q-34"], "what is done with an object of version 1.0", ["ignored", "converted"], "not decided: none is made", "the message store comes later"),
  elsewhere("CPM-CR §4.2", ["chatForked", "groupForked"], ["Q-35"], "how forking reaches all devices when the first 200 cancels the others", ["SIP forking", "parallel dialogs of a B2BUA"], "the Participating Function's; the focus has as many dialogs with a user as devices come", "the Participating Function comes later"),
  elsewhere("CPM-CR §4.2", ["groupDelivered"], ["Q-36"], "who removes duplicates when a message is stored and the group is joined again", ["the store", "the client, by the Message-ID"], "not decided", storeLater),
  elsewhere("CPM-CR §4.2", ["groupForked", "notificationsToDevice"], ["Q-37"], "which of two devices' notifications counts", ["the first", "both"], "the focus passes on both: whose they are is the Participating Function's to know", "the Participating Function comes later"),
  elsewhere("CPM-CR §9.3.1", [], ["Q-38"], "the change request says that no other specification is affected", ["none", "the conformance requirements, the message store, the endorsements by others"], "the conformance requirements are affected: they are generated beside the text", "it is about documents, not about behaviour"),
  elsewhere("CPM-CR §4.2", ["closedGroup"], ["Q-39"], "whether a closed group may be begun again through the factory when it is over", ["403 with 122 Function not allowed, which deployed clients take for it", "a new group"], "a new group; while the old one is there, a member's restart is a join", "to refuse it the server has to remember closed groups that are over, which comes with the message store"),
  elsewhere("CPM-CR §4.2", ["closedGroup"], ["Q-41"], "whether a list in a re-INVITE adds Participants", ["it does", "420, as RFC 5366 says"], "420: REFER alone adds", "the SIP endpoint answers it before a machine hears of it"),
  onVersion2(
    ["longLivedGroup"],
    ["Q-42"],
    "how a list entry without copyControl counts",
    ["bcc, as RFC 5364 says", "to"],
    "as to, by policy: else clients that leave it out would see an empty list",
    "policy copyControl",
  ),
  elsewhere("CPM-CR §4.2", ["longLivedGroup"], ["Q-43"], "what becomes of a Session-Replaces within a list entry", ["passed on", "stripped"], "stripped: it is nobody else's", dataPlane),
  elsewhere("CPM-CR §9.3.1", ["supported"], ["Q-44"], "how MSRP finds its way behind a border controller", ["relays", "a=msrp-cema"], "a=msrp-cema is answered to who offers it", dataPlane),
];
