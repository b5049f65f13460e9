import "@mantine/core/styles.css";
import "./styles.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Start } from "./frame/start.tsx";

// Libraries that make styles while a dialog is open look for the nonce here.
Object.assign(globalThis, {
  __webpack_nonce__: document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce,
});

const root = document.querySelector("#root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <Start />
    </StrictMode>,
  );
}
