import type { Runtime } from "./runtime";

declare global {
  interface Window {
    /** The bound structs: Wails puts them here, or the shim does. */
    go?: { app: unknown };
    runtime?: Runtime;
  }
}
