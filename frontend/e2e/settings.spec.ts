import type { Locator, Page } from "@playwright/test";
import { call, expect, keychain, pictures, schemes, sql, test, violations } from "./world";

// One after the other on one fleet: it is installed, governed, and then its password changes.
test.describe.configure({ mode: "serial" });

const fleet = "fresh";
const operator = "ann@estates.example";
const role = "page_operator";
const first = "page-secret-2207"; // of the role in internal/pgtest/pagefleet

/** On the server of control, whose databases the superuser all sees. */
const isInstalled = async () => (await call<{ installed: boolean }>(fleet, "Settings/InstallStatus")).installed;

test("what would be installed is shown to a DBA, and nothing is done", async ({ open, page }) => {
  await open(fleet, "/settings?tab=install");
  const main = page.locator("main");
  await expect(main.getByText("Not installed: look only")).toBeVisible();
  await main.getByRole("button", { name: "Show the SQL for a DBA" }).click();
  await expect(main.getByText("CREATE SCHEMA").first()).toBeVisible();
  await pictures(page, "settings-install-sql");
  expect(await isInstalled()).toBe(false);
});

test("a flag of the fleet has no place before the schema is there", async ({ open, page }) => {
  await open(fleet, "/settings?tab=policy");
  await expect(page.getByText("Everyone may look and nobody may change.")).toBeVisible();
  await pictures(page, "settings-policy-empty");
  await page.getByRole("button", { name: "Turn SHARD_BULK_OPS_ENABLED off for the fleet" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Reason").fill("a freeze");
  await dialog.getByRole("button", { name: "Turn it off" }).click();
  await expect(dialog.getByRole("alert")).toContainText("not_installed");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(dialog).toHaveCount(0);
  await page.getByRole("button", { name: "Turn SHARD_BULK_OPS_ENABLED off for the fleet" }).click();
  await expect(dialog.getByRole("alert"), "an answer of before is not shown again").toHaveCount(0);
});

test("the schema is installed, with whoever does it as the first admin", async ({ open, page }) => {
  await open(fleet, "/settings?tab=install");
  const main = page.locator("main");
  await main.getByRole("button", { name: "Install…" }).click();
  const dialog = page.getByRole("dialog");
  const go = dialog.getByRole("button", { name: "Install", exact: true });
  await expect(go, "a reason is needed").toBeDisabled();
  await dialog.getByLabel("Reason").fill("we begin to move tenants");
  await pictures(page, "settings-install");
  await go.click();
  await expect(dialog).toHaveCount(0, { timeout: 30_000 });
  await expect(main.getByText("Installed", { exact: true })).toBeVisible();
  await expect(main.getByRole("button", { name: "Upgrade…" }), "this is the version that the program brings").toBeDisabled();
  expect(await isInstalled()).toBe(true);
  const { events } = await call<{ events: { action: string; note: string; actor: string }[] }>(fleet, "Audit/List", { limit: 1 });
  expect(events[0]).toMatchObject({ action: "fleet.install", note: "we begin to move tenants", actor: operator });
  await page.getByRole("tab", { name: "Operators and policy" }).click();
  const row = page.getByRole("row").filter({ hasText: operator });
  await expect(row).toContainText("admin");
  await expect(row).toContainText(role);
});

test("a flag is turned off and on for the whole fleet", async ({ open, page }) => {
  await open(fleet, "/settings?tab=policy");
  const row = (flag: string) => page.getByRole("row").filter({ has: page.getByText(flag, { exact: true }) });
  const turn = async (flag: string, how: "off" | "on", reason: string) => {
    await page.getByRole("button", { name: `Turn ${flag} ${how} for the fleet` }).click();
    const dialog = page.getByRole("dialog");
    const go = dialog.getByRole("button", { name: `Turn it ${how}` });
    await expect(go).toBeDisabled();
    await dialog.getByLabel("Reason").fill(reason);
    if (flag === "SHARD_MIGRATIONS_ENABLED" && how === "off") await pictures(page, "settings-flag");
    await go.click();
    await expect(dialog).toHaveCount(0);
  };
  const flags = async () =>
    Object.fromEntries((await call<{ flags: { flag: string; on: boolean }[] }>(fleet, "Settings/Policy")).flags.map((f) => [f.flag, f.on]));
  await expect(row("SHARD_MIGRATIONS_ENABLED")).toContainText("On");
  await turn("SHARD_MIGRATIONS_ENABLED", "off", "a freeze over the weekend");
  await expect(row("SHARD_MIGRATIONS_ENABLED")).toContainText("Off");
  await expect(row("SHARD_MIGRATIONS_ENABLED")).toContainText("by the fleet's own policy");
  await expect(row("SHARD_BULK_OPS_ENABLED"), "what needs it is off with it").toContainText("Off");
  await expect(row("SHARD_ASSIGNMENT_ENABLED")).toContainText("On");
  await pictures(page, "settings-flags-off");
  expect(await flags()).toMatchObject({ SHARD_ASSIGNMENT_ENABLED: true, SHARD_MIGRATIONS_ENABLED: false, SHARD_BULK_OPS_ENABLED: false });
  const [newest] = (await call<{ events: { action: string; note: string }[] }>(fleet, "Audit/List", { limit: 1 })).events;
  expect(newest).toMatchObject({ action: "policy.set", note: "a freeze over the weekend" });
  await turn("SHARD_MIGRATIONS_ENABLED", "on", "the freeze is over");
  await expect(row("SHARD_MIGRATIONS_ENABLED")).toContainText("On");
  await expect(row("SHARD_BULK_OPS_ENABLED")).toContainText("On");
  // Who turns off everything can still turn it on again.
  await turn("SHARD_ADMIN_ENABLED", "off", "nobody changes anything");
  await expect(row("SHARD_ASSIGNMENT_ENABLED")).toContainText("Off");
  await turn("SHARD_ADMIN_ENABLED", "on", "go on");
  await expect(row("SHARD_BULK_OPS_ENABLED")).toContainText("On");
});

/** credential opens the dialog of the control database's. */
async function credential(page: Page): Promise<Locator> {
  const dialog = page.getByRole("dialog", { name: "Credential control" });
  await page.getByRole("button", { name: "Credential control" }).first().click();
  await expect(dialog).toBeVisible();
  return dialog;
}

const changePassword = (to: string) => sql("default", `ALTER ROLE ${role} PASSWORD '${to}'`);

test("a credential is kept, tried, rotated and forgotten", async ({ open, page }) => {
  test.skip(
    process.platform !== "linux",
    "the keychain made for this test is gnome-keyring on a bus of its own; elsewhere it would write to that of whoever runs it",
  );
  expect(keychain(), "gnome-keyring and dbus are needed").toBe(true);
  test.setTimeout(150_000);
  await open(fleet, "/settings?tab=fleets");
  const dialog = await credential(page);
  const says = (text: string) => expect(dialog.locator(".st", { hasText: text })).toBeVisible();
  const button = (name: string) => dialog.getByRole("button", { name, exact: true });
  const keep = async (name: "Keep in the keychain" | "Rotate", password: string) => {
    if (name === "Keep in the keychain") await dialog.getByLabel("User name").fill(role);
    await dialog.getByLabel("Password", { exact: true }).fill(password);
    await button(name).click();
  };

  // Before anything is kept the environment has the password.
  await says(`${role} opens its databases`);
  await expect(dialog.getByText("with the password of the environment")).toBeVisible();
  await expect(button("Rotate"), "nothing is kept that could be rotated").toBeDisabled();
  await expect(button("Forget…"), "or forgotten").toBeDisabled();
  await pictures(page, "settings-credential");

  // A wrong one is kept, as it was asked for, and said to be refused.
  await keep("Keep in the keychain", "not this one");
  await says(`Kept: ${role} does not open its databases`);
  await expect(dialog.getByRole("alert")).toContainText("login_refused");
  await expect(dialog.getByRole("alert")).toContainText("What to do:");
  await expect(dialog.getByRole("alert"), "it was kept, and that is said").toContainText(
    "Safe now: no database was changed; the credential that was tried is the one that is kept",
  );
  await expect(dialog.getByLabel("Password", { exact: true }), "a password does not stay in a field").toHaveValue("");
  await pictures(page, "settings-credential-refused");
  await button("Test").click();
  await expect(dialog.locator(".st", { hasText: "Kept" })).toHaveCount(0);
  await says(`${role} does not open its databases`);

  await keep("Keep in the keychain", first);
  await says(`Kept: ${role} opens its databases`);
  await expect(dialog.getByText("with the password of the keychain")).toBeVisible();
  await expect(dialog.getByRole("alert")).toHaveCount(0);

  // The database has another one: what is open already does not hide that.
  await changePassword("page-secret-8811");
  try {
    await button("Test").click();
    await says(`${role} does not open its databases`);
    await keep("Rotate", "nor this one");
    await expect(dialog.getByRole("alert")).toContainText("It was not rotated");
    await expect(dialog.getByRole("alert")).toContainText("the kept password stays");
    await expect(dialog.getByRole("alert")).toContainText("login_refused");
    await pictures(page, "settings-credential-not-rotated");
    await keep("Rotate", "page-secret-8811");
    await says(`Rotated: ${role} opens its databases`);
    await expect(dialog.getByRole("alert")).toHaveCount(0);
    expect(await call(fleet, "Settings/TestCredential", "control")).toMatchObject({ ok: true, source: "keychain", user: role });
  } finally {
    await changePassword(first);
  }
  await button("Test").click();
  await says(`${role} does not open its databases`);

  await button("Forget…").click();
  const sure = page.getByRole("dialog", { name: "Forget the credential control" });
  await expect(sure.getByText("the database keeps its own")).toBeVisible();
  await sure.getByRole("button", { name: "Cancel" }).click();
  expect(await call(fleet, "Settings/TestCredential", "control"), "Cancel forgets nothing").toMatchObject({ source: "keychain" });
  await button("Forget…").click();
  await pictures(page, "settings-credential-forget");
  await sure.getByRole("button", { name: "Forget it" }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  expect(await call(fleet, "Settings/TestCredential", "control")).toMatchObject({ ok: true, source: "environment", user: role });
  const again = await credential(page);
  await expect(again.getByText("with the password of the environment")).toBeVisible();
});

test("what this computer lacks is said with what to do", async ({ open, page }) => {
  const { checks } = await call<{ checks: { name: string; status: string; message: string; fix: string }[] }>("demo", "Settings/Doctor");
  expect(checks.map((c) => c.name)).toEqual(["home folder", "settings", "fleets", "keychain", "PostgreSQL binaries", "display"]);
  await open("demo", "/settings?tab=computer");
  const list = page.getByRole("list", { name: "What was looked at" });
  await expect(list.getByRole("listitem")).toHaveCount(checks.length);
  for (const c of checks) {
    const item = list.getByRole("listitem").filter({ hasText: c.name }).filter({ hasText: c.message });
    await expect(item).toHaveCount(1);
    if (c.fix) await expect(item).toContainText(`What to do: ${c.fix}`);
  }
  // Nobody has said who works on the demo, which is a warning with its remedy.
  await expect(list.getByRole("listitem").filter({ hasText: "nobody said who you are" })).toContainText("settings set operator_email");
  // It is below the fold of a small window.
  await page.setViewportSize({ width: 1024, height: 700 });
  const panel = page.locator("section.panel").filter({ has: list });
  for (const scheme of schemes) {
    await page.emulateMedia({ colorScheme: scheme });
    await panel.screenshot({ path: `e2e/screenshots/settings-diagnostics-${scheme}-1024.png`, animations: "disabled" });
  }
  expect(await violations(page)).toEqual([]);
});
