/** The change request sentence by sentence: what each asks in our words, and what it became. */
import { ambiguityIdsOf } from "./ambiguities.ts";
import { linesNotModelled } from "../../machines/exceptions.ts";
import { lines, type LineName } from "../../machines/scope.ts";
import { itemsOf } from "./requirements.ts";
import type { RequirementReview, Review, SentenceReview } from "./review-shape.ts";
import { shownBy } from "./shown.ts";
import type { TestsOf } from "./tests.ts";

/** One sentence, item or bullet of the change request, by a few of its words, and the lines of `scope.ts` that it became. */
interface Passage {
  readonly quote: string;
  /** How deep it stands: 0 a sentence or a heading, 1 an item or a bullet, 2 one below it. */
  readonly depth: 0 | 1 | 2;
  readonly lines: readonly LineName[];
  /** What it says where it asks for nothing itself. */
  readonly says?: string;
}

/** Change 1, the procedure of 9.3.1: two sentences, the first with two items, and the parts of each that ask for something. */
export const change1: readonly Passage[] = [
  { quote: "If File Transfer in CPM Group Session is supported", depth: 0, lines: ["supported"] },
  { quote: "with CPM File Transfer Feature Tag", depth: 1, lines: ["fileTransferFeatureTag"] },
  { quote: "having a value of the CPM Group Session Identity", depth: 1, lines: ["groupSessionIdentity"] },
  { quote: "of the on-going active CPM Group Session", depth: 1, lines: ["onGoingActive"] },
  { quote: "SHALL execute the procedures in section 9.1.2", depth: 1, lines: ["supported"] },
  { quote: "did not indicate support for CPM supported MIME types", depth: 1, lines: ["wrappedTypesNotIndicated"] },
  { quote: "SHALL not include the recipient-list", depth: 1, lines: ["noRecipientList"] },
  { quote: "If File Transfer in CPM Group Session is not supported", depth: 0, lines: ["notSupported"] },
  { quote: "with CPM File Transfer Feature Tag", depth: 1, lines: ["fileTransferFeatureTag"] },
  { quote: "having a value of the CPM Group Session Identity", depth: 1, lines: ["groupSessionIdentity"] },
  { quote: "of the on-going active CPM Group Session", depth: 1, lines: ["onGoingActive"] },
  { quote: "SHALL return a SIP", depth: 1, lines: ["notSupported"] },
  { quote: "SHALL include a Warning header", depth: 1, lines: ["notSupported"] },
];

/** Change 2, the list of 4.2: a sentence, and bullets of two levels. */
export const change2: readonly Passage[] = [
  { quote: "adds the following enhancements", depth: 0, lines: [], says: "what version 2.0 adds is the list below" },
  { quote: "CPM Standalone Message handling", depth: 1, lines: [], says: "standalone messages" },
  { quote: "Enhanced multi-device functionality for sending imdn", depth: 2, lines: ["standaloneNotificationsToDevice"] },
  { quote: "CPM 1-1 Session handling", depth: 1, lines: [], says: "1-1 sessions" },
  { quote: "Support for notifications within the chat", depth: 2, lines: ["chatNotifications"] },
  { quote: "Storing of chat messages and associated notifications", depth: 2, lines: ["chatStored"] },
  { quote: "Delivery of stored chat messages", depth: 2, lines: ["chatDelivered"] },
  { quote: "Enhanced multi-device functionality for chat", depth: 2, lines: ["chatForked"] },
  { quote: "Support for live recording", depth: 2, lines: ["chatRecorded"] },
  { quote: "CPM Group Chat", depth: 1, lines: [], says: "group chats" },
  { quote: "Support for notifications within the chat", depth: 2, lines: ["groupNotifications"] },
  { quote: "Storing of chat messages and associated notifications", depth: 2, lines: ["groupStored"] },
  { quote: "Delivery of stored chat messages", depth: 2, lines: ["groupDelivered"] },
  { quote: "Enhanced multi-device functionality for chat", depth: 2, lines: ["groupForked"] },
  { quote: "Support for live recording", depth: 2, lines: ["groupRecorded"] },
  { quote: "Support Closed group chat", depth: 2, lines: ["closedGroup"] },
  { quote: "Support Long-lived group chat", depth: 2, lines: ["longLivedGroup"] },
  { quote: "Interworking over the NNI", depth: 2, lines: ["interworking"] },
  { quote: "File transfer", depth: 1, lines: [], says: "file transfers" },
  { quote: "Support for file size, file name, and type", depth: 2, lines: ["fileAttributes"] },
  { quote: "Define a maximum file size policy", depth: 2, lines: ["maximumFileSize"] },
  { quote: "while having an ongoing CPM Session", depth: 2, lines: ["transferBesideSession"] },
  { quote: "to off-line recipients", depth: 2, lines: ["transferToOffline"] },
  { quote: "resume by either sender or recipient", depth: 2, lines: ["resume"] },
  { quote: "Support thumbnail in the invitation", depth: 2, lines: ["thumbnail"] },
  { quote: "excludes support of session history object", depth: 1, lines: ["noHistoryObject"] },
  { quote: "replaced in CPM version 2.0 by the session history folder", depth: 1, lines: ["noHistoryObject"] },
  { quote: "Addition of sip.instance mechanism", depth: 1, lines: [], says: "one device among several" },
  { quote: "delivery of disposition notifications to the CPM User device", depth: 2, lines: ["notificationsToDevice"] },
  { quote: "deferred delivery of chat, group chat messages", depth: 2, lines: ["deferredToDevice"] },
];

export function textReview(requirements: readonly RequirementReview[], testsOf: TestsOf): Review["text"] {
  const reviewed = (id: string) => (passage: Passage, index: number) => sentence(`${id}-${index + 1}`, passage, requirements, testsOf);
  return { change1: change1.map(reviewed("9.3.1")), change2: change2.map(reviewed("4.2")) };
}

/** A sentence that became several lines is one entry: it says them all. */
function sentence(id: string, { quote, depth, lines: names, says }: Passage, requirements: readonly RequirementReview[], testsOf: TestsOf): SentenceReview {
  const shows = shownBy(names.flatMap((name) => lines[name].shows));
  const items = [...new Set(names.flatMap(itemsOf))];
  const reasons = names.flatMap((name) => linesNotModelled[name] ?? []);
  return {
    id,
    depth,
    clause: id.startsWith("9.3.1") ? "CPM-CR §9.3.1" : "CPM-CR §4.2",
    quote,
    asks: says ?? names.map((name) => lines[name].asks).join("; "),
    status: names.length === 0 ? "heading" : reasons.length === 0 ? "modelled" : reasons.every((reason) => reason.startsWith("data: ")) ? "data" : "not modelled",
    ...(reasons.length > 0 && { why: reasons.map((reason) => reason.replace(/^data: /, "")).join("; ") }),
    shows,
    tests: testsOf(shows, requirements.filter(({ item }) => items.includes(item)).flatMap(({ tests }) => tests.wire)),
    ambiguities: ambiguityIdsOf(names),
    requirements: items,
  };
}
