import { describe, expect, it } from "vitest";
import { distribution, health, shard, silentShard, unconfiguredShard } from "../../test/factories";
import { findings, fullness, imbalance, silentTenants, spread, totalSize, worstFirst } from "./figures";

const shards = [
  unconfiguredShard({ name: "z" }),
  shard({ name: "fine" }),
  shard({ name: "full", size_bytes: 95_000_000 }),
  shard({ name: "slow", status: "slow" }),
  shard({ name: "found" }),
  silentShard({ name: "gone", tenants: 7 }),
];

describe("the fleet's figures", () => {
  it("puts the worst first: silent, slow, with findings, full, fine, not configured", () => {
    const h = new Map([["found", health("found", [{ severity: "warning" }])]]);
    expect(worstFirst(shards, h).map((s) => s.name)).toEqual(["gone", "slow", "found", "full", "fine", "z"]);
  });

  it("adds sizes that are known and says of how many", () => {
    expect(totalSize(shards)).toEqual({ bytes: 185_000_000, known: 4, of: 5 });
    expect(totalSize([silentShard()])).toEqual({ bytes: null, known: 0, of: 1 });
    expect(silentTenants(shards)).toBe(7);
  });

  it("spreads by size without counting an unknown size as nothing", () => {
    const d = distribution([
      shard({ name: "a", size_bytes: 30 }),
      shard({ name: "b", size_bytes: 10 }),
      silentShard({ name: "c" }),
      unconfiguredShard({ name: "d" }),
    ]);
    const by = spread(d, "size");
    expect(by.parts.map((p) => [p.name, p.share])).toEqual([
      ["a", 0.75],
      ["b", 0.25],
    ]);
    expect(by.without).toEqual(["c"]);
    expect(spread(d, "tenants").parts.map((p) => p.name)).toEqual(["a", "b", "c"]);
    expect(imbalance(d)).toEqual({ factor: 1.5, shard: "a", by: "size", of: 2 });
  });

  it("has no imbalance of one shard, and takes tenants where no size is known", () => {
    expect(imbalance(undefined)).toBeNull();
    expect(imbalance(distribution([shard()]))).toBeNull();
    expect(imbalance(distribution([silentShard({ name: "a", tenants: 30 }), silentShard({ name: "b", tenants: 10 })]))).toMatchObject({
      by: "tenants",
      factor: 1.5,
    });
  });

  it("counts findings by severity and colours a share of capacity", () => {
    expect(findings(undefined)).toBeNull();
    expect(findings({ shards: [health("a", [{ severity: "critical" }, { severity: "info" }])] })).toEqual({
      critical: 1,
      warning: 0,
      info: 1,
    });
    expect([0.5, 0.8, 0.95].map(fullness)).toEqual([undefined, "warn", "bad"]);
  });
});
