import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { MoveRequest, PolicyView, TenantFilter } from "../../bridge";
import { move, plan, tenant, tenants } from "../../test/factories";
import { press, refuse, show } from "../../test/world";

/** many answers pages of a long list, as the program does. */
function many(total: number) {
  return (f: TenantFilter) =>
    tenants(
      Array.from({ length: Math.max(0, Math.min(f.limit, total - f.offset)) }, (_, i) => tenant(f.offset + i + 1)),
      { total },
    );
}

/** policy allows many tenants to be changed at once, or does not. */
function policy(on: boolean): PolicyView {
  const me = { email: "ann@estates.example", role: "admin", db_role: "", listed: true, why: "" };
  return { me, operators: [], flags: [{ flag: "SHARD_BULK_OPS_ENABLED", on, where: "in settings.toml", remedy: on ? "" : "turn it on" }] };
}

const three = () => tenants([tenant(1), tenant(2), tenant(3)]);

describe("the list of tenants", () => {
  it("asks for the pages in sight of a list of 100,000, and draws few rows", async () => {
    const w = show("/tenants", { "Tenants.List": many(100_000) });
    await screen.findByText("site-1");
    const table = screen.getByRole("region", { name: "List of tenants" }).querySelector("table");
    expect(table?.getAttribute("aria-rowcount")).toBe("100001");
    expect(table?.querySelectorAll("tbody tr").length).toBeLessThan(60);
    const asked = w.of("Tenants.List").map(([f]) => f as TenantFilter);
    expect(asked.every((f) => f.limit <= 200)).toBe(true);
    expect(asked[0]).toMatchObject({ offset: 0, limit: 200, full: true });
  });

  it("keeps filter, order, columns and choice in the address", async () => {
    const w = show("/tenants?shard=shard_1&sort=-size&size=1000000&demo=no&sel=2", { "Tenants.List": three });
    await screen.findByText("site-1");
    expect(w.of("Tenants.List")[0]?.[0]).toMatchObject({ shard: "shard_1", sort: "-size", min_bytes: 1_000_000, demo: "no" });
    expect(screen.getByRole("columnheader", { name: /Size/ }).getAttribute("aria-sort")).toBe("descending");
    expect((screen.getByRole("checkbox", { name: "Select site-2" }) as HTMLInputElement).checked).toBe(true);

    fireEvent.change(screen.getByRole("combobox", { name: "Status" }), { target: { value: "moving" } });
    await waitFor(() => expect(w.path()).toContain("state=moving"));
    // A choice that is out of sight is no choice.
    expect(w.path()).not.toContain("sel=");
    await waitFor(() => expect(w.of("Tenants.List").some(([f]) => (f as TenantFilter).state === "moving")).toBe(true));
    fireEvent.change(screen.getByPlaceholderText(/Filter by/), { target: { value: "costa" } });
    await waitFor(() => expect(w.path()).toContain("q=costa"));
    fireEvent.click(screen.getByRole("button", { name: "Company" }));
    await waitFor(() => expect(w.path()).toContain("sort=title"));
  });

  it("chooses with Space, and with Shift all rows between, read where they are not in sight", async () => {
    const w = show("/tenants", { "Tenants.List": many(1000) });
    await screen.findByText("site-1");
    act(() => press("j"));
    act(() => press(" "));
    await waitFor(() => expect(w.path()).toContain("sel=1"));
    for (let i = 0; i < 4; i++) act(() => press("j"));
    act(() => press(" ", { shiftKey: true }));
    await waitFor(() => expect(w.path()).toContain("sel=1,2,3,4,5"));
    expect(w.of("Tenants.List").some(([f]) => (f as TenantFilter).limit === 5 && (f as TenantFilter).offset === 0)).toBe(true);
    expect(screen.getByText("5 tenants chosen")).toBeTruthy();
    expect(screen.getByText("≈ 15.0 kB")).toBeTruthy();
    act(() => press("k"));
    act(() => press(" "));
    await waitFor(() => expect(w.path()).toContain("sel=1,2,3,5"));
    act(() => press("x"));
    await waitFor(() => expect(w.path()).not.toContain("sel="));
  });

  it("opens a tenant with Enter", async () => {
    const w = show("/tenants", { "Tenants.List": three });
    await screen.findByText("site-1");
    act(() => press("j"));
    act(() => press("j"));
    act(() => press("Enter"));
    await waitFor(() => expect(w.path()).toBe("/tenants/2"));
  });

  it("previews what moving several means, and plans a single one at once", async () => {
    const w = show("/tenants?sel=1,3", { "Tenants.List": three, "Settings.Policy": () => policy(true) });
    await screen.findByText("site-1");
    fireEvent.click(screen.getByRole("button", { name: "Move 2 tenants…" }));
    const dialog = await screen.findByRole("dialog");
    expect(dialog.textContent).toContain("Together ≈ 40 rows, ≈ 4.0 kB");
    expect(within(dialog).getAllByText("Not planned")).toHaveLength(2);
    const close = within(dialog).getAllByRole("button", { name: "Close" });
    fireEvent.click(close[close.length - 1] as HTMLElement);
    fireEvent.click(screen.getByRole("checkbox", { name: "Select site-1" }));
    fireEvent.click(await screen.findByRole("button", { name: "Move site-3…" }));
    await waitFor(() => expect(w.path()).toContain("/moves/new?tenant=3"));
  });

  it("queues the moves of several that nothing stands in the way of, and lists the others with the reason", async () => {
    const w = show("/tenants?sel=1,2,3,4", {
      "Tenants.List": () => tenants([tenant(1), tenant(2), tenant(3), tenant(4, { move_id: "m9", move_state: "copying" })]),
      "Settings.Policy": () => policy(true),
      "Moves.Plan": (r: MoveRequest) =>
        r.tenant === "2"
          ? plan(r.tenant, {
              blocked: true,
              checks: [{ name: "rights", status: "blocker", message: "a right is missing", fix: "GRANT it", evidence: "" }],
            })
          : plan(r.tenant),
      "Moves.Start": (r: MoveRequest) =>
        r.tenant === "3"
          ? Promise.reject(JSON.stringify({ code: "move_in_progress", message: "somebody moves it", hint: "wait", safe: "" }))
          : { ...move(), id: `m${r.tenant}`, tenant: r.tenant },
    });
    await screen.findByText("site-1");
    fireEvent.click(screen.getByRole("button", { name: "Move 4 tenants…" }));
    const dialog = await screen.findByRole("dialog");
    const inside = within(dialog);
    expect((inside.getByRole("button", { name: "Queue…" }) as HTMLButtonElement).disabled).toBe(true);
    fireEvent.change(inside.getByRole("combobox", { name: "Target shard" }), { target: { value: "default" } });
    fireEvent.click(inside.getByRole("button", { name: "Make the plans" }));
    const queue = await inside.findByRole("button", { name: "Queue 2 moves…" });
    // One that a move holds is not even planned.
    expect(w.of("Moves.Plan").map(([r]) => (r as MoveRequest).tenant)).toEqual(["1", "2", "3"]);
    expect(inside.getByText("a right is missing; GRANT it")).toBeTruthy();
    expect(inside.getByText(/a move holds it/)).toBeTruthy();
    fireEvent.click(queue);
    const sure = await screen.findByRole("dialog", { name: "Move 2 tenants to default" });
    fireEvent.change(within(sure).getByLabelText(/Reason/), { target: { value: "OPS-311" } });
    fireEvent.click(within(sure).getByRole("button", { name: "Queue 2 moves" }));
    expect(await screen.findByText("1 move queued")).toBeTruthy();
    expect(await screen.findByText("somebody moves it; wait")).toBeTruthy();
    expect(w.of("Moves.Start").map(([r]) => [(r as MoveRequest).tenant, (r as MoveRequest).target, (r as MoveRequest).note])).toEqual([
      ["1", "default", "OPS-311"],
      ["3", "default", "OPS-311"],
    ]);
  });

  it("assigns many by a rule, after saying what would become of each", async () => {
    const one = (n: number, status: string, problem: unknown = null) => ({
      tenant: `${n}`,
      label: `trial-${n}`,
      from: "shard_1",
      status,
      audit_event: "",
      problem,
    });
    const rows = { code: "rows_exist", message: "tenant trial-3 has rows on shard_1", hint: "move it", safe: "nothing was changed" };
    const w = show("/tenants", {
      "Tenants.List": three,
      "Settings.Policy": () => policy(true),
      "Tenants.WouldAssign": (r: { shard: string }) => ({
        where: "subdomain=trial-*",
        to: r.shard,
        dry_run: true,
        tenants: [one(1, "would_assign"), one(2, "already_there"), one(3, "refused", rows)],
        assigned: 1,
        refused: 1,
        ended: null,
      }),
      "Tenants.AssignMany": (r: { shard: string }) => ({
        where: "subdomain=trial-*",
        to: r.shard,
        dry_run: false,
        tenants: [one(1, "assigned"), one(2, "already_there"), one(3, "refused", rows)],
        assigned: 1,
        refused: 1,
        ended: null,
      }),
    });
    await screen.findByText("site-1");
    fireEvent.click(screen.getByRole("button", { name: "Assign many…" }));
    const dialog = within(await screen.findByRole("dialog", { name: "Assign many tenants" }));
    expect(dialog.getByRole("status").textContent).toContain("Say which tenants");
    fireEvent.change(dialog.getByLabelText("Target shard"), { target: { value: "default" } });
    fireEvent.change(dialog.getByLabelText("Subdomain"), { target: { value: "trial-*" } });
    expect(await dialog.findByText("1 tenant of 3 would be assigned to default, 1 would be refused, 1 there already.")).toBeTruthy();
    expect(dialog.getByText("tenant trial-3 has rows on shard_1")).toBeTruthy();
    expect(w.of("Tenants.AssignMany")).toHaveLength(0);
    fireEvent.click(dialog.getByRole("button", { name: "Assign 1 tenant…" }));
    const sure = within(await screen.findByRole("dialog", { name: "Assign 1 tenant to default" }));
    fireEvent.change(sure.getByLabelText(/Reason/), { target: { value: "OPS-311" } });
    fireEvent.click(sure.getByRole("button", { name: "Assign 1 tenant" }));
    expect(await screen.findByText("1 tenant assigned to default, 1 refused.")).toBeTruthy();
    expect(w.of("Tenants.AssignMany").map(([r]) => r)).toMatchObject([
      { where: { subdomain: "trial-*", shard: "", demo: "", tenants: [] }, shard: "default", dry_run: false, note: "OPS-311" },
    ]);
  });

  it("does not queue several while the fleet does not allow it", async () => {
    show("/tenants?sel=1,3", {
      "Tenants.List": three,
      "Settings.Policy": () => policy(false),
      "Moves.Plan": (r: MoveRequest) => plan(r.tenant),
    });
    await screen.findByText("site-1");
    fireEvent.click(screen.getByRole("button", { name: "Move 2 tenants…" }));
    const inside = within(await screen.findByRole("dialog"));
    expect(await inside.findByText("turn it on")).toBeTruthy();
    fireEvent.change(inside.getByRole("combobox", { name: "Target shard" }), { target: { value: "default" } });
    fireEvent.click(inside.getByRole("button", { name: "Make the plans" }));
    const queue = await inside.findByRole("button", { name: "Queue 2 moves…" });
    expect((queue as HTMLButtonElement).disabled).toBe(true);
  });

  it("exports what is shown, in its columns and its order", async () => {
    const w = show("/tenants?sort=-rows&cols=id,rows,field.plan", {
      "Tenants.List": () => tenants([tenant(1, { fields: { plan: "gold" } })], { fields: ["plan"] }),
      "Tenants.Export": () => ({ path: "/tmp/tenants.csv", rows: 1 }),
    });
    expect(await screen.findByText("gold")).toBeTruthy();
    expect(screen.queryByRole("columnheader", { name: "Company" })).toBeNull();
    act(() => press("e"));
    expect(await screen.findByText("1 tenant written to /tmp/tenants.csv")).toBeTruthy();
    expect(w.of("Tenants.Export")[0]?.[0]).toMatchObject({
      columns: ["label", "id", "rows", "field.plan"],
      ids: [],
      filter: { sort: "-rows" },
    });
    w.answer("Tenants.Export", refuse({ code: "disk_full", message: "no space left" }));
    act(() => press("e"));
    const alert = await screen.findByRole("alert");
    expect(alert.textContent).toContain("no space left");
    expect(alert.textContent).toContain("disk_full");
  });

  it("shows a plan or tier where the profile has one, and no other of its fields until asked", async () => {
    show("/tenants", {
      "Tenants.List": () =>
        tenants([tenant(1, { fields: { subscription_plan: "gold", planet: "mars" } })], { fields: ["subscription_plan", "planet"] }),
    });
    expect(await screen.findByText("gold")).toBeTruthy();
    expect(screen.getByRole("columnheader", { name: "Subscription plan" })).toBeTruthy();
    expect(screen.queryByText("mars")).toBeNull();
  });

  it("tells unknown from nothing, with the reason", async () => {
    show("/tenants", {
      "Tenants.List": () =>
        tenants([tenant(1, { rows_estimate: null, bytes_estimate: null, estimate_reason: "run ANALYZE on the shard" })], {
          changed_reason: "the trail is not installed",
        }),
    });
    await screen.findByText("site-1");
    expect(screen.getAllByTitle("run ANALYZE on the shard")).toHaveLength(2);
    expect(screen.getByTitle("the trail is not installed").textContent).toContain("—");
  });

  it("keeps old rows when they cannot be read again, and says that they are old", async () => {
    const w = show("/tenants", { "Tenants.List": three });
    await screen.findByText("site-1");
    w.answer("Tenants.List", refuse({ message: "control is gone", hint: "start it" }));
    act(() => press("r"));
    const alert = await screen.findByRole("alert");
    expect(alert.textContent).toContain("what is below is older");
    expect(alert.textContent).toContain("start it");
    expect(screen.getByText("site-1")).toBeTruthy();
    w.answer("Tenants.List", three);
    fireEvent.click(within(alert).getByRole("button", { name: "Retry" }));
    await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
  });

  it("tells an empty catalogue from a filter that fits nothing", async () => {
    const w = show("/tenants?q=zzz", { "Tenants.List": () => tenants([]) });
    expect(await screen.findByText("No tenant fits")).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Clear the filters" }));
    expect(await screen.findByText("No tenants yet")).toBeTruthy();
    expect(w.path()).toBe("/tenants");
  });
});
