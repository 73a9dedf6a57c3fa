//! A real Geth as the execution client: one that the node manages, and one that it does not.
//!
//! The outages are those of C10: Geth killed or stopped under load, gone for a while, wiped. The node goes on
//! by itself, within five seconds of Geth's return, and no acknowledged block is lost. `few_outages…` runs
//! with all tests, which share the machine, and finds a node that is stuck; `cargo xtask outages` runs `all_outages…` by
//! themselves, holds them to the five seconds, and prints a table.

mod managed;
mod outage;
mod rig;

use std::time::Duration;

use futures::future::join_all;
use tokio::sync::Semaphore;

use outage::{How, Outage, Report};
use rig::Rig;

/// How soon a node has to have a new final block after its client answers again.
const RESUMES: Duration = Duration::from_secs(5);

/// What has no new final block after this long needs a hand, however busy the machine is.
const STUCK: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_node_goes_on_by_itself_after_few_outages_of_an_external_geth_and_loses_no_block() {
    let Some(geth) = alys_peers::required(alys_peers::geth()) else { return };
    let outages = [
        Outage { how: How::Killed, seconds: 3 },
        Outage { how: How::Stopped, seconds: 3 },
        Outage { how: How::Wiped, seconds: 1 },
        Outage { how: How::Killed, seconds: 0 },
    ];
    let report = Rig::start(geth).await.suffer(&outages).await;
    println!("{report}");
    report.check(STUCK);
    report.check_replays(How::Wiped);
}

/// How often each kind of outage is gone through.
const TIMES: usize = 20;

/// They are shared out among so many nodes, which run at the same time, and go through them in turn: none
/// has the long ones alone.
const NODES: usize = 16;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes some six minutes: cargo xtask outages"]
async fn a_node_goes_on_by_itself_after_all_outages_of_an_external_geth_and_loses_no_block() {
    let Some(geth) = alys_peers::required(alys_peers::geth()) else { return };
    // Some at a time, for it is work, and all before the first outage.
    let starting = Semaphore::new(4);
    let rigs = join_all((0..NODES).map(async |_| {
        let _permit = starting.acquire().await.unwrap();
        Rig::start(geth.clone()).await
    }));
    let kinds = [(How::Killed, 10), (How::Stopped, 60), (How::Stopped, 10), (How::Killed, 60)];
    let reports = rigs.await.into_iter().enumerate().map(async |(number, rig)| {
        let mut outages = Vec::new();
        // Once the chain is thrown away, by one of the operators.
        outages.extend((number == 0).then_some(Outage { how: How::Wiped, seconds: 10 }));
        let turns = kinds.into_iter().cycle().skip(number).take(TIMES * kinds.len() / NODES);
        outages.extend(turns.map(|(how, seconds)| Outage { how, seconds }));
        rig.suffer(&outages).await
    });
    let report = Report::of(join_all(reports).await);
    println!("{report}");
    report.check(RESUMES);
    report.check_replays(How::Killed);
}
