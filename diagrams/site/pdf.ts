/** The whole review on paper: the site's own pages, printed by Chromium, with the numbers of their pages in the table of contents. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { startBrowser } from "../../model-tests/browser.ts";
import { pages, paperStyle, type Page } from "../charts/pages.ts";
import { review } from "../review/review.ts";
import { buildSite, siteOf } from "./build.ts";
import { pagesOfParts } from "./pdf-pages.ts";
import type { Site } from "./site-data.ts";

export async function printPdf(file: string, site?: Site): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "cpm-review-"));
  const browser = await startBrowser();
  try {
    const { page } = await browser.open();
    const printed = site ?? siteOf(await review());
    await page.goto(`${pathToFileURL(await buildSite(printed, directory)).href}#/print`);
    await page.addStyleTag({ content: paperStyle });
    for (const { name, chart } of printed.review.machines) await page.evaluate(onPaper(name, (await pages(chart)).filter(({ shows }) => shows === "chart")));
    // The charts of changes fit in when the page has been laid out.
    await page.evaluate("new Promise((laidOut) => requestAnimationFrame(() => requestAnimationFrame(laidOut)))");
    const print = () => page.pdf({ preferCSSPageSize: true, printBackground: true, tagged: true, outline: true });
    // Where the parts begin is known once they are on pages; the first is the cover.
    const numbers = (await pagesOfParts(await print())).slice(1);
    const rows = page.locator(".contents .page-number");
    for (const [at, number] of numbers.entries()) await rows.nth(at).evaluate((row, text) => void ((row as { textContent: string }).textContent = text), String(number));
    writeFileSync(file, undated(await print()));
  } finally {
    await browser.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** In the page: a machine's sheets, which are made for a screen, give way to drawings on which every word is legible on paper. */
const onPaper = (machine: string, pages: readonly Page[]): string => `{
  const sheets = [...document.querySelectorAll("figure.sheet-of-paper")].filter((figure) => figure.closest("section").querySelector("h1").textContent === ${JSON.stringify(machine)});
  sheets[0].before(...${JSON.stringify(pages)}.map(({ svg, isLandscape }) => {
    const block = document.createElement("div");
    block.className = isLandscape ? "paper level" : "paper";
    block.append(document.importNode(new DOMParser().parseFromString(svg, "image/svg+xml").documentElement, true));
    return block;
  }));
  for (const sheet of sheets) sheet.remove();
}`;

/** The same review is the same file: what Chromium says of the moment and of itself has the same length and says nothing. */
function undated(pdf: Buffer): Buffer {
  const text = pdf.toString("latin1").replace(/\/(Creation|Mod)Date \(D:\d{14}/g, "/$1Date (D:20000101000000");
  return Buffer.from(text, "latin1");
}
