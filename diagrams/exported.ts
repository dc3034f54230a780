/** What is exported: the machines in other notations, the tables, and a ladder of every flow. */
import { machines, type MachineName } from "../machines/index.ts";
import { flowConversation } from "./ladders/conversations.ts";
import { documents } from "./review/documents.ts";
import { notations } from "./exports.ts";
import { pageFont } from "./charts/fonts.ts";
import { statechart } from "./charts/graph.ts";
import { ladder } from "./ladders/ladder.ts";
import { review } from "./review/review.ts";

/** By the names of the files. */
export async function exported(): Promise<ReadonlyMap<string, string>> {
  const reviewed = await review();
  const charts = (Object.keys(machines) as MachineName[]).map((name) => statechart(name, machines[name]));
  // One font for all of them: to cut it to the letters of each takes long.
  const font = await pageFont();
  const ladders = reviewed.flows.map((flow) => [`ladders/${flow.id.replace(/^flows\//, "").replace(".md", "").replaceAll(" ", "-")}.svg`, ladder(flowConversation(flow)).replace("<style>\n", () => `<style>\n${font}\n`)] as const);
  return new Map([
    ...charts.flatMap((chart) => notations.map(({ extension, write }) => [`${chart.name}.${extension}`, write(chart)] as const)),
    ...[...documents(reviewed)].filter(([name]) => name.endsWith(".csv")),
    ...ladders,
  ]);
}
