use std::path::{Path, PathBuf};

use super::values::Url;
use super::*;
use crate::config::environment::{Encryption, Environment};

const EXAMPLE: &str = "site = \"shop\"\n[env.production]\nbucket = \"example-site\"\n";

fn config(text: &str) -> Config {
    Config::parse(text).unwrap()
}

/// Message and hint.
fn refusal(text: &str) -> (String, String) {
    let problem = Config::parse(text).unwrap_err();
    assert_eq!(problem.code, Code::Configuration);
    (problem.message, problem.hint)
}

fn environment_of(target: Target) -> Environment {
    match target {
        Target::Environment(environment) => *environment,
        Target::Sandbox(_) => panic!("the sandbox is not meant here"),
    }
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
}

#[test]
fn metadata_is_checked_where_it_is_read() {
    let rule = |metadata: &str| format!("{EXAMPLE}[[headers]]\nfor = \"**\"\nmetadata = {metadata}\n");
    let rules = config(&rule("{ team = \"docs\" }")).header_rules();
    assert_eq!(rules[0].metadata["team"], "docs");
    for (metadata, what) in [
        ("{ publish-site = \"other\" }", "`publish-`"),
        ("{ Team = \"docs\" }", "lower-case"),
        ("{ x-amz-meta-team = \"docs\" }", "without"),
        ("{ team = \"\" }", "one line"),
        ("\"docs\"", "table"),
    ] {
        let (message, _) = refusal(&rule(metadata));
        assert!(message.contains("line ") && message.contains(what), "{message}");
    }
}

#[test]
fn the_example_says_every_key() {
    let config = Config::read(&file("publish.toml"), &|_| None).unwrap();
    let production = environment_of(resolve(Some(&config), Some("production"), &Overrides::default(), false).unwrap());
    assert_eq!(production.layout.identity().bucket, "example-site");
    assert_eq!(production.layout.state_prefix().to_string(), "s3://example-site/_publish/live/");
    assert_eq!(production.distribution.as_deref(), Some("E123ABC"));
    let staging = environment_of(resolve(Some(&config), Some("staging"), &Overrides::default(), false).unwrap());
    assert!(matches!(staging.access.encryption, Encryption::Kms { key_id: Some(_) }));
    assert_eq!(staging.layout.state_prefix().to_string(), "s3://example-state/_publish/staging/");
    assert_eq!(site_folder(None, Some(&config), None).unwrap(), file("dist"));

    let text = std::fs::read_to_string(file("publish.toml")).unwrap();
    let schema = serde_json::to_value(schemars::schema_for!(Config)).unwrap();
    let mut keys = Vec::new();
    collect_keys(&schema, &mut keys);
    for key in keys {
        let said = text.lines().any(|line| {
            let line = line.trim_start_matches('[');
            line.starts_with(&key) && line[key.len()..].starts_with([' ', '.', ']'])
        });
        assert!(said, "config/publish.toml does not show `{key}`");
    }
}

fn collect_keys(schema: &serde_json::Value, keys: &mut Vec<String>) {
    if let Some(properties) = schema.get("properties").and_then(|properties| properties.as_object()) {
        keys.extend(properties.keys().cloned());
    }
    if let Some(definitions) = schema.get("$defs").and_then(|definitions| definitions.as_object()) {
        definitions.values().for_each(|definition| collect_keys(definition, keys));
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "UPDATE=1 asks this test to write the schema anew")]
fn the_schema_is_that_of_the_types() {
    let mut schema = serde_json::to_string_pretty(&schemars::schema_for!(Config)).unwrap();
    schema.push('\n');
    if std::env::var("UPDATE").is_ok_and(|update| update == "1") {
        std::fs::write(file("publish.schema.json"), &schema).unwrap();
    }
    let committed = std::fs::read_to_string(file("publish.schema.json")).unwrap_or_default();
    assert_eq!(committed, schema, "config/publish.schema.json is not that of the types; write it anew with UPDATE=1");
}

