import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { expect, it } from "vitest";
import type { MoveRequest } from "../../bridge";
import { move, plan } from "../../test/factories";
import { show } from "../../test/world";

const path = "/moves/new?tenant=7&target=default";

/** planned opens the wizard, changes its terms and makes the plan. */
async function planned(answer: ReturnType<typeof plan>, change: () => void = () => undefined) {
  const w = show(path, { "Moves.Plan": () => answer, "Moves.Start": () => move({ id: "m1" }), "Moves.Get": () => move({ id: "m1" }) });
  await screen.findByRole("radio", { name: "Online where possible" });
  change();
  fireEvent.click(screen.getByRole("button", { name: "Make the plan" }));
  await screen.findByRole("region", { name: "The plan in figures" });
  return w;
}

const figure = (label: string) => screen.getByText(label, { selector: ".fig .l" }).parentElement?.textContent ?? "";
const asked = (w: Awaited<ReturnType<typeof planned>>) => w.of("Moves.Plan")[0]?.[0] as MoveRequest;

it("plans online where possible, and tells the whole move from the pause", async () => {
  const w = await planned(plan("7", { estimate_ms: 42_000, pause_ms: 140 }));
  expect(asked(w)).toMatchObject({ mode: "", max_read_only_ms: 0, hold: false });
  expect(figure("Takes about")).toBe("Takes about42 s while the tenant writes");
  expect(figure("Writes wait about")).toBe("Writes wait about140 ms at most 10 s");
  expect(screen.getByText("Mode: online")).toBeTruthy();
  expect(screen.queryByText("Online is not possible")).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "Start the move…" }));
  const sure = await screen.findByRole("dialog");
  expect(sure.textContent).toContain("compared one by one while site-7 writes");
  expect(sure.textContent).toContain("At the switch its writes wait about 140 ms, at most 10 s");
  fireEvent.change(within(sure).getByLabelText(/Reason/), { target: { value: "OPS-311" } });
  fireEvent.click(within(sure).getByRole("button", { name: "Start the move" }));
  await waitFor(() => expect(w.of("Moves.Start")[0]?.[0]).toMatchObject({ mode: "", note: "OPS-311" }));
});

it("makes no way for others when asked for full speed, which only an online move may be", async () => {
  const w = await planned(plan("7"), () => {
    fireEvent.click(screen.getByRole("checkbox", { name: "Copy at full speed" }));
    fireEvent.click(screen.getByRole("radio", { name: "Fenced" }));
    expect(screen.queryByRole("checkbox", { name: "Copy at full speed" })).toBeNull();
    fireEvent.click(screen.getByRole("radio", { name: "Online where possible" }));
  });
  expect(asked(w)).toMatchObject({ mode: "", full_speed: true });
});

it("plans fenced when asked to, and says what a stop before means then", async () => {
  const w = await planned(plan("7", { mode: "fenced", estimate_ms: 4000, pause_ms: 4000, max_read_only_ms: 60_000 }), () => {
    expect(screen.getByText(/^Stops when the target follows; the tenant writes on until you switch\./)).toBeTruthy();
    fireEvent.click(screen.getByRole("radio", { name: "Fenced" }));
    expect(screen.getByText("Stops before its writes are stopped and rows are copied.")).toBeTruthy();
    expect(screen.queryByText(/^Stops when the target follows/)).toBeNull();
    fireEvent.click(screen.getByRole("checkbox", { name: "Stop before writes wait, and ask me" }));
    fireEvent.change(screen.getByLabelText("Writes wait for at most (seconds)"), { target: { value: "60" } });
  });
  expect(asked(w)).toMatchObject({ mode: "fenced", max_read_only_ms: 60_000, hold: true });
  expect(screen.queryByText("Online is not possible")).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "Start the move…" }));
  const sure = await screen.findByRole("dialog");
  expect(sure.textContent).toContain("The move waits until you switch.");
  expect(sure.textContent).toContain("Meanwhile writes of site-7 wait about 4.0 s, at most 1 min");
});

it("says why a move is not online, and why nothing is estimated", async () => {
  const why = "a check stands in the way before anything was measured";
  const owners = "rows of other tables belong to the tenant through tags, which has no key";
  await planned(
    plan("7", { mode: "fenced", mode_reason: owners, estimate_ms: null, pause_ms: null, estimate_ms_reason: why, blocked: true }),
  );
  expect(screen.getByText("Online is not possible")).toBeTruthy();
  expect(screen.getByText(owners)).toBeTruthy();
  expect(figure("Takes about")).toContain(why);
  expect(figure("Writes wait about")).toContain(why);
});

it("makes no plan with a time that is none", async () => {
  show(path);
  const field = await screen.findByLabelText("Writes wait for at most (seconds)");
  const button = screen.getByRole("button", { name: "Make the plan" }) as HTMLButtonElement;
  expect(button.disabled).toBe(false);
  for (const wrong of ["0", "-3", "soon"]) {
    fireEvent.change(field, { target: { value: wrong } });
    expect(button.disabled, wrong).toBe(true);
  }
});

it("says where tenants come from while there are none, and only else that none fits", async () => {
  show("/moves/new", { "Tenants.List": () => ({ tenants: [], total: 0 }) });
  expect(await screen.findByText("No tenants yet")).toBeTruthy();
  fireEvent.change(screen.getByLabelText("Find a tenant by subdomain, id or company"), { target: { value: "site-9" } });
  expect(await screen.findByText("No tenant fits")).toBeTruthy();
  expect(screen.queryByText("No tenants yet")).toBeNull();
});
