import { SegmentedControl } from "@mantine/core";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { problemOf } from "../../app/problem";
import type { Distribution } from "../../bridge";
import { Age } from "../../ui/Age";
import { Empty } from "../../ui/Empty";
import { bytes, count, percent, plural } from "../../ui/format";
import { Loaded } from "../../ui/Loaded";
import { Panel } from "../../ui/Panel";
import { Mark } from "../../ui/Status";
import { spread } from "./figures";
import { useDistribution } from "./queries";

const route = getRouteApi("/");
const shades = ["var(--c1)", "var(--c2)", "var(--c3)", "var(--c4)", "var(--c6)", "var(--c5)"];

/** Spread is how the fleet's tenants, or its bytes, lie on the shards. */
export function Spread() {
  const q = useDistribution();
  const navigate = useNavigate();
  const by = route.useSearch().by === "tenants" ? "tenants" : "size";
  return (
    <Panel
      title="Distribution"
      age={
        <>
          <SegmentedControl
            size="xs"
            aria-label="Distribution by"
            value={by}
            data={[
              { value: "size", label: "By size" },
              { value: "tenants", label: "By tenants" },
            ]}
            onChange={(next) => void navigate({ to: "/", search: (s) => ({ ...s, by: next }), replace: true })}
          />
          {q.data ? <Age at={q.dataUpdatedAt} /> : null}
        </>
      }
    >
      <Loaded data={q.data} problem={problemOf(q)} what="the distribution" rows={3} onRetry={() => void q.refetch()}>
        {(d: Distribution) => (
          <>
            <Picture d={d} by={by} />
            <Advice d={d} />
          </>
        )}
      </Loaded>
    </Panel>
  );
}

/** Advice says whether a rebalance is recommended, and why not yet where the fleet is uneven. */
function Advice({ d }: { d: Distribution }) {
  if (d.total === 0) return null;
  const uneven = d.recommended || typeof d.uneven_since === "string";
  return (
    <p className="pad small muted">
      {uneven ? (
        <>
          <Mark tone={d.recommended ? "warn" : "info"} />{" "}
          <Link to="/rebalance" className="medium">
            {d.recommended ? "A rebalance is recommended" : "A rebalance is not recommended yet"}
          </Link>
          :{" "}
        </>
      ) : null}
      {d.recommended_reason.slice(0, 1).toUpperCase() + d.recommended_reason.slice(1)}.
      {d.dimensions
        .filter((x) => x.recommended && x.reason !== d.recommended_reason)
        .map((x) => (
          <span className="block" key={x.by}>
            <Mark tone="info" />{" "}
            <Link to="/rebalance" search={{ by: x.by }} className="medium">
              By {x.by} as well
            </Link>
            : {x.reason}.
          </span>
        ))}
      {d.kept === "computer" ? <span className="block">{d.kept_reason.slice(0, 1).toUpperCase() + d.kept_reason.slice(1)}.</span> : null}
    </p>
  );
}

function Picture({ d, by }: { d: Distribution; by: "size" | "tenants" }) {
  const { parts, total, without } = spread(d, by);
  if (d.total === 0 && by === "tenants")
    return <Empty title="No tenants yet">Once the catalogue has tenants, this shows how they spread.</Empty>;
  if (total === 0) return <Empty title="No size is known">No shard told its size. The tenants are known: look by tenants.</Empty>;
  return (
    <>
      <div className="dist" role="img" aria-label={parts.map((p) => `${p.name} ${percent(p.share)}`).join(", ")}>
        {parts.map((p, i) =>
          p.share > 0 ? (
            <i
              key={p.name}
              title={`${p.name}: ${percent(p.share)}`}
              style={{ width: `${p.share * 100}%`, background: shades[i % shades.length] }}
            />
          ) : null,
        )}
      </div>
      <ul className="legend num">
        {parts.map((p, i) => (
          <li key={p.name}>
            <em style={{ background: shades[i % shades.length] }} />
            {p.name} <span className="medium">{percent(p.share)}</span>{" "}
            <span className="faint">
              {by === "size" ? bytes(p.value) : count(p.value)}
              {by === "size" ? ` · ${plural(p.tenants, "tenant")}` : typeof p.size === "number" ? ` · ${bytes(p.size)}` : ""}
            </span>
          </li>
        ))}
        {without.length > 0 ? (
          <li className="tone-warn">
            without {without.join(", ")}: {plural(without.length, "size")} not known
          </li>
        ) : null}
      </ul>
    </>
  );
}
