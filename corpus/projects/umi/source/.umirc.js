export default { hash: true, exportStatic: {}, npmClient: 'npm', mfsu: false }
