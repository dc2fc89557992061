import { useEffect, useState } from "react";

/** useLater turns true once ms have passed, so that what is quick does not flash. */
export function useLater(ms: number): boolean {
  const [later, setLater] = useState(false);
  useEffect(() => {
    const t = setTimeout(() => setLater(true), ms);
    return () => clearTimeout(t);
  }, [ms]);
  return later;
}

/** Waiting holds a place while something is read, and after a second says what. */
export function Waiting({ what, rows = 4, onCancel }: { what: string; rows?: number; onCancel?: () => void }) {
  const show = useLater(150);
  const say = useLater(1000);
  return (
    <div className="stack" style={{ padding: 16, minHeight: rows * 24, opacity: show ? 1 : 0 }} aria-busy="true">
      {Array.from({ length: rows }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: bones have no other name
        <span key={i} className="bone" style={{ width: `${[62, 88, 74, 50][i % 4]}%` }} />
      ))}
      <div className="muted small" role="status">
        {say ? `Reading ${what} …` : ""}{" "}
        {say && onCancel ? (
          <button type="button" className="linkish" onClick={onCancel}>
            Cancel
          </button>
        ) : null}
      </div>
    </div>
  );
}