#[test]
fn unknown_keys_name_the_nearest_one_with_line_and_column() {
    let (message, hint) = refusal("site = \"shop\"\n[env.production]\nbuckt = \"example-site\"\n");
    assert_eq!(message, "publish.toml, line 3, column 1: unknown key `buckt`");
    assert_eq!(hint, "Did you mean `bucket`?");
    let (message, hint) = refusal("site = \"shop\"\n[[headers]]\nfor = \"*\"\ncache-control = \"no-store\"\n");
    assert_eq!(message, "publish.toml, line 4, column 1: unknown key `cache-control`");
    assert_eq!(hint, "Did you mean `cache_control`?");
    let (message, hint) = refusal("sit = \"shop\"\n");
    assert_eq!(message, "publish.toml, line 1, column 1: unknown key `sit`");
    assert_eq!(hint, "Did you mean `site`?");
    for key in
        ["bucket = \"example-site\"", "url = \"https://a.example\"", "distribution = \"E1\"", "prefix = \"live\""]
    {
        let (message, hint) = refusal(&format!("site = \"shop\"\n{key}\n"));
        let key = key.split(' ').next().unwrap();
        assert_eq!(message, format!("publish.toml, line 2, column 1: unknown key `{key}`"));
        let expected = format!(
            "It belongs to an environment: write `{key}` below a line `[env.NAME]`, such as `[env.production]`."
        );
        assert_eq!(hint, expected);
    }
    let (_, hint) = refusal("site = \"shop\"\n[retention]\nqqq = 1\n");
    assert_eq!(hint, "Known keys here: releases, days, prune.");
}

#[test]
fn wrong_values_are_named_with_their_line() {
    let cases = [
        ("site = 7", "line 1, column 8: must be a string in quotation marks, not integer `7`"),
        ("site = \"a b\"", "line 1, column 8: `a b` is not a valid name: use 1 to 64 letters, digits, `.`, `_` or `-`"),
        ("dir = \"dist\"", "line 1, column 1: the key `site` is missing"),
        ("site = \"a\"\n[env.sandbox]\nbucket = \"abc\"", "the environment `sandbox` is built in"),
        ("site = \"a\"\n[env.p]\nbucket = \"shop--use1-az4--x-s3\"", "line 3, column 10: `shop--use1-az4--x-s3` is a"),
        ("site = \"a\"\n[env.p]\nbucket = \"abc\"\nsse = \"kms\"", "line 4, column 7: unknown value `kms`"),
        ("site = \"a\"\n[env.p]\nbucket = \"abc\"\nkms_key_id = \"k\"", "[env.p]: `kms_key_id` needs `sse"),
        ("site = \"a\"\n[publish]\nexclude = [\"a/{b\"]", "line 3, column 11: `a/{b` is not a valid glob"),
        ("site = \"a\"\n[publish]\nexclude = \"a\"", "line 3, column 11: must be a list, not string \"a\""),
        ("site = \"a\"\n[publish]\nmax_removed_percent = 101", "line 3, column 23: 101 is not a percentage"),
        ("site = \"a\"\n[publish]\nmax_removed_percent = -1", "line 3, column 23: "),
        ("site = \"a\"\n[invalidation]\nmax_paths = 0", "line 3, column 13: must be a whole number, 1 or more"),
        ("site = \"a\"\n[invalidation]\nwait = \"effects\"", "line 3, column 8: unknown value `effects`"),
        ("site = \"a\"\n[[headers]]\nfor = 3", "must be a string or a list of strings"),
        ("site = \"a\"\n[[headers]]\nfor = []", "`for` lists no paths"),
        (
            "site = \"a\"\n[[headers]]\nfor = \"*\"\ncache_control = \"\"",
            "`cache_control` of the header rule for `*` is empty",
        ),
        ("site = \"a\"\n[[headers]]\nfor = \"*\"\ncontent_type = \"html\"", "line 2, column 1: `content_type` of the"),
        ("site = \"a\"\nsite = \"b\"", "line 2, column 1: duplicate key"),
        ("site = \"a", "line 1, column "),
    ];
    for (text, expected) in cases {
        let (message, _) = refusal(text);
        assert!(message.starts_with("publish.toml, ") && message.contains(expected), "{text:?}: {message}");
        assert!(!message.contains('\n'), "{message:?}");
    }
}

fn with_variables(text: &str, set: &[(&str, &str)]) -> Result<Config, Problem> {
    let value = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Config::parse_named(text, FILE_NAME, &value)
}

