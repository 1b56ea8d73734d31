window.old = 2;
