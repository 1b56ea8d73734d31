//! References in a web app manifest (<https://www.w3.org/TR/appmanifest/>).

use serde_json::Value;

use super::found::{Found, newlines};
use super::reference::{Form, Role};

/// Reads a manifest. Anything else refers to nothing.
pub(super) fn read(bytes: &[u8], found: &mut Found) {
    let Ok(Value::Object(manifest)) = serde_json::from_slice(bytes) else { return };
    let mut add = |value: Option<&Value>, role| {
        if let Some(written) = value.and_then(Value::as_str) {
            found.add(written, role, Form::WebManifest, line_of(bytes, written));
        }
    };
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    // A manifest of a build tool may have the same name; only web manifests have an address to start at.
    add(manifest.get("start_url"), Role::Page);
    for image in list(manifest.get("icons")).iter().chain(&list(manifest.get("screenshots"))) {
        add(image.get("src"), Role::Image);
    }
    for shortcut in &list(manifest.get("shortcuts")) {
        add(shortcut.get("url"), Role::Page);
        list(shortcut.get("icons")).iter().for_each(|icon| add(icon.get("src"), Role::Image));
    }
}

/// Where `written` is first named; line 1 where it is written with escapes.
fn line_of(bytes: &[u8], written: &str) -> u32 {
    let end = memchr::memmem::find(bytes, written.as_bytes()).unwrap_or(0);
    newlines(&bytes[..end]).saturating_add(1)
}
