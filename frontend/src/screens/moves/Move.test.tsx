import { fireEvent, screen, within } from "@testing-library/react";
import { expect, it } from "vitest";
import { move } from "../../test/factories";
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
