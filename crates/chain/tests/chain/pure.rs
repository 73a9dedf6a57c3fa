//! The rules of validity read the chain and nothing else, and what durable stores forget is made good: the
//! named failures that are told by their absence.

use std::{fs, path::Path, sync::Arc};

use alys_chain::core::Gossip;
use alys_primitives::{B256, SignedProposal, VoteKind};

use crate::support::{Factory, FakeEngine, Solo};

/// The code of all files that decide about validity: `(place, line)`, comments and tests left out.
fn rules() -> Vec<(String, String)> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = vec![
        crates.join("chain/src/core/rules.rs"),
        crates.join("chain/src/core/evidence.rs"),
        crates.join("chain/src/checks.rs"),
    ];
    let mut folders = vec![crates.join("primitives/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    let mut lines = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let tests_are_inline = text.contains("#[cfg(test)]\nmod tests {");
        let product = text.lines().take_while(|line| !(tests_are_inline && *line == "#[cfg(test)]"));
        lines.extend(product.enumerate().map(|(at, line)| {
            let code = line.split("//").next().unwrap_or_default().to_owned();
            (format!("{}:{}", file.display(), at + 1), code)
        }));
    }
    assert!(lines.len() > 1500, "the sources were found");
    lines
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

fn naming(banned: &[&str]) -> Vec<String> {
    let is_banned = |code: &str| words(code).any(|word| banned.contains(&word));
    let found = rules().into_iter().filter(|(_, code)| is_banned(code));
    found.map(|(place, code)| format!("{place}: {}", code.trim())).collect()
}

/// `clock-in-consensus`: time is an argument of slot arithmetic and of nothing else.
#[test]
fn clock_in_consensus_no_rule_of_validity_can_read_a_clock() {
    assert_eq!(naming(&["Clock", "SystemTime", "Instant", "now", "now_ms", "elapsed"]), [""; 0]);
}

/// `validity-reads-finality`: two honest nodes may differ in what is final and where their clients stand.
#[test]
fn validity_reads_finality_no_rule_of_validity_can_read_finality_or_a_head() {
    let banned =
        ["finalized", "is_final", "finality", "latest", "EngineHead", "Forkchoice", "HeadUpdate", "Tree"];
    assert_eq!(naming(&banned), [""; 0]);
}

/// Whether a line compares something called a height with a number other than genesis' 0.
fn compares_a_height_with_a_number(code: &str) -> bool {
    let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit()) && word != "0";
    let operators = ["==", "!=", ">=", "<=", " < ", " > ", ".min(", ".max(", "contains(&", "=> "];
    let is_height = |word: &str| word == "height" || word.ends_with("_height") || word == "block_number";
    let compared = operators.iter().any(|operator| code.contains(operator));
    compared && words(code).any(is_height) && words(code).any(is_number)
}

/// `escape-heights`: what comes into force later does so at a height that the spec names.
#[test]
fn escape_heights_no_rule_compares_a_height_with_a_number_in_the_code() {
    for planted in
        ["if block.header.height >= 120_000 {", "(1..=7).contains(&height)", "height if height == 5 => {}"]
    {
        assert!(compares_a_height_with_a_number(planted), "{planted}");
    }
    assert!(!compares_a_height_with_a_number("(0, []) if parent.header.height == 0 => return Ok(()),"));
    let found: Vec<_> = rules().into_iter().filter(|(_, c)| compares_a_height_with_a_number(c)).collect();
    assert!(found.is_empty(), "{found:#?}");
}

/// A line of three blocks, slots 1 to 3, and one of slot 5 on it whose peg root is wrong.
fn a_line(factory: &mut Factory) -> (Vec<Arc<SignedProposal>>, Arc<SignedProposal>) {
    let mut parent = factory.genesis;
    let mut blocks = Vec::new();
    for slot in 1..=3 {
        let block = factory.block(parent, slot);
        parent = block.block.hash();
        blocks.push(block);
    }
    let mut wrong = factory.block(parent, 5).block.clone();
    wrong.header.peg_root = B256::repeat_byte(1);
    (blocks, Arc::new(factory.keys.propose(wrong)))
}

