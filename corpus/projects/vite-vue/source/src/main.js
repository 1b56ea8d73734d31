import { createApp } from "vue";
import { createRouter, createWebHistory } from "vue-router";
import App from "./App.vue";
import Home from "./pages/Home.vue";
import "./main.css";

const router = createRouter({
  history: createWebHistory(import.meta.env.BASE_URL),
  routes: [
    { path: "/", component: Home },
    { path: "/about", component: () => import("./pages/About.vue") },
    { path: "/post/:slug", component: () => import("./pages/[slug].vue") },
  ],
});

createApp(App).use(router).mount("#app");
