import type { Page } from "@playwright/test";
import { call, expect, pictures, settled, sql, test } from "./world";

// Both begin where nobody has connected anything yet; the demo, which stays, comes last.
test.describe.configure({ mode: "serial" });

const role = "page_newcomer";

/** address is that of control as a person would write it. */
async function address(): Promise<string> {
  const [at] = await sql<{ port: string; database: string }>(
    "",
    "SELECT current_setting('port') AS port, current_database()::text AS database",
  );
  return `postgres://${role}@127.0.0.1:${at?.port}/${at?.database}?sslmode=disable`;
}

/** run gives the rights that the page shows, as the database's owner would. */
async function run(page: Page): Promise<void> {
  for (const grant of await page.locator("pre.code").allTextContents()) await sql("", grant);
}

test("whoever connects is told which rights are missing, runs what is shown, and is in", async ({ open, page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await sql("", `CREATE ROLE ${role} LOGIN NOSUPERUSER PASSWORD 'page-secret-2207'`);
  try {
    await open("newcomer");
    await expect(page.getByRole("heading", { name: "Welcome to Shard Admin" })).toBeVisible();
    await page.getByRole("textbox", { name: "Name" }).fill("estates-new");
    await page.getByRole("combobox", { name: "Environment" }).selectOption("staging");
    await page.getByRole("textbox", { name: "Control database" }).fill(await address());
    await page.getByRole("button", { name: "Test the connections" }).click();
    await expect(page.getByText("Rights missing").first()).toBeVisible();
    const grant = page.locator("pre.code", { hasText: /^GRANT "pg_monitor"/ }).first();
    await expect(grant).toContainText(role);
    await grant.scrollIntoViewIfNeeded();
    await pictures(page, "first-start-rights");
    await grant.locator("..").getByRole("button", { name: "Copy the grant" }).click();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(await grant.textContent());

    // What is shown is enough, once it was run as often as there is something new to show.
    await expect(async () => {
      await run(page);
      const tried = page.waitForResponse("**/bindings/Settings/TryFleet");
      await page.getByRole("button", { name: "Test again" }).click();
      await tried;
      await expect(page.getByText("Complete", { exact: true }).first()).toBeVisible({ timeout: 2000 });
      await expect(page.getByText("Rights missing")).toHaveCount(0);
    }).toPass({ timeout: 30_000 });
    expect((await call<{ fleets: unknown[] }>("newcomer", "Settings/Fleets")).fleets, "nothing is kept before").toEqual([]);
    await page.getByRole("button", { name: "Keep it and open it" }).click();
    await expect(page.getByRole("heading", { name: "Fleet", level: 1 })).toBeVisible();
    await expect(page.locator("main").getByText("Healthy").first()).toBeVisible();
    await settled(page);
    await pictures(page, "first-start-in", "two");
  } finally {
    await call("newcomer", "Settings/RemoveFleet", "estates-new").catch(() => undefined);
    await sql("", `DROP OWNED BY ${role}`);
    await sql("", `DROP ROLE ${role}`);
  }
});

test("whoever tries the demo fleet sees how far it is, and is in it", async ({ open, page }) => {
  test.setTimeout(180_000);
  await open("newcomer");
  await page.getByRole("button", { name: "Try the demo fleet" }).click();
  await expect(page.getByRole("button", { name: "Try the demo fleet" })).toBeDisabled();
  const step = page.locator(".first .st.tone-run");
  await expect(step).toBeVisible();
  await pictures(page, "first-start-demo", "two");
  await expect(page.getByRole("heading", { name: "Fleet", level: 1 })).toBeVisible({ timeout: 120_000 });
  await expect(page.locator("main").getByText("Healthy")).toHaveCount(4, { timeout: 30_000 });
});
