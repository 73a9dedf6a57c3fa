//! The game: chains of random blocks, each block judged by all.

use std::collections::BTreeMap;
use std::time::Duration;

use alloy_eips::Encodable2718;
use alloy_genesis::Genesis;
use alloy_primitives::{B256, Bytes};
use alys_bus::Clock;
use alys_engine::{BuiltPayload, GenesisBlock, LeftOut};
use eyre::{WrapErr, bail, ensure};
use rand::Rng;

use crate::client::Client;
use crate::embedded::Embedded;
use crate::generate::{Generator, Planned, Profile};
use crate::mutate::{Forgery, forgeries};
use crate::report::{Judged, Report};
use crate::sealed::{Sealed, Verdict};
use crate::specs::Specs;
use crate::{genesis, record};

/// How far back side branches begin, at most.
const DEEPEST_BRANCH: u64 = 6;

/// Blocks on genesis have no rivals, true or forged: EthereumJS 0.10.5 finds no way from a second child of
/// genesis to the block that it executed last, and answers SYNCING for good.
const LOWEST: u64 = 1;

/// Who judges besides the embedded engine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Peers {
    /// Geth.
    pub geth: bool,
    /// EthereumJS.
    pub ethereumjs: bool,
    /// The execution specs.
    pub specs: bool,
}

/// A run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// The first chain's seed; the next one has the next number.
    pub seed: u64,
    /// Blocks in all.
    pub blocks: u64,
    /// Blocks of one chain. A new one starts from genesis, with new clients.
    pub chain: u64,
    /// Who judges.
    pub peers: Peers,
    /// What blocks are like.
    pub profile: Profile,
    /// The share of blocks that begin a side branch.
    pub branches: f64,
    /// The share of blocks after which wrong ones are tried.
    pub forgeries: f64,
    /// The share of blocks that clients build, from transactions that are sent to them.
    pub building: f64,
}

impl Options {
    /// A run of `blocks` blocks with everything in it but blocks that others build, which no seed can
    /// give again: what is in their pools in time is theirs.
    #[must_use]
    pub fn new(seed: u64, blocks: u64, peers: Peers) -> Self {
        let profile = if peers.specs { Profile::SLOW } else { Profile::FULL };
        Self { seed, blocks, chain: 100, peers, profile, branches: 0.1, forgeries: 0.2, building: 0.0 }
    }
}

/// Plays all chains of a run.
///
/// # Errors
/// The first disagreement, with the command that shows it again; or a referee that fails.
pub async fn play(options: &Options) -> eyre::Result<Report> {
    let mut report = Report::default();
    let mut seed = options.seed;
    while report.blocks < options.blocks {
        let blocks = options.chain.min(options.blocks - report.blocks);
        let mut chain = Chain::start(options, seed).await?;
        if let Err(error) = chain.play(blocks).await {
            let command = options.command(seed, chain.report.blocks + 1);
            let file = record::keep(seed, &chain.blocks);
            return Err(error.wrap_err(format!("play it again: {command}\nits blocks: {file}")));
        }
        report.add(chain.finish()?);
        seed += 1;
    }
    Ok(report)
}

/// One chain in play.
struct Chain<'a> {
    options: &'a Options,
    clock: Clock,
    generator: Generator,
    embedded: Embedded,
    clients: Vec<Client>,
    specs: Option<Specs>,
    report: Report,
    /// Every block so far, for whoever looks at a disagreement.
    blocks: Vec<Sealed>,
}

impl<'a> Chain<'a> {
    async fn start(options: &'a Options, seed: u64) -> eyre::Result<Self> {
        let genesis = genesis::genesis(&genesis::keys()?);
        let block = genesis::block(&genesis)?;
        let (clients, specs) = referees(options.peers, &genesis, &block).await?;
        Ok(Self {
            options,
            clock: Clock::system(),
            generator: Generator::new(seed, options.profile)?,
            embedded: Embedded::new(&block)?,
            clients,
            specs,
            report: Report { chains: 1, ..Report::default() },
            blocks: Vec::new(),
        })
    }

