import { largest, plan, pointer, until } from "./moves";
import { call, expect, pictures, sql, test } from "./world";

const fleet = "production";
const from = "shard_1";
const to = "shard_2";

test("several tenants are planned, and those that nothing stands in the way of are queued with one reason", async ({ open, page }) => {
  test.setTimeout(240_000);
  const free: { id: number; subdomain: string }[] = [];
  let left: { id: number; subdomain: string } | undefined;
  for (const t of (await largest(from)).reverse()) {
    if ((await plan(fleet, String(t.id), to)).blocked) left ??= t;
    else if (free.length < 2) free.push(t);
    if (free.length === 2 && left) break;
  }
  const [there] = await largest(to);
  if (!there || !left || free.length < 2) throw new Error("the fleet has no tenants for this");
  await open(fleet, `/tenants?sel=${[...free, left, there].map((t) => t.id).join(",")}`);
  await page.getByRole("button", { name: "Move 4 tenants…" }).click();
  const dialog = page.getByRole("dialog", { name: "Move 4 tenants" });
  await dialog.getByLabel("Target shard").selectOption(to);
  await dialog.getByLabel("Go on without a second worker that could take over").check();
  await expect(dialog.getByRole("button", { name: "Queue…" }), "nothing is queued before it is planned").toBeDisabled();
  await dialog.getByRole("button", { name: "Make the plans" }).click();
  const queue = dialog.getByRole("button", { name: "Queue 2 moves…" });
  await expect(queue).toBeEnabled({ timeout: 90_000 });
  const aside = dialog.getByRole("region", { name: "What is not queued" });
  await expect(aside.getByRole("listitem").filter({ hasText: left.subdomain })).toContainText(/decisions? to make|a |the /);
  await expect(aside.getByRole("listitem").filter({ hasText: there.subdomain })).toContainText(`it is on ${to} already`);
  await expect(aside.getByRole("listitem")).toHaveCount(2);
  await pictures(page, "tenants-bulk-planned");

  await queue.click();
  const sure = page.getByRole("dialog", { name: `Move 2 tenants to ${to}` });
  await expect(sure.getByText("This changes production.")).toBeVisible();
  const go = sure.getByRole("button", { name: "Queue 2 moves" });
  await sure.getByLabel("Reason").fill("OPS-311: room for the big ones");
  await expect(go, "in production the target is typed in").toBeDisabled();
  await sure.getByLabel(`Type ${to} to go on`).fill(to);
  await pictures(page, "tenants-bulk-confirm");
  await go.click();
  await expect(dialog.getByText("2 moves queued")).toBeVisible({ timeout: 60_000 });
  await pictures(page, "tenants-bulk-queued");

  const { moves } = await call<{ moves: { id: string; tenant: string; note: string }[] }>(fleet, "Moves/List", "", 10);
  for (const t of free) {
    const m = moves.find((x) => x.tenant === String(t.id));
    expect(m?.note).toBe("OPS-311: room for the big ones");
    await until(fleet, m?.id ?? "", "retained");
    expect(await pointer(String(t.id))).toBe(to);
  }
  expect(await pointer(String(left.id)), "what was blocked stays").toBe(from);
});

test("many tenants are assigned by a rule, after what would become of each was seen", async ({ open, page }) => {
  const [rowful] = await largest(from);
  await sql(
    "",
    `INSERT INTO pwb_websites (id, subdomain, slug, shard_name, created_at, updated_at)
     SELECT 990000 + i, 'trial-' || i, 'trial-' || i, $1, now(), now() FROM generate_series(1, 3) i`,
    [from],
  );
  try {
    await open(fleet, `/tenants?sel=${rowful?.id},990001`);
    await page.getByRole("button", { name: "Assign 2 tenants…" }).click();
    const dialog = page.getByRole("dialog", { name: "Assign many tenants" });
    await dialog.getByLabel("Target shard").selectOption(to);
    await expect(dialog.getByRole("status").first()).toContainText(`1 tenant of 2 would be assigned to ${to}, 1 would be refused.`);
    await expect(dialog.getByRole("row").filter({ hasText: rowful?.subdomain ?? "?" })).toContainText("has rows on");
    await pictures(page, "tenants-assign-chosen", "two");

    // By a rule, with the count as it is typed.
    await dialog.getByLabel("Only the 2 tenants chosen").uncheck();
    await dialog.getByLabel("Subdomain").fill("trial-*");
    await expect(dialog.getByRole("status").first()).toContainText(`3 tenants of 3 would be assigned to ${to}.`);
    await pictures(page, "tenants-assign-rule");
    await dialog.getByRole("button", { name: "Assign 3 tenants…" }).click();
    const sure = page.getByRole("dialog", { name: `Assign 3 tenants to ${to}` });
    await sure.getByLabel("Reason").fill("OPS-312: trials live apart");
    await sure.getByLabel(`Type ${to} to go on`).fill(to);
    await pictures(page, "tenants-assign-confirm", "two");
    await sure.getByRole("button", { name: "Assign 3 tenants" }).click();
    await expect(dialog.getByRole("status").first()).toContainText(`3 tenants assigned to ${to}.`);
    for (const id of ["990001", "990002", "990003"]) expect(await pointer(id)).toBe(to);
    expect(await pointer(String(rowful?.id)), "what has rows stays").toBe(from);
  } finally {
    await sql("", "DELETE FROM pwb_shard_audit_logs WHERE website_id > 990000");
    await sql("", "DELETE FROM pwb_websites WHERE id > 990000");
    await sql(to, "DELETE FROM pwb_websites WHERE id > 990000");
  }
});
