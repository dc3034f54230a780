/** A cell of a table: text, or a figure that is written with as many digits as say something. */
export type Cell = string | number;

/** Prints a table in Markdown. */
export function printTable(header: readonly string[], rows: readonly (readonly Cell[])[]): void {
  for (const cells of [header, header.map((_, column) => (column === 0 ? "---" : "--:")), ...rows]) console.log(`| ${cells.map(written).join(" | ")} |`);
}

function written(cell: Cell): string {
  if (typeof cell === "string") return cell;
  const digits = Math.abs(cell) >= 100 ? 0 : Math.abs(cell) >= 10 ? 1 : 2;
  return cell.toLocaleString("en", { maximumFractionDigits: digits });
}

/** Our figure as a share of the limit's or the peer's of the same run. */
export const ratio = (ours: number, theirs: number): number => (theirs === 0 ? Number.NaN : ours / theirs);
