/** How the pictures look, by computation: their colours, their letters, their pages; and that they are the same wherever they are printed. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Blob, Face, Font } from "harfbuzzjs";
import { createMachine, type AnyStateMachine } from "xstate";
import { describe, expect, test } from "vitest";
import { faces, fontFile } from "../diagrams/charts/fonts.ts";
import { parts, statechart, type Mark, type Statechart } from "../diagrams/charts/graph.ts";
import { layout } from "../diagrams/charts/layout.ts";
import { boldAdvances, plainAdvances, unitsPerEm } from "../diagrams/charts/lettering.ts";
import { area, pages, textSizes } from "../diagrams/charts/pages.ts";
import { dark, light, statechartStyle, type Palette } from "../diagrams/charts/style.ts";
import { drawing } from "../diagrams/charts/svg.ts";
import { machines } from "../machines/index.ts";

describe("colours", () => {
  /** As WCAG 2 defines it. */
  const luminance = (colour: string): number => {
    const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255).map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  };
  const contrast = (one: string, other: string): number => {
    const [dim, bright] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (bright! + 0.05) / (dim! + 0.05);
  };

  test.each<[string, Palette]>([["light", light], ["dark", dark]])("every colour of words can be read on every ground: %s", (_, colours) => {
    const grounds = [colours.paper, colours.active, ...colours.shades];
    const inks = (["ink", "quiet", "cited", "decided", "added", "removed", "changed"] as const).map((name) => ({ name, colour: colours[name] }));
    const weak = inks.flatMap(({ name, colour }) => grounds.filter((ground) => contrast(colour, ground) < 4.5).map((ground) => `${name} on ${ground}: ${contrast(colour, ground).toFixed(2)}`));
    expect(weak).toEqual([]);
    expect([colours.lively, colours.picked].filter((colour) => grounds.some((ground) => contrast(colour, ground) < 3))).toEqual([]);
  });

  test("a drawing has no colour but by the style sheet, which touches nothing but statecharts and has dark for screens alone", async () => {
    const chart = statechart("group-session", machines["group-session"]);
    const svg = drawing(chart, await layout(chart));
    expect(svg.replace(statechartStyle, "")).not.toMatch(/#[0-9a-f]{6}|\b(?:fill|stroke|style|id)="/);
    const selectors = [...statechartStyle.matchAll(/^([^@}\n][^{]*)\{/gm)].flatMap(([, selector]) => selector!.split(/,(?![^(]*\))/));
    expect(selectors.length).toBeGreaterThan(50);
    expect(selectors.filter((selector) => !selector.startsWith("svg.statechart"))).toEqual([]);
    for (const colour of [dark.paper, dark.cited]) expect(statechartStyle.slice(0, statechartStyle.indexOf("@media screen"))).not.toContain(colour);
    expect(statechartStyle.match(/@media(?! screen)/)).toBeNull();
  });
});

describe("letters", () => {
  test.each(faces)("are as wide as the font has them: $file", ({ file, isBold }) => {
    const face = new Face(new Blob(readFileSync(fontFile(file))), 0);
    const font = new Font(face);
    expect(face.upem).toBe(unitsPerEm);
    const table = isBold ? boldAdvances : plainAdvances;
    const wrong = [...table].filter(([letter, advance]) => font.glyphHAdvance(font.nominalGlyph(letter.codePointAt(0)!)!) !== advance);
    expect(wrong).toEqual([]);
    expect(table.size).toBeGreaterThan(200);
  });

  test("every letter of every picture has been measured", async () => {
    for (const [name, machine] of Object.entries<AnyStateMachine>(machines)) {
      const chart = statechart(name, machine);
      const words = drawing(chart, await layout(chart)).replace(/<style>[\s\S]*<\/style>/, "").replaceAll(/<[^>]*>/g, "").replaceAll(/&\w+;|\s/g, "");
      expect([...new Set(words)].filter((letter) => !plainAdvances.has(letter))).toEqual([]);
    }
  });
});

