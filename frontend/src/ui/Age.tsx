import { absolute, clockTime, useNow, useUTC } from "./clock";
import { age } from "./format";

/** Age says how long ago something was, with the moment itself on hover. */
export function Age({
  at,
  before = "",
  className = "age",
}: {
  at: string | number | null | undefined;
  before?: string;
  className?: string;
}) {
  const now = useNow();
  const utc = useUTC();
  if (!at) return <span className={className}>—</span>;
  const t = new Date(at).getTime();
  return (
    <time className={className} dateTime={new Date(t).toISOString()} title={absolute(t, utc)}>
      {before}
      {age(now - t)}
    </time>
  );
}

/** Moment is a point in time, written out. */
export function Moment({ at, clock = false }: { at: string | null | undefined; clock?: boolean }) {
  const utc = useUTC();
  if (!at) return <span className="faint">—</span>;
  return (
    <time className="num" dateTime={at} title={absolute(at, utc)}>
      {clock ? clockTime(at, utc) : absolute(at, utc)}
    </time>
  );
}
