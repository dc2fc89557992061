import type { Problem } from "./types";

/** Failure is a refused or failed call, with what a person needs to know. */
export class Failure extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.name = "Failure";
    this.problem = problem;
  }
}

const text = (v: unknown): v is string => typeof v === "string";

/** toProblem reads what a call was rejected with: JSON text in both modes. */
export function toProblem(reason: unknown): Problem {
  if (reason instanceof Failure) return reason.problem;
  const raw = text(reason) ? reason : reason instanceof Error ? reason.message : "";
  try {
    const v: unknown = JSON.parse(raw);
    if (v !== null && typeof v === "object" && "message" in v && text(v.message)) {
      return {
        code: "code" in v && text(v.code) ? v.code : "internal",
        message: v.message,
        hint: "hint" in v && text(v.hint) ? v.hint : "",
        safe: "safe" in v && text(v.safe) ? v.safe : "",
        grants: "grants" in v && Array.isArray(v.grants) ? v.grants.filter(text) : [],
      };
    }
  } catch {
    // No JSON: said as it came.
  }
  return {
    code: "internal",
    message: raw || "the call failed without a reason",
    hint: "the log in the program's folder may say more",
    safe: "",
  };
}
