/** Faults that are put into the machines on purpose: each must be found, or the looking is worth nothing. */
import type { AnyStateMachine } from "xstate";
import { machines, type MachineName } from "../../machines/index.ts";
import type { Branch, List } from "../mutation/config.ts";
import { withBranches } from "../mutation/config.ts";
import { configOf, rebuilt } from "../mutation/mutants.ts";

/** The machine with one list of its transitions rewritten. */
function rewritten(name: MachineName, list: List, rewrite: (branches: readonly Branch[]) => readonly Branch[]): { readonly [N in MachineName]?: AnyStateMachine } {
  const machine: AnyStateMachine = machines[name];
  return { [name]: rebuilt(machine, withBranches(configOf(machine), list, rewrite)) };
}

const forgets = () => [];
const toEverybody = (branches: readonly Branch[]): readonly Branch[] =>
  branches.map((branch) => {
    const actions = [branch.actions].flat() as readonly { readonly type: string; readonly params?: unknown }[];
    const relays = actions.some((action) => action?.type === "relay") && branch.guard === undefined;
    if (!relays) return branch;
    const everybody = ({ context }: { readonly context: { readonly seats: readonly { readonly status: string }[] } }) => ({ to: context.seats.flatMap(({ status }, seat) => (status === "connected" ? [seat] : [])) });
    return { ...branch, actions: actions.map((action) => (action?.type === "relay" ? { type: "relay", params: everybody } : action)) };
  });

export const seededFaults = {
  "a 2xx that crosses our CANCEL is not seen": rewritten("group-participant", { path: ["withdrawing"], kind: "on", key: "sip.accepted" }, forgets),
  "a BYE that crosses ours is not answered": rewritten("group-participant", { path: ["releasing"], kind: "on", key: "sip.BYE" }, forgets),
  "a 603 that crosses our CANCEL is taken for any answer": rewritten("group-participant", { path: ["withdrawing"], kind: "on", key: "sip.rejected" }, (branches) => branches.slice(1)),
  "a group that closes does not see that a dialog was released": rewritten("group-session", { path: ["closing"], kind: "on", key: "participant.released" }, forgets),
  "a message goes to everybody": rewritten("group-session", { path: ["open", "membership"], kind: "on", key: "msrp.SEND" }, toEverybody),
  "a sender that cancels is not heard": rewritten("large-message", { path: ["sending", "offering"], kind: "on", key: "sender.aborted" }, forgets),
} as const satisfies Record<string, { readonly [N in MachineName]?: AnyStateMachine }>;

export type SeededFault = keyof typeof seededFaults;
