//! Reading the configuration: built-in profile < file < `ALYS_*` environment < flags.
//!
//! Every key stands in a section, so a variable is `ALYS_<SECTION>__<KEY>` (`ALYS_RPC__LISTEN`). A variable for a
//! list may name its elements with commas between (`ALYS_RPC__ALLOWED_HOSTS=node,node.example`). An unknown key is
//! an error that names where it stands and the nearest key there is.

use std::path::{Path, PathBuf};

use figment::{
    Figment, Metadata, Profile, Provider,
    error::Kind,
    providers::{Env, Format as _, Serialized, Toml},
    value::{Dict, Map, Value},
};

use crate::config::NodeConfig;

/// Why a configuration cannot be used. The text says where, what, and what to write instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A key or its value is wrong.
    #[error("configuration, {place}: {what}")]
    Key {
        /// File or environment, and the key.
        place: String,
        /// What is wrong, and what would be right.
        what: String,
    },
    /// The values do not go together.
    #[error("configuration: {0}")]
    Value(String),
}

/// Where a configuration comes from, above the built-in profile.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A TOML file, which must exist where it is named.
    pub file: Option<PathBuf>,
    /// Values from flags, as `section.key` with a value.
    pub flags: Vec<(String, Value)>,
}

impl Sources {
    /// A file, or none, and no flags.
    #[must_use]
    pub fn file(path: Option<PathBuf>) -> Self {
        Self { file: path, flags: Vec::new() }
    }

    /// Adds a flag's value; `None` leaves the key to the layers below.
    #[must_use]
    pub fn flag(mut self, key: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.flags.push((key.to_owned(), value.into()));
        }
        self
    }

    /// Reads all layers above `profile`, and checks the result.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load(&self, profile: &NodeConfig) -> Result<NodeConfig, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(profile));
        if let Some(path) = &self.file {
            std::fs::metadata(path)
                .map_err(|source| ConfigError::Unreadable { path: path.clone(), source })?;
            figment = figment.merge(Toml::file_exact(path));
        }
        // A variable without a section is not a key of the configuration (ALYS_VECTORS is for tests).
        let variables = Env::prefixed("ALYS_").filter(|name| name.as_str().contains("__")).split("__");
        figment = figment.merge(Variables(variables));
        for (key, value) in &self.flags {
            figment = figment.merge(Serialized::global(key, value));
        }
        let config: NodeConfig = figment.extract().map_err(|error| explain(&error))?;
        config.validate(self.file.as_deref().and_then(Path::parent))
    }
}

/// The environment, in which a list can be written as its elements with commas between.
struct Variables(Env);

impl Provider for Variables {
    fn metadata(&self) -> Metadata {
        self.0.metadata()
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let lists = Serialized::defaults(NodeConfig::default()).data()?;
        let mut data = self.0.data()?;
        for (profile, dict) in &mut data {
            if let Some(model) = lists.get(profile).or_else(|| lists.values().next()) {
                split_lists(dict, model);
            }
        }
        Ok(data)
    }
}

/// Where `model` has a list and `dict` a text, the text is its elements.
fn split_lists(dict: &mut Dict, model: &Dict) {
    for (key, value) in dict {
        match (&mut *value, model.get(key)) {
            (Value::Dict(_, inner), Some(Value::Dict(_, model))) => split_lists(inner, model),
            (Value::String(tag, text), Some(Value::Array(..))) => {
                let elements = text.split(',').map(str::trim).filter(|element| !element.is_empty());
                *value = Value::Array(*tag, elements.map(Value::from).collect());
            }
            _ => {}
        }
    }
}

/// The first thing that is wrong, with its place and the nearest key.
fn explain(error: &figment::Error) -> ConfigError {
    let key = error.path.join(".");
    let source = error.metadata.as_ref().map_or_else(
        || "built-in profile".to_owned(),
        |metadata| match &metadata.source {
            Some(source) => source.to_string(),
            None => metadata.name.to_string(),
        },
    );
    match &error.kind {
        Kind::UnknownField(name, known) => {
            let section = if key.is_empty() { String::new() } else { format!("[{key}] ") };
            let near = nearest(name, known)
                .map(|near| format!(", did you mean `{near}`?"))
                .unwrap_or_else(|| format!("; there are: {}", known.join(", ")));
            ConfigError::Key { place: source, what: format!("{section}has no key `{name}`{near}") }
        }
        kind => ConfigError::Key { place: format!("{source}, key `{key}`"), what: kind.to_string() },
    }
}

/// The known name closest to `name`, if it is close enough to be a slip.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let close = |other: &&str| strsim::damerau_levenshtein(name, other) <= name.len().max(3) / 3 + 1;
    known
        .iter()
        .copied()
        .filter(close)
        .min_by_key(|other| (strsim::damerau_levenshtein(name, other), other.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_a_slip_away_or_none() {
        assert_eq!(nearest("lisen", &["cors_origins", "listen"]), Some("listen"));
        assert_eq!(nearest("data-dir", &["data_dir", "spec"]), Some("data_dir"));
        assert_eq!(nearest("colour", &["listen", "max_batch"]), None);
    }

    #[test]
    #[allow(clippy::result_large_err, reason = "the closure's type is figment's")]
    fn a_variable_may_write_a_list_with_commas_or_in_brackets() {
        let cases: [(&str, &[&str]); 5] = [
            ("node", &["node"]),
            ("node, node.example", &["node", "node.example"]),
            ("[\"node\", \"node.example\"]", &["node", "node.example"]),
            ("*", &["*"]),
            ("", &[]),
        ];
        for (text, expected) in cases {
            figment::Jail::expect_with(|jail| {
                jail.set_env("ALYS_RPC__ALLOWED_HOSTS", text);
                jail.set_env("ALYS_RPC__MAX_BATCH", "7");
                let config = Sources::file(None).load(&NodeConfig::default()).map_err(|e| e.to_string())?;
                assert_eq!(config.rpc.allowed_hosts, expected, "{text}");
                assert_eq!(config.rpc.max_batch, 7);
                Ok(())
            });
        }
    }
}
