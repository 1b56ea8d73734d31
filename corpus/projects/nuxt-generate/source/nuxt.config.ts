export default defineNuxtConfig({
  compatibilityDate: "2026-01-01",
  telemetry: false,
  css: ["~/assets/main.css"],
  app: { head: { script: [{ src: "/assets/vendor-a1b2c3d4.js" }], link: [{ rel: "icon", href: "/favicon.ico" }] } },
});
