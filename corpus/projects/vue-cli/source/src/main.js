import { createApp, h } from 'vue'
import { createRouter, createWebHistory, RouterLink, RouterView } from 'vue-router'
import Home from './views/Home.vue'
import './main.css'

const router = createRouter({
  history: createWebHistory(process.env.BASE_URL),
  routes: [
    { path: '/', component: Home },
    { path: '/about', component: () => import(/* webpackChunkName: "about" */ './views/About.vue') },
    { path: '/posts/:slug', component: () => import('./views/[slug].vue') },
  ],
})
createApp({ render: () => [h(RouterLink, { to: '/about' }, () => 'About'), h(RouterView)] }).use(router).mount('#app')
