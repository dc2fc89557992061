import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { ShardView } from "../../bridge";
import { health, mapTable, mapView, shard, silentShard, status, tenant, tenants, unconfiguredShard } from "../../test/factories";
import { press, show } from "../../test/world";

describe("a shard", () => {
  it("shows what was found, its largest tenants, and goes to all of them", async () => {
    const w = show("/shards/shard_1", {
      "Overview.Status": () => status([shard()]),
      "Overview.Health": () => ({
        shards: [health("shard_1", [{ message: "a trivial query takes 700 ms", advice: "look at the network" }])],
      }),
      "Tenants.List": () => tenants([tenant(3, { bytes_estimate: 15_000_000 })]),
    });
    expect(await screen.findByText("look at the network")).toBeTruthy();
    expect(await screen.findByText("50.0 %")).toBeTruthy();
    expect(w.of("Tenants.List")[0]?.[0]).toMatchObject({ shard: "shard_1", sort: "-size", full: true });
    act(() => press("t"));
    await waitFor(() => expect(w.path()).toBe("/tenants?shard=shard_1"));
  });

  it("says many notes of one kind in one line, and what is worse by itself", async () => {
    const notes = ["a", "b", "c", "d"].map((x) => ({
      check: "duplicate_indexes",
      severity: "info",
      message: `the index ${x} is covered`,
      statement: `DROP INDEX ${x}`,
    }));
    show("/shards/shard_1", {
      "Overview.Status": () => status([shard()]),
      "Overview.Health": () => ({
        shards: [health("shard_1", [...notes, { check: "slots", severity: "warning", message: "a slot keeps 6 GB" }])],
      }),
    });
    const line = await screen.findByText("4 notes of one kind: duplicate indexes");
    expect(line.closest("details")?.open).toBe(false);
    expect(line.closest("details")?.textContent).toContain("the index d is covered");
    expect(screen.getByText(/a slot keeps 6 GB/).closest("details")).toBeNull();
  });

  it("says of which reads a share of hits is", async () => {
    const since = new Date(Date.now() - 93.5 * 86_400_000).toISOString();
    show("/shards/shard_1", {
      "Overview.Status": () => status([shard()]),
      "Overview.Health": () => ({
        shards: [
          health("shard_1", [], { cache_hit_rate_since: since, index_hit_rate_since: null, index_hit_rate_since_reason: "never reset" }),
        ],
      }),
    });
    const hits = await screen.findByText("99.0 %");
    expect(hits.closest(".fig")?.textContent).toContain("of table reads from 93 days ago on");
    expect(screen.getByText(/of all index reads ever counted/).textContent).toContain("never reset");
  });

  it("says when its growth reaches its capacity", async () => {
    const grows = { ...health("x").growth, state: "growing", bytes_per_day: 1_000_000, full_in_days_from: 20, full_in_days_to: 26 };
    show("/shards/shard_1", {
      "Overview.Status": () => status([shard({ capacity_bytes: 2_000_000_000 })]),
      "Overview.Health": () => ({ shards: [health("shard_1", [], { growth: grows })] }),
    });
    expect(await screen.findByText(/full in 20–26 days/)).toBeTruthy();
  });

  it("shows what its server says of itself, part by part", async () => {
    const view = (over: Partial<ShardView>): ShardView => ({
      name: "tables",
      title: "Tables",
      group: "tables",
      checked_at: new Date().toISOString(),
      over_ms: null,
      reason: "",
      grant: "",
      empty: "there is no table",
      columns: [
        { name: "table", kind: "code" },
        { name: "rows", kind: "count" },
        { name: "bytes", kind: "bytes" },
      ],
      rows: [],
      sessions: [],
      ...over,
    });
    const rows = Array.from({ length: 20 }, (_, i) => [`table_${i}`, String(i * 1000), ""]);
    const w = show("/shards/shard_1?tab=tables", {
      "Overview.Status": () => status([shard()]),
      "Overview.Views": () => ({
        name: "shard_1",
        checked_at: "",
        views: [
          view({ rows }),
          view({ name: "indexes", title: "Indexes", empty: "there is no index" }),
          view({
            name: "locks",
            title: "Who waits for whom",
            group: "locks",
            checked_at: null,
            reason: "no right",
            grant: "GRANT pg_monitor TO op",
          }),
        ],
      }),
    });
    expect(await screen.findByText("19,000")).toBeTruthy();
    expect(screen.getByText("There is no index.")).toBeTruthy();
    expect(screen.queryByText("No right.")).toBeNull();
    fireEvent.change(screen.getByLabelText("Filter Tables"), { target: { value: "TABLE_7" } });
    expect(screen.queryByText("19,000")).toBeNull();
    expect(screen.getByText("7,000")).toBeTruthy();
    fireEvent.click(screen.getByRole("tab", { name: "Locks" }));
    expect(await screen.findByText("No right.")).toBeTruthy();
    expect(screen.getByText("GRANT pg_monitor TO op")).toBeTruthy();
    expect(screen.queryByText("Nobody waits for a lock.")).toBeNull();
    expect(w.path()).toBe("/shards/shard_1?tab=locks");
  });

  it("that does not answer says why, and does not ask it for more", async () => {
    const w = show("/shards/shard_1", { "Overview.Status": () => status([silentShard()]) });
    const alert = await screen.findByRole("alert");
    expect(alert.textContent).toContain("shard_1 does not answer");
    expect(alert.textContent).toContain("check that the server runs");
    expect(w.of("Overview.Stats")).toHaveLength(0);
    const before = w.of("Overview.Status").length;
    act(() => press("c"));
    await waitFor(() => expect(w.of("Overview.Status").length).toBeGreaterThan(before));
  });

  it("that is not configured, or not there, says what to do", async () => {
    show("/shards/spare", { "Overview.Status": () => status([unconfiguredShard({ name: "spare" })]) });
    expect(await screen.findByText("Known, but not configured")).toBeTruthy();
  });

  it("of another fleet is not there", async () => {
    show("/shards/nowhere");
    expect(await screen.findByText("This fleet has no shard nowhere")).toBeTruthy();
  });
});

