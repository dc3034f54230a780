/** Every file that is printed into this directory and checked in, and the live page of the server. */
import { machines, type MachineName } from "../machines/index.ts";
import { changeFiles } from "./changes/changes.ts";
import { documents } from "./review/documents.ts";
import { evidence, evidenceFile, evidenceText } from "./review/evidence.ts";
import { embedded } from "./charts/fonts.ts";
import { parts, statechart } from "./charts/graph.ts";
import { layout } from "./charts/layout.ts";
import { livePage } from "./live/build.ts";
import { matrix } from "./review/matrix.ts";
import { review } from "./review/review.ts";
import { drawing } from "./charts/svg.ts";

/** By the names of the files. With `anew`, nothing is taken from what was kept. */
export async function printed(anew: boolean): Promise<ReadonlyMap<string, string>> {
  const found = evidence(anew);
  const files = new Map<string, string>([[evidenceFile, evidenceText(found)]]);
  for (const name of Object.keys(machines) as MachineName[]) {
    const chart = statechart(name, machines[name]);
    for (const each of [chart, ...parts(chart)]) files.set(`${each.name}.svg`, await embedded(drawing(each, await layout(each))));
    files.set(`${name}.md`, matrix(chart, found.machines[name].matrix));
  }
  const page = [...(await livePage(files.keys()))].map(([path, text]) => [`../${path}`, text] as const);
  return new Map([...files, ...(await changeFiles()), ...documents(await review(found)), ...page]);
}

/** What of this directory is printed. */
export const isPrinted = (file: string): boolean => /^(changes\/)?[^/]+\.(svg|md|csv)$/.test(file) || file === evidenceFile;
