module.exports = { title: 'VuePress', base: '/docs/', themeConfig: { nav: [{ text: 'Guide', link: '/guide/start.html' }], sidebar: ['/', '/guide/start.html', '/gallery.html'] } }
