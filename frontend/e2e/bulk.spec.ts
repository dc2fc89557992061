import { largest, plan, pointer, until } from "./moves";
import { call, expect, pictures, test } from "./world";

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
