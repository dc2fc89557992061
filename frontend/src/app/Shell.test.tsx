import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { info, move, shard, status, tenant, tenants } from "../test/factories";
import { press, refuse, show } from "../test/world";
import { actions } from "./actions";

describe("the shell", () => {
  it("says that production is production, in sign, word and line", async () => {
    show("/", {
      "Shell.Info": () => info({ fleets: [{ name: "estates", environment: "production", current: true, error: "" }] }),
    });
    expect(await screen.findByText("PROD")).toBeTruthy();
    expect(document.querySelector('.envline[data-env="production"]')).toBeTruthy();
  });

  it("opens everything from one palette: screens, shards, tenants and actions", async () => {
    const w = show("/tenants", { "Tenants.List": () => tenants([tenant(7), tenant(8)]) });
    await screen.findByText("site-7");
    act(() => press("k", { ctrlKey: true }));
    const box = await screen.findByRole("combobox", { name: "Search shards, tenants, actions" });
    const names = () => within(screen.getByRole("listbox")).getAllByRole("option");
    expect(names()[0]?.textContent).toContain("Here");
    for (const a of actions.filter((a) => "run" in a && a.id !== "palette"))
      expect(names().some((n) => n.textContent?.includes(a.title))).toBe(true);
    expect(names().some((n) => n.textContent?.startsWith("shard_1"))).toBe(true);
    // What only another screen can do is not offered here.
    expect(names().some((n) => n.textContent?.includes("Check this shard now"))).toBe(false);

    fireEvent.change(box, { target: { value: "site-8" } });
    const found = await screen.findByRole("option", { name: /site-8/ });
    fireEvent.click(found);
    await waitFor(() => expect(w.path()).toBe("/tenants/8"));
  });

  it("says why tenants could not be searched", async () => {
    show("/", { "Tenants.List": refuse({ message: "control does not answer" }) });
    await screen.findByRole("heading", { name: "Fleet" });
    act(() => press("k", { metaKey: true }));
    fireEvent.change(await screen.findByRole("combobox"), { target: { value: "nobody" } });
    expect(await screen.findByText(/control does not answer/)).toBeTruthy();
  });

  it("goes by keys, and lists them from the table that carries them out", async () => {
    const w = show("/");
    await screen.findByRole("heading", { name: "Fleet" });
    act(() => press("g"));
    act(() => press("m"));
    await waitFor(() => expect(w.path()).toBe("/moves"));
    act(() => press("?"));
    const help = await screen.findByRole("dialog");
    for (const a of actions) if ("keys" in a) expect(within(help).getAllByText(a.title).length).toBe(1);
    act(() => press("g"));
    act(() => press("t"));
    expect(w.path()).toBe("/moves");
  });

  it("shows what runs and what waits, in the top bar, the sidebar and the title", async () => {
    const w = show("/", {
      "Moves.List": () => ({
        moves: [
          move(),
          move({
            id: "m2",
            label: "site-9",
            state: "failed",
            settled: true,
            error: { code: "x", message: "disk full", hint: "", safe: "" },
          }),
        ],
      }),
    });
    const button = await screen.findByRole("button", { name: "1 move waits for you" });
    expect(document.title).toBe("(1) 25 % site-7 → shard_1 · Fleet · Shard Admin");
    expect(screen.getByRole("link", { name: "Moves, 1 waiting for you" })).toBeTruthy();
    fireEvent.click(button);
    const list = await screen.findByRole("dialog");
    expect(within(list).getByText("disk full")).toBeTruthy();
    expect(within(list).getByText(/Closing this page stops nothing/)).toBeTruthy();
    fireEvent.click(within(list).getByText("site-9"));
    await waitFor(() => expect(w.path()).toBe("/moves/m2"));
  });

  it("tells the system when a move ends that nobody watches", async () => {
    const sent: string[] = [];
    vi.spyOn(document, "hasFocus").mockReturnValue(false);
    const w = show("/", { "Moves.List": () => ({ moves: [move()] }) });
    await screen.findByRole("button", { name: "1 move running" });
    if (window.runtime) {
      window.runtime.IsNotificationAvailable = async () => true;
      window.runtime.SendNotification = async (n) => {
        sent.push(`${n.title}: ${n.body}`);
      };
    }
    act(() => w.emit("move", move({ rows_copied: 500 })));
    act(() => w.emit("move", move({ state: "retained", settled: true })));
    await waitFor(() => expect(sent).toEqual(["site-7 lives on shard_1: default keeps its copy until you finalize."]));
    // Said once, however often it is pushed.
    act(() => w.emit("move", move({ state: "retained", settled: true })));
    await new Promise((r) => setTimeout(r, 20));
    expect(sent).toHaveLength(1);
    vi.restoreAllMocks();
  });

  it("switches the zone of times and keeps it", async () => {
    const w = show("/");
    fireEvent.click(await screen.findByRole("button", { name: "Local" }));
    expect(await screen.findByRole("button", { name: "UTC" })).toBeTruthy();
    expect(w.of("Settings.Set")).toEqual([["time_zone", "utc"]]);
    act(() => press("u"));
    expect(await screen.findByRole("button", { name: "Local" })).toBeTruthy();
  });

  it("pauses, and says so", async () => {
    show("/");
    await screen.findByRole("heading", { name: "Fleet" });
    const before = screen.getByRole("button", { name: /^Paused/ });
    act(() => press("p"));
    await waitFor(() => expect(before.textContent).toContain("Live"));
  });

  it("does not call live what could not be read", async () => {
    show("/", { "Overview.Status": refuse({ message: "no answer" }) });
    expect(await screen.findByRole("button", { name: /^Not read/ })).toBeTruthy();
  });

  it("says after a second what it waits for, and lets go when told to", async () => {
    const w = show("/map", { "Tenants.Map": () => new Promise(() => undefined) });
    fireEvent.click(await screen.findByRole("button", { name: "Cancel" }));
    w.answer("Tenants.Map", () => ({ profile: "p", database: "default", tables: [], unclassified: 0, problems: [] }));
    fireEvent.click(await screen.findByRole("button", { name: "Read it now" }));
    expect(await screen.findByText("No table fits")).toBeTruthy();
  });

  it("stays when the program does not answer, and says what to do", async () => {
    show("/", { "Shell.Info": refuse({ code: "page_lost", message: "no answer", hint: "start it again" }) });
    const alert = await screen.findByRole("alert");
    expect(alert.textContent).toContain("no answer");
    expect(alert.textContent).toContain("start it again");
    expect(within(alert).getByRole("button", { name: "Retry" })).toBeTruthy();
  });

  it("asks who works here from wherever that is missing", async () => {
    show("/", { "Shell.Info": () => info({ operator: "" }), "Overview.Status": () => status([shard()]) });
    fireEvent.click((await screen.findAllByRole("button", { name: "Say who you are…" }))[0] as HTMLElement);
    expect(await screen.findByLabelText(/Your e-mail/)).toBeTruthy();
  });
});
