//! Source maps, by their names.

/// Extensions of built scripts and styles, and of their compressed copies.
const BUILT: [&str; 8] = [".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".tsx", ".css"];
const PACKED: [&str; 3] = [".gz", ".br", ".zst"];

/// Whether `path` is the source map of a script or a style, compressed or not: `app.js.map`, `app.css.map.br`. Other files are
/// called maps too (`level1.map`).
pub(crate) fn is_source_map(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let path = PACKED.iter().find_map(|ending| path.strip_suffix(ending)).unwrap_or(&path);
    path.strip_suffix(".map").is_some_and(|built| BUILT.iter().any(|ending| built.ends_with(ending)))
}

#[cfg(test)]
mod tests {
    use super::is_source_map;

    #[test]
    fn maps_of_scripts_and_styles_are_source_maps() {
        for map in
            ["app.js.map", "a/app-B1x.mjs.map", "a/app.css.map", "a/APP.JS.MAP", "app.js.map.gz", "app.css.map.br"]
        {
            assert!(is_source_map(map), "{map}");
        }
        for other in ["level1.map", "app.js", "app.map.js", "map", "app.js.maps", "app.js.map.html", "app.js.gz"] {
            assert!(!is_source_map(other), "{other}");
        }
    }
}
