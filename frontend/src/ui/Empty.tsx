import type { ReactNode } from "react";

/** Empty says what belongs here and offers one thing to do about it. */
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      <h3>{title}</h3>
      {children ? <p>{children}</p> : null}
      {action ? <div className="do">{action}</div> : null}
    </div>
  );
}
