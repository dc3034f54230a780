/** The changes that the project carries itself, as the review shows them and as they are printed. */
import { machines, type MachineName } from "../../machines/index.ts";
import { compare, told } from "../compare/compare.ts";
import { markdown } from "../compare/comparison-markdown.ts";
import { unionDrawing } from "../compare/comparison-page.ts";
import { embedded } from "../charts/fonts.ts";
import { statechart } from "../charts/graph.ts";
import type { ChangeReview } from "../review/review-shape.ts";
import { before } from "./before-change-1.ts";
import { change1 } from "./change-1.ts";

const title = "Change 1: CPM File Transfer in Group Session Handling, section 9.3.1";

const says = [
  "The change request adds what the server does when CPM File Transfer in a CPM Group Session is not supported: it answers 403 with the Warning text \"122 Function not allowed\". Where it is supported, Participants whose answer did not indicate the supported types in a=accept-wrapped-types are handled by the policy of the service provider.",
  "What was before is inferred, for the section's former text was not at hand: a transfer was handled without regard to support, and whoever accepted got the file. That the handling of a=accept-wrapped-types is new is our reading: the request's reason for change names the missing support alone, which is rule 1 of group-file-transfer. The section leaves that handling to policy; the rules that carry a policy out are decided, and marked so. Whatever else we decided stands in both.",
  "Change 2 of the request edits the list of features in section 4.2, and no machine.",
];

export async function changes(): Promise<readonly ChangeReview[]> {
  const differences = Object.entries(before).map(([name, machine]) => compare(statechart(name, machine), statechart(name, machines[name as MachineName])));
  return [
    {
      id: "change-1",
      title,
      says: says.join(" "),
      machines: await Promise.all(differences.map(async ({ name, chart }) => ({ machine: name, svg: await unionDrawing(chart) }))),
      rules: differences.flatMap(({ name, rules }) =>
        rules.map((change) => ({ machine: name, mark: change.mark, says: `${change.state}: ${change.on}: ${told(change)}`, clauses: change.clauses })),
      ),
    },
  ];
}

/** Their files, by their names in the directory of the pictures. */
export async function changeFiles(): Promise<ReadonlyMap<string, string>> {
  const files = new Map([["changes/change-1.md", markdown(await change1(), title, says)]]);
  for (const { id, machines } of await changes()) for (const { machine, svg } of machines) files.set(`changes/${id}.${machine}.svg`, await embedded(svg));
  return files;
}
