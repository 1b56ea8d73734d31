//! What a profile in AWS's configuration files requires, and what is wrong with it. The SDK's errors say neither.

use std::error::Error as StdError;
use std::fmt;

use aws_config::profile::{Profile as Section, ProfileFileLoadError, ProfileSet, load};
use aws_types::os_shim_internal::{Env, Fs};

use super::provider::{ProviderFailure, chain};
use crate::report::error::Code;

/// How the selected profile, and its source profiles, get their credentials.
#[derive(Clone, Debug, Default)]
pub(super) struct Profile {
    /// The profile that provides the credentials: named by the user, or selected by AWS's environment variables.
    pub(super) name: Option<String>,
    /// Why it cannot provide credentials in any case.
    pub(super) mistake: Option<ProviderFailure>,
    /// `mfa_serial`: the role may require an MFA code. The SDK never sends one.
    pub(super) has_device: bool,
    /// `credential_process`: a program provides them, and may have to ask a person.
    pub(super) runs_program: bool,
    /// The AWS CLI command that signs in: `aws login` (`login_session`) or `aws sso login` (`sso_session`, `sso_start_url`).
    pub(super) signs_in: Option<&'static str>,
    /// `credential_source`: the machine provides them.
    pub(super) source: Option<CredentialSource>,
    /// `web_identity_token_file`, or the variable for it.
    pub(super) token_file: Option<String>,
}

/// The values of `credential_source`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CredentialSource {
    /// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
    Environment,
    /// The credential service of a container of ECS, EKS or CodeBuild.
    EcsContainer,
    /// The metadata service of an EC2 instance.
    Ec2InstanceMetadata,
}

impl CredentialSource {
    const ALL: [CredentialSource; 3] =
        [CredentialSource::Environment, CredentialSource::EcsContainer, CredentialSource::Ec2InstanceMetadata];
}

impl fmt::Display for CredentialSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            CredentialSource::Environment => "Environment",
            CredentialSource::EcsContainer => "EcsContainer",
            CredentialSource::Ec2InstanceMetadata => "Ec2InstanceMetadata",
        })
    }
}

const TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";

/// Variables that provide credentials only together.
const PAIRS: [[&str; 2]; 2] = [["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"], [TOKEN_FILE, "AWS_ROLE_ARN"]];

const CORRECT_IT: &str = "Correct the profile in the AWS configuration files (`~/.aws/config`, `~/.aws/credentials`).";

impl Profile {
    /// The profile called `name`. Without a name: the one that AWS's variables select, and the variables for credentials.
    pub(super) async fn selected(name: Option<&str>) -> Profile {
        let env = Env::real();
        let selected = name.map(|name| name.to_owned().into());
        let mut found = match load(&Fs::real(), &env, &Default::default(), selected).await {
            Ok(files) => Profile::of(&files, name.is_some()),
            Err(error) => Profile { mistake: Some(unreadable(&error)), ..Profile::default() },
        };
        if name.is_none() {
            let value = |name: &str| env.get(name).ok().filter(|value| !value.trim().is_empty());
            found.mistake = found.mistake.or_else(|| unpaired(|name| value(name).is_some()));
            found.token_file = found.token_file.or_else(|| value(TOKEN_FILE));
        }
        found
    }

    /// `is_named`: the user named the profile, so no other provider is tried.
    fn of(files: &ProfileSet, is_named: bool) -> Profile {
        let selected = files.selected_profile();
        let mut found = Profile::default();
        match found.follow(files) {
            Ok(()) => {}
            // A missing profile `default` is not a mistake.
            Err(_) if selected == "default" && !is_named && files.get_profile(selected).is_none() => return found,
            Err(Wrong::Empty) if selected == "default" && !is_named => return found,
            Err(wrong) => found.mistake = Some(wrong.told(selected)),
        }
        found.name = (is_named || selected != "default").then(|| selected.to_owned());
        found
    }

