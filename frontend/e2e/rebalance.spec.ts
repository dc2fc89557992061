import { call, expect, pictures, settled, test } from "./world";

interface Plans {
  needed: boolean;
  tenants: number;
  plans: { strategy: string; id: string; moves: { tenant: string; label: string; target: string }[] }[];
}

const plans = (fleet: "demo" | "production" | "partial" | "empty") => call<Plans>(fleet, "Rebalance/Plan", { max_moves: 0, max_bytes: 0 });

test("three plans side by side, today and after, and why", async ({ open, page }) => {
  test.setTimeout(240_000);
  const { plans: three } = await plans("demo");
  expect(three.map((p) => p.strategy)).toEqual(["fewest-moves", "fewest-bytes", "most-even"]);
  await open("demo", "/rebalance?plan=most-even");
  await expect(page.getByRole("heading", { name: "Rebalance" })).toBeVisible();
  await expect(page.getByRole("radio", { name: /Most even/ })).toBeChecked();
  await settled(page);
  const even = three.find((p) => p.strategy === "most-even");
  if (even && even.moves.length > 0)
    await expect(
      page
        .getByRole("region", { name: "Moves of the plan" })
        .getByText(even.moves[0]?.label ?? "")
        .first(),
    ).toBeVisible();
  await pictures(page, "rebalance");
  await page.getByRole("radio", { name: /Fewest moves/ }).check();
  await expect(page).toHaveURL(/plan=fewest-moves/);
  await page.mouse.wheel(0, 4000);
  await page.locator("main").evaluate((m) => m.scrollTo(0, m.scrollHeight));
  await pictures(page, "rebalance-below");
});

test("in production the fleet's name is typed in before moves are queued", async ({ open, page }) => {
  test.setTimeout(240_000);
  const { plans: three } = await plans("production");
  const even = three.find((p) => p.strategy === "most-even");
  expect(even?.moves.length, "the sample tenants are spread unevenly").toBeGreaterThan(0);
  await open("production", "/rebalance?plan=most-even");
  await page.getByRole("button", { name: /^Queue \d+ moves?…$/ }).click();
  const sure = page.getByRole("dialog");
  await sure.getByLabel("Reason").fill("OPS-412: room on shard_1");
  await expect(sure.getByRole("button", { name: /^Queue \d+ moves?$/ })).toBeDisabled();
  await pictures(page, "rebalance-confirm");
  await sure.getByRole("button", { name: "Cancel" }).click();
  await expect(sure).toBeHidden();
});

test("a silent shard is left out with its reason, and a fleet without tenants says so", async ({ open, page }) => {
  test.setTimeout(240_000);
  await open("partial", "/rebalance");
  await expect(page.getByRole("region", { name: "Shards, today and after" })).toBeVisible();
  await settled(page);
  await pictures(page, "rebalance-partial");
  await open("empty", "/rebalance");
  await expect(page.getByText("No tenants yet")).toBeVisible();
  await pictures(page, "rebalance-empty");
});
