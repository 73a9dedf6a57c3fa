//! Chains on disk: what a failed run leaves behind, to be played again without its generator.

use std::path::Path;

use alloy_primitives::{B256, Bytes};
use alloy_rpc_types_engine::ExecutionPayloadV3;
use serde::{Deserialize, Serialize};

use crate::embedded::Embedded;
use crate::genesis;
use crate::run::{Peers, referees};
use crate::sealed::Sealed;

#[derive(Debug, Serialize, Deserialize)]
struct Recorded {
    payload: ExecutionPayloadV3,
    parent_beacon_block_root: B256,
    requests: Vec<Bytes>,
}

/// Writes a chain's blocks into the folder for temporary files; where that is, or why not.
#[must_use]
pub fn keep(seed: u64, blocks: &[Sealed]) -> String {
    let recorded: Vec<_> = blocks
        .iter()
        .map(|block| Recorded {
            payload: block.payload.clone(),
            parent_beacon_block_root: block.parent_beacon_block_root,
            requests: block.requests.clone(),
        })
        .collect();
    let file = std::env::temp_dir().join(format!("alys-referees-{seed}.json"));
    let written = serde_json::to_vec_pretty(&recorded)
        .map_err(std::io::Error::from)
        .and_then(|json| std::fs::write(&file, json));
    match written {
        Ok(()) => format!("{} (play them by --replay)", file.display()),
        Err(error) => format!("not written: {error}"),
    }
}

/// Has the blocks of a file judged, one after another; a line each.
///
/// # Errors
/// Where the file cannot be read or a referee fails. A disagreement is none here: it is shown.
pub async fn replay(file: &Path, peers: Peers) -> eyre::Result<()> {
    let recorded: Vec<Recorded> = serde_json::from_slice(&std::fs::read(file)?)?;
    let genesis = genesis::genesis(&genesis::keys()?);
    let block = genesis::block(&genesis)?;
    let mut embedded = Embedded::new(&block)?;
    let (clients, mut specs) = referees(peers, &genesis, &block).await?;
    for Recorded { payload, parent_beacon_block_root, requests } in recorded {
        let block = Sealed { payload, parent_beacon_block_root, requests };
        let mut line =
            format!("block {} {}: embedded {}", block.number(), block.hash(), embedded.import(&block)?);
        for client in &clients {
            line += &format!(", {} {}", client.name(), client.judge(&block).await?);
            // It may not follow what it refused.
            let _ = client.set_head(block.hash()).await;
        }
        if let Some(specs) = &mut specs {
            specs.hand(&block)?;
            line += &format!(", t8n {}", specs.verdict()?);
        }
        println!("{line}");
        if embedded.set_head(block.hash()).is_err() {
            println!("the embedded engine does not follow");
        }
    }
    Ok(())
}