#[test]
fn numbers_and_booleans_come_from_variables_too() {
    let text = "site = \"${N}\"\n[publish]\nindex = \"${B}\"\nmax_removed_percent = \"${N:-7}\"\nexclude = [\"${N}\"]\n\
                [retention]\ndays = \"${D:-0}\"\n[invalidation]\ntimeout_s = \"${N}${D:-0}\"\n\
                [[headers]]\nfor = \"*\"\nimmutable = \"${B}\"\n";
    let config = with_variables(text, &[("N", "5"), ("B", "false")]).unwrap();
    assert_eq!(config.site.as_str(), "5", "a text stays one");
    assert_eq!((config.publish.index, config.publish.max_removed_percent.unwrap().number()), (Some(false), 5));
    assert_eq!((config.publish.exclude[0].as_str(), config.retention.days), ("5", 0));
    assert_eq!(config.invalidation.timeout_s.unwrap().get(), 50);
    assert!(refusal("site = \"a\"\n[retention]\ndays = \"5\"\n").0.contains("must be a whole number"), "as ever");
    for (number, why) in
        [("abc", "must be a whole number, 1 or more, not string"), ("0", "1 or more, not"), ("1.5", "1 or more")]
    {
        let text = "site = \"a\"\n[invalidation]\ntimeout_s = \"${WAIT}\"\n";
        let problem = with_variables(text, &[("WAIT", number)]).unwrap_err();
        let named = format!("publish.toml, line 3, column 13: `timeout_s = \"${{WAIT}}\"` expands to \"{number}\": ");
        assert!(problem.message.starts_with(&named) && problem.message.contains(why), "{problem}");
    }
    // Each of the rules has one; metadata of the same name stays a text.
    let rule = "[[headers]]\nfor = \"*\"\nimmutable = \"${B}\"\nmetadata = { immutable = \"${B}\" }\n";
    let many = with_variables(&format!("site = \"a\"\n{}", rule.repeat(3_000)), &[("B", "true")]).unwrap();
    let rules = many.header_rules();
    assert!(rules.len() == 3_000 && rules.iter().all(|rule| rule.immutable == Some(true)));
    assert!(rules.iter().all(|rule| rule.metadata["immutable"] == "true"));
    let problem = with_variables("site = \"a\"\n[publish]\nstrict = \"${S}\"\n", &[("S", "on")]).unwrap_err();
    assert!(problem.message.contains("`strict = \"${S}\"` expands to \"on\": must be true or false"), "{problem}");
}

#[test]
fn an_environment_does_without_keys_of_the_defaults() {
    let text = "site = \"a\"\n[defaults]\nbucket = \"one-bucket\"\nurl = \"https://a.example\"\ndistribution = \"E1\"\n\
                [env.live]\n[env.next]\nunset = [\"url\", \"distribution\"]\nprefix = \"next\"\n";
    let config = config(text);
    let at = |env: &str| environment_of(resolve(Some(&config), Some(env), &Overrides::default(), false).unwrap());
    assert_eq!(
        (at("live").url.as_deref(), at("live").distribution.as_deref()),
        (Some("https://a.example"), Some("E1"))
    );
    let next = at("next");
    assert_eq!((next.url, next.distribution, next.layout.identity().bucket.as_str()), (None, None, "one-bucket"));
    let (message, hint) = refusal("site = \"a\"\n[env.p]\nbucket = \"abc\"\nunset = [\"distributon\"]\n");
    assert!(
        message.contains("unknown value `distributon`") && hint == "Did you mean `distribution`?",
        "{message} {hint}"
    );
    let (message, _) = refusal("site = \"a\"\n[defaults]\nunset = [\"url\"]\n[env.p]\nbucket = \"abc\"\n");
    assert!(message.contains("[defaults]: `unset`"), "{message}");
}

#[test]
fn a_file_that_is_not_there_is_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(find(folder.path(), None).unwrap(), None);
    let problem = Config::read(&folder.path().join("other.toml"), &|_| None).unwrap_err();
    assert!(problem.message.ends_with("other.toml cannot be read"), "{}", problem.message);
}

#[test]
fn the_folder_is_the_argument_then_dir_then_dist() {
    let with_dir = config("site = \"a\"\ndir = \"build\"");
    let folder = |argument: Option<&str>, config| site_folder(argument.map(Path::new), config, None).unwrap();
    assert_eq!(folder(Some("./out"), Some(&with_dir)), Path::new("./out"));
    assert_eq!(folder(None, Some(&with_dir)), Path::new("build"));
    let without_dir = config("site = \"a\"");
    assert_eq!(folder(None, Some(&without_dir)), Path::new("dist"));
    assert_eq!(folder(None, None), Path::new("dist"));
}

