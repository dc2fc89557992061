import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

// Go embeds dist/, so the folder must be there in a fresh clone: its .gitkeep
// is committed and comes back after each build.
function keepFolder(): Plugin {
  return {
    name: "keep-folder",
    apply: "build",
    closeBundle() {
      writeFileSync(resolve(import.meta.dirname, "dist/.gitkeep"), "");
    },
  };
}

export default defineConfig({
  plugins: [react(), keepFolder()],
  build: { target: "safari16", chunkSizeWarningLimit: 1200 },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/test/setup.ts"],
    testTimeout: 20_000,
    // One window for the files of a worker, cleaned after each test: making one for each
    // file, with everything that it imports, took two thirds of the time.
    isolate: false,
    maxWorkers: "100%",
    // No layout, so nothing of a menu can be seen to be focused: 5,000 lines for each.
    onConsoleLog: (log) => (log.includes("use-focus-trap] Failed to find focusable element") ? false : undefined),
  },
});
