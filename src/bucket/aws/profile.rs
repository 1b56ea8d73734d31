//! What a profile of AWS's files asks for: what no error of whoever uses it tells.

use aws_config::profile::{ProfileSet, load};
use aws_types::os_shim_internal::{Env, Fs};

/// How the credentials of the selected profile, and of those that it names as its source, come about.
#[derive(Clone, Debug, Default)]
pub(super) struct Profile {
    /// Its name, if it was asked for by name.
    pub(super) name: Option<String>,
    /// The one that AWS_PROFILE names and that is not there.
    pub(super) missing: Option<String>,
    /// `mfa_serial`: a role that is assumed with a code of a device. The SDK assumes it without.
    pub(super) has_device: bool,
    /// `credential_process`: a program gives them, which may have to ask a person.
    pub(super) runs_program: bool,
    /// The command of AWS's that signs in: `aws login` (`login_session`) or `aws sso login` (`sso_session`, `sso_start_url`).
    pub(super) signs_in: Option<&'static str>,
}

impl Profile {
    /// The one of this `name`, or the one that AWS's variables select. Files that cannot be read say nothing here: whoever
    /// takes credentials from them tells that.
    pub(super) async fn selected(name: Option<&str>) -> Profile {
        let selected = name.map(|name| name.to_owned().into());
        let found = load(&Fs::real(), &Env::real(), &Default::default(), selected).await;
        let of_files = found.map(|files| Profile::of(&files)).unwrap_or_default();
        Profile { name: name.map(str::to_owned), ..of_files }
    }

    fn of(files: &ProfileSet) -> Profile {
        let selected = files.selected_profile();
        let is_missing = selected != "default" && files.get_profile(selected).is_none();
        let missing = is_missing.then(|| selected.to_owned());
        let (mut found, mut seen) = (Profile { missing, ..Profile::default() }, Vec::new());
        let mut next = Some(files.selected_profile());
        while let Some(name) = next.filter(|name| !seen.contains(name)) {
            seen.push(name);
            let Some(profile) = files.get_profile(name) else { break };
            found.has_device |= profile.get("mfa_serial").is_some();
            found.runs_program |= profile.get("credential_process").is_some();
            let has = |names: &[&str]| names.iter().any(|name| profile.get(name).is_some());
            let login = has(&["login_session"]).then_some("aws login");
            let sso = has(&["sso_session", "sso_start_url"]).then_some("aws sso login");
            found.signs_in = found.signs_in.or(login).or(sso);
            next = profile.get("source_profile");
        }
        found
    }

    /// " of profile `x`", where it was asked for by name.
    pub(super) fn of_it(&self) -> String {
        self.name.as_ref().map(|name| format!(" of profile `{name}`")).unwrap_or_default()
    }

    /// " in profile `x`", where it was asked for by name.
    pub(super) fn in_it(&self) -> String {
        self.name.as_ref().map(|name| format!(" in profile `{name}`")).unwrap_or_default()
    }

    /// What `aws` is told to use it: " --profile x".
    pub(super) fn flag(&self) -> String {
        self.name.as_ref().map(|name| format!(" --profile {name}")).unwrap_or_default()
    }
}
