import { expect, test } from "vitest";
import { chosen, decided, keyOf, open, ordered } from "./decisions";

const row = (key: string, choice = "") => ({
  table: "pwb_users",
  key,
  case: "two_owners",
  choices: ["share", "refuse"],
  choice,
  detail: "",
});

test("what is chosen here wins over what the plan had", () => {
  const d = row("1", "share");
  expect(chosen(d, {})).toBe("share");
  expect(chosen(d, { [keyOf(d)]: "refuse" })).toBe("refuse");
  expect(chosen(d, { [keyOf(d)]: "" })).toBe("");
});

test("a request has the decisions that are made, and no others", () => {
  const list = [row("1"), row("2", "share"), row("3")];
  const choices = { [keyOf(row("3"))]: "refuse" };
  expect(open(list, choices)).toBe(1);
  expect(decided(list, choices).map((d) => [d.key, d.choice])).toEqual([
    ["2", "share"],
    ["3", "refuse"],
  ]);
});

test("what stands in the way comes first", () => {
  const check = (name: string, status: string) => ({ name, status, message: "", fix: "", evidence: "" });
  const list = [check("a", "ok"), check("b", "warning"), check("c", "blocker"), check("d", "ok")];
  expect(ordered(list).map((c) => c.name)).toEqual(["c", "b", "a", "d"]);
});
