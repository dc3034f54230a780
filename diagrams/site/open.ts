/** Builds the site, tells where it is, and opens it where there is a screen. */
import { spawn } from "node:child_process";
import { pathToFileURL } from "node:url";
import { review } from "../review/review.ts";
import { buildSite, siteOf } from "./build.ts";

export async function openSite(directory: string): Promise<void> {
  const { href } = pathToFileURL(await buildSite(siteOf(await review()), directory));
  console.log(href);
  const program = process.platform === "darwin" ? "open" : process.env["DISPLAY"] || process.env["WAYLAND_DISPLAY"] ? "xdg-open" : undefined;
  // Where there is no such program the address has been told.
  if (program !== undefined) spawn(program, [href], { stdio: "ignore", detached: true }).on("error", () => {}).unref();
}
