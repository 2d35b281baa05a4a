import { defineConfig } from "vite";

const NOTICE = `/*! AIRIS-Ray recorder, Apache-2.0. Contains rrweb (https://github.com/rrweb-io/rrweb), MIT licence,
Copyright (c) 2018 Contributors (https://github.com/rrweb-io/rrweb/graphs/contributors) and SmartX Inc. */`;

/** One script without imports, in the folder from which the gateway serves it. */
export default defineConfig({
  build: {
    target: "es2020",
    outDir: "../../airis_ray/gateway/assets",
    emptyOutDir: false,
    sourcemap: false,
    lib: { entry: "src/index.ts", formats: ["iife"], name: "airisRecorder", fileName: () => "recorder.js" },
    rolldownOptions: { output: { postBanner: NOTICE } },
  },
});
