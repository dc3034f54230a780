/** The printed pictures of a machine. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { MachineName } from "../../machines/index.ts";
import type { Picture } from "./review-shape.ts";

const directory = new URL("../", import.meta.url);

/** The whole machine first, then one for each state that has a picture of its own: `NAME.STATE.svg`. */
export function picturesOf(name: MachineName): Picture[] {
  const files = existsSync(new URL(`${name}.svg`, directory)) ? readdirSync(directory).filter((file) => file === `${name}.svg` || (file.startsWith(`${name}.`) && file.endsWith(".svg"))) : [];
  return files
    .sort((a, b) => Number(b === `${name}.svg`) - Number(a === `${name}.svg`) || a.localeCompare(b))
    .map((file): Picture => {
      const id = file.slice(0, -".svg".length);
      return { title: id, ...(id !== name && { state: id }), file, svg: readFileSync(new URL(file, directory), "utf8") };
    });
}
