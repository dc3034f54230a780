/** The command line of `npm run conformance`, read. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { PeerMisbehaved } from "../../runtime/errors.ts";
import { parseUri } from "../../runtime/sip/uri.ts";
import { parsePics, PicsRefused, type Pics } from "./pics.ts";

/** The command line is wrong, or the server cannot be reached; the message is one line and names the option. */
export class UsageRefused extends Error {
  override readonly name = "UsageRefused";
}

const refuse = (detail: string): never => {
  throw new UsageRefused(detail);
};

export interface Address {
  readonly host: string;
  readonly port: number;
  readonly transport: "udp" | "tcp";
}

export interface Options {
  /** As it was written. */
  readonly target: string;
  /** undefined: our own server, which the run starts and stops. */
  readonly address: Address | undefined;
  readonly factory: string;
  readonly pics: Pics;
  readonly picsFile: string | undefined;
  readonly report: string;
  /** Tours whose id, title or features have one of these words. */
  readonly only: readonly string[];
  /** Of all tours together, for one kind of group. */
  readonly steps: number;
  readonly seed: number;
  readonly quiescenceMs: number;
  readonly parallel: number;
  readonly advance: "none" | "controlled";
  readonly longestWaitMs: number;
  readonly deadlineMs: number;
  /** Tours that may end without a pass before the rest is not played; 0: all are played. */
  readonly giveUpAfter: number;
  readonly list: boolean;
}

interface Option {
  readonly value?: string;
  readonly default?: string;
  readonly help: string;
}

const declared = {
  target: { value: "URI", help: "the server, e.g. 'sip:192.0.2.7:5060;transport=tcp', udp unless it says tcp; own: this project's, run as the PICS says" },
  factory: { value: "URI", help: "its Conference-factory URI; the testers are users of that domain" },
  pics: { value: "FILE", help: "what the server says of itself; without it the defaults of --pics-template" },
  report: { value: "DIR", default: "report", help: "where junit.xml, index.html and report.txt are written" },
  only: { value: "PATTERN", help: "tours with that in their id, title or features; words between commas, * is anything" },
  steps: { value: "N", default: "700", help: "steps of the walked tours together, for open groups and for closed ones: more shows more; 0: the basic tours alone" },
  seed: { value: "N", default: "1", help: "of everything that is chosen by chance" },
  quiescence: { value: "MS", default: "300", help: "how long silence lasts before it counts as silence" },
  parallel: { value: "N", default: "8", help: "tours that are played at a time, each with users of its own" },
  advance: { value: "none|controlled", default: "none", help: "controlled, with --target own alone: policy timers pass on command, and nothing waits for them" },
  "longest-wait": { value: "MS", default: "10000", help: "a timer that the PICS says is longer is not waited for" },
  deadline: { value: "S", default: "1800", help: "seconds after which what has not been played is left" },
  "give-up": { value: "N", default: "16", help: "tours without one pass after which the rest is left; 0: never" },
  list: { help: "print which tours would be played, and which are left out and why, and play none" },
  "pics-template": { help: "print an empty PICS file with every item, its meaning and its default" },
  help: { help: "this text" },
} as const satisfies Record<string, Option>;

type Name = keyof typeof declared;
const names = Object.keys(declared) as Name[];
const optionOf = (name: Name): Option => declared[name];

/** What is asked for: a run, or a text. */
export type Asked = { readonly print: "help" | "pics-template" } | { readonly run: Options };

