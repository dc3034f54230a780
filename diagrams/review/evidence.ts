/**
 * What takes long to find out, kept in `evidence.json` beside a digest of the sources that it was found with: the tours, what every
 * event does in every state, and the tours on the wire.
 *
 * Evidence of other sources is never shown: it is found again.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { machines, type MachineName } from "../../machines/index.ts";
import { transitions } from "../../machines/inspect.ts";
import { worlds } from "../../machines/worlds.ts";
import { wireTours, wireToursTaking } from "../../model-tests/roleplay/wire-tours.ts";
import { inputOf, toursOf } from "../../model-tests/tours.ts";
import type { MatrixReview, TourReview } from "./review-shape.ts";
import { survey } from "./survey.ts";

export interface Evidence {
  /** Of the sources that it was found with. */
  readonly digest: string;
  readonly machines: { readonly [N in MachineName]: MachineEvidence };
  readonly wire: {
    readonly tours: readonly string[];
    /** By the name of a transition, the tours that take it, by their place among `tours`. */
    readonly taking: { readonly [transition: string]: readonly number[] };
  };
}

export interface MachineEvidence {
  readonly matrix: MatrixReview;
  readonly tours: readonly TourReview[];
}

export const evidenceFile = "evidence.json";

const kept = new URL(`../${evidenceFile}`, import.meta.url);

/** What is kept, if it is of these sources; else, and with `anew` in any case, what is found now. */
export function evidence(anew = false): Evidence {
  const digest = digestOfSources();
  const before = existsSync(kept) && !anew ? (JSON.parse(readFileSync(kept, "utf8")) as Evidence) : undefined;
  if (before?.digest === digest) return before;
  if (!anew) console.error(`diagrams/${evidenceFile} is of other sources: what it says is found out again, which takes a minute; npm run diagrams keeps it`);
  return find(digest);
}

/** A line for each tour, so that a difference can be read. */
export const evidenceText = (of: Evidence): string => `${JSON.stringify(of).replaceAll('},{"', '},\n{"').replaceAll('],"', '],\n"')}\n`;

function find(digest: string): Evidence {
  const onTheWire = wireTours().map(({ id }) => id);
  const taking = wireToursTaking();
  const numbers = new Map(onTheWire.map((id, number) => [id, number]));
  const names = Object.keys(machines) as MachineName[];
  return {
    digest,
    machines: Object.fromEntries(names.map((name) => [name, evidenceOf(name)])) as Evidence["machines"],
    wire: { tours: onTheWire, taking: Object.fromEntries([...taking].map(([name, ids]) => [name, ids.map((id) => numbers.get(id)!)])) },
  };
}

export function evidenceOf(name: MachineName): MachineEvidence {
  const numbers = new Map([...worlds[name].events.map((event) => JSON.stringify(event)), ...timersOf(name).map((type) => JSON.stringify({ type }))].map((event, number) => [event, number]));
  const count = worlds[name].events.length;
  const written = (event: object): number => {
    const number = numbers.get(JSON.stringify(event))!;
    return number < count ? number : count - 1 - number;
  };
  return {
    matrix: survey(name),
    tours: toursOf(name).map((tour) => ({ id: tour.id, input: inputOf(tour), events: tour.steps.map(({ event }) => written(event)) })),
  };
}

/** The events of the delayed transitions of a machine, in order. */
export const timersOf = (name: MachineName): string[] => [...new Set(transitions(machines[name]).map(({ eventType }) => eventType as string).filter((type) => type.startsWith("xstate.after.")))];

// ---------------------------------------------------------------- the sources

const root = fileURLToPath(new URL("../..", import.meta.url));
const imported = /^(?:import|export)\s+(?!type\b)[^;]*?from\s+"(\.[^"]+)";/gm;

/** A file, and everything of ours that it imports; types are no part of what is found. */
function sources(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  for (const [, to = ""] of readFileSync(file, "utf8").matchAll(imported)) sources(join(dirname(file), to), found);
  return found;
}

export function digestOfSources(): string {
  const digest = createHash("sha256");
  for (const file of [...sources(fileURLToPath(import.meta.url))].sort()) digest.update(`${relative(root, file)}\n`).update(readFileSync(file)).update("\n");
  const { version } = JSON.parse(readFileSync(join(root, "node_modules/xstate/package.json"), "utf8")) as { version: string };
  return digest.update(version).digest("hex");
}
