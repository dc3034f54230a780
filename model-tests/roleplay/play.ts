/**
 * The role player: plays all participants of a tour over real sockets, and compares what comes back with what the model says.
 *
 * After every step comes a barrier: an OPTIONS, which is answered after the turn, and a moment in which nothing may come. What
 * the model does not say must not come. Across dialogs there is no order; within one there is.
 */
import type { AnyTransitionDefinition } from "xstate";
import { clauses, delayOf, grounds } from "../../machines/inspect.ts";
import type { Stimulus, Turn } from "../composition/controlling-function.ts";
import { prepare } from "./acts.ts";
import { expectOutcome } from "./outcomes.ts";
import { walk, type Step, type Walked } from "./possible-steps.ts";
import { NotSetUp, patienceMs, pause, Scene } from "./scene.ts";
import type { Target, TourVerdict, Verdict, WireStep, WireTour } from "./verdict.ts";
import type { Finding } from "./watch.ts";

/** Plays a tour. Never throws, and every wait has its bound. */
export async function play(tour: WireTour, target: Target): Promise<TourVerdict> {
  const began = performance.now();
  const scene = new Scene(tour, target);
  const steps: WireStep[] = [];
  let verdict: { readonly verdict: Verdict; readonly why?: string } = { verdict: "pass" };
  try {
    for (const step of tour.steps) {
      scene.at += 1;
      const played = await playStep(scene, step);
      steps.push(played);
      if (played.verdict === "pass") continue;
      verdict = { verdict: played.verdict, why: `step ${steps.length}, ${played.says}: ${played.why}` };
      break;
    }
  } catch (fault) {
    const why = fault instanceof NotSetUp ? fault.message : `the player broke: ${fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)}`;
    verdict = { verdict: "inconclusive", why: `step ${steps.length + 1}: ${why}` };
  } finally {
    scene.close();
  }
  const { id, title, features } = tour;
  return { id, title, features, ...verdict, steps, ladder: scene.ladder, ms: Math.round(performance.now() - began) };
}

async function playStep(scene: Scene, step: Step): Promise<WireStep> {
  const { watch, tour, at, model } = scene;
  const before = scene.place;
  const walked = walk(model, before, step);
  if (walked === undefined) throw new NotSetUp(`the tour does not fit the model: ${says(step[0])}`);
  const next = tour.steps[at + 1]?.[0];
  scene.holds = next?.event.type === "sip.NOTIFY.failed" ? next.on : undefined;
  watch.begin();
  const act = await prepare(scene, step);
  scene.place = walked.place;
  expectOutcome(scene, act, walked.turns, before, walked.place);
  await act.send();
  await watch.complete(patienceMs);
  if (watch.finding === undefined) await silence(scene);
  scene.forget();
  return toldOf(scene, step, walked, watch.finding);
}

/** The target has said everything that it does in this turn, and then nothing more. */
async function silence(scene: Scene): Promise<void> {
  if (await scene.barrier()) await pause(scene.target.quiescenceMs);
  else scene.watch.find({ verdict: "inconclusive", why: "an OPTIONS was not answered" });
}

function toldOf({ watch }: Scene, step: Step, { turns }: Walked, finding: Finding | undefined): WireStep {
  const told = { says: step.map(says).join(", "), expected: watch.expected, observed: watch.observed, clauses: clausesOf(turns) };
  return finding ? { ...told, verdict: finding.verdict, why: finding.why } : { ...told, verdict: "pass" };
}

/** A step in words: who does what. */
export function says({ on, event: { type, ...params } }: Stimulus): string {
  const delay = delayOf(type);
  if (delay !== undefined) return `${on}: ${delay} passes`;
  const { from, ...others } = params;
  const who = on !== "group" ? on : from === "stranger" ? "a stranger" : `seat ${from ?? 0}`;
  return [`${who}: ${type}`, ...Object.entries(others).map(([name, value]) => `${name}=${JSON.stringify(value)}`)].join(" ");
}

/** Why the machines do what they do in these turns. */
function clausesOf(turns: readonly Turn[]): string[] {
  const cited = turns.flatMap(({ taken }) =>
    taken.flatMap(({ step }) => {
      const of = [...step.taken.map((transition: AnyTransitionDefinition) => grounds(transition)), step.refusal?.grounds];
      return of.flatMap((each) => (each === undefined ? [] : clauses(each)));
    }),
  );
  return [...new Set(cited)];
}
