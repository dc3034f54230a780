/** The report for machines: JUnit XML, one testcase a tour. */
import { escape } from "../../runtime/client/ladder.ts";
import type { TourVerdict } from "../roleplay/verdict.ts";
import { counted } from "./campaign.ts";
import { failureText } from "./text.ts";
import { whyOf, type Report } from "./report.ts";

/** A tour that failed is a failure; one that decides nothing an error. */
export function junitOf(report: Report): string {
  const { verdicts, begun, ms, target, factory, pics, seed, leftOut } = report;
  const counts = attributes({ tests: verdicts.length, failures: counted(verdicts, "fail"), errors: counted(verdicts, "inconclusive"), time: seconds(ms) });
  const properties: [string, string][] = [
    ["target", target],
    ["factory", factory],
    ["pics", pics ?? "defaults"],
    ["seed", String(seed)],
    ...leftOut.map((item): [string, string] => ["left out", item]),
  ];
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${attributes({ name: "CPM Controlling Function" })} ${counts}>`,
    `  <testsuite ${attributes({ name: "conformance", timestamp: begun.toISOString().slice(0, 19), skipped: 0 })} ${counts}>`,
    "    <properties>",
    ...properties.map(([name, value]) => `      <property ${attributes({ name, value })}/>`),
    "    </properties>",
    ...verdicts.map((tour) => testcase(report, tour)),
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function testcase(report: Report, tour: TourVerdict): string {
  const { id, title, verdict, ms } = tour;
  const head = `    <testcase ${attributes({ classname: classOf(id), name: `${id} ${title}`, time: seconds(ms) })}`;
  if (verdict === "pass") return `${head}/>`;
  const kind = verdict === "fail" ? "failure" : "error";
  return [`${head}>`, `      <${kind} ${attributes({ type: verdict, message: escape(whyOf(tour), 300) })}>${characters(failureText(report, tour).join("\n"))}</${kind}>`, "    </testcase>"].join("\n");
}

/** `wire/default/07` belongs to `wire.default`. */
const classOf = (id: string): string => id.split("/").slice(0, -1).join(".") || "conformance";
const seconds = (ms: number): string => (ms / 1000).toFixed(3);

/** Outside of what XML 1.0 can hold there is nothing left after `escape`, but lines may still hold it. */
const characters = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[character]!).replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "?");

const attributes = (values: Readonly<Record<string, string | number>>): string =>
  Object.entries(values).map(([name, value]) => `${name}="${characters(String(value)).replace(/[\t\n\r]/g, " ")}"`).join(" ");
