import { describe, expect, it } from "vitest";
import { addressOf, everything, periods, same, selects } from "./address";

describe("the filter in the address", () => {
  it("has what a filter selects by and nothing else", () => {
    expect(addressOf({ ...everything, limit: 200, before: 7 })).toEqual({});
    expect(addressOf({ ...everything, search: "load", tenant: "7", actor: "a@b.c", shard: "s", action: "move", status: "failed" })).toEqual(
      {
        q: "load",
        tenant: "7",
        actor: "a@b.c",
        shard: "s",
        action: "move",
        outcome: "failed",
      },
    );
    expect(addressOf({ ...everything, since: "30d", until: "2026-01-01" })).toEqual({ since: "30d", until: "2026-01-01" });
  });

  it("is the same whatever page of it is listed", () => {
    expect(same({ ...everything, tenant: "7", limit: 200 }, { ...everything, tenant: "7" })).toBe(true);
    expect(same({ ...everything, tenant: "7", until: "24h" }, { ...everything, tenant: "7" })).toBe(false);
  });

  it("is said in words, with every part", () => {
    const all = { ...everything, search: "load", tenant: "7", actor: "a@b.c", shard: "s1", action: "operator.set", status: "failed" };
    expect(selects({ ...all, since: "720h", until: "1h" })).toBe(
      "Operator filed · Failed · tenant 7 · shard s1 · by a@b.c · holds “load” · last 30 days · until 1h",
    );
    expect(selects({ ...everything, since: "14d" })).toBe("last 14d");
    expect(selects({ ...everything, since: "2026-01-31" })).toBe("from 2026-01-31");
  });

  it("keeps a period that is none of the choices among them", () => {
    expect(periods("24h").map((t) => t.value)).toEqual(["", "1h", "24h", "168h", "720h"]);
    expect(periods("14d").at(-1)).toEqual({ value: "14d", label: "Last 14d" });
  });
});
