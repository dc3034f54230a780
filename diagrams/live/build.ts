/** The live page as the server serves it: flat files, made of what stands beside this one. */
import { build } from "esbuild";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const text = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

/** By their paths in the project. */
export async function livePage(): Promise<ReadonlyMap<string, string>> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("client/main.ts", import.meta.url))],
    absWorkingDir: root,
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
  });
  return new Map([
    ["runtime/admin/pages/live.html", text("page.html")],
    ["runtime/admin/pages/live.css", text("page.css")],
    ["runtime/admin/pages/live.svg", text("icon.svg")],
    ["runtime/admin/pages/live.js", outputFiles[0]!.text],
  ]);
}
