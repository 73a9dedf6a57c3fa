//! The public blockchain tests: valid blocks imported, invalid ones refused with the right reason.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use alloy_eips::eip7840::BlobParams;
use alloy_genesis::Genesis;
use alloy_primitives::{Address, B256, Bytes, U256};
use alys_database::{MemoryDatabase, MemoryDisk};
use alys_engine::execute::decode_block;
use alys_engine::{
    BlockId, EmbeddedEngine, EngineLimits, ForkSchedule, Forkchoice, GenesisBlock, ImportError,
    InvalidPayload, Rules,
};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    network: String,
    genesis_block_header: Value,
    pre: BTreeMap<Address, Account>,
    post_state: Option<BTreeMap<Address, Account>>,
    lastblockhash: B256,
    blocks: Vec<TestBlock>,
}

#[derive(Deserialize, Clone)]
struct Account {
    balance: U256,
    nonce: U256,
    code: Bytes,
    storage: BTreeMap<U256, U256>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TestBlock {
    rlp: Bytes,
    expect_exception: Option<String>,
}

/// Where the vectors are, or the reason why they are not there.
pub(crate) fn folder(name: &str) -> Result<PathBuf, String> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors");
    let root = std::env::var("ALYS_VECTORS").unwrap_or_else(|_| default.into());
    let folder = Path::new(&root).join(name);
    if folder.is_dir() {
        return Ok(folder);
    }
    let reason = format!("no vectors at {} (set ALYS_VECTORS)", folder.display());
    assert!(std::env::var_os("CI").is_none(), "{reason}");
    Err(reason)
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
}

fn forks(network: &str) -> Option<ForkSchedule> {
    let blobs = BlobParams::cancun();
    match network {
        "Shanghai" => Some(ForkSchedule { cancun: None, prague: None, blobs }),
        "ShanghaiToCancunAtTime15k" => Some(ForkSchedule { cancun: Some(15_000), prague: None, blobs }),
        "Cancun" => Some(ForkSchedule { cancun: Some(0), prague: None, blobs }),
        "Prague" => Some(ForkSchedule { cancun: Some(0), prague: Some(0), blobs: BlobParams::prague() }),
        _ => None,
    }
}

fn genesis(case: &Case) -> Genesis {
    let header = &case.genesis_block_header;
    let mut json = serde_json::json!({ "config": { "chainId": 1 }, "alloc": {} });
    for (ours, theirs) in [
        ("nonce", "nonce"),
        ("timestamp", "timestamp"),
        ("extraData", "extraData"),
        ("gasLimit", "gasLimit"),
        ("difficulty", "difficulty"),
        ("mixHash", "mixHash"),
        ("coinbase", "coinbase"),
        ("baseFeePerGas", "baseFeePerGas"),
        ("excessBlobGas", "excessBlobGas"),
        ("blobGasUsed", "blobGasUsed"),
    ] {
        if let Some(value) = header.get(theirs) {
            json[ours] = value.clone();
        }
    }
    let mut genesis: Genesis = serde_json::from_value(json).unwrap();
    for (address, account) in &case.pre {
        let slots = account.storage.iter().map(|(slot, value)| (B256::from(*slot), B256::from(*value)));
        let entry = alloy_genesis::GenesisAccount::default()
            .with_balance(account.balance)
            .with_nonce(Some(account.nonce.to()))
            .with_code(Some(account.code.clone()))
            .with_storage(Some(slots.collect()));
        genesis.alloc.insert(*address, entry);
    }
    genesis
}

/// Whether the reason we give is of the class that the vector names.
fn reason_fits(reason: &InvalidPayload, expected: &str) -> bool {
    expected.split('|').any(|class| match class {
        "TransactionException.INSUFFICIENT_ACCOUNT_FUNDS" => {
            matches!(reason, InvalidPayload::Transaction { reason, .. } if reason.contains("lack of funds"))
        }
        "BlockException.INVALID_WITHDRAWALS_ROOT" => {
            matches!(reason, InvalidPayload::WithdrawalsRoot { .. })
        }
        "BlockException.RLP_WITHDRAWALS_NOT_READ" => {
            matches!(reason, InvalidPayload::Undecodable(_) | InvalidPayload::ForkField("withdrawals_root"))
        }
        "BlockException.RLP_STRUCTURES_ENCODING"
        | "BlockException.RLP_INVALID_ADDRESS"
        | "BlockException.RLP_INVALID_FIELD_OVERFLOW_64" => {
            matches!(reason, InvalidPayload::Undecodable(_))
        }
        other => panic!("a class of refusal that this test does not know: {other}"),
    })
}

