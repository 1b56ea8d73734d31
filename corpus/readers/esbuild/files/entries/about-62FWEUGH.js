import"/chunks/chunk-NJKUSMU4.js";import{a as e}from"/chunks/chunk-MYRCBKOB.js";console.log(e("This page says where we began."));document.querySelector("p").onclick=async()=>(await import("/chunks/[slug]-24S7JHGL.js")).show();
//# sourceMappingURL=/entries/about-62FWEUGH.js.map