#[test]
fn what_an_environment_says_of_its_address_is_not_taken_for_another_place() {
    let text = "site = \"a\"\n[env.live]\nbucket = \"one-bucket\"\nprefix = \"live\"\nurl = \"https://a.example\"\n\
                distribution = \"E123ABC\"\n[env.plain]\nbucket = \"one-bucket\"\n";
    let config = config(text);
    let at = |env: &str, overrides: Overrides| resolve(Some(&config), Some(env), &overrides, false).map(environment_of);
    let bucket = Some("other-bucket".parse().unwrap());
    let prefix = Some("next".parse().unwrap());
    let endpoint_url = Some("http://127.0.0.1:9".parse().unwrap());
    let distribution = Some("E456DEF".parse().unwrap());
    let url: Option<Url> = Some("https://b.example".parse().unwrap());
    for (overrides, flag) in [
        (Overrides { bucket: bucket.clone(), ..Overrides::default() }, "--bucket"),
        (Overrides { prefix: prefix.clone(), ..Overrides::default() }, "--prefix"),
        (Overrides { endpoint_url: endpoint_url.clone(), ..Overrides::default() }, "--endpoint-url"),
        (Overrides { distribution: distribution.clone(), ..Overrides::default() }, "--distribution"),
    ] {
        let problem = at("live", overrides.clone()).unwrap_err();
        assert_eq!(problem.code, Code::Usage);
        assert!(problem.message.starts_with(flag) && problem.message.contains("https://a.example"), "{problem}");
        let url = url.clone();
        assert!(at("live", Overrides { url, ..overrides.clone() }).is_ok());
        assert!(at("plain", overrides).is_ok(), "nothing is said there that could be wrong");
    }
    let all = Overrides { prefix, distribution, url, ..Overrides::default() };
    let environment = at("live", all).unwrap();
    assert_eq!(environment.url.as_deref(), Some("https://b.example"));
    assert_eq!(environment.distribution.as_deref(), Some("E456DEF"));
    let same = Overrides {
        bucket: Some("one-bucket".parse().unwrap()),
        prefix: Some("live".parse().unwrap()),
        region: Some("eu-west-1".parse().unwrap()),
        ..Overrides::default()
    };
    assert_eq!(at("live", same).unwrap().url.as_deref(), Some("https://a.example"));
}

#[test]
fn without_a_target_it_is_the_sandbox_but_not_in_a_pipeline() {
    let Target::Sandbox(sandbox) = resolve(None, None, &Overrides::default(), true).unwrap() else {
        panic!("the sandbox is meant");
    };
    assert_eq!(sandbox.site, "sandbox");
    assert_eq!(resolve(None, None, &Overrides::default(), false).unwrap_err().code, Code::Usage);
    let named = resolve(Some(&config(EXAMPLE)), Some("sandbox"), &Overrides::default(), false).unwrap();
    assert!(matches!(named, Target::Sandbox(target) if target.site == "shop"));
    let region = Overrides { region: "eu-central-1".parse().ok(), ..Overrides::default() };
    assert!(resolve(None, None, &region, true).unwrap_err().message.contains("--region"));
    let site = Overrides { site: "shop".parse().ok(), ..Overrides::default() };
    let problem = resolve(None, None, &site, true).unwrap_err();
    assert_eq!(problem.code, Code::Usage);
    assert!(
        problem.message.starts_with("--site (or PUBLISH_SITE)") && problem.hint.contains("--bucket"),
        "{problem:?}"
    );
    let chosen = resolve(None, Some("sandbox"), &site, false).unwrap();
    assert!(matches!(chosen, Target::Sandbox(target) if target.site == "shop"));
}

#[test]
fn the_only_environment_is_meant_and_of_several_none() {
    let one = config(EXAMPLE);
    assert_eq!(environment_of(resolve(Some(&one), None, &Overrides::default(), false).unwrap()).name, "production");
    let two = config(&format!("{EXAMPLE}[env.staging]\nbucket = \"example-staging\"\n"));
    let problem = resolve(Some(&two), None, &Overrides::default(), true).unwrap_err();
    assert_eq!(problem.message, "publish.toml has several environments: production, staging");
    assert!(resolve(Some(&config("site = \"a\"")), None, &Overrides::default(), true).is_err());
}