    /// Follows the chain from the selected profile to the one that provides credentials, as aws-config 1.13 does
    /// (src/profile/credentials/repr.rs), and returns the first mistake on the way.
    fn follow(&mut self, files: &ProfileSet) -> Result<(), Wrong> {
        let (mut seen, mut name) = (Vec::<&str>::new(), files.selected_profile());
        loop {
            let Some(profile) = files.get_profile(name) else {
                return Err(match seen.last() {
                    None => Wrong::Missing,
                    Some(from) => wrong(from, format!("`source_profile` refers to `{name}`, which does not exist")),
                });
            };
            if seen.contains(&name) {
                let circle = seen.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                return Err(wrong(name, format!("its `source_profile` leads back to itself ({circle})")));
            }
            seen.push(name);
            self.note(profile);
            let is_first = seen.len() == 1;
            if !is_first && keys(profile).is_ok() {
                return Ok(());
            }
            match next(profile)? {
                Some(next) => name = next,
                None => {
                    return match self.base(files, profile) {
                        Err(Wrong::Empty) if !is_first => Err(wrong(
                            name,
                            format!(
                                "it is the `source_profile` of `{}` and contains no credentials",
                                seen[seen.len() - 2]
                            ),
                        )),
                        other => other,
                    };
                }
            }
        }
    }

    fn note(&mut self, profile: &Section) {
        let has = |names: &[&str]| names.iter().any(|name| profile.get(name).is_some());
        self.has_device |= has(&["mfa_serial"]);
        self.runs_program |= has(&["credential_process"]);
        let login = has(&["login_session"]).then_some("aws login");
        let sso = has(&["sso_session", "sso_start_url"]).then_some("aws sso login");
        self.signs_in = self.signs_in.or(login).or(sso);
    }

    /// Checks the last profile of the chain, which takes credentials from no other profile.
    fn base(&mut self, files: &ProfileSet, profile: &Section) -> Result<(), Wrong> {
        let (name, has) = (profile.name(), |key: &str| profile.get(key).is_some());
        if let Some(source) = profile.get("credential_source") {
            self.source = CredentialSource::ALL.into_iter().find(|known| known.to_string() == source);
            let known = CredentialSource::ALL.map(|known| format!("`{known}`")).join(", ");
            let what =
                format!("`credential_source = {source}` is not a known credential source; valid values are {known}");
            return self.source.map(|_| ()).ok_or_else(|| wrong(name, what));
        }
        if let Some(file) = profile.get("web_identity_token_file") {
            self.token_file = Some(file.to_owned());
            return if has("role_arn") { Ok(()) } else { Err(lacks(name, "role_arn")) };
        }
        if ["sso_session", "sso_start_url", "sso_region", "sso_account_id", "sso_role_name"].into_iter().any(has) {
            return sign_in(files, profile);
        }
        if has("login_session") || has("credential_process") { Ok(()) } else { keys(profile) }
    }

    /// " of profile `x`", if a profile provides the credentials.
    pub(super) fn of_it(&self) -> String {
        self.name.as_ref().map(|name| format!(" of profile `{name}`")).unwrap_or_default()
    }

    /// " for profile `x`", if a profile provides the credentials.
    pub(super) fn for_it(&self) -> String {
        self.name.as_ref().map(|name| format!(" for profile `{name}`")).unwrap_or_default()
    }

    /// The option that makes `aws` use it: " --profile x".
    pub(super) fn flag(&self) -> String {
        self.name.as_ref().map(|name| format!(" --profile {name}")).unwrap_or_default()
    }
}

/// Why a profile gives no credentials.
#[derive(Debug, PartialEq, Eq)]
enum Wrong {
    /// It does not exist.
    Missing,
    /// It has no settings for credentials.
    Empty,
    /// The settings of the profile of this name cannot be followed.
    Unusable { profile: String, what: String },
}

fn wrong(profile: &str, what: String) -> Wrong {
    Wrong::Unusable { profile: profile.to_owned(), what }
}

fn lacks(profile: &str, key: &str) -> Wrong {
    wrong(profile, format!("`{key}` is missing"))
}

impl Wrong {
    /// The same for people, if the profile `selected` is to provide credentials.
    fn told(self, selected: &str) -> ProviderFailure {
        let (code, message, hint) = match self {
            Wrong::Missing => (
                Code::Configuration,
                format!("There is no profile `{selected}` in the AWS configuration files"),
                "Correct --profile, `profile` in publish.toml or AWS_PROFILE; `aws configure list-profiles` lists the existing \
                 profiles.",
            ),
            Wrong::Empty => (
                Code::NoCredentials,
                format!("The AWS profile `{selected}` contains no credentials"),
                "Set them up with `aws login`, `aws sso login` or `aws configure`, or name another profile with --profile, \
                 `profile` in publish.toml or AWS_PROFILE.",
            ),
            Wrong::Unusable { profile, what } => {
                (Code::Configuration, format!("The AWS profile `{profile}` cannot be used: {what}"), CORRECT_IT)
            }
        };
        ProviderFailure { code, message, hint: hint.to_owned() }
    }
}

