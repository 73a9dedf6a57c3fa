//! What can be wrong with a set of child specs.

/// Why no supervisor could be made of these child specs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Two children have one name.
    #[error("two children are called {actor}; give one of them another name with `named`")]
    Duplicate {
        /// The name.
        actor: String,
    },
    /// A child depends on one that is not there.
    #[error("{actor} depends on {dependency}, and no child is called that")]
    UnknownDependency {
        /// Who depends.
        actor: String,
        /// On whom.
        dependency: String,
    },
    /// Children depend on each other in a circle, so none of them can be the first.
    #[error("children depend on each other in a circle: {}", .actors.join(" -> "))]
    Cycle {
        /// The circle; each depends on the next, and the last is the first again.
        actors: Vec<String>,
    },
    /// A figure of a spec makes no sense.
    #[error("the spec of {actor} is wrong: {what}")]
    Invalid {
        /// Whose spec.
        actor: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The operating system's signals cannot be listened to.
    #[error("cannot listen to signals: {0}")]
    Signals(#[source] std::io::Error),
    /// The supervisor's own actor did not start.
    #[error("the supervisor did not start: {0}")]
    Start(String),
}
