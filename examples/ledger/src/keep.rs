//! `ledger run`: a supervised storage, and one page after the other.

use std::{future::Future, io, sync::Arc, time::Duration};

use alys_bus::{
    Address, AskError, Context, Limits, Reply, RetryPolicy, Worker, WorkerLimits, WorkerMode, retry,
};
use alys_primitives::{Header, SignedProposal};
use alys_storage::{
    BlockQuery, StorageActor, StorageArgs, StorageConfig, StorageError, StorageMessage, StorageSetup,
};
use alys_supervisor::{ChildSpec, ExitReport, KeptWorker, Supervisor};
use eyre::{OptionExt as _, WrapErr as _};
use tokio::pin;

use crate::page;

/// How long a page may take: storage may be starting again meanwhile.
const PAGE_WITHIN: Duration = Duration::from_secs(60);

/// Keeps pages until the input ends or the program is stopped.
pub(crate) async fn run(config: StorageConfig) -> eyre::Result<ExitReport> {
    let storage = Address::new(Limits::default());
    let node = Supervisor::builder().child(child(&storage, config)?).stop_on_signals().start().await?;
    let handle = node.handle();
    let ended = node.wait();
    pin!(ended);
    let reason = tokio::select! {
        // Stopped by a signal, or because storage cannot be kept running.
        report = &mut ended => return Ok(report),
        kept = keep_pages(&storage) => match kept {
            Ok(()) => "the input has ended".to_owned(),
            Err(error) => {
                handle.stop(format!("{error:#}"));
                // In order, though in vain: the error is what the caller must hear.
                let _report = ended.await;
                return Err(error);
            }
        },
    };
    handle.stop(reason);
    Ok(ended.await)
}

/// Storage under supervision: its two threads outlive the actor, and are opened anew when they failed.
fn child(address: &Address<StorageMessage>, config: StorageConfig) -> eyre::Result<ChildSpec> {
    let setup = StorageSetup::new(config)?;
    let (blocks, promises) = (KeptWorker::new(), KeptWorker::new());
    let (kept_blocks, kept_promises) = (blocks.clone(), promises.clone());
    let start = move |feed| {
        let opened = promises.get_or_open(|| setup.open_promises()).and_then(|promises| {
            let blocks = blocks.get_or_open(|| setup.open_blocks())?;
            Ok(StorageArgs { blocks, promises, cache: setup.cache() })
        });
        async move { opened.map(|args| (StorageActor, (feed, args))) }
    };
    Ok(ChildSpec::with_setup(address, start).keeps(&kept_blocks).keeps(&kept_promises))
}

async fn keep_pages(storage: &Address<StorageMessage>) -> eyre::Result<()> {
    let mut last = last_page(storage).await?;
    println!("continues after {}", last.height);
    let input = Input::open()?;
    while let Some(line) = input.next_line().await? {
        last = keep(storage, Some(&last), &line).await?;
    }
    Ok(())
}

/// The page to go on from; in a new ledger, its cover.
async fn last_page(storage: &Address<StorageMessage>) -> eyre::Result<Header> {
    let chain = ask(|ctx| storage.ask(ctx, |reply| StorageMessage::LoadChain { reply })).await?;
    let Some(chain) = chain else {
        return keep(storage, None, "a ledger").await;
    };
    let query = BlockQuery::Hash(chain.head.hash);
    let found = ask(|ctx| storage.ask(ctx, |reply| StorageMessage::RetrieveBlock { query, reply })).await?;
    let page = found.first().ok_or_eyre("the last page is not there")?;
    Ok(page.block.block.header.clone())
}

/// Keeps one page, and says so when it is on the disk.
async fn keep(
    storage: &Address<StorageMessage>,
    before: Option<&Header>,
    text: &str,
) -> eyre::Result<Header> {
    let block: Arc<SignedProposal> = page::write(before, text)?;
    let update = Box::new(page::turn_to(&block));
    let persist = |ctx| {
        let block = Arc::clone(&block);
        storage.ask(ctx, |reply| StorageMessage::PersistBlock { block, reply })
    };
    let apply = |ctx| {
        let update = update.clone();
        storage.ask(ctx, |reply| StorageMessage::ApplyHead { update, reply })
    };
    ask(persist).await?;
    ask(apply).await?;
    let header = block.block.header.clone();
    println!("kept {} {}", header.height, header.hash());
    Ok(header)
}

/// Asks until storage answers: both writes are idempotent, and storage may be starting again. A refused
/// write is asked again too, of the storage that opens the disk anew; how often that may happen is
/// the supervisor's decision.
async fn ask<T, F>(request: impl Fn(Context) -> F) -> eyre::Result<T>
where
    F: Future<Output = Result<T, AskError<StorageError>>>,
{
    let ctx = Context::root(PAGE_WITHIN);
    let request = || async {
        request(ctx).await.map_err(|error| match error {
            AskError::Actor(StorageError::Io(_)) => AskError::Unavailable("storage"),
            other => other,
        })
    };
    Ok(retry(RetryPolicy::default(), ctx, request).await?)
}

/// Standard input, read on a thread of its own, so that a silent input does not hold up the stop.
struct Input {
    reader: Worker<Reply<Option<String>, io::Error>>,
}

impl Input {
    /// Longer than any sitting.
    const PATIENCE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

    fn open() -> eyre::Result<Self> {
        let read = |reply: Reply<Option<String>, io::Error>, _ctx| reply.send(read_line());
        let reader = Worker::spawn("input", WorkerLimits::default(), WorkerMode::Thread, read)?;
        Ok(Self { reader })
    }

    async fn next_line(&self) -> eyre::Result<Option<String>> {
        let ctx = Context::root(Self::PATIENCE);
        let (reply, answer) = Reply::detached("input");
        self.reader.submit(ctx, reply)?;
        answer.wait(ctx.deadline).await.wrap_err("standard input cannot be read")
    }
}

fn read_line() -> io::Result<Option<String>> {
    let mut line = String::new();
    let read = io::stdin().read_line(&mut line)?;
    Ok((read > 0).then(|| line.trim_end().to_owned()))
}
