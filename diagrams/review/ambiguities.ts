/** What can be read in more than one way, and what we decided where the clauses are silent: one list, each with where it shows. */
import { clauses } from "../../machines/inspect.ts";
import { policies } from "../../machines/policies.ts";
import { ambiguities, questions } from "../../machines/exceptions.ts";
import type { LineName } from "../../machines/scope.ts";
import { places, type Place } from "../../model-tests/places.ts";
import type { AmbiguityReview } from "./review-shape.ts";
import { shownAt, shownBy } from "./shown.ts";

const idOf = (letter: string, index: number) => `${letter}-${String(index + 1).padStart(letter === "A" ? 2 : 3, "0")}`;

/** The ambiguities of some lines of the change request. */
export const ambiguityIdsOf = (names: readonly LineName[]): string[] => ambiguities.flatMap(({ lines }, index) => (lines.some((line) => names.includes(line)) ? [idOf("A", index)] : []));

export const ambiguityReviews = (): AmbiguityReview[] => [...ofTheText(), ...decisions()];

function ofTheText(): AmbiguityReview[] {
  return ambiguities.map(({ clause, questions: asked, open, options, chosen, shows, because }, index) => ({
    id: idOf("A", index),
    kind: shows.length > 0 ? "text" : "question",
    clauses: [clause],
    questions: asked.map((question) => ({ id: question, says: questions[question] })),
    open,
    options,
    chosen,
    ...(because !== undefined && { why: because }),
    shows: shownBy(shows),
  }));
}

/** Every decision of the machines, the policies and the refusals; the same words are one decision. */
function decisions(): AmbiguityReview[] {
  const by = new Map<string, Place[]>();
  for (const place of places) {
    if (place.grounds === undefined || !("decides" in place.grounds)) continue;
    by.set(place.grounds.decides, [...(by.get(place.grounds.decides) ?? []), place]);
  }
  return [...by].map(([chosen, stand], index) => ({
    id: idOf("D", index),
    kind: "decision",
    clauses: [...new Set(stand.flatMap(({ grounds }) => clauses(grounds!)))],
    questions: [],
    open: openAt(stand[0]!),
    options: stand.flatMap((place) => (place.kind === "policy" ? optionsOf(place) : [])),
    chosen,
    shows: stand.map(shownAt),
  }));
}

/** What the clauses do not say. */
function openAt({ kind, name }: Place): string {
  switch (kind) {
    case "state":
      return `what the state ${name} is`;
    case "transition":
      return `what happens on ${name.split(" ").slice(1).join(" ")} in ${name.split(" ")[0]}`;
    case "policy":
      return `${name.slice("policy ".length)}: ${policies[name.slice("policy ".length) as keyof typeof policies].means}`;
    case "refusal":
      return `what ${name.slice("refusal of ".length)} is answered where no transition takes it`;
  }
}

function optionsOf({ name }: Place): readonly string[] {
  const policy = policies[name.slice("policy ".length) as keyof typeof policies];
  return policy.unit === "word" ? policy.values : [`any number of ${policy.unit} from ${policy.least} on, ${policy.default} by default`];
}
