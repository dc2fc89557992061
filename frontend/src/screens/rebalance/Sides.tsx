import { Link } from "@tanstack/react-router";
import type { Rebalance, RebalancePlan, RebalanceUse } from "../../bridge";
import { Value } from "../../ui/Figure";
import { bytes, count } from "../../ui/format";
import { scale, times } from "./words";

function Side({ use, most, after }: { use: RebalanceUse; most: number; after?: boolean }) {
  return (
    <td>
      <div className="side-use">
        <span className="track" aria-hidden="true">
          <i className={after ? "after" : undefined} style={{ width: `${((use.use ?? 0) / most) * 100}%` }} />
          <b style={{ left: `${100 / most}%` }} />
        </span>
        <span className="r num medium">
          <Value of={use.use} reason={use.use_reason}>
            {times(use.use ?? 0)}
          </Value>
        </span>
        <span className="r num muted">
          <Value of={use.bytes} reason={use.bytes_reason}>
            {bytes(use.bytes ?? 0)}
          </Value>
        </span>
        <span className="r num muted">{count(use.tenants)}</span>
        <span className="r num muted">
          <Value of={use.load} reason={use.load_reason}>
            {count(Math.round(use.load ?? 0))}
          </Value>
        </span>
      </div>
    </td>
  );
}

/** Sides shows each shard today and after a plan, side by side; the line in each bar is an even spread. */
export function Sides({ all, plan }: { all: Rebalance; plan: RebalancePlan }) {
  const most = scale(all);
  const head = (
    <div className="side-use">
      <span>Use (1.00 is even)</span>
      <span className="r">Use</span>
      <span className="r">Size ≈</span>
      <span className="r">Tenants</span>
      <span className="r" title="Rows that its tenants touch in a second, estimated">
        Rows/s ≈
      </span>
    </div>
  );
  return (
    // biome-ignore lint/a11y/useSemanticElements: a region that scrolls must be reachable by keyboard
    // biome-ignore lint/a11y/noNoninteractiveTabindex: as above
    <div className="tablebox" role="region" aria-label="Shards, today and after" tabIndex={0}>
      <table className="data compact sides">
        <thead>
          <tr>
            <th scope="col">Shard</th>
            <th scope="col">
              <span className="strong">Today</span>
              {head}
            </th>
            <th scope="col">
              <span className="strong">After</span>
              {head}
            </th>
          </tr>
        </thead>
        <tbody>
          {all.shards.map((s) => {
            const after = plan.shards.find((x) => x.name === s.name) ?? s;
            return (
              <tr key={s.name}>
                <td>
                  <Link to="/shards/$name" params={{ name: s.name }} className="medium">
                    {s.name}
                  </Link>
                  {s.note ? (
                    <span className="small muted block cut" title={s.note}>
                      {s.note}
                    </span>
                  ) : null}
                </td>
                <Side use={s} most={most} />
                <Side use={after} most={most} after />
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
