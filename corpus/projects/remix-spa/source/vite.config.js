import { vitePlugin as remix } from '@remix-run/dev'
export default { base: 'https://cdn.example.com/', build: { manifest: true }, plugins: [remix({ ssr: false, manifest: true })] }
