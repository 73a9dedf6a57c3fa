//! The program's command line, and the line that plays a run again: each is the other's inverse.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::generate::Profile;
use crate::run::{Options, Peers};

/// Random blocks that the embedded engine and others must judge alike.
#[derive(Debug, Parser)]
#[command(name = "alys-referees")]
pub struct Cli {
    /// How many blocks, over all chains.
    #[arg(long, env = "ALYS_BLOCKS", default_value_t = 1_000)]
    blocks: u64,
    /// The first chain's seed; the next chain has the next number.
    #[arg(long, env = "ALYS_SEED", default_value_t = 1)]
    seed: u64,
    /// Who judges, besides the embedded engine.
    #[arg(long, value_delimiter = ',', default_value = "geth,ethereumjs,t8n")]
    peers: Vec<Peer>,
    /// How many blocks a chain has.
    #[arg(long, default_value_t = 100)]
    chain: u64,
    /// The share of blocks that clients build. With any, a seed alone does not give the same run again.
    #[arg(long, default_value_t = 0.0)]
    building: f64,
    /// What blocks are like; by default what the slowest referee bears.
    #[arg(long)]
    profile: Option<Likeness>,
    /// Judges the blocks that a failed run has written to this file, instead.
    #[arg(long)]
    pub replay: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Peer {
    Geth,
    Ethereumjs,
    T8n,
    None,
}

/// The names of the profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Likeness {
    /// Everything.
    Full,
    /// Few pairings, little gas: for the specs' Python.
    Slow,
    /// What pools take and builders include.
    Pools,
}

impl Likeness {
    const fn profile(self) -> Profile {
        match self {
            Self::Full => Profile::FULL,
            Self::Slow => Profile::SLOW,
            Self::Pools => Profile::POOLS,
        }
    }
}

impl Cli {
    /// Who judges.
    #[must_use]
    pub fn peers(&self) -> Peers {
        let plays = |peer| self.peers.contains(&peer);
        Peers { geth: plays(Peer::Geth), ethereumjs: plays(Peer::Ethereumjs), specs: plays(Peer::T8n) }
    }

    /// The run that is asked for.
    #[must_use]
    pub fn options(&self) -> Options {
        let mut options = Options::new(self.seed, self.blocks, self.peers());
        options.chain = self.chain;
        options.building = self.building;
        if self.building > 0.0 {
            options.profile = Profile::POOLS;
        }
        if let Some(named) = self.profile {
            options.profile = named.profile();
        }
        options
    }
}

impl Options {
    /// The command that plays a chain of this run again: everything that decides what is in its blocks stands in it.
    #[must_use]
    pub fn command(&self, seed: u64, blocks: u64) -> String {
        let Peers { geth, ethereumjs, specs } = self.peers;
        let mut peers: Vec<_> = [(Peer::Geth, geth), (Peer::Ethereumjs, ethereumjs), (Peer::T8n, specs)]
            .into_iter()
            .filter_map(|(peer, plays)| plays.then_some(peer))
            .collect();
        if peers.is_empty() {
            peers.push(Peer::None);
        }
        let likeness = Likeness::value_variants().iter().find(|named| named.profile() == self.profile);
        let mut command = format!(
            "cargo run -p alys-referees -- --seed {seed} --blocks {blocks} --chain {} --peers {}",
            self.chain,
            peers.into_iter().map(name).collect::<Vec<_>>().join(",")
        );
        if let Some(likeness) = likeness {
            command += &format!(" --profile {}", name(*likeness));
        }
        if self.building > 0.0 {
            command += &format!(" --building {}", self.building);
        }
        command
    }
}

/// What the command line calls a value.
fn name(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_command_is_read_as_the_very_options_that_printed_it() {
        for &likeness in Likeness::value_variants() {
            for bits in 0..8 {
                let peers = Peers { geth: bits & 1 > 0, ethereumjs: bits & 2 > 0, specs: bits & 4 > 0 };
                for (chain, building) in [(100, 0.0), (250, 0.5)] {
                    let options = Options {
                        chain,
                        building,
                        profile: likeness.profile(),
                        ..Options::new(9, 1_000, peers)
                    };
                    let command = options.command(42, 137);
                    let words = command.split_once(" -- ").unwrap().1.split(' ');
                    let read = Cli::try_parse_from(["alys-referees"].into_iter().chain(words)).unwrap();
                    assert_eq!(read.options(), Options { seed: 42, blocks: 137, ..options }, "{command}");
                }
            }
        }
    }
}
