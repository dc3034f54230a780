import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { problem, type Answer } from "./answer.ts";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
  ".md": "text/markdown; charset=utf-8",
  ".woff2": "font/woff2",
};

/** The folder of the package: the sources lie in it, and so does what was compiled. */
export const packageFolder = ((): string => {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return folder;
})();

/**
 * The pages of the operator and the printed pictures, read as files.
 *
 * `/live` is `pages/live.html`, `/live.js` is `pages/live.js`; `/diagrams/X.svg` is the printed picture. Only names that were there at
 * the start are served: no path of a request ever reaches the disk.
 */
export class StaticFiles {
  readonly #files = new Map<string, string>();

  constructor() {
    this.#add("/", join(packageFolder, "runtime/admin/pages"));
    this.#add("/diagrams/", join(packageFolder, "diagrams"));
  }

  #add(prefix: string, folder: string): void {
    if (!existsSync(folder)) return;
    for (const name of readdirSync(folder)) {
      if (!Object.hasOwn(types, extname(name))) continue;
      this.#files.set(prefix + name.replace(/\.html$/, ""), join(folder, name));
    }
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  async read(path: string): Promise<Answer> {
    const file = this.#files.get(path);
    if (file === undefined) return problem({ status: 404, detail: "there is no such page" });
    return { status: 200, type: types[extname(file)]!, body: await readFile(file) };
  }
}
