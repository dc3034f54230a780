/**
 * Runs the benchmarks and prints their tables in Markdown, as the README has them.
 *
 *   npm run bench [name…]
 */
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";

const benches: Readonly<Record<string, { readonly title: string; readonly flags?: readonly string[] }>> = {
  messages: { title: "Group chat, through the server process" },
  inspection: { title: "The operator's interface" },
  "msrp-fanout": { title: "Group chat, the MSRP layer alone" },
  members: { title: "Members who come and go" },
  "file-fanout": { title: "Files" },
  sip: { title: "SIP calls" },
  steps: { title: "Steps of the machines", flags: ["--expose-gc"] },
};

const named = process.argv.slice(2);
const unknown = named.filter((name) => !(name in benches));
if (unknown.length > 0) {
  console.error(`no benchmark is called ${unknown.join(" or ")}; there are: ${Object.keys(benches).join(", ")}`);
  process.exit(2);
}

console.log(`Node ${process.version}, ${cpus().length} cores of ${cpus()[0]?.model ?? "an unknown processor"}.`);
for (const [name, { title, flags = [] }] of Object.entries(benches)) {
  if (named.length > 0 && !named.includes(name)) continue;
  console.log(`\n### ${title}\n\n\`npm run bench ${name}\`\n`);
  const { status } = spawnSync(process.execPath, [...flags, fileURLToPath(new URL(`${name}.ts`, import.meta.url))], { stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
