import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { expect, it } from "vitest";
import { move, report } from "../../test/factories";
import { show } from "../../test/world";

const shown = async (over: Parameters<typeof move>[0]) => {
  show("/moves/m1", { "Moves.Get": () => move({ owner: "vm/page/1", ...over }) });
  return await screen.findByRole("region", { name: "The move in figures" });
};

it.each([
  ["copying", "Copy"],
  ["copying", "Verify"],
  ["catching_up", "Catch up"],
])("shows that the tenant of an online move writes while it is %s (%s)", async (state, phase) => {
  const figures = await shown({ mode: "online", state, phase });
  expect(within(figures).getByText("the tenant writes", { selector: ".d" })).toBeTruthy();
  expect(within(figures).queryByText("Writes wait")).toBeNull();
  expect(screen.getByRole("main").textContent).not.toMatch(/read-only|writes wait(?!ed)/i);
  expect(screen.getByText(/lives on default, and writes there, until the switch/)).toBeTruthy();
});

it("counts how long writes wait while they do", async () => {
  const since = new Date(Date.now() - 90 * 60_000).toISOString();
  const figures = await shown({ mode: "online", state: "switching", phase: "Switch", rows_copied: 1000, read_only_since: since });
  expect(within(figures).getByText("Writes wait").parentElement?.textContent).toMatch(/^Writes wait1 h (29|30) min at most 30 s$/);
});

it("says what a switch of a held online move does, beside its button and once more", async () => {
  await shown({
    mode: "online",
    state: "ready",
    step: "held",
    phase: "Switch",
    held: true,
    hold: true,
    settled: true,
    owner: "",
    actions: ["switch", "cancel"],
  });
  const effect = /wait for its last changes, about a moment and at most 30 s/;
  expect(screen.getByText(effect)).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Switch to shard_1…" }));
  expect(within(await screen.findByRole("dialog")).getByText(effect)).toBeTruthy();
  expect(screen.getByText("Waits for the switch")).toBeTruthy();
});

it("says how fast rows are copied, and how much longer as a range", async () => {
  const figures = await shown({
    rows_per_s: 8100,
    bytes_per_s: 4_200_000,
    rate_reason: "",
    time_left_ms: { low: 3200, high: 9100 },
    time_left_until: "compared",
    tables: [
      {
        table: "messages",
        kind: "tenant",
        rows: 900,
        bytes: 90_000,
        rows_copied: 200,
        bytes_copied: 20_000,
        verified: false,
        rows_per_s: 8100,
        bytes_per_s: 4_200_000,
      },
      {
        table: "pages",
        kind: "child",
        rows: 100,
        bytes: 10_000,
        rows_copied: 0,
        bytes_copied: 0,
        verified: false,
        rows_per_s: null,
        bytes_per_s: null,
      },
    ],
  });
  expect(within(figures).getByText("Rate").parentElement?.textContent).toBe("Rate8,100 rows/s3.2 s to 9.1 s left");
  const row = (await screen.findByText("messages")).closest("tr, [role=row]");
  expect(row?.textContent).toContain("200 of 900");
  expect(row?.textContent).toContain("20.0 kB of 90.0 kB");
  expect(row?.textContent).toContain("8,100 rows/s, 4.2 MB/s");
});

it("says why the rate is not known", async () => {
  const figures = await shown({});
  expect(within(figures).getByText("not measured yet", { selector: ".d" })).toBeTruthy();
});

it("says how far the target is behind", async () => {
  const behind = {
    shard: "default",
    rows: 1204,
    at_least: false,
    oldest_ms: 1500,
    oldest_at_most: true,
    oldest_ms_reason: "",
    at: new Date().toISOString(),
  };
  const figures = await shown({ mode: "online", state: "catching_up", phase: "Catch up", behind, time_left_ms: { low: 900, high: 1800 } });
  expect(within(figures).getByText("Behind").parentElement?.textContent).toBe("Behind1,204 rows900 ms to 1.8 s left, counted now");
  expect(screen.getByText("carrying writes; 1,204 rows behind")).toBeTruthy();
});

it("says what a rollback would carry back, or why that is not known", async () => {
  const behind = {
    shard: "shard_1",
    rows: 7,
    at_least: false,
    oldest_ms: null,
    oldest_at_most: false,
    oldest_ms_reason: "shard_1 keeps none",
    at: new Date().toISOString(),
  };
  await shown({ mode: "online", state: "retained", phase: "Watch", settled: true, owner: "", behind });
  expect(screen.getByText(/A rollback would carry 7 rows back; age unknown: shard_1 keeps none\./)).toBeTruthy();
});

it("shows the report that the program made, copies it and saves it", async () => {
  const w = show("/moves/m1", {
    "Moves.Get": () => move({ state: "retained", phase: "Watch", settled: true }),
    "Moves.Report": () => report(),
    "Moves.SaveReport": () => ({ path: "/home/ann/move-m1.json" }),
  });
  fireEvent.click(await screen.findByRole("button", { name: "Report…" }));
  const dialog = await screen.findByRole("dialog", { name: "Report of the move of site-7" });
  expect(await within(dialog).findByText(/every hash of the trail was computed anew/)).toBeTruthy();
  expect(w.of("Moves.Report")).toEqual([["m1"]]);
  fireEvent.click(within(dialog).getByRole("button", { name: "Save as JSON" }));
  expect(await within(dialog).findByText("/home/ann/move-m1.json")).toBeTruthy();
  expect(w.of("Moves.SaveReport")).toEqual([["m1"]]);
});

it("has no report while a move goes on", async () => {
  await shown({});
  expect(screen.getByRole("button", { name: "Report…" })).toHaveProperty("disabled", true);
});

it("brings only the rows that differed anew when that is chosen", async () => {
  const failed = move({
    ...{ id: "m1", mode: "online", state: "failed", settled: true, actions: ["resume", "cancel"], repairable: true },
    error: {
      code: "verification_differences",
      message: "source and target differ: pwb_contacts 7002: first_name differs",
      hint: "",
      safe: "",
    },
  });
  const w = show("/moves/m1", { "Moves.Get": () => failed, "Moves.Act": () => failed });
  fireEvent.click(await screen.findByRole("button", { name: "Go on…" }));
  const ask = await screen.findByRole("dialog");
  fireEvent.click(within(ask).getByRole("checkbox", { name: /^Bring only the rows that differed anew/ }));
  expect(within(ask).getByText(/^Compares every row again, brings those that differ anew from/)).toBeTruthy();
  fireEvent.change(within(ask).getByLabelText(/Reason/), { target: { value: "trigger mended" } });
  fireEvent.click(within(ask).getByRole("button", { name: "Go on" }));
  await waitFor(() => expect(w.of("Moves.Act")[0]?.[1]).toMatchObject({ repair: true, note: "trigger mended" }));
});
