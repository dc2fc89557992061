import { Button, createTheme, type MantineColorsTuple } from "@mantine/core";

// The kit needs ten shades; the page itself takes its colours from tokens.css.
const indigo: MantineColorsTuple = [
  "#eceefc",
  "#d6dbf8",
  "#b3bbf2",
  "#8b98ff",
  "#6b7bf0",
  "#5567ea",
  "#3f51d6",
  "#3546bb",
  "#2c3a9c",
  "#232f7d",
];

export const theme = createTheme({
  primaryColor: "indigo",
  primaryShade: { light: 6, dark: 3 },
  colors: { indigo },
  defaultRadius: 6,
  fontFamily: "var(--font)",
  fontFamilyMonospace: "var(--mono)",
  fontSizes: { xs: "12px", sm: "13px", md: "13px", lg: "14px", xl: "16px" },
  respectReducedMotion: true,
  cursorType: "pointer",
  // Said on the element, so that page.css can tell the kinds of button apart.
  components: { Button: Button.extend({ defaultProps: { variant: "filled" } }) },
});
