import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { keys } from "../bridge";
import { useLater } from "../ui/Waiting";

const widths = [62, 88, 74, 50, 80];

/** useBones is what all places in waiting share: nothing before 150 ms, a word after a second, and a way out. */
function useBones(what: string) {
  const client = useQueryClient();
  const show = useLater(150);
  const say = useLater(1000);
  const [stopped, setStopped] = useState(false);
  const word = stopped ? (
    <>
      Not read.{" "}
      <button
        type="button"
        className="linkish"
        onClick={() => {
          setStopped(false);
          void client.refetchQueries({ queryKey: keys.fleet, type: "active" });
        }}
      >
        Read it now
      </button>
    </>
  ) : say ? (
    <>
      Reading {what} …{" "}
      <button
        type="button"
        className="linkish"
        onClick={() => {
          setStopped(true);
          void client.cancelQueries({ queryKey: keys.fleet });
        }}
      >
        Cancel
      </button>
    </>
  ) : null;
  return { style: { opacity: show ? 1 : 0 }, busy: !stopped, word };
}

/** FigureBones holds the place of a row of figures. */
export function FigureBones({ what, of = 6 }: { what: string; of?: number }) {
  const { style, busy, word } = useBones(what);
  return (
    <section className="panel figs" aria-busy={busy} aria-label={`Reading ${what}`} style={style}>
      {Array.from({ length: of }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: bones have no other name
        <div className="fig" key={i}>
          <div className="l">
            <span className="bone" style={{ width: 56 }} />
          </div>
          <div className="v">
            <span className="bone big" style={{ width: 84 }} />
          </div>
          <div className="d" role={i === 0 ? "status" : undefined}>
            {i === 0 && word ? word : <span className="bone" style={{ width: 96 }} />}
          </div>
        </div>
      ))}
    </section>
  );
}

/** TableBones holds the place of a table. */
export function TableBones({ what, columns, rows }: { what: string; columns: number; rows: number }) {
  const { style, busy, word } = useBones(what);
  return (
    <div className="tablebox" aria-busy={busy} style={style}>
      <table className="data" aria-hidden="true">
        <tbody>
          {Array.from({ length: rows }, (_, r) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: bones have no other name
            <tr key={r}>
              {Array.from({ length: columns }, (_, c) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: bones have no other name
                <td key={c}>
                  <span className="bone" style={{ width: `${widths[(r + c) % widths.length]}%` }} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <div className="waiting muted small" role="status">
        {word}
      </div>
    </div>
  );
}

/** CardBones holds the place of cards. */
export function CardBones({ what, of = 4 }: { what: string; of?: number }) {
  const { style, busy, word } = useBones(what);
  return (
    <div aria-busy={busy} style={style}>
      <div className="cards">
        {Array.from({ length: of }, (_, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: bones have no other name
          <div className="card" key={i}>
            {widths.slice(0, 4).map((w) => (
              <span className="bone" key={w} style={{ width: `${w}%` }} />
            ))}
          </div>
        ))}
      </div>
      <div className="waiting muted small" role="status">
        {word}
      </div>
    </div>
  );
}
