//! A wire between the service and PostgreSQL that can be cut at the worst moment: at COMMIT.
//!
//! It understands as much of the protocol (version 3, without TLS) as it takes to see which
//! statement the client has executed, by a simple query or by Parse, Bind and Execute.

use std::collections::HashMap;
use std::io::{ErrorKind, Result};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Longer than any message of these tests; a length beyond it means that we lost the thread.
const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// The most statements that [`Wire::record`] keeps; later ones are passed over.
const RECORDED_MAX: usize = 100_000;

/// Later than any turn that comes.
const NOTHING_WITHHELD: u64 = u64::MAX;

/// Codes that stand where a startup message has its protocol version.
const TLS_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;

/// What happens to the next commits on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cut {
    /// They pass.
    #[default]
    None,
    /// Of the next that many, PostgreSQL never hears: COMMIT is swallowed, the connection closed.
    BeforeCommit(u32),
    /// The next that many take effect and the client never hears: COMMIT is forwarded, the server's
    /// answer awaited and swallowed, the connection closed.
    AfterCommit(u32),
    /// The next that many take effect, and from then on nothing comes back: the server's answer is
    /// awaited and swallowed, the connection stays open.
    Unanswered(u32),
}

impl Cut {
    /// What to do to one commit, and with that the number of those still to come goes down.
    fn take(&mut self) -> Self {
        let taken = *self;
        match self {
            Self::None => {}
            Self::BeforeCommit(rest) | Self::AfterCommit(rest) | Self::Unanswered(rest) => {
                *rest = rest.saturating_sub(1);
                if *rest == 0 {
                    *self = Self::None;
                }
            }
        }
        taken
    }
}

/// What a wire has done since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections passed on to PostgreSQL.
    pub connections: u64,
    /// Connections turned away while refusing.
    pub refused: u64,
    /// Commits that passed unharmed.
    pub passed: u64,
    /// Commits swallowed.
    pub cut_before: u64,
    /// Commits that took effect and whose answer was swallowed.
    pub cut_after: u64,
    /// Commits forwarded to be cut afterwards that PostgreSQL answered by an error or a rollback;
    /// that answer was swallowed too.
    pub failed: u64,
}

/// A proxy on a free port of 127.0.0.1 in front of a PostgreSQL server. It ends with this value.
#[derive(Debug)]
pub struct Wire {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Changes whenever all connections are to be closed.
    hang_up: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    cut: Cut,
    refusing: bool,
    counters: Counters,
    recorded: Option<Vec<String>>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding the state")
    }

    fn record(&self, statement: &str) {
        if let Some(recorded) = &mut self.state().recorded
            && recorded.len() < RECORDED_MAX
        {
            recorded.push(statement.to_owned());
        }
    }

    /// What to do to a commit that came; counted, unless its fate is still open.
    fn next_commit(&self) -> Cut {
        let state = &mut *self.state();
        let cut = state.cut.take();
        match cut {
            Cut::None => state.counters.passed += 1,
            Cut::BeforeCommit(_) => state.counters.cut_before += 1,
            Cut::AfterCommit(_) | Cut::Unanswered(_) => {}
        }
        cut
    }
}

