import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "/dashboard/",
  plugins: [react()],
  // The service writes the nonce of each answer in its place.
  html: { cspNonce: "__NONCE__" },
  build: {
    outDir: `${ROOT}dist/dashboard`,
    emptyOutDir: true,
    // The content security policy forbids data: URLs for scripts and styles.
    assetsInlineLimit: 0,
    // Its script would be inline.
    modulePreload: { polyfill: false },
    target: "es2022",
    // These know light-dark(). For older ones it would be rewritten into something that needs a fixed colour scheme.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    chunkSizeWarningLimit: 1000,
  },
  // `npx vite src/dashboard` shows changes at once, beside a service on its usual address.
  server: {
    proxy: { "/graphql": { target: "http://127.0.0.1:4000", ws: true }, "/tasks": "http://127.0.0.1:4000" },
  },
});
