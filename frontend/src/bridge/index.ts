export { api } from "./api";
export { on } from "./events";
export { keys } from "./keys";
export { Failure, toProblem } from "./problem";
export { installShim, native } from "./shim";
export type * from "./types";
