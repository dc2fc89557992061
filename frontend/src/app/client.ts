import { QueryClient } from "@tanstack/react-query";
import { getLive, onLive } from "./live";

export function newClient(): QueryClient {
  const client = new QueryClient({
    defaultOptions: {
      queries: { retry: false, refetchOnWindowFocus: true, staleTime: 1000, gcTime: 10 * 60_000, networkMode: "always" },
      mutations: { retry: false, networkMode: "always" },
    },
  });
  let paused = getLive().paused;
  onLive(() => {
    // Intervals are asked for anew after a fetch, so a resumed page fetches at once.
    if (paused && !getLive().paused) void client.refetchQueries({ type: "active" });
    paused = getLive().paused;
  });
  return client;
}
