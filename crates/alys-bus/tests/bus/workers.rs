//! An actor's own thread.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
        mpsc,
    },
    time::Duration,
};

use alys_bus::{
    AskError, Context, Lane, Owner, RejectReason, Reply, Worker, WorkerError, WorkerLimits, WorkerMode,
};
use parking_lot::Mutex;
use tokio::{sync::oneshot, time::Instant};

use super::support::{PATIENCE, Refused, ctx, within};

enum Job {
    /// Says that it has begun, then waits for the test.
    Wait {
        begun: oneshot::Sender<()>,
        go: mpsc::Receiver<()>,
    },
    Note(u64),
    Answer(Reply<u64, Refused>),
    Panic,
}

const LIMITS: WorkerLimits = WorkerLimits { normal: 3, control: 2 };

/// A worker that writes down what it did.
fn worker(mode: WorkerMode) -> (Worker<Job>, Arc<Mutex<Vec<u64>>>) {
    let notes = Arc::new(Mutex::new(vec![]));
    let written = Arc::clone(&notes);
    let work = move |job, _: Context| match job {
        Job::Wait { begun, go } => {
            let _ = begun.send(());
            let _ = go.recv_timeout(PATIENCE);
        }
        Job::Note(n) => written.lock().push(n),
        Job::Answer(reply) => reply.send(Ok(5)),
        Job::Panic => panic!("disk on fire"),
    };
    (Worker::spawn("test-worker", LIMITS, mode, work).expect("a thread"), notes)
}

/// Makes the thread wait; the sender lets it go on.
async fn occupy(worker: &Worker<Job>) -> mpsc::Sender<()> {
    let (begun, has_begun) = oneshot::channel();
    let (go, go_rx) = mpsc::channel();
    worker.submit(ctx(), Job::Wait { begun, go: go_rx }).expect("it takes the job");
    within(has_begun).await.expect("it began");
    go
}

async fn stop(worker: &Worker<Job>) {
    worker.stop(Instant::now() + PATIENCE).await.expect("it ends");
}

#[tokio::test]
async fn control_jobs_are_done_first_and_each_lane_in_order() {
    let (worker, notes) = worker(WorkerMode::Thread);
    let go = occupy(&worker).await;
    for n in 1..=3 {
        worker.submit(ctx(), Job::Note(n)).unwrap();
    }
    for n in 101..=102 {
        worker.submit_to(Lane::Control, ctx(), Job::Note(n)).unwrap();
    }
    go.send(()).unwrap();
    stop(&worker).await;
    assert_eq!(*notes.lock(), [101, 102, 1, 2, 3]);
    assert_eq!(worker.stats().done, 6);
}

#[tokio::test]
async fn a_full_lane_gives_the_job_back() {
    let (worker, notes) = worker(WorkerMode::Thread);
    let go = occupy(&worker).await;
    for n in 1..=3 {
        worker.submit(ctx(), Job::Note(n)).unwrap();
    }
    let rejected = worker.submit(ctx(), Job::Note(4)).unwrap_err();
    assert_eq!(rejected.reason, RejectReason::Full);
    assert!(matches!(rejected.job, Job::Note(4)));
    worker.submit_to(Lane::Control, ctx(), Job::Note(5)).unwrap();
    assert_eq!(worker.stats().queued, [3, 1]);
    go.send(()).unwrap();
    stop(&worker).await;
    assert_eq!(*notes.lock(), [5, 1, 2, 3]);
}

#[tokio::test]
async fn a_job_whose_deadline_has_passed_is_dropped_before_it_begins() {
    let (worker, notes) = worker(WorkerMode::Thread);
    let go = occupy(&worker).await;
    let (reply, answer) = Reply::<u64, Refused>::detached("test");
    worker.submit(Context::root(Duration::ZERO), Job::Answer(reply)).unwrap();
    worker.submit(ctx(), Job::Note(1)).unwrap();
    go.send(()).unwrap();
    assert_eq!(answer.wait(Instant::now() + PATIENCE).await, Err(AskError::NoReply("test")));
    stop(&worker).await;
    assert_eq!(*notes.lock(), [1]);
    assert_eq!(worker.stats().expired, 1);
}

#[tokio::test]
async fn a_panic_in_the_thread_is_its_owners_failure_and_frees_those_who_wait() {
    let (worker, _) = worker(WorkerMode::Thread);
    let (owner, mut panics) = Owner::watched("storage");
    worker.attach(owner);
    let go = occupy(&worker).await;
    worker.submit(ctx(), Job::Panic).unwrap();
    let (reply, answer) = Reply::<u64, Refused>::detached("test");
    worker.submit(ctx(), Job::Answer(reply)).unwrap();
    go.send(()).unwrap();
    let text = within(panics.next()).await.unwrap();
    assert_eq!(text, "thread test-worker, owned by storage, panicked: disk on fire");
    assert_eq!(answer.wait(Instant::now() + PATIENCE).await, Err(AskError::NoReply("test")));
    assert!(!worker.is_alive());
    assert_eq!(worker.submit(ctx(), Job::Note(1)).unwrap_err().reason, RejectReason::Ended);
}

#[tokio::test]
async fn a_panic_while_nobody_owns_the_thread_is_reported_to_the_next_owner() {
    let (worker, _) = worker(WorkerMode::Thread);
    worker.submit(ctx(), Job::Panic).unwrap();
    stop(&worker).await;
    let (owner, mut panics) = Owner::watched("storage");
    worker.attach(owner);
    assert!(panics.try_next().unwrap().ends_with("panicked: disk on fire"));
}

