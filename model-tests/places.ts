/** Everything that states its grounds, under the names by which `scope.ts` and `exceptions.ts` speak of it. */
import type { AnyStateMachine, AnyTransitionDefinition } from "xstate";
import type { Grounds } from "../machines/clauses.ts";
import { machines, type MachineName } from "../machines/index.ts";
import { delayOf, grounds, named, nodes, transitions } from "../machines/inspect.ts";
import { policies } from "../machines/policies.ts";
import { refusals } from "../machines/refusals.ts";

/** A state, a transition, a policy or a refusal, by the name by which `scope.ts` and `exceptions.ts` speak of it. */
export interface Place {
  readonly kind: "state" | "transition" | "policy" | "refusal";
  readonly machine?: MachineName;
  readonly name: string;
  /** The name of a transition without its guard: what all alternatives of one event share. */
  readonly event?: string;
  readonly grounds: Grounds | undefined;
}

/** `STATE EVENT`; a delayed transition by its policy, an eventless one as `always`. */
function eventOf({ source, eventType }: AnyTransitionDefinition): string {
  const delay = delayOf(eventType);
  return `${source.id} ${eventType === "" ? "always" : delay === undefined ? eventType : `xstate.after.${delay}`}`;
}

/** `STATE EVENT GUARD`, unique in its machine. */
export const nameOf = (transition: AnyTransitionDefinition): string => (transition.guard === undefined ? eventOf(transition) : `${eventOf(transition)} ${named(transition.guard)}`);

export const places: readonly Place[] = [
  ...(Object.keys(machines) as MachineName[]).flatMap((machine): Place[] => {
    const { root }: AnyStateMachine = machines[machine];
    return [
      ...nodes(root).slice(1).map((node): Place => ({ kind: "state", machine, name: node.id, grounds: grounds(node) })),
      ...transitions(machines[machine]).map((transition): Place => ({ kind: "transition", machine, name: nameOf(transition), event: eventOf(transition), grounds: grounds(transition) })),
    ];
  }),
  ...Object.entries(policies).map(([name, policy]): Place => ({ kind: "policy", name: `policy ${name}`, grounds: policy.grounds })),
  ...Object.entries(refusals).map(([event, refusal]): Place => ({ kind: "refusal", name: `refusal of ${event}`, grounds: refusal.grounds })),
];
