/** Markdown that also reads as text. */

/** A table whose columns also stand below each other as text. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = heading.map((name, index) => Math.max(3, ...[name, ...rows.map((row) => row[index]!)].map((cell) => [...cell].length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, index) => cell + " ".repeat(widths[index]! - [...cell].length)).join(" | ")} |`;
  return [line(heading), `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...rows.map(line)];
}

/** A table for a page alone: its cells may be long. */
export function plainTable(heading: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", "<br>")).join(" | ")} |`;
  return [line(heading), `|${heading.map(() => "---").join("|")}|`, ...rows.map(line)];
}
