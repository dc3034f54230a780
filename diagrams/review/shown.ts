/** Places of the machines as a review names them, found by the names of `machines/scope.ts`. */
import { machines, type MachineName } from "../../machines/index.ts";
import { places, type Place } from "../../model-tests/places.ts";
import type { Shown } from "./review-shape.ts";

const numbered = (machine: MachineName) => places.filter((place) => place.kind === "transition" && place.machine === machine);
/** The number of the rule of each transition, by its name. */
const rules: ReadonlyMap<string, number> = new Map((Object.keys(machines) as MachineName[]).flatMap((machine) => numbered(machine).map(({ name }, index) => [name, index + 1])));

export function shownAt({ kind, machine, name }: Place): Shown {
  switch (kind) {
    case "state":
      return { what: "state", machine: machine!, state: name };
    case "transition":
      return { what: "rule", machine: machine!, rule: rules.get(name)! };
    case "policy":
      return { what: "policy", policy: name.slice("policy ".length) };
    case "refusal":
      return { what: "refusal", event: name.slice("refusal of ".length) };
  }
}

/** What stands under a name: one place, or all alternatives of an event. */
export function placesAt(name: string): readonly Place[] {
  const found = places.filter((place) => place.name === name);
  const alternatives = found.length > 0 ? found : places.filter(({ event }) => event === name);
  if (alternatives.length === 0) throw new Error(`nothing of the specification is called ${name}`);
  return alternatives;
}

export const shownBy = (names: readonly string[]): Shown[] => [...new Set(names.flatMap(placesAt))].map(shownAt);
