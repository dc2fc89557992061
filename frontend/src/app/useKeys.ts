import { useEffect } from "react";
import { covered, typing } from "../ui/keyboard";
import { type Action, actions, type Reach } from "./actions";

/** A first key such as g waits this long for its second. */
const patience = 1500;

/** useKeys runs the actions' keys, and / which goes to the filter of a screen. */
export function useKeys(reach: Reach): void {
  useEffect(() => {
    let first = "";
    let since = 0;
    const hear = (e: KeyboardEvent) => {
      if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "k") {
        e.preventDefault();
        reach.palette();
        return;
      }
      if (e.ctrlKey || e.metaKey || e.altKey || typing(e.target) || covered()) return;
      if (e.key === "/") {
        const filter = document.querySelector<HTMLElement>("[data-filter]");
        e.preventDefault();
        if (filter) filter.focus();
        else reach.palette();
        return;
      }
      const chord = first && e.timeStamp - since < patience ? `${first} ${e.key}` : e.key;
      const list: readonly Action[] = actions;
      const hit = list.find((a) => a.keys === chord) ?? list.find((a) => a.keys === e.key);
      first = "";
      if (hit) {
        e.preventDefault();
        hit.run(reach);
      } else if (list.some((a) => a.keys?.startsWith(`${e.key} `))) {
        first = e.key;
        since = e.timeStamp;
      }
    };
    window.addEventListener("keydown", hear);
    return () => window.removeEventListener("keydown", hear);
  }, [reach]);
}
