//! Rules about the sources of this crate.

use std::{fs, path::Path};

use alys_bus::{
    Protocol,
    protocol::{
        BridgeMessage, ChainMessage, EngineMessage, FederationMessage, MetricsMessage, NetworkMessage,
        StorageMessage, SupervisorMessage,
    },
};

/// The lines of code, not of documentation, of all files of the mechanism.
fn mechanism() -> Vec<(String, String)> {
    fn collect(folder: &Path, lines: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("protocol") {
                    collect(&path, lines);
                }
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            lines.extend(code.map(|line| (path.display().to_string(), line.to_owned())));
        }
    }
    let mut lines = vec![];
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut lines);
    assert!(lines.len() > 500, "the sources were found");
    lines
}

#[test]
fn the_mechanism_never_imports_a_protocol() {
    let found: Vec<_> = mechanism()
        .into_iter()
        .filter(|(_, line)| line.contains("protocol::") || line.contains("alys_primitives"))
        .collect();
    assert!(found.is_empty(), "{found:?}");
}

fn has<M: Protocol>(actor: &str, messages: &[&str]) {
    assert_eq!(M::ACTOR, actor);
    for message in messages {
        assert!(M::KINDS.contains(message), "{actor} has no {message}");
    }
}

#[test]
fn every_message_that_the_roadmap_names_stands_under_its_name_in_its_protocol() {
    has::<StorageMessage>("storage", &["PersistBlock", "RetrieveBlock", "PruneOldBlocks"]);
    has::<EngineMessage>("engine", &["BuildExecutionPayload", "ValidatePayload", "ForkchoiceUpdate"]);
    has::<NetworkMessage>("network", &["BroadcastBlock", "SubscribeToBlocks", "PeerHealth"]);
    has::<SupervisorMessage>("supervisor", &["RegisterActor", "HealthCheck", "RestartActor"]);
    has::<BridgeMessage>("bridge", &["ProcessPegins", "FinalizePegouts", "MonitorBitcoin"]);
    has::<MetricsMessage>("metrics", &["CollectMetrics", "ExportMetrics", "Alert"]);
    has::<FederationMessage>("federation", &["CollectSignature", "ValidateMember", "UpdateThreshold"]);
    has::<ChainMessage>("chain", &["Proposal", "Vote", "Certificate", "Status"]);
}

#[test]
fn tasks_threads_and_clocks_each_come_from_one_place() {
    let lines = mechanism();
    let places = |what: &str| lines.iter().filter(|(_, line)| line.contains(what)).count();
    assert_eq!(places("tokio::spawn("), 1);
    assert_eq!(places(".spawn(main)"), 1);
    assert_eq!(places("Instant::now()"), 1);
    assert_eq!(places("SystemTime::now()"), 1);
    assert_eq!(places("unbounded"), 0);
}
