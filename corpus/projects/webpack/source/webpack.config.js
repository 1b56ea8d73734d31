const CopyPlugin = require("copy-webpack-plugin");
const HtmlPlugin = require("html-webpack-plugin");
const MiniCssExtractPlugin = require("mini-css-extract-plugin");

const page = (name) => new HtmlPlugin({ filename: `${name}.html`, template: `src/${name}.html`, chunks: [name] });

module.exports = {
  mode: "production",
  devtool: "source-map",
  entry: { index: "./src/home.js", about: "./src/about.js" },
  output: {
    publicPath: "/",
    filename: "js/[name].[contenthash].js",
    chunkFilename: "js/[name].[contenthash].js",
    assetModuleFilename: "media/[name].[hash:8][ext]",
    clean: true,
  },
  optimization: { runtimeChunk: "single", splitChunks: { chunks: "all", minSize: 0 } },
  module: {
    rules: [
      { test: /\.css$/, use: [MiniCssExtractPlugin.loader, "css-loader"] },
      { test: /\.(png|jpg)$/, type: "asset/resource" },
      { test: /\.woff2$/, type: "asset/resource", generator: { filename: "[hash][ext]" } },
      { test: /\.html$/, loader: "html-loader", options: { sources: { urlFilter: (_, value) => !value.startsWith("/") } } },
    ],
  },
  plugins: [
    new MiniCssExtractPlugin({ filename: "css/[name].[contenthash:8].css" }),
    new CopyPlugin({ patterns: ["public"] }),
    page("index"),
    page("about"),
  ],
};