/// The profile that this one takes its credentials from to assume a role, if that is a different one.
fn next(profile: &Section) -> Result<Option<&str>, Wrong> {
    if profile.get("role_arn").is_none() || profile.get("web_identity_token_file").is_some() {
        return Ok(None);
    }
    let both = "it sets both `source_profile` and `credential_source`, but only one is allowed";
    let neither = "it sets `role_arn`, but neither `source_profile` nor `credential_source` to assume the role with";
    match (profile.get("source_profile"), profile.get("credential_source")) {
        (Some(_), Some(_)) => Err(wrong(profile.name(), both.to_owned())),
        (None, None) => Err(wrong(profile.name(), neither.to_owned())),
        (source, _) => Ok(source.filter(|source| *source != profile.name())),
    }
}

/// Whether it contains keys.
fn keys(profile: &Section) -> Result<(), Wrong> {
    let has = |key: &str| profile.get(key).is_some();
    match (has("aws_access_key_id"), has("aws_secret_access_key")) {
        (true, true) => Ok(()),
        (true, false) => Err(lacks(profile.name(), "aws_secret_access_key")),
        (false, true) => Err(lacks(profile.name(), "aws_access_key_id")),
        (false, false) if has("aws_session_token") => Err(lacks(profile.name(), "aws_access_key_id")),
        (false, false) => Err(Wrong::Empty),
    }
}

/// Whether it has all settings that a sign-in with SSO needs.
fn sign_in(files: &ProfileSet, profile: &Section) -> Result<(), Wrong> {
    let (name, has) = (profile.name(), |key: &str| profile.get(key).is_some());
    let needed = ["sso_region", "sso_start_url"];
    if let Some(session) = profile.get("sso_session") {
        let Some(found) = files.sso_session(session) else {
            return Err(wrong(
                name,
                format!("`sso_session` refers to `[sso-session {session}]`, which does not exist"),
            ));
        };
        if let Some(key) = needed.into_iter().find(|key| has(key)) {
            return Err(wrong(name, format!("`{key}` belongs in `[sso-session {session}]`, not in the profile")));
        }
        if let Some(key) = needed.into_iter().find(|key| found.get(key).is_none()) {
            return Err(wrong(name, format!("`{key}` is missing from `[sso-session {session}]`")));
        }
    } else if let Some(key) = needed.into_iter().find(|key| !has(key)) {
        return Err(lacks(name, key));
    }
    let missing = ["sso_account_id", "sso_role_name"].into_iter().find(|key| !has(key));
    missing.map_or(Ok(()), |key| Err(lacks(name, key)))
}

