import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, schemes, sizes, test, violations } from "./world";

// What the tests in Go hold each kind of report against, as whoever gets the file sees it.
const kept = resolve(import.meta.dirname, "../../internal/report/testdata");
const files = readdirSync(kept).filter((f) => f.endsWith(".html"));

test("every kind of report is here", () => {
  expect(files).toEqual(
    ["changes", "tenant", "operator", "moves", "access", "failed", "schema", "events"].map((kind) => `${kind}.html`).sort(),
  );
});

for (const file of files) {
  test(`${file} is accessible, fits and asks for nothing outside itself`, async ({ page }) => {
    const asked: string[] = [];
    page.on("request", (r) => {
      if (!/^(data|blob):/.test(r.url())) asked.push(r.url());
    });
    const html = readFileSync(resolve(kept, file), "utf8");
    expect(html).not.toMatch(/(src|href)="(?!#)/);
    await page.setContent(html);
    await expect(page.locator("h1").first()).toBeVisible();
    const wrong: string[] = [];
    for (const size of sizes) {
      await page.setViewportSize(size);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (wide > 0) wrong.push(`${wide} px wider than a window of ${size.width}`);
    }
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme });
      for (const one of await violations(page)) wrong.push(`${colorScheme}: ${one}`);
    }
    expect(wrong.join("\n")).toBe("");
    expect(asked).toEqual([]);
  });
}
