//! Reading from storage and federation what the core needs to begin; on the first start, writing
//! genesis.

use std::sync::Arc;

use alys_bus::{
    Address, AskError, Context, Reply,
    protocol::{
        federation::{FederationMessage, MemberSet},
        storage::{BlockChange, BlockQuery, BlockRef, ChainRecord, HeadUpdate, StorageMessage, StoredBlock},
    },
};
use alys_primitives::{ExecutionFacts, IdentitySignature, SignedProposal, spec::Genesis};

use crate::{
    actor::ChainArgs,
    core::{KeyVerifier, Start, Verifier, rules::EVIDENCE_WINDOW},
    error::{Refusal, StartError, outcome},
};

/// Blocks read at a time while looking for evidence.
const CHUNK: u32 = 32;

/// What the core is made of.
pub struct Loaded {
    pub(crate) own: Option<u8>,
    pub(crate) verifier: Arc<dyn Verifier>,
    pub(crate) start: Box<Start>,
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loaded").field("own", &self.own).finish_non_exhaustive()
    }
}

/// Asks a neighbour; its failure is this one's.
async fn ask<M: alys_bus::Protocol, T, E: Refusal + std::error::Error>(
    address: &Address<M>,
    args: &ChainArgs,
    make: impl FnOnce(Reply<T, E>) -> M,
) -> Result<T, StartError> {
    let ctx = Context::root(args.config.storage());
    let result: Result<T, AskError<E>> = address.ask(ctx, make).await;
    outcome(result).map_err(StartError::NotYet)
}

/// Loads all, with a deadline for each part.
pub(crate) async fn load(args: &ChainArgs) -> Result<Loaded, StartError> {
    let members: Box<MemberSet> =
        ask(&args.federation, args, |reply| FederationMessage::Members { reply }).await?;
    let verifier = KeyVerifier::new(args.spec.chain_id, members.identities, &members.group_key)?;
    let promises = ask(&args.storage, args, |reply| StorageMessage::LoadPromises { reply }).await?;
    let signed = promises.clone();
    ask(&args.federation, args, |reply| FederationMessage::RecallPromises { promises: signed, reply })
        .await?;

    let genesis = args.spec.genesis();
    let record = match load_chain(args).await? {
        Some(record) => record,
        None => first_start(args, &genesis).await?,
    };
    check_genesis(&record, &genesis)?;
    let root = block(args, BlockQuery::Hash(record.finalized.hash), "last final block").await?;
    let carriers = carriers(args, record.finalized).await?;
    let ChainRecord { head, peg, facts, finalization, notarization, pending, changes, .. } = *record;
    let start = Start {
        root: Arc::new(root.block.clone()),
        peg,
        facts,
        finalization,
        head,
        notarization,
        pending,
        changes,
        promises: *promises,
        carriers,
        genesis_payload: genesis.block.header.payload_hash,
        genesis: genesis.block.hash(),
    };
    Ok(Loaded { own: members.own, verifier: Arc::new(verifier), start: Box::new(start) })
}

async fn load_chain(args: &ChainArgs) -> Result<Option<Box<ChainRecord>>, StartError> {
    ask(&args.storage, args, |reply| StorageMessage::LoadChain { reply }).await
}

/// Genesis, which nobody signs, becomes head and final.
async fn first_start(args: &ChainArgs, genesis: &Genesis) -> Result<Box<ChainRecord>, StartError> {
    tracing::info!(chain = %args.spec.name, genesis = %genesis.block.hash(), "a new chain begins");
    let proposal = SignedProposal { block: genesis.block.clone(), signature: IdentitySignature::ZERO };
    let block = Arc::new(proposal);
    ask(&args.storage, args, |reply| StorageMessage::PersistBlock { block, reply }).await?;
    let hash = genesis.block.hash();
    let place = BlockRef { height: 0, slot: 0, hash };
    let change = BlockChange { block: hash, facts: ExecutionFacts::default(), peg: genesis.peg.clone() };
    let update = Box::new(HeadUpdate {
        head: place,
        finalized: place,
        changes: vec![change],
        finalization: None,
        notarization: None,
    });
    ask(&args.storage, args, |reply| StorageMessage::ApplyHead { update, reply }).await?;
    let record = load_chain(args).await?;
    record.ok_or_else(|| StartError::Missing("chain, though genesis was just written".to_owned()))
}

/// Another spec is another chain: its blocks are of no use here.
fn check_genesis(record: &ChainRecord, genesis: &Genesis) -> Result<(), StartError> {
    let (found, expected) = (record.genesis, genesis.block.hash());
    if found == expected { Ok(()) } else { Err(StartError::OtherChain { found, expected }) }
}

async fn block(args: &ChainArgs, query: BlockQuery, what: &str) -> Result<Arc<StoredBlock>, StartError> {
    let mut blocks = blocks(args, query).await?;
    blocks.pop().ok_or_else(|| StartError::Missing(what.to_owned()))
}

/// Blocks from storage, lowest first.
pub(crate) async fn blocks(args: &ChainArgs, query: BlockQuery) -> Result<Vec<Arc<StoredBlock>>, StartError> {
    ask(&args.storage, args, |reply| StorageMessage::RetrieveBlock { query, reply }).await
}

/// Final blocks with evidence that a new block must not prove again.
async fn carriers(args: &ChainArgs, last: BlockRef) -> Result<Vec<Arc<SignedProposal>>, StartError> {
    let mut carriers = Vec::new();
    let mut below = last.height.saturating_add(1);
    while below > 1 {
        let from = below.saturating_sub(u64::from(CHUNK)).max(1);
        let count = u32::try_from(below - from).unwrap_or(CHUNK);
        let blocks = blocks(args, BlockQuery::Range { from, count }).await?;
        let oldest = blocks.first().map(|block| block.block.block.header.slot);
        let with_evidence = blocks.iter().filter(|block| !block.block.block.body.evidence.is_empty());
        carriers.extend(with_evidence.map(|block| Arc::new(block.block.clone())));
        // Pruned blocks are older than anything that counts here.
        if oldest.is_none_or(|slot| slot.saturating_add(EVIDENCE_WINDOW) < last.slot) {
            break;
        }
        below = from;
    }
    Ok(carriers)
}
