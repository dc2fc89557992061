import { contents, free, pointer, start, until } from "./moves";
import { expect, pictures, settled, sql, test } from "./world";

/** disk has shard_2 say at the first message that it is told what a full disk says; shard_1 is built alike and takes them. */
async function disk(is: "full" | "free"): Promise<void> {
  const says = "RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';";
  for (const shard of ["shard_1", "shard_2"]) {
    if (is === "free") {
      await sql(shard, "DROP TRIGGER IF EXISTS a_disk ON pwb_messages");
      await sql(shard, "DROP FUNCTION IF EXISTS a_disk()");
      continue;
    }
    await sql(
      shard,
      `CREATE FUNCTION a_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${shard === "shard_2" ? says : ""} RETURN NEW; END $$`,
    );
    await sql(shard, "CREATE TRIGGER a_disk BEFORE INSERT ON pwb_messages FOR EACH ROW EXECUTE FUNCTION a_disk()");
    await sql(shard, "ALTER TABLE pwb_messages ENABLE ALWAYS TRIGGER a_disk");
  }
}

test("a move that failed in production says what happened, what is safe and what to do", async ({ open, page }) => {
  test.setTimeout(150_000);
  const t = await free("production", "shard_1", "shard_2");
  const before = await contents("shard_1", t.id);
  expect(before.pwb_messages, "rows that the target refuses").not.toBe("none");
  await disk("full");
  try {
    const m = await start("production", t.id, "shard_2", { confirm: t.label });
    await until("production", m.id, "failed");
    await open("production", `/moves/${m.id}`);
    const trouble = page.locator("main").getByRole("alert").first();
    await expect(trouble).toContainText("The move stands still");
    await expect(trouble).toContainText("No space left on device");
    await expect(trouble).toContainText("target_disk_full");
    await expect(trouble).toContainText("Safe now:");
    await expect(trouble).toContainText("What to do:");
    await expect(page.locator("main .st", { hasText: /^Failed$/ }).first()).toBeVisible();
    await expect(page.getByText(`${t.label} lives on shard_1`).first()).toBeVisible();
    await settled(page);
    await pictures(page, "move-failed");
    // It serves where it was, and writes.
    expect(await pointer(t.id)).toBe("shard_1");
    expect(await contents("shard_1", t.id)).toEqual(before);
    await sql("shard_1", "UPDATE pwb_contacts SET updated_at = updated_at WHERE website_id = $1::int", [t.id]);

    await open("production", "/moves");
    await expect(page.getByRole("row").filter({ hasText: t.label }).getByText("Failed")).toBeVisible();
    await settled(page);
    await pictures(page, "moves-failed", "two");

    await disk("free");
    await open("production", `/moves/${m.id}`);
    await page.getByRole("button", { name: "Cancel the move…" }).click();
    const sure = page.getByRole("dialog");
    await expect(sure).toContainText(`${t.label} stays on shard_1 and writes there.`);
    await sure.getByLabel("Reason").fill("OPS-311: the disk of shard_2 was full");
    await sure.getByLabel(`Type ${t.label} to go on`).fill(t.label);
    await pictures(page, "move-failed-cancel", "two");
    await sure.getByRole("button", { name: "Cancel the move", exact: true }).click();
    await expect(page.locator("main .st", { hasText: /^Cancelled$/ })).toBeVisible({ timeout: 60_000 });
    expect(await contents("shard_1", t.id)).toEqual(before);
  } finally {
    await disk("free");
  }
});

test("a plan that a check stands in the way of cannot be started, and says what to do", async ({ open, page }) => {
  const t = await free("demo", "shard_1", "shard_2");
  await sql("shard_2", "ALTER TABLE pwb_contacts ADD COLUMN nickname text");
  try {
    await open("demo", `/moves/new?tenant=${t.id}&target=shard_2`);
    await page.getByRole("button", { name: "Make the plan" }).click();
    const check = page.locator(".checks li").filter({ hasText: "structure" });
    await expect(check).toContainText("pwb_contacts");
    await expect(check).toContainText("What to do: bring both shards to the same schema first");
    await expect(page.getByText("A check stands in the way; it says what to do.")).toBeVisible();
    await expect(page.getByRole("button", { name: "Start the move…" })).toBeDisabled();
    await settled(page);
    await pictures(page, "move-plan-blocked");
  } finally {
    await sql("shard_2", "ALTER TABLE pwb_contacts DROP COLUMN nickname");
  }
});
