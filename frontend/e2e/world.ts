import { AxeBuilder } from "@axe-core/playwright";
import { test as base, expect, type Page } from "@playwright/test";

export { expect };

/** What setup has started: a served page for each fleet, and the databases behind them. */
export interface World {
  ask: string;
  token: string;
  /** The fleet fresh has a keychain of its own. */
  keychain: boolean;
  pages: Record<string, { origin: string; name: string; value: string }>;
}

/** The fleets of internal/pgtest/pagefleet. */
export type Fleet = "demo" | "production" | "partial" | "empty" | "big" | "down" | "fresh" | "first" | "newcomer";

/** world is the worker's own. */
function world(): World {
  const text = process.env.SHARD_ADMIN_WORLD;
  if (!text) throw new Error("the fleets were not started");
  const worlds = JSON.parse(text) as World[];
  const mine = worlds[test.info().parallelIndex];
  if (!mine) throw new Error("there are more workers than worlds: --workers=1");
  return mine;
}

function door(fleet: Fleet) {
  const found = world().pages[fleet];
  if (!found) throw new Error(`there is no page of ${fleet}`);
  return found;
}

/** keychain reports whether the fleet fresh has a keychain of its own; another is never touched. */
export function keychain(): boolean {
  return world().keychain;
}

/** sql asks the superuser's session of a shard's database, or another role's; without a shard, of control's. */
export async function sql<T = Record<string, unknown>>(
  shard: string,
  text: string,
  args: unknown[] = [],
  session = "",
  role = "",
): Promise<T[]> {
  const { ask, token } = world();
  const answer = await fetch(ask, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
    body: JSON.stringify({ shard, sql: text, args, session, role }),
  });
  if (!answer.ok) throw new Error(`${shard}: ${await answer.text()}\n${text}`);
  return (await answer.json()) as T[];
}

/** power stops the server of a shard, or starts it again. */
export async function power(shard: string, what: "stop" | "start"): Promise<void> {
  const { ask, token } = world();
  const answer = await fetch(ask, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
    body: JSON.stringify({ shard, server: what }),
  });
  if (!answer.ok) throw new Error(`${shard}: ${await answer.text()}`);
}

/** heard is what the webhook of the production fleet was sent. */
export async function heard(): Promise<Record<string, unknown>[]> {
  const { ask, token } = world();
  const answer = await fetch(ask, { method: "POST", headers: { Authorization: `Bearer ${token}` }, body: JSON.stringify({ heard: true }) });
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as Record<string, unknown>[];
}

/** call calls a bound method of a fleet's program, as the page does. */
export async function call<T>(fleet: Fleet, method: string, ...args: unknown[]): Promise<T> {
  const d = door(fleet);
  const answer = await fetch(`${d.origin}/bindings/${method}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Origin: d.origin, Cookie: `${d.name}=${d.value}` },
    body: JSON.stringify(args),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method}: ${text}`);
  return JSON.parse(text) as T;
}

interface Fixtures {
  /** Opens a fleet's page at a path. */
  open: (fleet: Fleet, path?: string) => Promise<Page>;
}

export const test = base.extend<Fixtures>({
  open: async ({ page, context }, use) => {
    const failed: string[] = [];
    page.on("pageerror", (e) => failed.push(String(e)));
    await use(async (fleet, path = "/") => {
      const d = door(fleet);
      await context.addCookies([{ name: d.name, value: d.value, url: d.origin, sameSite: "Strict" }]);
      await page.goto(d.origin + path);
      return page;
    });
    expect(failed, "errors that no code of the page caught").toEqual([]);
  },
});

export const sizes = [
  { width: 1024, height: 700 },
  { width: 1440, height: 900 },
] as const;
export const schemes = ["light", "dark"] as const;

/** settled waits until nothing is read for the first time and nothing moves. */
export async function settled(page: Page): Promise<void> {
  await expect(page.locator("main")).toBeVisible();
  await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
  await page.evaluate(() => document.fonts.ready);
}

const standards = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** violations are what breaks WCAG 2.2 AA, and nothing else is listed. A frame in which no script runs cannot be looked into: open what it shows by itself. */
export async function violations(page: Page): Promise<string[]> {
  const axe = new AxeBuilder({ page }).exclude("iframe[sandbox]").setLegacyMode(true);
  const found = await axe.options({ resultTypes: ["violations"], runOnly: { type: "tag", values: standards } }).analyze();
  return found.violations.map((v) => `${v.id}: ${v.help}\n${v.nodes.map((n) => `  ${n.target.join(" ")} ${n.failureSummary}`).join("\n")}`);
}

/** over says by how many pixels something is wider than its place. */
async function over(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const main = document.querySelector("main");
    const found = [];
    const wide = document.documentElement.scrollWidth - window.innerWidth;
    if (wide > 0) found.push(`the page is ${wide} px wider than the window`);
    if (main && main.scrollWidth > main.clientWidth)
      found.push(`the screen is ${main.scrollWidth - main.clientWidth} px wider than its place`);
    return found;
  });
}

/**
 * pictures looks at what the page shows in light and dark, small and large:
 * each is a screenshot, accessible, and fits. Two of them are small and light, large and dark.
 */
export async function pictures(page: Page, name: string, shown: "all" | "two" = "all"): Promise<void> {
  const wrong: string[] = [];
  for (const [i, size] of sizes.entries()) {
    await page.setViewportSize(size);
    for (const scheme of shown === "all" ? schemes : schemes.slice(i, i + 1)) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      await expect(page.locator("html")).toHaveAttribute("data-mantine-color-scheme", scheme);
      const where = `${name}-${scheme}-${size.width}`;
      await page.screenshot({ path: `e2e/screenshots/${where}.png`, animations: "disabled", caret: "hide" });
      for (const one of [...(await violations(page)), ...(await over(page))]) wrong.push(`${where}: ${one}`);
    }
  }
  expect(wrong.join("\n"), "what is not accessible or does not fit").toBe("");
}
