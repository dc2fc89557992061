import { useEffect, useSyncExternalStore } from "react";
import { Mark } from "./Status";

// Good news goes away by itself; bad news is an ErrorPanel and does not.
let text = "";
const watchers = new Set<() => void>();

export function good(news: string): void {
  text = news;
  for (const w of watchers) w();
}

export function GoodNews() {
  const news = useSyncExternalStore(
    (w) => {
      watchers.add(w);
      return () => watchers.delete(w);
    },
    () => text,
  );
  useEffect(() => {
    if (!news) return;
    const t = setTimeout(() => good(""), 5000);
    return () => clearTimeout(t);
  }, [news]);
  return (
    <div role="status" aria-live="polite">
      {news ? (
        <div className="good">
          <Mark tone="ok" />
          {news}
        </div>
      ) : null}
    </div>
  );
}
