export default { build: { cssMinify: false } }
