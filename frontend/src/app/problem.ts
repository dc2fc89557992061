import { type Problem, toProblem } from "../bridge";

/** problemOf is the problem of a query or mutation, null where there is none. */
export function problemOf(q: { error: unknown }): Problem | null {
  return q.error ? toProblem(q.error) : null;
}
