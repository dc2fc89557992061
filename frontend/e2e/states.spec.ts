import { call, expect, pictures, power, settled, sql, test } from "./world";

// One move has no empty and no partial state: control alone tells of it, and its tables
// are listed from the plan on. The tables below leave it out of both for that.
const noMove = "00000000-0000-4000-8000-000000000000";

test("production is unmistakable", async ({ open, page }) => {
  await open("production");
  await expect(page.locator("main").getByText("shard_2").first()).toBeVisible();
  await settled(page);
  const chip = page.getByRole("banner").getByText("PROD", { exact: true });
  await expect(chip).toBeVisible();
  await expect(chip.locator("svg")).toBeVisible();
  const line = page.locator(".envline").first();
  expect(await line.boundingBox()).toMatchObject({ x: 0, y: 0, width: 1440, height: 3 });
  const red = await line.evaluate((e) => getComputedStyle(e).backgroundColor);
  const [r = 0, g = 0, b = 0] = (red.match(/\d+/g) ?? []).map(Number);
  expect(r, red).toBeGreaterThan(2 * Math.max(g, b));
  await pictures(page, "fleet-production");
});

test("a table that nobody classified is named over the map, whose other tables are there", async ({ open, page }) => {
  await sql("default", "CREATE TABLE loose_notes (id bigint PRIMARY KEY, said text)");
  try {
    // No plan is made in this fleet, whose program keeps a map for some seconds.
    await open("partial", "/map");
    const said = page.getByRole("status").filter({ hasText: "loose_notes is not classified" });
    await expect(async () => {
      await page.reload();
      await expect(said).toBeVisible({ timeout: 3000 });
    }).toPass({ timeout: 40_000 });
    await expect(page.locator("main").getByText("pwb_contacts", { exact: true })).toBeVisible();
    await settled(page);
    await pictures(page, "map-partial", "two");
  } finally {
    await sql("default", "DROP TABLE loose_notes");
  }
});

test("a silent shard is a row with its reason, and the rest is there", async ({ open, page }) => {
  await open("partial");
  const main = page.locator("main");
  await expect(main.getByText("3 of 4 shards answer")).toBeVisible();
  await expect(main.getByText("No answer").first()).toBeVisible();
  await expect(main.getByText(/refused/).first()).toBeVisible();
  await expect(main.getByRole("button", { name: /Retry|Try again/ }).first()).toBeVisible();
  await expect(main.getByText("Healthy")).toHaveCount(3);
  await settled(page);
  await pictures(page, "fleet-partial");
  await page.goto(new URL("/shards/shard_2", page.url()).href);
  await expect(main.getByText(/refused/).first()).toBeVisible();
  await settled(page);
  await pictures(page, "shard-silent");
  // The catalogue answers: every tenant is listed, those of the silent shard too.
  await page.goto(new URL("/tenants?shard=shard_2", page.url()).href);
  await expect(main.locator("table.data tr[data-index]").getByText("shard_2").first()).toBeVisible();
  await settled(page);
  await pictures(page, "tenants-partial", "two");
  const [there] = await sql<{ id: string }>(
    "default",
    "SELECT id::text FROM pwb_websites WHERE shard_name = 'shard_2' ORDER BY id LIMIT 1",
  );
  await page.goto(new URL(`/tenants/${there?.id}`, page.url()).href);
  await expect(main.getByText(/refused/).first()).toBeVisible();
  await settled(page);
  await pictures(page, "tenant-partial", "two");
  await page.goto(new URL("/rebalance", page.url()).href);
  await settled(page);
  await pictures(page, "rebalance-partial", "two");
  // The tenant can be chosen, and a shard that is silent is said to be so where one is chosen.
  await page.goto(new URL(`/moves/new?tenant=${there?.id}`, page.url()).href);
  await expect(main.getByText("rows not counted")).toBeVisible();
  await settled(page);
  await pictures(page, "wizard-partial", "two");
  const [other] = await sql<{ id: string }>("default", "SELECT min(id)::text AS id FROM pwb_websites WHERE shard_name = 'shard_1'");
  await page.goto(new URL(`/moves/new?tenant=${other?.id}`, page.url()).href);
  await expect(page.getByLabel("Target shard").locator("option", { hasText: "shard_2 (no answer)" })).toHaveCount(1);
  // What control alone tells of stays whole.
  for (const path of ["/moves", "/alerts", "/map", "/audit"]) {
    await page.goto(new URL(path, page.url()).href);
    await expect(main.getByRole("heading", { level: 1 })).toBeVisible();
    await settled(page);
    await expect(main.getByRole("alert"), path).toHaveCount(0);
  }
});

