import"/chunks/chunk-NJKUSMU4.js";import{a as I}from"/chunks/chunk-MYRCBKOB.js";var $="/media/HeroBANNER-7V3VHBAU.png";console.log(I("Home"),$);document.querySelector("h1").onclick=async()=>(await import("/chunks/[slug]-24S7JHGL.js")).show();
//# sourceMappingURL=/entries/home-D4H3A6NL.js.map
