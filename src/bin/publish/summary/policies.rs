//! CloudFront response headers policies, for people.

use publish::config::environment::Environment;
use publish::site::response_policy::ResponsePolicy;
use publish::types::text::{printable, printable_json};

use super::text::width;
use crate::terminal::layout::broken;
use crate::terminal::style::Style;

/// Each policy with what it adds, then its text to copy, then the commands that apply it.
pub(crate) fn render_policies(policies: &[ResponsePolicy], environment: &Environment, style: Style) -> String {
    if policies.is_empty() {
        return "\nNo header needs a CloudFront response headers policy.\n".to_owned();
    }
    let title = style.bold("CloudFront response headers policies for the headers in _headers that S3 cannot store");
    let mut text = format!("\n{title}\n");
    let order = "A response gets only the policy of the first cache behavior whose path pattern matches. So keep the \
                 behaviors in this order; each policy contains all headers for its pattern.";
    paragraph(&mut text, "", order, style);
    for policy in policies {
        text.push('\n');
        let default = if policy.path_pattern == "*" { " (the default cache behavior)" } else { "" };
        text.push_str(&format!("{}{default}\n", style.bold(&printable(&policy.path_pattern))));
        policy.headers.iter().for_each(|header| text.push_str(&format!("  {}\n", printable(header))));
        policy.notes.iter().for_each(|note| paragraph(&mut text, "  ! ", &printable(note), style));
        match &policy.config {
            Some(config) => {
                text.push_str(&format!(
                    "  {}\n{}\n",
                    style.dim(&format!("{}.json:", policy.name)),
                    printable_json(&format!("{config:#}"))
                ));
            }
            None => text.push_str("  This behavior needs no policy.\n"),
        }
    }
    text.push_str(&format!("\n{}\n", style.bold("To apply them")));
    let id = environment.distribution.as_deref().unwrap_or("DISTRIBUTION");
    for policy in policies.iter().filter(|policy| policy.config.is_some()) {
        let name = &policy.name;
        text.push_str(&format!(
            "aws cloudfront create-response-headers-policy --response-headers-policy-config file://{name}.json \
             --query ResponseHeadersPolicy.Id --output text\n"
        ));
    }
    text.push_str(&format!(
        "aws cloudfront get-distribution-config --id {id} --query ETag --output text\n\
         aws cloudfront get-distribution-config --id {id} --query DistributionConfig > distribution.json\n"
    ));
    let edit = "In distribution.json, set \"ResponseHeadersPolicyId\" of DefaultCacheBehavior (for `*`) and of the item of \
                CacheBehaviors with the path pattern to the printed id. Add missing items, in the order above, as copies \
                of the default behavior with a \"PathPattern\". Then, with the ETag:";
    paragraph(&mut text, "", edit, style);
    text.push_str(&format!(
        "aws cloudfront update-distribution --id {id} --if-match ETAG --distribution-config file://distribution.json\n"
    ));
    text
}

/// Lines of ordinary width, of which the first has a mark.
fn paragraph(text: &mut String, mark: &str, sentences: &str, style: Style) {
    text.push_str(&broken(mark, sentences, width(style)));
}

#[cfg(test)]
mod tests {
    use publish::site::headers_file::HeadersFile;
    use publish::site::response_policy::policies;

    use super::*;
    use crate::summary::tests::environment;

    #[test]
    fn policies_are_shown_with_the_commands_that_use_them() {
        let file = HeadersFile::parse("/*\n  X-Frame-Options: DENY\n/embed/*\n  ! X-Frame-Options\n", None).unwrap();
        let text = render_policies(&policies(&file, "shop", "production"), &environment(), Style::plain());
        for part in [
            "\n/embed/*\n  This behavior needs no policy",
            "\n* (the default cache behavior)\n  X-Frame-Options: DENY\n  shop-production-default.json:\n{\n  \"Comment\"",
            "--response-headers-policy-config file://shop-production-default.json --query",
            "update-distribution --id E123ABC --if-match ETAG",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(render_policies(&[], &environment(), Style::plain()).contains("No header needs"));
    }
}
