//! `ledger verify`: reads everything, without actors: the store is a library too.

use std::process::ExitCode;

use alys_storage::{BlockQuery, MAX_RANGE, StorageConfig, StorageSetup};

use crate::page;

/// Prints every page, then what is damaged; succeeds where nothing is.
pub(crate) fn verify(config: StorageConfig) -> eyre::Result<ExitCode> {
    let store = StorageSetup::new(config)?.open_store()?;
    let mut from = 0;
    loop {
        let pages = store.retrieve(BlockQuery::Range { from, count: MAX_RANGE })?;
        for page in &pages {
            let header = &page.block.block.header;
            println!("page {} {} {}", header.height, header.hash(), page::text(&page.block)?);
        }
        if pages.is_empty() {
            break;
        }
        from += pages.len() as u64;
    }
    let report = store.check_integrity()?;
    for damage in &report.damage {
        println!("damage: {damage}");
    }
    println!("{from} pages, {} entries read", report.entries);
    Ok(if report.damage.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
