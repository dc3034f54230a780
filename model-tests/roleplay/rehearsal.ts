/** Plays tours against our own server: one set of policies after the other, within one many tours at once. As a program: `node model-tests/roleplay/rehearsal.ts [STEPS [SEED]]`, over UDP and over TCP. */
import { fileURLToPath } from "node:url";
import { escape } from "../../runtime/client/ladder.ts";
import { play } from "./play.ts";
import { policySets } from "./policy-sets.ts";
import { TourServer } from "./tour-server.ts";
import type { Target, TourVerdict, WireTour } from "./verdict.ts";
import { wireTours } from "./wire-tours.ts";

/** Tours that are played at a time. */
const parallel = 24;

export interface Part {
  readonly tour: WireTour;
  readonly transport: Target["transport"];
}

/** Never rejects because of a tour. */
export async function rehearse(server: TourServer, parts: readonly Part[], onVerdict: (part: Part, verdict: TourVerdict) => void): Promise<void> {
  for (const set of policySets) {
    const waiting = parts.filter(({ tour }) => tour.policy === set.name).values();
    await server.use(set);
    const run = async (): Promise<void> => {
      for (const part of waiting) onVerdict(part, await play(part.tour, server.target(part.transport)));
    };
    await Promise.all(Array.from({ length: parallel }, run));
  }
}

/** A longer walk than the recommended one, over both transports. @returns the tours that did not pass */
export async function rehearseAll(steps: number, seed: number, print: (line: string) => void): Promise<{ readonly played: number; readonly steps: number; readonly failed: readonly TourVerdict[] }> {
  const parts = wireTours({ steps, seed }).flatMap((tour): Part[] => [{ tour, transport: "udp" }, { tour, transport: "tcp" }]);
  const server = await TourServer.start();
  const failed: TourVerdict[] = [];
  let done = 0;
  try {
    await rehearse(server, parts, ({ tour, transport }, verdict) => {
      done += verdict.steps.length;
      if (verdict.verdict === "pass") return;
      failed.push(verdict);
      print(`${tour.id}, seed ${seed}, over ${transport}: ${verdict.verdict}: ${escape(verdict.why ?? "", 400)}`);
    });
    for (const line of server.words.filter((word) => / error |^\s+at /.test(word))) print(`the server: ${escape(line, 400)}`);
  } finally {
    await server.stop();
  }
  return { played: parts.length, steps: done, failed };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [steps = "2000", seed = "1"] = process.argv.slice(2);
  const { played, steps: done, failed } = await rehearseAll(Number(steps), Number(seed), (line) => console.log(line));
  console.log(`${played} tours, ${done} steps, ${failed.length} did not pass`);
  process.exit(failed.length > 0 ? 1 : 0);
}
