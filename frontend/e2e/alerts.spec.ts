import { call, expect, heard, pictures, settled, sql, test } from "./world";

const rule = "health.connections";
const named = "Type estates-eu to go on";

test("an alert in production is taken and silenced with a reason, and the trail says by whom", async ({ open, page }) => {
  await sql(
    "",
    `INSERT INTO shard_admin.alert (rule, subject, shard, severity, message, advice, state, since, fired_at, acknowledged_by, acknowledged_why)
     VALUES ($1::text, 'shard_1', 'shard_1', 'warning', '112 of 120 connections are taken', 'see who holds them',
             'firing', now() - interval '2 hours', now() - interval '2 hours', '', '')`,
    [rule],
  );
  try {
    await open("production", "/alerts");
    const alert = page.getByRole("row").filter({ hasText: "112 of 120 connections are taken" });
    await alert.getByRole("button", { name: "Acknowledge…" }).click();
    const dialog = page.getByRole("dialog");
    const take = dialog.getByRole("button", { name: "Acknowledge", exact: true });
    await expect(take, "nothing is taken without a reason").toBeDisabled();
    await dialog.getByLabel("Reason").fill("OPS-77: the import ends at noon");
    await expect(take, "in production the fleet is named").toBeDisabled();
    await dialog.getByLabel(named).fill("estates-eu");
    await pictures(page, "alert-acknowledge", "two");
    await take.click();
    await expect(dialog).toBeHidden();
    await expect(alert).toContainText("taken by ann@estates.example");
    await expect(alert.getByRole("button", { name: "Acknowledge…" })).toHaveCount(0);

    await alert.getByRole("button", { name: `Silence ${rule} of shard_1` }).click();
    await dialog.getByLabel("For", { exact: true }).selectOption("8h");
    await dialog.getByLabel("Reason").fill("OPS-77: until the import has ended");
    await dialog.getByLabel(named).fill("estates-eu");
    await pictures(page, "alert-silence", "two");
    await dialog.getByRole("button", { name: "Silence", exact: true }).click();
    await expect(dialog).toBeHidden();
    await expect(alert).toContainText("taken by ann@estates.example");
    const silence = page.getByRole("row").filter({ hasText: "OPS-77: until the import has ended" });
    await expect(silence).toContainText("health.connections of shard_1");
    await settled(page);
    await pictures(page, "alerts-silenced", "two");

    await silence.getByRole("button", { name: "End…" }).click();
    await dialog.getByLabel("Reason").fill("OPS-77: it has ended");
    await dialog.getByLabel(named).fill("estates-eu");
    await dialog.getByRole("button", { name: "End it" }).click();
    await expect(silence).toHaveCount(0);
    const said = await sql<{ action: string; reason: string }>(
      "",
      `SELECT e.body_json ->> 'action' AS action, e.body_json ->> 'reason' AS reason FROM shard_admin.audit_event e JOIN shard_admin.audit_link l ON l.event_id = e.event_id
       WHERE e.body_json ->> 'reason' LIKE 'OPS-77:%' ORDER BY l.seq`,
    );
    expect(said.map((e) => e.reason)).toEqual([
      "OPS-77: the import ends at noon",
      "OPS-77: until the import has ended",
      "OPS-77: it has ended",
    ]);
  } finally {
    await sql("", "DELETE FROM shard_admin.alert WHERE rule = $1::text", [rule]);
    await sql("", "DELETE FROM shard_admin.silence WHERE reason LIKE 'OPS-77:%'");
  }
});

test("who is told can be tried, and hears one message", async ({ open, page }) => {
  await open("production", "/alerts");
  const before = (await heard()).length;
  await page.getByRole("button", { name: "Test ops" }).click();
  await expect(page.getByText("A test message went out by ops.")).toBeVisible();
  const after = await heard();
  expect(after.length - before, "once").toBe(1);
  expect(JSON.stringify(after.at(-1))).toContain("estates-eu");
  expect((await call<{ channels: { name: string }[] }>("production", "Alerts/List", false)).channels.map((c) => c.name)).toEqual(["ops"]);
});
