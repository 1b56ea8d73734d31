//! Guards against a folder that is not the built site. `--yes` does not answer them: a person who names a wrong folder has
//! given that flag before looking.

use super::caller::Ask;
use super::goal::{Folder, Goal};
use super::intention::Intention;
use super::order::Order;
use super::session::Session;
use crate::content::path::SitePath;
use crate::content::references::{Form, Role};
use crate::report::error::{Code, Problem};
use crate::site::snapshot::{built_site, is_project};

/// The home page, unless the distribution names another.
const INDEX: &str = "index.html";

/// Extensions of source modules that a build compiles to scripts: no browser runs them as they are.
const SOURCES: [&str; 8] = ["ts", "tsx", "mts", "cts", "jsx", "vue", "svelte", "astro"];

/// What is wrong with the home page of the new release.
pub(super) enum NoHomePage {
    /// The live site has one, and would lose it.
    Leaves(Problem),
    /// No release was ever active, and the new one has no home page.
    NeverThere {
        /// The question, if there is a terminal to ask on.
        question: String,
        /// The error, if there is none.
        problem: Problem,
    },
}

impl NoHomePage {
    /// The same as a problem.
    pub(super) fn into_problem(self) -> Problem {
        match self {
            NoHomePage::Leaves(problem) | NoHomePage::NeverThere { problem, .. } => problem,
        }
    }
}

/// Refuses a project whose home page loads a source module.
pub(super) fn check_no_sources(folder: &Folder) -> Result<(), Problem> {
    let index = SitePath::new(INDEX).ok().and_then(|index| folder.snapshot.references.get(&index));
    let loaded = index.into_iter().flat_map(|references| &references.list);
    let mut modules = loaded.filter(|used| used.role == Role::Module && matches!(used.form, Form::Tag(_)));
    let is_source = |written: &str| {
        let path = written.split(['?', '#']).next().unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').is_some_and(|(_, ending)| SOURCES.contains(&ending.to_ascii_lowercase().as_str()))
    };
    match modules.find(|used| is_source(&used.written)) {
        Some(used) => {
            let because = format!("{INDEX}, line {}, loads `{}`, which no browser runs", used.line, used.written);
            Err(is_project(&folder.snapshot.root, &because))
        }
        None => Ok(()),
    }
}

impl Session<'_> {
    /// Stops if the home page would leave the site; asks if there never was one.
    pub(super) fn check_home_page(&self, order: &Order, intention: &Intention, ask: Ask<'_>) -> Result<(), Problem> {
        match self.no_home_page(order, intention) {
            None => Ok(()),
            Some(NoHomePage::Leaves(problem)) => Err(problem),
            Some(NoHomePage::NeverThere { question, problem }) => self.confirmed(&question, ask, || problem),
        }
    }

    /// What is wrong with the home page of a folder; nothing if publish.toml says that the site has none, or if the active
    /// release has none either.
    pub(super) fn no_home_page(&self, order: &Order, intention: &Intention) -> Option<NoHomePage> {
        let Goal::Folder(folder) = &order.goal else { return None };
        let page = SitePath::new(self.home_page()).ok()?;
        if !self.environment.publish.index || intention.plan.files.contains_key(&page) {
            return None;
        }
        let root = folder.snapshot.root.display();
        let found = built_site(&folder.snapshot.root);
        let found = found.map(|built| format!("`{0}` has one: `publish {0}`. ", built.display())).unwrap_or_default();
        let is_meant = "`--no-index`, or `index = false` under [publish] in publish.toml.";
        let live = &intention.live;
        if live.files.contains_key(&page) || live.uncertain.contains_key(&page) {
            let message = format!("the home page ({page}) would leave the site: `{root}` has none");
            return Some(NoHomePage::Leaves(Problem::new(Code::NoIndex, message).hint(format!(
                "Did the build succeed, and is it the right folder? {found}To remove the home page: {is_meant}"
            ))));
        }
        live.release.is_none().then(|| NoHomePage::NeverThere {
            question: format!("`{root}` has no home page ({page}). {found}Publish it without one?"),
            problem: Problem::new(Code::NoIndex, format!("`{root}` has no home page ({page})")).hint(format!(
                "Did the build succeed, and is it the right folder? {found}If the site has no home page: {is_meant}"
            )),
        })
    }

    /// The page that the distribution serves for the site's address, as far as its configuration shows.
    fn home_page(&self) -> String {
        let own = self.own().and_then(|own| self.distributions.get(own)).map(|known| &known.facts);
        let prefix = &self.environment.layout.identity().prefix;
        let at_root = own.filter(|facts| facts.readable && facts.below_root(prefix) == Some(""));
        at_root.and_then(|facts| facts.default_root_object.clone()).unwrap_or_else(|| INDEX.to_owned())
    }
}