test.each(Object.entries<AnyStateMachine>(machines))("no arrow of %s crosses what is written on another, or a state that holds no other", { timeout: 60_000 }, async (name, machine) => {
  const whole = statechart(name, machine);
  for (const chart of [whole, ...parts(whole)]) {
    const { arrows, boxes } = await layout(chart);
    const pieces = arrows.flatMap(({ transitions, points }) => points.slice(1).map((end, index) => ({ of: transitions.map(({ rule }) => rule).join(), xs: [points[index]!.x, end.x], ys: [points[index]!.y, end.y] })));
    const labels = arrows.flatMap(({ transitions, label }) => (label ? [{ of: transitions.map(({ rule }) => rule).join(), ...label }] : []));
    const leaves = boxes.filter(({ state }) => state.children.length === 0).map((box) => ({ of: box.state.path, ...box }));
    // An arrow ends on the border of its box.
    const crossed = pieces.flatMap(({ of, xs, ys }) =>
      [...labels, ...leaves].filter(({ x, y, width, height }) => Math.min(...xs) < x + width - 0.2 && Math.max(...xs) > x + 0.2 && Math.min(...ys) < y + height - 0.2 && Math.max(...ys) > y + 0.2).map((other) => `${chart.name}: ${of} over ${other.of}`),
    );
    expect(pieces.length).toBeGreaterThan(0);
    expect(crossed).toEqual([]);
  }
});

describe("on paper", () => {
  test.each(Object.entries<AnyStateMachine>(machines))("every word of %s is legible on A4, and every rule and state is there", { timeout: 60_000 }, async (name, machine) => {
    const chart = statechart(name, machine);
    const sheets = await pages(chart);
    for (const { title, svg, isLandscape, textSize } of sheets) {
      const [, across, along, wide, high] = svg.match(/width="([\d.]+)mm" height="([\d.]+)mm" viewBox="0 0 ([\d.]+) ([\d.]+)"/)!.map(Number) as [number, number, number, number, number];
      expect([title, across <= (isLandscape ? area.long : area.short), along <= (isLandscape ? area.short : area.long)]).toEqual([title, true, true]);
      // Nothing is set smaller than the root says.
      const smallest = Math.min(...[...statechartStyle.matchAll(/font-size:(\d+)px/g)].map(([, size]) => Number(size)));
      const points = (Math.min(across / wide, along / high) * smallest * 72) / 25.4;
      expect(points).toBeGreaterThanOrEqual(textSizes.least * 0.99);
      expect(points).toBeCloseTo(textSize, 1);
    }
    const charts = sheets.filter(({ shows }) => shows === "chart").map(({ svg }) => svg);
    const tables = sheets.filter(({ shows }) => shows === "rules").map(({ svg }) => svg);
    const drawn = charts.flatMap((svg) => [...svg.matchAll(/data-rules="([\d ]+)"/g)].flatMap(([, rules]) => rules!.split(" ").map(Number)));
    expect([...new Set(drawn)].sort((one, other) => one - other)).toEqual(chart.transitions.map(({ rule }) => rule));
    expect(tables.flatMap((svg) => [...svg.matchAll(/data-row="(\d+)"/g)].map(([, rule]) => Number(rule)))).toEqual(chart.transitions.map(({ rule }) => rule));
    const boxes = charts.flatMap((svg) => [...svg.matchAll(/class="state(?![^"]*stub)[^"]*" data-state="([^"]+)"/g)].map(([, id]) => id));
    expect([...new Set(boxes)].sort()).toEqual(chart.states.map(({ id }) => id).sort());
    for (const svg of charts) expect(overlaps(svg)).toEqual([]);
  });

  /** Labels that lie on each other, or on a state that holds no other. */
  function overlaps(svg: string): string[] {
    const boxes = (pattern: RegExp) => [...svg.matchAll(pattern)].map(([, of, x, y, width, height]) => ({ of: of!, left: Number(x), top: Number(y), right: Number(x) + Number(width), bottom: Number(y) + Number(height) }));
    const rect = String.raw`[^>]*><rect x="([\d.-]+)" y="([\d.-]+)" width="([\d.]+)" height="([\d.]+)"`;
    const labels = boxes(new RegExp(`<g class="label" data-rules="([^"]*)"${rect}`, "g"));
    const leaves = boxes(new RegExp(`<g class="state(?![^"]*depth)[^"]*" data-state="([^"]*)"${rect}`, "g"));
    expect(labels.length).toBeGreaterThan(0);
    return labels.flatMap((one, index) => [...labels.slice(index + 1), ...leaves].filter((other) => one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom).map((other) => `${one.of} on ${other.of}`));
  }
});

