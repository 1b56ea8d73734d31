import { defineConfig } from "vite";
import { VitePWA } from "vite-plugin-pwa";

export default defineConfig({
  build: { target: "esnext", assetsInlineLimit: 0, rollupOptions: { input: ["index.html", "about.html"] } },
  plugins: [
    VitePWA({
      registerType: "autoUpdate",
      manifest: { name: "Corpus", short_name: "Corpus", icons: [{ src: "logo-deadbeef.png", sizes: "1x1", type: "image/png" }] },
      workbox: { globPatterns: ["**/*.{js,css,html,png,woff2,wasm}"] },
    }),
  ],
});
