import { useEffect, useState } from "react";
import { Icon } from "./icons";

/** put brings a text into the clipboard and says whether it is there. */
export async function put(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Web views without the clipboard's permission still know the old way.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** Copy puts a text into the clipboard. */
export function Copy({ text, what }: { text: string; what: string }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const t = setTimeout(() => setDone(false), 1500);
    return () => clearTimeout(t);
  }, [done]);
  return (
    <button
      type="button"
      className="icon"
      aria-label={done ? "Copied" : `Copy ${what}`}
      title={done ? "Copied" : `Copy ${what}`}
      onClick={(e) => {
        e.stopPropagation();
        void put(text).then(setDone);
      }}
    >
      <Icon name={done ? "done" : "copy"} size={14} />
    </button>
  );
}

/** Code is text for a machine, with its button to copy. */
export function Code({ text, what }: { text: string; what: string }) {
  return (
    <div className="row top">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <pre className="code grow" tabIndex={0}>
        {text}
      </pre>
      <Copy text={text} what={what} />
    </div>
  );
}

/** Mono is an id, a host or a statement in one line, with its button to copy. */
export function Mono({ text, what }: { text: string; what: string }) {
  return (
    <span className="row" style={{ gap: 2, display: "inline-flex", maxWidth: "100%" }}>
      <span className="mono cut" title={text}>
        {text}
      </span>
      <Copy text={text} what={what} />
    </span>
  );
}
