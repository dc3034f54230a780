import type { Capacity, LargeMessageResult } from "./events.ts";
import type { MsrpStatus, Recipient, ReleaseReason, Seat, Status, Warning } from "./terms.ts";

/**
 * Everything a machine may ask for: an imperative, and only what the machine itself decides. This is the only list.
 *
 * Addresses, tags, identifiers and bodies are the runtime's. `answer` and `answerMsrp` speak to the request that is this turn's
 * arrival; what is answered later is named by its leg.
 */
export type Effect =
  // to peers: the arrival of this turn
  | { readonly type: "answer"; readonly status: Status; readonly warning?: Warning }
  | { readonly type: "answerMsrp"; readonly status: MsrpStatus }
  // to peers: one dialog
  | { readonly type: "sendSipRequest"; readonly method: "INVITE" | "ACK" | "CANCEL" | "refresh" }
  | { readonly type: "sendBye"; readonly reason: ReleaseReason }
  | { readonly type: "sendSipResponse"; readonly method: "INVITE" | "re-INVITE" | "UPDATE" | "BYE"; readonly status: Status; readonly warning?: Warning }
  | { readonly type: "openMedia" }
  | { readonly type: "closeMedia" }
  // group session
  | { readonly type: "admit"; readonly seat: Seat }
  | { readonly type: "invite"; readonly seats: readonly Seat[] }
  | { readonly type: "release"; readonly seats: readonly Seat[]; readonly reason: ReleaseReason }
  /** Ends the older dialog with the device that has just been admitted again. */
  | { readonly type: "replace"; readonly seat: Seat }
  | { readonly type: "relay"; readonly to: readonly Seat[] }
  | { readonly type: "startSubscription"; readonly seat: Seat }
  | { readonly type: "notify" }
  | { readonly type: "expelSubscribers"; readonly seats: readonly Seat[] }
  | { readonly type: "endSubscriptions" }
  | { readonly type: "startFileTransfer"; readonly sender: "connected" | "away" | "stranger"; readonly capacity: Capacity; readonly recipients: readonly Seat[] }
  // group participant → group session
  | { readonly type: "reportParticipant"; readonly outcome: "connected" | "left" | "lost" | "declined" | "unreachable" | "failed" | "released" }
  // group file transfer → large message, group session
  | { readonly type: "executeLargeMessage"; readonly recipientList: "history" | "none" }
  | { readonly type: "rejoinSender" }
  | { readonly type: "reportTransfer"; readonly progress: "begun" | "ended" }
  // large message → its legs, its data plane and its principal
  | { readonly type: "addHistoryList" }
  | { readonly type: "inviteRecipients" }
  | { readonly type: "acceptSender" }
  | { readonly type: "rejectSender"; readonly status: Status; readonly warning?: Warning }
  | { readonly type: "releaseSender"; readonly reason: ReleaseReason }
  | { readonly type: "deliver"; readonly recipient: Recipient; readonly unwrapped: boolean }
  | { readonly type: "releaseRecipients"; readonly recipients: readonly Recipient[]; readonly reason: ReleaseReason }
  /** `#` on every recipient's unfinished message. @see RFC 4975 §7.1.1 */
  | { readonly type: "abortDelivery" }
  /** 413 to the sender's next chunk. @see RFC 4975 §10.5 */
  | { readonly type: "stopSender" }
  | { readonly type: "reportLargeMessage"; readonly result: LargeMessageResult }
  // large message leg → large message
  | { readonly type: "reportRecipient"; readonly outcome: "ringing" | "declined" | "failed" | "delivered" }
  | { readonly type: "reportAnswer"; readonly wrappedTypes: "indicated" | "notIndicated"; readonly acceptTypes: "covers" | "other" }
  | { readonly type: "reportSender"; readonly outcome: "started" | "completed" | "aborted" | "misbehaved" }
  | { readonly type: "openDelivery"; readonly unwrapped: boolean }
  // conference subscription
  | { readonly type: "answerSubscribe"; readonly status: 200 | 423 }
  | { readonly type: "sendNotify"; readonly state: "full" | "partial"; readonly subscription: "active" | "timeout" | "noresource" | "rejected" };

type Params<T extends Effect["type"]> = Omit<Extract<Effect, { type: T }>, "type">;

/** The named effects as XState actions. Their bodies are empty: `step` hands them to the runtime. */
export function effects<const T extends Effect["type"]>(...types: T[]) {
  const actions = types.map((type) => [type, (_: unknown, _params: unknown) => {}]);
  return Object.fromEntries(actions) as { [K in T]: (_: unknown, params: keyof Params<K> extends never ? undefined : Params<K>) => void };
}
