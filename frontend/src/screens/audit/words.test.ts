import { expect, test } from "vitest";
import { changesOf, said } from "./words";

test("what differs comes first, and what is on one side only is there", () => {
  const list = changesOf({ shard: "default", id: 7, gone: true }, { shard: "shard_1", id: 7, rows: [1, 2] });
  expect(list.map((c) => [c.key, said(c.before), said(c.after), c.changed])).toEqual([
    ["gone", "true", "—", true],
    ["rows", "—", "[1,2]", true],
    ["shard", "default", "shard_1", true],
    ["id", "7", "7", false],
  ]);
});

test("an event without values has no changes", () => {
  expect(changesOf(null, undefined)).toEqual([]);
});
