//! Histograms, and their way out.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use alys_bus::{BUCKETS, Histogram, Limits};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    with_local_recorder,
};
use parking_lot::Mutex;
use proptest::prelude::*;

use super::support::{echo, victim};

proptest! {
    #[test]
    fn a_quantile_is_an_upper_bound_and_at_most_twice_the_true_one(
        mut durations in prop::collection::vec(1u64..1 << 38, 1..200),
        q in 0.0f64..=1.0,
    ) {
        let histogram = Histogram::default();
        for ns in &durations {
            histogram.record(Duration::from_nanos(*ns));
        }
        let snapshot = histogram.snapshot();
        durations.sort_unstable();
        let rank = ((durations.len() as f64 * q).ceil() as usize).clamp(1, durations.len());
        let exact = durations[rank - 1];
        let bound = snapshot.quantile(q).as_nanos() as u64;
        prop_assert!(exact < bound && bound <= 2 * exact, "{exact} {bound}");
        prop_assert_eq!(snapshot.count(), durations.len() as u64);
        prop_assert_eq!(snapshot.sum(), Duration::from_nanos(durations.iter().sum()));
        let cumulative: Vec<_> = snapshot.cumulative().collect();
        prop_assert_eq!(cumulative.len(), BUCKETS);
        prop_assert_eq!(cumulative.last().unwrap().1, durations.len() as u64);
        prop_assert!(cumulative.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1));
    }
}

#[test]
fn the_extremes_are_counted_too() {
    let histogram = Histogram::default();
    assert_eq!(histogram.snapshot().quantile(0.5), Duration::ZERO);
    assert_eq!(histogram.snapshot().mean(), Duration::ZERO);
    histogram.record(Duration::ZERO);
    histogram.record(Duration::MAX);
    let snapshot = histogram.snapshot();
    assert_eq!(snapshot.count(), 2);
    assert_eq!(snapshot.quantile(0.0), Duration::from_nanos(1));
    assert_eq!(snapshot.quantile(1.0), Duration::from_nanos(1 << (BUCKETS - 1)));
}

/// Keeps what is published, by name and labels.
#[derive(Default)]
struct Published(Arc<Mutex<BTreeMap<String, f64>>>);

struct Cell(Arc<Mutex<BTreeMap<String, f64>>>, String);

impl Cell {
    fn of(published: &Published, key: &Key) -> Arc<Self> {
        let labels: Vec<_> = key.labels().map(|l| format!("{}={}", l.key(), l.value())).collect();
        Arc::new(Self(Arc::clone(&published.0), format!("{} {}", key.name(), labels.join(","))))
    }

    fn store(&self, value: f64) {
        self.0.lock().insert(self.1.clone(), value);
    }
}

impl CounterFn for Cell {
    fn increment(&self, _: u64) {}
    fn absolute(&self, value: u64) {
        self.store(value as f64);
    }
}

impl GaugeFn for Cell {
    fn increment(&self, _: f64) {}
    fn decrement(&self, _: f64) {}
    fn set(&self, value: f64) {
        self.store(value);
    }
}

impl Recorder for Published {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Cell::of(self, key))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Cell::of(self, key))
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> metrics::Histogram {
        metrics::Histogram::noop()
    }
}

#[tokio::test]
async fn an_actors_figures_are_published_on_demand() {
    let (address, _) = victim(Limits::new(8, 2)).await;
    for n in 0..10 {
        assert_eq!(echo(&address, n).await, Ok(n + 1));
    }
    let published = Published::default();
    with_local_recorder(&published, || address.observer().publish());
    let values = published.0.lock();
    assert_eq!(values.get("alys_bus_latency_seconds_count actor=victim,message=Echo"), Some(&10.0));
    assert_eq!(values.get("alys_bus_in_flight actor=victim,lane=normal"), Some(&0.0));
    assert_eq!(values.get("alys_bus_refused_total actor=victim"), Some(&0.0));
    let p99 = values.get("alys_bus_wait_seconds actor=victim,message=Echo,quantile=0.99").unwrap();
    assert!(*p99 > 0.0);
    assert!(!values.keys().any(|key| key.contains("message=Note")), "kinds never seen are left out");
}
