//! `alys status`: where a running node's chain stands.

use std::time::Duration;

use eyre::{WrapErr as _, bail};
use serde_json::{Value, json};

use crate::{cli::StatusArgs, output::print};

const TIMEOUT: Duration = Duration::from_secs(5);

/// Runs the command.
pub(crate) fn run(args: &StatusArgs) -> eyre::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(ask(&args.url))?;
    if args.json {
        return print(&serde_json::to_string_pretty(&status)?);
    }
    print(&readable(&status))
}

/// The status in lines for people.
fn readable(status: &Value) -> String {
    let text = |path: &str| match status.pointer(path) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => "-".to_owned(),
        Some(other) => other.to_string(),
    };
    let block = |name: &str| {
        let part = |field: &str| text(&format!("/{name}/{field}"));
        format!("{:>10}  slot {:>10}  {}", part("height"), part("slot"), part("hash"))
    };
    let pool = match status.get("pool") {
        Some(Value::Object(_)) => {
            format!("{} pending, {} queued", text("/pool/pending"), text("/pool/queued"))
        }
        _ => "-".to_owned(),
    };
    let mut lines = vec![
        format!("chain      {} (chain id {})", text("/chain"), text("/chainId")),
        format!("genesis    {}", text("/genesis")),
        format!("slot       {}", text("/slot")),
        format!("head       {}", block("head")),
        format!("final      {}", block("finalized")),
        format!("anchored   {}", block("anchored")),
        format!("member     {} of {}, quorum {}", text("/member"), text("/members"), text("/quorum")),
        format!("stride     {}", text("/stride")),
        format!("sync       {}", text("/sync")),
        format!("execution  {}", text("/execution")),
        format!("pool       {pool}"),
    ];
    if status.pointer("/lastMiss").is_some_and(|miss| !miss.is_null()) {
        lines.push(format!("last miss  {}", text("/lastMiss")));
    }
    lines.join("\n")
}

async fn ask(url: &str) -> eyre::Result<Value> {
    let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "alys_status", "params": [] });
    let answer: Value = client
        .post(url)
        .json(&request)
        .send()
        .await
        .wrap_err_with(|| format!("no node answers at {url}; is it running, and is this its rpc.listen?"))?
        .json()
        .await
        .wrap_err_with(|| format!("what answers at {url} is not an Alys node"))?;
    if let Some(error) = answer.get("error") {
        bail!("the node at {url} answers: {}", error.get("message").unwrap_or(error));
    }
    answer.get("result").cloned().ok_or_else(|| eyre::eyre!("what answers at {url} is not an Alys node"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_how_the_execution_client_fares_what_waits_and_the_stride() {
        let told = json!({
            "stride": 4, "execution": "auth-failed", "pool": { "pending": 3, "queued": 1 }, "lastMiss": null
        });
        let shown = readable(&told);
        for line in ["stride     4", "execution  auth-failed", "pool       3 pending, 1 queued"] {
            assert!(shown.lines().any(|shown| shown == line), "{shown}");
        }
        let silent = readable(&json!({ "pool": null, "execution": null }));
        assert!(silent.contains("execution  -") && silent.contains("pool       -"), "{silent}");
    }
}
