
addEventListener("message", (event) => postMessage(`${event.data} has ${event.data.length} letters.`));