/** @throws {UsageRefused} */
export function readOptions(args: readonly string[]): Asked {
  const said = parse(args);
  if (said.help === true) return { print: "help" };
  if (said["pics-template"] === true) return { print: "pics-template" };
  const one = (name: Name): string => (said[name] as string | undefined) ?? optionOf(name).default ?? refuse(`--${name} ${optionOf(name).value} is needed`);
  const number = (name: Name, least: number, most: number): number => {
    const text = one(name);
    return /^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most ? Number(text) : refuse(`--${name}: ${JSON.stringify(text)} is not a whole number from ${least} to ${most}`);
  };
  const target = one("target");
  const address = target === "own" ? undefined : addressOf(target);
  const advance = advanceOf(one("advance"));
  if (advance === "controlled" && address !== undefined) refuse("--advance controlled: only the timers of --target own can be commanded");
  const picsFile = said.pics as string | undefined;
  return {
    run: {
      target,
      address,
      factory: uriOf(said.factory === undefined && address === undefined ? ownFactory : one("factory"), "--factory", "sip:conference@example.org").text,
      pics: picsOf(picsFile),
      picsFile,
      report: one("report"),
      only: ((said.only as string | undefined) ?? "").split(",").map((word) => word.trim()).filter(Boolean),
      steps: number("steps", 0, 1_000_000),
      seed: number("seed", 0, 999_999_999),
      quiescenceMs: number("quiescence", 1, 60_000),
      parallel: number("parallel", 1, 256),
      advance,
      longestWaitMs: number("longest-wait", 0, 3_600_000),
      deadlineMs: number("deadline", 1, 86_400) * 1000,
      giveUpAfter: number("give-up", 0, 100_000),
      list: said.list === true,
    },
  };
}

function parse(args: readonly string[]): { readonly [K in Name]?: string | boolean | undefined } {
  const types = Object.fromEntries(names.map((name) => [name, { type: optionOf(name).value === undefined ? "boolean" : "string" } as const]));
  try {
    return parseArgs({ args: [...args], options: types, strict: true, allowPositionals: false }).values as never;
  } catch (fault) {
    return refuse((fault as Error).message.split(/[\r\n]/, 1)[0]!.replace(/\. To specify.*/, ""));
  }
}

const advanceOf = (text: string): Options["advance"] => (text === "none" || text === "controlled" ? text : refuse(`--advance: ${JSON.stringify(text)} is none of none, controlled`));

function uriOf(text: string, option: string, example: string): { readonly text: string; readonly uri: ReturnType<typeof parseUri> } {
  try {
    const uri = parseUri(text);
    if (uri.scheme !== "sip") refuse(`${option}: ${JSON.stringify(text)} is no sip: URI, as ${example}`);
    return { text, uri };
  } catch (fault) {
    if (!(fault instanceof PeerMisbehaved)) throw fault;
    return refuse(`${option}: ${JSON.stringify(text)} is no SIP URI, as ${example}`);
  }
}

/** What our own server calls it unless told otherwise. */
const ownFactory = "sip:conference-factory@cpm.example";

const ports = { udp: 5060, tcp: 5060 } as const;

function addressOf(text: string): Address {
  const { uri } = uriOf(text, "--target", "'sip:192.0.2.7:5060;transport=tcp'");
  const asked = uri.params.get("transport")?.toLowerCase() ?? "udp";
  const transport = asked === "udp" || asked === "tcp" ? asked : refuse(`--target: transport ${JSON.stringify(asked)} is neither udp nor tcp`);
  return { host: uri.host.replace(/^\[|\]$/g, ""), port: uri.port ?? ports[transport], transport };
}

function picsOf(file: string | undefined): Pics {
  if (file === undefined) return parsePics("");
  try {
    return parsePics(readFileSync(file, "utf8"));
  } catch (fault) {
    if (fault instanceof PicsRefused) return refuse(`--pics: ${file}: ${fault.message}`);
    return refuse(`--pics: ${file} cannot be read: ${(fault as NodeJS.ErrnoException).code}`);
  }
}

export function help(): string {
  const rows = names.map((name) => {
    const { value, help: text, default: byDefault } = optionOf(name);
    return `  ${`--${name}${value === undefined ? "" : ` ${value}`}`.padEnd(28)}${text}${byDefault === undefined ? "" : ` [${byDefault}]`}`;
  });
  return [
    "npm run conformance -- --target URI --factory URI [options]",
    "plays the tours of the specification against a CPM Controlling Function, over real SIP and MSRP",
    "",
    ...rows,
    "",
    "exit code: 0 every tour passes, 1 one fails, 2 the command line is wrong or the server cannot be reached, 3 some are inconclusive and none fails",
    "",
  ].join("\n");
}
