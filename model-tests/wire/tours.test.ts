/**
 * The tours of the composed Controlling Function, played against our own server over UDP and TCP, many at once: a test a tour.
 *
 * Its policy timers expire on command; its SIP and MSRP timers run by themselves. The trace of the server is judged when the file
 * has ended.
 */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { policySets } from "../roleplay/policy-sets.ts";
import { recommended } from "../roleplay/recommended.ts";
import { cellsOf, inReadme, wireColumns } from "../evidence-table.ts";
import { rehearse, type Part } from "../roleplay/rehearsal.ts";
import { TourServer } from "../roleplay/tour-server.ts";
import type { Target, TourVerdict, WireTour } from "../roleplay/verdict.ts";

/** All of them together. */
const patienceMs = 150_000;

const { tours, coverage } = recommended();
const transportOf = (tour: WireTour): Target["transport"] => (tours.indexOf(tour) % 2 === 0 ? "tcp" : "udp");

/** What became of a tour, as soon as it is known. */
interface Played {
  readonly promise: Promise<TourVerdict>;
  readonly resolve: (verdict: TourVerdict) => void;
  readonly reject: (fault: unknown) => void;
}

function toBePlayed(): Played {
  let settle: Pick<Played, "resolve" | "reject">;
  const promise = new Promise<TourVerdict>((resolve, reject) => (settle = { resolve, reject }));
  promise.catch(() => {});
  return { promise, ...settle! };
}

const played = new Map(tours.map(({ id }) => [id, toBePlayed()]));
let server: TourServer;

beforeAll(async () => {
  server = await TourServer.start();
  const parts = tours.map((tour): Part => ({ tour, transport: transportOf(tour) }));
  rehearse(server, parts, ({ tour }, verdict) => played.get(tour.id)!.resolve(verdict.verdict === "pass" ? { ...verdict, ladder: [] } : verdict)).catch((fault: unknown) => played.forEach(({ reject }) => reject(fault)));
});

afterAll(async () => {
  await server?.stop();
  expect(server?.words.filter((line) => / error |^\s+at /.test(line)), "what the server calls a fault of its own").toEqual([]);
});

/** What somebody needs who looks into it: the last steps, the ladder, and a file to replay the tour from. */
function toldOf(tour: WireTour, { verdict, why, steps, ladder }: TourVerdict): string {
  const file = join(mkdtempSync(join(tmpdir(), "cpm-tour-")), `${tour.id.replaceAll("/", "-")}.json`);
  writeFileSync(file, JSON.stringify({ ...tour, steps: tour.steps.slice(0, steps.length + 1) }));
  const last = steps.slice(-3).flatMap(({ says, expected, observed }) => [`  ${says}`, ...expected.map((each) => `    expected: ${each}`), ...observed.map((each) => `    observed: ${each}`)]);
  const lines = ladder.slice(-30).map(({ at, step, from, to, says }) => `${at.toFixed(0).padStart(6)} ms  ${String(step + 1).padStart(3)}  ${from.padStart(8)} -> ${to.padEnd(8)}  ${says}`);
  return [`${tour.id}, seed ${tour.seed}, over ${transportOf(tour)}: ${verdict}: ${why}`, ...last, ...lines, `node model-tests/roleplay/replay.ts ${file} ${transportOf(tour)} plays it again; with --shrink, cut to the least that fails`].join("\n");
}

describe.each(policySets)("$name", ({ name }) => {
  for (const tour of tours.filter(({ policy }) => policy === name)) {
    test(`${tour.id} over ${transportOf(tour)}: ${tour.title}`, async () => {
      const verdict = await played.get(tour.id)!.promise;
      if (verdict.verdict !== "pass") expect.fail(toldOf(tour, verdict));
    }, patienceMs);
  }
});

describe("every transition that a peer or a timer can cause is taken on the wire, and no other is listed", () => {
  test.each(coverage)("$machine", ({ machine, tours: count, transitions, guards, classes }) => {
    console.log(`${machine}: ${count} tours on the wire, ${transitions.taken} of ${transitions.total} transitions and ${transitions.listed} listed, ${guards.shown} of ${guards.total} guard branches, ${classes} goal classes`);
    expect(transitions.missing, "neither taken nor listed").toEqual([]);
    expect(transitions.listedAndTaken, "listed, and taken all the same").toEqual([]);
    expect(inReadme(machine, Object.keys(wireColumns)), "npm run verify -- --table --write takes over a change").toEqual(cellsOf(wireColumns, { tours: count, transitions, classes }));
  });
});
