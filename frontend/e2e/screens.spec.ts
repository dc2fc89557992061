import { call, expect, pictures, settled, test } from "./world";

/** The page shows each screen whole. */
const whole: [name: string, path: string, there: string][] = [
  ["fleet", "/", "shard_2"],
  ["fleet-compare", "/?tab=compare", "Versions of PostgreSQL"],
  ["shard", "/shards/shard_1", "shard_1"],
  ["shard-tenants", "/shards/shard_1?tab=tenants", "Of the shard"],
  ["shard-health", "/shards/shard_1?tab=health", "Could not look"],
  ["shard-space", "/shards/shard_1?tab=space", "Days to full"],
  ["shard-queries", "/shards/shard_1?tab=queries", "Open transactions"],
  ["shard-locks", "/shards/shard_1?tab=locks", "Who waits for whom"],
  ["shard-tables", "/shards/shard_1?tab=tables", "pwb_features"],
  ["shard-replication", "/shards/shard_1?tab=replication", "Replication slots"],
  ["shard-settings", "/shards/shard_1?tab=settings", "shared_buffers"],
  ["tenants", "/tenants", "site-001"],
  ["tenant", "/tenants/2", "site-002"],
  ["alerts", "/alerts", "Who is told"],
  ["map", "/map", "pwb_contacts"],
  ["audit", "/audit", "Chain of"],
  ["settings-fleets", "/settings?tab=fleets", "property_web_builder_demo"],
  ["settings-policy", "/settings?tab=policy", "SHARD_MIGRATIONS_ENABLED"],
  ["settings-schema", "/settings?tab=install", "Installed"],
  ["settings-computer", "/settings?tab=computer", "time_zone"],
];

for (const [name, path, there] of whole) {
  test(`${name}: whole`, async ({ open }) => {
    const page = await open("demo", path);
    await expect(page.locator("main").getByText(there).first()).toBeVisible();
    await settled(page);
    await pictures(page, name);
  });
}

test("first start", async ({ open }) => {
  const page = await open("first");
  await expect(page.getByRole("heading", { name: "Welcome to Shard Admin" })).toBeVisible();
  await pictures(page, "first-start");
});

test("the e-mail of whoever works here is asked for at the first start", async ({ open, page }) => {
  await open("first");
  await page.getByLabel("Your e-mail").fill("not an address");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByLabel("Your e-mail").fill("cy@estates.example");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByLabel("Your e-mail")).toHaveCount(0);
  expect((await call<{ operator: string }>("first", "Shell/Info")).operator).toBe("cy@estates.example");
  await settled(page);
});
