export default {
  output: "export",
  images: { unoptimized: true },
  assetPrefix: "https://cdn.example.com",
  generateBuildId: () => "release-one",
  productionBrowserSourceMaps: true,
};
