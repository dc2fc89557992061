import type { Page } from "@playwright/test";
import { contents, free, nothing, pointer } from "./moves";
import { expect, pictures, settled, sql, test } from "./world";

const from = "shard_1";
const to = "shard_2";

/** phase is what the page says of a phase of the move. */
const phase = (page: Page, name: string) =>
  page
    .getByRole("region", { name: "Phases" })
    .getByRole("listitem")
    .filter({ hasText: new RegExp(`^${name}`) });

/** contacts is how many rows write changes. */
async function contacts(shard: string, tenant: string): Promise<number> {
  const [row] = await sql<{ n: number }>(shard, "SELECT count(*)::int AS n FROM pwb_contacts WHERE website_id = $1::int", [tenant]);
  return row?.n ?? 0;
}

/** write changes rows of a tenant where it lives, as its application does. */
const write = (shard: string, tenant: string, what: string) =>
  sql(shard, "UPDATE pwb_contacts SET first_name = $2 WHERE website_id = $1::int", [tenant, what]);

async function confirm(page: Page, button: string): Promise<void> {
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Reason").fill("OPS-311: room on the source");
  await dialog.getByRole("button", { name: button, exact: true }).click();
  await expect(dialog).toHaveCount(0);
}

test("an online move that waits for its switch, and goes back", async ({ open, page }) => {
  test.setTimeout(300_000);
  const t = await free("demo", from, to);
  await open("demo", `/moves/new?tenant=${t.id}&target=${to}`);
  await expect(page.getByRole("radio", { name: "Online where possible" })).toBeChecked();
  await page.getByLabel("Stop before writes wait, and ask me").check();
  await page.getByRole("button", { name: "Make the plan" }).click();
  const figures = page.getByRole("region", { name: "The plan in figures" });
  await expect(figures.getByText("while the tenant writes")).toBeVisible();
  await expect(figures.getByText("at most 10 s")).toBeVisible();
  await expect(page.getByRole("heading", { name: "Mode: online" })).toBeVisible();
  await pictures(page, "move-online-plan");
  await page.getByRole("button", { name: "Start the move…" }).click();
  await expect(page.getByRole("dialog")).toContainText("Then the move waits until you switch.");
  await pictures(page, "move-online-start");
  await confirm(page, "Start the move");

  await expect(page.getByText("Waits for the switch")).toBeVisible({ timeout: 60_000 });
  await expect(phase(page, "Copy")).toContainText("rows");
  await expect(phase(page, "Verify")).toContainText("every row is equal");
  await expect(phase(page, "Catch up")).toContainText("the target follows");
  await expect(phase(page, "Switch")).toContainText("waits for you");
  await expect(phase(page, "Switch")).toHaveAttribute("aria-current", "step");
  await settled(page);
  await pictures(page, "move-online-held");

  // The tenant writes on until somebody switches.
  await write(from, t.id, "written while the move waits");
  const written = await contents(from, t.id);
  expect(written).not.toEqual(nothing);
  const changed = await contacts(from, t.id);
  expect(changed).toBeGreaterThan(0);
  await expect(page.getByRole("region", { name: "The move in figures" }).getByText("Behind").locator("..")).toContainText(
    `Behind${changed} rows`,
  );
  await settled(page);
  await pictures(page, "move-online-behind");
  await page.getByRole("button", { name: `Switch to ${to}…` }).click();
  await expect(page.getByRole("dialog")).toContainText(`Writes of ${t.label} wait for its last changes`);
  await pictures(page, "move-online-switch");
  await confirm(page, "Switch");
  await expect(page.getByText("Moved, source kept")).toBeVisible({ timeout: 60_000 });
  await expect(phase(page, "Switch")).toContainText(/writes waited [\d.]+ m?s/);
  expect(await pointer(t.id)).toBe(to);
  expect(await contents(to, t.id)).toEqual(written);
  await settled(page);
  await pictures(page, "move-online-retained");

  await write(to, t.id, "written after the switch");
  const later = await contents(to, t.id);
  expect(later).not.toEqual(written);
  await expect(page.getByText(`A rollback would carry ${changed} rows back`)).toBeVisible();
  await settled(page);
  await pictures(page, "move-online-carried-back");
  await page.getByRole("button", { name: "Move back…" }).click();
  await expect(page.getByRole("dialog")).toContainText(`while ${t.label} writes on`);
  await confirm(page, "Move back");
  await expect(page.getByText("Moved back", { exact: true })).toBeVisible({ timeout: 60_000 });
  await expect(phase(page, "Watch")).toContainText("moved back");
  expect(await pointer(t.id)).toBe(from);
  expect(await contents(from, t.id)).toEqual(later);
  expect(await contents(to, t.id), "the target holds none of its rows").toEqual(nothing);
  await settled(page);
  await pictures(page, "move-online-back");
});
