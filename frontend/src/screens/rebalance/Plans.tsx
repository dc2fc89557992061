import type { RebalancePlan } from "../../bridge";
import { Value } from "../../ui/Figure";
import { bytes, count, millis, plural } from "../../ui/format";
import { strategy, times } from "./words";

/** Plans are the three plans side by side, of which one is looked at. */
export function Plans({ plans, on, onChoose }: { plans: RebalancePlan[]; on: string; onChoose: (strategy: string) => void }) {
  return (
    <fieldset className="plans">
      <legend className="hidden">Plans</legend>
      {plans.map((p) => {
        const { title, aim } = strategy(p.strategy);
        return (
          <label key={p.strategy} className="plan" data-on={p.strategy === on}>
            <span className="row">
              <input type="radio" name="plan" value={p.strategy} checked={p.strategy === on} onChange={() => onChoose(p.strategy)} />
              <span className="strong">{title}</span>
              <span className="muted small cut">{aim}</span>
            </span>
            <span className="big num">
              {count(p.moves.length)} <small>{p.moves.length === 1 ? "move" : "moves"}</small>
              <span className="sep" aria-hidden="true">
                ·
              </span>
              ≈ {bytes(p.bytes)}
            </span>
            <dl className="counts three num">
              <div>
                <dt>Time ≈</dt>
                <dd>
                  <Value of={p.estimate_ms} reason={p.estimate_ms_reason}>
                    {millis(p.estimate_ms ?? 0)}
                  </Value>
                </dd>
              </div>
              <div>
                <dt>Fullest after</dt>
                <dd>
                  <Value of={p.after.max} reason={p.after.reason}>
                    {times(p.after.max ?? 0)}
                  </Value>
                </dd>
              </div>
              <div>
                <dt>Emptiest after</dt>
                <dd>
                  <Value of={p.after.min} reason={p.after.reason}>
                    {times(p.after.min ?? 0)}
                  </Value>
                </dd>
              </div>
            </dl>
            <span className="small muted">
              {p.moves.length === 0 ? "Nothing to do" : `Moves aim at ${Math.round(p.goal * 100)} % around even`}
              {p.rejected_total > 0 ? ` · ${plural(p.rejected_total, "move")} not possible` : ""}
              {p.after.misplaced > 0 ? ` · ${plural(p.after.misplaced, "tenant")} stay where they may not be` : ""}
            </span>
          </label>
        );
      })}
    </fieldset>
  );
}
