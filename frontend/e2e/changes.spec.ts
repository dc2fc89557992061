import { call, expect, pictures, sql, test, violations } from "./world";

test("an event in full, with what it changed", async ({ open, page }) => {
  await open("demo", "/audit");
  await page.getByLabel("Action").selectOption("operator.set");
  await expect(page).toHaveURL(/action=operator.set/);
  await page.locator("tr[data-index='0']").click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("heading", { name: "Before and after" })).toBeVisible();
  await expect(dialog).toContainText("ann@estates.example");
  await expect(page).toHaveURL(/event=/);
  await pictures(page, "audit-event");
});

test("the trail is counted, narrowed by what is counted, and shows what comes", async ({ open, page }) => {
  await open("demo", "/audit");
  await page.getByRole("button", { name: "Counts" }).click();
  const counts = page.getByRole("region", { name: "Counts" });
  await expect(counts).toContainText(/Counted over all \d+ events of this filter/);
  await page.getByRole("switch", { name: "Live" }).check();
  await pictures(page, "audit-counts");
  await counts.getByRole("button", { name: "Operator filed" }).click();
  await expect(page).toHaveURL(/action=operator.set/);
  await expect(counts.getByRole("button", { name: "Operator filed" })).toHaveAttribute("aria-pressed", "true");
  await counts.getByRole("button", { name: "Operator filed" }).click();
  await expect(page).not.toHaveURL(/action=/);
  // Somebody else changes something: it is listed without a reload.
  const before = await page.locator("tr[data-index]").count();
  await call("demo", "Settings/SetOperatorRole", {
    email: "cem@estates.example",
    role: "viewer",
    db_role: "",
    note: "looks at it",
    confirm: "",
  });
  await expect(page.locator("tr[data-index='0']")).toContainText("looks at it");
  expect(await page.locator("tr[data-index]").count()).toBeGreaterThan(before);
});

test("a filter is saved, applied with the keyboard and removed", async ({ open, page }) => {
  await open("demo", "/audit?action=operator.set&since=720h");
  await page.getByRole("button", { name: "Save this filter…" }).click();
  const dialog = page.getByRole("dialog", { name: "Save this filter" });
  await dialog.getByLabel("Name").fill("operators filed");
  await pictures(page, "audit-save-filter");
  await page.keyboard.press("Enter");
  await expect(dialog).toBeHidden();
  await open("demo", "/audit");
  const menu = page.getByRole("button", { name: "Saved" });
  await menu.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("menuitemradio", { name: /operators filed/ })).toBeVisible();
  await pictures(page, "audit-saved");
  await expect(page.getByRole("menuitemradio", { name: /operators filed/ })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/action=operator.set&since=720h/);
  await menu.click();
  await page.getByRole("menuitem", { name: "Look through and remove…" }).click();
  await expect(page.getByRole("button", { name: "Remove operators filed" })).toBeVisible();
  await pictures(page, "audit-saved-list", "two");
  await page.getByRole("button", { name: "Remove operators filed" }).click();
  await page.getByRole("dialog", { name: "Remove a saved filter" }).getByRole("button", { name: "Remove it" }).click();
  await expect(page.getByText("No filter is saved for this fleet")).toBeVisible();
  await pictures(page, "audit-saved-none", "two");
});

test("a link opens an event that is not among those listed", async ({ open, page }) => {
  const { events } = await call<{ events: { id: string; action: string }[] }>("demo", "Audit/List", { limit: 1000 });
  const first = events[events.length - 1];
  expect(first?.action).not.toBe("operator.set");
  await open("demo", `/audit?action=operator.set&event=${first?.id}`);
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("heading", { name: /· no\. 1$/ })).toBeVisible();
  await expect(dialog).toContainText(first?.id ?? "?");
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
  await expect(page).not.toHaveURL(/event=/);
  await open("demo", "/audit?event=00000000-0000-4000-8000-000000000000");
  await expect(page.getByText("This trail has no event")).toBeVisible();
  await pictures(page, "audit-no-event");
});