#[tokio::test]
async fn stopping_does_what_waits_and_then_drops_what_the_thread_held() {
    struct Database(Arc<AtomicU64>);
    impl Drop for Database {
        fn drop(&mut self) {
            self.0.fetch_add(1000, SeqCst);
        }
    }
    let seen = Arc::new(AtomicU64::new(0));
    let database = Database(Arc::clone(&seen));
    let worker = Worker::spawn("db", WorkerLimits::default(), WorkerMode::Thread, move |n: u64, _| {
        database.0.fetch_add(n, SeqCst);
    })
    .unwrap();
    for _ in 0..100 {
        worker.submit(ctx(), 1).unwrap();
    }
    worker.stop(Instant::now() + PATIENCE).await.unwrap();
    assert_eq!(seen.load(SeqCst), 1100);
}

#[tokio::test]
async fn a_stuck_thread_is_told_apart_from_one_that_ended() {
    let (worker, _) = worker(WorkerMode::Thread);
    let go = occupy(&worker).await;
    let outcome = worker.stop(Instant::now() + Duration::from_millis(20)).await;
    assert!(matches!(outcome, Err(WorkerError::Stuck { name: "test-worker" })), "{outcome:?}");
    assert!(worker.observer().stats().running.unwrap() >= Duration::from_millis(20));
    go.send(()).unwrap();
    stop(&worker).await;
    assert_eq!(worker.stats().running, None);
}

#[tokio::test]
async fn when_the_last_handle_goes_the_thread_ends_and_what_waits_is_dropped() {
    let (worker, notes) = worker(WorkerMode::Thread);
    let again = worker.clone();
    let go = occupy(&worker).await;
    let (reply, answer) = Reply::<u64, Refused>::detached("test");
    worker.submit(ctx(), Job::Answer(reply)).unwrap();
    let observer = worker.observer();
    drop(worker);
    assert!(observer.stats().alive, "another handle is left");
    drop(again);
    assert_eq!(answer.wait(Instant::now() + PATIENCE).await, Err(AskError::NoReply("test")));
    assert!(!observer.stats().alive);
    drop(go);
    assert!(notes.lock().is_empty());
}

#[tokio::test]
async fn what_waits_is_handed_over_in_batches() {
    let (go, go_rx) = mpsc::channel::<()>();
    let (begun, has_begun) = oneshot::channel();
    let mut begun = Some(begun);
    let batches = Arc::new(Mutex::new(vec![]));
    let written = Arc::clone(&batches);
    let worker = Worker::batched("batches", WorkerLimits::default(), WorkerMode::Thread, 4, move |jobs| {
        written.lock().push(jobs.iter().map(|(n, _)| *n).collect::<Vec<u64>>());
        if let Some(begun) = begun.take() {
            let _ = begun.send(());
            let _ = go_rx.recv_timeout(PATIENCE);
        }
    })
    .unwrap();
    worker.submit(ctx(), 0).unwrap();
    within(has_begun).await.unwrap();
    for n in 1..=5 {
        worker.submit(ctx(), n).unwrap();
    }
    worker.submit_to(Lane::Control, ctx(), 100).unwrap();
    go.send(()).unwrap();
    worker.stop(Instant::now() + PATIENCE).await.unwrap();
    assert_eq!(*batches.lock(), [vec![0], vec![100, 1, 2, 3], vec![4, 5]]);
}

#[tokio::test(start_paused = true)]
async fn inline_work_is_done_before_submit_returns_so_paused_time_stands_still() {
    let (worker, notes) = worker(WorkerMode::Inline);
    let before = Instant::now();
    worker.submit(ctx(), Job::Note(1)).unwrap();
    assert_eq!(*notes.lock(), [1]);
    let (reply, answer) = Reply::<u64, Refused>::detached("test");
    worker.submit(ctx(), Job::Answer(reply)).unwrap();
    assert_eq!(answer.wait(before + PATIENCE).await, Ok(5));
    stop(&worker).await;
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert_eq!(worker.submit(ctx(), Job::Note(2)).unwrap_err().reason, RejectReason::Ended);
}

#[tokio::test]
async fn a_panic_inline_is_a_panic_of_whoever_submitted() {
    let (worker, _) = worker(WorkerMode::Inline);
    let submit = std::panic::AssertUnwindSafe(|| worker.submit(ctx(), Job::Panic).is_ok());
    let payload = std::panic::catch_unwind(submit).unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"disk on fire"));
    assert!(!worker.is_alive());
    stop(&worker).await;
}

#[tokio::test]
async fn an_inline_job_may_submit_another_which_is_done_after_it() {
    let own: Arc<Mutex<Option<Worker<u64>>>> = Arc::default();
    let notes = Arc::new(Mutex::new(vec![]));
    let (inside, written) = (Arc::clone(&own), Arc::clone(&notes));
    let worker = Worker::spawn("again", WorkerLimits::default(), WorkerMode::Inline, move |n: u64, ctx| {
        if n > 0 {
            let worker = inside.lock().clone();
            worker.unwrap().submit(ctx, n - 1).unwrap();
        }
        written.lock().push(n);
    })
    .unwrap();
    *own.lock() = Some(worker.clone());
    worker.submit(ctx(), 3).unwrap();
    assert_eq!(*notes.lock(), [3, 2, 1, 0]);
    own.lock().take();
}
