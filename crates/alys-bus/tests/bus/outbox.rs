//! Nothing is seen before what it depends on is durable: checked against a plain list of what was stated.

use alys_bus::{Outbox, OutboxError, Release, Ticket};
use proptest::prelude::*;

#[derive(Debug, Clone, Copy)]
enum Op {
    Persist,
    Push,
    Release,
    Acknowledge,
    Fail,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => Just(Op::Persist),
        10 => Just(Op::Push),
        20 => Just(Op::Release),
        8 => Just(Op::Acknowledge),
        1 => Just(Op::Fail),
    ]
}

/// What a core stated, and what became of it.
#[derive(Default)]
struct Model {
    /// True: a record; false: an effect. The position is its identity.
    stated: Vec<bool>,
    released: usize,
    under_way: Option<Ticket>,
    failed: bool,
}

impl Model {
    fn may_release(&self) -> bool {
        !self.failed && self.under_way.is_none() && self.released < self.stated.len()
    }
}

proptest! {
    #[test]
    fn what_leaves_is_what_was_stated_in_that_order_and_nothing_passes_a_record_that_is_not_durable(
        ops in prop::collection::vec(op(), 0..200),
    ) {
        let mut outbox = Outbox::<usize, usize>::new(1000);
        let mut model = Model::default();
        for op in ops {
            match op {
                Op::Persist => {
                    outbox.persist(model.stated.len());
                    model.stated.push(true);
                }
                Op::Push => {
                    outbox.push(model.stated.len());
                    model.stated.push(false);
                }
                Op::Release => {
                    let expected = model.may_release();
                    match outbox.release() {
                        Err(OutboxError::PersistFailed(_)) => prop_assert!(model.failed),
                        Err(other) => prop_assert!(false, "{other}"),
                        Ok(None) => prop_assert!(!expected && !model.failed),
                        Ok(Some(Release::Effect(id))) => {
                            prop_assert!(expected && id == model.released && !model.stated[id]);
                            model.released += 1;
                        }
                        Ok(Some(Release::Persist(ticket, id))) => {
                            prop_assert!(expected && id == model.released && model.stated[id]);
                            model.released += 1;
                            model.under_way = Some(ticket);
                        }
                    }
                }
                Op::Acknowledge => {
                    if let Some(ticket) = model.under_way.take() {
                        prop_assert_eq!(outbox.acknowledge(ticket).is_ok(), !model.failed);
                    }
                }
                Op::Fail => {
                    let _ = outbox.fail("disk full");
                    model.failed = true;
                }
            }
            prop_assert_eq!(outbox.check().is_err(), model.failed);
            if !model.failed {
                prop_assert_eq!(outbox.len(), model.stated.len() - model.released);
                prop_assert_eq!(outbox.in_flight(), model.under_way);
            }
        }
    }

    #[test]
    fn all_that_was_stated_leaves_when_every_record_is_acknowledged(
        stated in prop::collection::vec(any::<bool>(), 0..100),
    ) {
        let mut outbox = Outbox::<usize, usize>::new(1000);
        for (id, record) in stated.iter().enumerate() {
            if *record { outbox.persist(id) } else { outbox.push(id) }
        }
        let mut left = vec![];
        while let Some(release) = outbox.release()? {
            match release {
                Release::Effect(id) => left.push(id),
                Release::Persist(ticket, id) => {
                    left.push(id);
                    outbox.acknowledge(ticket)?;
                }
            }
        }
        prop_assert_eq!(left, (0..stated.len()).collect::<Vec<_>>());
    }
}

#[test]
fn a_failed_persist_withholds_all_that_was_queued_for_ever() {
    let mut outbox = Outbox::new(10);
    outbox.persist("vote");
    outbox.push("gossip the vote");
    let Ok(Some(Release::Persist(ticket, _))) = outbox.release() else { panic!("the record leaves first") };
    let error = outbox.fail("no space left on device");
    assert!(error.to_string().contains("no space left on device"));
    outbox.push("something later");
    assert_eq!(outbox.release(), Err(error.clone()));
    assert_eq!(outbox.acknowledge(ticket), Err(error), "a late acknowledgement revives nothing");
    assert!(outbox.is_empty());
}

#[test]
fn an_outbox_whose_disk_does_not_answer_fails_instead_of_growing() {
    let mut outbox = Outbox::<&str, &str>::new(3);
    outbox.persist("record");
    assert!(matches!(outbox.release(), Ok(Some(Release::Persist(..)))));
    for _ in 0..3 {
        outbox.push("waits");
    }
    assert_eq!(outbox.check(), Ok(()));
    outbox.push("one too many");
    assert_eq!(outbox.release(), Err(OutboxError::Overflow(4)));
    assert!(outbox.is_empty());
}

#[test]
fn an_acknowledgement_of_another_record_is_an_error() {
    let mut outbox = Outbox::<&str, &str>::new(3);
    outbox.persist("first");
    outbox.persist("second");
    let Ok(Some(Release::Persist(first, _))) = outbox.release() else { panic!("it leaves") };
    outbox.acknowledge(first).unwrap();
    let Ok(Some(Release::Persist(second, _))) = outbox.release() else { panic!("it leaves") };
    assert_ne!(first, second);
    let wrong = OutboxError::WrongTicket { expected: Some(second), got: first };
    assert_eq!(outbox.acknowledge(first), Err(wrong.clone()));
    assert_eq!(outbox.release(), Err(wrong));
}
