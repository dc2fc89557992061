import { describe, expect, it } from "vitest";
import { plan, tenant, tenants } from "../../test/factories";
import { chosenColumns, columnsOf } from "./columns";
import { waiting } from "./items";
import { lay, page, pagesOf } from "./queries";
import { added, most, readSelection, sumOf, toggled, writeSelection } from "./selection";

describe("pages", () => {
  it("are those that hold the rows in sight", () => {
    expect(pagesOf(0, 30)).toEqual([0]);
    expect(pagesOf(190, 230)).toEqual([0, 1]);
    expect(pagesOf(99_990, 100_020)).toEqual([499, 500]);
    expect(pagesOf(0, 100_000)).toHaveLength(4);
    expect(pagesOf(0, -1)).toEqual([0]);
  });

  it("lie where their rows are; what was not read holds its place", () => {
    const list = lay(page * 3, [1], [tenants([tenant(201), tenant(202)])]);
    expect(list).toHaveLength(page * 3);
    expect(list[0]).toBeUndefined();
    expect(list[page]?.id).toBe("201");
    expect(list[page + 1]?.id).toBe("202");
    // A list that became shorter in between.
    expect(lay(1, [0], [tenants([tenant(1), tenant(2)])])).toHaveLength(1);
  });
});

describe("the choice", () => {
  it("comes back from the address as it went in", () => {
    expect(readSelection(writeSelection(["1", "b-2"]))).toEqual(["1", "b-2"]);
    expect(writeSelection([])).toBeUndefined();
    expect(readSelection(undefined)).toEqual([]);
  });

  it("has nobody twice and an end", () => {
    expect(toggled(["1"], "1")).toEqual([]);
    expect(added(["2"], ["1", "2", "3"])).toEqual(["2", "1", "3"]);
    const all = Array.from({ length: most + 50 }, (_, i) => String(i));
    expect(added([], all)).toHaveLength(most);
    expect(toggled(all.slice(0, most), "more")).toHaveLength(most);
  });

  it("weighs what is known and says of how many", () => {
    expect(sumOf([1, null, 2, undefined])).toEqual({ sum: 3, known: 2, of: 4 });
  });
});

describe("columns", () => {
  const all = columnsOf({ fields: ["site_type"], chosen: new Set(), onPick: () => undefined, changedReason: "" });

  it("are the usual ones until the address names others; the name is always there", () => {
    expect(chosenColumns(all, undefined).map((c) => c.key)).not.toContain("field.site_type");
    expect(chosenColumns(all, "field.site_type,size").map((c) => c.key)).toEqual(["label", "size", "field.site_type"]);
    expect(chosenColumns(all, "nonsense").map((c) => c.key)).toEqual(["label"]);
  });

  it("can all be exported", () => {
    expect(all.every((c) => c.exports.length > 0)).toBe(true);
  });
});

describe("when writes of several tenants wait", () => {
  const online = plan("1", { mode: "online", max_read_only_ms: 10_000 });
  const fenced = plan("2", { mode: "fenced", max_read_only_ms: 300_000 });
  it("is said by the modes of their plans", () => {
    expect(waiting([online, online])).toBe(
      "Each tenant writes while its rows are copied; its writes wait for its own switch, at most 10 s; reads go on.",
    );
    expect(waiting([fenced])).toBe("Writes of each tenant wait while its own rows are copied and compared, at most 5 min; reads go on.");
    expect(waiting([online, fenced, online])).toContain("2 online: the tenant's writes wait for its own switch; 1 fenced");
  });
});
