import type { Page } from "@playwright/test";
import { call, expect, type Fleet, sql } from "./world";

/** What the tests read of a move. */
export interface Move {
  id: string;
  tenant: string;
  label: string;
  source: string;
  target: string;
  state: string;
  step: string;
  settled: boolean;
  held: boolean;
  rows: number;
  rows_copied: number;
  actions: string[];
  tables: { table: string; rows: number; rows_copied: number }[];
  log: { at: string; level: string; message: string }[];
}

interface Plan {
  blocked: boolean;
  mode: string;
  decisions: { table: string; key: string; case: string; choices: string[]; choice: string; detail: string }[];
}

function requestOf(tenant: string, target: string, mode: "" | "fenced") {
  return {
    tenant,
    target,
    mode,
    max_read_only_ms: mode === "fenced" ? 300_000 : 0,
    hold: false,
    priority: 0,
    at: "",
    note: "relief for the source, ticket OPS-311",
    confirm: "",
    bulk: false,
    accept_alone: true,
    decisions: [],
  };
}

/** plan plans a move as the wizard does: online where possible. */
export function plan(fleet: Fleet, tenant: string, target: string): Promise<Plan> {
  return call<Plan>(fleet, "Moves/Plan", requestOf(tenant, target, ""));
}

/** free is a tenant of a shard whose move is online, needs no decision and has nothing in its way; the largest are left to others. */
export async function free(fleet: Fleet, from: string, to: string): Promise<{ id: string; label: string }> {
  for (const t of (await largest(from)).slice(3)) {
    const p = await plan(fleet, String(t.id), to);
    if (!p.blocked && p.decisions.length === 0 && p.mode === "online") return { id: String(t.id), label: t.subdomain };
  }
  throw new Error(`no tenant of ${from} can be moved to ${to}`);
}

/** start files a fenced move, of which there is most to see; rows that two tenants use are shared. */
export async function start(fleet: Fleet, tenant: string, target: string, more: { hold?: boolean; confirm?: string } = {}): Promise<Move> {
  const request = { ...requestOf(tenant, target, "fenced"), hold: more.hold === true, confirm: more.confirm ?? "" };
  const plan = await call<Plan>(fleet, "Moves/Plan", request);
  return call<Move>(fleet, "Moves/Start", { ...request, decisions: plan.decisions.map((d) => ({ ...d, choice: d.choices[0] })) });
}

/** act does something with a move. */
export function act(fleet: Fleet, verb: string, id: string, confirm = ""): Promise<Move> {
  return call<Move>(fleet, "Moves/Act", verb, { id, note: "ticket OPS-311", confirm, routing_confirmed: true, wait: false, password: "" });
}

/** until waits for a state that a move settles in. */
export async function until(fleet: Fleet, id: string, state: string): Promise<Move> {
  let m: Move | undefined;
  await expect
    .poll(
      async () => {
        m = await call<Move>(fleet, "Moves/Get", id);
        return m.state;
      },
      { timeout: 60_000, intervals: [150] },
    )
    .toBe(state);
  if (!m) throw new Error("no move");
  return m;
}

/** watch notes what a move is like until it is settled, as the page would be told. */
export async function watch(fleet: Fleet, id: string): Promise<Move[]> {
  const seen: Move[] = [];
  for (;;) {
    const m = await call<Move>(fleet, "Moves/Get", id);
    seen.push(m);
    if (m.settled) return seen;
    await new Promise((r) => setTimeout(r, 40));
  }
}

/** replay shows moments of a move again, as the program told them while it ran, and its list with it. */
export async function replay(page: Page, moments: Move[]): Promise<void> {
  let at = 0;
  const moment = () => moments[Math.min(at, moments.length - 1)];
  await page.route("**/bindings/Moves/Get", async (r) => {
    await r.fulfill({ json: moment() });
    at++;
  });
  await page.route("**/bindings/Moves/List", async (r) => {
    const list = (await (await r.fetch()).json()) as { moves: Move[] };
    const now = moment();
    await r.fulfill({ json: { moves: list.moves.map((m) => (m.id === now?.id ? { ...now, tables: [], log: [] } : m)) } });
  });
}

/** A table of each kind, with which of its rows are a tenant's, said by hand: the page's word is not taken for it. */
const rowsOf: Record<string, string> = {
  pwb_contacts: "website_id = $1::int",
  pwb_messages: "website_id = $1::int",
  pwb_realty_assets: "website_id = $1::int",
  pwb_prop_photos: "realty_asset_id IN (SELECT id FROM pwb_realty_assets WHERE website_id = $1::int)",
  pwb_page_translations: "page_id IN (SELECT id FROM pwb_pages WHERE website_id = $1::int)",
  active_storage_attachments: `record_type = 'Pwb::PropPhoto' AND record_id IN (SELECT p.id FROM pwb_prop_photos p
    JOIN pwb_realty_assets r ON r.id = p.realty_asset_id WHERE r.website_id = $1::int)`,
};

/** contents are how many rows of a tenant each of some tables has on a shard, and a digest of them. */
export async function contents(shard: string, tenant: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [table, where] of Object.entries(rowsOf)) {
    const [row] = await sql<{ n: number; digest: string }>(
      shard,
      `SELECT count(*)::int AS n, coalesce(md5(string_agg(x::text, E'\\n' ORDER BY x::text)), '') AS digest FROM ${table} x WHERE ${where}`,
      [tenant],
    );
    found[table] = row?.n ? `${row.n} ${row.digest}` : "none";
  }
  return found;
}

/** nothing is what contents finds where a tenant has no rows. */
export const nothing = Object.fromEntries(Object.keys(rowsOf).map((table) => [table, "none"]));

/** pointer is where the catalogue says that a tenant lives. */
export async function pointer(tenant: string): Promise<string> {
  const [row] = await sql<{ shard_name: string }>("default", "SELECT shard_name FROM pwb_websites WHERE id = $1::int", [tenant]);
  return row?.shard_name ?? "";
}

/** largest are the tenants of a shard, the largest first. */
export function largest(shard: string): Promise<{ id: number; subdomain: string }[]> {
  return sql("default", "SELECT id, subdomain FROM pwb_websites WHERE shard_name = $1 ORDER BY realty_assets_count DESC", [shard]);
}
