import './src/styles.css'
