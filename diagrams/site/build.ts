/**
 * The site: one page, one classic script with the data in it, one sheet of styles. It asks for nothing else, from a file or from any server.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Review } from "../review-shape.ts";
import { casesOf } from "./cases.ts";
import type { Site } from "./site-data.ts";

const here = new URL("./", import.meta.url);

/** The data of the site: the review, and what the machines do in their worlds. */
export function siteOf(review: Review): Site {
  return { review, cases: Object.fromEntries(review.machines.map((machine) => [machine.name, casesOf(machine)])) };
}

/** Writes the site into a directory, which is made if it is not there, and gives the path of its page. */
export async function buildSite(site: Site, directory: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("client/main.ts", here))],
    bundle: true,
    write: false,
    format: "iife",
    target: "es2022",
    minify: true,
    // Guards and params are known by the names of their functions.
    keepNames: true,
    charset: "utf8",
    legalComments: "none",
    // The data stands before the code, in a file of its own kind: nothing in it can end a tag.
    banner: { js: `const site = ${JSON.stringify(site)};` },
  });
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "site.js"), outputFiles[0]!.text);
  writeFileSync(join(directory, "site.css"), readFileSync(new URL("site.css", here), "utf8"));
  writeFileSync(join(directory, "index.html"), page);
  return resolve(directory, "index.html");
}

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; img-src data:; font-src data:">
<title>CPM Controlling Function</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="site.css">
</head>
<body>
<noscript>The machines run in this page: it needs its script.</noscript>
<script src="site.js"></script>
</body>
</html>
`;
