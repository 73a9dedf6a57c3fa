//! An execution client of somebody else's, driven through the Engine API.

use std::sync::Arc;
use std::time::Duration;

use alloy_genesis::Genesis;
use alloy_primitives::{B256, Bytes};
use alloy_rpc_types_engine::PayloadAttributes;
use alys_bus::Clock;
use alys_engine_api::{
    ApiError, EngineApi, Forkchoice, JwtKey, Status, Timeouts, Transport, TransportConfig,
};
use alys_peers::launch;
use eyre::{OptionExt, WrapErr, ensure};
use tempfile::TempDir;

use crate::generate::Attributes;
use crate::genesis::{CHAIN_ID, GAS_LIMIT};
use crate::sealed::{Sealed, Verdict};

/// How long a client gets to fill a payload. It begins with an empty one, tells nobody when it has a
/// better, and stops when it is asked for it: so the only way is to wait.
const BUILDING: Duration = Duration::from_millis(250);

/// How often a client that is busy is asked again, and after how long.
const BUSY: u32 = 600;
const PAUSE: Duration = Duration::from_millis(50);

/// Times the timeouts of the Engine API: the machine is busy with several clients.
const PATIENCE: f64 = 8.0;

/// EthereumJS's name.
const ETHEREUMJS: &str = "ethereumjs";

/// JSON-RPC's code for parameters that cannot be read.
const INVALID_PARAMS: i64 = -32602;

/// A running client, which ends with this.
#[derive(Debug)]
pub struct Client {
    name: &'static str,
    api: EngineApi,
    process: launch::Client,
    folder: TempDir,
}

impl Client {
    /// Starts Geth on a chain of its own.
    ///
    /// # Errors
    /// Where it is not there or does not come up.
    pub fn geth(genesis: &Genesis) -> eyre::Result<Self> {
        let folder = TempDir::new()?;
        let file = serde_json::to_string(genesis)?;
        let geth = launch::Geth::new(alys_peers::geth()?, folder.path(), &file, CHAIN_ID, GAS_LIMIT);
        Self::connect("geth", geth.start()?, folder)
    }

    /// Starts EthereumJS on a chain of its own.
    ///
    /// # Errors
    /// Where it is not there or does not come up.
    pub fn ethereumjs(genesis: &Genesis) -> eyre::Result<Self> {
        let folder = TempDir::new()?;
        let file = serde_json::to_string(genesis)?;
        let client = launch::EthereumJs::new(alys_peers::ethereumjs()?, folder.path(), &file);
        Self::connect(ETHEREUMJS, client.start()?, folder)
    }

    fn connect(name: &'static str, process: launch::Client, folder: TempDir) -> eyre::Result<Self> {
        let key = JwtKey::read(&process.jwt())?;
        let clock = Clock::system();
        let now = Arc::new(move || clock.now_ms() / 1000);
        let engine = Transport::new(TransportConfig::engine(process.engine_url(), key, now))?;
        let public = Transport::new(TransportConfig::public(process.public_url()))?;
        let api = EngineApi::new(engine).with_public(public).with_timeouts(Timeouts::times(PATIENCE));
        Ok(Self { name, api, process, folder })
    }

    /// The client's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Fails unless the client's block 0 is `hash`.
    ///
    /// # Errors
    /// Where it is another, or the client does not answer.
    pub async fn check_genesis(&self, hash: B256) -> eyre::Result<()> {
        let found = self.api.identity().await?.genesis;
        ensure!(found == hash, "{}'s genesis is {found}, the embedded engine's {hash}", self.name);
        Ok(())
    }

    /// Has it judge a payload, as often as it says that it is busy: EthereumJS answers SYNCING to whatever
    /// comes while it still executes what went before.
    ///
    /// # Errors
    /// Where it gives no verdict.
    pub async fn judge(&self, block: &Sealed) -> eyre::Result<Verdict> {
        for _ in 0..BUSY {
            match self.judge_once(block).await? {
                Verdict::Unknown => tokio::time::sleep(PAUSE).await,
                verdict => return Ok(verdict),
            }
        }
        Ok(Verdict::Unknown)
    }

