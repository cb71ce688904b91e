//! Asks a running service whether it is ready, for containers that have no other client.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, ToSocketAddrs, lookup_host};

/// Shorter than the patience of those who ask, and longer than a ready service takes.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Asks the service that listens at `listen`, an address or a name with a port, for `/readyz`. An address that means "every interface"
/// is asked on the loopback.
///
/// # Errors
///
/// One line that says why, when the answer is not 200 or has not come within three seconds.
pub async fn check(listen: impl ToSocketAddrs + fmt::Display) -> Result<(), String> {
    check_within(listen, TIMEOUT).await
}

async fn check_within(
    listen: impl ToSocketAddrs + fmt::Display,
    timeout: Duration,
) -> Result<(), String> {
    let address = listen.to_string();
    match tokio::time::timeout(timeout, ask(listen)).await {
        Ok(Ok(StatusCode::OK)) => Ok(()),
        Ok(Ok(status)) => {
            Err(format!("the service at {address} is not ready: it answers {status}"))
        }
        Ok(Err(reason)) => Err(format!("the service at {address} cannot be asked: {reason}")),
        Err(_) => Err(format!("the service at {address} does not answer within {timeout:?}")),
    }
}

/// The address to connect to: no client can connect to the unspecified one (0.0.0.0, ::), which
/// stands for all of the machine's addresses.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, listen.port())
}

async fn ask(listen: impl ToSocketAddrs + fmt::Display) -> Result<StatusCode, String> {
    let host = listen.to_string();
    let addresses = lookup_host(listen).await.map_err(|error| error.to_string())?;
    let addresses: Vec<_> = addresses.map(reachable).collect();
    let stream = TcpStream::connect(&addresses[..]).await.map_err(|error| error.to_string())?;
    let (mut client, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let request = Request::get("/readyz")
        .header(header::HOST, host)
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let answer = async {
        let answer = client.send_request(request).await;
        answer.map(|answer| answer.status()).map_err(|error| error.to_string())
    };
    // The connection has to be driven for the answer to come; the answer ends the asking.
    let driven = async {
        match connection.await {
            Ok(()) => std::future::pending().await,
            Err(error) => error.to_string(),
        }
    };
    tokio::select! {
        biased;
        answer = answer => answer,
        error = driven => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread;

    use tokio::net::TcpSocket;

    use super::*;

    #[tokio::test]
    async fn ready_is_200_and_nothing_else() {
        check_answer(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nready", Ok(())).await;
        check_answer(
            b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
            Err("is not ready: it answers 503 Service Unavailable"),
        )
        .await;
        check_answer(
            b"HTTP/1.1 204 No Content\r\n\r\n",
            Err("is not ready: it answers 204 No Content"),
        )
        .await;
    }

    #[tokio::test]
    async fn no_answer_is_one_clear_line() {
        check_answer(b"", Err("cannot be asked: connection closed before message completed")).await;
        check_answer(b"220 mail\r\n", Err("cannot be asked: invalid HTTP version parsed")).await;
        // Bound and not listening: no other socket is given the port while this one lives.
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        let refused = socket.local_addr().expect("it is bound");
        let error = check(refused).await.expect_err("nothing listens there");
        assert!(error.starts_with(&format!("the service at {refused} cannot be asked: ")));
        assert!(error.contains("refused"), "{error}");
    }

    /// The kernel connects the client, and no answer ever comes.
    #[tokio::test]
    async fn a_service_that_hangs_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let error = check_within(address, Duration::from_millis(200)).await.expect_err("silence");
        assert_eq!(error, format!("the service at {address} does not answer within 200ms"));
    }

    #[test]
    fn every_interface_is_asked_on_the_loopback() {
        for (listen, expected) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:8080", "[::1]:8080"),
            ("192.0.2.7:80", "192.0.2.7:80"),
            ("[2001:db8::7]:80", "[2001:db8::7]:80"),
        ] {
            let listen = listen.parse().expect("an address");
            assert_eq!(reachable(listen).to_string(), expected);
        }
    }

    async fn check_answer(answer: &'static [u8], expected: Result<(), &str>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let service = thread::spawn(move || {
            let (mut client, _) = listener.accept().expect("a client");
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                client.read_exact(&mut byte).expect("a request");
                request.push(byte[0]);
            }
            client.write_all(answer).expect("the client reads");
            String::from_utf8(request).expect("text")
        });
        let result = check(address).await;
        let expected = expected.map_err(|reason| format!("the service at {address} {reason}"));
        assert_eq!(result, expected);
        let request = service.join().expect("no panic");
        assert!(request.starts_with("GET /readyz HTTP/1.1\r\n"), "{request}");
        assert!(request.contains(&format!("host: {address}\r\n")), "{request}");
    }
}
