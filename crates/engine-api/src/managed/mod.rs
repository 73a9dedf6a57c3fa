//! A Geth that the node owns: found, started with a genesis from the chain spec, watched, stopped, begun anew.
//!
//! [`ManagedGeth::new`] takes the folder and the ports, and fails at once where they are somebody else's.
//! [`ManagedGeth::run`] does everything else in one future, without a task of its own: the owner spawns it so
//! that a panic in it is the owner's failure, and whoever drops it ends Geth. Everyone else holds a clone of
//! the handle and looks at the [state](GethState).
//!
//! # What holds
//! - The folder is one node's: a second one is refused. Another chain's folder is refused and left alone.
//! - Geth ends when the node ends: in order at [`stop`](ManagedGeth::stop), by force when the run is dropped,
//!   by a guard of its own when the node is killed; what even survives that is ended at the next start.
//! - One that ends by itself is started again after a short pause, whatever the reason; only starts that fail
//!   several times in a row are given up, with the last words of Geth.
//! - Its ports and its secret stay the same through restarts and wipes.
//! - It listens on 127.0.0.1 alone, and knows no other peer than this node.

mod config;
mod error;
mod folder;
mod guard;
mod log;
mod orphan;
mod ports;
mod process;
mod run;
#[cfg(test)]
mod tests;

use std::{future::Future, path::PathBuf, pin::Pin, sync::Arc, time::Duration};

use alys_peers::GethFlags;
use tokio::{
    sync::{Mutex, mpsc, oneshot, watch},
    time::timeout,
};

pub use config::{GethConfig, Patience, Restarts};
pub use error::ManagedError;

use crate::{ManagedProcess, WipeError};
use folder::Folder;
use ports::Port;
use run::Order;

/// How a managed Geth is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GethState {
    /// Nobody runs it.
    Stopped,
    /// It is being started, and does not answer yet.
    Starting,
    /// Both its ports answered.
    Ready {
        /// Its process.
        pid: u32,
    },
    /// It ended by itself, and will be started again after a pause.
    Down {
        /// How often in a row, without having been sound for a while in between.
        ends: u32,
        /// Why, in words.
        why: String,
    },
}

/// A handle to the node's own Geth. Clones are handles to the same.
#[derive(Debug, Clone)]
pub struct ManagedGeth {
    shared: Arc<Shared>,
    orders: mpsc::Sender<Order>,
}

/// What the handles and the one who runs it share.
#[derive(Debug)]
struct Shared {
    config: GethConfig,
    folder: Folder,
    flags: GethFlags,
    engine: Port,
    public: Port,
    state: watch::Sender<GethState>,
    orders: Mutex<mpsc::Receiver<Order>>,
}

impl ManagedGeth {
    /// Takes the folder and the ports. Nothing runs yet.
    ///
    /// # Errors
    /// [`ManagedError::FolderInUse`], [`ManagedError::PortInUse`], or a folder or secret that cannot be made.
    pub fn new(config: GethConfig) -> Result<Self, ManagedError> {
        let folder = Folder::open(&config.folder)?;
        let engine = Port::take(config.engine_port, "the Engine API")?;
        let public = Port::take(config.public_port, "JSON-RPC")?;
        let flags = GethFlags {
            folder: folder.path().to_owned(),
            network_id: config.chain_id,
            gas_limit: config.gas_limit,
            jwt: folder.jwt(),
            engine_port: engine.number(),
            public_port: public.number(),
            cache_mb: config.cache_mb,
        };
        let (orders, received) = mpsc::channel(4);
        let state = watch::Sender::new(GethState::Stopped);
        let shared = Shared { config, folder, flags, engine, public, state, orders: Mutex::new(received) };
        Ok(Self { shared: Arc::new(shared), orders })
    }

    /// Runs Geth until [`stop`](Self::stop), or until no further start would help. Dropping the future kills
    /// Geth. A second run waits for the end of the first.
    ///
    /// # Errors
    /// [`ManagedError`]: why it cannot work, and what to do.
    pub async fn run(&self) -> Result<(), ManagedError> {
        let ended = run::run(&self.shared).await;
        if let Err(error) = &ended {
            tracing::error!(%error, "Geth does not run any more");
        }
        ended
    }

    /// Where the Engine API is. Always the same.
    #[must_use]
    pub fn engine_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.shared.engine.number())
    }

    /// Where JSON-RPC without authentication is. Always the same.
    #[must_use]
    pub fn public_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.shared.public.number())
    }

    /// The file of the Engine API's secret.
    #[must_use]
    pub fn jwt(&self) -> PathBuf {
        self.shared.folder.jwt()
    }

    /// How it is at this moment.
    #[must_use]
    pub fn state(&self) -> GethState {
        self.shared.state.borrow().clone()
    }

    /// Tells every change of its state.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<GethState> {
        self.shared.state.subscribe()
    }

    /// Its process, while it is ready.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        match *self.shared.state.borrow() {
            GethState::Ready { pid } => Some(pid),
            _ => None,
        }
    }

    /// Waits until it is ready; its process.
    ///
    /// # Errors
    /// [`ManagedError::Late`] where it is not within that time.
    pub async fn ready(&self, within: Duration) -> Result<u32, ManagedError> {
        let mut state = self.watch();
        let ready = timeout(within, state.wait_for(|state| matches!(state, GethState::Ready { .. }))).await;
        match ready.as_ref().map(|state| state.as_deref()) {
            Ok(Ok(GethState::Ready { pid })) => Ok(*pid),
            _ => {
                let said = format!("{:?}", self.state());
                Err(ManagedError::Late { what: "answer", seconds: within.as_secs(), said })
            }
        }
    }

    /// Stops Geth in order and ends the [run](Self::run); returns when it has ended. Without a run there is
    /// nothing to stop.
    pub async fn stop(&self) {
        let mut state = self.watch();
        if *state.borrow_and_update() != GethState::Stopped && self.orders.send(Order::Stop).await.is_ok() {
            // The handle holds the sender: waiting cannot fail.
            let _ = state.wait_for(|state| *state == GethState::Stopped).await;
        }
    }

    /// Throws Geth's chain away and starts it at genesis; returns when it is ready.
    ///
    /// # Errors
    /// [`ManagedError::NotRunning`] where nobody runs it, or the run ended over it.
    pub async fn wipe_and_restart(&self) -> Result<(), ManagedError> {
        let (done, ready) = oneshot::channel();
        if self.state() == GethState::Stopped || self.orders.send(Order::Wipe(done)).await.is_err() {
            return Err(ManagedError::NotRunning);
        }
        ready.await.map_err(|_| ManagedError::NotRunning)
    }
}

impl ManagedProcess for ManagedGeth {
    fn wipe_and_restart(&self) -> Pin<Box<dyn Future<Output = Result<(), WipeError>> + Send + '_>> {
        Box::pin(async {
            self.wipe_and_restart().await.map_err(|error| WipeError::Failed(error.to_string()))
        })
    }
}
