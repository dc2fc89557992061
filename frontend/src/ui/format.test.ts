import { expect, test } from "vitest";
import { age, bytes, count, millis, ofPlan, percent, plural, size } from "./format";

test("a duration is said with the units that matter", () => {
  expect([0, 0.0499, 0.05, 0.4, 14, 1400, 12_300, 300_000, 301_000, 3_599_600, 5_400_000, 7_200_000].map(millis)).toEqual([
    "0 ms",
    "< 0.1 ms",
    "0.1 ms",
    "0.4 ms",
    "14 ms",
    "1.4 s",
    "12 s",
    "5 min",
    "5 min 1 s",
    "1 h",
    "1 h 30 min",
    "2 h",
  ]);
});

test("sizes are decimal, with a decimal place while it says something", () => {
  expect([0, 999, 1000, 1_234_567, 148_200_000_000].map(bytes)).toEqual(["0 B", "999 B", "1.0 kB", "1.2 MB", "148 GB"]);
  expect(size(2_500_000)).toEqual({ value: "2.5", unit: "MB" });
});

test("an age is rough and never in the future", () => {
  expect([-5000, 400, 9000, 61_000, 7_300_000, 90_000_000, 300_000_000].map(age)).toEqual([
    "now",
    "now",
    "9 s ago",
    "1 min ago",
    "2 h ago",
    "yesterday",
    "3 days ago",
  ]);
});

test("numbers are grouped, and one thing is not many", () => {
  expect(count(1_204_118)).toBe("1,204,118");
  expect([plural(1, "row"), plural(2, "row"), plural(1200, "entry", "entries")]).toEqual(["1 row", "2 rows", "1,200 entries"]);
});

test("more than planned is said with the plan beside it", () => {
  expect([ofPlan(0, 1198, "row"), ofPlan(1198, 1198, "row"), ofPlan(1249, 1198, "row"), ofPlan(1, 0, "row")]).toEqual([
    "0 of 1,198 rows",
    "1,198 of 1,198 rows",
    "1,249 rows (1,198 planned)",
    "1 row (0 planned)",
  ]);
});

test("all but everything is not everything", () => {
  expect([0, 0.001, 0.5, 0.9994, 1].map(percent)).toEqual(["0 %", "0.1 %", "50.0 %", "99.9 %", "100 %"]);
});
