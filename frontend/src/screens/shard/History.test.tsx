import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { course, past, shard, status } from "../../test/factories";
import { refuse, show } from "../../test/world";

// happy-dom has no canvas.
vi.mock("../../charts/Course", () => ({ default: () => null }));

const answering = { "Overview.Status": () => status([shard()]) };

describe("a shard's history", () => {
  it("says each figure in words and in numbers, and what was done meanwhile", async () => {
    const w = show("/shards/shard_1?tab=history&range=7d", {
      ...answering,
      "Overview.History": () =>
        past(
          [
            course([2, null, 4]),
            course([], { name: "replication_lag_bytes", title: "Replication lag", reason: "no standby was seen in this time" }),
          ],
          {
            marks: [
              { at: 1100, kind: "move_switched", tenant: "15", label: "acme", source: "default", target: "shard_1", move: "m1" },
              { at: 1200, kind: "assigned", tenant: "7", label: "", source: "shard_1", target: "default", move: "" },
            ],
          },
        ),
    });
    expect(await screen.findByText("Latency: 4.0 ms at last, on average 3.0 ms, from 2.0 ms to 4.0 ms, with one gap")).toBeTruthy();
    expect(screen.getByText("No standby was seen in this time")).toBeTruthy();
    expect(w.of("Overview.History").at(-1)?.[0]).toMatchObject({ shard: "shard_1", since: "7d", marks: true });
    const marks = within(screen.getByRole("list", { name: "Moves and assignments" })).getAllByRole("listitem");
    expect(marks.map((m) => m.textContent?.replace(/^[-0-9: ]+(UTC)?/, ""))).toEqual([
      "Assigned: 7, shard_1 → default",
      "Move switched: acme, default → shard_1",
    ]);
    expect(within(screen.getByRole("region", { name: "Latency in numbers" })).getAllByRole("row")).toHaveLength(3);
    expect(screen.getByText(/Measured by this program since/)).toBeTruthy();

    fireEvent.click(screen.getByRole("radio", { name: "1 y" }));
    await waitFor(() => expect(w.path()).toBe("/shards/shard_1?tab=history&range=1y"));
    await waitFor(() => expect(w.of("Overview.History").at(-1)?.[0]).toMatchObject({ since: "365d" }));
  });

  it("says since when it is measured where nothing is kept yet, and why nobody measures", async () => {
    const w = show("/shards/shard_1?tab=history", { ...answering, "Overview.History": () => past([]) });
    expect(await screen.findByText("Nothing has been measured yet")).toBeTruthy();
    expect(screen.getByText(/This fleet is measured since 2026-01-01/)).toBeTruthy();
    w.answer("Overview.History", () =>
      past([], { sampling: { on: false, by: "", process: 0, here: false, since: null, reason: "no program looks" } as never }),
    );
    fireEvent.click(screen.getByRole("radio", { name: "1 h" }));
    expect(await screen.findByText("No program looks.")).toBeTruthy();
  });

  it("says what failed", async () => {
    show("/shards/shard_1?tab=history", { ...answering, "Overview.History": refuse({ message: "the local store cannot be used" }) });
    expect((await screen.findByRole("alert")).textContent).toContain("the local store cannot be used");
  });
});
