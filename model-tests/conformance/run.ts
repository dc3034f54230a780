/**
 * `npm run conformance`: plays the tours of the specification against any CPM Controlling Function, and reports.
 *
 * The last line is `N passed, N failed, N inconclusive`.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { escape } from "../../runtime/client/ladder.ts";
import { play } from "../roleplay/play.ts";
import type { Target, TourVerdict, WireTour } from "../roleplay/verdict.ts";
import { counted, playAll } from "./campaign.ts";
import { junitOf } from "./junit.ts";
import { help, readOptions, UsageRefused, type Address, type Options } from "./options.ts";
import { OwnServer } from "./own-server.ts";
import { pageOf } from "./page.ts";
import { picsTemplate } from "./pics.ts";
import { planOf, type Plan } from "./plan.ts";
import { reach } from "./reachable.ts";
import { decisiveStep, lastLine, whyOf, type Report } from "./report.ts";
import { textOf } from "./text.ts";

/** No tour takes longer, however slow the server. */
const tourMs = 300_000;
/** Of failed tours, so many are shown beside what was expected. */
const mostReferences = 24;
/** And no longer than this is waited for them. */
const referenceMs = 60_000;

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const refuse = (detail: string): never => {
  throw new UsageRefused(detail);
};

async function conformance(options: Options): Promise<number> {
  if (options.list) return list(planned(options));
  prepare(options.report);
  const { target, close } = options.address === undefined ? await ownTarget(options) : await targetAt(options.address, options);
  try {
    return await run(options, planned(options), target);
  } finally {
    await close();
  }
}

async function run(options: Options, { tours, leftOut }: Plan, target: Target): Promise<number> {
  print(`${tours.length} tours against ${options.target}, ${options.parallel} at a time, seed ${options.seed}`);
  const begun = new Date();
  const { verdicts, stopped } = await playAll({
    ...options,
    tours,
    play: (tour) => play(tour, target),
    tourMs,
    interrupted: new Promise((resolve) => void process.once("SIGINT", resolve)),
    onVerdict: tell,
  });
  const ms = Date.now() - begun.getTime();
  const references = await referencesFor(failedParts(tours, verdicts), options);
  write(options.report, { ...options, pics: options.picsFile, begun, ms, verdicts, leftOut, stopped, references });
  if (stopped !== undefined) print(`stopped early: ${stopped}`);
  print(`the report: ${join(options.report, "index.html")}, junit.xml and report.txt beside it`);
  print(lastLine(verdicts));
  return counted(verdicts, "fail") > 0 ? 1 : counted(verdicts, "inconclusive") > 0 ? 3 : 0;
}

function planned(options: Options): Plan {
  const plan = planOf({ ...options, controlled: options.advance === "controlled" });
  if (plan.tours.length === 0) refuse(`--only: no tour has ${options.only.map((word) => JSON.stringify(word)).join(" or ")}; --list shows them all`);
  return plan;
}

// ---------------------------------------------------------------- the server

interface Served {
  readonly target: Target;
  readonly close: () => Promise<void>;
}

/** A server that runs already. */
async function targetAt(address: Address, { factory, quiescenceMs }: Options): Promise<Served> {
  const { host, port, transport } = address;
  const reached = await reach(address);
  if ("why" in reached) return refuse(`--target: nobody is reached at ${transport} ${host}:${port}: ${reached.why}`);
  return { target: { ...address, local: reached.local, factory, quiescenceMs }, close: async () => {} };
}

async function ownTarget({ pics, factory, quiescenceMs, advance }: Options): Promise<Served> {
  const server = await OwnServer.start({ policies: pics.policies, factory, transport: "tcp", quiescenceMs, controlled: advance === "controlled" });
  return { target: server.target, close: () => server.stop() };
}

/** Tours that failed, up to the step that did. */
function failedParts(tours: readonly WireTour[], verdicts: readonly TourVerdict[]): WireTour[] {
  const failed = new Map(verdicts.filter(({ verdict }) => verdict === "fail").map(({ id, steps }) => [id, steps.length]));
  return tours.flatMap((tour) => (failed.has(tour.id) ? [{ ...tour, steps: tour.steps.slice(0, failed.get(tour.id)) }] : []));
}

/** The first of the failed tours as our own server plays them: what was expected, in octets. */
async function referencesFor(failed: readonly WireTour[], { pics, factory, quiescenceMs, parallel, advance }: Options): Promise<ReadonlyMap<string, TourVerdict>> {
  if (failed.length === 0) return new Map();
  const server = await OwnServer.start({ policies: pics.policies, factory, transport: "tcp", quiescenceMs, controlled: advance === "controlled" });
  try {
    const { verdicts } = await playAll({ tours: failed.slice(0, mostReferences), play: (tour) => play(tour, server.target), parallel, tourMs, deadlineMs: referenceMs, giveUpAfter: 0, onVerdict: () => {} });
    return new Map(verdicts.map((verdict) => [verdict.id, verdict]));
  } finally {
    await server.stop();
  }
}

function list({ tours, leftOut }: Plan): number {
  for (const { id, title, features } of tours) print(`${id}  ${title}${features.length === 0 ? "" : `  (${features.join(", ")})`}`);
  for (const item of leftOut) print(`left out: ${item}`);
  print(`${tours.length} tours`);
  return 0;
}

/** Whatever is not a pass is told when it happens. */
function tell(tour: TourVerdict): void {
  if (tour.verdict === "pass") return;
  const decisive = decisiveStep(tour);
  print(`${tour.verdict} ${tour.id}${decisive === undefined ? "" : `, step ${decisive.number}`}: ${escape(whyOf(tour), 150)}`);
}

// ---------------------------------------------------------------- the report's directory

function prepare(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "report.txt"), "the tours are being played\n");
  } catch (fault) {
    refuse(`--report: ${directory} cannot be written: ${(fault as NodeJS.ErrnoException).code}`);
  }
}

function write(directory: string, report: Report): void {
  writeFileSync(join(directory, "junit.xml"), junitOf(report));
  writeFileSync(join(directory, "index.html"), pageOf(report));
  writeFileSync(join(directory, "report.txt"), textOf(report));
}

// ---------------------------------------------------------------- the command

async function main(args: readonly string[]): Promise<number> {
  const asked = readOptions(args);
  if ("run" in asked) return await conformance(asked.run);
  process.stdout.write(asked.print === "help" ? help() : picsTemplate());
  return 0;
}

// What a server leaves open must not keep the run from its end.
main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (fault: unknown) => {
    if (!(fault instanceof UsageRefused)) throw fault;
    process.stderr.write(`conformance: ${escape(fault.message, 500)}\n`);
    process.exit(2);
  },
);
