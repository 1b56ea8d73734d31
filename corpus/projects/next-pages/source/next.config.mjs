export default { output: "export", basePath: "/docs", images: { unoptimized: true } };