#[test]
fn an_unknown_environment_names_the_nearest_one() {
    let problem = resolve(Some(&config(EXAMPLE)), Some("prodction"), &Overrides::default(), true).unwrap_err();
    assert_eq!(problem.message, "there is no environment `prodction` in publish.toml");
    assert_eq!(problem.hint, "Did you mean `production`?");
    assert!(resolve(None, Some("production"), &Overrides::default(), true).is_err());
}

#[test]
fn flags_win_over_the_environment() {
    let overrides = Overrides {
        prefix: "next".parse().ok(),
        endpoint_url: "http://127.0.0.1:9000/".parse().ok(),
        site: "other".parse().ok(),
        concurrency: Some(4),
        ..Overrides::default()
    };
    let environment = environment_of(resolve(Some(&config(EXAMPLE)), None, &overrides, true).unwrap());
    assert_eq!(environment.layout.live_prefix().to_string(), "s3://example-site/next/");
    assert_eq!(environment.layout.identity().site, "other");
    assert_eq!(environment.access.s3_endpoint.as_deref(), Some("http://127.0.0.1:9000"));
    assert_eq!(environment.access.link.concurrency, 4);
}

#[test]
fn several_distributions_may_be_named_each_once() {
    let text = |distribution: &str| format!("{EXAMPLE}distribution = {distribution}\n");
    let named = |distribution: &str, overrides: &Overrides| {
        let config = config(&text(distribution));
        let environment = environment_of(resolve(Some(&config), Some("production"), overrides, false).unwrap());
        environment.distributions().map(str::to_owned).collect::<Vec<_>>()
    };
    let nothing = Overrides::default();
    assert_eq!(named("\"E1\"", &nothing), ["E1"]);
    assert_eq!(named("[\"E1\", \"E2\"]", &nothing), ["E1", "E2"]);
    assert_eq!(named("[\"dt_2wjDZi3h\", \"E2\"]", &nothing), ["dt_2wjDZi3h", "E2"]);
    let given = Overrides { distribution: "E2".parse().ok(), ..Overrides::default() };
    assert_eq!(named("[\"E1\", \"E2\"]", &given), ["E2"], "a flag stands for the whole list");
    for (wrong, why) in [
        ("[]", "no distribution"),
        ("[\"E1\", \"E1\"]", "twice"),
        ("[\"a.b\"]", "a.b"),
        ("\"dt_\"", "dt_"),
        ("7", "distribution's id"),
    ] {
        let (message, _) = refusal(&text(wrong));
        assert!(message.contains(why), "{wrong}: {message}");
    }
}

#[test]
fn a_bucket_alone_is_a_target_of_its_own() {
    let bucket = Overrides { bucket: "example-other".parse().ok(), ..Overrides::default() };
    let problem = resolve(None, None, &bucket, false).unwrap_err();
    assert!(problem.message.contains("--site"), "{}", problem.message);

    let with_site = Overrides { site: "shop".parse().ok(), ..bucket.clone() };
    let environment = environment_of(resolve(None, None, &with_site, false).unwrap());
    assert_eq!(environment.layout.identity().bucket, "example-other");

    let text = format!("{EXAMPLE}distribution = \"E123ABC\"\n");
    let alone = environment_of(resolve(Some(&config(&text)), None, &bucket, true).unwrap());
    assert_eq!(alone.distribution, None, "another bucket's distribution must not be refreshed");
    let named = environment_of(resolve(Some(&config(&text)), Some("production"), &bucket, true).unwrap());
    assert_eq!(named.distribution.as_deref(), Some("E123ABC"));
    assert_eq!(named.layout.identity().bucket, "example-other");
}

#[test]
fn live_objects_never_lie_inside_the_state() {
    for (prefix, state) in [("", "/"), ("live", ""), ("live", "live"), ("live/site", "live")] {
        let text = format!("{EXAMPLE}prefix = \"{prefix}\"\nstate = \"{state}\"\n");
        let problem = resolve(Some(&config(&text)), None, &Overrides::default(), true).unwrap_err();
        assert!(problem.message.contains("inside its state"), "{}", problem.message);
    }
    let text = format!("{EXAMPLE}prefix = \"live\"\nstate = \"live/state\"\n");
    assert!(resolve(Some(&config(&text)), None, &Overrides::default(), true).is_ok());
}

