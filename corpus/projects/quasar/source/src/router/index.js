import { createRouter, createWebHistory } from 'vue-router'
import { defineRouter } from '#q-app/wrappers'
export default defineRouter(() => createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', component: () => import('../pages/HomePage.vue') },
    { path: '/about', component: () => import('../pages/AboutPage.vue') },
  ],
}))
