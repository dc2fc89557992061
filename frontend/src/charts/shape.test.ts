import { describe, expect, it } from "vitest";
import { course } from "../test/factories";
import { inUnit, inWords, lone, rows, scaled, spark, summary, values } from "./shape";

describe("a course", () => {
  it("is summed up without its gaps", () => {
    expect(summary(course([2, null, 4, 6]))).toMatchObject({ least: 2, most: 6, mean: 4, last: 6, lastAt: 1180, gaps: 1 });
    expect(summary(course([1, null]))).toMatchObject({ last: 1, lastAt: 1000, gaps: 1 });
    expect(summary(course([null]))).toBeNull();
    expect(summary(course([2, 3], { least: [1, 2], most: [9, 3] }))).toMatchObject({ least: 1, most: 9, mean: 2.5 });
  });

  it("is said in words, with why there is nothing", () => {
    expect(inWords(course([2, null, 4]))).toBe("Latency: 4.0 ms at last, on average 3.0 ms, from 2.0 ms to 4.0 ms, with one gap");
    expect(inWords(course([]))).toBe("Latency: nothing was measured in this time");
  });

  it("never becomes zero where nothing was measured", () => {
    expect(values([1, undefined, null, Number.NaN, 0])).toEqual([1, null, null, null, 0]);
    const path = spark(course([1, 2, null, 3, 4]), 1000, 1240, 100, 20);
    expect(path.match(/M/g)).toHaveLength(2);
    expect(spark(course([null, null]), 1000, 1240, 100, 20)).toBe("");
    expect(spark(course([0, 0]), 1000, 1060, 100, 20)).not.toContain("NaN");
  });

  it("shows a point that stands alone", () => {
    expect(lone([1, null, 2, null, 3, 4])).toEqual([0, 2]);
    expect(spark(course([1]), 1000, 1240, 100, 20)).toContain("h1");
  });

  it("is a table of so many rows at the most, without those in which nothing was measured", () => {
    const list = rows(course([1, 3, null, null, 8, 10]), 1000, 1360, 3);
    expect(list).toEqual([
      { at: 1000, mean: 2, least: 1, most: 3 },
      { at: 1240, mean: 9, least: 8, most: 10 },
    ]);
  });

  it("has no two labels of its axis that read the same", () => {
    expect(scaled("bytes", [2.01e9, 2.011e9, 2.2e9])).toEqual([inUnit("bytes", 2.01e9), "", inUnit("bytes", 2.2e9)]);
    expect(scaled("count", [1, 2])).toEqual(["1", "2"]);
  });

  it("is written in its unit", () => {
    expect([inUnit("ms", 1.5), inUnit("bytes", 2e9), inUnit("share", 0.998), inUnit("per_second", 3), inUnit("count", 4.25)]).toEqual([
      "1.5 ms",
      "2.0 GB",
      "99.8 %",
      "3.0/s",
      "4.3",
    ]);
  });
});
