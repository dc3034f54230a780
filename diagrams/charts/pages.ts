/** A statechart on paper: as many A4 pages as it takes for every word to be legible, charts first, then the table of their rules. */
import { folded, within, type State, type Statechart } from "./graph.ts";
import { layout, sizes, type Picture, type Setting } from "./layout.ts";
import { ruleTable, type Row } from "./rule-table.ts";
import { chartAt, legendAt, legendHeight, legendWidth, rowsAt, sheet, title, top } from "./svg.ts";

export interface Page {
  readonly title: string;
  readonly shows: "chart" | "rules";
  /** As large as it is to be printed, in millimetres, and without its font. */
  readonly svg: string;
  readonly isLandscape: boolean;
  /** Of the text, in points. */
  readonly textSize: number;
}

/** What of an A4 page is printed on, in millimetres: 12 are left on each side. */
export const area = { long: 273, short: 186 } as const;

/** In points: of the smallest text, of that in tables, and the largest that a small chart is blown up to. */
export const textSizes = { least: 6, table: 7, most: 9 } as const;

/** For a document with such pages: a drawing in a block of class `paper`, and `level` if it is landscape. */
export const paperStyle = `
  @page paper { size: A4; margin: 12mm; }
  @page paper-level { size: A4 landscape; margin: 12mm; }
  .paper { page: paper; break-inside: avoid; }
  .paper.level { page: paper-level; }
  .paper svg { display: block; }`;

const pointsIn = (millimetres: number) => (millimetres * 72) / 25.4;
const millimetresIn = (points: number) => (points * 25.4) / 72;

export async function pages(chart: Statechart): Promise<Page[]> {
  return [...(await chartPages(chart, chart)), ...tablePages(chart)];
}

/** Where a chart would be too small it says less and stands closer; then states that hold others get pages of their own, the largest first. */
async function chartPages(chart: Statechart, whole: Statechart): Promise<Page[]> {
  const candidates = foldable(chart).sort((one, other) => countOf(other) - countOf(one)).map(({ id }) => id);
  for (let count = 0; ; count++) {
    const own = candidates.slice(0, count);
    const isLast = count === candidates.length;
    const page = await drawn(folded(chart, own), isLast ? [...settings, ...terse] : settings);
    if (isLast || page.textSize >= textSizes.least) return [page, ...(await Promise.all(own.map((id) => chartPages(within(whole, id), whole)))).flat()];
  }
}

const settings: readonly Setting[] = [{}, { style: "numbered" }, { style: "numbered", room: 0.7 }];
const terse: readonly Setting[] = [{ style: "bare" }, { style: "bare", room: 0.7 }, { style: "bare", room: 0.7, direction: "RIGHT" }];

/** By the first setting in which it is legible, or else by that in which it is largest. */
async function drawn(chart: Statechart, settings: readonly Setting[]): Promise<Page> {
  let best: Page | undefined;
  for (const setting of settings) {
    const page = chartPage(chart, await layout(chart, setting));
    if (page.textSize >= textSizes.least) return page;
    if (best === undefined || page.textSize > best.textSize) best = page;
  }
  return best!;
}

/** The states in the one that is shown, or in the machine. */
function foldable({ root, name }: Statechart): State[] {
  const shown = root.children.find(({ id }) => id === name) ?? root;
  return shown.children.filter(({ children }) => children.length > 0);
}

const countOf = ({ children }: State): number => children.reduce((sum, child) => sum + 1 + countOf(child), 0);

function chartPage(chart: Statechart, picture: Picture): Page {
  const width = Math.ceil(Math.max(picture.width, legendWidth(chart) + 4 * sizes.margin));
  const height = top + Math.ceil(picture.height) + legendHeight(chart);
  const upright = textSize(width, height, area.short, area.long);
  const level = textSize(width, height, area.long, area.short);
  const content = [title(chart.name), chartAt(chart, picture, { x: Math.round((width - picture.width) / 2), y: top }), legendAt(chart, top + Math.ceil(picture.height))];
  return page(chart.name, "chart", width, height, content, Math.max(upright, level), level > upright);
}

/** So large is text when all of it fits. */
const textSize = (width: number, height: number, across: number, along: number) => Math.min(textSizes.most, sizes.text * Math.min(pointsIn(across) / width, pointsIn(along) / height));

function tablePages(chart: Statechart): Page[] {
  const [width, height] = [area.short, area.long].map((side) => Math.floor((pointsIn(side) * sizes.text) / textSizes.table)) as [number, number];
  const { rows } = ruleTable(chart, width - 4 * sizes.margin);
  return broken(rows, height - top).map((on, index) => {
    const name = `${chart.name}: rules${index === 0 ? "" : ", continued"}`;
    const used = on.reduce((sum, row) => sum + row.height, 0);
    return page(name, "rules", width, top + used, [title(name), rowsAt(on, width - 4 * sizes.margin, { x: 2 * sizes.margin, y: top })], textSizes.table, false);
  });
}

/** Rows by the page on which they stand, each page below the heading of its rows. */
function broken(rows: readonly Row[], height: number): Row[][] {
  const pages: Row[][] = [[]];
  let heading: Row | undefined;
  let used = 0;
  for (const row of rows) {
    if (used + row.height > height) {
      pages.push(heading && !row.isHeading ? [{ ...heading, y: 0 }] : []);
      used = pages.at(-1)!.reduce((sum, each) => sum + each.height, 0);
    }
    if (row.isHeading) heading = row;
    pages.at(-1)!.push({ ...row, y: used });
    used += row.height;
  }
  return pages;
}

function page(name: string, shows: Page["shows"], width: number, height: number, content: readonly string[], size: number, isLandscape: boolean): Page {
  const millimetres = (length: number) => `${Math.floor(millimetresIn((length * size) / sizes.text) * 10) / 10}mm`;
  return { title: name, shows, svg: sheet(name, { width, height }, content, { width: millimetres(width), height: millimetres(height) }), isLandscape, textSize: size };
}