impl Wire {
    /// A wire to the server at `upstream`.
    pub async fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (hang_up, _) = watch::channel(());
        let shared = Arc::new(Shared { state: Mutex::default(), hang_up });
        let accepting = tokio::spawn(accept(listener, upstream, Arc::clone(&shared)));
        Self { address, shared, accepting }
    }

    /// Where clients connect in place of the server.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// A server's or database's URL with this wire's address in place of the server's.
    pub fn url(&self, upstream: &str) -> String {
        let mut url = reqwest::Url::parse(upstream).expect("a postgres:// URL");
        url.set_ip_host(self.address.ip()).expect("such a URL has a host");
        url.set_port(Some(self.address.port())).expect("such a URL has a port");
        url.into()
    }

    /// What to do to the next commits, on whichever connection they come.
    pub fn cut(&self, cut: Cut) {
        self.shared.state().cut = match cut {
            Cut::BeforeCommit(0) | Cut::AfterCommit(0) | Cut::Unanswered(0) => Cut::None,
            Cut::None | Cut::BeforeCommit(_) | Cut::AfterCommit(_) | Cut::Unanswered(_) => cut,
        };
    }

    /// What is still to be done to the next commits.
    pub fn armed(&self) -> Cut {
        self.shared.state().cut
    }

    /// Closes every new connection at once, until [`Wire::accept`]. Present ones stay.
    pub fn refuse(&self) {
        self.shared.state().refusing = true;
    }

    /// Passes new connections on again.
    pub fn accept(&self) {
        self.shared.state().refusing = false;
    }

    /// Closes every present connection.
    pub fn hang_up(&self) {
        self.shared.hang_up.send_replace(());
    }

    /// What it has done so far.
    pub fn counters(&self) -> Counters {
        self.shared.state().counters
    }

    /// From now on keeps the text of every statement executed, over all connections.
    pub fn record(&self) {
        self.shared.state().recorded = Some(Vec::new());
    }

    /// The statements executed since the last call of this or of [`Wire::record`], oldest first.
    ///
    /// Panics when nothing is being recorded.
    pub fn take_recorded(&self) -> Vec<String> {
        let mut state = self.shared.state();
        let recorded = state.recorded.as_mut().expect("call `record` first");
        std::mem::take(recorded)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.accepting.abort();
        self.hang_up();
    }
}

async fn accept(listener: TcpListener, upstream: SocketAddr, shared: Arc<Shared>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: some will come back.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        {
            let mut state = shared.state();
            if state.refusing {
                state.counters.refused += 1;
                continue;
            }
            state.counters.connections += 1;
        }
        let mut hang_up = shared.hang_up.subscribe();
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            tokio::select! {
                // Either side breaking off is the connection's end, and nobody is left to tell.
                _ = connect(client, upstream, &shared) => {}
                _ = hang_up.changed() => {}
            }
        });
    }
}

/// Carries one connection until either side ends it or it is cut.
async fn connect(client: TcpStream, upstream: SocketAddr, shared: &Shared) -> Result<()> {
    let server = TcpStream::connect(upstream).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, mut to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let mut from_client = BufReader::new(from_client);
    pass_startup(&mut from_client, &mut to_client, &mut to_server).await?;
    let withheld = Withheld::default();
    let requests = Requests::new(shared, &withheld);
    tokio::select! {
        ended = requests.pass(from_client, to_server) => ended,
        ended = pass_answers(BufReader::new(from_server), to_client, shared, &withheld) => ended,
    }
}

/// Declines encryption, as the server behind would, and passes the startup message on.
async fn pass_startup(
    client: &mut BufReader<OwnedReadHalf>,
    to_client: &mut OwnedWriteHalf,
    to_server: &mut OwnedWriteHalf,
) -> Result<()> {
    loop {
        let startup = Message::read_untyped(client).await?;
        match startup.body.first_chunk().map(|code| u32::from_be_bytes(*code)) {
            Some(TLS_REQUEST | GSS_REQUEST) => to_client.write_all(b"N").await?,
            _ => return to_server.write_all(&startup.bytes()).await,
        }
    }
}

/// What the client of one connection does not hear.
#[derive(Debug)]
struct Withheld {
    /// The turn from which on it hears nothing.
    from: AtomicU64,
    /// Whether it does not even hear that the connection has ended.
    silently: AtomicBool,
}

impl Default for Withheld {
    fn default() -> Self {
        Self { from: AtomicU64::new(NOTHING_WITHHELD), silently: AtomicBool::new(false) }
    }
}

/// What the client asks on one connection.
///
/// The server answers in turns, each ended by `ReadyForQuery`: one to the startup, then one to each
/// Sync or simple query. So the turn that answers a COMMIT is known when it is asked.
struct Requests<'a> {
    shared: &'a Shared,
    withheld: &'a Withheld,
    turns: u64,
    statements: HashMap<Vec<u8>, String>,
    portals: HashMap<Vec<u8>, String>,
    /// Whether BEGIN was executed, and neither COMMIT nor ROLLBACK since.
    in_transaction: bool,
}

