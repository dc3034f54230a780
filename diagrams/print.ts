/** The command behind `npm run diagrams`. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";

const help = `npm run diagrams -- [OPTION]

Without an option: prints every picture and every document into diagrams/, where they are checked in.

  --check              writes nothing; fails when a file is not what would be printed
  --anew               with either: finds out again what takes long, which else is kept in diagrams/evidence.json
  --open [DIR]         builds the site of the review into DIR, build/review unless said, tells where its page is, and opens it where there is a screen
  --compare REV [REV2] what became of the machines between two git revisions; of the second, the working tree unless said
  --markdown           with --compare: as Markdown on standard output, for a comment, and no page
  --pdf FILE           the whole review as PDF
  --export DIR         the machines for other tools: SCXML, Mermaid, PlantUML, XState and Stately;
                       the tables as CSV; and a sequence chart of every flow
  --ladder FILE [GROUP] a sequence chart of a trace (NDJSON) or a capture (pcap, pcapng), as SVG on standard output;
                       of a trace, the group whose name begins so
  --help               this text
`;

/** What the caller has done wrong. */
class Misuse extends Error {}

const directory = new URL("./", import.meta.url);

async function print(anew: boolean): Promise<void> {
  const { printed } = await import("./printed.ts");
  const files = await printed(anew);
  for (const [name, text] of files) writeFileSync(new URL(name, directory), text);
  console.log(`diagrams: ${files.size} files printed`);
}

async function check(anew: boolean): Promise<void> {
  const { isPrinted, printed } = await import("./printed.ts");
  const files = await printed(anew);
  const there = readdirSync(directory, { recursive: true, encoding: "utf8" }).filter(isPrinted);
  const found = [
    ...[...files.keys()].filter((name) => !existsSync(new URL(name, directory))).map((name) => `${name} is missing`),
    ...there.filter((name) => !files.has(name)).map((name) => `${name} is of nothing`),
    ...[...files].filter(([name, text]) => existsSync(new URL(name, directory)) && text !== readFileSync(new URL(name, directory), "utf8")).map(([name]) => `${name} is not what would be printed`),
  ];
  if (found.length === 0) return console.log(`diagrams: ${files.size} files are as their machines`);
  for (const difference of found) console.error(`diagrams/${difference}`);
  console.error("print them again with: npm run diagrams");
  process.exitCode = 1;
}

async function exportTo(to: string): Promise<void> {
  const { exported } = await import("./exported.ts");
  const files = await exported();
  for (const [name, text] of files) {
    mkdirSync(dirname(join(to, name)), { recursive: true });
    writeFileSync(join(to, name), text);
  }
  console.log(`diagrams: ${files.size} files exported to ${to}`);
}

async function ladder(file: string, group?: string): Promise<void> {
  const { ladderOf } = await import("./ladders/conversation-files.ts");
  process.stdout.write(await ladderOf(file, group));
}

// ---------------------------------------------------------------- the command line

/** What each option does with what stands behind it, and how much may. */
const commands: { readonly [option: string]: { readonly least: number; readonly most: number; readonly run: (given: readonly string[], asMarkdown: boolean) => Promise<void> } } = {
  open: { least: 0, most: 1, run: async ([to = "build/review"]) => (await import("./site/open.ts")).openSite(to) },
  compare: { least: 1, most: 2, run: async (revisions, asMarkdown) => (await import("./compare/compare-revisions.ts")).printComparison(revisions, asMarkdown ? "markdown" : "page") },
  pdf: { least: 1, most: 1, run: async ([file]) => (await import("./site/pdf.ts")).printPdf(file!) },
  export: { least: 1, most: 1, run: ([to]) => exportTo(to!) },
  ladder: { least: 1, most: 2, run: ([file, group]) => ladder(file!, group) },
};

async function main(args: readonly string[]): Promise<void> {
  const flags = Object.fromEntries(["check", "anew", "markdown", "help", ...Object.keys(commands)].map((option) => [option, { type: "boolean" as const }]));
  const { values, positionals } = parsed(args, flags);
  const chosen = Object.keys(commands).filter((option) => values[option]);
  if (values["help"]) return void process.stdout.write(help);
  if (chosen.length + Number(values["check"] ?? false) > 1) throw new Misuse(`one at a time: ${[...chosen, ...(values["check"] ? ["check"] : [])].map((option) => `--${option}`).join(", ")}`);
  const [option] = chosen;
  if (values["markdown"] && option !== "compare") throw new Misuse("--markdown is for --compare");
  if (option === undefined) {
    if (positionals.length > 0) throw new Misuse(`what is ${positionals[0]} for?`);
    return values["check"] ? check(values["anew"] === true) : print(values["anew"] === true);
  }
  const { least, most, run } = commands[option]!;
  if (values["anew"]) throw new Misuse(`--anew is for printing and --check, not for --${option}`);
  if (positionals.length < least) throw new Misuse(`--${option} wants ${least === most ? "one more word" : "one word or two"}`);
  if (positionals.length > most) throw new Misuse(`what is ${positionals[most]} for?`);
  await run(positionals, values["markdown"] === true);
}

function parsed(args: readonly string[], options: Record<string, { type: "boolean" }>) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (fault) {
    throw new Misuse((fault as Error).message.split(". ")[0]);
  }
}

try {
  await main(process.argv.slice(2));
} catch (fault) {
  if (!(fault instanceof Misuse)) {
    console.error(`diagrams: ${fault instanceof Error ? fault.message : String(fault)}`);
    process.exitCode = 1;
  } else {
    console.error(`diagrams: ${fault.message}; --help tells what there is`);
    process.exitCode = 2;
  }
}
