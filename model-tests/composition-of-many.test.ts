/** As `composition.test.ts`, for what many do: a file of its own, so that both can run at once. */
import { describe, test } from "vitest";
import { expectExplored, exploreMs } from "./composition/expected.ts";
import { scenarios } from "./composition/scenarios.ts";

describe("every state and every move of", () => {
  for (const scenario of scenarios.values()) if (scenario.isOfMany) test(scenario.name, { timeout: exploreMs }, () => void expectExplored(scenario));
});
