window.vendorLoaded = "again";
