/**
 * The requirements on the server, in the form of static conformance requirements: item, function, reference, status, and what shows it.
 *
 * Mandatory is what the change request asks of every Controlling Function; optional is what it calls an enhancement, what holds only
 * where something else is supported, and what we ask beside it. What a machine shows is read from the machines and their evidence;
 * what only a test on the wire shows names that test.
 */
import type { Clause } from "../../machines/clauses.ts";
import { lines, type LineName } from "../../machines/scope.ts";

export interface Requirement {
  readonly item: string;
  readonly function: string;
  readonly reference: Clause;
  readonly needs?: readonly string[];
  /** The line of the change request; without one it is derived. */
  readonly line?: LineName;
  /** Spelled as in `scope.ts`, besides what the line shows. */
  readonly shows?: readonly string[];
  /** A machine has nothing to decide: why. */
  readonly data?: string;
  /** Nothing does it: why. */
  readonly missing?: string;
  /** Words in the titles of tests in `model-tests/wire`. */
  readonly wire?: Readonly<Record<string, readonly string[]>>;
}

const offer = "group-file-transfer.awaiting sip.INVITE.fileTransfer";
const chat = "group-session.open.membership";

export const requirements: readonly Requirement[] = [
  // ---------------------------------------------------------------- 9.3.1
  {
    item: "CPM-GFT-S-001-M",
    function: "an INVITE with the CPM File Transfer Feature Tag, however it is spelled, is a file transfer; one without it is none",
    reference: "CPM-CR §9.3.1",
    line: "fileTransferFeatureTag",
    wire: { acceptance: ["the CPM File Transfer Feature Tag is recognised", "item 4: an INVITE to the identity with the chat's feature tag is a join, and nobody", "item 4: a join is a join, supported or not"] },
  },
  {
    item: "CPM-GFT-S-002-M",
    function: "the Request-URI is compared with the CPM Group Session Identities that were given out",
    reference: "CPM-CR §9.3.1",
    line: "groupSessionIdentity",
    wire: { acceptance: ["item 5: an identity that nobody allocated is 404"], group: ["the identity with a parameter and an escaped octet is the same identity"] },
  },
  {
    item: "CPM-GFT-S-003-M",
    function: "the procedure applies while the CPM Group Session is on-going and active, and not before or after",
    reference: "CPM-CR §9.3.1",
    line: "onGoingActive",
    shows: ["group-session.open.membership.creating sip.INVITE.fileTransfer", "group-session.idle sip.INVITE.fileTransfer", "policy inactiveGroup", "refusal of sip.INVITE.fileTransfer"],
    wire: { acceptance: ["item 5: a group that has ended answers 404 or 410", "item 5: a file for a long-lived group that is idle gets"] },
  },
  {
    item: "CPM-GFT-S-004-O",
    function: "where CPM File Transfer in a CPM Group Session is supported, the procedures of Large Message Mode are executed: one INVITE to each other Participant",
    reference: "CPM-CR §9.3.1",
    needs: ["CPM-GFT-S-001-M", "CPM-GFT-S-002-M", "CPM-GFT-S-003-M", "CPM-GFT-S-005-O", "CPM-GFT-S-006-O"],
    line: "supported",
    wire: { acceptance: ["item 1: the CPM File Transfer goes to everybody else", "item 1: the type travels"] },
  },
  {
    item: "CPM-GFT-S-005-O",
    function: "a Participant whose SDP answer did not indicate the supported types in a=accept-wrapped-types is handled by service-provider policy, and nobody else is affected",
    reference: "CPM-CR §9.3.1",
    line: "wrappedTypesNotIndicated",
    shows: [
      "large-message.sending recipient.accepted awaited and judgesByAcceptTypes and acceptTypesCover",
      "large-message.sending recipient.accepted awaited and sendsAnyway",
      "large-message.sending recipient.accepted awaited and sendsUnwrapped",
      "large-message.sending recipient.accepted awaited and rejectsAll",
      "large-message.sending recipient.accepted awaited",
      "large-message.sending.offering recipient.accepted awaited and not indicated and rejectsAll",
      "large-message.sending.draining recipient.accepted awaited and not indicated and rejectsAll",
    ],
    wire: {
      acceptance: [
        "item 2, acceptTypes: a recipient that indicated no wrapped types is judged",
        "item 2, acceptTypes: Carol indicates no wrapped types and accepts",
        "item 2, acceptTypes: a file wrapped in CPIM reaches Carol",
        "item 2: Carol answers with ${answer}: she is left out",
        "item 2: Carol answers with text/plain: the file is sent to her all the same",
        "item 2: Carol answers with text/plain: a file that travels unwrapped",
        "item 2: a file wrapped in CPIM reaches Carol, who indicated no wrapped types",
        "item 2: Carol, the first to answer",
        "item 2: Bob has accepted already when Carol answers",
        "item 2: Carol answers with text/plain when the whole file is here",
        "item 2: everybody indicates the wrapped types",
      ],
    },
  },
  {
    item: "CPM-GFT-S-006-O",
    function: "the generated INVITEs carry no recipient list, neither in the body nor as an option tag",
    reference: "CPM-CR §9.3.1",
    line: "noRecipientList",
    wire: { acceptance: ["item 1: the CPM File Transfer goes to everybody else"] },
  },
  {
    item: "CPM-GFT-S-007-M",
    function: 'where it is not supported, 403 Forbidden with a Warning whose text is "122 Function not allowed"; nobody is invited, and the chat goes on',
    reference: "CPM-CR §9.3.1",
    needs: ["CPM-GFT-S-001-M", "CPM-GFT-S-002-M", "CPM-GFT-S-003-M"],
    line: "notSupported",
    wire: {
      acceptance: ['item 3: 403 Forbidden with the Warning "122 Function not allowed"', "item 3: whoever asks and whatever is asked", "item 3: a retransmission over UDP gets the same octets", 'item 3: 403 "122 Function not allowed"; nobody is invited, neither'],
      sipp: ["file is refused with 403"],
    },
  },
  {
    item: "CPM-GFT-S-008-M",
    function: "exactly one of the two branches applies to a request: never both an invitation and a 403",
    reference: "CPM-CR §9.3.1",
    needs: ["CPM-GFT-S-007-M"],
    shows: [offer],
    wire: { acceptance: ['item 3: 403 Forbidden with the Warning "122 Function not allowed"', "item 1: the CPM File Transfer goes to everybody else"] },
  },
  {
    item: "CPM-GFT-S-009-O",
    function: "support may be withdrawn while the server runs: a new transfer is refused, and one that runs is not cut",
    reference: "CPM-CR §9.3.1",
    needs: ["CPM-GFT-S-007-M"],
    shows: ["policy groupFileTransfer"],
    wire: { process: ["SIGHUP reads the policies again: a new transfer gets 403 122, the running one completes"] },
  },
  {
    item: "CPM-GFT-S-010-O",
    function: 'who is not a Participant sends no file: 403 "127 Service not authorised", and nobody is invited',
    reference: "CPM-CONV §9.1.2",
    shows: [`${offer} senderIsStranger`, "policy senderNotConnected"],
    wire: { acceptance: ["item 6: a stranger gets 403", "item 6: a member who is not in the session at the moment", "a member who is not in the session sends a file", "a stranger's file is refused all the same"] },
  },
  // ---------------------------------------------------------------- beside 9.3.1
  {
    item: "CPM-GFT-S-011-O",
    function: "the sender learns no network address and no MSRP path of a recipient",
    reference: "CPM-CONV §9.1.2",
    data: "the runtime is an MSRP endpoint towards everybody and writes its own paths",
    wire: { acceptance: ["item 1: the type travels"] },
  },
  {
    item: "CPM-GFT-S-012-O",
    function: "REPORTs of recipients are forwarded to nobody",
    reference: "RFC 7701 §6.3",
    data: "the data plane answers and ends every REPORT",
    wire: { field: ["a REPORT reuses the transaction id of the SEND"], group: ["Success-Report: yes gets a REPORT from the focus"] },
  },
  {
    item: "CPM-GFT-S-013-O",
    function: "the request for disposition notifications goes along with every INVITE, and each notification comes back to the sender alone",
    reference: "RFC 5438 §8",
    data: "the runtime copies the CPIM part to every leg",
    shows: [`${chat} msrp.SEND isNotification and toSomebodyThere`],
    wire: { group: ["a disposition notification reaches the original sender and nobody else"] },
  },
  { item: "CPM-GFT-S-014-O", function: "who joins during a transfer gets nothing of it", reference: "RFC 7701 §6.1", shows: ["group-session.open.membership.active sip.INVITE.fileTransfer"], wire: { acceptance: ["who joins during a transfer gets nothing of it"] } },
  {
    item: "CPM-GFT-S-015-O",
    function: "who leaves the chat during a transfer still gets the file",
    reference: "CPM-CR §9.3.1",
    data: "a leg of a transfer never hears of the chat",
    wire: { acceptance: ["who leaves the chat during a transfer still gets the file"] },
  },
  {
    item: "CPM-GFT-S-016-O",
    function: "every recipient has its own pace: the slow one holds up nobody",
    reference: "RFC 7701 §6.4",
    data: "the spool feeds every leg by itself",
    shows: ["large-message.sending.draining"],
    wire: { acceptance: ["item 10: the sender's BYE right after the last octet truncates nobody", "item 9: Carol's leg"] },
  },
  { item: "CPM-GFT-S-017-O", function: "the sender's BYE after the last octet truncates nobody", reference: "RFC 5547 §8.4", shows: ["large-message.sending.draining sender.aborted", "large-message-sender.open sip.BYE through"], wire: { acceptance: ["item 10: the sender's BYE right after the last octet truncates nobody", "item 10: a recipient that accepts after the upload has ended"] } },
  {
    item: "CPM-GFT-S-018-O",
    function: "the same transfer twice is offered once: the second INVITE is refused 482",
    reference: "CPM-CR §9.3.1",
    shows: ["group-file-transfer.executing sip.INVITE.fileTransfer"],
    wire: { acceptance: ["item 12: an INVITE retransmitted over UDP is one transfer", "item 12: a second INVITE with the Contribution-ID", "item 12: the same request by a second path"] },
  },
  // ---------------------------------------------------------------- 4.2: standalone messages and 1-1 sessions
  { item: "CPM-SAM-S-001-O", function: "notifications of a standalone message go to the device that sent it", reference: "CPM-CR §4.2", line: "standaloneNotificationsToDevice" },
  { item: "CPM-SES-S-001-O", function: "isComposing and disposition notifications within a 1-1 chat", reference: "CPM-CR §4.2", line: "chatNotifications" },
  { item: "CPM-SES-S-002-O", function: "a 1-1 chat is stored while a participant is not available, or missed it", reference: "CPM-CR §4.2", line: "chatStored" },
  { item: "CPM-SES-S-003-O", function: "what was stored of a 1-1 chat is delivered when the recipient becomes available", reference: "CPM-CR §4.2", needs: ["CPM-SES-S-002-O"], line: "chatDelivered" },
  { item: "CPM-SES-S-004-O", function: "a 1-1 chat is forked to all devices in case of auto-answer", reference: "CPM-CR §4.2", line: "chatForked" },
  { item: "CPM-SES-S-005-O", function: "messages of a 1-1 chat are recorded live", reference: "CPM-CR §4.2", line: "chatRecorded" },
  // ---------------------------------------------------------------- 4.2: group chat
  {
    item: "CPM-GRP-S-001-O",
    function: "isComposing reaches all other Participants, a disposition notification the sender of its message alone",
    reference: "CPM-CR §4.2",
    line: "groupNotifications",
    wire: { group: ["isComposing reaches all others", "a disposition notification reaches the original sender and nobody else"], seats: ["a notification for somebody who is away and not invited is 404"] },
  },
  { item: "CPM-GRP-S-002-O", function: "a group chat is stored for a Participant who is not available, or missed it", reference: "CPM-CR §4.2", line: "groupStored" },
  { item: "CPM-GRP-S-003-O", function: "what was stored of a group chat is delivered when the recipient becomes available", reference: "CPM-CR §4.2", needs: ["CPM-GRP-S-002-O"], line: "groupDelivered" },
  { item: "CPM-GRP-S-004-O", function: "a group chat is forked to all devices in case of auto-answer", reference: "CPM-CR §4.2", line: "groupForked" },
  { item: "CPM-GRP-S-005-O", function: "messages of a group chat are recorded live", reference: "CPM-CR §4.2", line: "groupRecorded" },
  {
    item: "CPM-GRP-S-006-O",
    function: 'a closed group: nobody is added, not even by the creator, 403 "122 Function not allowed"; who left stays out',
    reference: "CPM-CR §4.2",
    line: "closedGroup",
    wire: { group: ["a closed group: a REFER to add, even by the creator", "a closed group says so in the offers of the focus", "a leaver of a closed group may not come back", "a member lost from a closed group may come back"] },
  },
  {
    item: "CPM-GRP-S-007-O",
    function: "a long-lived group: silence ends its dialogs and not the group, members come back, a message invites the absent",
    reference: "CPM-CR §4.2",
    line: "longLivedGroup",
    shows: ["group-session.idle sip.INVITE.join", "group-session.open.recall.ready msrp.SEND"],
    wire: {
      group: ["a silent group: BYE to everybody, not 410", "a silent group is restarted at the factory", "every message moves the end"],
      timers: ["inactivityMs, lifetimeMs", "reinviteMs: who is away is invited"],
      seats: ["messages and notifications of the meantime are kept", "a device comes back to a group that has gone idle"],
    },
  },
  { item: "CPM-GRP-S-008-O", function: "interworking over the NNI with SIMPLE IM V2.0 chat", reference: "CPM-CR §4.2", line: "interworking" },
  // ---------------------------------------------------------------- 4.2: files
  {
    item: "CPM-FT-S-001-O",
    function: "size, name and type of the file stand in the request, and are the same in every offer",
    reference: "CPM-CR §4.2",
    line: "fileAttributes",
    wire: { acceptance: ["item 1: the CPM File Transfer goes to everybody else", "item 7: octets beyond the announced size"] },
  },
  { item: "CPM-FT-S-002-O", function: 'a maximum file size by policy: 403 "133 Size exceeded" before anybody is invited', reference: "CPM-CR §4.2", line: "maximumFileSize", wire: { acceptance: ["item 7: one octet above the limit", "a file that is refused wakes nobody"] } },
  {
    item: "CPM-FT-S-003-O",
    function: "a file while a CPM Session is on-going: dialogs of its own, and neither ends the other",
    reference: "CPM-CR §4.2",
    line: "transferBesideSession",
    wire: { acceptance: ["item 9: Carol's leg", 'item 3: 403 Forbidden with the Warning "122 Function not allowed"'] },
  },
  { item: "CPM-FT-S-004-O", function: "a file to recipients who are off-line", reference: "CPM-CR §4.2", line: "transferToOffline" },
  { item: "CPM-FT-S-005-O", function: "a transfer is resumed by its sender or its recipient", reference: "CPM-CR §4.2", line: "resume" },
  { item: "CPM-FT-S-006-O", function: "a thumbnail in the invitation reaches every recipient", reference: "CPM-CR §4.2", line: "thumbnail", wire: { acceptance: ["item 1: the CPM File Transfer goes to everybody else"] } },
  // ---------------------------------------------------------------- 4.2: version 1.0 and devices
  { item: "CPM-BC-S-001-O", function: "no session history object of version 1.0 is made", reference: "CPM-CR §4.2", line: "noHistoryObject" },
  { item: "CPM-DEV-S-001-O", function: "sip.instance: a disposition notification goes to the device that sent the message", reference: "CPM-CR §4.2", line: "notificationsToDevice" },
  { item: "CPM-DEV-S-002-O", function: "sip.instance: what was deferred goes to the device that had accepted", reference: "CPM-CR §4.2", line: "deferredToDevice" },
];

/** Where a requirement shows, spelled as in `scope.ts`. */
export const showsOf = ({ line, shows = [] }: Requirement): readonly string[] => [...(line === undefined ? [] : lines[line].shows), ...shows];
