export default { paths: () => [{ params: { slug: 'one' } }, { params: { slug: 'two' } }] }
