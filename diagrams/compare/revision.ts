/**
 * One revision of the machines, in a process of its own: what they are, their tours, and what they answer to tours of another.
 *
 * It is run in a tree that holds the revision's machines beside today's evidence (`compare-revisions.ts`), so that two
 * revisions never meet in one process.
 */
import type { MachineName } from "../../machines/index.ts";
import { describe } from "./description.ts";
import type { Way } from "./ways.ts";

export type Question =
  | { readonly ask: "describe" }
  | { readonly ask: "tours"; readonly machine: string }
  | { readonly ask: "walk"; readonly machine: string; readonly ways: readonly Way[] };

async function answer(question: Question): Promise<unknown> {
  if (question.ask === "describe") return describe();
  // Only now: a revision whose tours cannot be made still has its statecharts.
  const { walkIn, waysOf } = await import("./ways.ts");
  const name = question.machine as MachineName;
  if (question.ask === "tours") return waysOf(name);
  const { machines } = await import("../../machines/index.ts");
  return walkIn(machines[name], question.ways);
}

process.on("message", async (question: Question) => {
  try {
    process.send!({ answer: await answer(question) });
  } catch (error) {
    process.send!({ fault: error instanceof Error ? error.message : String(error) });
  }
});
