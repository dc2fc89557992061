import { act, largest, type Move, replay, start, until, watch } from "./moves";
import { call, expect, pictures, settled, test } from "./world";

test.describe.configure({ mode: "serial" });

let seen: Move[] = [];
let done: Move;
let held: Move;

test.beforeAll(async () => {
  const [big] = await largest("shard_2");
  if (!big) throw new Error("shard_2 has no tenant");
  const moving = await start("demo", String(big.id), "shard_1");
  seen = await watch("demo", moving.id);
  done = await until("demo", moving.id, "retained");
  const [other] = await largest("demo");
  if (!other) throw new Error("demo has no tenant");
  held = await start("demo", String(other.id), "shard_1", { hold: true });
  held = await until("demo", held.id, "ready");
});

test("a move while rows are copied", async ({ open, page }) => {
  // On a busy computer many moments in a row say the same; the chart is of those that do not.
  const copying = seen
    .filter((m) => m.state === "copying" && m.rows_copied < m.rows)
    .filter((m, i, all) => m.rows_copied !== all[i - 1]?.rows_copied);
  expect(copying.length, "moments in which rows were copied").toBeGreaterThan(2);
  await replay(page, copying);
  await open("demo", `/moves/${done.id}`);
  await expect(page.locator("svg.chart")).toBeVisible();
  await page.keyboard.press("p"); // what is seen stands still
  await expect(page.getByRole("banner").getByText("Paused")).toBeVisible();
  await settled(page);
  await pictures(page, "move-live");
});

test("a move that waits for its switch", async ({ open, page }) => {
  await open("demo", `/moves/${held.id}`);
  await expect(page.getByText("Waits for the switch")).toBeVisible();
  await settled(page);
  await pictures(page, "move-held");
});

test("a move whose source is kept", async ({ open, page }) => {
  await open("demo", `/moves/${done.id}`);
  await expect(page.getByText("Moved, source kept")).toBeVisible();
  await settled(page);
  await pictures(page, "move-retained");
});

test("the list of moves", async ({ open, page }) => {
  await open("demo", "/moves");
  await expect(page.getByRole("link", { name: done.label })).toBeVisible();
  await pictures(page, "moves");
});

test("the report of a move", async ({ open, page }) => {
  await open("demo", `/moves/${done.id}`);
  await page.getByRole("button", { name: "Report…" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("every hash of the trail was computed anew and is right");
  await expect(dialog).toContainText(`Move of ${done.label}`);
  await pictures(page, "move-report");
  await dialog.getByRole("button", { name: "Save as JSON" }).click();
  await expect(dialog.getByText(new RegExp(`/exports/move-${done.id}.*\\.json$`))).toBeVisible();
});

test("the queue is paused, and goes on", async ({ open, page }) => {
  await open("demo", "/moves");
  await page.getByRole("button", { name: "Pause the queue…" }).click();
  const ask = page.getByRole("dialog");
  await expect(ask).toContainText("No worker begins anything more");
  await ask.getByLabel("Reason").fill("OPS-311: a disk is full");
  await pictures(page, "queue-pause");
  await ask.getByRole("button", { name: "Pause the queue" }).click();
  await expect(ask).toHaveCount(0);
  const notice = page.getByRole("status").filter({ hasText: "paused the queue" });
  await expect(notice).toContainText("OPS-311: a disk is full");
  expect((await call<{ queue: { paused: boolean } }>("demo", "Moves/List", "", 1)).queue.paused).toBe(true);
  await settled(page);
  await pictures(page, "queue-paused");
  await page.getByRole("button", { name: "Go on with the queue…" }).click();
  await expect(ask).toContainText("paused it: OPS-311: a disk is full");
  await ask.getByLabel("Reason").fill("OPS-311: there is room again");
  await ask.getByRole("button", { name: "Go on" }).click();
  await expect(notice).toHaveCount(0);
  expect((await call<{ queue: { paused: boolean } }>("demo", "Moves/List", "", 1)).queue.paused).toBe(false);
});

test("a plan", async ({ open, page }) => {
  const [next] = (await largest("shard_1")).slice(1);
  await open("demo", `/moves/new?tenant=${next?.id}&target=shard_2`);
  await page.getByRole("button", { name: "Make the plan" }).click();
  await expect(page.getByText("What moves")).toBeVisible();
  await pictures(page, "move-plan");
});

test("a plan that gives rows new ids", async ({ open, page }) => {
  await page.route("**/bindings/Moves/Plan", async (r) => {
    const answer = await r.fetch();
    const plan = await answer.json();
    const row = (table: string, key: string, kind: string, choice: string, of: string) => ({
      ...{ table, key, case: kind, choices: [choice, "refuse"], choice },
      detail: `row ${key} of shard_2 has the same ${of}`,
    });
    await r.fulfill({
      response: answer,
      json: {
        ...plan,
        mode: "fenced",
        mode_reason: "rows get new ids, which are found while the tenant is closed; reads go on",
        decisions: [
          row("pwb_users", "7001", "collision_key", "renumber", "id"),
          row("pwb_users", "7001", "collision_unique", "rename", "email"),
        ],
        replacing: [
          { table: "pwb_users", column: "email", rule: "rename", rows: 1, references: [] },
          {
            table: "pwb_users",
            column: "id",
            rule: "sequence",
            rows: 4,
            references: ["pwb_authorizations.user_id", "pwb_user_memberships.user_id"],
          },
        ],
      },
    });
  });
  const [next] = (await largest("shard_1")).slice(1);
  await open("demo", `/moves/new?tenant=${next?.id}&target=shard_2`);
  await page.getByRole("button", { name: "Make the plan" }).click();
  await expect(page.getByText("New values")).toBeVisible();
  await expect(page.getByText("followed by pwb_authorizations.user_id, pwb_user_memberships.user_id")).toBeVisible();
  await expect(page.getByLabel("Choice for pwb_users 7001").first()).toHaveValue("renumber");
  await page.getByText("New values").scrollIntoViewIfNeeded();
  await pictures(page, "move-plan-ids");
});

test("a cancelled move", async ({ open, page }) => {
  await act("demo", "cancel", held.id);
  await until("demo", held.id, "cancelled");
  await open("demo", `/moves/${held.id}`);
  await expect(page.getByText("Cancelled", { exact: true })).toBeVisible();
  await pictures(page, "move-cancelled");
});
