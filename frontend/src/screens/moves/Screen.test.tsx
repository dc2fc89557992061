import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { move, queue } from "../../test/factories";
import { refuse, show } from "../../test/world";

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

  it("say which is under way and carried out by nobody", async () => {
    show("/moves", {
      "Moves.List": () => ({ moves: [move({ state: "copying", settled: false, stands_still: true })], queue: queue(), queue_reason: "" }),
    });
    await screen.findByText("Stands still");
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

  const list = (paused: boolean) => () => ({
    moves: [move()],
    queue: paused
      ? queue({
          paused: true,
          paused_by: "ann@example.com",
          paused_why: "a disk is full",
          paused_at: new Date(Date.now() - 5_400_000).toISOString(),
        })
      : queue(),
    queue_reason: "",
  });

  it("pause the queue with a reason, and say since when it is", async () => {
    const w = show("/moves", { "Moves.List": list(false), "Moves.PauseQueue": () => queue({ paused: true }) });
    fireEvent.click(await screen.findByRole("button", { name: "Pause the queue…" }));
    const ask = await screen.findByRole("dialog", { name: /Pause the queue of/ });
    expect(ask.textContent).toContain("What runs goes on");
    const button = within(ask).getByRole("button", { name: "Pause the queue" });
    expect(button).toHaveProperty("disabled", true);
    fireEvent.change(within(ask).getByLabelText(/Reason/), { target: { value: "a disk is full" } });
    w.answer("Moves.List", list(true));
    fireEvent.click(button);
    await waitFor(() => expect(w.of("Moves.PauseQueue")).toEqual([[{ note: "a disk is full", confirm: "" }]]));
    const notice = await screen.findByText(/paused the queue/);
    expect(notice.textContent).toMatch(/ann@example.com paused the queue, .* \(1 h ago\): a disk is full/);
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(screen.queryByRole("button", { name: "Pause the queue…" })).toBeNull();
  });

  it("go on with the queue, and show why that was refused", async () => {
    const w = show("/moves", {
      "Moves.List": list(true),
      "Moves.ResumeQueue": refuse({ code: "flag_off", message: "queue.resume needs the flag SHARD_MIGRATIONS_ENABLED" }),
    });
    fireEvent.click(await screen.findByRole("button", { name: "Go on with the queue…" }));
    const ask = await screen.findByRole("dialog", { name: /Go on with the queue of/ });
    expect(ask.textContent).toContain("ann@example.com paused it: a disk is full");
    fireEvent.change(within(ask).getByLabelText(/Reason/), { target: { value: "there is room" } });
    fireEvent.click(within(ask).getByRole("button", { name: "Go on" }));
    expect(await within(ask).findByText(/SHARD_MIGRATIONS_ENABLED/)).toBeTruthy();
    expect(w.of("Moves.ResumeQueue")).toHaveLength(1);
  });

  it("do not ask for what the queue does already, now or later", async () => {
    const w = show("/moves?queue=pause", { "Moves.List": list(true) });
    await screen.findByText(/paused the queue/);
    await waitFor(() => expect(w.path()).toBe("/moves"));
    expect(screen.queryByRole("dialog")).toBeNull();
  });

  it("say why the queue cannot be paused where nobody knows its state", async () => {
    show("/moves", { "Moves.List": () => ({ moves: [move()], queue: null, queue_reason: "the schema shard_admin is not there" }) });
    const button = await screen.findByRole("button", { name: "Pause the queue…" });
    expect(button).toHaveProperty("disabled", true);
    expect(button.closest("span[title]")?.getAttribute("title")).toBe("the schema shard_admin is not there");
  });
});
