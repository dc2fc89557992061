import { mkdirSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Page } from "@playwright/test";
import { largest, replay, start, watch } from "./moves";
import { expect, schemes, settled, test } from "./world";

// The README's pictures: `npm run pictures` after `make build-headless`.

const folder = resolve(import.meta.dirname, "../../docs/images");
const most = 200_000;

async function draw(page: Page, name: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await page.setViewportSize({ width: 1440, height: 900 });
  for (const scheme of schemes) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    const path = resolve(folder, scheme === "light" ? `${name}.png` : `${name}-${scheme}.png`);
    await page.screenshot({ path, animations: "disabled", caret: "hide" });
    expect(statSync(path).size, path).toBeLessThan(most);
  }
}

test("the fleet and a move", async ({ open, page }) => {
  const [big] = await largest("shard_2");
  if (!big) throw new Error("shard_2 has no tenant");
  const moving = await start("production", String(big.id), "shard_1", { confirm: big.subdomain });
  const seen = await watch("production", moving.id);
  const copying = seen.filter((m) => m.state === "copying" && m.rows_copied < m.rows * 0.9);
  expect(copying.length, "moments in which rows were copied").toBeGreaterThan(3);

  await open("production", "/");
  await expect(page.locator("main").getByText("shard_2").first()).toBeVisible();
  await settled(page);
  await page.waitForTimeout(2500);
  await draw(page, "fleet");

  // The last of them: by then it is known how fast it goes.
  await replay(page, copying.slice(-4));
  await open("production", `/moves/${moving.id}`);
  await expect(page.getByRole("heading", { name: big.subdomain })).toBeVisible();
  await expect(page.locator("svg.chart")).toBeVisible();
  await page.waitForTimeout(1500);
  await draw(page, "move");
});
