import type { ReactNode } from "react";

const paths: Record<string, ReactNode> = {
  fleet: <path d="M2.5 3.5h11v3h-11zM2.5 9.5h11v3h-11zM5 5h.01M5 11h.01" />,
  tenants: <path d="M3 13.5V4l5-2 5 2v9.5M1.8 13.5h12.4M6 6.5h.01M10 6.5h.01M6 9.5h.01M10 9.5h.01" />,
  moves: <path d="M2 5.5h11M10 2.5l3 3-3 3M14 10.5H3M6 7.5l-3 3 3 3" />,
  bell: <path d="M4 11.5V7a4 4 0 0 1 8 0v4.5M2.5 11.5h11M6.8 13.8h2.4" />,
  balance: <path d="M8 2v11.5M5 13.5h6M2.5 4.5h11M4 4.5 2 9.5h4zM12 4.5l-2 5h4z" />,
  map: <path d="M2.5 2.5h4v3h-4zM9.5 2.5h4v3h-4zM6 10.5h4v3H6zM4.5 5.5v2.5h7V5.5M8 8v2.5" />,
  audit: <path d="M3.5 1.5h6l3 3v10h-9zM9.5 1.5v3h3M5.5 8h5M5.5 11h5" />,
  settings: (
    <path d="M2 4.5h6M12 4.5h2M2 11.5h2M8 11.5h6M10 2.8a1.7 1.7 0 1 0 0 3.4 1.7 1.7 0 0 0 0-3.4M6 9.8a1.7 1.7 0 1 0 0 3.4 1.7 1.7 0 0 0 0-3.4" />
  ),
  fold: <path d="M2.5 2.5h11v11h-11zM6 2.5v11M11 6 9 8l2 2" />,
  unfold: <path d="M2.5 2.5h11v11h-11zM6 2.5v11M9 6l2 2-2 2" />,
  copy: <path d="M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3" />,
  done: <path d="M3 8.5l3.2 3.2L13 4.8" />,
  close: <path d="M4 4l8 8M12 4l-8 8" />,
  pause: <path d="M5.5 3.5v9M10.5 3.5v9" />,
  play: <path d="M5 3l7.5 5L5 13z" />,
  caret: <path d="M5 6.5l3 3 3-3" />,
  warning: <path d="M8 2 14.5 13.5h-13zM8 6.5v3.2M8 11.6v.01" />,
  bad: <path d="M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4" />,
  info: <path d="M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8M8 7.3v3.9M8 4.8v.01" />,
  search: <path d="M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M10.3 10.3l3.4 3.4" />,
  go: <path d="M3 8h10M9.5 4.5 13 8l-3.5 3.5" />,
  run: <path d="M8 2v2.5M8 11.5V14M2 8h2.5M11.5 8H14" />,
};

export type IconName = keyof typeof paths;

export function Icon({ name, size = 16, className }: { name: IconName; size?: number; className?: string }) {
  return (
    <svg
      aria-hidden="true"
      className={className}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      {paths[name]}
    </svg>
  );
}
