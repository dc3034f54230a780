import { conferenceSubscription } from "./conference-subscription.ts";
import { groupFileTransfer } from "./group-file-transfer.ts";
import { groupParticipant } from "./group-participant.ts";
import { groupSession } from "./group-session.ts";
import { largeMessageRecipient } from "./large-message-recipient.ts";
import { largeMessageSender } from "./large-message-sender.ts";
import { largeMessage } from "./large-message.ts";

/** Every machine of the specification, in the order in which to read them. Tests and diagrams are made from this list and from nothing else. */
export const machines = {
  "group-file-transfer": groupFileTransfer,
  "large-message": largeMessage,
  "large-message-sender": largeMessageSender,
  "large-message-recipient": largeMessageRecipient,
  "group-session": groupSession,
  "group-participant": groupParticipant,
  "conference-subscription": conferenceSubscription,
} as const;

export type MachineName = keyof typeof machines;
