import { rspack } from '@rspack/core'
export default {
  mode: 'production',
  entry: { main: './src/index.jsx' },
  devtool: 'source-map',
  output: {
    clean: true,
    publicPath: '/',
    filename: '[name].[contenthash].js',
    chunkFilename: '[name].[contenthash:8].chunk.js',
    assetModuleFilename: 'media/[name].[contenthash:8][ext]',
    cssFilename: 'css/[name].[contenthash].css',
    cssChunkFilename: 'css/[name].[contenthash].css',
  },
  resolve: { extensions: ['.jsx', '.js'] },
  module: {
    rules: [
      { test: /\.jsx$/, loader: 'builtin:swc-loader', options: { jsc: { parser: { syntax: 'ecmascript', jsx: true }, transform: { react: { runtime: 'automatic' } } } }, type: 'javascript/auto' },
      { test: /\.css$/, type: 'css/auto' },
      { test: /\.(png|woff2)$/i, type: 'asset/resource' },
    ],
  },
  optimization: { splitChunks: { chunks: 'all', minSize: 0 }, runtimeChunk: 'single' },
  plugins: [
    new rspack.HtmlRspackPlugin({ template: './src/index.html' }),
    new rspack.CopyRspackPlugin({ patterns: [{ from: 'public', globOptions: { dot: true } }] }),
  ],
}
