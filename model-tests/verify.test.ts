/** `npm run verify`: what it prints, its exit codes, and that the README has the figures of today. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { machines, type MachineName } from "../machines/index.ts";
import { expected } from "./counts.ts";
import { cellsOf, countedColumns, inMarkdown, inReadme, mutants, walkedColumns, wireColumns } from "./evidence-table.ts";

const folder = mkdtempSync(join(tmpdir(), "cpm-verify-"));
afterAll(() => rmSync(folder, { recursive: true }));

function verify(...words: readonly string[]): { readonly status: number | null; readonly out: string; readonly err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["model-tests/verify.ts", ...words], { cwd: fileURLToPath(new URL("../", import.meta.url)), encoding: "utf8", timeout: 60_000 });
  return { status, out: stdout, err: stderr };
}

const lastLine = (text: string) => text.trimEnd().split("\n").at(-1);

describe("the command", { timeout: 60_000 }, () => {
  test("--help names every option and every machine, exit 0", () => {
    const { status, out, err } = verify("--help");
    expect([status, err]).toEqual([0, ""]);
    for (const word of ["--table", "--write", "--clauses", "--json", "--trace FILE", "--all", "--machine NAME", ...Object.keys(machines)]) expect(out).toContain(word);
  });

  const refused: readonly (readonly string[])[] = [["--bogus"], ["flight"], ["--trace"], ["--table", "--all"], ["--machine", "toString"], ["--write", "--clauses"], ["--json"], ["--table=3"]];
  for (const words of refused) {
    test(`${words.join(" ")}: one line, exit 2`, () => {
      const { status, out, err } = verify(...words);
      expect([status, out]).toEqual([2, ""]);
      expect(err).toMatch(/^verify: [^\n]+\n$/);
    });
  }

  test("without an option it prints the table, and last what it has done", () => {
    const { status, out } = verify("--machine", "conference-subscription");
    expect(status).toBe(0);
    expect(out).toMatch(/^\| machine \|.*\n\| --- \|.*\n\| conference-subscription \| \d+ \|/);
    expect(lastLine(out)).toMatch(/^1 machine in \d/);
  });

  test("--clauses says both ways, and counts the rules", () => {
    const { status, out } = verify("--clauses", "--machine", "group-file-transfer");
    expect(status, out).toBe(0);
    expect(out).toMatch(/^CPM-CR §9\.3\.1$/m);
    expect(out).toMatch(/^ {2}cited by group-file-transfer\.awaiting sip\.INVITE\.fileTransfer notSupported$/m);
    expect(out).toMatch(/^ {2}on the wire: wire\/acceptance\.test\.ts: item 3: /m);
    expect(out).toMatch(/^group-file-transfer 1: group-file-transfer\.awaiting sip\.INVITE\.fileTransfer notSupported → group-file-transfer\.refused$/m);
    expect(out).toMatch(/grounds \d+ of the \d+ transitions of group-file-transfer: the machine is this section and nothing more$/m);
    expect(lastLine(out)).toMatch(/^\d+ clauses, \d+ transitions, \d+ rules, 0 broken$/);
  });

  test("--clauses --json is JSON and nothing else", () => {
    const { status, out } = verify("--clauses", "--json", "--machine", "group-file-transfer");
    expect(status).toBe(0);
    expect(Object.keys(JSON.parse(out) as object)).toEqual(["transitions", "clauses", "broken"]);
  });

  test("--all walks every criterion and every mutant, and says what is wrong", () => {
    const { status, out } = verify("--all", "--machine", "group-file-transfer");
    expect(status, out).toBe(0);
    for (const what of ["recommended", "0-switch", "1-switch", "all-edges", "random", "mutants"]) expect(out).toMatch(new RegExp(`^ok .*\\b${what}\\b`, "m"));
    expect(lastLine(out)).toMatch(/^6 checked, 0 wrong, /);
  });

  test("--trace: a trace of the model is one, exit 0; one that is not is told by its first line that differs, exit 1", () => {
    const file = join(folder, "trace.ndjson");
    const born = '{"at":0,"of":"a","machine":"group-participant","instance":"1","state":"new","effects":[]}\n';
    writeFileSync(file, born);
    expect(verify("--trace", file)).toMatchObject({ status: 0, out: "1 line of 1 instance, all of them steps of the model: group-participant\n" });
    writeFileSync(file, `${born}{"at":1,"of":"a","machine":"group-participant","instance":"1","event":{"type":"group.invite"},"state":"open","effects":[]}\n`);
    const { status, out } = verify("--trace", file);
    expect(status).toBe(1);
    expect(out).toContain("line 2 is not a step of the model: group-participant a 1, in \"new\", gets group.invite: other effects");
    expect(out).toContain('the model: [{"type":"sendSipRequest","method":"INVITE"}]');
    writeFileSync(file, "");
    expect(verify("--trace", file)).toMatchObject({ status: 1, out: expect.stringContaining("nothing was checked") as string });
    expect(verify("--trace", join(folder, "absent"))).toMatchObject({ status: 1, out: expect.stringContaining("ENOENT") as string });
  });
});

describe("the README", () => {
  const counts = expected();

  for (const name of Object.keys(machines) as MachineName[]) {
    test(`has the figures of ${name}; npm run verify -- --table --write takes over a change`, () => {
      const row = inReadme(name);
      expect(Object.keys(row)).toEqual(["machine", ...Object.keys(countedColumns), ...Object.keys(walkedColumns), ...Object.keys(wireColumns), mutants, "seconds"]);
      for (const column of ["goal classes", "transition pairs"]) expect(row[column], `${column}: the README says that all are taken`).toMatch(/^[\d,]+$/);
      expect(inReadme(name, Object.keys(countedColumns))).toEqual(cellsOf(countedColumns, counts[name]!));
    });
  }

  test("a table is written so that it can be read", () => {
    expect(inMarkdown({ header: ["machine", "states"], rows: [["a", "1"], ["b", "2 of 3"]] })).toBe("| machine | states |\n| --- | --: |\n| a | 1 |\n| b | 2 of 3 |");
  });
});
