//! The execution client: the embedded EVM behind the trait that an Engine API client shares.
//!
//! Two layers. Above, the [actor](EngineActor) answers [`EngineMessage`](messages::EngineMessage) by an
//! [`ExecutionClient`]; the [`EmbeddedClient`] gives the engine below its threads, keeps the
//! transaction [`pool`], builds from it and answers wallets.
//!
//! Below, a synchronous library: no runtime, no clock, no threads but those that recover a block's senders while its import
//! waits for them. It executes
//! Ethereum blocks under Prague rules without blobs ([`execute`]), keeps the state of every block in
//! reach ([`state`], [`trie`]), the blocks themselves and the canonical chain (`chain`), builds
//! payloads (`build`) and answers calls (`call`). [`EmbeddedEngine`] is its front for the one
//! owner that writes, [`ReadHandle`] for everybody who reads.
//!
//! **Durable.** The database is a cache that can be made again from the stored blocks. It holds one
//! block's state at a time, the *base*, and goes from one to the next in one batch with that block's
//! height and hash; so a crash between any two writes leaves height, hash and state of one block.
//! What lies above the base is in memory, and has to be imported again after a restart.
//!
//! **Failure.** A verdict about a block is an [`InvalidPayload`] and
//! nothing else is. Disk faults, unknown parents and states out of reach are errors that say
//! nothing about the block. Bytes from outside or from the disk never panic.
//!
//! The library alone, as a tool embeds it: a block that credits an account, followed and read.
//!
//! ```
//! use alloy_eips::eip4895::Withdrawal;
//! use alloy_genesis::Genesis;
//! use alloy_primitives::{Address, B256, U256};
//! use alys_database::MemoryDisk;
//! use alys_engine::{
//!     BlockId, BuildAttributes, EmbeddedEngine, EngineLimits, Forkchoice, GenesisBlock, Rules, system_contracts,
//! };
//!
//! let rules = Rules::alys(212_121, 30_000_000);
//! let genesis = Genesis { gas_limit: 30_000_000, alloc: system_contracts(), ..Genesis::default() };
//! let genesis = GenesisBlock::new(&genesis, &rules)?;
//! let database = MemoryDisk::new().open()?;
//! let mut engine = EmbeddedEngine::open(database, &genesis, rules, EngineLimits::default())?;
//!
//! let account = Address::repeat_byte(7);
//! let attributes = BuildAttributes {
//!     parent: engine.head().hash,
//!     timestamp: 2,
//!     prev_randao: B256::ZERO,
//!     fee_recipient: Address::ZERO,
//!     // In gwei.
//!     withdrawals: vec![Withdrawal { index: 0, validator_index: 2, address: account, amount: 5 }],
//!     parent_beacon_block_root: B256::ZERO,
//!     gas_limit: 30_000_000,
//!     max_bytes: 1 << 20,
//!     extra_data: Default::default(),
//! };
//! // No transactions, and nobody who would end the building early.
//! let built = engine.reads().build(attributes, &mut (), &mut || false)?;
//! let head = engine.adopt(&built)?.block.hash;
//! engine.forkchoice(Forkchoice { head, safe: head, finalized: B256::ZERO })?;
//!
//! let balance = engine.reads().state(BlockId::Head)?.account(account)?.map(|account| account.balance);
//! assert_eq!(balance, Some(U256::from(5_000_000_000_u64)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod actor;
mod build;
mod call;
mod chain;
mod client;
mod config;
mod embedded;
mod engine;
mod error;
pub mod execute;
mod facts;
mod genesis;
pub mod messages;
mod metrics;
pub mod pool;
mod query;
mod read;
mod remote;
pub mod state;
pub mod trie;

pub use actor::{EngineActor, EngineArgs, EngineState, spawn};
pub use build::{BuildAttributes, BuiltPayload, LeftOut, TransactionSource};
pub use call::{CallError, CallRequest, CallSuccess, Overrides, Touched};
pub use chain::{BlockRef, BlockSummary, ExecutedBlock, ImportError, PaidTip};
pub use client::ExecutionClient;
pub use config::{EngineLimits, ForkSchedule, Rules};
pub use embedded::{EmbeddedClient, EngineConfig, EngineConfigError, OPEN_WITHIN};
pub use engine::{EmbeddedEngine, Forkchoice, ForkchoiceError, Imported};
pub use error::StateError;
pub use execute::{ExecutionFacts, InvalidPayload, SenderCache};
pub use facts::{burns, cancellations};
pub use genesis::{GenesisBlock, system_contracts};
pub use read::{BlockId, ReadHandle};
pub use remote::{RemoteClient, RemoteConfig};
pub use state::StateView;
