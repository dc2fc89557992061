import { useQuery } from "@tanstack/react-query";
import { api, keys } from "../../bridge";

export function useMap() {
  return useQuery({ queryKey: keys.map, queryFn: () => api.map() });
}
