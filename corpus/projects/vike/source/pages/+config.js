import vikeReact from 'vike-react/config'
export default { title: 'Vike', prerender: true, extends: [vikeReact] }
