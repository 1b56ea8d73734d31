export default { title: 'Observable', root: 'src', pages: [{ name: 'About', path: '/about' }], globalStylesheets: [], style: 'style.css' }
