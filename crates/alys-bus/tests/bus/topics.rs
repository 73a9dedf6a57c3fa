//! Events, and the newest value.

use alys_bus::{Event, Latest, Topic};
use proptest::prelude::*;

use super::support::within;

#[tokio::test]
async fn lost_events() {
    let topic = Topic::new(16);
    let mut slow = topic.subscribe();
    let mut quick = topic.subscribe();
    let reader = tokio::spawn(async move {
        let mut seen = vec![];
        while let Some(event) = quick.next().await {
            seen.push(event);
        }
        seen
    });
    for n in 0..1000u64 {
        assert_eq!(topic.publish(n), 2);
        if n % 8 == 7 {
            tokio::task::yield_now().await;
        }
    }
    drop(topic);
    assert_eq!(
        slow.next().await,
        Some(Event::Missed(984)),
        "it is told how many it lost, and these are the oldest"
    );
    for n in 984..1000 {
        assert_eq!(slow.next().await, Some(Event::Event(n)));
    }
    assert_eq!(slow.next().await, None);
    let seen = within(reader).await.unwrap();
    assert_eq!(seen, (0..1000).map(Event::Event).collect::<Vec<_>>(), "who keeps up loses nothing");
}

proptest! {
    #[test]
    fn what_a_subscriber_saw_and_what_it_was_told_it_missed_are_all_there_were_in_order(
        capacity in 1usize..40,
        steps in prop::collection::vec(prop::option::of(0u8..3), 0..300),
    ) {
        let topic = Topic::new(capacity);
        let mut subscription = topic.subscribe();
        let (mut published, mut accounted) = (0u64, 0u64);
        for step in steps {
            match step {
                Some(_) => {
                    topic.publish(published);
                    published += 1;
                }
                None => match subscription.try_next() {
                    Some(Event::Event(n)) => {
                        prop_assert_eq!(n, accounted);
                        accounted += 1;
                    }
                    Some(Event::Missed(n)) => {
                        prop_assert!(published - accounted > capacity as u64);
                        accounted += n;
                    }
                    None => prop_assert_eq!(accounted, published),
                },
            }
        }
        while let Some(event) = subscription.try_next() {
            match event {
                Event::Event(n) => {
                    prop_assert_eq!(n, accounted);
                    accounted += 1;
                }
                Event::Missed(n) => accounted += n,
            }
        }
        prop_assert_eq!(accounted, published);
    }
}

#[tokio::test]
async fn publishing_to_nobody_is_no_error() {
    let topic = Topic::new(4);
    assert_eq!(topic.publish(1), 0);
    let mut later = topic.subscribe();
    assert_eq!(topic.subscribers(), 1);
    assert_eq!(later.try_next(), None, "what was sent before a subscription is not seen by it");
}

#[tokio::test]
async fn the_latest_value_is_there_at_once_and_those_between_are_skipped() {
    let tip = Latest::new(0);
    let mut reader = tip.reader();
    assert_eq!(reader.get(), 0);
    for height in 1..=5 {
        tip.set(height);
    }
    assert_eq!(within(reader.changed()).await, Some(5));
    tip.update(|height| {
        *height += 1;
        false
    });
    assert_eq!(tip.get(), 6);
    tip.set(7);
    assert_eq!(within(reader.wait_for(|height| *height >= 7)).await, Some(7));
    drop(tip);
    assert_eq!(within(reader.changed()).await, None);
}
