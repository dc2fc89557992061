import { describe, expect, it } from "vitest";
import { formats, missing, provable } from "./report";

describe("a report", () => {
  it("of moves is not offered as OCSF", () => {
    expect(formats("moves").map((f) => f.value)).toEqual(["pdf", "html", "xlsx", "csv", "jsonl"]);
    expect(formats("changes").map((f) => f.value)).toContain("ocsf");
  });
  it("is provable as lines of events alone", () => {
    expect(provable("changes", "jsonl")).toBe(true);
    expect(provable("moves", "jsonl")).toBe(false);
    expect(provable("changes", "csv")).toBe(false);
  });
  it("says what it lacks", () => {
    expect(missing("tenant", { tenant: " ", actor: "ann@example.com" })).toBe("Name the tenant.");
    expect(missing("tenant", { tenant: "7", actor: "" })).toBe("");
    expect(missing("actor", { tenant: "7", actor: "" })).toBe("Name the operator.");
    expect(missing("", { tenant: "", actor: "" })).toBe("");
  });
});
