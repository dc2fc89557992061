import { useSyncExternalStore } from "react";

// One clock for every age on the page: a tick a second while somebody looks.
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const watchers = new Set<() => void>();

function subscribe(watcher: () => void): () => void {
  watchers.add(watcher);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const w of watchers) w();
  }, 1000);
  return () => {
    watchers.delete(watcher);
    if (watchers.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

/** zone decides how absolute times are written, for the whole page. */
let utc = false;
const zoned = new Set<() => void>();

export function setUTC(on: boolean): void {
  if (utc === on) return;
  utc = on;
  for (const w of zoned) w();
}

export function useUTC(): boolean {
  return useSyncExternalStore(
    (w) => {
      zoned.add(w);
      return () => zoned.delete(w);
    },
    () => utc,
  );
}

export function absolute(at: string | number, inUTC: boolean): string {
  const d = new Date(at);
  if (Number.isNaN(d.getTime())) return "—";
  const text = new Intl.DateTimeFormat("sv", { dateStyle: "short", timeStyle: "medium", timeZone: inUTC ? "UTC" : undefined }).format(d);
  return inUTC ? `${text} UTC` : text;
}

export function clockTime(at: string | number, inUTC: boolean): string {
  const d = new Date(at);
  if (Number.isNaN(d.getTime())) return "—";
  return new Intl.DateTimeFormat("sv", { timeStyle: "medium", timeZone: inUTC ? "UTC" : undefined }).format(d);
}
