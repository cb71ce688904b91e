//! What no request can bring about from outside: a decision that panics.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;
use uuid::Uuid;
use vacancy_domain::Version;
use vacancy_persistence::{Answer, CommitGate, Store, StoreOptions};
use vacancy_testkit::folder::Folder;

use super::*;
use crate::about::{About, Kind, Scope};
use crate::app::Settings;
use crate::config::RetryPolicy;
use crate::http::request::WriteContext;
use crate::write::operation::{Look, Operation, Subject, Way};

const ABOUT: About = About { id: "test", kind: Kind::Command, scope: Scope::Book };
const ROOM: RoomId = RoomId(Uuid::nil());

/// Decides, or panics.
#[derive(Debug)]
struct Test {
    panics: bool,
}

impl Operation for Test {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn counts_as(&self) -> crate::metrics::Operation {
        crate::metrics::Operation::Confirm
    }

    fn looks_at(&self) -> Look {
        // At no row: there is none, and what a request looks at must be there for it.
        Look::default()
    }

    fn subject(&self, _: &Seen) -> Result<Subject, Problem> {
        Ok(Subject { kind: "room", id: ROOM.0, version: Version::FIRST })
    }

    fn decide(&self, _: &Seen, _: &mut Turn) -> Result<Ruling, Stop> {
        assert!(!self.panics, "on purpose");
        Ok(Ruling::Unchanged(Answer { status: 200, version: None, location: None, body: None }))
    }
}

#[tokio::test]
async fn a_panic_in_one_decision_is_told_to_that_request_alone() {
    let folder = Folder::new("panic");
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("vacancy.db").display());
    let request_timeout = Duration::from_secs(5);
    let options =
        StoreOptions { url, connections: 1, statement_timeout: request_timeout, exclusive: true };
    let store = Store::connect(&options).await.expect("a new folder can be written");
    store.migrate().await.expect("an empty database can be migrated");
    let retry =
        RetryPolicy { attempts: 1, base_delay: request_timeout, multiplier: 1, jitter: 0.0 };
    let key_time_to_live = request_timeout;
    let settings = Settings {
        retry,
        request_timeout,
        key_time_to_live,
        room_lanes: true,
        forwarded_prefix: false,
        guest_retention_days: None,
    };
    let app = App::new(store, settings);

    let (mut members, mut ends) = (Vec::new(), Vec::new());
    for panics in [false, true, false] {
        let (ended, end) = oneshot::channel();
        ends.push(end);
        members.push(Member {
            operation: Arc::new(Test { panics }),
            context: Arc::new(WriteContext::internal("a test")),
            gate: Arc::new(CommitGate::default()),
            attempt: 1,
            way: Way::default(),
            deadline: Instant::now() + request_timeout,
            resolved: true,
            since: Instant::now(),
            ended,
        });
    }
    attempt(app, vec![ROOM], members, ()).await;
    for (place, end) in ends.into_iter().enumerate() {
        let end = end.await.expect("each is told its end").end;
        let panicked = matches!(&end, End::Stopped(problem, _) if problem.code().status() == 500);
        let done = matches!(end, End::Done(_, ReplyKind::Unchanged));
        assert_eq!((panicked, done), (place == 1, place != 1), "{place}: {end:?}");
    }
}
