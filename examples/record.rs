//! Reads the builds that `corpus/build.py OUT` made, as a publish would, and writes what is kept of them to corpus/projects
//! (corpus/README.md). Ends with an error where a file would be refused, as for a secret in it.
//!
//! ```sh
//! cargo run --example record -- OUT            # every project that has a build in OUT
//! cargo run --example record -- OUT hugo astro # some
//! ```
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "it reads folders and speaks")]

#[path = "../tests/it/corpus/reading.rs"]
mod reading;
#[path = "../tests/it/corpus/record.rs"]
mod record;

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;

use reading::read;
use record::{Record, folder, secret_rules};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let builds =
        arguments.next().ok_or("the folder of the builds is missing: cargo run --example record -- OUT [NAME…]")?;
    let names: Vec<String> = arguments.collect();
    let mut recorded = 0;
    for entry in fs::read_dir(folder())? {
        let project = entry?.path();
        let name = project.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let built = Path::new(&builds).join(&name);
        let is_meant = names.is_empty() && built.join("truth.tsv").is_file() || names.contains(&name);
        if is_meant {
            let read = |half| read(&built.join(half)).map_err(|error| format!("{name}/{half}: {error}"));
            let record = Record { a: read("a")?, b: read("b")?, secrets: secret_rules()? };
            fs::copy(built.join("truth.tsv"), project.join("truth.tsv"))?;
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            packer.write_all(&serde_json::to_vec(&record)?)?;
            fs::write(project.join("record.json.gz"), packer.finish()?)?;
            println!("{name}");
            recorded += 1;
        }
    }
    println!("{recorded} recorded");
    Ok(())
}
