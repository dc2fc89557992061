import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { info, move, shard, status, tenantView, unconfiguredShard } from "../../test/factories";
import { press, refuse, show } from "../../test/world";
import { partsOf } from "./parts";

const shards = [shard({ name: "default" }), shard({ name: "shard_1" }), unconfiguredShard({ name: "shard_2" })];

describe("a tenant", () => {
  it("is there before its rows are counted", async () => {
    let count: (v: unknown) => void = () => undefined;
    show("/tenants/7", { "Tenants.Get": () => new Promise((done) => (count = done)) });
    expect(await screen.findByRole("heading", { name: "site-7" })).toBeTruthy();
    expect(screen.getAllByTitle("being counted, table by table").length).toBeGreaterThan(0);
    act(() => count(tenantView(7)));
    expect(await screen.findByText("2 of 3 have rows")).toBeTruthy();
    expect(screen.getByRole("img", { name: "messages 90.0 %, pages 10.0 %" })).toBeTruthy();
  });

  it("leads to all that the trail has of it", async () => {
    const w = show("/tenants/7", { "Tenants.Get": () => tenantView(7) });
    fireEvent.click(await screen.findByRole("link", { name: "All of it in the audit trail" }));
    await waitFor(() => expect(w.path()).toBe("/audit?tenant=7"));
    await waitFor(() => expect(w.of("Audit.List").at(-1)?.[0]).toMatchObject({ tenant: "7" }));
  });

  it("says why its rows are not known, and counts again", async () => {
    const w = show("/tenants/7", { "Tenants.Get": () => tenantView(7, { tables: [], tables_reason: "shard_1 does not answer" }) });
    expect(await screen.findByText("Rows could not be counted")).toBeTruthy();
    w.answer("Tenants.Get", () => tenantView(7));
    fireEvent.click(screen.getByRole("button", { name: "Retry" }));
    expect(await screen.findByText("2 of 3 have rows")).toBeTruthy();
  });

  it("is not assigned away from its rows without a word: warned, and refused until that is accepted", async () => {
    const w = show("/tenants/7", {
      "Overview.Status": () => status(shards),
      "Tenants.Assign": refuse({ code: "rows_exist", message: "tenant site-7 has rows on shard_1", hint: "move it" }),
    });
    await screen.findByText("2 of 3 have rows");
    act(() => press("a"));
    const dialog = await screen.findByRole("dialog");
    await waitFor(() => expect(w.path()).toContain("assign=true"));
    expect(dialog.textContent).toContain("It has 100 rows on shard_1");
    expect(within(dialog).getByRole("link", { name: "Move it instead…" })).toBeTruthy();
    const choice = within(dialog).getByRole("combobox") as HTMLSelectElement;
    expect([...choice.options].map((o) => [o.text, o.disabled])).toEqual([
      ["Choose a shard", false],
      ["default", false],
      ["shard_2, not configured", true],
    ]);
    fireEvent.change(choice, { target: { value: "default" } });
    fireEvent.change(within(dialog).getByLabelText(/Reason/), { target: { value: "a test" } });
    const button = within(dialog).getByRole("button", { name: "Assign" }) as HTMLButtonElement;
    expect(button.disabled).toBe(true);
    fireEvent.click(within(dialog).getByRole("checkbox"));
    expect(button.disabled).toBe(false);
    fireEvent.click(button);
    const alert = await within(dialog).findByRole("alert");
    expect(alert.textContent).toContain("tenant site-7 has rows on shard_1");
    expect(w.of("Tenants.Assign")[0]?.[0]).toMatchObject({ tenant: "7", shard: "default", rows_stay: true, note: "a test" });
  });

  it("asks for its name in production", async () => {
    const w = show("/tenants/7?assign=true", {
      "Shell.Info": () => info({ fleets: [{ name: "estates", environment: "production", current: true, error: "" }] }),
      "Overview.Status": () => status(shards),
      "Tenants.Get": () => tenantView(7, { rows: 0, tables: [] }),
      "Tenants.Assign": () => ({ tenant: "7", label: "site-7", from: "shard_1", to: "default", audit_event: "e" }),
    });
    await screen.findByText("No rows");
    const dialog = await screen.findByRole("dialog");
    expect(within(dialog).getByText("PROD")).toBeTruthy();
    fireEvent.change(within(dialog).getByRole("combobox"), { target: { value: "default" } });
    fireEvent.change(within(dialog).getByLabelText(/Reason/), { target: { value: "a test" } });
    const button = within(dialog).getByRole("button", { name: "Assign" }) as HTMLButtonElement;
    expect(button.disabled).toBe(true);
    fireEvent.change(within(dialog).getByLabelText(/Type site-7/), { target: { value: "site-7" } });
    fireEvent.click(button);
    await waitFor(() => expect(w.of("Tenants.Assign")[0]?.[0]).toMatchObject({ confirm: "site-7", rows_stay: false }));
    expect(await screen.findByText("site-7 now points to default")).toBeTruthy();
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  });

  it("is held by its move: neither assigned nor moved, by button or key", async () => {
    const held = { move: move({ state: "retained", settled: true }) };
    const w = show("/tenants/7?assign=true", { "Tenants.Find": () => tenantView(7, held), "Tenants.Get": () => tenantView(7, held) });
    await screen.findByText("Open the move");
    expect((screen.getByRole("button", { name: "Assign…" }) as HTMLButtonElement).disabled).toBe(true);
    expect(screen.queryByRole("dialog")).toBeNull();
    act(() => press("a"));
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(w.path()).toContain("/tenants/7");
  });

  it("that is not there says so", async () => {
    show("/tenants/99", { "Tenants.Find": refuse({ code: "tenant_unknown", message: "there is no tenant 99", hint: "look in the list" }) });
    expect((await screen.findByRole("alert")).textContent).toContain("there is no tenant 99");
  });
});

describe("the picture of shares", () => {
  it("names five tables and adds up the others", () => {
    const parts = partsOf(Array.from({ length: 8 }, (_, i) => ({ table: `t${i}`, kind: "tenant", rows: 1, bytes: 10 * (i + 1) })));
    expect(parts.map((p) => p.name)).toEqual(["t7", "t6", "t5", "t4", "t3", "3 others"]);
    expect(parts.reduce((n, p) => n + p.share, 0)).toBeCloseTo(1);
    expect(partsOf([])).toEqual([]);
  });
});
