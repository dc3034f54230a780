/** The conversation of a run so far. */
import type { MachineReview } from "../../review-shape.ts";
import { h, type Child } from "./element.ts";
import type { Run } from "./run.ts";
import { effectText, eventText } from "./words.ts";

export function ladderOf(_machine: MachineReview, run: Run, at: number): Child {
  return h("ol", { class: "steps" }, run.places.slice(1, at + 1).map(({ event, step }) => h("li", {}, eventText(event as { type: string }), step.effects.length > 0 && h("span", { class: "quiet" }, ` → ${step.effects.map(effectText).join("; ")}`))));
}
