//! `publish promote`: another environment's release becomes the live site of this one.

use publish::config::environment::Environment;
use publish::config::{self, Config, Overrides};
use publish::report::Report;
use publish::report::error::{Code, Problem};
use publish::run::{self, PromoteRequest};

use super::{Manner, Session, Target, refused};
use crate::args::PromoteArgs;

impl Session<'_> {
    pub(super) async fn promote(&self, args: &PromoteArgs) -> Report {
        let ask = |question: &str| self.ask(question);
        let work = async |target: Target<'_>| {
            let PromoteArgs { from, release, adopt, overwrite, force, reason } = args.clone();
            let Target { environment, config, caller, events } = target;
            let from = match source(config, &from) {
                Ok(from) => from,
                Err(problem) => return (refused("promote", &environment.name, problem), ()),
            };
            let request = PromoteRequest { environment, caller, from, release, adopt, overwrite, force, reason };
            (run::promote(request, &ask, events).await, ())
        };
        self.on_target("promote", Manner::GoesBack, work, |_, ()| {}).await
    }
}

/// The environment a release comes from, as publish.toml describes it: flags about the target are not about it.
fn source(config: Option<&Config>, name: &str) -> Result<Environment, Problem> {
    match config::resolve(config, Some(name), &Overrides::default(), false)? {
        config::Target::Environment(environment) => Ok(*environment),
        config::Target::Sandbox(_) => {
            let message = format!("cannot promote from `{name}`: it is not an environment in publish.toml");
            Err(Problem::new(Code::Usage, message)
                .hint("`promote` works between environments on S3; use `publish` for the sandbox."))
        }
    }
}
