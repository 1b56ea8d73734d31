import legacy from "@vitejs/plugin-legacy";

export default {
  base: "./",
  build: { assetsInlineLimit: 0, rollupOptions: { input: ["index.html", "about.html"] } },
  plugins: [legacy({ targets: ["defaults", "not IE 11"] })],
};
