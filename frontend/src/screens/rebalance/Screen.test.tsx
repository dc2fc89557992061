import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { info, move, rebalance, rebalancePlan } from "../../test/factories";
import { press, refuse, show } from "../../test/world";

const flags = (on: boolean) => ({
  me: {},
  operators: [],
  flags: [
    { flag: "SHARD_BULK_OPS_ENABLED", on, where: "on this computer", remedy: "shard-admin settings set SHARD_BULK_OPS_ENABLED true" },
  ],
});

describe("rebalance", () => {
  it("shows three plans, each shard today and after, and why each move is made or is not", async () => {
    const w = show("/rebalance", {
      "Rebalance.Plan": () =>
        rebalance({
          plans: [
            rebalancePlan("fewest-moves"),
            rebalancePlan("fewest-bytes", { estimate_ms: 120_000, estimate_ms_reason: "" }),
            rebalancePlan("most-even", { moves: [], bytes: 0 }),
          ],
          oversized: [
            { tenant: "9", label: "whale", shard: "default", bytes: 80_000_000_000, ratio: 1.6, reason: "it needs a dedicated shard" },
          ],
        }),
      "Settings.Policy": () => flags(true),
    });
    expect(await screen.findByText(/The fullest shard holds 1.40 times a mean one/)).toBeTruthy();
    expect(screen.getByText("Not recommended yet").parentElement?.textContent).toContain(
      "since 08:00 UTC on 2026-11-26; moves are recommended after 24 h",
    );
    const plans = within(screen.getByRole("group", { name: "Plans" })).getAllByRole("radio");
    expect(plans.map((p) => (p as HTMLInputElement).checked)).toEqual([false, true, false]);
    expect(screen.getAllByTitle("no move of this fleet has ended yet").length).toBe(2);
    const sides = screen.getByRole("region", { name: "Shards, today and after" });
    expect(sides.textContent).toContain("1.40");
    expect(sides.textContent).toContain("0.80");
    expect(screen.getByRole("region", { name: "Moves of the plan" }).textContent).toContain("shard_1 from 0.60 to 0.80");
    expect(screen.getByRole("region", { name: "What is not possible" }).textContent).toContain("it is pinned: the contract says so");
    expect(screen.getByText(/it stays at 1.20 of an even spread/)).toBeTruthy();
    expect(screen.getByText("it needs a dedicated shard")).toBeTruthy();
    expect(screen.getByText(/The load of tenants is not known: default: no look at the activity/)).toBeTruthy();
    expect(screen.getByText("suggested")).toBeTruthy();
    const by = within(screen.getByRole("region", { name: /Out of balance, and since when/ })).getAllByRole("listitem");
    expect(by.map((x) => x.textContent)).toEqual([
      expect.stringMatching(/^Bytes default 40.0 % above even .*worker on db9, /),
      expect.stringContaining("Rows"),
      expect.stringMatching(/^Load no worker, serve or window has looked for 3 h/),
      expect.stringContaining("Number of tenants"),
    ]);

    fireEvent.click(plans[2] as HTMLElement);
    await waitFor(() => expect(w.path()).toContain("plan=most-even"));
    expect(await screen.findByText("Nothing to move")).toBeTruthy();
    expect((screen.getByRole("button", { name: "Queue 0 moves…" }) as HTMLButtonElement).disabled).toBe(true);
  });

  it("spreads by load where that is asked for, and names the tenants that are hot, as an estimate with its time", async () => {
    const asked: unknown[] = [];
    const w = show("/rebalance", {
      "Rebalance.Plan": (r: unknown) => {
        asked.push(r);
        return rebalance({
          load: {
            method: "estimated: rows that were read",
            from: "2026-11-26T08:00:00Z",
            to: "2026-11-26T12:00:00Z",
            reason: "",
            hottest: [{ tenant: "7", label: "site-7", shard: "default", load: 812.4, share: 0.41 }],
          },
        });
      },
      "Settings.Policy": () => flags(true),
    });
    expect(await screen.findByText(/Load is estimated: rows that were read, over 4 h/)).toBeTruthy();
    expect(screen.getByText(/812 rows\/s/)).toBeTruthy();
    expect(screen.getByText(/of its tenants' load/)).toBeTruthy();
    fireEvent.change(screen.getByRole("combobox", { name: "Spread by" }), { target: { value: "load" } });
    await waitFor(() => expect(w.path()).toContain("by=load"));
    await waitFor(() => expect(asked).toContainEqual({ by: ["load"], max_moves: 0, max_bytes: 0 }));
  });

  it("queues the plan that was seen, with a reason and in production with the fleet's name", async () => {
    const w = show("/rebalance?plan=fewest-moves", {
      "Shell.Info": () => info({ fleets: [{ name: "estates", environment: "production", current: true, error: "" }] }),
      "Rebalance.Plan": () => rebalance({ environment: "production" }),
      "Settings.Policy": () => flags(true),
      "Rebalance.Apply": refuse({ code: "plan_stale", message: "tenant site-7 is on shard_1 and not on default any more" }),
    });
    const open = await screen.findByRole("button", { name: "Queue 1 move…" });
    await waitFor(() => expect((open as HTMLButtonElement).disabled).toBe(false));
    press("b");
    const sure = await screen.findByRole("dialog");
    fireEvent.change(within(sure).getByLabelText(/Reason/), { target: { value: "default is full" } });
    const go = within(sure).getByRole("button", { name: "Queue 1 move" }) as HTMLButtonElement;
    expect(go.disabled).toBe(true);
    fireEvent.change(within(sure).getByLabelText(/Type estates/), { target: { value: "estates" } });
    fireEvent.click(go);
    expect(await within(sure).findByText(/is on shard_1 and not on default any more/)).toBeTruthy();
    expect(w.of("Rebalance.Apply")[0]).toEqual([
      {
        by: ["bytes"],
        max_moves: 0,
        max_bytes: 0,
        strategy: "fewest-moves",
        plan: "id-fewest-moves",
        dry_run: false,
        note: "default is full",
        confirm: "estates",
      },
    ]);
    w.answer("Rebalance.Apply", () => ({
      plan: "x",
      strategy: "fewest-moves",
      dry_run: false,
      moves: [],
      queued: 1,
      assigned: 0,
      refused: 0,
      audit_event: "e",
      workers: 1,
    }));
    fireEvent.click(go);
    expect(await screen.findByText(/1 move queued/)).toBeTruthy();
  });

  it("shows a fresh plan once a move of the last one has failed", async () => {
    let id = "aaaaaaaaaaaa";
    const w = show("/rebalance", {
      "Rebalance.Plan": () => rebalance({ plans: [rebalancePlan("fewest-moves", { id })] }),
      "Settings.Policy": () => flags(true),
    });
    expect(await screen.findByText("plan aaaaaaaaaaaa")).toBeTruthy();
    id = "bbbbbbbbbbbb";
    w.emit("move", move({ state: "failed", settled: true }));
    expect(await screen.findByText("plan bbbbbbbbbbbb")).toBeTruthy();
  });

  it("says why nothing can be queued while bulk changes are off", async () => {
    show("/rebalance", { "Rebalance.Plan": () => rebalance(), "Settings.Policy": () => flags(false) });
    expect(await screen.findByText(/Changing many tenants at once is off on this computer/)).toBeTruthy();
    expect((screen.getByRole("button", { name: "Queue 1 move…" }) as HTMLButtonElement).disabled).toBe(true);
  });

  it("says what failed, and that there are no tenants", async () => {
    const w = show("/rebalance", {
      "Rebalance.Plan": refuse({ code: "database_unreachable", message: "control does not answer" }),
      "Settings.Policy": () => flags(true),
    });
    expect((await screen.findByRole("alert")).textContent).toContain("The plans could not be read");
    w.answer("Rebalance.Plan", () => rebalance({ tenants: 0, needed: false }));
    fireEvent.click(screen.getByRole("button", { name: "Retry" }));
    expect(await screen.findByText("No tenants yet")).toBeTruthy();
  });
});
