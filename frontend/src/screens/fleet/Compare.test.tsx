import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { refuse, show } from "../../test/world";

const refused = { code: "database_unreachable", message: "shard_2 does not answer", hint: "start it", safe: "" };

function view(over: object) {
  return {
    name: "indexes",
    title: "Indexes that no shard uses",
    group: "tables",
    checked_at: "2024-05-06T07:08:09Z",
    over_ms: null,
    reason: "",
    grant: "",
    empty: "each index was used on a shard, or holds a key",
    columns: [
      { name: "index", kind: "code" },
      { name: "use", kind: "text" },
    ],
    rows: [] as string[][],
    sessions: [],
    ...over,
  };
}

const shard = (name: string, problem: object | null = null) => ({ name, checked_at: problem ? null : "2024-05-06T07:08:09Z", problem });

describe("the comparison of the shards", () => {
  it("is a tab of the fleet, in the address", async () => {
    const w = show("/", {
      "Overview.Compare": () => ({ fleet: "f", checked_at: "", shards: [shard("a"), shard("b")], views: [view({})] }),
    });
    const tab = await screen.findByRole("tab", { name: "Compare" });
    expect(w.of("Overview.Compare")).toHaveLength(0);
    tab.click();
    expect(await screen.findByText("Each index was used on a shard, or holds a key.")).toBeTruthy();
    await waitFor(() => expect(w.path()).toContain("tab=compare"));
    expect(screen.queryByRole("region", { name: "The fleet in figures" })).toBeNull();
  });

  it("says which shard is silent, and calls nothing unused meanwhile", async () => {
    show("/?tab=compare", {
      "Overview.Compare": () => ({
        fleet: "f",
        checked_at: "",
        shards: [shard("a"), shard("b"), shard("shard_2", refused)],
        views: [view({ reason: "not known of 1 shard: shard_2: no answer", rows: [["t_b", "not known"]] })],
      }),
    });
    expect(await screen.findByText(/2 of 3 shards answer/)).toBeTruthy();
    expect(screen.getByText("shard_2: shard_2 does not answer")).toBeTruthy();
    const [table] = (await screen.findAllByRole("region", { name: "Indexes that no shard uses" })) as [HTMLElement];
    expect(within(table).getByText("Not known of 1 shard: shard_2: no answer.")).toBeTruthy();
    expect(within(table).getByText("not known")).toBeTruthy();
  });

  it("shows what a slow shard told last, with its age and why it is old", async () => {
    const slow = { code: "timed_out", message: "b answers, and its statistics take longer than 2 s", hint: "look again", safe: "" };
    const old = { ...shard("b", slow), checked_at: "2024-05-06T07:00:00Z" };
    show("/?tab=compare", {
      "Overview.Compare": () => ({ fleet: "f", checked_at: "", shards: [shard("a"), old], views: [view({ rows: [["t_b", "unused"]] })] }),
    });
    const said = await screen.findByText(/b answers, and its statistics take longer than 2 s/);
    expect(said.querySelector("time")?.dateTime).toBe("2024-05-06T07:00:00.000Z");
    expect(screen.getByText(/One shard is slow/)).toBeTruthy();
    expect(screen.queryByText(/nothing is known/)).toBeNull();
    expect(screen.getByText("unused")).toBeTruthy();
  });

  it.each([
    ["It takes two shards to compare", [shard("a")]],
    ["No shard answers", [shard("a", refused), shard("b", refused)]],
  ])("says so where there is nothing to compare: %s", async (title, shards) => {
    show("/?tab=compare", { "Overview.Compare": () => ({ fleet: "f", checked_at: "", shards, views: [view({ reason: "not known" })] }) });
    expect(await screen.findByText(title)).toBeTruthy();
    expect(screen.queryByRole("region", { name: "Indexes that no shard uses" })).toBeNull();
  });

  it("says what failed", async () => {
    show("/?tab=compare", { "Overview.Compare": refuse({ code: "timed_out", message: "it took too long", hint: "try again" }) });
    expect((await screen.findByRole("alert")).textContent).toContain("The comparison could not be read");
  });
});
