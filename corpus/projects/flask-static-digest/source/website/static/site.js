fetch('/data/version.json').then((response) => response.json()).then(console.log)
