import type { DemoStatus, MoveView } from "./types";

interface Payloads {
  move: MoveView;
  demo: DemoStatus;
  ready: { mode: string };
  awake: { mode: string };
  connection: "open" | "lost";
}

/** on hears an event of the program until the returned function is called. */
export function on<E extends keyof Payloads>(event: E, handler: (payload: Payloads[E]) => void): () => void {
  const stop = window.runtime?.EventsOn(event, (payload) => handler(payload as Payloads[E]));
  return stop ?? (() => undefined);
}
