//! The figures that a client publishes, by their names.

use std::collections::BTreeMap;
use std::sync::Arc;

use metrics::{
    Counter, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    with_local_recorder,
};
use parking_lot::Mutex;

/// The gauges that were set; nothing else is kept.
#[derive(Debug, Clone, Default)]
struct Gauges(Arc<Mutex<BTreeMap<String, f64>>>);

struct Named(String, Gauges);

impl GaugeFn for Named {
    fn increment(&self, _: f64) {}

    fn decrement(&self, _: f64) {}

    fn set(&self, value: f64) {
        self.1.0.lock().insert(self.0.clone(), value);
    }
}

impl Recorder for Gauges {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Arc::new(Named(key.name().to_owned(), self.clone())))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// What `publish` sets the gauge `name` to.
pub(super) fn gauge(name: &str, publish: impl FnOnce()) -> Option<f64> {
    let gauges = Gauges::default();
    with_local_recorder(&gauges, publish);
    gauges.0.lock().get(name).copied()
}
