//! The plans that PostgreSQL reports of the statements it carries out, by its module `auto_explain`:
//! what is explained is what was run, with the values it was run with.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Parameters of a connection's URL that have every plan reported to the client.
pub const REPORTED: &str = "options[session_preload_libraries]=auto_explain\
    &options[auto_explain.log_min_duration]=0&options[auto_explain.log_analyze]=on\
    &options[auto_explain.log_buffers]=on&options[auto_explain.log_format]=json\
    &options[auto_explain.log_level]=notice";

/// The plans reported so far on this thread, each with its statement.
#[derive(Clone, Debug, Default)]
pub struct Reported(Arc<Mutex<Vec<Value>>>);

impl Reported {
    /// Listens until the guard is dropped.
    pub fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let listening = tracing_subscriber::registry().with(Listener(self.clone()));
        tracing::subscriber::set_default(listening)
    }

    /// Takes what was reported since it was last asked.
    pub fn take(&self) -> Vec<Value> {
        std::mem::take(&mut *self.0.lock().expect("no test panics while holding it"))
    }
}

struct Listener(Reported);

impl<S: Subscriber> Layer<S> for Listener {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != "sqlx::postgres::notice" {
            return;
        }
        let mut message = Message::default();
        event.record(&mut message);
        let Some((_, plan)) = message.0.split_once("plan:\n") else { return };
        let plan = serde_json::from_str(plan).expect("a plan is JSON");
        self.0.0.lock().expect("no test panics while holding it").push(plan);
    }
}

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            write!(self.0, "{value:?}").expect("text grows");
        }
    }
}