test("alerts that fire, and one that somebody took", async ({ open, page }) => {
  await sql(
    "",
    `INSERT INTO shard_admin.alert (rule, subject, shard, severity, message, advice, state, since, fired_at, acknowledged_at, acknowledged_by, acknowledged_why)
     VALUES ('health.reachable', 'shard_2', 'shard_2', 'critical', 'shard_2 does not answer: connection refused', 'see whether its server runs',
             'firing', now() - interval '12 minutes', now() - interval '11 minutes', NULL, '', ''),
            ('health.connections', 'shard_1', 'shard_1', 'warning', '112 of 120 connections are taken', 'see who holds them',
             'acknowledged', now() - interval '2 hours', now() - interval '2 hours', now() - interval '1 hour', 'bea@estates.example', 'the import ends at noon')`,
  );
  try {
    await open("demo", "/alerts");
    const main = page.locator("main");
    const list = main.getByRole("row");
    await expect(list.filter({ hasText: "shard_2 does not answer" }).getByRole("button", { name: "Acknowledge…" })).toBeVisible();
    await expect(list.filter({ hasText: "112 of 120" })).toContainText("taken by bea@estates.example");
    await expect(main.getByText("1 firing")).toBeVisible();
    await settled(page);
    await pictures(page, "alerts-full", "two");
  } finally {
    await sql("", "DELETE FROM shard_admin.alert WHERE rule IN ('health.reachable', 'health.connections')");
  }
});

