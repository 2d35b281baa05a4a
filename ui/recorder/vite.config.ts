import { defineConfig } from "vite";

/** One script without imports, in the folder from which the gateway serves it. */
export default defineConfig({
  build: {
    target: "es2020",
    outDir: "../../airis_ray/gateway/assets",
    emptyOutDir: false,
    sourcemap: false,
    lib: { entry: "src/index.ts", formats: ["iife"], name: "airisRecorder", fileName: () => "recorder.js" },
  },
});
