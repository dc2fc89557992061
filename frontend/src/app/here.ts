import type { Via } from "./actions";

export type Handler = (via: Via) => void;

/** Here is what the screens in sight can carry out, by the action's id. */
export interface Here {
  get: (id: string) => Handler | undefined;
  /** add offers actions until the returned function is called; the newest offer of an id counts. */
  add: (handlers: Record<string, Handler | undefined>) => () => void;
  subscribe: (watcher: () => void) => () => void;
}

export function newHere(): Here {
  let offers: Record<string, Handler | undefined>[] = [];
  const watchers = new Set<() => void>();
  const tell = () => {
    for (const w of watchers) w();
  };
  return {
    get(id) {
      for (let i = offers.length - 1; i >= 0; i--) {
        const h = offers[i]?.[id];
        if (h) return h;
      }
      return undefined;
    },
    add(handlers) {
      offers = [...offers, handlers];
      tell();
      return () => {
        offers = offers.filter((o) => o !== handlers);
        tell();
      };
    },
    subscribe(watcher) {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
  };
}
