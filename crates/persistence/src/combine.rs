//! Natural batching: calls that come while others are under way wait, and go together next.
//!
//! A call on an idle database finds a free slot and goes at once, alone; no timer holds it back for
//! company. Under load the calls that wait for a slot share the next one, and with it its round trip,
//! its connection and the flush of its commit.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc, oneshot};

/// How many calls may wait for a slot before callers wait for a place to wait.
const QUEUE_MAX: usize = 4096;

/// Takes calls `Q` and answers each with an `R`. Clones share their slots.
#[derive(Debug)]
pub(crate) struct Combiner<Q, R> {
    queue: mpsc::Sender<Call<Q, R>>,
}

#[derive(Debug)]
struct Call<Q, R> {
    ask: Q,
    answer: oneshot::Sender<R>,
}

impl<Q, R> Clone for Combiner<Q, R> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

impl<Q: Send + 'static, R: Send + 'static> Combiner<Q, R> {
    /// At most `slots` batches of at most `most` calls each are under way. `run` answers a batch, in
    /// its order; a call without an answer hears that it was dropped.
    pub(crate) fn new<F>(
        slots: usize,
        most: usize,
        run: impl Fn(Vec<Q>) -> F + Clone + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Vec<R>> + Send + 'static,
    {
        let (queue, mut waiting) = mpsc::channel::<Call<Q, R>>(QUEUE_MAX);
        let slots = Arc::new(Semaphore::new(slots));
        tokio::spawn(async move {
            // The slot first: what comes until there is one goes along.
            while let Ok(slot) = slots.clone().acquire_owned().await {
                let mut calls = Vec::new();
                if waiting.recv_many(&mut calls, most).await == 0 {
                    return;
                }
                // A caller that was given up is not asked for.
                calls.retain(|call| !call.answer.is_closed());
                let (asks, answers): (Vec<_>, Vec<_>) =
                    calls.into_iter().map(|call| (call.ask, call.answer)).unzip();
                let run = run.clone();
                // In a task of its own: no caller that is given up takes the others along.
                tokio::spawn(async move {
                    let done = run(asks).await;
                    drop(slot);
                    for (answer, done) in answers.into_iter().zip(done) {
                        let _ = answer.send(done);
                    }
                });
            }
        });
        Self { queue }
    }

    /// The answer to `ask`; none if its batch was dropped, as a panic or the end of the runtime does.
    pub(crate) async fn call(&self, ask: Q) -> Option<R> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Call { ask, answer }).await.ok()?;
        answered.await.ok()
    }
}
