import '../src/styles.css'
export default { tags: ['autodocs'] }
