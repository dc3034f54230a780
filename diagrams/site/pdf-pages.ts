/** Reads a PDF back: the pages on which its parts begin. */
import { getDocumentProxy } from "unpdf";

/** Of every heading of the first rank, in order, the page on which it stands, counted from 1. */
export async function pagesOfParts(pdf: Uint8Array): Promise<number[]> {
  const document = await getDocumentProxy(new Uint8Array(pdf), { verbosity: 0 });
  const pages: number[] = [];
  for (const { dest } of (await document.getOutline()) ?? []) {
    const explicit = typeof dest === "string" ? await document.getDestination(dest) : dest;
    pages.push((await document.getPageIndex(explicit![0])) + 1);
  }
  return pages;
}
