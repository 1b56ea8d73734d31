//! A `_redirects` file in the format of Netlify and Cloudflare Pages. S3 and CloudFront cannot apply it: it is read only for
//! a warning that says so and names the alternative.

/// The file's name, at the root of the site's folder.
pub const FILE_NAME: &str = "_redirects";

/// The content of a `_redirects` file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedirectsFile {
    redirects: Vec<Redirect>,
    /// Invalid lines, from 1.
    unclear: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Redirect {
    from: String,
    to: String,
    /// 301 if the line has none, as at Netlify.
    status: u16,
}

/// The alternative on AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    /// A custom error response of the distribution: every address without a file gets one page.
    ErrorResponse,
    /// A second origin with a cache behavior: the answer comes from another host.
    Origin,
    /// A CloudFront Function.
    Function,
}

impl Redirect {
    /// Reads `from [query=value …] to [status] [condition=value …]`.
    fn read(line: &str) -> Option<Redirect> {
        let is_target = |word: &str| word.starts_with('/') || word.contains("://");
        let mut words = line.split_whitespace().take_while(|word| !word.starts_with('#'));
        let from = words.next().filter(|word| is_target(word))?;
        let to = words.by_ref().find(|word| is_target(word));
        let mut rest = line.split_whitespace().skip(1);
        // A status alone, as in `/* 404`, does not change the address.
        let status = rest.find_map(|word| word.trim_end_matches('!').parse().ok());
        let to = match (to, status) {
            (Some(to), _) => to,
            (None, Some(_)) => from,
            (None, None) => return None,
        };
        Some(Redirect { from: from.to_owned(), to: to.to_owned(), status: status.unwrap_or(301) })
    }

    fn remedy(&self) -> Remedy {
        match (self.from.as_str(), self.status) {
            ("/*", 200 | 404) if self.to.starts_with('/') => Remedy::ErrorResponse,
            (_, 200) if self.to.contains("://") => Remedy::Origin,
            _ => Remedy::Function,
        }
    }

    /// Without possible secrets in the target address: a query, and a user name with its password.
    fn shown(&self) -> String {
        let to = self.to.split(['?', '#']).next().unwrap_or_default();
        let to = match to.split_once("://") {
            Some((scheme, rest)) => {
                let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
                let host = host.rsplit('@').next().unwrap_or(host);
                format!("{scheme}://{host}/{path}").trim_end_matches('/').to_owned()
            }
            None => to.to_owned(),
        };
        format!("`{} {to} {}`", self.from, self.status).escape_debug().to_string()
    }
}

impl RedirectsFile {
    /// Parses a `_redirects` file. Counts lines that cannot be parsed; applies nothing.
    pub fn parse(text: &str) -> RedirectsFile {
        let mut file = RedirectsFile::default();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match Redirect::read(line) {
                Some(redirect) => file.redirects.push(redirect),
                None => file.unclear.push(index + 1),
            }
        }
        file
    }

    /// Whether it answers every address without a file with a page of the site, so that [`RedirectsFile::warning`]
    /// names the necessary setting.
    pub fn answers_everything(&self) -> bool {
        self.redirects.iter().any(|redirect| redirect.status == 200 && redirect.remedy() == Remedy::ErrorResponse)
    }

    /// The warning: how many redirects have no effect, the first few, and what would serve them; `None` without any.
    pub fn warning(&self) -> Option<String> {
        let count = self.redirects.len() + self.unclear.len();
        if count == 0 {
            return None;
        }
        let plural =
            if count == 1 { "redirect that S3 and CloudFront do" } else { "redirects that S3 and CloudFront do" };
        let mut text = format!("{FILE_NAME} is not published; it has {count} {plural} not do by themselves");
        for remedy in [Remedy::ErrorResponse, Remedy::Function, Remedy::Origin] {
            if let Some(said) = self.said(remedy) {
                text.push_str(&format!("; {said}"));
            }
        }
        if let Some(line) = self.unclear.first() {
            text.push_str(&format!("; line {line} cannot be read"));
        }
        Some(text)
    }

    fn said(&self, remedy: Remedy) -> Option<String> {
        const NAMED: usize = 3;
        let of_this: Vec<&Redirect> = self.redirects.iter().filter(|redirect| redirect.remedy() == remedy).collect();
        let first = of_this.first()?;
        let named = of_this.iter().take(NAMED).map(|redirect| redirect.shown()).collect::<Vec<_>>().join(", ");
        let named = match of_this.len() {
            1..=NAMED => named,
            more => format!("{named} and {} more", more - NAMED),
        };
        Some(match remedy {
            Remedy::ErrorResponse => format!(
                "{named} needs a custom error response of the distribution: {} with status {} for errors 403 and 404",
                first.to, first.status
            ),
            Remedy::Function => format!("{named}: a CloudFront Function on viewer requests can do that"),
            Remedy::Origin => format!("{named}: a second origin with its own cache behavior can do that"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_netlify_takes_them() {
        let read = |line: &str| Redirect::read(line).map(|redirect| (redirect.from, redirect.to, redirect.status));
        let expected = |from: &str, to: &str, status| Some((from.to_owned(), to.to_owned(), status));
        assert_eq!(read("/old /new"), expected("/old", "/new", 301));
        assert_eq!(read("/old   /new  302 # moved"), expected("/old", "/new", 302));
        assert_eq!(read("/* /index.html 200"), expected("/*", "/index.html", 200));
        assert_eq!(read("/shop id=:id /shop/:id 301!"), expected("/shop", "/shop/:id", 301));
        assert_eq!(
            read("/api/* https://api.example/:splat 200"),
            expected("/api/*", "https://api.example/:splat", 200)
        );
        assert_eq!(
            read("https://a.example/* https://b.example/:splat 301!"),
            expected("https://a.example/*", "https://b.example/:splat", 301)
        );
        assert_eq!(read("/ /de 302 Language=de"), expected("/", "/de", 302));
        assert_eq!(read("/gone 410"), expected("/gone", "/gone", 410));
        assert_eq!(read("/only"), None);
        assert_eq!(read("old new"), None);
    }

    #[test]
    fn secrets_in_addresses_are_not_shown() {
        let file = RedirectsFile::parse(
            "/api/* https://bob:hunter2@api.example.com/:splat?key=hunter2 200\n/a /b?token=hunter2 301",
        );
        let sentence = file.warning().unwrap();
        assert!(sentence.contains("https://api.example.com/:splat") && !sentence.contains("hunter2"), "{sentence}");
    }

    #[test]
    fn one_sentence_says_what_would_do_it() {
        let text =
            "# moved\n/* /index.html 200\n/a /b\n/c /d 302\n/e /f\n/g /h\n/api/* https://api.example/:splat 200\nx\n";
        let said = RedirectsFile::parse(text).warning().unwrap();
        for part in [
            "has 7 redirects",
            "`/* /index.html 200` needs a custom error response of the distribution: /index.html with status 200",
            "`/a /b 301`, `/c /d 302`, `/e /f 301` and 1 more: a CloudFront Function",
            "`/api/* https://api.example/:splat 200`: a second origin",
            "line 8 cannot be read",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert_eq!(RedirectsFile::parse("# nothing\n\n").warning(), None);
        for (line, remedy) in [
            ("/* /404.html 404", Remedy::ErrorResponse),
            ("/* https://app.example/:splat 200", Remedy::Origin),
            ("/old /new 200", Remedy::Function),
            ("/* https://app.example/:splat 301", Remedy::Function),
        ] {
            assert_eq!(Redirect::read(line).unwrap().remedy(), remedy, "{line}");
        }
    }
}
