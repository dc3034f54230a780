/** What the events of a machine's world lead to on all of its tours: each case once. */
import type { MachineName } from "../../machines/index.ts";
import type { MachineReview } from "../review/review-shape.ts";
import { Takes } from "../review/takes.ts";
import type { Case } from "./site-data.ts";

export function casesOf({ name, inputs, events, timers, tours }: MachineReview): Case[] {
  const takes = new Takes(name as MachineName);
  const expiries = timers.map((type) => ({ type }));
  const cases = new Map<string, Case>();
  for (const tour of tours) {
    const taken = takes.along(inputs[tour.input], tour.events.map((event) => (event < 0 ? expiries[-1 - event]! : events[event]!)));
    taken.forEach((rules, step) => {
      const event = tour.events[step]!;
      if (event >= 0) cases.set(`${tour.input} ${event} ${rules.join()}`, { input: tour.input, event, rules });
    });
  }
  return [...cases.values()].sort((a, b) => a.input - b.input || a.event - b.event || (a.rules[0] ?? 0) - (b.rules[0] ?? 0) || a.rules.length - b.rules.length);
}
