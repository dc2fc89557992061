import { useMantineColorScheme } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { api, keys } from "../bridge";
import { setUTC } from "../ui/clock";

/** usePreferences follows the settings theme and time_zone of this computer. */
export function usePreferences(): void {
  const { data } = useQuery({ queryKey: keys.settings, queryFn: () => api.settings() });
  const { setColorScheme } = useMantineColorScheme();
  const theme = data?.settings.find((s) => s.name === "theme")?.value;
  const zone = data?.settings.find((s) => s.name === "time_zone")?.value;
  useEffect(() => {
    if (theme === "light" || theme === "dark") setColorScheme(theme);
    else if (theme === "system") setColorScheme("auto");
  }, [theme, setColorScheme]);
  useEffect(() => {
    if (zone) setUTC(zone === "utc");
  }, [zone]);
}
