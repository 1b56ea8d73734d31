export default { ssr: false, prerender: ['/', '/about', '/posts/one'] }
