import { describe, expect, it } from "vitest";
import { event, move } from "../test/factories";
import { type Action, actions, keysOf, perform, possible, type Reach } from "./actions";
import { eventTenant, settledEvents } from "./events";
import { newHere } from "./here";
import { newsOf, titleOf, waits } from "./tell";
import { stateOf } from "./tenantState";
import { hit } from "./useKeys";

describe("the table of actions", () => {
  const table: readonly Action[] = actions;

  it("has no id twice, and no key twice on one screen", () => {
    expect(new Set(table.map((a) => a.id)).size).toBe(table.length);
    const anywhere = table.filter((a) => a.run && a.keys).map((a) => a.keys);
    expect(new Set(anywhere).size).toBe(anywhere.length);
    // A key that a screen offers hides none that works anywhere, unless it is the same action.
    for (const a of table.filter((x) => !x.run && x.keys)) expect(anywhere).not.toContain(a.keys);
    // A single key is not the first of two.
    const firsts = new Set(table.filter((a) => a.keys?.match(/^\w \w$/)).map((a) => a.keys?.[0]));
    for (const a of table) if (a.keys?.length === 1) expect(firsts).not.toContain(a.keys);
  });

  it("takes the second of two keys with its first, and each alone without", () => {
    expect(hit(table, "g", "p")?.id).toBe("go.map");
    expect(hit(table, "", "p")?.id).toBe("live");
    expect(hit(table, "g", "m")?.id).toBe("go.moves");
    expect(hit(table, "g", "?")?.id).toBe("help");
    expect(hit(table, "", "q")).toBeUndefined();
  });

  it("lets the screen in sight carry out what it offers, and only while it is in sight", () => {
    const done: string[] = [];
    const here = newHere();
    const reach = { here, go: (to: string) => done.push(to) } as unknown as Reach;
    const start = table.find((a) => a.id === "move.start") as Action;
    const offers = possible(reach).map((a) => a.id);
    expect(offers).not.toContain("tenants.export");
    const gone = here.add({ "tenants.export": () => done.push("export"), "move.start": (via) => done.push(`move by ${via}`) });
    expect(possible(reach).map((a) => a.id)).toContain("tenants.export");
    perform(start, reach, "key");
    gone();
    perform(start, reach, "palette");
    expect(done).toEqual(["move by key", "/moves/new"]);
    expect(possible(reach).map((a) => a.id)).toEqual(offers);
  });

  it("names keys as the keyboard does", () => {
    const palette = table.find((a) => a.id === "palette") as Action;
    expect(keysOf(palette, false)).toBe("Ctrl K");
    expect(keysOf(palette, true)).toBe("⌘ K");
  });
});

describe("news of moves", () => {
  it("is told when one that was under way ends or needs a person", () => {
    const under = { settled: false };
    expect(newsOf(under, move({ rows_copied: 9 }))).toBeNull();
    expect(newsOf(undefined, move({ state: "retained", settled: true }))).toBeNull();
    expect(newsOf({ settled: true }, move({ state: "retained", settled: true }))).toBeNull();
    expect(newsOf(under, move({ state: "retained", settled: true }))?.good).toBe(true);
    expect(newsOf(under, move({ state: "ready", held: true, settled: true }))).toMatchObject({
      title: "site-7 waits for the switch to shard_1",
      body: "Nothing is copied yet; writes of site-7 go on until somebody switches.",
      good: false,
    });
    expect(newsOf(under, move({ mode: "online", state: "ready", held: true, settled: true }))?.body).toBe(
      "shard_1 follows default; writes of site-7 go on until somebody switches.",
    );
    const failed = move({ state: "failed", settled: true, error: { code: "disk_full", message: "no space", hint: "", safe: "" } });
    expect(newsOf(under, failed)).toMatchObject({ good: false, body: "no space" });
    expect(newsOf(under, move({ state: "rolled_back", settled: true }))?.title).toBe("site-7 is back on default");
  });

  it("counts as waiting what stopped before its end, not what may still go back", () => {
    expect(waits(move())).toBe(false);
    expect(waits(move({ state: "retained", settled: true }))).toBe(false);
    expect(waits(move({ state: "copying", settled: true, error: { code: "x", message: "y", hint: "", safe: "" } }))).toBe(true);
    expect(waits(move({ state: "cancelled", settled: true, error: { code: "x", message: "y", hint: "", safe: "" } }))).toBe(false);
  });

  it("is in the title of the window", () => {
    expect(titleOf([], "Fleet")).toBe("Fleet · Shard Admin");
    expect(titleOf([move({ rows_copied: 999 })], "Moves")).toBe("99 % site-7 → shard_1 · Moves · Shard Admin");
    expect(titleOf([move({ rows: 0, rows_copied: 0 })], "Moves")).toBe("site-7 → shard_1 · Moves · Shard Admin");
    expect(titleOf([move(), move({ id: "m2" })], "Fleet")).toBe("2 moves · Fleet · Shard Admin");
  });
});

describe("events", () => {
  it("leaves out the intent whose outcome is there, keeps one that has none", () => {
    const done = event({ seq: 3 });
    const begun = event({ seq: 2, phase: "intent", status: "begun" });
    const open = event({ seq: 1, phase: "intent", status: "begun", tenant: "9" });
    expect(settledEvents([done, begun, open]).map((e) => e.seq)).toEqual([3, 1]);
    // An outcome of before is not the outcome of a later intent.
    expect(settledEvents([event({ seq: 5, phase: "intent", status: "begun" }), event({ seq: 4 })]).map((e) => e.seq)).toEqual([5, 4]);
  });

  it("names the tenant as people do where any event of it knows", () => {
    const named = event({ details: { label: "site-7" } });
    expect(eventTenant(event(), [named])).toBe("site-7");
    expect(eventTenant(event({ tenant: "8" }), [named])).toBe("8");
    expect(eventTenant(event({ tenant: "" }), [named])).toBe("");
  });
});

describe("a tenant's state", () => {
  it("is an alarm only where the word is one", () => {
    expect(stateOf(null)).toEqual(["ok", "Live"]);
    expect(stateOf("provisioning_failed")).toEqual(["bad", "Provisioning failed"]);
    expect(stateOf("suspended")[0]).toBe("warn");
    expect(stateOf("owner_assigned")).toEqual(["info", "Owner assigned"]);
    expect(stateOf("inactive")[0]).toBe("off");
  });
});
