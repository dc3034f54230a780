/**
 * The site: one page, one classic script with the data in it, one sheet of styles. It asks for nothing else, from a file or from any server.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { pageFont } from "../charts/fonts.ts";
import type { Review } from "../review/review-shape.ts";
import { dark, light, type Palette } from "../charts/style.ts";
import { casesOf } from "./cases.ts";
import type { Site } from "./site-data.ts";

const here = new URL("./", import.meta.url);

/** The data of the site: the review, and what the machines do in their worlds. Its drawings have no font of their own: the page has it. */
export function siteOf(printed: Review): Site {
  const machines = printed.machines.map((machine) => ({ ...machine, pictures: machine.pictures.map((each) => ({ ...each, svg: withoutFont(each.svg) })) }));
  const changes = printed.changes.map((change) => ({ ...change, machines: change.machines.map((each) => ({ ...each, svg: withoutFont(each.svg) })) }));
  const review = { ...printed, machines, changes };
  return { review, cases: Object.fromEntries(review.machines.map((machine) => [machine.name, casesOf(machine)])) };
}

const withoutFont = (svg: string): string => svg.replace(/@font-face\{[^}]*\}\n?/g, "");

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
    banner: { js: `const site = JSON.parse(${JSON.stringify(JSON.stringify(site))});` },
  });
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "site.js"), outputFiles[0]!.text);
  writeFileSync(join(directory, "site.css"), [await pageFont(), ...grounds, readFileSync(new URL("site.css", here), "utf8")].join("\n"));
  writeFileSync(join(directory, "index.html"), page);
  return resolve(directory, "index.html");
}

/** The colours of the drawings, by name. */
const named = ({ shades, ...colours }: Palette): string => [...Object.entries(colours), ["shade", shades[1]]].map(([name, colour]) => `--${name}: ${colour};`).join(" ");
const grounds = [
  `:root { ${named(light)} color-scheme: light; }`,
  `@media screen and (prefers-color-scheme: dark) { :root:not([data-theme="light"]) { ${named(dark)} color-scheme: dark; } }`,
  `@media screen { :root[data-theme="dark"] { ${named(dark)} color-scheme: dark; } }`,
];

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
