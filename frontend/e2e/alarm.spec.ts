import { call, expect, pictures, settled, sql, test } from "./world";

/** head has the end of the trail stand at an entry counted from the newest, which no event gives away. */
async function head(back: number): Promise<void> {
  const guards = (what: string) => sql("", `ALTER TABLE shard_admin.audit_head ${what} TRIGGER audit_only_sealing`);
  await guards("DISABLE");
  await sql(
    "",
    `UPDATE shard_admin.audit_head SET (seq, hash, sealed_at) =
      (SELECT seq, hash, sealed_at FROM shard_admin.audit_link ORDER BY seq DESC OFFSET $1::int LIMIT 1)`,
    [back],
  );
  await guards("ENABLE ALWAYS");
}

test("a trail whose end was cut is an alarm on the Fleet screen, with what to do", async ({ open, page }) => {
  test.setTimeout(120_000);
  await call("demo", "Alerts/Silence", { shard: "shard_3", rule: "", begins: "", ends: "1m", every: "", note: "a new disk" });
  expect((await call<{ seq: number }>("demo", "Audit/Sync")).seq).toBeGreaterThan(1);
  await open("demo");
  const banner = page.getByRole("alert", { name: "The audit trail was tampered with" });
  await settled(page);
  await expect(banner).toHaveCount(0);
  await head(1);
  try {
    await expect(call("demo", "Audit/Sync")).rejects.toThrow("mirror_conflict");
    await expect(banner).toBeVisible({ timeout: 15_000 });
    await expect(banner).toContainText("cut off on the server");
    await expect(banner).toContainText("What to do:");
    await pictures(page, "fleet-alarm", "two");
    await page.getByRole("link", { name: "Show the alarm" }).click();
    await expect(page.getByRole("alert", { name: "Alarm of the audit trail" })).toBeVisible();
    await expect(banner).toHaveCount(0);
  } finally {
    await head(0);
    await call("demo", "Audit/Restart", "the test is over");
  }
  await open("demo");
  await settled(page);
  await expect(banner).toHaveCount(0);
});
