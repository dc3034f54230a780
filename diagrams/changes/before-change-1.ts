/**
 * The machines of section 9.3.1 as they were before Change 1. **Inferred**: the section's former text was not at hand.
 *
 * The change request says why it was made: to add what the server does when CPM File Transfer in a session is not supported. So
 * before it, support was not asked for and no INVITE was answered 403 122; a recipient that accepted got the file, whatever types
 * its answer indicated, for there was no policy to say otherwise. Everything else is as it is now: what we decided beside the
 * section is no part of the change, and that no recipient list goes along is not its news.
 */
import { createMachine, type AnyStateMachine } from "xstate";
import type { Grounds } from "../../machines/clauses.ts";
import { groupFileTransfer } from "../../machines/group-file-transfer.ts";
import { named } from "../../machines/inspect.ts";
import { largeMessage } from "../../machines/large-message.ts";

const delivered: Grounds = { decides: "inferred: who accepts gets the file, whatever the answer indicates", beside: ["CPM-CONV §9.1.2"] };

export const before: Readonly<Record<string, AnyStateMachine>> = {
  "group-file-transfer": edited(groupFileTransfer, (_, rule) => (guardOf(rule) === "notSupported" ? undefined : rule)),
  "large-message": edited(largeMessage, (event, rule) => {
    if (event !== "recipient.accepted") return rule;
    return guardOf(rule) === "awaited and indicated" ? { ...rule, guard: "awaited", meta: delivered } : undefined;
  }),
};

/** A machine as it is written down, as far as it is edited. */
interface Written {
  readonly states?: Readonly<Record<string, Written>>;
  readonly on?: Readonly<Record<string, Rule | readonly Rule[]>>;
}

interface Rule {
  readonly guard?: unknown;
  readonly meta?: Grounds;
}

type Edit = (event: string, rule: Rule) => Rule | undefined;

function guardOf({ guard }: Rule): string | undefined {
  return guard === undefined ? undefined : named(guard);
}

/** The same machine with each rule of an event as `edit` leaves it, or without it. */
function edited(machine: AnyStateMachine, edit: Edit): AnyStateMachine {
  return createMachine(rewritten(machine.config as Written, edit) as never, machine.implementations as never) as AnyStateMachine;
}

function rewritten(written: Written, edit: Edit): Written {
  const { states, on } = written;
  const rules = (event: string, all: Rule | readonly Rule[]) => [all].flat().flatMap((rule) => edit(event, rule) ?? []);
  return {
    ...written,
    ...(states && { states: Object.fromEntries(Object.entries(states).map(([key, state]) => [key, rewritten(state, edit)])) }),
    ...(on && { on: Object.fromEntries(Object.entries(on).map(([event, all]) => [event, rules(event, all)])) }),
  };
}