/// An AWS configuration file that cannot be read, with the line.
fn unreadable(error: &ProfileFileLoadError) -> ProviderFailure {
    let error: &(dyn StdError + 'static) = error;
    let texts = chain(error).map(|cause| cause.to_string().split_whitespace().collect::<Vec<_>>().join(" "));
    ProviderFailure {
        code: Code::Configuration,
        message: format!("An AWS configuration file cannot be used: {}", texts.collect::<Vec<_>>().join(": ")),
        hint: "Correct the file, or set AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE to another one.".to_owned(),
    }
}

/// The variable that is missing from a pair.
fn unpaired(is_set: impl Fn(&str) -> bool) -> Option<ProviderFailure> {
    let halves = PAIRS.into_iter().flat_map(|[one, other]| [(one, other), (other, one)]);
    let (set, unset) = halves.into_iter().find(|(one, other)| is_set(one) && !is_set(other))?;
    Some(ProviderFailure {
        code: Code::Configuration,
        message: format!("No AWS credentials were found: {set} is set, but {unset} is not"),
        hint: format!("Set {unset} too, or unset {set}."),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    async fn of(text: &str, selected: Option<&str>) -> Profile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let env = Env::from_slice(&[("AWS_CONFIG_FILE", file.path().to_str().unwrap()), ("HOME", "/nowhere")]);
        let name = selected.map(|name| name.to_owned().into());
        Profile::of(&load(&Fs::real(), &env, &Default::default(), name).await.unwrap(), selected.is_some())
    }

    const ROLE: &str = "role_arn = arn:aws:iam::123456789012:role/x\n";

    #[tokio::test]
    async fn a_mistake_in_a_profile_is_named() {
        for (rest, what) in [
            ("aws_access_key_id = A", "`aws_secret_access_key` is missing"),
            ("aws_secret_access_key = s", "`aws_access_key_id` is missing"),
            ("web_identity_token_file = /t", "`role_arn` is missing"),
            ("ROLE", "neither `source_profile` nor `credential_source`"),
            ("ROLEsource_profile = a\ncredential_source = Environment", "both `source_profile` and"),
            ("ROLEcredential_source = Ec2", "`credential_source = Ec2` is not a known credential source"),
            ("ROLEsource_profile = nobody", "`source_profile` refers to `nobody`, which does not exist"),
            ("ROLEsource_profile = b\n[profile b]\nROLEsource_profile = a", "leads back to itself (`a`, `b`)"),
            ("ROLEsource_profile = b\n[profile b]\nregion = x", "`source_profile` of `a` and contains no credentials"),
            (
                "ROLEsource_profile = b\n[profile b]\naws_access_key_id = A",
                "`b` cannot be used: `aws_secret_access_key`",
            ),
            ("sso_session = c\nsso_account_id = 1\nsso_role_name = r", "`[sso-session c]`, which does not exist"),
            ("sso_session = c\n[sso-session c]\nsso_region = x", "`sso_start_url` is missing from `[sso-session c]`"),
            ("sso_session = c\nsso_region = x\n[sso-session c]\n", "`sso_region` belongs in `[sso-session c]`"),
            ("sso_start_url = https://a\nsso_account_id = 1\nsso_role_name = r", "`sso_region` is missing"),
            ("sso_start_url = https://a\nsso_region = x\nsso_account_id = 1", "`sso_role_name` is missing"),
        ] {
            let profile = of(&format!("[profile a]\n{}\n", rest.replace("ROLE", ROLE)), Some("a")).await;
            let mistake = profile.mistake.unwrap_or_else(|| panic!("{rest}"));
            assert_eq!(mistake.code, Code::Configuration);
            assert!(mistake.message.starts_with("The AWS profile `") && mistake.message.contains(what), "{mistake:?}");
        }
    }

    #[tokio::test]
    async fn a_profile_that_can_give_credentials_has_no_mistake() {
        for rest in [
            "aws_access_key_id = A\naws_secret_access_key = s",
            "ROLEsource_profile = a\naws_access_key_id = A\naws_secret_access_key = s",
            "ROLEsource_profile = b\n[profile b]\naws_access_key_id = A\naws_secret_access_key = s",
            "ROLEweb_identity_token_file = /t",
            "ROLEcredential_source = EcsContainer",
            "credential_process = x",
            "login_session = x",
            "sso_session = c\nsso_account_id = 1\nsso_role_name = r\n[sso-session c]\nsso_region = x\nsso_start_url = y",
        ] {
            let profile = of(&format!("[profile a]\n{}\n", rest.replace("ROLE", ROLE)), Some("a")).await;
            assert_eq!((profile.mistake, profile.name.as_deref()), (None, Some("a")), "{rest}");
        }
    }

    #[tokio::test]
    async fn only_a_profile_that_was_asked_for_must_give_credentials() {
        for text in ["", "[default]\nregion = x\n"] {
            assert_eq!(of(text, None).await.mistake, None, "{text}");
        }
        let code = async |text: &str, name: &str| of(text, Some(name)).await.mistake.unwrap().code;
        assert_eq!(code("", "default").await, Code::Configuration);
        assert_eq!(code("[default]\nregion = x\n", "default").await, Code::NoCredentials);
        let half = of("[default]\naws_access_key_id = A\n", None).await;
        assert!(half.mistake.unwrap().message.contains("`default` cannot be used"));
        assert_eq!(half.name, None);
    }

    #[test]
    fn half_of_a_pair_of_variables_is_named() {
        let of = |set: &[&str]| unpaired(|name| set.contains(&name)).map(|failure| failure.message);
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]), None);
        for (set, unset) in [("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), ("AWS_ROLE_ARN", TOKEN_FILE)] {
            for (set, unset) in [(set, unset), (unset, set)] {
                assert!(of(&[set]).unwrap().ends_with(&format!("{set} is set, but {unset} is not")));
            }
        }
    }
}
