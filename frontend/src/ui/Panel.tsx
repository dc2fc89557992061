import { type ReactNode, useId } from "react";

/** Panel is a titled surface; age is of the data that it shows. */
export function Panel({
  title,
  note,
  age,
  children,
  pad = false,
  className = "",
}: {
  title: string;
  note?: ReactNode;
  age?: ReactNode;
  children: ReactNode;
  pad?: boolean;
  className?: string;
}) {
  const id = useId();
  return (
    <section className={`panel ${className}`} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {note ? <span className="muted cut">{note}</span> : null}
        {age ? <span className="age row">{age}</span> : null}
      </header>
      {pad ? <div className="pad">{children}</div> : children}
    </section>
  );
}

/** Head is the top of a screen: its title, what it is about, its buttons. */
export function Head({ title, sub, children }: { title: ReactNode; sub?: ReactNode; children?: ReactNode }) {
  return (
    <div className="head">
      <h1 className="cut" style={{ flexShrink: 0, maxWidth: "50%" }}>
        {title}
      </h1>
      {sub ? <div className="sub row wrap">{sub}</div> : null}
      {children ? <div className="end row">{children}</div> : null}
    </div>
  );
}
