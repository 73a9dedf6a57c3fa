//! The public contract of the protocol, on every backend.

use alys_bus::{Address, Inbox, Limits};
use alys_database::Backend;
use alys_storage::messages::Private;
use alys_storage::{StorageArgs, StorageConfig, StorageMessage, StorageSetup, spawn};
use alys_testkit::contract::Subject;
use ractor::ActorRef;
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// An incarnation, and its end.
type Running = (ActorRef<Inbox<StorageMessage, Private>>, JoinHandle<()>);

/// The storage actor over one folder.
struct Ours {
    address: Address<StorageMessage>,
    setup: StorageSetup,
    args: StorageArgs,
    running: Option<Running>,
    _folder: TempDir,
}

impl Ours {
    async fn start(backend: Backend) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = StorageConfig::new(backend, folder.path().join("storage"));
        let setup = StorageSetup::new(config).unwrap();
        let args = StorageArgs::open(&setup).unwrap();
        let address = Address::new(Limits::default());
        let running = Some(spawn(&address, None, args.clone()).await.unwrap());
        Self { address, setup, args, running, _folder: folder }
    }
}

impl Subject<StorageMessage> for Ours {
    fn address(&self) -> Address<StorageMessage> {
        self.address.clone()
    }

    /// A hard one: the threads end too, so that the database is opened again.
    async fn restart(&mut self) {
        if let Some((actor, ended)) = self.running.take() {
            actor.kill();
            ended.await.unwrap();
        }
        let deadline = alys_bus::Context::root(alys_testkit::PATIENCE).deadline;
        self.args.blocks.stop(deadline).await.unwrap();
        self.args.promises.stop(deadline).await.unwrap();
        self.args = StorageArgs::open(&self.setup).unwrap();
        self.running = Some(spawn(&self.address, None, self.args.clone()).await.unwrap());
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        if let Some((actor, _)) = &self.running {
            actor.kill();
        }
    }
}

mod memory {
    alys_testkit::storage_contract!(|| super::Ours::start(super::Backend::Memory));
}

mod sled {
    alys_testkit::storage_contract!(|| super::Ours::start(super::Backend::Sled));
}

mod redb {
    alys_testkit::storage_contract!(|| super::Ours::start(super::Backend::Redb));
}
