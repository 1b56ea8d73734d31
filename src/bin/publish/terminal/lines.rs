//! Progress in a pipe or a log: at most one line for each phase.

use indicatif::DecimalBytes;
use publish::report::event::Event;
use publish::report::price_usd;
use publish::types::text::printable;

/// The line of the phase that `event` begins, if it begins one that is worth a line.
pub(super) fn line(event: &Event) -> Option<String> {
    let line = match event {
        Event::HashingFinished { files, bytes } => {
            format!("Read {} ({})", count(*files, "file"), DecimalBytes(*bytes))
        }
        Event::StagingStarted { release, objects, bytes } if *objects > 0 => {
            format!("Sending release {release}: up to {} ({})", count(*objects, "object"), DecimalBytes(*bytes))
        }
        Event::Waiting { for_whom, remaining_s } => {
            format!("Waiting for {} ({remaining_s} s left)", printable(for_whom))
        }
        Event::ActivationStarted { release, objects } => {
            format!("Activating release {release}: {} to write or remove", count(*objects, "live object"))
        }
        Event::RefreshRequested { paths, .. } => format!("Refreshing the CDN: {}", count(paths.len(), "path")),
        Event::VerificationStarted { urls } => format!("Checking {} of the site", count(*urls, "address")),
        Event::PruneStarted { objects } if *objects > 0 => format!("Removing {}", count(*objects, "object")),
        Event::HashingStarted { .. }
        | Event::HashingAdvanced { .. }
        | Event::Planned { .. }
        | Event::StagingStarted { .. }
        | Event::StagingAdvanced { .. }
        | Event::Staged { .. }
        | Event::ActivationAdvanced { .. }
        | Event::Activated { .. }
        | Event::PrunePlanned { .. }
        | Event::PruneStarted { .. }
        | Event::PruneAdvanced { .. }
        | Event::Pruned { .. }
        | Event::RefreshWaiting { .. }
        | Event::Refreshed
        | Event::Verified { .. }
        | Event::SlowedDown { .. }
        | Event::Warning { .. } => return None,
    };
    Some(line)
}

/// What is about to be done, with what it costs: the first 1,000 paths of an account's month are free (AWS.md 1.3).
pub(super) fn plan(event: &Event) -> Option<String> {
    if let Event::PrunePlanned { closes, objects, bytes, paths } = event {
        let numbers: Vec<String> = closes.iter().map(ToString::to_string).collect();
        let numbers = if numbers.is_empty() { "none".to_owned() } else { numbers.join(", ") };
        let objects = count(*objects, "object");
        let paths = count(*paths, "path");
        return Some(format!(
            "  releases {numbers}\n  objects  {objects} ({})\n  CDN      {paths}\n",
            DecimalBytes(*bytes)
        ));
    }
    let Event::Planned { files, copied, deleted, paths } = event else { return None };
    let changed = [
        (files.added, "added"),
        (files.replaced, "replaced"),
        (files.reheadered, "with new headers"),
        (files.removed, "removed"),
    ];
    let changed: Vec<String> =
        changed.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")).collect();
    let changed = if changed.is_empty() { "none".to_owned() } else { changed.join(", ") };
    let price = match paths {
        0 => String::new(),
        _ => format!(", free within the first 1,000 a month, then ${}", price_usd(*paths)),
    };
    Some(format!(
        "  files    {changed}\n  S3       {} and {} inside the bucket\n  CDN      {}{price}\n",
        match copied {
            1 => "1 copy".to_owned(),
            _ => format!("{copied} copies"),
        },
        count(*deleted, "removal"),
        count(*paths, "path"),
    ))
}

/// `1 path`, `2 paths`, `2 addresses`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ if noun.ends_with('s') => format!("{number} {noun}es"),
        _ => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use publish::release::counts::FileCounts;
    use publish::release::manifest::ReleaseNumber;

    use super::*;

    #[test]
    fn a_plan_says_what_it_costs() {
        let files = FileCounts { added: 1, replaced: 4, ..FileCounts::default() };
        let text = plan(&Event::Planned { files, copied: 5, deleted: 1, paths: 7 }).unwrap();
        let expected = "  files    1 added, 4 replaced\n  S3       5 copies and 1 removal inside the bucket\n  \
            CDN      7 paths, free within the first 1,000 a month, then $0.035\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn phases_are_lines_and_their_progress_is_not() {
        let release = ReleaseNumber::new(8);
        let started = line(&Event::StagingStarted { release, objects: 12, bytes: 1_200_000 });
        assert_eq!(started.as_deref(), Some("Sending release 8: up to 12 objects (1.20 MB)"));
        let refresh = Event::RefreshRequested { ids: vec!["I1".to_owned()], paths: vec!["/".to_owned()] };
        assert_eq!(line(&refresh).as_deref(), Some("Refreshing the CDN: 1 path"));
        assert_eq!(line(&Event::StagingAdvanced { objects: 1, bytes: 2 }), None);
    }
}
