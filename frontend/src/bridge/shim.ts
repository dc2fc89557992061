import type { Runtime } from "./runtime";

// In a browser there is no Wails: the same two globals are then served by
// POST /bindings/{Service}/{Method} and by server-sent events.

async function post(service: string, method: string, args: unknown[]): Promise<unknown> {
  let answer: Response;
  try {
    answer = await fetch(`/bindings/${service}/${method}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(args),
    });
  } catch {
    return Promise.reject(
      JSON.stringify({
        code: "page_lost",
        message: "the program behind this page does not answer",
        hint: "start `shard-admin serve` again and open the address that it prints",
      }),
    );
  }
  const body = await answer.text();
  if (!answer.ok) return Promise.reject(body);
  return JSON.parse(body);
}

function service(name: string): unknown {
  return new Proxy(
    {},
    { get: (_target, method) => (typeof method === "string" ? (...args: unknown[]) => post(name, method, args) : undefined) },
  );
}

/** events keeps one stream open and hands each event to who asked for it. */
function events(): Runtime {
  const handlers = new Map<string, Set<(payload: unknown) => void>>();
  const tell = (event: string, payload: unknown) => {
    for (const h of handlers.get(event) ?? []) h(payload);
  };
  let stream: EventSource | undefined;
  const open = () => {
    if (stream || typeof EventSource === "undefined") return;
    stream = new EventSource("/events");
    stream.onopen = () => tell("connection", "open");
    stream.onerror = () => tell("connection", "lost");
    stream.onmessage = (m: MessageEvent<string>) => {
      const v: unknown = JSON.parse(m.data);
      if (v !== null && typeof v === "object" && "event" in v && typeof v.event === "string" && "payload" in v) tell(v.event, v.payload);
    };
  };
  return {
    EventsOn(event, handler) {
      const set = handlers.get(event) ?? new Set();
      handlers.set(event, set);
      set.add(handler);
      open();
      return () => set.delete(handler);
    },
  };
}

/** native reports whether the page is inside the window. */
export function native(): boolean {
  return window.go !== undefined && !shimmed;
}

let shimmed = false;

/** installShim gives a browser what the window has. */
export function installShim(): void {
  if (window.go) return;
  shimmed = true;
  window.go = { app: new Proxy({}, { get: (_target, name) => (typeof name === "string" ? service(name) : undefined) }) };
  window.runtime = events();
}
