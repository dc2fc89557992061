import { expect, test } from "vitest";
import type { MoveBehind } from "../../bridge";
import { move } from "../../test/factories";
import { carriedBack, carries, leftOf, oldestOf, paceOf, rowsOf } from "./measured";

const behind = (over: Partial<MoveBehind> = {}): MoveBehind => ({
  shard: "default",
  rows: 1200,
  at_least: false,
  oldest_ms: null,
  oldest_at_most: false,
  oldest_ms_reason: "default keeps no times of commits: track_commit_timestamp is off",
  at: new Date().toISOString(),
  ...over,
});

test("a time that is left is a range, about one number where both bounds are, and unknown with its reason", () => {
  expect(leftOf(move({ time_left_ms: { low: 3200, high: 9100 } }))).toBe("3.2 s to 9.1 s left");
  expect(leftOf(move({ time_left_ms: { low: 61_000, high: 61_200 } }))).toBe("about 1 min 1 s left");
  expect(leftOf(move())).toBe("time left unknown: nothing was measured yet");
});

test("a pace is of rows and bytes, and none where it was not measured", () => {
  expect(paceOf({ rows_per_s: 8100, bytes_per_s: 4_200_000 })).toBe("8,100 rows/s, 4.2 MB/s");
  expect(paceOf({ rows_per_s: null, bytes_per_s: null })).toBeNull();
  expect(paceOf({})).toBeNull();
});

test("rows that are behind say whether there are more and how old they are", () => {
  expect(rowsOf(behind())).toBe("1,200");
  expect(rowsOf(behind({ at_least: true, rows: 100_000 }))).toBe("≥ 100,000");
  expect(oldestOf(behind())).toBe("age unknown: default keeps no times of commits: track_commit_timestamp is off");
  expect(oldestOf(behind({ oldest_ms: 1500 }))).toBe("the oldest is 1.5 s old");
  expect(oldestOf(behind({ oldest_ms: 1500, oldest_at_most: true }))).toBe("none older than 1.5 s");
  expect(oldestOf(behind({ rows: 0 }))).toBe("");
});

test("a rollback says what it would carry back", () => {
  const m = move({ mode: "online", state: "retained", behind: behind({ oldest_ms: 7_200_000 }) });
  expect(carriedBack(m)).toBe("A rollback would carry 1,200 rows back; the oldest is 2 h old.");
  expect(carriedBack({ ...m, behind: behind({ rows: 1, at_least: true, oldest_ms: 10 }) })).toMatch(/at least 1 row back/);
  expect(carriedBack({ ...m, behind: behind({ rows: 0 }) })).toBe("A rollback would carry no rows back.");
  expect(carriedBack({ ...m, behind: null, behind_reason: "shard_1 did not answer within 1.5 s" })).toBe(
    "How many rows a rollback would carry back is not known: shard_1 did not answer within 1.5 s.",
  );
});

test("writes are carried by online moves from their first pass to the end of a rollback", () => {
  for (const state of ["catching_up", "ready", "switching", "rolling_back"]) {
    expect(carries(move({ mode: "online", state }))).toBe(true);
    expect(carries(move({ mode: "fenced", state }))).toBe(false);
  }
  expect(carries(move({ mode: "online", state: "failed", goes_on: true }))).toBe(true);
  expect(carries(move({ mode: "online", state: "failed", goes_on: false }))).toBe(false);
  for (const state of ["planned", "copying", "switched", "retained", "finalized"])
    expect(carries(move({ mode: "online", state }))).toBe(false);
});
