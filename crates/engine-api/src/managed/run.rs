//! Running Geth: start, watch, start again, stop, begin anew.

use std::time::Duration;

use tokio::{
    sync::{mpsc, oneshot},
    time::{sleep, timeout},
};

use super::{GethState, ManagedError, Shared, orphan, process::Process};

/// What the one who runs Geth is asked to do.
#[derive(Debug)]
pub(super) enum Order {
    /// Stop Geth in order, and end.
    Stop,
    /// Throw the chain away; answered when Geth is ready again.
    Wipe(oneshot::Sender<()>),
}

/// How a life ended.
enum End {
    Stopped,
    Wiped(oneshot::Sender<()>),
    Ended { lived: Lived, why: ManagedError },
}

/// How far a life came.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lived {
    /// It was never ready.
    Unready,
    /// It was, but ended soon.
    Shortly,
    /// It was for long enough to count as sound.
    Soundly,
}

/// Runs Geth until it is asked to stop, or no further start would help.
pub(super) async fn run(shared: &Shared) -> Result<(), ManagedError> {
    // Two who run one Geth would be two Geths: the second waits for the end of the first.
    let mut orders = shared.orders.lock().await;
    let _stopped = Stopped(shared);
    shared.state.send_replace(GethState::Starting);
    // What was asked of nobody is void.
    while orders.try_recv().is_ok() {}
    let (mut ends, mut failed_starts, mut wiped) = (0, 0, None);
    loop {
        match life(shared, &mut orders, wiped.take()).await {
            Ok(End::Stopped) => return Ok(()),
            Ok(End::Wiped(done)) => {
                shared.folder.wipe()?;
                wiped = Some(done);
            }
            Ok(End::Ended { lived, why }) => {
                ends = if lived == Lived::Soundly { 1 } else { ends + 1 };
                failed_starts = if lived == Lived::Unready { failed_starts + 1 } else { 0 };
                if !why.may_pass() {
                    return Err(why);
                }
                if failed_starts >= shared.config.restarts.failed_starts {
                    return Err(ManagedError::GivenUp { starts: failed_starts, last: Box::new(why) });
                }
                let pause = shared.config.restarts.pause(ends);
                tracing::warn!(%why, ends, ?pause, "Geth ended by itself and will be started again");
                shared.state.send_replace(GethState::Down { ends, why: why.to_string() });
                match order_within(&mut orders, pause).await {
                    None => {}
                    Some(Order::Stop) => return Ok(()),
                    Some(Order::Wipe(done)) => {
                        shared.folder.wipe()?;
                        wiped = Some(done);
                    }
                }
            }
            Err(error) => return Err(error),
        }
    }
}

/// An order that comes before the pause is over.
async fn order_within(orders: &mut mpsc::Receiver<Order>, pause: Duration) -> Option<Order> {
    timeout(pause, orders.recv()).await.ok().flatten()
}

/// From a start to an end. An error is of what stands around the process: its folder, its program.
async fn life(
    shared: &Shared,
    orders: &mut mpsc::Receiver<Order>,
    wiped: Option<oneshot::Sender<()>>,
) -> Result<End, ManagedError> {
    let config = &shared.config;
    let unready = |why| Ok(End::Ended { lived: Lived::Unready, why });
    orphan::end(shared.folder.path(), config.patience.stop).await?;
    let init = shared.folder.init(&config.program, &shared.flags, &config.genesis, config.patience.init);
    if let Err(why) = init.await {
        return unready(why);
    }
    let ports = [&shared.engine, &shared.public];
    if let Err(why) = ports.into_iter().try_for_each(|port| port.release()) {
        return unready(why);
    }
    shared.state.send_replace(GethState::Starting);
    let mut process = match Process::start(&config.program, &shared.flags) {
        Ok(process) => process,
        Err(why) => return unready(why),
    };
    let started = tokio::select! {
        started = process.ready(ports, config.patience.ready) => Ok(started),
        order = orders.recv() => Err(order),
    };
    match started {
        Ok(Ok(())) => {}
        Ok(Err(why)) => return unready(why),
        Err(order) => return obey(shared, &mut process, order).await,
    }
    let pid = process.pid();
    tracing::info!(pid, engine = shared.engine.number(), public = shared.public.number(), "Geth is ready");
    shared.state.send_replace(GethState::Ready { pid });
    if let Some(done) = wiped {
        // Who asked may have given up waiting.
        let _ = done.send(());
    }
    let mut lived = Lived::Shortly;
    loop {
        let event = tokio::select! {
            status = process.ended() => Event::Ended(status),
            order = orders.recv() => Event::Order(order),
            () = sleep(config.restarts.sound), if lived == Lived::Shortly => Event::Sound,
        };
        match event {
            Event::Ended(status) => {
                let why = ManagedError::Ended { status: status?, said: process.said() };
                return Ok(End::Ended { lived, why });
            }
            Event::Order(order) => return obey(shared, &mut process, order).await,
            Event::Sound => lived = Lived::Soundly,
        }
    }
}

enum Event {
    Ended(Result<std::process::ExitStatus, ManagedError>),
    Order(Option<Order>),
    Sound,
}

/// Ends the process as ordered. Whose data is thrown away needs no time to write it.
async fn obey(shared: &Shared, process: &mut Process, order: Option<Order>) -> Result<End, ManagedError> {
    match order {
        Some(Order::Wipe(done)) => {
            tracing::warn!("Geth's chain is thrown away; it begins at genesis");
            process.stop(Duration::ZERO).await?;
            Ok(End::Wiped(done))
        }
        // Without a handle left nobody can ask anything.
        Some(Order::Stop) | None => {
            let in_order = process.stop(shared.config.patience.stop).await?;
            if in_order {
                tracing::info!("Geth has stopped");
            } else {
                tracing::warn!(
                    "Geth did not stop in order and was killed; it repairs its state at the next start"
                );
            }
            Ok(End::Stopped)
        }
    }
}

/// However the run ends, by abort or panic too: nobody runs Geth then.
struct Stopped<'a>(&'a Shared);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        self.0.state.send_replace(GethState::Stopped);
    }
}
