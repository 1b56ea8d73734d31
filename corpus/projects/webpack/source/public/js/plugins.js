window.old = 1;
