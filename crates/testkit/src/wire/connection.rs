//! One connection, carried between client and server.

use std::io::Result;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::message::Message;
use super::requests::{Requests, Withheld};
use super::state::Shared;

/// Codes that stand where a startup message has its protocol version.
const TLS_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;

/// Carries one connection until either side ends it or it is cut.
pub(super) async fn connect(
    client: TcpStream,
    upstream: SocketAddr,
    shared: &Shared,
) -> Result<()> {
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
            // A COMMIT of a failed transaction is answered ROLLBACK; a failed statement, by no C.
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
