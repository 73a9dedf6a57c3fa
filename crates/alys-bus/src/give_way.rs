//! Letting others run, so that whichever thread is free can go on from there.

use std::{future::poll_fn, mem::replace, task::Poll};

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::yield_now,
};

/// Lets the tasks that wait run first.
///
/// tokio's own `yield_now` puts the task on its thread's list of deferred wake-ups, into which no other thread looks: if what
/// runs there next blocks the thread, the task is stuck with it. A task that has woken itself stands at the end of its thread's
/// queue, and any idle thread takes it from there.
///
/// Where there is but one thread nobody could take it over; there tokio's way is the better one, for it also looks at what the
/// runtime itself waits for, and not only at each 61st task.
pub(crate) async fn give_way() {
    let alone = Handle::try_current().map(|runtime| runtime.runtime_flavor() == RuntimeFlavor::CurrentThread);
    if alone.unwrap_or(true) {
        return yield_now().await;
    }
    let mut given = false;
    poll_fn(|cx| {
        if replace(&mut given, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
