import { useSyncExternalStore } from "react";

export interface Live {
  paused: boolean;
  /** Milliseconds between two looks. */
  every: number;
}

export const intervals = [2000, 5000, 15_000, 60_000];

let live: Live = { paused: false, every: 5000 };
const watchers = new Set<() => void>();

export function getLive(): Live {
  return live;
}

export function setLive(change: Partial<Live>): void {
  live = { ...live, ...change };
  for (const w of watchers) w();
}

export function onLive(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

export function useLive(): Live {
  return useSyncExternalStore(onLive, getLive);
}

/** often makes a query refetch at the page's pace, or at a multiple of it; never while paused. */
export function often(times = 1): () => number | false {
  return () => (live.paused ? false : live.every * times);
}