impl<'a> Requests<'a> {
    fn new(shared: &'a Shared, withheld: &'a Withheld) -> Self {
        let (statements, portals) = (HashMap::new(), HashMap::new());
        Self { shared, withheld, turns: 1, statements, portals, in_transaction: false }
    }

    /// Passes messages to the server until the client ends or a COMMIT is to be swallowed.
    async fn pass(
        mut self,
        mut client: BufReader<OwnedReadHalf>,
        mut server: OwnedWriteHalf,
    ) -> Result<()> {
        loop {
            let Ok(message) = Message::read(&mut client).await else {
                if self.withheld.from.load(Ordering::SeqCst) != NOTHING_WITHHELD {
                    // The fate of a COMMIT on its way is seen to its end, whoever waits for it.
                    std::future::pending::<()>().await;
                }
                return Ok(());
            };
            if let Some(statement) = self.executed(&message) {
                self.shared.record(&statement);
                if self.commits(&statement) {
                    match self.shared.next_commit() {
                        Cut::BeforeCommit(_) => return Ok(()),
                        cut @ (Cut::AfterCommit(_) | Cut::Unanswered(_)) => {
                            let silently = matches!(cut, Cut::Unanswered(_));
                            self.withheld.silently.store(silently, Ordering::SeqCst);
                            self.withheld.from.store(self.turns + 1, Ordering::SeqCst);
                        }
                        Cut::None => {}
                    }
                }
            }
            if matches!(message.kind, Some(b'Q' | b'S' | b'F')) {
                self.turns += 1;
            }
            server.write_all(&message.bytes()).await?;
        }
    }

    /// Whether this statement commits: COMMIT, or one that writes and is a transaction of its own.
    fn commits(&mut self, statement: &str) -> bool {
        let alone = !self.in_transaction && writes(statement);
        if begins(statement) {
            self.in_transaction = true;
        } else if ends(statement) {
            self.in_transaction = false;
        }
        alone || is_commit(statement)
    }

    /// The statement that this message has the server execute, if it does.
    fn executed(&mut self, message: &Message) -> Option<String> {
        let mut body = message.body.as_slice();
        match message.kind? {
            b'Q' => return Some(text(cut_string(&mut body))),
            b'P' => {
                let name = cut_string(&mut body).to_vec();
                self.statements.insert(name, text(cut_string(&mut body)));
            }
            b'B' => {
                let portal = cut_string(&mut body).to_vec();
                let statement = self.statements.get(cut_string(&mut body));
                self.portals.insert(portal, statement.cloned().unwrap_or_default());
            }
            b'E' => return self.portals.get(cut_string(&mut body)).cloned(),
            b'C' => {
                let (kind, name) = body.split_first()?;
                let names = if *kind == b'S' { &mut self.statements } else { &mut self.portals };
                let mut name = name;
                names.remove(cut_string(&mut name));
            }
            _ => {}
        }
        None
    }
}

/// Passes messages to the client until the server ends or an answer to be withheld is complete.
async fn pass_answers(
    mut server: BufReader<OwnedReadHalf>,
    mut client: OwnedWriteHalf,
    shared: &Shared,
    withheld: &Withheld,
) -> Result<()> {
    let mut turn = 1;
    let mut committed = false;
    loop {
        let message = Message::read(&mut server).await?;
        let turn_ends = message.kind == Some(b'Z');
        if turn < withheld.from.load(Ordering::SeqCst) {
            client.write_all(&message.bytes()).await?;
        } else {
            // A COMMIT of a failed transaction is answered ROLLBACK.
            committed |= message.kind == Some(b'C') && message.body != b"ROLLBACK\0";
            if turn_ends {
                let counters = &mut shared.state().counters;
                *if committed { &mut counters.cut_after } else { &mut counters.failed } += 1;
                break;
            }
        }
        turn += u64::from(turn_ends);
    }
    if withheld.silently.load(Ordering::SeqCst) {
        std::future::pending::<()>().await;
    }
    Ok(())
}

/// One message of the protocol.
struct Message {
    /// Its type; none for those that open a connection.
    kind: Option<u8>,
    body: Vec<u8>,
}

