import{a as o}from"/chunks/chunk-MYRCBKOB.js";var t={card:"f"};async function s(){document.body.classList.add(t.card);let{version:a}=await(await fetch("/data/version.json")).json();document.title=o(a)}export{s as show};
//# sourceMappingURL=/chunks/%5Bslug%5D-24S7JHGL.js.map
