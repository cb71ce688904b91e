//! Stands in for `vacancy` in this crate's own tests of [`vacancy_testkit::process`].
//!
//! `serve` answers 200 to everything until SIGTERM and then ends with 0. With `--broken` it ends
//! with 2 before it listens. Anything else is echoed to stdout, waits as on a loaded machine, and ends
//! with 3.

use std::io::Write;
use std::process::ExitCode;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> std::io::Result<ExitCode> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let mut stdout = std::io::stdout();
    if arguments.iter().any(|argument| argument == "--broken") {
        eprintln!("it is broken");
        return Ok(ExitCode::from(2));
    }
    if arguments.first().is_none_or(|argument| argument != "serve") {
        writeln!(stdout, "{}", arguments.join(" "))?;
        eprintln!("2026-11-26T20:00:00Z  INFO vacancy::cli: waiting for the database to answer");
        eprintln!("that was all");
        return Ok(ExitCode::from(3));
    }
    let mut terminated = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("starting with {}", arguments.join(" "));
    writeln!(stdout, "a line before")?;
    writeln!(stdout, "listening on http://{}, try /docs", listener.local_addr()?)?;
    loop {
        tokio::select! {
            _ = terminated.recv() => return Ok(ExitCode::SUCCESS),
            accepted = listener.accept() => {
                let (mut stream, _) = accepted?;
                stream.read_buf(&mut Vec::new()).await?;
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                stream.write_all(answer).await?;
            }
        }
    }
}
