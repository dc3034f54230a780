/** How far a machine is from a transition: what a search through the composition goes by when it looks for that one. */
import type { AnyMachineSnapshot } from "xstate";
import type { MachineName } from "../../machines/index.ts";
import { machines } from "../../machines/index.ts";
import { transitions } from "../../machines/inspect.ts";
import { worlds } from "../../machines/worlds.ts";
import { askedOnTheWay, keyOf } from "../explore.ts";
import { graphOf } from "../graph.ts";
import { nameOf } from "../places.ts";

/** Steps that a snapshot is away from the one that takes the transition; undefined: it cannot come to it. */
export type Distance = (snapshot: AnyMachineSnapshot) => number | undefined;

/** The machine that has a transition of that name. */
export const machineOf = (transition: string): MachineName => (Object.keys(machines) as MachineName[]).find((name) => transitions(machines[name]).some((one) => nameOf(one) === transition))!;

/** A machine that hears more than this has a graph that is too large to be made on the way. */
const mostEvents = 40;

/** Distances in the machine's own graph; undefined: with this input the transition is never taken, or nobody knows. */
export function distanceTo(transition: string, name: MachineName, input: unknown): Distance | undefined {
  if (worlds[name].events.length > mostEvents) return undefined;
  const graph = graphOf(name, worlds[name].inputs.find((one) => JSON.stringify(one) === JSON.stringify(input)) ?? input);
  const { snapshots, events, keys, from, to, event } = graph;
  const before: number[][] = snapshots.map(() => []);
  const distances = new Map<number, number>();
  let edge: number[] = [];
  for (let each = 0; each < from.length; each++) {
    before[to[each]!]!.push(from[each]!);
    const snapshot = snapshots[from[each]!]!;
    if (distances.has(from[each]!) || snapshot.status !== "active") continue;
    const takes = askedOnTheWay(machines[name], snapshot, events[event[each]!]!).some((asked) => asked.enabled && nameOf(asked.transition) === transition);
    if (takes) edge.push(distances.set(from[each]!, 0) && from[each]!);
  }
  if (edge.length === 0) return undefined;
  for (let distance = 1; edge.length > 0; distance++) {
    edge = [...new Set(edge.flatMap((place) => before[place]!))].filter((place) => !distances.has(place));
    for (const place of edge) distances.set(place, distance);
  }
  const byKey = new Map([...distances].map(([place, distance]) => [keys[place]!, distance]));
  return (snapshot) => byKey.get(keyOf(snapshot));
}
