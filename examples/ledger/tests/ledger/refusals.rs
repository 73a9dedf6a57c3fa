//! A disk that refuses writes: the kernel's own limit on the size of files stands for a full one.

use std::process::Command;

use crate::running::{Running, acknowledged, program, verify};

#[cfg(target_os = "linux")]
#[test]
fn when_the_disk_refuses_the_program_stops_in_order_and_every_acknowledged_page_is_there() {
    for backend in ["sled", "redb"] {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("ledger");
        let mut command = Command::new("sh");
        // Blocks of 512 bytes in one shell, of 1,024 in another: 3 or 6 MiB.
        let script = r#"trap '' XFSZ; ulimit -f 6000; exec "$0" "$@""#;
        command.args(["-c", script]).arg(program()).arg("run").arg(&folder).arg(backend);
        let mut ledger = Running::start(command);
        let mut kept = Vec::new();
        let mut line = ledger.line();
        while let Some(text) = line {
            kept.extend(acknowledged(&text));
            // One page after the other, until it does not answer any more.
            if ledger.give(1, 20_000).is_err() {
                break;
            }
            line = ledger.line();
        }
        let (rest, output) = ledger.end();
        kept.extend(rest.iter().filter_map(|line| acknowledged(line)));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{backend}: {said}");
        let last = said.lines().last().unwrap_or_default().to_owned();
        assert!(last.contains("storage"), "{backend}: {said}");
        assert!(kept.len() > 20, "{backend}: {} pages", kept.len());

        let pages = verify(&folder, backend);
        for (height, hash) in &kept {
            assert_eq!(pages.get(height), Some(hash), "{backend}: acknowledged page {height}");
        }
        // With room again it goes on.
        let mut ledger = Running::on(&folder, backend);
        ledger.give(3, 100).unwrap();
        let (lines, output) = ledger.end();
        assert!(output.status.success());
        assert_eq!(lines.iter().filter_map(|line| acknowledged(line)).count(), 3);
        println!("{backend}: {} pages, then: {last}", kept.len());
    }
}
