import { useRouter } from "@tanstack/react-router";
import type { AnchorHTMLAttributes } from "react";

/**
 * RowLink leads to a path of the page from a row of a long table. It watches
 * nothing: a router's own link follows every change of place, which dozens of
 * rows that come and go while somebody scrolls cannot afford.
 */
export function RowLink({ to, ...rest }: { to: string } & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "href" | "onClick">) {
  const { history } = useRouter();
  return (
    <a
      {...rest}
      href={history.createHref(to)}
      onClick={(e) => {
        // A new tab or window is the browser's to open.
        if (e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
        e.preventDefault();
        history.push(to);
      }}
    />
  );
}