    async fn play(&mut self, blocks: u64) -> eyre::Result<()> {
        for _ in 0..blocks {
            let theirs = !self.clients.is_empty() && self.generator.rng().random_bool(self.options.building);
            let block = if theirs { self.block_of_theirs().await? } else { self.block_of_ours().await? };
            self.embedded.set_head(block.hash())?;
            for client in &self.clients {
                client.set_head(block.hash()).await?;
            }
            self.report.blocks += 1;
            let forge = self.generator.rng().random_bool(self.options.forgeries);
            if forge && block.number() > LOWEST {
                self.forge(&block).await?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> eyre::Result<Report> {
        if let Some(specs) = &mut self.specs {
            self.report.coverage = specs.coverage()?;
        }
        Ok(self.report)
    }

    /// The embedded engine builds, on the head or on a block below it.
    async fn block_of_ours(&mut self) -> eyre::Result<Sealed> {
        let head = self.embedded.head();
        let mut parent = head;
        if self.generator.rng().random_bool(self.options.branches) {
            let steps = self.generator.rng().random_range(1..=DEEPEST_BRANCH);
            parent = self.embedded.ancestor(head, steps, LOWEST)?;
        }
        self.report.side_branches += u64::from(parent != head);
        let attributes = self.generator.attributes(self.embedded.header(parent)?.timestamp);
        let planned = self.plan(parent)?;
        let (built, sealed, left_out) = self.embedded.build(parent, &attributes, &planned)?;
        self.count(&built, &planned, &left_out);
        self.blocks.push(sealed.clone());
        self.all_say(&sealed, "valid", &[], |verdict| *verdict == Verdict::Valid).await?;
        Ok(sealed)
    }

    /// One of the clients builds on the head, from transactions that it is sent.
    async fn block_of_theirs(&mut self) -> eyre::Result<Sealed> {
        let head = self.embedded.head();
        let attributes = self.generator.attributes(self.embedded.header(head)?.timestamp);
        let planned = self.plan(head)?;
        let at = self.generator.rng().random_range(0..self.clients.len());
        let client = &self.clients[at];
        for planned in &planned {
            client.submit(&Bytes::from(planned.transaction.inner().encoded_2718())).await?;
        }
        let sealed = client.build(head, &attributes).await?;
        let name = client.name();
        self.blocks.push(sealed.clone());
        let verdict = self.embedded.import(&sealed)?;
        ensure!(
            verdict == Verdict::Valid,
            "{name} built block {}, the embedded engine says {verdict}",
            sealed.number()
        );
        let judged = self.report.referees.entry(name).or_default();
        judged.built += 1;
        judged.transactions += sealed.payload.payload_inner.payload_inner.transactions.len() as u64;
        self.all_say(&sealed, "valid", &[], |verdict| *verdict == Verdict::Valid).await?;
        Ok(sealed)
    }

    /// Transactions for a block on `parent`.
    fn plan(&mut self, parent: B256) -> eyre::Result<Vec<Planned>> {
        let (state, embedded) = (self.embedded.state(parent)?, &self.embedded);
        let base_fee = embedded.next_base_fee(parent)?;
        self.generator.transactions(base_fee, &|address| embedded.nonce(&state, address))
    }

    /// Tries wrong versions of a block.
    async fn forge(&mut self, block: &Sealed) -> eyre::Result<()> {
        let parent = block.payload.payload_inner.payload_inner.parent_hash;
        let mut all = forgeries(block, self.embedded.header(parent)?.timestamp)?;
        for _ in 0..3 {
            let at = self.generator.rng().random_range(0..all.len());
            let Forgery { name, block, spared } = all.swap_remove(at);
            let ours = self.embedded.judge(&block)?;
            ensure!(matches!(ours, Verdict::Invalid(_)), "{name}: the embedded engine says {ours}");
            self.all_say(&block, name, spared, |verdict| matches!(verdict, Verdict::Invalid(_))).await?;
            *self.report.forgeries.entry(name).or_default() += 1;
        }
        Ok(())
    }

    /// Has everybody who is not spared judge a block; all verdicts must be as `expected`.
    async fn all_say(
        &mut self,
        block: &Sealed,
        what: &str,
        spared: &[&str],
        expected: impl Fn(&Verdict) -> bool,
    ) -> eyre::Result<()> {
        let mut verdicts: Vec<(&'static str, Verdict, Duration)> = Vec::new();
        // The specs compute while the others do.
        let started = self.clock.now();
        let mut specs = self.specs.as_mut().filter(|_| !spared.contains(&"t8n"));
        if let Some(specs) = &mut specs {
            specs.hand(block)?;
        }
        for client in self.clients.iter().filter(|client| !spared.contains(&client.name())) {
            let started = self.clock.now();
            let verdict = client.judge(block).await?;
            verdicts.push((client.name(), verdict, self.clock.now() - started));
        }
        if let Some(specs) = &mut specs {
            verdicts.push(("t8n", specs.verdict()?, self.clock.now() - started));
        }
        for (name, verdict, time) in verdicts {
            let (number, hash) = (block.number(), block.hash());
            if !expected(&verdict) {
                bail!("{name} disagrees on block {number}, {hash} ({what}): {verdict}");
            }
            let judged: &mut Judged = self.report.referees.entry(name).or_default();
            judged.time += time;
            match verdict {
                Verdict::Valid => judged.valid += 1,
                _ => judged.invalid += 1,
            }
        }
        Ok(())
    }

    fn count(&mut self, built: &BuiltPayload, planned: &[Planned], left_out: &BTreeMap<B256, LeftOut>) {
        let (block, report) = (built.block(), &mut self.report);
        report.gas += block.header.gas_used;
        report.withdrawals += block.withdrawals.len() as u64;
        report.most_withdrawals = report.most_withdrawals.max(block.withdrawals.len());
        report.with_requests += u64::from(!block.requests.is_empty());
        let mut results = BTreeMap::new();
        for (tx, receipt) in block.transactions.iter().zip(&block.receipts) {
            results.insert(*tx.inner().tx_hash(), receipt.success);
            report.logs += receipt.logs.len() as u64;
            *report.types.entry(receipt.tx_type.into()).or_default() += 1;
        }
        for Planned { kind, transaction } in planned {
            let outcomes = report.kinds.entry(*kind).or_default();
            let hash = transaction.tx_hash();
            match results.get(hash) {
                Some(true) => outcomes.succeeded += 1,
                Some(false) => outcomes.failed += 1,
                None => outcomes.left_out += u64::from(left_out.contains_key(hash)),
            }
        }
    }
}

/// Starts those who judge, and compares their genesis with ours.
///
/// # Errors
/// Where one is not there, does not start, or begins with another block.
pub async fn referees(
    peers: Peers,
    genesis: &Genesis,
    block: &GenesisBlock,
) -> eyre::Result<(Vec<Client>, Option<Specs>)> {
    let mut clients = Vec::new();
    if peers.geth {
        clients.push(Client::geth(genesis)?);
    }
    if peers.ethereumjs {
        clients.push(Client::ethereumjs(genesis)?);
    }
    for client in &clients {
        client.check_genesis(block.hash()).await?;
    }
    let specs = match peers.specs {
        true => {
            let python = crate::specs::python_of(&alys_peers::t8n()?)?;
            Some(Specs::start(&python, genesis, block).wrap_err("the execution specs")?)
        }
        false => None,
    };
    Ok((clients, specs))
}
