import { expect, pictures, settled, sql, test } from "./world";

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
});

test("nothing there yet: each screen says what belongs there", async ({ open, page }) => {
  await open("empty");
  await expect(page.getByRole("heading", { name: "Fleet", level: 1 })).toBeVisible();
  await settled(page);
  await pictures(page, "fleet-empty");
  for (const [name, path, says] of [
    ["tenants-empty", "/tenants", /no tenant/i],
    ["moves-empty", "/moves", /No tenant was moved yet/],
    ["audit-empty", "/audit?q=nothing-is-called-so", /No event fits/],
  ] as const) {
    await page.goto(new URL(path, page.url()).href);
    await expect(page.locator("main").getByText(says).first()).toBeVisible();
    await settled(page);
    await pictures(page, name);
  }
});

test("a fleet that does not answer: each screen says what failed, why and what to do", async ({ open, page }) => {
  await open("down");
  for (const [name, path] of [
    ["fleet-error", "/"],
    ["tenants-error", "/tenants"],
    ["moves-error", "/moves"],
    ["audit-error", "/audit"],
    ["rebalance-error", "/rebalance"],
    ["map-error", "/map"],
    ["settings-error", "/settings?tab=policy"],
  ] as const) {
    await page.goto(new URL(path, page.url()).href);
    const trouble = page.locator("main").getByRole("alert").first();
    await expect(trouble).toContainText("database_unreachable");
    await expect(trouble).toContainText("Safe now: nothing was changed");
    await expect(trouble).toContainText("What to do:");
    await expect(trouble.getByRole("button", { name: /Copy/ })).toBeVisible();
    await pictures(page, name);
  }
});

for (const [name, path, says] of [
  ["fleet", "/", "the shards"],
  ["shard", "/shards/shard_1", "the shard"],
  ["tenants", "/tenants", "the tenants"],
  ["tenant", "/tenants/1", "the tenant"],
  ["moves", "/moves", "the moves"],
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
