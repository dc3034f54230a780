/** The words by which an operator finds a group or a transfer. */
import type { Group } from "../sessions/group.ts";
import type { Transfer } from "../sessions/transfer.ts";
import { textOf } from "../sip/identity.ts";

export function* wordsOfGroup({ id, identity, description, seats, roster }: Group): Generator<string> {
  yield id;
  yield identity;
  yield description.conversationId;
  yield description.contributionId;
  if (description.subject !== undefined) yield textOf(description.subject);
  for (let seat = 0; seat < seats.length; seat++) {
    const { uri, name } = roster.occupant(seat);
    yield uri;
    if (name !== undefined) yield name;
  }
}

export function* wordsOfTransfer({ instance, group, arrived, recipientUris }: Transfer): Generator<string> {
  yield instance;
  yield group.id;
  yield arrived.speaker;
  const { name, type } = arrived.offer.media.file?.selector ?? {};
  if (name !== undefined) yield name;
  if (type !== undefined) yield type;
  yield* recipientUris;
}
