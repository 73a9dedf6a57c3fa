//! One address, many incarnations.

use alys_bus::{Address, AskError, Limits, TellError};

use super::support::{Restarter, Victim, ctx, echo, notes, occupy, start, stop, victim, within};

#[tokio::test]
async fn stale_ref() {
    let (address, actor) = victim(Limits::default()).await;
    let (held_before, control) = (address.clone(), address.control());
    address.try_tell(ctx(), Victim::Note { n: 1 }).unwrap();
    stop(&actor).await;
    address.unbind();
    assert_eq!(echo(&held_before, 1).await, Err(AskError::Unavailable("victim")));
    let again = start(&address, None).await;
    assert_ne!(actor.get_id(), again.get_id());
    assert_eq!(
        echo(&held_before, 1).await,
        Ok(2),
        "a handle of before the restart leads to the new incarnation"
    );
    assert_eq!(echo(&control, 2).await, Ok(3));
    assert_eq!(notes(&address).await, Vec::<u64>::new(), "it is a new one");
}

#[tokio::test]
async fn a_panic_on_any_message_restarts_a_real_actor_and_its_askers_see_a_typed_error() {
    let address = Address::<Victim>::new(Limits::default());
    let (mut incarnations, args, _) = Restarter::start(&address).await;
    let first = within(incarnations.recv()).await.unwrap();
    let go = occupy(&address).await;
    address.try_tell(ctx(), Victim::Panic { text: "boom" }).unwrap();
    let asker = tokio::spawn({
        let address = address.clone();
        async move { echo(&address, 1).await }
    });
    tokio::task::yield_now().await;
    go.send(()).unwrap();
    assert_eq!(within(asker).await.unwrap(), Err(AskError::NoReply("victim")));
    let second = within(incarnations.recv()).await.unwrap();
    assert_ne!(first.get_id(), second.get_id());
    assert_eq!(echo(&address, 1).await, Ok(2));
    assert_eq!(*args.ends.lock(), ["boom"]);
}

#[tokio::test]
async fn unbinding_a_hung_actor_frees_those_who_wait_in_its_control_lane() {
    let (address, _actor) = victim(Limits::default()).await;
    let _go = occupy(&address).await;
    let control = address.control();
    let asker = tokio::spawn({
        let control = control.clone();
        async move { echo(&control, 1).await }
    });
    tokio::task::yield_now().await;
    address.unbind();
    assert_eq!(within(asker).await.unwrap(), Err(AskError::NoReply("victim")));
    assert_eq!(control.try_tell(ctx(), Victim::Note { n: 1 }), Err(TellError::Unavailable("victim")));
}

#[tokio::test]
async fn binding_a_successor_frees_those_who_wait_for_its_predecessor() {
    let (address, _hung) = victim(Limits::default()).await;
    let _go = occupy(&address).await;
    let asker = tokio::spawn({
        let control = address.control();
        async move { echo(&control, 1).await }
    });
    tokio::task::yield_now().await;
    let _successor = start(&address, None).await;
    assert_eq!(within(asker).await.unwrap(), Err(AskError::NoReply("victim")));
    assert_eq!(echo(&address.control(), 1).await, Ok(2));
}

#[tokio::test]
async fn an_actor_that_fails_to_start_is_never_bound() {
    use alys_bus::{Feed, Inbox, spawn_actor};
    use ractor::{Actor, ActorProcessingErr, ActorRef};

    struct Stillborn;
    impl Actor for Stillborn {
        type Msg = Inbox<Victim, ()>;
        type State = Feed<Victim>;
        type Arguments = Feed<Victim>;
        async fn pre_start(
            &self,
            _: ActorRef<Self::Msg>,
            _: Feed<Victim>,
        ) -> Result<Feed<Victim>, ActorProcessingErr> {
            Err("no disk".into())
        }
    }
    let address = Address::<Victim>::new(Limits::default());
    assert!(spawn_actor(&address, None, Stillborn, |feed| feed).await.is_err());
    assert!(!address.is_bound());
    assert_eq!(echo(&address, 1).await, Err(AskError::Unavailable("victim")));
}
