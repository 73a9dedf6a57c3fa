//! Publish and subscribe, with a stated loss policy; and the newest value of something.

use tokio::sync::{broadcast, watch};

/// Events of type `E` for whoever listens.
///
/// **Loss policy:** the topic keeps the newest `capacity` events. A subscriber that falls further
/// behind loses the oldest, and is told how many ([`Event::Missed`]); the publisher never waits. Events
/// sent before a subscription are not seen by it. What must not be lost is read from storage by a
/// cursor: there the event only wakes.
#[derive(Debug, Clone)]
pub struct Topic<E> {
    sender: broadcast::Sender<E>,
}

impl<E: Clone + Send + 'static> Topic<E> {
    /// A topic that keeps at least `capacity` events (rounded up to a power of two, at least one).
    pub fn new(capacity: usize) -> Self {
        Self { sender: broadcast::Sender::new(capacity.max(1)) }
    }

    /// Publishes to all present subscribers; how many there are.
    pub fn publish(&self, event: E) -> usize {
        self.sender.send(event).unwrap_or(0)
    }

    /// Listens from now on.
    pub fn subscribe(&self) -> Subscription<E> {
        Subscription { receiver: self.sender.subscribe() }
    }

    /// How many listen.
    pub fn subscribers(&self) -> usize {
        self.sender.receiver_count()
    }
}

/// What a subscriber sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<E> {
    /// The next event.
    Event(E),
    /// So many events were lost here, because the subscriber fell behind. What follows is newer.
    Missed(u64),
}

/// A subscriber's end of a [`Topic`].
#[derive(Debug)]
pub struct Subscription<E> {
    receiver: broadcast::Receiver<E>,
}

impl<E: Clone + Send + 'static> Subscription<E> {
    /// Waits for the next event, or the word that some were missed. None when the topic has ended.
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<Event<E>> {
        match self.receiver.recv().await {
            Ok(event) => Some(Event::Event(event)),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Event::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// What is there already, without waiting.
    pub fn try_next(&mut self) -> Option<Event<E>> {
        match self.receiver.try_recv() {
            Ok(event) => Some(Event::Event(event)),
            Err(broadcast::error::TryRecvError::Lagged(missed)) => Some(Event::Missed(missed)),
            Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => None,
        }
    }
}

/// The newest value of something that one actor publishes, e.g. the tip. Values between two looks are
/// skipped.
#[derive(Debug, Clone)]
pub struct Latest<T> {
    sender: watch::Sender<T>,
}

impl<T: Send + Sync + 'static> Latest<T> {
    /// Begins with `value`.
    pub fn new(value: T) -> Self {
        Self { sender: watch::Sender::new(value) }
    }

    /// Replaces the value and wakes the readers.
    pub fn set(&self, value: T) {
        self.sender.send_replace(value);
    }

    /// Changes the value in place; readers wake if `change` returns true. It runs under the value's
    /// lock: keep it short.
    pub fn update(&self, change: impl FnOnce(&mut T) -> bool) {
        self.sender.send_if_modified(change);
    }

    /// A reader's end. Give these out, and keep this one.
    pub fn reader(&self) -> LatestReader<T> {
        LatestReader { receiver: self.sender.subscribe() }
    }
}

impl<T: Clone> Latest<T> {
    /// The newest value.
    pub fn get(&self) -> T {
        self.sender.borrow().clone()
    }
}

/// A reader's end of a [`Latest`]. Clones read independently.
#[derive(Debug, Clone)]
pub struct LatestReader<T> {
    receiver: watch::Receiver<T>,
}

impl<T: Clone> LatestReader<T> {
    /// The newest value.
    pub fn get(&self) -> T {
        self.receiver.borrow().clone()
    }

    /// Waits for a value newer than the last this returned, which is that of the reader's making at
    /// first. None when the publisher has gone. Cancel safe.
    pub async fn changed(&mut self) -> Option<T> {
        self.receiver.changed().await.ok()?;
        Some(self.receiver.borrow_and_update().clone())
    }

    /// Waits until the value meets a condition, and returns it; it may do so already. None when the
    /// publisher has gone. The caller brings the deadline.
    pub async fn wait_for(&mut self, condition: impl FnMut(&T) -> bool) -> Option<T> {
        self.receiver.wait_for(condition).await.ok().map(|value| value.clone())
    }
}
