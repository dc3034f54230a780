/**
 * Prints the statechart and the matrix of every machine into this directory, where they are checked in.
 *
 * With `--check` it writes nothing, and fails when a file is not what would be printed.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { machines, type MachineName } from "../machines/index.ts";
import { statechart } from "./graph.ts";
import { layout } from "./layout.ts";
import { matrix } from "./matrix.ts";
import { drawing } from "./svg.ts";
import { survey } from "./survey.ts";

const directory = new URL("./", import.meta.url);

/** Every file, by its name. */
async function print(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const name of Object.keys(machines) as MachineName[]) {
    const chart = statechart(name, machines[name]);
    files.set(`${name}.svg`, drawing(chart, await layout(chart)));
    files.set(`${name}.md`, matrix(chart, survey(name)));
  }
  return files;
}

function write(files: ReadonlyMap<string, string>): void {
  for (const [name, text] of files) writeFileSync(new URL(name, directory), text);
  console.log(`diagrams: ${files.size} files printed`);
}

/** What is wrong with the files that are there. */
function differences(files: ReadonlyMap<string, string>): string[] {
  const there = readdirSync(directory).filter((name) => /\.(svg|md)$/.test(name));
  return [
    ...[...files.keys()].filter((name) => !there.includes(name)).map((name) => `${name} is missing`),
    ...there.filter((name) => !files.has(name)).map((name) => `${name} is of no machine`),
    ...there.filter((name) => files.has(name) && files.get(name) !== readFileSync(new URL(name, directory), "utf8")).map((name) => `${name} differs from its machine`),
  ];
}

function check(files: ReadonlyMap<string, string>): void {
  const found = differences(files);
  if (found.length === 0) return console.log(`diagrams: ${files.size} files are as their machines`);
  for (const difference of found) console.error(`diagrams/${difference}`);
  console.error("print them again with: npm run diagrams");
  process.exitCode = 1;
}

const options = process.argv.slice(2);
if (options.some((option) => option !== "--check")) {
  console.error(`diagrams: unknown option ${options.find((option) => option !== "--check")}; there is only --check`);
  process.exitCode = 2;
} else {
  const files = await print();
  if (options.includes("--check")) check(files);
  else write(files);
}
