import { cpSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

rmSync("dist", { recursive: true, force: true });
cpSync("public", "dist", { recursive: true });
const { metafile } = await build({
  entryPoints: ["src/home.js", "src/about.js", "src/images.js"],
  outdir: "dist",
  publicPath: "/",
  bundle: true,
  splitting: true,
  minify: true,
  format: "esm",
  metafile: true,
  sourcemap: true,
  entryNames: "entries/[name]-[hash]",
  chunkNames: "chunks/[name]-[hash]",
  assetNames: "media/[name]-[hash]",
  loader: { ".woff2": "file", ".png": "file", ".jpg": "file" },
});
const outputs = Object.entries(metafile.outputs);
const entry = (source) => outputs.find(([, output]) => output.entryPoint === source);
const media = (source) => outputs.find(([path, output]) => path.includes("/media/") && Object.keys(output.inputs).includes(source))[0].slice(4);
const page = (title, source, body) => {
  const [script, { cssBundle }] = entry(source);
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>${title}</title>
    <link rel="icon" href="/favicon.ico" />
    <link rel="stylesheet" href="${cssBundle.slice(4)}" />
    <script src="/assets/vendor-a1b2c3d4.js"></script>
    <script type="module" src="${script.slice(4)}"></script>
  </head>
  <body>${body}</body>
</html>
`;
};
const small = media("src/small.png");
const large = media("src/large.png");
writeFileSync("dist/index.html", page("Home", "src/home.js", `<h1>Home</h1><img src="${small}" srcset="${small} 60w, ${large} 80w" alt="" /><img src="/logo-deadbeef.png" alt="" />`));
writeFileSync("dist/about.html", page("About", "src/about.js", `<p>About</p><img src="${media("src/team-MEETTEAM.jpg")}" alt="" /><img src="/media/portrait-BRIGHTLY.png" alt="" /><a href="/brochure-DOWNLOAD.pdf">Brochure</a>`));
