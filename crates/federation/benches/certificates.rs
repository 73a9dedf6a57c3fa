//! Certificates of 4, 15 and 31 members, against bare blst in the same run.
//!
//! `nice cargo bench -p alys-federation` prints, for one core, in interleaved rounds:
//!
//! - *certificate*: from `q` votes as they come in (96 bytes a share) to a certificate: decoding,
//!   combining, one check. By the collector, as the actor runs it.
//! - *with a liar*: the same with one false share in the first quorum and one vote more: the failed
//!   combination, a check of each share, and the combination of the rest.
//! - *q checks*: blst alone verifies `q` signatures one by one: what checking each share as it comes costs.
//! - *one aggregate*: blst alone adds `q` signatures and keys and verifies once: the least that a scheme
//!   with a list of signers could cost. Its signature needs that list; a threshold signature does not.
//!
//! Goals (F5): 31 members below 15 ms, with a liar below 60 ms.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a bench fails by panicking, and reads the clock"
)]

use std::{hint::black_box, time::Instant};

use alys_federation::{
    BlsThreshold, DevelopmentDealer,
    core::{Collector, Outcome, Window},
    scheme::{PreparedKeys, ThresholdScheme as _},
};
use alys_primitives::{B256, BlsSignature, Vote, VoteKind, bls::DST, vote::VoteData};
use blst::{BLST_ERROR, min_pk};

const ROUNDS: usize = 25;
const CHAIN_ID: u64 = 1;
const DATA: VoteData =
    VoteData { epoch: 0, kind: VoteKind::Finalize, slot: 1, height: 1, block: B256::repeat_byte(1) };

struct Setup {
    keys: PreparedKeys,
    members: usize,
    quorum: usize,
    honest: Vec<Vote>,
    liar: Vec<Vote>,
    member_keys: Vec<min_pk::PublicKey>,
}

impl Setup {
    fn of(members: usize) -> Self {
        let dealt = DevelopmentDealer::from_seed([1; 32]).deal(members).unwrap();
        let quorum = dealt.keys.quorum();
        let sign = |member: u8, root: B256| {
            let share = BlsThreshold.sign(&dealt.members[usize::from(member)].share, root).unwrap();
            Vote { data: DATA, member, share }
        };
        let root = DATA.signing_root(CHAIN_ID);
        let all = 0..u8::try_from(members).unwrap();
        let honest: Vec<_> = all.map(|member| sign(member, root)).collect();
        let mut liar = honest.clone();
        liar[quorum / 2] = sign(u8::try_from(quorum / 2).unwrap(), B256::ZERO);
        let decode = |key: &[u8]| min_pk::PublicKey::key_validate(key).unwrap();
        let member_keys = dealt.keys.members().iter().map(|key| decode(key.as_slice())).collect();
        let keys = BlsThreshold.prepare(&dealt.keys).unwrap();
        Self { keys, members, quorum, honest, liar, member_keys }
    }

    fn collector(&self) -> Collector<BlsThreshold> {
        let mut collector = Collector::new(BlsThreshold, CHAIN_ID, Window { behind: 8, ahead: 2 });
        collector.add_epoch(0, self.keys.clone(), self.members);
        collector
    }

    /// Milliseconds from the first of `votes` to the certificate.
    fn certificate(&self, votes: &[Vote], blamed: usize) -> f64 {
        let mut collector = self.collector();
        let started = Instant::now();
        let mut last = None;
        for vote in votes {
            last = Some(collector.add(1, vote).unwrap());
        }
        let took = milliseconds(started);
        match last.unwrap() {
            Outcome::Certified { blamed: liars, .. } => assert_eq!(liars.len(), blamed),
            other => unreachable!("no certificate: {other:?}"),
        }
        took
    }

    fn checks(&self) -> f64 {
        let root = DATA.signing_root(CHAIN_ID);
        let started = Instant::now();
        for (vote, key) in self.honest.iter().zip(&self.member_keys).take(self.quorum) {
            let signature = decode(&vote.share);
            let verified = signature.verify(false, root.as_slice(), DST, &[], key, false);
            assert_eq!(black_box(verified), BLST_ERROR::BLST_SUCCESS);
        }
        milliseconds(started)
    }

    fn aggregate(&self) -> f64 {
        let root = DATA.signing_root(CHAIN_ID);
        let started = Instant::now();
        let signatures: Vec<_> =
            self.honest.iter().take(self.quorum).map(|vote| decode(&vote.share)).collect();
        let signatures: Vec<_> = signatures.iter().collect();
        let sum = min_pk::AggregateSignature::aggregate(&signatures, false).unwrap().to_signature();
        let keys: Vec<_> = self.member_keys.iter().take(self.quorum).collect();
        let verified = sum.fast_aggregate_verify(false, root.as_slice(), DST, &keys);
        assert_eq!(black_box(verified), BLST_ERROR::BLST_SUCCESS);
        milliseconds(started)
    }

    fn signing(&self) -> f64 {
        let dealt = DevelopmentDealer::from_seed([1; 32]).deal(1).unwrap();
        let root = DATA.signing_root(CHAIN_ID);
        let started = Instant::now();
        black_box(BlsThreshold.sign(&dealt.members[0].share, root).unwrap());
        milliseconds(started)
    }
}

fn decode(signature: &BlsSignature) -> min_pk::Signature {
    min_pk::Signature::sig_validate(signature.as_slice(), true).unwrap()
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// The median and the least. Where others use the machine, the least is nearer to what the work takes.
fn summary(mut values: Vec<f64>) -> [f64; 2] {
    values.sort_by(f64::total_cmp);
    [values[values.len() / 2], values[0]]
}

fn main() {
    println!("{ROUNDS} interleaved rounds, milliseconds; in brackets the ratio to q checks of blst\n");
    println!(
        "| members | q | | certificate | with a liar | blst, q checks | blst, one aggregate | one signature |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for members in [4, 15, 31] {
        let setup = Setup::of(members);
        let q = setup.quorum;
        let mut rows: [Vec<f64>; 5] = Default::default();
        // The first round warms caches and tables up.
        for round in 0..=ROUNDS {
            let measured = [
                setup.certificate(&setup.honest[..q], 0),
                setup.certificate(&setup.liar[..q + 1], 1),
                setup.checks(),
                setup.aggregate(),
                setup.signing(),
            ];
            if round > 0 {
                rows.iter_mut().zip(measured).for_each(|(row, value)| row.push(value));
            }
        }
        let summaries = rows.map(summary);
        for (which, name) in ["median", "least"].into_iter().enumerate() {
            let [certificate, liar, checks, aggregate, signing] = summaries.map(|row| row[which]);
            println!(
                "| {members} | {q} | {name} | {certificate:.2} ({:.2}) | {liar:.2} ({:.2}) | {checks:.2} | \
                 {aggregate:.2} ({:.2}) | {signing:.2} |",
                certificate / checks,
                liar / checks,
                aggregate / checks,
            );
        }
    }
    println!("\ngoals at 31 members, on one core: certificate < 15, with a liar < 60");
}
