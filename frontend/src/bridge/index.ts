export { api } from "./api";
export { askForNotices, type Permission, sendNotice, setTitle } from "./desk";
export { on } from "./events";
export { keys } from "./keys";
export { Failure, toProblem } from "./problem";
export { installShim, native } from "./shim";
export * from "./types";
