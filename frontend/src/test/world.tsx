import { createMemoryHistory } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import { App } from "../app/App";
import { newClient } from "../app/client";
import { setLive } from "../app/live";
import { newRouter } from "../app/router";
import type { Problem } from "../bridge";
import { alerts, distribution, info, mapView, past, queue, shard, status, tenants, tenantView } from "./factories";

type Answer = (...args: never[]) => unknown;

/** What each method answers unless a test says otherwise. */
function usual(): Record<string, Answer> {
  const shards = [shard({ name: "default", in_control: true }), shard({ name: "shard_1" })];
  return {
    "Shell.Info": () => info(),
    "Settings.Settings": () => ({ settings: [] }),
    "Settings.Set": () => ({}),
    "Overview.Status": () => status(shards),
    "Overview.Health": () => ({ shards: [] }),
    "Overview.Distribution": () => distribution(shards),
    "Overview.History": () => past([]),
    "Overview.Recent": () => ({ events: [] }),
    "Overview.Stats": () => ({ name: "", tenants: 0, table_count: 1, size_bytes: 1, index_bytes: 1, counts: {}, checked_at: "" }),
    "Moves.List": () => ({ moves: [], queue: queue(), queue_reason: "" }),
    "Moves.Workers": () => ({ workers: [] }),
    "Tenants.List": () => tenants([]),
    "Tenants.Find": (id: string) => tenantView(Number(id)),
    "Tenants.Get": (id: string) => tenantView(Number(id)),
    "Tenants.Map": () => mapView([]),
    "Audit.List": () => ({ events: [] }),
    "Audit.Facets": () => ({ events: 0, most: 10000, more: false, facets: [], copy_to: null, copy_reason: "" }),
    "Alerts.List": () => alerts(),
    "Audit.Filters": () => ({ filters: [] }),
    "Audit.Alarms": () => ({ alarms: [], hint: "" }),
    "Audit.Schedules": () => ({ schedules: [], workers: 0 }),
    "Moves.Reentry": () => "password",
  };
}

export interface World {
  /** Every call that the page made, as "Service.Method" with its arguments. */
  calls: { method: string; args: unknown[] }[];
  of: (method: string) => unknown[][];
  /** Changes what a method answers from now on. */
  answer: (method: string, answer: Answer) => void;
  emit: (event: string, payload: unknown) => void;
  path: () => string;
}

/** refuse makes a method fail as the program does. */
export function refuse(problem: Partial<Problem>): Answer {
  return () => Promise.reject(JSON.stringify({ code: "internal", message: "it failed", hint: "try again", ...problem }));
}

/** show draws the page at a path, with a program behind it that answers as told. */
export function show(path: string, answers: Record<string, Answer> = {}): World {
  const known: Record<string, Answer> = { ...usual(), ...answers };
  const calls: World["calls"] = [];
  const handlers = new Map<string, Set<(payload: unknown) => void>>();
  const service = (name: string) =>
    new Proxy(
      {},
      {
        get: (_t, method) => {
          if (typeof method !== "string") return undefined;
          return async (...args: unknown[]) => {
            const key = `${name}.${method}`;
            calls.push({ method: key, args });
            const answer = known[key];
            if (!answer) throw new Error(`nothing answers ${key}`);
            return answer(...(args as never[]));
          };
        },
      },
    );
  window.go = { app: new Proxy({}, { get: (_t, name) => (typeof name === "string" ? service(name) : undefined) }) };
  window.runtime = {
    EventsOn(event, handler) {
      const set = handlers.get(event) ?? new Set();
      handlers.set(event, set);
      set.add(handler);
      return () => set.delete(handler);
    },
  };
  setLive({ paused: true, every: 5000 });
  localStorage.clear();
  const history = createMemoryHistory({ initialEntries: [path] });
  render(<App client={newClient()} router={newRouter(false, history)} />);
  return {
    calls,
    of: (method) => calls.filter((c) => c.method === method).map((c) => c.args),
    answer: (method, answer) => {
      known[method] = answer;
    },
    emit: (event, payload) => {
      for (const h of handlers.get(event) ?? []) h(payload);
    },
    // The address quotes texts that look like numbers.
    path: () => decodeURIComponent(history.location.href).replaceAll('"', ""),
  };
}

/** press sends a key to the page, as a person does outside of any field. */
export function press(key: string, more: KeyboardEventInit = {}): void {
  (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
}
