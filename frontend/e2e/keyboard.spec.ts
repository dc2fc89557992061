import type { Page } from "@playwright/test";
import { contents, free, nothing, pointer } from "./moves";
import { expect, pictures, sql, test } from "./world";

// No test here touches the mouse.

const fleet = "production";
const password = "page-secret-2207"; // of the role in internal/pgtest/pagefleet

/** tabTo goes on with Tab until something that is called so has the focus. */
async function tabTo(page: Page, name: string | RegExp): Promise<void> {
  const named = page.getByRole("dialog").or(page.locator("body")).last();
  const wanted = named.getByRole("button", { name }).or(named.getByLabel(name)).or(named.getByRole("link", { name })).first();
  for (let i = 0; i < 80; i++) {
    if (await wanted.evaluate((e) => e === document.activeElement).catch(() => false)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not reach ${String(name)}`);
}

/** move goes from wherever the page is to a finished move, and draws the way where asked to. */
async function move(page: Page, label: string, target: string, drawn = false): Promise<void> {
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible(); // before it nobody hears keys
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("combobox", { name: "Search shards, tenants, actions" })).toBeFocused();
  await page.keyboard.type("move a ten");
  await expect(page.getByRole("dialog").getByRole("option").first()).toContainText("Move a tenant");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Move a tenant" })).toBeVisible();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(page.getByRole("button", { name: /^Choose / }).first()).toBeVisible();
  if (drawn) await pictures(page, "wizard-choose", "two");
  await page.keyboard.press("/");
  await page.keyboard.type(label);
  await expect(page.getByRole("button", { name: `Choose ${label}` })).toBeVisible();
  await expect(page.getByRole("button", { name: /^Choose / })).toHaveCount(1);
  await page.keyboard.press("Enter");
  const to = page.getByLabel("Target shard");
  await expect(to).toBeFocused();
  await expect(to.locator("option", { hasText: target })).toHaveCount(1);
  // A list forgets what was typed after a second, which a busy computer may need for a letter.
  await expect(async () => {
    await page.keyboard.type(target);
    await page.keyboard.press("Enter");
    await expect(to).toHaveValue(target, { timeout: 2000 });
  }).toPass({ timeout: 30_000 });
  await tabTo(page, "Go on without a second worker that could take over");
  await page.keyboard.press("Space");
  await tabTo(page, "Make the plan");
  await page.keyboard.press("Enter");
  const begin = page.getByRole("button", { name: "Start the move…" });
  await expect(begin).toBeFocused();
  await page.keyboard.press("Enter");
  await confirm(page, "Start the move", label, "OPS-311: the target has room", drawn ? "move-start-production" : "");
  await expect(page.getByText("Moved, source kept")).toBeVisible({ timeout: 60_000 });
}

/** confirm answers the question of a change in production, and draws it under a name. */
async function confirm(page: Page, button: string, name: string, reason: string, drawn = ""): Promise<void> {
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByText("This changes production.")).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Cancel", exact: true })).toBeFocused();
  const go = dialog.getByRole("button", { name: button, exact: true });
  await expect(go).toBeDisabled();
  await tabTo(page, "Reason");
  await page.keyboard.type(reason);
  await tabTo(page, `Type ${name} to go on`);
  await page.keyboard.type(name.slice(0, -1));
  await page.keyboard.press("Enter");
  await expect(go, "a part of the name is not the name").toBeDisabled();
  if (drawn) await pictures(page, drawn, "two");
  await page.keyboard.type(name.slice(-1));
  await page.keyboard.press("Enter");
  await expect(dialog, "Enter does nothing").toBeVisible();
  await tabTo(page, button);
  await page.keyboard.press("Enter");
}

test("a move there and back without the mouse", async ({ open, page }) => {
  test.setTimeout(150_000);
  const t = await free(fleet, "shard_1", "shard_2");
  const before = await contents("shard_1", t.id);
  expect(before).not.toEqual(nothing);
  await open(fleet);
  await expect(page.locator("main").getByText("shard_2").first()).toBeVisible();
  await move(page, t.label, "shard_2", true);
  expect(await pointer(t.id)).toBe("shard_2");
  expect(await contents("shard_2", t.id)).toEqual(before);
  expect(await contents("shard_1", t.id), "the source keeps its copy").toEqual(before);

  // What the tenant writes on its new shard comes back with it.
  await sql("shard_2", "UPDATE pwb_contacts SET first_name = 'written after the switch' WHERE website_id = $1::int", [t.id]);
  const written = await contents("shard_2", t.id);
  expect(written).not.toEqual(before);
  await tabTo(page, "Move back…");
  await page.keyboard.press("Enter");
  await confirm(page, "Move back", t.label, "OPS-311: not what we wanted");
  await expect(page.getByText("Moved back", { exact: true })).toBeVisible({ timeout: 60_000 });
  expect(await pointer(t.id)).toBe("shard_1");
  expect(await contents("shard_1", t.id)).toEqual(written);
  expect(await contents("shard_2", t.id), "the target holds none of its rows").toEqual(nothing);
});

test("a move to its end without the mouse", async ({ open, page }) => {
  test.setTimeout(240_000);
  const t = await free(fleet, "shard_2", "shard_1");
  const before = await contents("shard_2", t.id);
  await open(fleet, "/tenants");
  await move(page, t.label, "shard_1");
  await tabTo(page, "Finalize…");
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await tabTo(page, "The database password, once more");
  await page.keyboard.type("not this one");
  await tabTo(page, "Reason");
  await page.keyboard.type("OPS-311: a week without complaints");
  await tabTo(page, `Type ${t.label} to go on`);
  await page.keyboard.type(t.label);
  await pictures(page, "move-finalize-production", "two");
  await tabTo(page, "Delete the copy");
  await page.keyboard.press("Enter");
  await expect(dialog.getByRole("alert"), "another password is refused").toBeVisible();
  await pictures(page, "move-finalize-refused", "two");
  expect(await contents("shard_2", t.id), "and nothing was deleted").toEqual(before);
  await tabTo(page, "The database password, once more");
  await page.keyboard.press("Control+a");
  await page.keyboard.type(password);
  await tabTo(page, "Delete the copy");
  await page.keyboard.press("Enter");
  await expect(page.locator(".st", { hasText: /^Finished$/ })).toBeVisible({ timeout: 150_000 });
  expect(await pointer(t.id)).toBe("shard_1");
  expect(await contents("shard_1", t.id)).toEqual(before);
  expect(await contents("shard_2", t.id), "the source holds none of its rows").toEqual(nothing);
});

test("keys of the page", async ({ open, page }) => {
  await open("demo");
  await expect(page.getByRole("heading", { name: "Fleet", level: 1 })).toBeVisible();
  for (const [key, title] of [
    ["t", "Tenants"],
    ["m", "Moves"],
    ["p", "Table map"],
    ["a", "Audit"],
    ["s", "Settings"],
    ["f", "Fleet"],
  ] as const) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await expect(page.getByRole("heading", { name: title, level: 1 })).toBeVisible();
  }
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard" })).toBeVisible();
  await pictures(page, "keys", "two");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("combobox")).toBeFocused();
  await pictures(page, "palette", "two");
  await page.keyboard.type("site-017");
  await expect(page.getByRole("option").first()).toContainText("site-017");
  await pictures(page, "palette-found", "two");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "site-017" })).toBeVisible();
  await expect(page.getByRole("dialog")).toHaveCount(0);

  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await expect(page.getByRole("heading", { name: "Tenants", level: 1 })).toBeVisible();
  await expect(page.locator("tr[data-index='5']")).toContainText("site-006");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  await expect(page.locator("tr[data-index='1']")).toHaveAttribute("data-cursor", "true");
  await page.keyboard.press("Space");
  await expect(page.locator("tr[data-index='1'] input[type=checkbox]")).toBeChecked();
  const name = await page
    .locator("tr[data-index='1']")
    .getByText(/^site-\d+$/)
    .textContent();
  await page.keyboard.press("/");
  await expect(page.locator("[data-filter]")).toBeFocused();
  await page.keyboard.type("j");
  await expect(page.locator("[data-filter]"), "keys of a table are letters in a field").toHaveValue("j");
  await page.keyboard.press("Backspace");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Tab");
  await page.goto(page.url()); // the cursor is where the eye is: at the top again
  await expect(page.locator("tr[data-index='1']")).toContainText(name ?? "?");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toContainText(name ?? "?");
});