    async fn judge_once(&self, block: &Sealed) -> eyre::Result<Verdict> {
        let answer =
            self.api.new_payload(&block.payload, block.parent_beacon_block_root, &block.requests).await;
        let status = match answer {
            Ok(status) => status,
            // What EthereumJS cannot even read it does not take: too much extra data, for one. Geth has to say INVALID.
            Err(ApiError::Rpc { error, .. }) if self.name == ETHEREUMJS && error.code == INVALID_PARAMS => {
                return Ok(Verdict::Invalid(format!("not read: {}", error.message)));
            }
            Err(error) => return Err(error).wrap_err_with(|| self.context("newPayload")),
        };
        match status.status {
            Status::Valid => {
                let valid = status.latest_valid_hash;
                ensure!(
                    valid == Some(block.hash()),
                    "{}: VALID, but its latest valid is {valid:?}",
                    self.name
                );
                Ok(Verdict::Valid)
            }
            Status::Invalid | Status::InvalidBlockHash => Ok(Verdict::Invalid(status.reason())),
            Status::Syncing | Status::Accepted => Ok(Verdict::Unknown),
        }
    }

    /// Makes `head` its head, and reads it back.
    ///
    /// # Errors
    /// Where it follows another block afterwards.
    pub async fn set_head(&self, head: B256) -> eyre::Result<()> {
        let choice = Forkchoice { head, ..Forkchoice::default() };
        let answer = self.api.forkchoice_updated(choice, None).await;
        let status = answer.wrap_err_with(|| self.context("forkchoiceUpdated"))?.payload_status;
        ensure!(
            status.status == Status::Valid,
            "{}: head {head} is {:?}: {}",
            self.name,
            status.status,
            status.reason()
        );
        let found = self.api.head().await.wrap_err_with(|| self.context("reading the head"))?.hash;
        ensure!(found == head, "{} answers VALID to head {head} and follows {found}", self.name);
        Ok(())
    }

    /// Puts a transaction into its pool. False where the pool refuses it.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn submit(&self, transaction: &Bytes) -> eyre::Result<bool> {
        let answer =
            self.api.eth::<B256>("eth_sendRawTransaction", &[transaction], Duration::from_secs(10)).await;
        match answer {
            Ok(_) => Ok(true),
            Err(ApiError::Rpc { .. }) => Ok(false),
            Err(error) => Err(error).wrap_err_with(|| self.context("sendRawTransaction")),
        }
    }

    /// Has it build a block on its head from its pool.
    ///
    /// # Errors
    /// Where it begins none or hands none out.
    pub async fn build(&self, head: B256, attributes: &Attributes) -> eyre::Result<Sealed> {
        let choice = Forkchoice { head, ..Forkchoice::default() };
        let root = attributes.parent_beacon_block_root;
        let asked = PayloadAttributes {
            timestamp: attributes.timestamp,
            prev_randao: attributes.prev_randao,
            suggested_fee_recipient: attributes.fee_recipient,
            withdrawals: Some(attributes.withdrawals.clone()),
            parent_beacon_block_root: Some(root),
            ..PayloadAttributes::default()
        };
        let answer = self.api.forkchoice_updated(choice, Some(&asked)).await;
        let id = answer.wrap_err_with(|| self.context("forkchoiceUpdated with attributes"))?.payload_id;
        let id = id.ok_or_eyre("it began no payload").wrap_err_with(|| self.context("building"))?;
        tokio::time::sleep(BUILDING).await;
        let built = self.api.get_payload(id, attributes.timestamp).await;
        let built = built.wrap_err_with(|| self.context("getPayload"))?;
        Ok(Sealed { payload: built.payload, parent_beacon_block_root: root, requests: built.requests })
    }

    /// What failed, and the end of what the client printed.
    fn context(&self, what: &str) -> String {
        let output = std::fs::read_to_string(self.process.output()).unwrap_or_default();
        let lines: Vec<_> = output.lines().rev().take(12).collect();
        let last = lines.into_iter().rev().collect::<Vec<_>>().join("\n");
        format!("{} ({}): {what}; it printed last:\n{last}", self.name, self.folder.path().display())
    }
}
