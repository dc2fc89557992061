import { expect, pictures, power, settled, test } from "./world";

test("a shard that stops in front of the page turns red with reason and age, and comes back by itself", async ({ open, page }) => {
  test.setTimeout(150_000);
  await open("demo");
  const main = page.locator("main");
  await expect(main.getByText("Healthy").first()).toBeVisible();
  await settled(page);
  const row = main.getByRole("link", { name: "shard_2", exact: true }).first();
  await expect(row).toBeVisible();
  await expect(main.getByText("No answer")).toHaveCount(0);
  try {
    await power("shard_2", "stop");
    const stopped = Date.now();
    await expect(main.getByText("No answer").first()).toBeVisible({ timeout: 15_000 });
    const took = Date.now() - stopped;
    test.info().annotations.push({ type: "red after", description: `${took} ms` });
    expect(took).toBeLessThan(15_000);
    await expect(main.getByText(/^shard_2: /).first()).toBeVisible();
    await expect(main.getByText(/3 of \d shards answer/)).toBeVisible();
    await expect(main.getByText(/answered last \d+ s ago/)).toBeVisible();
    await settled(page);
    await pictures(page, "fleet-stopped", "two");
  } finally {
    await power("shard_2", "start");
  }
  // Nobody presses anything.
  await expect(main.getByText("No answer")).toHaveCount(0, { timeout: 60_000 });
  await expect(main.getByText(/3 of \d shards answer/)).toHaveCount(0);
});
