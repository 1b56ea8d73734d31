//! Who publishes, from where and what: from the environment variables of the common pipelines, else from user, machine and
//! git.

pub(crate) mod git;

use publish::release::manifest::Publisher;

use git::Commit;

/// One pipeline's variables: the one that tells that it is this pipeline, then those of [`Publisher`]'s fields.
struct Pipeline {
    is_set: &'static str,
    who: &'static [&'static str],
    place: JobAddress,
    commit: &'static str,
    branch: &'static [&'static str],
}

/// How a pipeline gives the address of its job.
enum JobAddress {
    /// In one variable.
    Variable(&'static str),
    /// GitHub: server, repository and run in three.
    GitHubRun,
}

/// Sources: GitHub "Variables reference" (default environment variables), GitLab "Predefined CI/CD variables
/// reference", Bitbucket "Variables and secrets", CircleCI "Project values and variables", Buildkite "Environment
/// variables", AWS CodeBuild "Environment variables in build environments", Jenkins "Using environment variables" and
/// its Git plugin, Netlify "Build environment variables". Branch names of pull requests come first.
const PIPELINES: &[Pipeline] = &[
    Pipeline {
        is_set: "GITHUB_ACTIONS",
        who: &["GITHUB_ACTOR"],
        place: JobAddress::GitHubRun,
        commit: "GITHUB_SHA",
        branch: &["GITHUB_HEAD_REF", "GITHUB_REF_NAME"],
    },
    Pipeline {
        is_set: "GITLAB_CI",
        who: &["GITLAB_USER_LOGIN"],
        place: JobAddress::Variable("CI_JOB_URL"),
        commit: "CI_COMMIT_SHA",
        branch: &["CI_COMMIT_REF_NAME"],
    },
    Pipeline {
        is_set: "BITBUCKET_BUILD_NUMBER",
        who: &["BITBUCKET_STEP_TRIGGERER_UUID"],
        place: JobAddress::Variable("BITBUCKET_GIT_HTTP_ORIGIN"),
        commit: "BITBUCKET_COMMIT",
        branch: &["BITBUCKET_BRANCH", "BITBUCKET_TAG"],
    },
    Pipeline {
        is_set: "CIRCLECI",
        who: &["CIRCLE_USERNAME"],
        place: JobAddress::Variable("CIRCLE_BUILD_URL"),
        commit: "CIRCLE_SHA1",
        branch: &["CIRCLE_BRANCH", "CIRCLE_TAG"],
    },
    Pipeline {
        is_set: "BUILDKITE",
        who: &["BUILDKITE_BUILD_CREATOR"],
        place: JobAddress::Variable("BUILDKITE_BUILD_URL"),
        commit: "BUILDKITE_COMMIT",
        branch: &["BUILDKITE_BRANCH"],
    },
    Pipeline {
        is_set: "CODEBUILD_BUILD_ID",
        who: &["CODEBUILD_INITIATOR"],
        place: JobAddress::Variable("CODEBUILD_BUILD_ARN"),
        commit: "CODEBUILD_RESOLVED_SOURCE_VERSION",
        branch: &["CODEBUILD_WEBHOOK_HEAD_REF"],
    },
    Pipeline {
        is_set: "JENKINS_URL",
        who: &["BUILD_USER_ID"],
        place: JobAddress::Variable("BUILD_URL"),
        commit: "GIT_COMMIT",
        branch: &["CHANGE_BRANCH", "BRANCH_NAME", "GIT_BRANCH"],
    },
    Pipeline {
        is_set: "NETLIFY",
        who: &[],
        place: JobAddress::Variable("DEPLOY_URL"),
        commit: "COMMIT_REF",
        branch: &["HEAD", "BRANCH"],
    },
];

/// The publisher, by a `lookup` of environment variables. `machine` is asked for the machine's name only outside of the
/// pipelines that are known. `git` is asked for the commit that it is given, and without one for what is checked out:
/// in a pipeline, whose variables know better what is built, it only adds the message and the date.
pub(crate) fn publisher(
    lookup: &dyn Fn(&str) -> Option<String>,
    machine: impl FnOnce() -> Option<String>,
    git: impl FnOnce(Option<&str>) -> Option<Commit>,
) -> Publisher {
    let value = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
    let first = |names: &[&str]| names.iter().find_map(|name| value(name));
    if let Some(pipeline) = PIPELINES.iter().find(|pipeline| value(pipeline.is_set).is_some()) {
        let commit = value(pipeline.commit);
        let known = commit.as_deref().and_then(|commit| git(Some(commit)));
        return Publisher {
            who: first(pipeline.who),
            place: match pipeline.place {
                JobAddress::Variable(name) => value(name),
                JobAddress::GitHubRun => github_run(&value),
            },
            commit,
            branch: first(pipeline.branch),
            committed_at: known.as_ref().and_then(|commit| commit.committed_at),
            message: known.and_then(|commit| commit.message),
            ..Publisher::default()
        };
    }
    let built = git(None);
    Publisher {
        who: first(&["USER", "USERNAME", "LOGNAME"]),
        place: first(&["HOSTNAME", "COMPUTERNAME"]).or_else(machine),
        commit: built.as_ref().map(|commit| commit.id.clone()),
        branch: built.as_ref().and_then(|commit| commit.branch.clone()),
        committed_at: built.as_ref().and_then(|commit| commit.committed_at),
        message: built.and_then(|commit| commit.message),
        ..Publisher::default()
    }
}

fn github_run(value: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let (server, repository) = (value("GITHUB_SERVER_URL")?, value("GITHUB_REPOSITORY")?);
    Some(format!("{server}/{repository}/actions/runs/{}", value("GITHUB_RUN_ID")?))
}

/// The machine's name, as `hostname` prints it.
pub(crate) fn machine_name() -> Option<String> {
    let output = std::process::Command::new("hostname").output().ok()?;
    let name = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publisher_with(variables: &[(&str, &str)]) -> Publisher {
        let lookup =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let git = |asked: Option<&str>| {
            let (id, message) = (asked.unwrap_or("c0ffee0").to_owned(), Some("Raise the prices".to_owned()));
            Some(Commit { id, branch: Some("checked-out".to_owned()), message, committed_at: None })
        };
        publisher(&lookup, || Some("laptop".to_owned()), git)
    }

    #[test]
    fn a_pipeline_that_does_not_say_what_it_builds_is_not_contradicted_by_git() {
        let publisher = publisher_with(&[("NETLIFY", "true")]);
        assert_eq!((publisher.commit, publisher.branch, publisher.message), (None, None, None));
    }

    #[test]
    fn github_says_actor_run_commit_and_branch() {
        let publisher = publisher_with(&[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_ACTOR", "octocat"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "octocat/hello"),
            ("GITHUB_RUN_ID", "42"),
            ("GITHUB_SHA", "0123abc"),
            ("GITHUB_HEAD_REF", ""),
            ("GITHUB_REF_NAME", "main"),
            ("USER", "runner"),
        ]);
        assert_eq!(publisher.who.as_deref(), Some("octocat"));
        assert_eq!(publisher.place.as_deref(), Some("https://github.com/octocat/hello/actions/runs/42"));
        assert_eq!(publisher.commit.as_deref(), Some("0123abc"));
        assert_eq!(publisher.branch.as_deref(), Some("main"));
        assert_eq!(publisher.message.as_deref(), Some("Raise the prices"));
    }

    #[test]
    fn gitlab_says_user_job_commit_and_ref() {
        let publisher = publisher_with(&[
            ("GITLAB_CI", "true"),
            ("GITLAB_USER_LOGIN", "dev"),
            ("CI_JOB_URL", "https://gitlab.example.com/a/b/-/jobs/7"),
            ("CI_COMMIT_SHA", "0123abc"),
            ("CI_COMMIT_REF_NAME", "main"),
        ]);
        assert_eq!(publisher.place.as_deref(), Some("https://gitlab.example.com/a/b/-/jobs/7"));
        assert_eq!((publisher.who.as_deref(), publisher.branch.as_deref()), (Some("dev"), Some("main")));
    }

    #[test]
    fn elsewhere_it_is_user_machine_and_git() {
        let publisher = publisher_with(&[("USER", "dev")]);
        assert_eq!((publisher.who.as_deref(), publisher.place.as_deref()), (Some("dev"), Some("laptop")));
        assert_eq!(publisher.commit.as_deref(), Some("c0ffee0"));
        assert_eq!(publisher.branch.as_deref(), Some("checked-out"));
        assert_eq!(publisher.message.as_deref(), Some("Raise the prices"));
        assert_eq!(publisher_with(&[]).who, None);
    }
}
