import type { Finding, UnavailableCheck } from "../../bridge";
import { Mono } from "../../ui/Copy";
import { count } from "../../ui/format";
import { Mark, type Tone } from "../../ui/Status";

const severity: Record<string, Tone> = { critical: "bad", warning: "warn", info: "info" };

/** alike is how many notes of one check are each shown at length. */
const alike = 3;

export function FindingList({ list }: { list: Finding[] }) {
  const notes = new Map<string, Finding[]>();
  for (const f of list) {
    if (f.severity === "info") notes.set(f.check, [...(notes.get(f.check) ?? []), f]);
  }
  const many = [...notes].filter(([, found]) => found.length > alike);
  const grouped = new Set(many.flatMap(([, found]) => found));
  return (
    <ul className="checks">
      {list
        .filter((f) => !grouped.has(f))
        .map((f) => (
          <li key={`${f.check} ${f.message}`}>
            <Mark tone={severity[f.severity] ?? "info"} />
            <div className="grow">
              <Said of={f} />
            </div>
            <span className="tag">{words(f.check)}</span>
          </li>
        ))}
      {many.map(([check, found]) => (
        <li key={check}>
          <Mark tone="info" />
          <details className="grow evidence">
            <summary>{`${found.length} notes of one kind: ${words(check)}`}</summary>
            {found.map((f) => (
              <div key={f.message} className="note">
                <Said of={f} />
              </div>
            ))}
          </details>
          <span className="tag">{words(check)}</span>
        </li>
      ))}
    </ul>
  );
}

function words(check: string): string {
  return check.replaceAll("_", " ");
}

/** Said is a finding, what to do about it, and what it rests on. */
function Said({ of: f }: { of: Finding }) {
  return (
    <>
      <p>
        <span className="hidden">{f.severity}: </span>
        {f.message} {f.value ? <span className="mono faint">{f.value}</span> : null}
      </p>
      {f.advice ? <p className="e">{f.advice}</p> : null}
      <Evidence of={f} />
    </>
  );
}

/** Evidence is what a finding rests on, and the statement that mends it. */
function Evidence({ of: f }: { of: Finding }) {
  if (f.rows.length === 0 && !f.statement) return null;
  return (
    <details className="evidence">
      <summary>{f.rows.length > 0 ? "What it rests on" : "A statement that mends it"}</summary>
      {f.rows.length > 0 ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys
        <section className="scrolls" aria-label={`Rows of ${f.check}`} tabIndex={0}>
          <table className="plain small">
            <thead>
              <tr>
                {f.columns.map((c) => (
                  <th key={c} scope="col">
                    {c.replaceAll("_", " ")}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {f.rows.map((r) => (
                <tr key={r.join("\u0000")}>
                  {r.map((v, i) => (
                    <td key={f.columns[i]}>{v}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ) : null}
      {f.statement ? (
        <p className="e">
          <Mono text={f.statement} what="the statement" />
        </p>
      ) : null}
    </details>
  );
}

/** NotChecked lists the checks that could not look: nothing is known of them. */
export function NotChecked({ list }: { list: UnavailableCheck[] }) {
  const by = new Map<string, UnavailableCheck[]>();
  for (const u of list) by.set(u.reason, [...(by.get(u.reason) ?? []), u]);
  return (
    <details className="evidence below">
      <summary>
        {count(list.length)} {list.length === 1 ? "check" : "checks"} could not look
      </summary>
      <ul>
        {[...by].map(([reason, some]) => (
          <li key={reason}>
            {some.map((u) => u.check.replaceAll("_", " ")).join(", ")}: {reason}
            {some[0]?.grant ? (
              <p className="e">
                <Mono text={some[0].grant} what="the GRANT" />
              </p>
            ) : null}
          </li>
        ))}
      </ul>
    </details>
  );
}
