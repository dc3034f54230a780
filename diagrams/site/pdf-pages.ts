/** Reads a PDF back: its words, page by page, and the pages on which its parts begin. */
import type { PDFDocumentProxy } from "pdfjs-dist";
import { getDocument } from "pdfjs-dist/legacy/build/pdf.mjs";

const opened = (pdf: Uint8Array): Promise<PDFDocumentProxy> => getDocument({ data: new Uint8Array(pdf), verbosity: 0 }).promise;

/** Of every heading of the first rank, in order, the page on which it stands, counted from 1. */
export async function pagesOfParts(pdf: Uint8Array): Promise<number[]> {
  const document = await opened(pdf);
  const pages: number[] = [];
  for (const { dest } of (await document.getOutline()) ?? []) {
    const explicit = typeof dest === "string" ? await document.getDestination(dest) : dest;
    pages.push((await document.getPageIndex(explicit![0])) + 1);
  }
  return pages;
}

export async function textOfPages(pdf: Uint8Array): Promise<string[]> {
  const document = await opened(pdf);
  const pages: string[] = [];
  for (let number = 1; number <= document.numPages; number++) {
    const { items } = await (await document.getPage(number)).getTextContent();
    pages.push(items.map((item) => ("str" in item ? item.str : "")).join(" "));
  }
  return pages;
}
