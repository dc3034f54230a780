/**
 * Plays one tour from a file that a failed test has written, and prints what passed: `node model-tests/roleplay/replay.ts FILE
 * [udp|tcp] [--shrink]`. With --shrink it is cut to the least that fails, which is written beside the file.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { escape } from "../../runtime/client/ladder.ts";
import { play } from "./play.ts";
import { spoolOf } from "./scene.ts";
import { shrink } from "./shrink.ts";
import { TourServer } from "./tour-server.ts";
import type { WireTour } from "./verdict.ts";

const [file, ...words] = process.argv.slice(2);
if (file === undefined) throw new Error("which file?");
let tour = JSON.parse(readFileSync(file, "utf8")) as WireTour;
const server = await TourServer.start(tour.policies);
await server.use({ policies: tour.policies, spool: spoolOf(tour) });
const target = server.target(words.includes("udp") ? "udp" : "tcp");
if (words.includes("--shrink")) {
  tour = await shrink(tour, async (shorter) => (await play(shorter, target)).verdict === "fail");
  writeFileSync(`${file}.least.json`, JSON.stringify(tour));
  console.log(`${tour.steps.length} steps: ${file}.least.json`);
}
const { verdict, why, steps, ladder } = await play(tour, target);
for (const { at, step, from, to, says, octets } of ladder) console.log(`${at.toFixed(0).padStart(6)} ms  ${String(step + 1).padStart(3)}  ${from} -> ${to}  ${escape(says)}${process.env["CPM_LADDER"] === "full" ? `\n${escape(octets.toString("latin1"), 4_000).replaceAll("\\x0d\\x0a", "\n")}` : ""}`);
for (const { says, expected, observed, verdict: of } of steps.slice(-3)) console.log(`${of}: ${says}`, { expected, observed });
console.log(`${tour.id}: ${verdict}${why === undefined ? "" : `: ${why}`}`);
await server.stop();
