import { rspack } from '@rspack/core'
export default {
  mode: 'production',
  entry: { main: './src/main.js' },
  output: {
    clean: true,
    publicPath: 'https://cdn.example.com/',
    filename: 'js/[name]-[fullhash:12].js',
    chunkFilename: 'js/[contenthash].js',
    assetModuleFilename: '[hash][ext]',
    cssChunkFilename: 'css/[contenthash:5].css',
    cssFilename: 'css/[contenthash:5].css',
  },
  resolve: { extensions: ['.jsx', '.js'] },
  module: {
    rules: [
      { test: /\.jsx$/, loader: 'builtin:swc-loader', options: { jsc: { parser: { syntax: 'ecmascript', jsx: true }, transform: { react: { runtime: 'automatic' } } } }, type: 'javascript/auto' },
      { test: /\.css$/, type: 'css/auto' },
      { test: /\.(png|woff2)$/i, type: 'asset/resource' },
    ],
  },
  plugins: [
    new rspack.container.ModuleFederationPluginV1({ name: 'site', filename: 'remoteEntry.js', exposes: { './About': './src/About.jsx' }, shared: ['react', 'react-dom'] }),
    new rspack.HtmlRspackPlugin({ template: './src/index.html', excludeChunks: ['site'] }),
    new rspack.CopyRspackPlugin({ patterns: [{ from: 'public', globOptions: { dot: true } }] }),
  ],
}