#[derive(Default)]
struct Counts {
    cases: usize,
    imported: usize,
    refused: BTreeMap<String, usize>,
    skipped: Vec<String>,
}

fn run(name: &str, case: &Case, counts: &mut Counts) {
    let Some(forks) = forks(&case.network) else {
        counts.skipped.push(format!("{name}: network {}", case.network));
        return;
    };
    counts.cases += 1;
    let rules = Rules { chain_id: 1, forks, gas_limit: None, deposit_contract: Address::ZERO };
    let genesis = GenesisBlock::new(&genesis(case), &rules).unwrap();
    let expected: B256 = serde_json::from_value(case.genesis_block_header["hash"].clone()).unwrap();
    assert_eq!(genesis.hash(), expected, "{name}: genesis");
    let database = MemoryDisk::new().open().unwrap();
    let mut engine = EmbeddedEngine::open(database, &genesis, rules, EngineLimits::default()).unwrap();
    for block in &case.blocks {
        match (import(&mut engine, &block.rlp), &block.expect_exception) {
            (Ok(()), None) => counts.imported += 1,
            (Err(ImportError::Invalid(reason)), Some(expected)) => {
                assert!(reason_fits(&reason, expected), "{name}: refused for {reason}, expected {expected}");
                let line = format!("{expected}: {}", reason.to_string().replace(char::is_numeric, "#"));
                *counts.refused.entry(line.chars().take(140).collect()).or_default() += 1;
            }
            (Ok(()), Some(expected)) => panic!("{name}: imported, expected {expected}"),
            (Err(error), _) => panic!("{name}: {error}"),
        }
    }
    let head = engine.head();
    assert_eq!(head.hash, case.lastblockhash, "{name}: last block");
    if let Some(post) = &case.post_state {
        compare(name, &engine, post);
    }
}

fn import(engine: &mut EmbeddedEngine<MemoryDatabase>, rlp: &[u8]) -> Result<(), ImportError> {
    let block = decode_block(rlp)?;
    let hash = engine.import_block(block)?.block.hash;
    // Every second block becomes final, so that states in memory and on disk are both used.
    let number = engine.reads().block(BlockId::Hash(hash))?.unwrap().header.number;
    let safe = if number.is_multiple_of(2) { hash } else { B256::ZERO };
    engine.forkchoice(Forkchoice { head: hash, safe, finalized: B256::ZERO }).unwrap();
    Ok(())
}

fn compare(name: &str, engine: &EmbeddedEngine<MemoryDatabase>, post: &BTreeMap<Address, Account>) {
    let state = engine.reads().state(BlockId::Head).unwrap();
    for (address, expected) in post {
        let account = state.account(*address).unwrap().unwrap_or_else(|| panic!("{name}: {address}"));
        assert_eq!(account.balance, expected.balance, "{name}: balance of {address}");
        assert_eq!(U256::from(account.nonce), expected.nonce, "{name}: nonce of {address}");
        assert_eq!(state.code(*address).unwrap(), expected.code, "{name}: code of {address}");
        for (slot, value) in &expected.storage {
            assert_eq!(state.storage(*address, *slot).unwrap(), *value, "{name}: {address} {slot}");
        }
    }
}

#[test]
fn the_public_blockchain_tests_pass() {
    let folder = match folder("ethereum-tests/BlockchainTests") {
        Ok(folder) => folder,
        Err(reason) => return println!("skipped: {reason}"),
    };
    let mut counts = Counts::default();
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let cases: BTreeMap<String, Case> = serde_json::from_str(&text).unwrap();
        for (name, case) in &cases {
            run(name, case, &mut counts);
        }
    }
    let refused: usize = counts.refused.values().sum();
    println!("{} cases, {} blocks imported, {refused} refused", counts.cases, counts.imported);
    for (reason, count) in &counts.refused {
        println!("  refused {count}: {reason}");
    }
    for skipped in &counts.skipped {
        println!("  skipped {skipped}");
    }
    assert!(counts.cases > 0, "the folder has no cases");
    assert!(counts.imported > 0, "no valid block was imported");
    assert!(refused > 0, "no invalid block was refused");
}
