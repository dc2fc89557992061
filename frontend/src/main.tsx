import "@fontsource-variable/inter/index.css";
import "@fontsource-variable/jetbrains-mono/index.css";
import "@mantine/core/styles.css";
import "./app/tokens.css";
import "./app/page.css";
import "./app/reading.css";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { newClient } from "./app/client";
import { newRouter } from "./app/router";
import { installShim, native } from "./bridge";

installShim();
const root = document.getElementById("root");
if (root) createRoot(root).render(<App client={newClient()} router={newRouter(native())} />);
