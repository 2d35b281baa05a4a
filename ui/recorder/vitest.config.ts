import { defineConfig } from "vitest/config";

/** One worker: loading the DOM costs more than all tests together. */
export default defineConfig({
  test: {
    environment: "happy-dom",
    environmentOptions: { happyDOM: { settings: { enableIframePageLoading: true } } },
    setupFiles: ["test/setup.ts"],
    include: ["test/**/*.test.ts"],
    pool: "threads",
    maxWorkers: 1,
    isolate: false,
    testTimeout: 60_000,
  },
});
