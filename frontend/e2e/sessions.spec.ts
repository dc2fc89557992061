import { call, expect, pictures, sql, test } from "./world";

/** app asks as the application does, whose sessions an operator may end. */
async function app(session: string, text: string) {
  return sql<{ pid: number }>("shard_1", text, [], session, "pwb_app");
}

/** blocked is, in sessions of one test's own, a transaction that was left open with a row's lock, and a statement that waits for it. */
async function blocked(test: string) {
  const [holds, waits] = [`${test} holds`, `${test} waits`];
  const row = "SELECT pg_backend_pid() AS pid FROM pwb_pages WHERE id = (SELECT min(id) FROM pwb_pages) FOR UPDATE";
  await app(holds, "SET application_name = 'nightly import'");
  await app(holds, "BEGIN");
  const [holder] = await app(holds, row);
  await app(waits, "SET application_name = 'puma: cluster worker 1'");
  const [waiter] = await app(waits, "SELECT pg_backend_pid() AS pid");
  const outcome = app(waits, row).then(
    () => "answered",
    (e: unknown) => String(e),
  );
  if (!holder || !waiter) throw new Error("shard_1 has no page");
  return { holder: holder.pid, waiter: waiter.pid, outcome };
}

interface Events {
  events: { phase: string; status: string; note: string; target: string; details: Record<string, unknown> }[];
}

test("who keeps others waiting is ended from the window", async ({ open, page }) => {
  test.setTimeout(240_000);
  const { holder, outcome } = await blocked("first");
  await open("demo", "/shards/shard_1?tab=queries");
  await expect(page.getByRole("button", { name: `End session ${holder}` })).toBeVisible();
  await pictures(page, "shard-queries-open");
  await page.getByRole("tab", { name: "Locks" }).click();
  const tree = page.locator(".tablebox[aria-label='Who waits for whom']");
  await expect(tree).toContainText("nightly import");
  await pictures(page, "shard-locks-blocked");

  await tree.getByRole("button", { name: `End session ${holder}` }).click();
  const sure = page.getByRole("dialog");
  await expect(sure).toContainText("blocks 1 session");
  await expect(sure).toContainText("pwb_app");
  const button = sure.getByRole("button", { name: "End the session" });
  await expect(button).toBeDisabled();
  await sure.getByLabel("Reason").fill("it blocks the morning's edits");
  await pictures(page, "shard-session-end");
  await button.click();
  await expect(sure).toBeHidden();
  await expect(page.getByText(`Session ${holder} has ended.`)).toBeVisible();
  await expect(page.getByText("Nobody waits for a lock.")).toBeVisible();
  expect(await outcome, "whoever waited goes on").toBe("answered");

  const { events } = await call<Events>("demo", "Audit/List", { action: "session.terminate" });
  expect(events.map((e) => [e.phase, e.status, e.note, e.target])).toEqual([
    ["outcome", "ok", "it blocks the morning's edits", "shard_1"],
    ["intent", "begun", "it blocks the morning's edits", "shard_1"],
  ]);
  expect(events[1]?.details).toMatchObject({ pid: holder, application: "nightly import", user: "pwb_app" });
  await open("demo", "/audit?action=session.terminate");
  await expect(page.locator("tr[data-index='0']")).toContainText("Session ended");
  await pictures(page, "audit-session-ended");
});

test("in production a statement is cancelled after the shard's name is typed in", async ({ open, page }) => {
  test.setTimeout(240_000);
  const { waiter, outcome } = await blocked("second");
  try {
    await open("production", "/shards/shard_1?tab=locks");
    await page.getByRole("button", { name: `Cancel what session ${waiter} runs` }).click();
    const sure = page.getByRole("dialog");
    await expect(sure).toContainText("puma: cluster worker 1");
    await sure.getByLabel("Reason").fill("OPS-431: it waits for nothing");
    const button = sure.getByRole("button", { name: "Cancel the statement" });
    await expect(button).toBeDisabled();
    await sure.getByLabel("Type shard_1 to go on").fill("shard_1");
    await pictures(page, "shard-session-cancel-production");
    await button.click();
    await expect(page.getByText(`The statement of session ${waiter} is cancelled.`)).toBeVisible();
    expect(await outcome).toContain("57014");
  } finally {
    await app("second holds", "ROLLBACK");
  }
});
