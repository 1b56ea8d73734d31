console.log("a script that was copied as it is");
