// What the files of corpus/readers refer to, read with the parsers of others (parse5, css-tree, acorn) and, for the tables of
// chunks of webpack and Rspack, by running the very functions of their runtimes. It knows nothing of the readers that it judges.
//
//     npm install parse5 css-tree acorn acorn-walk     (anywhere; run it from there)
//     node …/corpus/readers/truth.mjs                  writes truth.tsv beside this file
//
// A line is a file, how the reference is written, what it is needed for, and the reference. Texts that only look like the path of a
// file are not references: the readers may take them for what they like.

import { createRequire } from "node:module";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import vm from "node:vm";

const require = createRequire(join(process.cwd(), "x.js"));
const [parse5, csstree, acorn, walk] = ["parse5", "css-tree", "acorn", "acorn-walk"].map((name) => require(name));
const here = dirname(fileURLToPath(import.meta.url));
const lines = new Set();

function filesOf(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesOf(path) : folder === here ? [] : [path];
  });
}

function html(text, add) {
  const visit = (node) => {
    if (node.tagName) element(node, add);
    [...(node.childNodes ?? []), ...(node.content?.childNodes ?? [])].forEach(visit);
  };
  visit(parse5.parse(text, { scriptingEnabled: false }));
}

function element(node, add) {
  const at = Object.fromEntries(node.attrs.map(({ name, value }) => [name.toLowerCase(), value]));
  const content = node.childNodes?.map((child) => child.value ?? "").join("") ?? "";
  const address = (name, role, form = "attribute") => at[name] !== undefined && add(form, role, at[name]);
  const candidates = (name) => {
    // A comma ends a candidate behind its descriptor, or at the end of its address (html.spec.whatwg.org, "srcset").
    for (const [, address] of (at[name] ?? "").matchAll(/[\s,]*(\S*[^\s,])(?:,+|\s[^,]*)?/g)) add("attribute", "image", address);
  };
  const rel = (at.rel ?? "").toLowerCase().split(/\s+/);
  switch (node.tagName) {
    case "a":
      return address("href", "page");
    case "img":
      address("src", "image");
      return candidates("srcset");
    case "source":
      return candidates("srcset");
    case "style":
      return css(content, add);
    case "meta":
      if (/^(og:image|twitter:image)$/.test(at.property ?? at.name ?? "")) address("content", "image");
      return;
    case "link":
      if (rel.includes("stylesheet")) address("href", "style", "tag");
      else if (rel.includes("modulepreload")) address("href", "module");
      else if (rel.includes("manifest")) address("href", "web_manifest");
      else if (rel.includes("icon")) address("href", "image");
      else if (rel.includes("alternate")) address("href", "page");
      else if (rel.includes("preload")) {
        candidates("imagesrcset");
        address("href", { script: "script", style: "style", font: "font", image: "image" }[at.as] ?? "other");
      } else if (rel.includes("prefetch")) address("href", "other");
      return;
    case "script":
      if (at.src !== undefined) return address("src", at.type === "module" ? "module" : "script", "tag");
      if (at.id === "vite-legacy-entry") address("data-src", "script", "tag");
      if (at.type === "importmap") {
        for (const address of Object.values(JSON.parse(content).imports)) if (!address.endsWith("/")) add("attribute", "module", address);
      } else if (!at.type || /javascript|module|json$/.test(at.type)) script(content, add);
  }
}

