import('./index.jsx')