describe("the table map", () => {
  it("says of each table how its rows find their tenant, and what nobody classified", async () => {
    const w = show("/map?kind=child", {
      "Tenants.Map": () =>
        mapView(
          [
            mapTable("pages", { kind: "child", tenant_column: "", path: [], edges: ["pages.site_id → sites.id"] }),
            mapTable("plans", { kind: "reference", moves: false, tenant_column: "", path: [] }),
          ],
          { problems: ["odd is not classified: name it"] },
        ),
    });
    expect(await screen.findByText("pages.site_id → sites.id")).toBeTruthy();
    expect(screen.queryByText("plans")).toBeNull();
    expect(screen.getByText("odd is not classified: name it")).toBeTruthy();
    expect(screen.getByText("2 tables in default, 1 move with a tenant · profile property_web_builder")).toBeTruthy();
    expect(w.path()).toContain("kind=child");
  });
});

describe("the parts of a shard", () => {
  const grown = {
    ...health("x").growth,
    state: "growing",
    days: 40,
    bytes_per_day: 1_000_000_000,
    bytes_per_day_from: 800_000_000,
    bytes_per_day_to: 1_200_000_000,
    full_in_days_from: 20,
    full_in_days_to: 26,
  };

  it("lists its tenants by size, and keeps filter and order in the address", async () => {
    const w = show("/shards/shard_1?tab=tenants", {
      "Overview.Status": () => status([shard({ size_bytes: 30_000_000 })]),
      "Overview.Health": () => ({ shards: [health("shard_1")] }),
      "Tenants.List": () => tenants([tenant(3, { bytes_estimate: 15_000_000 })]),
    });
    expect(await screen.findByText("50.0 %")).toBeTruthy();
    expect(w.of("Tenants.List")[0]?.[0]).toMatchObject({ shard: "shard_1", sort: "-size", full: true });
    fireEvent.change(screen.getByLabelText("Filter by subdomain, id or company"), { target: { value: "site" } });
    await waitFor(() => expect(w.path()).toContain("q=site"));
    await waitFor(() => expect(w.of("Tenants.List").at(-1)?.[0]).toMatchObject({ search: "site" }));
  });

  it("counts findings by how bad they are, and says which checks could not look, and why", async () => {
    const of = health("shard_1", [{ severity: "critical", message: "a slot keeps 60 GB" }]);
    show("/shards/shard_1?tab=health", {
      "Overview.Status": () => status([shard()]),
      "Overview.Health": () => ({
        shards: [
          {
            ...of,
            unavailable: [
              { check: "horizon", reason: "the role may not ask", grant: "GRANT pg_monitor TO ann", later: false },
              { check: "deadlocks", reason: "it takes two looks", grant: "", later: true },
            ],
          },
        ],
      }),
    });
    expect(await screen.findByText("a slot keeps 60 GB")).toBeTruthy();
    const figure = (label: string) => screen.getByText(label, { selector: ".fig *" }).closest(".fig")?.textContent;
    expect(figure("Critical")).toContain("1");
    expect(figure("Could not look")).toContain("1");
    expect(screen.getByText("GRANT pg_monitor TO ann")).toBeTruthy();
    expect(screen.getByText("the role may not ask")).toBeTruthy();
  });

  it("says how it grows, within which range, and when it is full", async () => {
    show("/shards/shard_1?tab=space", {
      "Overview.Status": () => status([shard({ size_bytes: 60_000_000_000, capacity_bytes: 80_000_000_000 })]),
      "Overview.Health": () => ({ shards: [{ ...health("shard_1"), growth: grown }] }),
    });
    expect(await screen.findByText("20–26")).toBeTruthy();
    expect(screen.getByText("75.0 %")).toBeTruthy();
    expect(screen.getByText(/800 MB to 1.2 GB, nine times of ten/)).toBeTruthy();
  });
});
