/** The live page as the server serves it: flat files, made of what stands beside this one. */
import { build } from "esbuild";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { machines } from "../../machines/index.ts";
import { pageFont } from "../charts/fonts.ts";
import { ladderStyle } from "../ladders/ladder.ts";
import { statechartStyle } from "../charts/style.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const text = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

/** By their paths in the project. `files`: those that are printed, of which the page asks for pictures when somebody looks at one. */
export async function livePage(files: Iterable<string>): Promise<ReadonlyMap<string, string>> {
  const printed = [...files].toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1));
  const pictures = Object.fromEntries(Object.keys(machines).map((name) => [name, printed.filter((file) => file === `${name}.svg` || (file.startsWith(`${name}.`) && file.endsWith(".svg")))]));
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("client/main.ts", import.meta.url))],
    absWorkingDir: root,
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    define: { printedPictures: JSON.stringify(pictures) },
  });
  return new Map([
    ["runtime/admin/pages/live.html", text("page.html")],
    ["runtime/admin/pages/live.css", [text("page.css"), await pageFont(), statechartStyle, ladderStyle, ""].join("\n")],
    ["runtime/admin/pages/live.svg", text("icon.svg")],
    ["runtime/admin/pages/live.js", outputFiles[0]!.text],
  ]);
}
