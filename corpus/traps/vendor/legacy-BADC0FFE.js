window.legacy = "kept for old pages";
