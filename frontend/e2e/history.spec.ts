import { call, expect, pictures, settled, test } from "./world";

interface Sampling {
  on: boolean;
  by: string;
  here: boolean;
}

const ranges = ["1 h", "24 h", "7 d", "30 d", "1 y", "2 y"];

test("a shard's history in every range, in light and dark", async ({ open }) => {
  const page = await open("production", "/shards/shard_1?tab=history");
  const panel = page.getByRole("region", { name: "Latency", exact: true });
  await expect(panel.locator("canvas")).toBeVisible();
  await expect(panel.getByText(/^Latency: .* at last, on average .*, with one gap$/)).toHaveCount(1);
  await settled(page);
  await pictures(page, "history-24h");

  for (const range of ranges) {
    await page.getByText(range, { exact: true }).click();
    await expect(page.locator(".courses canvas")).toHaveCount(5); // no standby is there to lag
    const v = await call<{ shards: { metrics: { at: number[]; name: string }[] }[] }>("production", "Overview/History", {
      shard: "shard_1",
      metrics: [],
      since: { "1 y": "365d", "2 y": "730d" }[range] ?? range.replace(" ", ""),
      until: "",
      points: 0,
      marks: true,
    });
    for (const m of v.shards[0]?.metrics ?? []) {
      expect(m.at.length, `${range} ${m.name}`).toBeLessThanOrEqual(610); // 600 points and the gaps between them
      if (m.name === "size_bytes") expect(m.at.length, range).toBeGreaterThan(10);
    }
  }
  await settled(page);
  await pictures(page, "history-2y");

  // In numbers, by keys alone.
  const size = page.getByRole("region", { name: "Size", exact: true });
  await size.getByText("In numbers").focus();
  await page.keyboard.press("Enter");
  await expect(size.getByRole("region", { name: "Size in numbers" }).getByRole("row")).toHaveCount(25);
  await pictures(page, "history-numbers");
});

test("a day of each shard on the fleet's screen", async ({ open }) => {
  const page = await open("production", "/");
  await expect(page.getByRole("img", { name: /^Latency: .*, in 24 hours$/ }).first()).toBeVisible();
  await settled(page);
  await pictures(page, "fleet-day");
  await page.getByText("Table", { exact: true }).click();
  await expect(page.getByRole("columnheader", { name: "Connections" })).toBeVisible();
  await pictures(page, "fleet-day-table");
});

test("a page samples the fleet that it shows, and says so", async ({ open }) => {
  const ask = () =>
    call<{ sampling: Sampling }>("empty", "Overview/History", { shard: "", metrics: [], since: "1h", until: "", points: 0, marks: false });
  await expect.poll(async () => (await ask()).sampling).toMatchObject({ on: true, by: "page", here: true });
  const page = await open("partial", "/shards/shard_2?tab=history");
  await expect(page.getByText("Nothing has been measured yet")).toBeVisible();
  await expect(page.getByText(/Measured by this program since/)).toBeVisible();
  await pictures(page, "history-empty");
});
