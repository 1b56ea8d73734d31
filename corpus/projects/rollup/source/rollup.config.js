import { readFileSync } from "node:fs";
import { basename } from "node:path";

// Emits images, fonts and style sheets as assets, and the two pages that refer to them.
function site() {
  const styles = new Set();
  return {
    name: "site",
    load(id) {
      if (/\.(png|jpg|woff2)$/.test(id)) {
        const reference = this.emitFile({ type: "asset", name: basename(id), source: readFileSync(id) });
        return `export default import.meta.ROLLUP_FILE_URL_${reference};`;
      }
      if (id.endsWith(".css")) {
        styles.add(id);
        return `export default { card: "card" };`;
      }
    },
    generateBundle(_, bundle) {
      const emit = (name, source) => `/${this.getFileName(this.emitFile({ type: "asset", name, source }))}`;
      const media = (name) => emit(name, readFileSync(`src/${name}`));
      const links = [...styles].sort().map((id) => {
        const text = readFileSync(id, "utf8").replace(/url\("\.\/(.+?)"\)/g, (_, name) => `url("${media(name)}")`);
        return `<link rel="stylesheet" href="${emit(basename(id), text)}" />`;
      });
      const page = (name, body) => {
        const script = Object.values(bundle).find((chunk) => chunk.isEntry && chunk.name === name).fileName;
        const source = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>${name}</title>
    <link rel="icon" href="/favicon.ico" />
    ${links.join("\n    ")}
    <script src="/assets/vendor-a1b2c3d4.js"></script>
    <script type="module" src="/${script}"></script>
  </head>
  <body>${body}</body>
</html>
`;
        this.emitFile({ type: "asset", fileName: `${name}.html`, source });
      };
      const [small, large, team] = ["small.png", "large.png", "team-MEETTEAM.jpg"].map(media);
      page("index", `<h1>Home</h1><img src="${small}" srcset="${small} 60w, ${large} 80w" alt="" /><img src="/logo-deadbeef.png" alt="" />`);
      page("about", `<p>About</p><img src="${team}" alt="" /><img src="/assets/photo-a1b2c3d4.jpg" alt="" /><a href="/brochure-DOWNLOAD.pdf">Brochure</a>`);
    },
  };
}

export default {
  input: { index: "src/home.js", about: "src/about.js" },
  plugins: [site()],
  output: {
    dir: "dist",
    format: "es",
    sourcemap: true,
    hashCharacters: "base36",
    entryFileNames: "assets/[name].[hash:12].js",
    chunkFileNames: "assets/[name].[hash:12].js",
    assetFileNames: "assets/[name].[hash:12][extname]",
  },
};
