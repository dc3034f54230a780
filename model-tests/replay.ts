/**
 * A failing tour as a file: the fewest events that fail, to be read and to be replayed.
 *
 * `tours.test.ts` saves what it finds under `model-tests/replay/`, which is not kept. To keep one as a test, move it to
 * `model-tests/replays/`: every file there is replayed with the live driver. It is a machine, an input of its world and events;
 * what is expected is what the machine says when it is replayed.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { AnyEventObject } from "xstate";
import { machines, type MachineName } from "../machines/index.ts";
import { worlds } from "../machines/worlds.ts";
import { shrink } from "./shrink.ts";
import { run, type Begin, type Deviation } from "./subject.ts";
import { describeStep, inputOf, tourAlong, type Tour } from "./tours.ts";

export interface Replay {
  /** What it shows, for whoever reads the file. */
  readonly says: string;
  readonly machine: MachineName;
  readonly input: unknown;
  readonly events: readonly AnyEventObject[];
}

const saved = new URL("replay/", import.meta.url);
const kept = new URL("replays/", import.meta.url);

/** The files that are kept as tests, by name. */
export function replays(): readonly { readonly file: string; readonly replay: Replay }[] {
  const files = readdirSync(kept).filter((file) => file.endsWith(".json"));
  return files.map((file) => ({ file, replay: JSON.parse(readFileSync(new URL(file, kept), "utf8")) as Replay }));
}

/** The tour of a file. Every event in it must be possible where it comes. */
export function tourOfReplay(file: string, { machine, input, events }: Replay): Tour {
  if (!(machine in machines)) throw new Error(`${file}: there is no machine ${machine}`);
  const number = worlds[machine].inputs.findIndex((each) => JSON.stringify(each ?? null) === JSON.stringify(input));
  if (number === -1) throw new Error(`${file}: the world of ${machine} has no such input`);
  const tour = tourAlong(machine, number, events, file);
  if (tour.steps.length < events.length) throw new Error(`${file}: after ${tour.steps.length} events the next one cannot happen`);
  return tour;
}

/** The shortest tour that still fails. */
export function shortest(tour: Tour, begin: Begin): Tour {
  const along = (events: readonly AnyEventObject[]) => tourAlong(tour.name, inputOf(tour), events, "shortest");
  const fails = (events: readonly AnyEventObject[]) => run(along(events), begin) !== undefined;
  return along(shrink(tour.steps.map(({ event }) => event), fails));
}

/** Shrinks a tour that fails, saves it, and says all that is needed to understand it. */
export function failureOf(tour: Tour, begin: Begin): string {
  const found = shortest(tour, begin);
  const deviation = run(found, begin)!;
  const events = found.steps.slice(0, deviation.at + 1).map(({ event }) => event);
  const replay: Replay = { says: `${tour.id}: expected ${deviation.expected}; observed ${deviation.observed}`, machine: tour.name, input: tour.input ?? null, events };
  mkdirSync(saved, { recursive: true });
  const file = new URL(`${tour.id.replaceAll(/[^\w]+/g, "-")}.json`, saved);
  writeFileSync(file, `${JSON.stringify(replay, undefined, 2)}\n`);
  return [`${tour.id}: ${tour.steps.length} steps, ${events.length} of which suffice`, `input ${JSON.stringify(tour.input)}`, ...ladderOf(found, deviation), `saved as ${fileURLToPath(file)}`].join("\n");
}

/** The steps of a tour up to where it failed, one below the other. */
export function ladderOf(tour: Tour, { at, expected, observed }: Deviation): string[] {
  const steps = tour.steps.slice(0, at + 1).flatMap((_, step) => {
    const [event, answer] = describeStep(tour, step).split(" → ");
    return [`  ${String(step + 1).padStart(3)}  ──▶ ${event}`, `       ◀── ${answer}`];
  });
  return [...steps, `       expected ${expected}`, `       observed ${observed}`];
}
