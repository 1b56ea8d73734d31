export default {
  title: "Corpus",
  url: "https://example.com",
  baseUrl: "/docs/",
  favicon: "favicon.ico",
  scripts: ["/docs/assets/vendor-a1b2c3d4.js"],
  onBrokenLinks: "warn",
  presets: [["classic", { docs: { sidebarPath: undefined }, blog: { showReadingTime: false }, theme: { customCss: "./src/css/main.css" } }]],
  themeConfig: { image: "logo-deadbeef.png", navbar: { title: "Corpus", items: [{ to: "/docs/intro", label: "Intro" }, { to: "/blog", label: "Blog" }] } },
};
