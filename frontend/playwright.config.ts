import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

// The system's own browser: Playwright's builds are not everywhere to be had.
const places = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
const browser = process.env.SHARD_ADMIN_BROWSER || places.find((p) => existsSync(p));
if (!browser) throw new Error("no Chromium was found: install it (`apt-get install chromium`), or set SHARD_ADMIN_BROWSER to the program");

export default defineConfig({
  testDir: "e2e",
  // `npm run pictures` draws what the README shows; it checks nothing.
  testMatch: process.env.SHARD_ADMIN_PICTURES ? "pictures.ts" : "*.spec.ts",
  outputDir: "e2e/results",
  globalSetup: "./e2e/setup.ts",
  // Each has fleets of its own; one alone waits for half of its time.
  workers: process.env.SHARD_ADMIN_WORLD ? 1 : 2,
  fullyParallel: false,
  retries: 0,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  forbidOnly: true,
  use: {
    browserName: "chromium",
    viewport: { width: 1440, height: 900 },
    timezoneId: "UTC",
    locale: "en-GB",
    screenshot: "only-on-failure",
    // Recording every step takes a fifth of the time: for looking into a failure.
    trace: process.env.SHARD_ADMIN_TRACE ? "retain-on-failure" : "off",
    launchOptions: {
      executablePath: browser,
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    },
  },
});