/// The actions that `name` allows.
fn allowed_actions(name: &str) -> Vec<String> {
    let policy: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file(name)).unwrap()).unwrap();
    let statements = policy["Statement"].as_array().unwrap().iter();
    let allowing = statements.filter(|statement| statement["Effect"] == "Allow");
    let one_or_many = |action: &serde_json::Value| match action {
        serde_json::Value::Array(many) => many.clone(),
        one => vec![one.clone()],
    };
    let actions = allowing.flat_map(|statement| one_or_many(&statement["Action"]));
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
}

#[test]
fn policies_allow_no_more_than_each_role_needs() {
    let publisher = allowed_actions("iam/publisher.json");
    assert!(publisher.contains(&"s3:PutObject".to_owned()));
    assert!(!publisher.iter().any(|action| action.contains("Delete") || action.contains('*')), "{publisher:?}");
    assert!(allowed_actions("iam/release-manager.json").contains(&"s3:DeleteObject".to_owned()));
    let viewer = ["s3:ListBucket", "s3:GetObject", "cloudfront:GetInvalidation"];
    assert_eq!(allowed_actions("iam/viewer.json"), viewer);
}

#[test]
fn the_bucket_policy_hides_the_state() {
    let text = std::fs::read_to_string(file("bucket-policy-hide-state.json")).unwrap();
    let policy: serde_json::Value = serde_json::from_str(&text).unwrap();
    let deny = policy["Statement"].as_array().unwrap().iter().find(|statement| statement["Effect"] == "Deny").unwrap();
    let layout = crate::release::layout::Layout::new("shop", "EXAMPLE-BUCKET", "", None, None);
    let statement: serde_json::Value =
        serde_json::from_str(&crate::stages::policy::hide_state(&layout, "eu-central-1")).unwrap();
    assert_eq!(*deny, statement);
    let in_china = crate::stages::policy::hide_state(&layout, "cn-north-1");
    assert!(in_china.contains("\"arn:aws-cn:s3:::EXAMPLE-BUCKET/_publish/*\""), "{in_china}");
}

#[test]
fn what_cloudfront_could_not_decrypt_is_refused() {
    let at = |cdn: &str, encryption: &str| {
        let text = format!("site = \"a\"\n[env.live]\nbucket = \"one-bucket\"\n{cdn}\n{encryption}\n");
        resolve(Some(&config(&text)), None, &Overrides::default(), false).map(environment_of)
    };
    let cdn = "distribution = \"E123ABC\"";
    let managed = [
        "sse = \"aws:kms\"",
        "sse = \"aws:kms\"\nkms_key_id = \"alias/aws/s3\"",
        "sse = \"aws:kms\"\nkms_key_id = \"arn:aws-cn:kms:cn-north-1:123456789012:alias/aws/s3\"",
    ];
    for encryption in managed {
        let problem = at(cdn, encryption).unwrap_err();
        assert_eq!(problem.code, Code::Configuration);
        assert!(problem.message.contains("[env.live]") && problem.hint.contains("kms_key_id"), "{problem}");
        assert!(at("", encryption).is_ok(), "nothing is known of who reads the objects");
    }
    assert!(at(cdn, "sse = \"aws:kms\"\nkms_key_id = \"alias/site/aws/s3\"").is_ok());
    assert!(at(cdn, "sse = \"AES256\"").is_ok() && at(cdn, "").is_ok());
    let overrides = Overrides { distribution: "E123ABC".parse().ok(), ..Overrides::default() };
    let text = "site = \"a\"\n[env.live]\nbucket = \"one-bucket\"\nsse = \"aws:kms\"\n";
    assert!(resolve(Some(&config(text)), None, &overrides, false).is_err(), "a flag names one too");
}

/// It may have come with a repository: reading it ends.
#[cfg(unix)]
#[test]
fn what_is_no_file_or_far_too_large_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    let refusal = |path: &Path| Config::read(path, &|_| None).unwrap_err();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    assert_eq!(refusal(&path).code, Code::Configuration);
    std::fs::remove_file(&path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(refusal(&path).hint.contains("1 MiB"));
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "#".repeat((1 << 20) + 1)).unwrap();
    assert!(refusal(&path).hint.contains("1 MiB"));
    std::fs::write(&path, EXAMPLE).unwrap();
    assert!(Config::read(&path, &|_| None).is_ok());
}
