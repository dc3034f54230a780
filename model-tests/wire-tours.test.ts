/** Tours on the wire before they are played: the same for the same seed, each can be walked, each ends with nothing left, and they shrink. */
import { expect, test } from "vitest";
import { ControllingFunction } from "./composition/controlling-function.ts";
import { modelPolicy, policySets } from "./roleplay/policy-sets.ts";
import { startOf, walk } from "./roleplay/possible-steps.ts";
import { isWalkable, shrink } from "./roleplay/shrink.ts";
import type { WireTour } from "./roleplay/verdict.ts";
import { wireTours } from "./roleplay/wire-tours.ts";

const sets = policySets.filter(({ name }) => ["default", "closed", "cancelled-at-once", "no-room"].includes(name));
const tours = wireTours({ sets, steps: 120, seed: 7 });
const typesOf = ({ steps }: WireTour): string[] => steps.flat().map(({ event }) => event.type);

test("every tour can be walked step by step, and in the end nobody is in a dialog", () => {
  for (const tour of tours) {
    expect(isWalkable(tour), tour.id).toBe(true);
    const of = new ControllingFunction(modelPolicy(tour), { spool: tour.policy === "default" || tour.policy === "closed" ? "immediate" : "separate" });
    const end = tour.steps.reduce((place, step) => walk(of, place, step)!.place, startOf(of));
    expect([...end.server.instances.keys()].filter((address) => address !== "group"), tour.id).toEqual([]);
  }
});

test("the same seed makes the same tours, and another one others", () => {
  const again = wireTours({ sets: [...sets], steps: 121, seed: 7 });
  expect(again.slice(0, 3)).toEqual(tours.slice(0, 3));
  expect(wireTours({ sets, steps: 120, seed: 8 }).slice(0, 3)).not.toEqual(tours.slice(0, 3));
});

test("what a target lacks, and timers that do not pass, are in no tour", () => {
  const without = wireTours({ sets, steps: 120, without: new Set(["conferenceSubscription", "removeByRefer"]), timers: (name) => name === "ringMs" });
  const types = new Set(without.flatMap(typesOf));
  expect([...types].filter((type) => type === "sip.SUBSCRIBE" || type === "sip.REFER.remove" || (type.startsWith("xstate.after.") && !type.startsWith("xstate.after.ringMs.")))).toEqual([]);
});

test("a tour that fails is cut until no step can be left out", async () => {
  const tour = tours.find((one) => typesOf(one).includes("sip.BYE") && one.steps.length > 30)!;
  // As of a server that forgets how to say 200 to a BYE.
  const fails = async (one: WireTour) => typesOf(one).includes("sip.BYE");
  const least = await shrink(tour, fails);
  expect(isWalkable(least)).toBe(true);
  expect(typesOf(least).filter((type) => type === "sip.BYE")).toHaveLength(1);
  for (let at = 0; at < least.steps.length; at++) {
    const shorter = { ...least, steps: least.steps.filter((_, index) => index !== at) };
    expect(isWalkable(shorter) && (await fails(shorter))).toBe(false);
  }
});
