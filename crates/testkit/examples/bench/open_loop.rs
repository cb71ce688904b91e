//! A load at a rate of its own: requests go out when they are due, whether or not others have been
//! answered, as they do when many clients come. Clients wait so long and then hang up.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};

use crate::load::{Next, exchange};

/// How often it is looked which requests are due.
const TICK: Duration = Duration::from_millis(1);
/// The most requests under way at once; what is due beyond is counted as not sent.
const UNDER_WAY_MAX: usize = 8_000;

/// What to send and how long to wait for answers.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// Requests a second.
    pub rate: f64,
    /// How long they go out.
    pub duration: Duration,
    /// How long a client waits for its answer before it hangs up.
    pub patience: Duration,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// How many requests were due.
    pub due: u64,
    /// Answers within the patience, by status; 0 stands for connections that broke or were refused.
    pub by_status: BTreeMap<u16, u64>,
    /// How many clients hung up.
    pub gave_up: u64,
    /// How long each 201 took, in microseconds.
    pub latencies: Vec<u32>,
}

impl Outcome {
    /// Bookings in time, a second.
    pub fn goodput(&self, offer: Offer) -> f64 {
        let created = self.by_status.get(&201).copied().unwrap_or_default();
        created as f64 / offer.duration.as_secs_f64()
    }
}

/// Connections that wait for their next request.
type Idle = Rc<RefCell<Vec<TcpStream>>>;

/// Offers the load and waits until every client has its answer or has hung up.
pub async fn run(address: SocketAddr, offer: Offer, next: &Next) -> Outcome {
    let here = LocalSet::new();
    here.run_until(offered(address, offer, next)).await
}

async fn offered(address: SocketAddr, offer: Offer, next: &Next) -> Outcome {
    let began = Instant::now();
    let idle = Idle::default();
    let outcome = Rc::new(RefCell::new(Outcome::default()));
    let mut clients = JoinSet::new();
    let mut ticks = tokio::time::interval(TICK);
    let mut request = Vec::new();
    while began.elapsed() < offer.duration {
        ticks.tick().await;
        let elapsed = began.elapsed().min(offer.duration);
        let due = (elapsed.as_secs_f64() * offer.rate) as u64;
        while outcome.borrow().due < due {
            outcome.borrow_mut().due += 1;
            while clients.try_join_next().is_some() {}
            request.clear();
            if clients.len() >= UNDER_WAY_MAX || !next(&mut request) {
                continue;
            }
            let (idle, outcome, request) = (idle.clone(), outcome.clone(), request.clone());
            clients.spawn_local(async move {
                let asked = Instant::now();
                let answer = tokio::time::timeout(offer.patience, ask(address, &idle, &request));
                let answer = answer.await.ok();
                outcome.borrow_mut().count(answer, asked.elapsed());
            });
        }
    }
    while clients.join_next().await.is_some() {}
    outcome.take()
}

/// Sends a request on a connection that is open, or on a new one. A connection is kept unless it
/// broke or the caller lost its patience. Returns the status, or 0.
async fn ask(address: SocketAddr, idle: &Idle, request: &[u8]) -> u16 {
    let kept = idle.borrow_mut().pop();
    let stream = match kept {
        Some(stream) => Ok(stream),
        None => TcpStream::connect(address).await,
    };
    let Ok(mut stream) = stream else { return 0 };
    let mut buffer = Vec::with_capacity(1 << 10);
    match exchange(&mut stream, request, &mut buffer).await {
        Ok((status, _)) => {
            if !buffer.windows(17).any(|window| window.eq_ignore_ascii_case(b"connection: close")) {
                idle.borrow_mut().push(stream);
            }
            status
        }
        Err(_) => 0,
    }
}

impl Outcome {
    fn count(&mut self, answer: Option<u16>, took: Duration) {
        let Some(status) = answer else {
            self.gave_up += 1;
            return;
        };
        *self.by_status.entry(status).or_default() += 1;
        if status == 201 {
            self.latencies.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        }
    }
}