/// `clock-in-consensus`, `validity-reads-finality`: nodes that see the same blocks at other times, with
/// other blocks final and other heads, judge them alike.
#[test]
fn clock_in_consensus_and_validity_reads_finality_one_verdict_at_every_time_finality_and_head() {
    let mut verdicts = Vec::new();
    for (slot, into_ms) in [(5, 0), (5, 1_999), (6, 10), (60, 3), (900, 1_000)] {
        for finals in 0..=3 {
            let mut solo = Solo::follower(4);
            let (blocks, wrong) = a_line(&mut solo.factory);
            for block in &blocks[..finals] {
                solo.pass_to(block.block.header.slot, 10);
                solo.propose(block);
                solo.certify(VoteKind::Finalize, block);
            }
            assert_eq!(solo.disk.finalized.height, finals as u64);
            solo.pass_to(slot, into_ms);
            // What is old is fetched because it is certified, and judged as everything is.
            for block in blocks.iter().chain([&wrong]) {
                solo.certify(VoteKind::Notarize, block);
                solo.fetched(block);
            }
            let accepted = |block: &SignedProposal| solo.disk.changes.contains_key(&block.block.hash());
            let of_all: Vec<_> = blocks.iter().chain([&wrong]).map(|block| accepted(block)).collect();
            verdicts.push(((slot, into_ms, finals), of_all));
        }
    }
    for (when, of_all) in verdicts {
        assert_eq!(of_all, [true, true, true, false], "{when:?}");
    }
}

/// `three-stores`: the client commits apart from storage, so a crash between the two leaves it behind, or
/// ahead. Storage is the truth; the start brings the client to it, and nobody repairs anything by hand.
#[test]
fn three_stores_a_client_left_behind_or_ahead_by_a_crash_is_at_storages_head_after_the_start() {
    for executed in 0..=4_usize {
        let mut solo = Solo::new(4, 3);
        let genesis_payload = solo.factory.spec.genesis().block.header.payload_hash;
        let mut parent = solo.factory.genesis;
        let mut blocks = Vec::new();
        for slot in [1, 2, 4, 5] {
            let block = solo.factory.block(parent, slot);
            parent = block.block.hash();
            blocks.push(block);
        }
        for block in &blocks[..3] {
            solo.pass_to(block.block.header.slot, 10);
            solo.propose(block);
            solo.certify(VoteKind::Finalize, block);
        }
        let before = solo.disk.clone();
        assert_eq!(before.head.height, 3);
        // The client has committed this many blocks: fewer than storage's head, as many, or one more.
        let mut client = FakeEngine::new(genesis_payload, 1 << 40);
        for block in &blocks[..executed] {
            client.judge(&block.block);
            let head = block.block.header.payload_hash;
            client.follow(alys_bus::protocol::engine::Forkchoice { head, ..Default::default() });
        }
        solo.engine = client;
        let mut solo = solo.restarted();
        solo.pass_to(5, 10);
        let head = before.head;
        assert_eq!(solo.engine.head.hash, blocks[2].block.header.payload_hash, "{executed} were executed");
        assert_eq!((solo.disk.head, solo.disk.finalized), (head, before.finalized));
        assert_eq!(
            solo.disk.changes[&head.hash], before.changes[&head.hash],
            "the peg state moved with the head"
        );
        // And the chain goes on.
        solo.propose(&blocks[3]);
        assert!(solo.voted(VoteKind::Notarize, &blocks[3]), "{executed} were executed");
    }
}

/// `tip-race`: what the others do not accept (today a proof, later headers of a racing tip) costs one own
/// block and not the next.
#[test]
fn tip_race_after_an_own_block_with_optional_items_fails_the_next_one_goes_without() {
    let mut solo = Solo::new(4, 3);
    solo.builds = true;
    let genesis = solo.factory.genesis;
    let first = solo.factory.block(genesis, 1);
    let body = solo.factory.body(genesis);
    let rival = solo.factory.block_with(genesis, 1, body, 77);
    solo.pass_to(1, 10);
    solo.propose(&first);
    solo.propose(&rival);
    solo.certify(VoteKind::Notarize, &first);
    let mut carried = Vec::new();
    for slot in [3, 7, 11] {
        solo.pass_to(slot, 900);
        let own = solo.said.iter().rev().find_map(|gossip| match gossip {
            Gossip::Proposal(own) if own.block.header.slot == slot => Some(own.block.body.evidence.len()),
            _ => None,
        });
        carried.push(own);
    }
    assert_eq!(carried, [Some(1), Some(0), Some(1)], "nobody has notarized any of them");
}