test("a report is previewed, saved with a reason and recorded", async ({ open, page }) => {
  await open("demo", "/audit");
  await expect(page.getByText(/Chain of \d+ verified/)).toBeVisible();
  await page.getByRole("button", { name: "Report…" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("button", { name: "Save…" }), "a report needs a reason").toBeDisabled();
  await dialog.getByLabel("Report", { exact: true }).selectOption("tenant");
  await expect(dialog.getByText("Name the tenant.")).toBeVisible();
  await dialog.getByLabel("Report", { exact: true }).selectOption("changes");
  await dialog.getByRole("button", { name: "Preview" }).click();
  const preview = dialog.frameLocator("iframe");
  await expect(preview.getByRole("heading", { name: "Change log" })).toBeVisible();
  await expect(preview.getByText(/events? of the period, chain verified at/).first()).toBeVisible();
  await pictures(page, "audit-report");
  const { html } = await call<{ html: string }>("demo", "Audit/Preview", { kind: "events", format: "html", filter: {} });
  expect(html).not.toMatch(/(src|href)="(?!#)/);
  const alone = await page.context().newPage();
  await alone.setContent(html);
  for (const colorScheme of ["light", "dark"] as const) {
    await alone.emulateMedia({ colorScheme });
    expect(await violations(alone), `the file itself, ${colorScheme}`).toEqual([]);
  }
  await alone.close();
  await dialog.getByLabel("Format").selectOption("csv");
  await dialog.getByLabel("Reason").fill("the yearly audit");
  await dialog.getByRole("button", { name: "Save…" }).click();
  await expect(dialog.getByText(/report-changes-demo-.*\.csv/)).toBeVisible();
  const [newest] = (await call<{ events: { action: string; note: string }[] }>("demo", "Audit/List", { limit: 1 })).events;
  expect(newest).toMatchObject({ action: "audit.export", note: "the yearly audit" });
});

test("an event that somebody has changed breaks the chain on the screen", async ({ open, page }) => {
  const change = (from: string, to: string) =>
    sql(
      "default",
      "UPDATE shard_admin.audit_event SET body = replace(body, $1, $2) WHERE body LIKE '%fleet.install%'",
      [from, to],
      "tamper",
    );
  // A superuser can switch the guards off, and on again as if nothing had been.
  const guards = async (how: string) => {
    for (const name of ["audit_stamp", "audit_seal", "audit_refuse", "audit_refuse_all"])
      await sql("default", `ALTER TABLE shard_admin.audit_event ${how} TRIGGER ${name}`, [], "tamper");
  };
  await guards("DISABLE");
  try {
    await change("the demo fleet is set up", "nothing happened");
    await open("demo", "/audit");
    await expect(page.getByText("Chain broken at 1")).toBeVisible();
    await pictures(page, "audit-broken");
  } finally {
    await change("nothing happened", "the demo fleet is set up");
    await guards("ENABLE ALWAYS");
  }
  await page.getByRole("button", { name: "Verify" }).click();
  await expect(page.getByText(/Chain of \d+ verified/)).toBeVisible();
});

test("a fleet is tried before it is kept, and a database that does not answer is said to be silent", async ({ open, page }) => {
  await open("demo", "/settings?tab=fleets&add=true");
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox", { name: "Name" }).fill("tried");
  await dialog.getByLabel("Environment").selectOption("development");
  await dialog.getByRole("textbox", { name: "Control database" }).fill("postgres://nobody:wrong-secret@127.0.0.1:9/pwb?sslmode=disable");
  await dialog.getByRole("button", { name: "Test the connections" }).click();
  await expect(dialog.getByText("No answer").first()).toBeVisible();
  await pictures(page, "settings-connect");
  const { fleets } = await call<{ fleets: { name: string }[] }>("demo", "Settings/Fleets");
  expect(fleets.map((f) => f.name)).toEqual(["demo"]);
});

test("an operator gets a role, and the trail has it", async ({ open, page }) => {
  await open("demo", "/settings?tab=policy");
  await page.getByLabel("E-mail").fill("bea@estates.example");
  await page.getByLabel("Role", { exact: true }).selectOption("operator");
  await page.getByRole("button", { name: "Set the role…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Reason").fill("joins the team");
  await pictures(page, "settings-confirm");
  await dialog.getByRole("button", { name: "Set the role", exact: true }).click();
  await expect(page.getByRole("cell", { name: "bea@estates.example" })).toBeVisible();
  const [row] = await sql<{ role: string }>("default", "SELECT role FROM shard_admin.operator WHERE email = 'bea@estates.example'");
  expect(row?.role).toBe("operator");
});