describe("what the machines of today do not show", () => {
  const meta = { cites: ["RFC 3261 §15"] };
  const machine = createMachine({
    id: "example",
    initial: "away",
    states: {
      away: { meta, on: { back: { target: "home.recent", meta }, home: { target: "home.all", meta } } },
      home: { meta, initial: "in", on: { go: { target: "away", meta } }, states: { recent: { type: "history", meta }, all: { type: "history", history: "deep", meta }, in: { meta }, out: { meta } } },
    },
  });
  const chart = statechart("example", machine);

  test("history is a circle with an H, with a star where it is deep", async () => {
    const svg = drawing(chart, await layout(chart));
    for (const [id, sign] of [["example.home.recent", "H"], ["example.home.all", "H*"]] as const) {
      expect(svg).toMatch(new RegExp(`data-state="${id}" role="img"[^>]*><rect [^>]*width="26" height="26" rx="13"`));
      expect(svg).toContain(`<tspan class="strong">${sign}</tspan>`);
    }
  });

  test("what a comparison marks has a class, a sign, and the words that came and went", async () => {
    const marks: readonly (Mark | undefined)[] = ["added", "removed", "changed"];
    const changes = [{ of: "effects", pieces: [{ text: "ring", mark: "removed" }, { text: "knock", mark: "added" }] }] as const;
    const union: Statechart = {
      ...chart,
      states: chart.states.map((state) => (state.id === "example.home.out" ? { ...state, mark: "added" } : state)),
      transitions: chart.transitions.map((each, index) => ({ ...each, ...(marks[index] && { mark: marks[index] }), ...(marks[index] === "changed" && { changes }) })),
    };
    const svg = drawing(union, await layout(union));
    expect(svg).toContain(`<g class="state added" data-state="example.home.out"`);
    for (const [mark, sign] of [["added", "+"], ["removed", "−"], ["changed", "~"]] as const) {
      expect(svg).toMatch(new RegExp(`<g class="arrow ${mark}" data-rules="\\d"`));
      expect(svg).toContain(`<tspan class="strong mark ${mark}">${sign}</tspan> <tspan class="rule cited ${mark}"`);
    }
    expect(svg).toContain(`<tspan class="quiet word removed">ring</tspan> <tspan class="quiet word added">knock</tspan>`);
    expect(drawing(chart, await layout(chart)).replace(statechartStyle, "")).not.toMatch(/added|removed|changed/);
  });
});

test("the same octets wherever and however often they are printed", { timeout: 60_000 }, () => {
  const script = `
    import { createHash } from "node:crypto";
    import { embedded } from "./diagrams/charts/fonts.ts";
    import { statechart } from "./diagrams/charts/graph.ts";
    import { layout } from "./diagrams/charts/layout.ts";
    import { pages } from "./diagrams/charts/pages.ts";
    import { drawing } from "./diagrams/charts/svg.ts";
    import { machines } from "./machines/index.ts";
    const all = createHash("sha256");
    for (const name of ["group-file-transfer", "group-participant"]) {
      const chart = statechart(name, machines[name]);
      all.update(await embedded(drawing(chart, await layout(chart))));
      if (name === "group-file-transfer") for (const { svg } of await pages(chart)) all.update(svg);
    }
    console.log(all.digest("hex"));`;
  const printed = (env: NodeJS.ProcessEnv) => {
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { cwd: new URL("../", import.meta.url), env: { ...process.env, ...env }, encoding: "utf8" });
    expect(stderr).toBe("");
    return stdout;
  };
  const here = printed({ TZ: "UTC", LC_ALL: "C" });
  expect(here).toMatch(/^[0-9a-f]{64}\n$/);
  expect(printed({ TZ: "Asia/Kathmandu", LC_ALL: "tr_TR.UTF-8", LANG: "tr_TR.UTF-8" })).toBe(here);
});
