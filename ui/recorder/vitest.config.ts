import { defineConfig } from "vitest/config";

/** One worker at a time: other tests run on the same machine. */
export default defineConfig({
  test: {
    environment: "happy-dom",
    environmentOptions: { happyDOM: { settings: { enableIframePageLoading: true } } },
    setupFiles: ["test/setup.ts"],
    include: ["test/**/*.test.ts"],
    pool: "threads",
    maxWorkers: 1,
    testTimeout: 60_000,
  },
});
