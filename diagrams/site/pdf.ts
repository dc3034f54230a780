/** The whole review on paper: the site's own pages, printed by Chromium, with the numbers of their pages in the table of contents. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { startBrowser } from "../../model-tests/browser.ts";
import { review } from "../review.ts";
import { buildSite, siteOf } from "./build.ts";
import { pagesOfParts } from "./pdf-pages.ts";
import type { Site } from "./site-data.ts";

export async function printPdf(file: string, site?: Site): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "cpm-review-"));
  const browser = await startBrowser();
  try {
    const { page } = await browser.open();
    await page.goto(`${pathToFileURL(await buildSite(site ?? siteOf(await review()), directory)).href}#/print`);
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

/** The same review is the same file: what Chromium says of the moment and of itself has the same length and says nothing. */
function undated(pdf: Buffer): Buffer {
  const text = pdf.toString("latin1").replace(/\/(Creation|Mod)Date \(D:\d{14}/g, "/$1Date (D:20000101000000");
  return Buffer.from(text, "latin1");
}