impl Message {
    async fn read(from: &mut BufReader<OwnedReadHalf>) -> Result<Self> {
        let kind = from.read_u8().await?;
        let message = Self::read_untyped(from).await?;
        Ok(Self { kind: Some(kind), ..message })
    }

    async fn read_untyped(from: &mut BufReader<OwnedReadHalf>) -> Result<Self> {
        // The length counts its own four bytes.
        let length = usize::try_from(from.read_u32().await?).ok().and_then(|n| n.checked_sub(4));
        let length = length.filter(|length| *length <= MESSAGE_BYTES_MAX);
        let mut body = vec![0; length.ok_or(ErrorKind::InvalidData)?];
        from.read_exact(&mut body).await?;
        Ok(Self { kind: None, body })
    }

    fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.body.len() + 4).expect("bounded when it was read");
        let mut bytes = Vec::with_capacity(self.body.len() + 5);
        bytes.extend(self.kind);
        bytes.extend(length.to_be_bytes());
        bytes.extend(&self.body);
        bytes
    }
}

fn begins(statement: &str) -> bool {
    statement.trim_start().get(..5).is_some_and(|word| word.eq_ignore_ascii_case("begin"))
}

fn ends(statement: &str) -> bool {
    is_commit(statement) || statement.trim().eq_ignore_ascii_case("rollback")
}

/// Whether a word of it writes rows.
fn writes(statement: &str) -> bool {
    let lines = statement.lines().filter(|line| !line.trim_start().starts_with("--"));
    let mut words = lines.flat_map(|line| line.split(|c: char| !c.is_ascii_alphabetic()));
    let mut writes = false;
    let mut before = "";
    words.by_ref().filter(|word| !word.is_empty()).for_each(|word| {
        // Not the UPDATE of a lock, nor a column.
        writes |= matches!((before, word), ("INSERT", "INTO") | ("DELETE", "FROM"))
            || (word == "SET" && statement.contains("UPDATE"));
        before = word;
    });
    writes
}

fn is_commit(statement: &str) -> bool {
    statement.trim().trim_end_matches(';').trim_end().eq_ignore_ascii_case("commit")
}

/// Cuts a string that a NUL ends off the front of `bytes`.
fn cut_string<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let string = &bytes[..end];
    *bytes = bytes.get(end + 1..).unwrap_or_default();
    string
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_statement_that_is_nothing_but_commit_is_one() {
        for statement in ["COMMIT", "commit;", " Commit ; "] {
            assert!(is_commit(statement), "{statement}");
        }
        for statement in ["", "ROLLBACK", "SELECT 'COMMIT'", "COMMIT PREPARED 'x'"] {
            assert!(!is_commit(statement), "{statement}");
        }
    }

    #[test]
    fn a_cut_is_used_up() {
        let mut cut = Cut::AfterCommit(2);
        assert_eq!(cut.take(), Cut::AfterCommit(2));
        assert_eq!(cut.take(), Cut::AfterCommit(1));
        assert_eq!(cut.take(), Cut::None);
    }

    #[test]
    fn a_commit_is_seen_through_a_prepared_statement() {
        let hang_up = watch::channel(()).0;
        let shared = Shared { state: Mutex::default(), hang_up };
        let withheld = Withheld::default();
        let mut requests = Requests::new(&shared, &withheld);
        let mut executed = |kind: u8, body: &[u8]| {
            requests.executed(&Message { kind: Some(kind), body: body.to_vec() })
        };
        assert_eq!(executed(b'P', b"s1\0COMMIT\0\0\0"), None);
        assert_eq!(executed(b'B', b"p1\0s1\0\0\0\0\0"), None);
        assert_eq!(executed(b'E', b"p1\0\0\0\0\0"), Some("COMMIT".to_owned()));
        assert_eq!(executed(b'C', b"Pp1\0"), None);
        assert_eq!(executed(b'E', b"p1\0\0\0\0\0"), None);
        assert_eq!(executed(b'Q', b"SELECT 1\0"), Some("SELECT 1".to_owned()));
    }
}
