//! The load: a fixed number of connections, each in a closed loop, over bare HTTP/1.1.
//!
//! It shares the machine with what it measures, so it does little: requests are written by the
//! caller into one buffer, and of an answer only the status, the length and, of a 409, the reason
//! are looked at.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt, Error, ErrorKind, Result};
use tokio::net::TcpStream;

/// How long after its end a load may still wait for answers.
const GRACE: Duration = Duration::from_secs(30);
/// The largest answer.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// How often one client connects anew before it gives up.
const BROKEN_MAX: u64 = 100;

/// Writes the next request into an empty buffer. False when there is none left.
pub type Next = Arc<dyn Fn(&mut Vec<u8>) -> bool + Send + Sync>;

/// What was answered, and after which time.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// How many answers of each status; 0 stands for connections that broke.
    pub by_status: BTreeMap<u16, u64>,
    /// How many of those with 409 said `lock_conflict`.
    pub lock_conflicts: u64,
    /// How long each took, in microseconds, in ascending order.
    pub latencies: Vec<u32>,
}

impl Answers {
    /// How many had this status.
    pub fn count(&self, status: u16) -> u64 {
        self.by_status.get(&status).copied().unwrap_or_default()
    }

    /// How many there were.
    pub fn total(&self) -> u64 {
        self.by_status.values().sum()
    }

    /// How many left it open whether the request took effect.
    pub fn open(&self) -> u64 {
        self.count(0) + self.count(504)
    }

    fn add(&mut self, other: Self) {
        for (status, count) in other.by_status {
            *self.by_status.entry(status).or_default() += count;
        }
        self.lock_conflicts += other.lock_conflicts;
        self.latencies.extend(other.latencies);
    }
}

/// Sends requests from `clients` connections, spread evenly over `addresses`, for this long.
///
/// Panics when nothing listens there any more or an answer does not come within 30 s of the end.
pub async fn run(
    addresses: &[SocketAddr],
    clients: usize,
    duration: Duration,
    next: &Next,
) -> Answers {
    let began = Instant::now();
    let client = |index: usize| {
        let client = Client { address: addresses[index % addresses.len()], next: next.clone() };
        let work = client.run(began + duration);
        tokio::spawn(tokio::time::timeout(duration + GRACE, work))
    };
    let clients: Vec<_> = (0..clients).map(client).collect();
    let mut answers = Answers::default();
    for client in clients {
        let of_one = client.await.expect("a client ends without a panic");
        answers.add(of_one.expect("every request is answered in the end"));
    }
    answers.elapsed = began.elapsed();
    answers.latencies.sort_unstable();
    answers
}

struct Client {
    address: SocketAddr,
    next: Next,
}

impl Client {
    async fn run(self, end: Instant) -> Answers {
        let mut answers = Answers::default();
        let mut request = Vec::new();
        let mut stream = self.connect().await;
        let mut buffer = Vec::with_capacity(16 << 10);
        loop {
            request.clear();
            let asked = Instant::now();
            if asked >= end || !(self.next)(&mut request) {
                return answers;
            }
            let answer = exchange(&mut stream, &request, &mut buffer).await;
            let (status, body) = answer.unwrap_or_default();
            if status == 0 {
                assert!(answers.count(0) < BROKEN_MAX, "{} breaks off", self.address);
                stream = self.connect().await;
            }
            *answers.by_status.entry(status).or_default() += 1;
            if status == 409 && contains(&buffer[body..], b"lock_conflict") {
                answers.lock_conflicts += 1;
            }
            let micros = asked.elapsed().as_micros();
            answers.latencies.push(u32::try_from(micros).unwrap_or(u32::MAX));
        }
    }

    async fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).await;
        let stream = stream.unwrap_or_else(|error| panic!("{}: {error}", self.address));
        stream.set_nodelay(true).expect("a socket takes this option");
        stream
    }
}

/// Sends one request and reads the whole answer into `buffer`. Returns its status and where in the
/// buffer its body begins. Fails when the connection breaks.
pub async fn exchange(
    stream: &mut TcpStream,
    request: &[u8],
    buffer: &mut Vec<u8>,
) -> Result<(u16, usize)> {
    stream.write_all(request).await?;
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if buffer.len() > ANSWER_BYTES_MAX {
            return Err(ErrorKind::InvalidData.into());
        }
        let Some(head) = Head::parse(buffer)? else { continue };
        if buffer.len() >= head.bytes + head.body_bytes {
            return Ok((head.status, head.bytes));
        }
    }
}

/// The head of an answer.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// How long it is, the blank line included.
    bytes: usize,
    /// How long the body behind it is.
    body_bytes: usize,
}

impl Head {
    /// None while it is not there as a whole. Fails when it is no HTTP/1.1 answer of a known length.
    fn parse(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = std::str::from_utf8(&bytes[..end]).map_err(|_| ErrorKind::InvalidData)?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 "));
        let status: Option<u16> = status.and_then(|rest| rest.get(..3)?.parse().ok());
        let length = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        match (status, length) {
            (Some(status), Some(body_bytes)) => {
                Ok(Some(Self { status, bytes: end + 4, body_bytes }))
            }
            (Some(status @ (204 | 304)), None) => {
                Ok(Some(Self { status, bytes: end + 4, body_bytes: 0 }))
            }
            _ => Err(Error::new(ErrorKind::InvalidData, "no HTTP/1.1 answer of a known length")),
        }
    }
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_complete() {
        let answer = b"HTTP/1.1 409 Conflict\r\netag: \"7\"\r\nContent-Length:  12\r\n\r\nbody";
        let head = Head { status: 409, bytes: answer.len() - 4, body_bytes: 12 };
        assert_eq!(Head::parse(answer).expect("it reads"), Some(head));
        assert_eq!(Head::parse(&answer[..30]).expect("it may still come"), None);
        let empty = Head::parse(b"HTTP/1.1 204 No Content\r\n\r\n").expect("it reads");
        assert_eq!(empty.map(|head| (head.status, head.body_bytes)), Some((204, 0)));
    }

    #[test]
    fn what_has_no_known_length_is_refused() {
        for answer in ["HTTP/1.1 200 OK\r\n\r\n", "SMTP\r\n\r\n", "HTTP/1.1 2x\r\n\r\n"] {
            assert!(Head::parse(answer.as_bytes()).is_err(), "{answer}");
        }
    }

    #[test]
    fn a_word_is_found() {
        assert!(contains(b"a lock_conflict", b"lock_conflict"));
        assert!(!contains(b"lock", b"lock_conflict"));
    }
}
