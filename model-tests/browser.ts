/**
 * Chromium for the tests of what people look at: one browser a test file, and pages that remember what they asked for and what they complained about.
 *
 * `playwright-core` drives the Chromium that the distribution installs; nothing is downloaded.
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium, type Browser as Chromium, type BrowserContextOptions, type Page } from "playwright-core";

/** The laptop and the phone that everything has to be readable on. */
export const laptop = { width: 1280, height: 800 } as const;
export const phone = { width: 390, height: 844 } as const;

/** The path of the first program of these names on PATH. */
const programNamed = (...names: readonly string[]): string | undefined =>
  names
    .flatMap((name) => (process.env["PATH"] ?? "").split(delimiter).map((directory) => join(directory, name)))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });

const program = programNamed("chromium", "chromium-browser", "google-chrome");

/** Whether there is one; says so if not, in the words that the count of the tests listens to. */
export function hasChromium(test: string): boolean {
  if (program === undefined) console.log(`not run: ${test} needs chromium`);
  return program !== undefined;
}

/** A page with what it did: every address it asked for, and every error that its console showed. */
export interface Seen {
  readonly page: Page;
  readonly requests: readonly string[];
  readonly errors: readonly string[];
  close(): Promise<void>;
}

export interface Browser {
  /** A page of its own context: a laptop's in light colours unless told otherwise. */
  open(options?: BrowserContextOptions): Promise<Seen>;
  stop(): Promise<void>;
}

/** It calls nobody of its own accord. */
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export async function startBrowser(): Promise<Browser> {
  if (program === undefined) throw new Error("there is no chromium on PATH");
  const browser: Chromium = await chromium.launch({ executablePath: program, headless: true, args: quiet });
  return {
    open: (options) => seen(browser, options),
    stop: () => browser.close(),
  };
}

async function seen(browser: Chromium, options: BrowserContextOptions = {}): Promise<Seen> {
  const context = await browser.newContext({ viewport: laptop, colorScheme: "light", ...options });
  const page = await context.newPage();
  const requests: string[] = [];
  const errors: string[] = [];
  page.on("request", (request) => void requests.push(request.url()));
  page.on("console", (message) => void (message.type() === "error" && errors.push(message.text())));
  page.on("pageerror", (error) => void errors.push(String(error)));
  return { page, requests, errors, close: () => context.close() };
}