function css(text, add) {
  csstree.walk(csstree.parse(text), {
    enter(node) {
      if (node.type !== "Url") return;
      const rule = this.atrule?.name;
      if (rule === "import") return add("style", "style", node.value);
      const isFont = /\.(woff2?|ttf|otf)([?#]|$)/.test(node.value);
      add("style", rule === "font-face" ? (isFont ? "font" : "other") : "image", node.value);
    },
  });
}

function manifest(text, add) {
  const { start_url, icons = [] } = JSON.parse(text);
  if (start_url) add("web_manifest", "page", start_url);
  icons.forEach(({ src }) => add("web_manifest", "image", src));
}

const isCode = (text) => /^[^\s<>"'`{}|\\^*,;]+\.(js|mjs|css)$/.test(text);
const roleOf = (text) => (text.endsWith(".css") ? "style" : "module");
const fileRole = (text) => (/\.(css)$/.test(text) ? "style" : /\.mjs$/.test(text) ? "module" : /\.js$/.test(text) ? "script" : /\.(png|jpe?g|svg|webp|avif|gif)$/.test(text) ? "image" : /\.woff2$/.test(text) ? "font" : "other");
const isHashed = (text) => text.split(/[^a-z0-9]+/i).some((part) => part.length >= 6 && /\d/.test(part) && /[a-z]/i.test(part));
const constant = (node) => (node?.type === "Literal" && typeof node.value === "string" ? node.value : node?.type === "TemplateLiteral" && node.quasis.length === 1 ? node.quasis[0].value.cooked : undefined);

function script(text, add) {
  const options = { ecmaVersion: "latest", allowReturnOutsideFunction: true };
  let tree;
  try {
    tree = acorn.parse(text, { ...options, sourceType: "module" });
  } catch {
    tree = acorn.parse(text, { ...options, sourceType: "script" });
  }
  // Next.js's manifest of its build passes some of its paths as arguments: all of them are of its lists.
  const isManifest = text.includes("__BUILD_MANIFEST=");
  walk.fullAncestor(tree, (node, _, ancestors) => {
    const source = constant(node.source);
    if (/^(Import|Export(All|Named))Declaration$/.test(node.type) && source !== undefined) return add("import", roleOf(source), source);
    if (node.type === "ImportExpression" && source !== undefined) return add("dynamic_import", roleOf(source), source);
    if (node.type === "CallExpression") call(node, text, add);
    if (node.type === "NewExpression" && node.callee.name === "URL" && /^import\.meta\.url$/.test(sourceOf(text, node.arguments[1]))) {
      const written = constant(node.arguments[0]);
      const isOfWorker = ({ type, callee, arguments: given }) =>
        type === "NewExpression" && /^(Shared)?Worker$/.test(callee.name ?? "") && given[0].start <= node.start && node.end <= given[0].end;
      const isWorker = ancestors.some(isOfWorker) && (isHashed(written ?? "") || /[-.](?=\w*[A-Z])(?=\w*[a-z])\w{8,}\.\w+$/.test(written));
      if (written !== undefined) add(isWorker ? "worker" : "script_url", fileRole(written), written);
    }
    if (node.type === "ArrayExpression") list(node.elements, add);
    if (node.type === "AssignmentExpression") chunks(node, text, add);
    const written = constant(node);
    if (written !== undefined) alone(written, ancestors, isManifest, text, add);
  });
}

const sourceOf = (text, node) => (node ? text.slice(node.start, node.end) : "");

function call({ callee, arguments: given }, text, add) {
  if (callee.name === "importScripts") given.map(constant).filter(Boolean).forEach((written) => add("worker", "script", written));
  // A module of SystemJS: what it depends on stands in the list that it is registered with, and its context imports the rest.
  const isImport = callee.type === "MemberExpression" && callee.property.name === "import" && text.includes("System.register(");
  const written = constant(given[0]);
  if (isImport && written?.match(/^[./]/)) add("dynamic_import", roleOf(written), written);
}

/** A list of nothing but files and their ids. */
function list(elements, add) {
  const texts = elements.map((element) => (typeof element?.value === "number" ? undefined : (constant(element) ?? null))).filter((text) => text !== undefined);
  const isId = (text) => /^[\w@-]+$/.test(text);
  if (!texts.every((text) => text !== null && (isCode(text) || isId(text) || isHashed(text)))) return;
  if (!texts.some((text) => text.includes("/") || isHashed(text))) return;
  texts.filter(isCode).forEach((text) => add("list", roleOf(text), text));
}

/** The functions of a runtime that give the name of a chunk: they are run for every id that they know. */
function chunks({ left, right }, text, add) {
  const isRuntime = left.type === "MemberExpression" && ["u", "k", "miniCssF"].includes(left.property.name);
  if (!isRuntime || !/Function/.test(right.type)) return;
  const ids = new Set();
  walk.full(right, (node) => {
    if (node.type === "Property") ids.add(String(node.key.value ?? node.key.name));
    if (node.type === "BinaryExpression" && node.operator.startsWith("==")) ids.add(String(node.left.value ?? node.right.value));
  });
  // Chunks that have only a style sheet are marked as loaded before a script is asked for: `/^(272|639)$/.test(e)`, `272!=e`.
  const without = [...text.matchAll(/\/\^\(?([\d|]+)\)?\$\/\.test\(|(\d+)!=+\w/g)].flatMap((match) => (match[1] ?? match[2]).split("|"));
  const give = vm.runInNewContext(`(${sourceOf(text, right)})`);
  for (const id of ids.size ? ids : ["*"]) {
    const name = give(/^\d+$/.test(id) ? Number(id) : id);
    if (name && !name.includes("undefined") && isCode(name.replaceAll("*", "x")) && (name.endsWith(".css") || !without.includes(id)))
      add("chunk_name", roleOf(name), name);
  }
}

/** A text alone that says from the top of the host where it leads; and JSON in a text. */
function alone(written, ancestors, isManifest, text, add) {
  const around = ancestors.at(-2);
  const key = around?.type === "Property" ? (around.key.name ?? around.key.value) : undefined;
  if (isCode(written) && (isManifest || (/^(\/|https:\/\/)/.test(written) && (key === "module" || (isHashed(written.replace(/^https:\/\/[^/]*/, "")) && key !== "src"))))) {
    if (!isReferred(around)) add("list", roleOf(written), written);
    return;
  }
  if (!/\.(js|css)"/.test(written)) return;
  // Rows of texts that Next.js streams (`5:I[7,["429","static/chunks/429-1.js"]]`), or a list.
  for (const [, inner] of written.matchAll(/(?<!"src":)"((?:[^"\\]|\\.)*)"/g)) {
    if (isCode(inner) && /^(\/|https:\/\/)/.test(inner) && isHashed(inner)) add("list", roleOf(inner), inner);
  }
  for (const [inner] of written.matchAll(/(?<![\w)\]])\[[^[\]{}]*\]/g)) {
    try {
      list(JSON.parse(inner).map((value) => ({ type: "Literal", value })), add);
    } catch {
      // No list.
    }
  }
}

/** What an import or an address names is counted as that. */
function isReferred(around) {
  return /^(Import|Export)|NewExpression/.test(around?.type ?? "");
}

for (const path of filesOf(here)) {
  const file = relative(here, path);
  const text = readFileSync(path, "utf8");
  const add = (form, role, written) => {
    written = written.trim();
    if (written && !written.startsWith("#") && !/^(data|mailto|javascript|tel|blob):/i.test(written))
      lines.add([file, form, role, written].join("\t"));
  };
  if (file.endsWith(".html")) html(text, add);
  else if (file.endsWith(".css")) css(text, add);
  else if (file.endsWith(".js")) script(text, add);
  else if (file.endsWith(".webmanifest")) manifest(text, add);
}
writeFileSync(join(here, "truth.tsv"), [...lines].sort().join("\n") + "\n");
