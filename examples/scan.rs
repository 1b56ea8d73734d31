//! Looks for secrets in all files of folders, as a publish does, and says how many files there were. Prints the digest of
//! the rules first, so that a record of what was scanned tells whether it still holds.
//!
//! ```sh
//! cargo run --example scan -- dist another/dist
//! ```
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "it reads folders and speaks")]

use std::error::Error;
use std::fs;
use std::path::Path;

use publish::content::path::SitePath;
use publish::content::secrets::{Evidence, Scanner};
use publish::types::digest::Digest;

/// The text of all that decides.
const RULES: &str = concat!(
    include_str!("../crates/content/src/secrets.rs"),
    include_str!("../crates/content/src/secrets/named.rs"),
    include_str!("../crates/content/src/secrets/private_key.rs"),
    include_str!("../crates/content/src/secrets/shape.rs"),
    include_str!("../crates/content/src/secrets/tokens.rs"),
);

fn main() -> Result<(), Box<dyn Error>> {
    println!("rules {}", Digest::of(RULES.as_bytes()));
    let (mut files, mut bytes, mut alarms) = (0_usize, 0_u64, 0_usize);
    for folder in std::env::args().skip(1) {
        for entry in walkdir::WalkDir::new(&folder).sort_by_file_name() {
            let entry = entry?;
            if !entry.file_type().is_file() {
                continue;
            }
            let text = fs::read(entry.path())?;
            files += 1;
            bytes += text.len() as u64;
            if let Some((what, line)) = secret(entry.path(), &text) {
                alarms += 1;
                println!("{}:{line}: {what}", entry.path().display());
            }
        }
    }
    println!("{files} files, {bytes} bytes, {alarms} alarms");
    Ok(())
}

/// What secret the file at `path` holds, and in which line.
fn secret(path: &Path, text: &[u8]) -> Option<(&'static str, usize)> {
    let name = path.file_name()?.to_str()?;
    let mut scanner = Scanner::new(Evidence::wanted_in(&SitePath::new(name).ok()?));
    text.chunks(256 << 10).for_each(|piece| scanner.feed(piece));
    let secret = scanner.finish()?;
    let line = text[..usize::try_from(secret.offset).ok()?].iter().filter(|&&byte| byte == b'\n').count() + 1;
    Some((secret.what, line))
}
