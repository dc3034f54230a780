/** Comma-separated values for spreadsheets. @see RFC 4180 */

/** What a spreadsheet would run as a formula is marked as text by an apostrophe. */
const guarded = (cell: string) => (/^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell);

const quoted = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

export const csv = (rows: readonly (readonly string[])[]): string => rows.map((cells) => `${cells.map((cell) => quoted(guarded(cell))).join(",")}\r\n`).join("");
