/** The flows of `flows/*.md`, walked through the machines. */
import { describe, test } from "vitest";
import { blocks, walk } from "./flow-blocks.ts";

const flows = blocks().filter(({ kind }) => kind === "flow");

for (const file of new Set(flows.map((block) => block.file))) {
  const ofFile = flows.filter((block) => block.file === file);
  describe(`${file}: ${ofFile[0]!.title}`, () => {
    for (const block of ofFile) {
      test(`${block.number}: ${block.of}`, () => walk(block));
    }
  });
}
