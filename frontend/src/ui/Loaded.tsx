import type { ReactNode } from "react";
import { ErrorPanel, type Trouble } from "./ErrorPanel";
import { Waiting } from "./Waiting";

/** Loaded shows what was read; what came before stays while it is read again, with the reason on top when that fails. */
export function Loaded<T>({
  data,
  problem,
  what,
  rows,
  onRetry,
  children,
}: {
  data: T | undefined;
  problem: Trouble | null;
  what: string;
  rows?: number;
  onRetry: () => void;
  children: (data: T) => ReactNode;
}) {
  return (
    <>
      {problem ? (
        <div style={{ padding: 12 }}>
          <ErrorPanel
            what={`${what[0]?.toUpperCase()}${what.slice(1)} could not be read${data === undefined ? "" : "; what is below is older"}`}
            problem={problem}
            onRetry={onRetry}
          />
        </div>
      ) : null}
      {data !== undefined ? children(data) : problem ? null : <Waiting what={what} rows={rows} />}
    </>
  );
}
