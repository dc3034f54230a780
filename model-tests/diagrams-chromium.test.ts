/** The checked-in pictures as a browser shows them: its letters are as wide as we counted, and boxes hold what is in them. */
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { textWidth } from "../diagrams/charts/lettering.ts";
import { dark, light } from "../diagrams/charts/style.ts";
import { machines } from "../machines/index.ts";
import { hasChromium, startBrowser, type Browser, type Seen } from "./browser.ts";

const directory = new URL("../diagrams/", import.meta.url);
const pictures = readdirSync(directory).filter((file) => file.endsWith(".svg") && Object.keys(machines).includes(file.split(".")[0]!));

const hex = (colour: string) => `#${[...colour.matchAll(/\d+/g)].map(([part]) => Number(part).toString(16).padStart(2, "0")).join("")}`;

const isThere = hasChromium("diagrams-chromium.test.ts");

test.runIf(process.env["CPM_TEST_ALL"] === "1")("Chromium is there", () => expect(isThere).toBe(true));

describe.runIf(isThere)("in Chromium", () => {
  let browser: Browser;
  let seen: Seen;
  beforeAll(async () => {
    browser = await startBrowser();
    seen = await browser.open();
  }, 30_000);
  afterAll(() => browser?.stop());

  test.each(pictures)("%s", { timeout: 30_000 }, async (file) => {
    const { page } = seen;
    await page.goto(new URL(file, directory).href);
    await page.evaluate("document.fonts.ready.then(() => true)");
    // Words that stand by themselves, as pieces of one weight, with what the browser makes of them.
    const texts = (await page.evaluate(`[...document.querySelectorAll("text")].map((text) => ({
      length: text.getComputedTextLength(),
      pieces: [...text.childNodes].map((node) => {
        const { fontWeight, fontSize } = getComputedStyle(node instanceof Element ? node : text);
        return { text: node.textContent, isBold: fontWeight === "700", size: Number.parseFloat(fontSize) };
      }),
    }))`)) as { readonly length: number; readonly pieces: readonly { readonly text: string; readonly isBold: boolean; readonly size: number }[] }[];
    expect(texts.length).toBeGreaterThan(20);
    const wrong = texts.flatMap(({ length, pieces }) => {
      const counted = pieces.reduce((sum, { text, isBold, size }) => sum + textWidth(text, size, isBold), 0);
      return Math.abs(counted - length) < 0.5 ? [] : [`${pieces.map(({ text }) => text).join("")}: ${counted} counted, ${length} shown`];
    });
    expect(wrong).toEqual([]);

    // What stands in a box or a label stays within it.
    const outside = await page.evaluate(`{
      const boxes = new Map([...document.querySelectorAll(".state")].map((state) => [state.dataset.state, state.querySelector("rect").getBBox()]));
      const holds = (outer, { x, y, width, height }) => outer.x <= x + 0.5 && outer.y <= y + 2 && x + width <= outer.x + outer.width + 0.5 && y + height <= outer.y + outer.height + 2;
      const of = (group) => group.dataset.state ? boxes.get(group.dataset.state) : group.querySelector("rect").getBBox();
      [...document.querySelectorAll(".inside text, .label text")].filter((text) => !holds(of(text.parentElement), text.getBBox())).map((text) => text.textContent);
    }`);
    expect(outside).toEqual([]);

    // In no cell of the table does a line reach the next.
    const touching = await page.evaluate(`[...document.querySelectorAll(".row")].flatMap((row) => {
      const lines = [...row.querySelectorAll("text")].map((text) => ({ text: text.textContent, ...(({ x, y, width, height }) => ({ x, y, width, height }))(text.getBBox()) }));
      return lines.flatMap((one) => lines.filter((other) => other.x > one.x && Math.abs(other.y - one.y) < 1 && one.x + one.width > other.x).map((other) => one.text + " | " + other.text));
    })`);
    expect(touching).toEqual([]);
    expect(seen.errors).toEqual([]);
  });

  test("no font of the system is used", { timeout: 60_000 }, async () => {
    const { page } = seen;
    for (const file of ["group-session.svg", "group-file-transfer.svg", "group-participant.open.svg"]) {
      await page.goto(new URL(file, directory).href);
      await page.evaluate("document.fonts.ready.then(() => true)");
      const devtools = await page.context().newCDPSession(page);
      await devtools.send("DOM.enable");
      await devtools.send("CSS.enable");
      const { root } = await devtools.send("DOM.getDocument");
      const { nodeIds } = await devtools.send("DOM.querySelectorAll", { nodeId: root.nodeId, selector: "text" });
      const used = (await Promise.all(nodeIds.map((nodeId) => devtools.send("CSS.getPlatformFontsForNode", { nodeId })))).flatMap(({ fonts }) => fonts);
      expect(used.length).toBeGreaterThanOrEqual(nodeIds.length);
      expect(used.filter(({ isCustomFont }) => !isCustomFont).map(({ familyName }) => familyName)).toEqual([]);
      await devtools.detach();
    }
  });

  test("several pictures in one page: dark and light as the system has it, as the page says, and always light on paper", async () => {
    const { page, close } = await browser.open({ colorScheme: "dark" });
    const [one, other] = ["group-file-transfer.svg", "group-participant.open.svg"].map((file) => readFileSync(new URL(file, directory), "utf8"));
    await page.setContent(`<!DOCTYPE html><p>Beside the pictures</p><div>${one}</div><div data-theme="light">${other}</div>`);
    const colours = () => page.evaluate(`[...document.querySelectorAll("svg")].map((svg) => [getComputedStyle(svg.querySelector(".sheet")).fill, getComputedStyle(svg.querySelector(".cited")).fill])`) as Promise<string[][]>;
    const shown = async () => (await colours()).map((pair) => pair.map(hex));
    const [bright, dim] = [[light.paper, light.cited], [dark.paper, dark.cited]];
    expect(await shown()).toEqual([dim, bright]);
    await page.emulateMedia({ colorScheme: "light" });
    expect(await shown()).toEqual([bright, bright]);
    await page.evaluate(`document.documentElement.dataset.theme = "dark"`);
    expect((await shown())[0]).toEqual(dim);
    await page.emulateMedia({ media: "print" });
    expect(await shown()).toEqual([bright, bright]);
    expect(await page.evaluate(`getComputedStyle(document.querySelector("p")).color`)).toBe("rgb(0, 0, 0)");
    const lengths = () => page.evaluate(`[...document.querySelectorAll("text")].map((text) => text.getComputedTextLength())`);
    const before = await lengths();
    const names = [...new Set([one, other].flatMap((svg) => [...svg!.matchAll(/class="([^"]+)"/g)].flatMap(([, names]) => names!.split(" "))))].filter((name) => name !== "statechart");
    await page.addStyleTag({ content: `${names.map((name) => `.${name}`).join()} { font: italic 900 20px serif }` });
    expect(await lengths()).toEqual(before);
    await close();
  });

  test("a picture marks what a page says: where the machine is, what it took, what is picked, what is beside the point", async () => {
    const { page } = seen;
    await page.goto(new URL("group-file-transfer.svg", directory).href);
    const looks = () => page.evaluate(`{
      const state = document.querySelector(".state"), arrow = document.querySelector(".arrow[data-rules]"), label = document.querySelector(".label");
      const look = (element) => (({ fill, stroke, strokeWidth, opacity }) => ({ fill, stroke, strokeWidth, opacity }))(getComputedStyle(element));
      [look(state.querySelector("rect")), look(arrow.querySelector(".way")), look(label.querySelector("rect")), look(label)];
    }`) as Promise<{ readonly fill: string; readonly stroke: string; readonly strokeWidth: string; readonly opacity: string }[]>;
    const set = (selector: string, name: string, isOn: boolean) => page.evaluate(`document.querySelectorAll(${JSON.stringify(selector)}).forEach((each) => each.classList.toggle("${name}", ${isOn}))`);
    const before = await looks();
    await set(".state", "active", true);
    expect(hex((await looks())[0]!.fill)).toBe(light.active);
    await set(".arrow", "taken", true);
    expect(hex((await looks())[1]!.stroke)).toBe(light.lively);
    await set(".label", "picked", true);
    expect(hex((await looks())[2]!.stroke)).toBe(light.picked);
    await set(".label", "dim", true);
    expect(Number((await looks())[3]!.opacity)).toBeLessThan(0.5);
    for (const [selector, name] of [[".state", "active"], [".arrow", "taken"], [".label", "picked"], [".label", "dim"]] as const) await set(selector, name, false);
    expect(await looks()).toEqual(before);
  });
});
