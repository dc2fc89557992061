import type { ReactNode } from "react";

/** Main is where a screen is; fill is for one whose table takes the height. */
export function Main({ children, fill = false }: { children: ReactNode; fill?: boolean }) {
  return (
    <main className={`main${fill ? " fill" : ""}`} id="main" tabIndex={-1}>
      {children}
    </main>
  );
}
