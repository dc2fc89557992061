import { useEffect } from "react";
import { covered, typing } from "../ui/keyboard";
import { type Action, perform, possible, type Reach } from "./actions";

/** A first key such as g waits this long for its second. */
const patience = 1500;

/** hit finds what a key means, given the key before it. */
export function hit(list: readonly Action[], first: string, key: string): Action | undefined {
  // Of two actions with one key, the later of the table would never be reached, so what a screen offers comes first.
  const of = (keys: string) => list.find((a) => a.group === "Here" && a.keys === keys) ?? list.find((a) => a.keys === keys);
  return (first ? of(`${first} ${key}`) : undefined) ?? of(key);
}

/** useKeys runs the actions' keys, and / which goes to the filter of a screen. */
export function useKeys(reach: Reach): void {
  useEffect(() => {
    let first = "";
    let since = 0;
    const hear = (e: KeyboardEvent) => {
      if ((e.ctrlKey || e.metaKey) && !e.shiftKey && !e.altKey && e.key.toLowerCase() === "k") {
        e.preventDefault();
        reach.palette();
        return;
      }
      if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || typing(e.target) || covered()) return;
      if (e.key === "/") {
        const filter = document.querySelector<HTMLElement>("[data-filter]");
        e.preventDefault();
        if (filter) filter.focus();
        else reach.palette();
        return;
      }
      const list = possible(reach);
      const found = hit(list, e.timeStamp - since < patience ? first : "", e.key);
      first = "";
      if (found) {
        e.preventDefault();
        perform(found, reach, "key");
      } else if (list.some((a) => a.keys?.startsWith(`${e.key} `))) {
        first = e.key;
        since = e.timeStamp;
      }
    };
    window.addEventListener("keydown", hear);
    return () => window.removeEventListener("keydown", hear);
  }, [reach]);
}
