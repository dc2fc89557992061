import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { move, queue } from "../../test/factories";
import { show } from "../../test/world";

describe("the moves", () => {
  it("say who paused the queue and why, and nothing where it goes", async () => {
    const w = show("/moves", {
      "Moves.List": () => ({
        moves: [move()],
        queue: queue({ paused: true, paused_by: "ann@example.com", paused_why: "a disk is full", paused_at: "2026-01-31T10:00:00Z" }),
        queue_reason: "",
      }),
    });
    const notice = await screen.findByText(/paused the queue/);
    expect(notice.textContent).toContain("ann@example.com");
    expect(notice.textContent).toContain("a disk is full");
    w.answer("Moves.List", () => ({ moves: [move()], queue: queue(), queue_reason: "" }));
    w.emit("move", move({ id: "another" }));
    await waitFor(() => expect(screen.queryByText(/paused the queue/)).toBeNull());
  });

  it("say when the next window opens", async () => {
    show("/moves", {
      "Moves.List": () => ({
        moves: [],
        queue: queue({ windows: "sat 22:00-04:00 Europe/Lisbon", window_open: false, window_opens_at: "2026-01-31T22:00:00Z" }),
        queue_reason: "",
      }),
    });
    const notice = await screen.findByText(/No maintenance window is open/);
    expect(notice.textContent).toContain("sat 22:00-04:00 Europe/Lisbon");
    expect(notice.textContent).toMatch(/the next one opens .*:00/);
  });

  it("keep saying it while a move goes on", async () => {
    const paused = queue({ paused: true, paused_by: "ann@example.com", paused_why: "a disk is full" });
    const w = show("/moves", { "Moves.List": () => ({ moves: [move()], queue: paused, queue_reason: "" }) });
    await screen.findByText(/paused the queue/);
    w.emit("move", move({ rows_copied: 999 }));
    await screen.findByText("999");
    expect(screen.getByText(/paused the queue/)).toBeTruthy();
  });
});
