/** The criteria, the generators and the stop conditions: each suite shows what it says, and the same again when it is asked again. */
import { describe, expect, test } from "vitest";
import { machines, type MachineName } from "../machines/index.ts";
import { worlds } from "../machines/worlds.ts";
import { askedAt, Decisions } from "./goals.ts";
import { graphAt, graphOfTour, inputOf, toursOf, type Criterion, type Tour, type TourOptions } from "./tours.ts";

/** The others take long, and are no different. */
const names = ["group-file-transfer", "large-message", "large-message-recipient", "group-participant", "conference-subscription"] as const satisfies readonly MachineName[];
const criteria: readonly Criterion[] = ["recommended", "0-switch", "1-switch", "all-edges", "random"];

const edgesOf = (tours: readonly Tour[]) => tours.map(({ id, steps }) => [id, ...steps.map(({ edge }) => edge)].join());
const lengthOf = (tours: readonly Tour[]) => tours.reduce((sum, { steps }) => sum + steps.length, 0);
/** What is new to the memory of `toursOf`. */
const anew = (name: MachineName, criterion: Criterion, options: TourOptions = {}) => toursOf(name, criterion, { length: 120, ...options });

describe.each(names)("%s", (name) => {
  test.each(criteria)("every tour of %s begins at the start, and goes from where it is to the end of the machine at most", (criterion) => {
    for (const tour of toursOf(name, criterion)) {
      const { first, to, snapshots } = graphOfTour(tour);
      let place = 0;
      for (const { edge } of tour.steps) {
        expect(snapshots[place]!.status).toBe("active");
        expect(edge).toBeGreaterThanOrEqual(first[place]!);
        expect(edge).toBeLessThan(first[place + 1]!);
        place = to[edge]!;
      }
    }
  });

  test.each(criteria)("%s is the same again", (criterion) => {
    expect(edgesOf(anew(name, criterion))).toEqual(edgesOf(toursOf(name, criterion)));
  });

  test("all-edges takes every edge from where the machine has not ended", () => {
    worlds[name].inputs.forEach((_, input) => {
      const { from, snapshots } = graphAt(name, input);
      const taken = new Set(toursOf(name, "all-edges").filter((tour) => inputOf(tour) === input).flatMap(({ steps }) => steps.map(({ edge }) => edge)));
      expect(taken.size).toBe(from.filter((place) => snapshots[place]!.status === "active").length);
    });
  });

  test("0-switch takes every transition, and every named guard decides alone both ways", () => {
    const decisions = new Decisions(name);
    const left = new Set([...decisions.declared.transitions, ...decisions.declared.branches]);
    for (const [tour, { edge, event }] of stepsOf(name, "0-switch")) {
      const answers = askedAt(graphOfTour(tour), edge);
      for (const reached of [...decisions.taken(answers), ...decisions.branches(answers, event)]) left.delete(reached);
    }
    expect([...left]).toEqual([]);
  });

  test("1-switch takes every pair of transitions that can be taken back to back", () => {
    const decisions = new Decisions(name);
    const possible = new Set<string>();
    worlds[name].inputs.forEach((_, input) => {
      const graph = graphAt(name, input);
      const taken = Array.from(graph.from, (_, edge) => (graph.answers[graph.answer[edge]!]!.handled ? decisions.taken(askedAt(graph, edge)).join() : ""));
      for (let edge = 0; edge < taken.length; edge++) {
        const at = graph.to[edge]!;
        for (let next = graph.first[at]!; next < graph.first[at + 1]!; next++) if (taken[edge] !== "" && taken[next] !== "") possible.add(`${taken[edge]} → ${taken[next]}`);
      }
    });
    let [last, of]: [string, Tour | undefined] = ["", undefined];
    for (const [tour, { edge }] of stepsOf(name, "1-switch")) {
      if (tour !== of) [last, of] = ["", tour];
      const taken = decisions.taken(askedAt(graphOfTour(tour), edge)).join();
      if (taken === "") continue;
      possible.delete(`${last} → ${taken}`);
      last = taken;
    }
    expect([...possible]).toEqual([]);
  });

  test("a budget is kept, by either generator, and a seed is a walk of its own", () => {
    const inputs = worlds[name].inputs.length;
    for (const generator of ["greedy", "random"] as const) {
      const steps = lengthOf(toursOf(name, "all-edges", { generator, budget: 50 }));
      // The last way to a goal is walked to its end.
      expect(steps).toBeLessThan(inputs * 100);
    }
    const [one, other] = [1, 2].map((seed) => toursOf(name, "random", { seed, budget: 100 }));
    expect(lengthOf(one!)).toBe(100 * inputs);
    expect(edgesOf(one!)).not.toEqual(edgesOf(other!));
  });

  test("random walks find all that is wanted too, if they may walk on", () => {
    const classes = (tours: readonly Tour[]) => new Set(tours.flatMap((tour) => tour.steps.map(({ edge }) => `${inputOf(tour)} ${edge}`))).size;
    const few = toursOf(name, "all-edges", { generator: "random", budget: 50 });
    const many = toursOf(name, "all-edges", { generator: "random", budget: 2_000 });
    expect(classes(many)).toBeGreaterThan(classes(few));
  });

  test("a tour is not longer than it may be by more than the way to its last goal", () => {
    for (const { steps } of toursOf(name, "all-edges", { length: 20 })) expect(steps.length).toBeLessThan(40);
  });
});

function* stepsOf(name: MachineName, criterion: Criterion): Generator<readonly [Tour, Tour["steps"][number]]> {
  for (const tour of toursOf(name, criterion)) for (const step of tour.steps) yield [tour, step];
}

test("the machines that are left out are too large for this, and nothing else", () => {
  expect(Object.keys(machines).filter((name) => !names.includes(name as (typeof names)[number]))).toEqual(["large-message-sender", "group-session"]);
});