test("while control is silent the trail is this computer's copy, and says so", async ({ open, page }) => {
  expect((await call<{ seq: number }>("demo", "Audit/Sync")).seq).toBeGreaterThan(0);
  try {
    await power("default", "stop");
    await open("demo", "/audit");
    await expect(page.getByRole("status").filter({ hasText: "This is this computer's copy of the trail" })).toBeVisible();
    await expect(page.locator("tr[data-index='0']")).toBeVisible();
    await settled(page);
    await expect(page.getByText(/This computer's copy of [\d,]+ verified/)).toBeVisible();
    await pictures(page, "audit-partial", "two");
    // A report is made of it, and says so.
    await page.getByRole("button", { name: "Report…" }).click();
    const builder = page.getByRole("dialog");
    const made = builder.getByRole("status").filter({ hasText: "is made of this computer's copy of the trail, up to event" });
    await expect(made).toBeVisible(); // what is read meanwhile is a status, too
    await builder.getByRole("button", { name: "Preview" }).click();
    const shown = page.frameLocator("iframe[title='Preview of the report']");
    await expect(shown.getByText(/in a computer's copy of the trail as of/).first()).toBeVisible();
    await settled(page);
    await pictures(page, "report-copy", "two");
    await builder.getByLabel("Reason").fill("the auditor waits");
    await builder.getByRole("button", { name: "Save…" }).click();
    await expect(builder.getByText(/in a computer's copy of the trail as of .* chain verified at/)).toBeVisible();
  } finally {
    await power("default", "start");
  }
  // That it was made is in the trail once the database answers.
  await call("demo", "Audit/Sync");
  await page.goto(new URL("/audit?action=audit.export", page.url()).href);
  await expect(page.locator("tr[data-index='0']")).toContainText("the auditor waits");
});

test("nothing there yet: each screen says what belongs there", async ({ open, page }) => {
  await open("empty");
  await expect(page.getByRole("heading", { name: "Fleet", level: 1 })).toBeVisible();
  await settled(page);
  await pictures(page, "fleet-empty");
  // Two have no empty state but that nothing fits what is looked for: a fleet with our schema has at least the
  // event of its installation, and a catalogue without tables is none. That of the plans is in rebalance.spec.ts,
  // that of the policy in settings.spec.ts; of fleets there is always the open one, and before it the first start.
  for (const [name, path, says, shown] of [
    ["tenants-empty", "/tenants", /no tenant/i, "all"],
    ["moves-empty", "/moves", /No tenant was moved yet/, "all"],
    ["audit-empty", "/audit?q=nothing-is-called-so", /No event fits/, "all"],
    ["map-empty", "/map?q=nothing-is-called-so", /No table fits/, "two"],
    ["alerts-empty", "/alerts", /Nothing is wrong|No alert is open/, "two"],
    ["shard-empty", "/shards/default?tab=tenants", /The catalogue points no tenant here/, "two"],
    ["wizard-empty", "/moves/new", /No tenants yet/, "two"],
  ] as const) {
    await page.goto(new URL(path, page.url()).href);
    await expect(page.locator("main").getByText(says).first()).toBeVisible();
    await settled(page);
    await pictures(page, name, shown);
  }
});

test("a fleet without our schema keeps no alerts, and says where to begin", async ({ open, page }) => {
  await open("big", "/alerts");
  const main = page.locator("main");
  await expect(main.getByText("No alerts are kept")).toBeVisible();
  await expect(main.getByRole("link", { name: "Schema" })).toBeVisible();
  await settled(page);
  await pictures(page, "alerts-none", "two");
});

test("a tenant without rows is said to have none", async ({ open, page }) => {
  const id = 900_001;
  await sql(
    "default",
    `INSERT INTO pwb_websites (id, subdomain, slug, company_display_name, owner_email, shard_name, created_at, updated_at)
     VALUES ($1::int, 'not-yet', 'not-yet', 'Not Yet Estates', 'owner@not-yet.example', 'default', now(), now())`,
    [id],
  );
  try {
    await open("demo", `/tenants/${id}`);
    await expect(page.getByText("This tenant has none on its shard.")).toBeVisible();
    await settled(page);
    await pictures(page, "tenant-empty", "two");
  } finally {
    await sql("default", "DELETE FROM pwb_websites WHERE id = $1::int", [id]);
  }
});

test("a fleet that does not answer: each screen says what failed, why and what to do", async ({ open, page }) => {
  await open("down");
  for (const [name, path, shown] of [
    ["fleet-error", "/", "all"],
    ["tenants-error", "/tenants", "all"],
    ["moves-error", "/moves", "all"],
    ["audit-error", "/audit", "all"],
    ["rebalance-error", "/rebalance", "all"],
    ["map-error", "/map", "all"],
    ["settings-error", "/settings?tab=policy", "all"],
    ["shard-error", "/shards/default", "two"],
    ["tenant-error", "/tenants/1", "two"],
    ["alerts-error", "/alerts", "two"],
    ["move-error", `/moves/${noMove}`, "two"],
    ["wizard-error", "/moves/new?tenant=1", "two"],
  ] as const) {
    await page.goto(new URL(path, page.url()).href);
    const trouble = page.locator("main").getByRole("alert").first();
    await expect(trouble).toContainText("database_unreachable");
    await expect(trouble).toContainText("Safe now: nothing was changed");
    await expect(trouble).toContainText("What to do:");
    await expect(trouble.getByRole("button", { name: /Copy/ })).toBeVisible();
    await pictures(page, name, shown);
  }
});

for (const [name, path, says] of [
  ["fleet", "/", "the shards"],
  ["shard", "/shards/shard_1", "the shard"],
  ["tenants", "/tenants", "the tenants"],
  ["tenant", "/tenants/1", "the tenant"],
  ["moves", "/moves", "the moves"],
  ["move", `/moves/${noMove}`, "the move"],
  ["wizard", "/moves/new?tenant=1", "the tenant"],
  ["wizard-choose", "/moves/new", "the tenants"],
  ["rebalance", "/rebalance", "the plans"],
  ["alerts", "/alerts", "the alerts"],
  ["map", "/map", ""],
  ["audit", "/audit", "the trail"],
  ["settings", "/settings", "the fleets"],
  ["policy", "/settings?tab=policy", "the policy"],
] as const) {
  test(`what takes long says what is awaited, and nothing flashes: ${name}`, async ({ open, page }) => {
    const waiting: (() => void)[] = [];
    // Who is here and what the window is are known at once; what a fleet is asked takes its time.
    const asked = /\/bindings\/(?!Shell\/)/;
    await page.route(asked, (r) => {
      waiting.push(() => void r.continue());
    });
    await open("demo", path);
    const main = page.locator("main");
    const reading = main.getByText(new RegExp(`Reading ${says}.* …`)).first();
    await expect(reading).toBeVisible();
    await expect(main.getByRole("alert")).toHaveCount(0);
    await pictures(page, `${name}-loading`, "two");
    for (const go of waiting.splice(0)) go();
    await page.unroute(asked);
    await expect(reading).toHaveCount(0);
  });
}

test("filters live in the address: back, reload and a shared link find them", async ({ open, page }) => {
  await open("demo", "/tenants");
  await expect(page.getByText("site-001", { exact: true })).toBeVisible();
  await page.locator("[data-filter]").fill("site-01");
  await expect(page).toHaveURL(/q=site-01/);
  await expect(page.getByText("site-001", { exact: true })).toHaveCount(0);
  await page.getByText("site-012", { exact: true }).first().click();
  await expect(page.getByRole("heading", { name: "site-012" })).toBeVisible();
  await page.goBack();
  await expect(page.locator("[data-filter]")).toHaveValue("site-01");
  await expect(page.getByText("site-011", { exact: true })).toBeVisible();
  await page.reload();
  await expect(page.locator("[data-filter]")).toHaveValue("site-01");
  await expect(page.getByText("site-011", { exact: true })).toBeVisible();
  await expect(page.getByText("site-020", { exact: true })).toHaveCount(0);
});

test("100,000 tenants scroll with few rows drawn", async ({ open, page }) => {
  await open("big", "/tenants");
  await expect(page.getByText("agency-000001", { exact: true })).toBeVisible();
  await expect(page.locator("table.data").first()).toHaveAttribute("aria-rowcount", "100001");
  await settled(page);
  await pictures(page, "tenants-big");
  const box = page.getByRole("region", { name: "List of tenants" });
  const drawn = () => page.locator("table.data tr[data-index]").count();
  expect(await drawn()).toBeLessThan(90);
  for (const share of [0.25, 0.5, 0.75]) {
    await box.evaluate((e, s) => e.scrollTo({ top: e.scrollHeight * s }), share);
    const first = Math.round(100_000 * share);
    await expect
      .poll(async () => Number(await page.locator("table.data tr[data-index]").first().getAttribute("data-index")))
      .toBeGreaterThan(first - 100);
    expect(await drawn()).toBeLessThan(90);
  }
  await box.evaluate((e) => e.scrollTo({ top: e.scrollHeight }));
  await expect(page.getByText("agency-100000", { exact: true })).toBeVisible();
  // Frames go on while the list moves: nine of ten take no longer than a few of those
  // in which nothing moves, before and after, as the machine is just then.
  const frames = (step: number) =>
    box.evaluate(
      (e, step) =>
        new Promise<number>((done) => {
          const took: number[] = [];
          let at = performance.now();
          const next = (now: number) => {
            took.push(now - at);
            at = now;
            e.scrollTop -= step;
            if (took.length < 90) requestAnimationFrame(next);
            else done(took.sort((a, b) => a - b)[Math.floor(took.length * 0.9)] ?? 0);
          };
          requestAnimationFrame(next);
        }),
      step,
    );
  const before = await frames(0);
  const moving = await frames(400);
  const still = Math.max(before, await frames(0));
  test.info().annotations.push({ type: "frames", description: `${Math.round(moving)} ms moving, ${Math.round(still)} ms still` });
  expect(moving / still, `${moving} ms while the list moves, ${still} ms while it does not`).toBeLessThan(8);
});

test("a tenant that is not there is said to be so", async ({ open, page }) => {
  const [row] = await sql<{ n: number }>("default", "SELECT count(*)::int AS n FROM pwb_websites WHERE id = 987654");
  expect(row?.n).toBe(0);
  await open("demo", "/tenants/987654");
  await expect(page.locator("main").getByRole("alert").first()).toContainText("987654");
});
