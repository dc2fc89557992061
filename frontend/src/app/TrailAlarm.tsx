import { Link, useLocation } from "@tanstack/react-router";
import { Mark } from "../ui/Status";
import { useAlarms } from "./current";

/** TrailAlarm stands on every screen while the trail and this computer's copy of it disagree: nothing that is shown can be relied on. */
export function TrailAlarm() {
  const list = useAlarms().data;
  const { pathname } = useLocation();
  const newest = list?.alarms[0];
  if (!list || !newest || pathname === "/audit") return null;
  return (
    <div className="notice bad strip" role="alert" aria-label="The audit trail was tampered with">
      <Mark tone="bad" />
      <span className="grow">
        <span className="medium">The audit trail and this computer's copy of it disagree:</span> {newest.message}.{" "}
        <span className="medium">What to do:</span> {list.hint}.
      </span>
      <Link to="/audit" className="end">
        Show the alarm
      </Link>
    </div>
  );
}
