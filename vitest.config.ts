import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { setupFiles: ["model-tests/live-traces.ts"], include: ["model-tests/**/*.test.ts"], testTimeout: 20_000, hookTimeout: 30_000 },
});
