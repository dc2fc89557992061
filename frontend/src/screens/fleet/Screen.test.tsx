import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { distribution, event, health, info, move, shard, silentShard, status, unconfiguredShard } from "../../test/factories";
import { refuse, show } from "../../test/world";

const partial = [
  shard({ name: "default", in_control: true }),
  silentShard({ name: "shard_1", tenants: 12 }),
  unconfiguredShard({ name: "shard_3" }),
];

describe("the fleet", () => {
  it("shows the shards that answer, says what is wrong with the one that does not, and tries it again", async () => {
    const w = show("/", {
      "Overview.Status": () => status(partial),
      "Overview.Distribution": () => distribution(partial),
      "Overview.Health": () => ({ shards: [health("shard_1", [{ severity: "critical", message: "the shard does not answer" }])] }),
    });
    expect(await screen.findByText("1 of 2 shards answer")).toBeTruthy();
    expect(screen.getByText("12 on a silent shard")).toBeTruthy();
    const cards = within(screen.getByRole("region", { name: "Shards" })).getAllByRole("listitem");
    expect(cards.map((c) => c.querySelector("a")?.textContent)).toEqual(["shard_1", "default", "shard_3"]);
    expect(cards[0]?.textContent).toContain("connection refused");
    expect(cards[0]?.textContent).toContain("No answer");
    // Unknown is a dash with its reason, never nothing.
    expect(within(cards[0] as HTMLElement).getAllByTitle("db9.example:5432: connection refused").length).toBeGreaterThan(0);
    expect(cards[2]?.textContent).toContain("Not configured");
    await waitFor(() => expect(screen.getByText(/without shard_1: 1 size not known/)).toBeTruthy());
    expect(screen.getByText("MB, 1 of 2")).toBeTruthy();

    const before = w.of("Overview.Status").length;
    w.answer("Overview.Status", () => status([shard({ name: "default" }), shard({ name: "shard_1" })]));
    fireEvent.click(screen.getByRole("button", { name: "Retry shard_1" }));
    expect(await screen.findByText("2 of 2 shards answer")).toBeTruthy();
    expect(w.of("Overview.Status").length).toBeGreaterThan(before);
    expect(screen.queryByRole("button", { name: /^Retry/ })).toBeNull();
  });

  it("is a table past twelve shards, and cards again when asked", async () => {
    const many = Array.from({ length: 13 }, (_, i) => shard({ name: `shard_${i}` }));
    const w = show("/", { "Overview.Status": () => status(many) });
    expect(await screen.findByRole("columnheader", { name: "Connections" })).toBeTruthy();
    fireEvent.click(screen.getByRole("radio", { name: "Cards" }));
    await waitFor(() => expect(w.path()).toContain("view=cards"));
    expect(screen.queryByRole("columnheader", { name: "Connections" })).toBeNull();
  });

  it("lists what runs, with what closing the page means", async () => {
    show("/", { "Moves.List": () => ({ moves: [move(), move({ id: "m9", label: "old", state: "finalized", settled: true })] }) });
    const jobs = await screen.findByRole("region", { name: "Running jobs" });
    expect(within(jobs).getAllByRole("listitem")).toHaveLength(1);
    expect(within(jobs).getByText("250 of 1,000 rows")).toBeTruthy();
    expect(within(jobs).getByText(/Closing this page stops nothing/)).toBeTruthy();
  });

  it("says that it may only be looked at, and why", async () => {
    show("/", {
      "Shell.Info": () => info({ operator: "" }),
      "Overview.Status": () => status([shard()], { installed: false, install_note: "look only: no schema" }),
    });
    expect(await screen.findByText("look only: no schema")).toBeTruthy();
    expect(screen.getByText(/nothing changed/)).toBeTruthy();
  });

  it("says what failed where the whole cannot be read, and keeps it on the screen", async () => {
    show("/", { "Overview.Status": refuse({ code: "profile_invalid", message: "the profile cannot be read", hint: "mend it" }) });
    const alert = await screen.findByRole("alert");
    expect(alert.textContent).toContain("The shards could not be read");
    expect(alert.textContent).toContain("profile_invalid");
    expect(screen.getAllByTitle("the profile cannot be read").length).toBeGreaterThan(0);
  });

  it("tells what happened, once for each thing", async () => {
    show("/", {
      "Overview.Recent": () => ({
        events: [
          event({ seq: 3, details: { label: "site-7" } }),
          event({ seq: 2, phase: "intent", status: "begun" }),
          event({ seq: 1, action: "fleet.install", tenant: "", source: "", target: "" }),
        ],
      }),
    });
    const recent = await screen.findByRole("region", { name: "Recent activity" });
    await waitFor(() => expect(within(recent).getAllByRole("listitem")).toHaveLength(2));
    expect(recent.textContent).toContain("Assignment site-7 default → shard_1");
  });
});
