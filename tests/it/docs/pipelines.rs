//! The samples for pipelines are what they say: YAML whose commands can be typed, steps that the action takes, and trust
//! policies that name whom they trust.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use yaml_rust2::{Yaml, YamlLoader};

use super::{Block, blocks, check_line, first_column, read};

/// Every text in a document of YAML, at whatever depth.
fn texts(yaml: &Yaml) -> Vec<String> {
    match yaml {
        Yaml::String(text) => vec![text.clone()],
        Yaml::Array(items) => items.iter().flat_map(texts).collect(),
        Yaml::Hash(fields) => fields.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// What a pipeline has publish do: its samples are YAML, and each command in them can be typed.
#[test]
fn every_step_of_a_pipeline_can_be_typed() {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for block in blocks().iter().filter(|block| block.info == "yaml") {
        let parsed = YamlLoader::load_from_str(&block.text).unwrap_or_else(|error| panic!("{}: {error}", block.place));
        let lines: Vec<String> = parsed
            .iter()
            .flat_map(texts)
            .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        for line in lines.iter().filter_map(|line| line.trim().strip_prefix("npx --no -- sitepublish ")) {
            let line = line.split(" || ").next().unwrap_or_default();
            check_line(&block.place, &format!("publish {line}"));
            *counts.entry(block.place.split(':').next().unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    assert_eq!(counts, BTreeMap::from([("docs/ci.md".to_owned(), 6)]));
}

/// Steps that use the action give it inputs that it has, and commands that can be typed.
#[test]
fn every_step_with_the_action_can_be_run() {
    let action = YamlLoader::load_from_str(&read("action.yml")).unwrap().remove(0);
    let inputs: Vec<&str> = action["inputs"].as_hash().unwrap().keys().filter_map(Yaml::as_str).collect();
    let documented = first_column("docs/ci.md", "input");
    assert_eq!(inputs.iter().map(|input| (*input).to_owned()).collect::<BTreeSet<_>>(), documented);
    let mut count = 0;
    for block in blocks().iter().filter(|block| block.info == "yaml") {
        let parsed = YamlLoader::load_from_str(&block.text).unwrap().remove(0);
        for step in steps(&parsed).iter().filter(|step| step["uses"].as_str().is_some_and(is_ours)) {
            let given = step["with"].as_hash().unwrap();
            assert!(given.keys().all(|name| inputs.contains(&name.as_str().unwrap())), "{}: {given:?}", block.place);
            let value = |name: &str| step["with"][name].as_str();
            let command = value("command").filter(|command| *command != "publish");
            let comment = value("comment").filter(|comment| *comment == "true").map(|_| "--comment");
            let words = ["publish"].into_iter().chain(command).chain(comment).chain(value("args"));
            check_line(&block.place, &words.collect::<Vec<_>>().join(" "));
            count += 1;
        }
    }
    assert_eq!(count, 5);
}

fn is_ours(action: &str) -> bool {
    action.starts_with("publish-site/publish@")
}

/// The steps of a workflow, or of a part of one.
fn steps(yaml: &Yaml) -> Vec<Yaml> {
    match yaml {
        Yaml::Hash(fields) if fields.contains_key(&Yaml::String("uses".to_owned())) => vec![yaml.clone()],
        Yaml::Hash(fields) => fields.values().flat_map(steps).collect(),
        Yaml::Array(items) => items.iter().flat_map(steps).collect(),
        _ => Vec::new(),
    }
}

/// A trust policy always says who may assume the role and for whom the token is; whatever else it names stands beside them, and
/// a subject has no wildcard but those of [`without_wildcards`].
#[test]
fn trust_policies_name_audience_and_subject() {
    let policies: Vec<Block> = blocks().into_iter().filter(|block| block.info == "json trust").collect();
    assert_eq!(policies.len(), 5, "GitHub, GitLab, Bitbucket, CircleCI and Buildkite");
    for block in &policies {
        let policy: Value =
            serde_json::from_str(&block.text).unwrap_or_else(|error| panic!("{}: {error}", block.place));
        for statement in policy["Statement"].as_array().unwrap() {
            assert_eq!(statement["Action"], "sts:AssumeRoleWithWebIdentity");
            let provider =
                statement["Principal"]["Federated"].as_str().unwrap().split_once("oidc-provider/").unwrap().1;
            let operators = statement["Condition"].as_object().unwrap();
            let conditions: BTreeMap<&str, &Value> = operators
                .values()
                .flat_map(|conditions| conditions.as_object().unwrap())
                .map(|(key, value)| (key.strip_prefix(&format!("{provider}:")).unwrap(), value))
                .collect();
            assert!(
                conditions["aud"].is_string() && operators["StringEquals"].get(format!("{provider}:aud")).is_some()
            );
            let subjects = match conditions["sub"] {
                Value::Array(subjects) => subjects.iter().map(|subject| subject.as_str().unwrap()).collect(),
                subject => vec![subject.as_str().unwrap()],
            };
            let is_exact = operators["StringEquals"].get(format!("{provider}:sub")).is_some();
            for subject in &subjects {
                let fixed = if is_exact { (*subject).to_owned() } else { without_wildcards(provider, subject) };
                assert!(!fixed.contains(['*', '?']), "{}: {subject}", block.place);
            }
            if provider.starts_with("token.actions.") {
                let [old, new] = subjects[..] else { panic!("both forms: {subjects:?}") };
                assert_eq!(old, new.replace("@OWNER-ID", "").replace("@REPOSITORY-ID", ""));
                assert_eq!(conditions["repository_id"], "REPOSITORY-ID");
            }
        }
    }
}

/// A subject without the wildcards that its provider's subjects need, for what differs in each run.
fn without_wildcards(provider: &str, subject: &str) -> String {
    match provider.split('/').next() {
        Some("agent.buildkite.com") => {
            subject.strip_suffix(":ref:refs/heads/main:commit:*:step:*").unwrap_or(subject).to_owned()
        }
        // The length is fixed: a `*` would match what somebody calls a branch.
        Some("oidc.circleci.com") => subject.replacen("/user/????????-????-????-????-????????????/", "/user/ID/", 1),
        _ => subject.strip_suffix(":*").unwrap_or(subject).to_owned(),
    }
}
