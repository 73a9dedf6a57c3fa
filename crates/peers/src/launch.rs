//! Execution clients as child processes, for tests: started, killed, stopped in order, started again.
//!
//! Blocking and without a runtime, so that any test may use it. Every wait has a deadline, and what was
//! started does not outlive its handle. A node's own Geth is `alys_engine_api::managed`'s work.
//!
//! ```no_run
//! let genesis = "{ … }"; // ChainSpec::execution_genesis_file() as JSON
//! let folder = std::env::temp_dir().join("my-test");
//! let geth = alys_peers::launch::Geth::new(alys_peers::geth()?, &folder, genesis, 4242, 30_000_000).start()?;
//! println!("{} {} {}", geth.engine_url(), geth.public_url(), geth.jwt().display());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ethereumjs;
mod geth;
mod place;
mod process;
mod reth;

pub use ethereumjs::EthereumJs;
pub use geth::Geth;
pub use process::{Client, LaunchError};
pub use reth::Reth;

/// The secret of every client that is launched here. A test's secret guards nothing.
pub const TEST_SECRET: &str = "a1950a1950a1950a1950a1950a1950a1950a1950a1950a1950a1950a1950a195";
