function e(t){return`Good day, ${t}. It is ${new Date().toLocaleDateString()}.`}export{e as greeting};
