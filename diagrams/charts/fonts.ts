/** The font of the drawings, cut to the letters that are there: a drawing that stands alone has it in itself. */
import { readFile } from "node:fs/promises";
import { SaxesParser } from "saxes";
import subsetFont from "subset-font";
import { boldAdvances, plainAdvances } from "./lettering.ts";
import { boldClasses, fontName, slantedClasses } from "./style.ts";

interface Face {
  readonly file: string;
  readonly isBold: boolean;
  readonly isSlanted: boolean;
}

export const faces: readonly Face[] = [
  { file: "DejaVuSansCondensed.ttf", isBold: false, isSlanted: false },
  { file: "DejaVuSansCondensed-Bold.ttf", isBold: true, isSlanted: false },
  { file: "DejaVuSansCondensed-Oblique.ttf", isBold: false, isSlanted: true },
  { file: "DejaVuSansCondensed-BoldOblique.ttf", isBold: true, isSlanted: true },
];

export const fontFile = (file: string): URL => new URL(`ttf/${file}`, import.meta.resolve("dejavu-fonts-ttf/package.json"));

/** The drawing with its font. */
export async function embedded(svg: string): Promise<string> {
  const rules = await fontOf(svg);
  return svg.replace("<style>\n", () => ["<style>", ...rules, ""].join("\n"));
}

/** For a page that holds these drawings and no others. */
export const fontOfAll = async (svgs: readonly string[]): Promise<string> => (await fontOf(`<g>${svgs.join("")}</g>`)).join("\n");

async function fontOf(svg: string): Promise<string[]> {
  const letters = lettersOf(svg);
  const rules = await Promise.all(faces.map(async (face) => fontFace(face, letters.get(face)!)));
  return rules.filter(Boolean);
}

/** For a page that holds drawings without their font: every letter that can be measured. */
export async function pageFont(): Promise<string> {
  const letters = [...new Set([...plainAdvances.keys(), ...boldAdvances.keys()])].sort().join("");
  return (await Promise.all(faces.map((face) => fontFace(face, letters)))).join("\n");
}

async function fontFace({ file, isBold, isSlanted }: Face, letters: string): Promise<string> {
  if (letters === "") return "";
  const cut = await subsetFont(await readFile(fontFile(file)), letters, { targetFormat: "woff2" });
  return `@font-face{font-family:"${fontName}";font-weight:${isBold ? 700 : 400};font-style:${isSlanted ? "italic" : "normal"};src:url(data:font/woff2;base64,${cut.toString("base64")}) format("woff2")}`;
}

/** Letters by the face in which they are set, each once and in order. */
function lettersOf(svg: string): ReadonlyMap<Face, string> {
  const found = new Map<Face, Set<string>>(faces.map((face) => [face, new Set()]));
  const open: { readonly name: string; readonly classes: readonly string[] }[] = [];
  const parser = new SaxesParser();
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name, attributes }) => void open.push({ name, classes: (attributes["class"] ?? "").split(" ") }));
  parser.on("closetag", () => void open.pop());
  parser.on("text", (text) => {
    if (!open.some(({ name }) => name === "text")) return;
    const has = (classes: readonly string[]) => open.some((each) => each.classes.some((one) => classes.includes(one)));
    const face = faces.find(({ isBold, isSlanted }) => isBold === has(boldClasses) && isSlanted === has(slantedClasses))!;
    for (const letter of text) found.get(face)!.add(letter);
  });
  parser.write(svg).close();
  return new Map([...found].map(([face, letters]) => [face, [...letters].sort().join("")]));
}
