//! The program: reads its configuration and does what it is told.

use std::process::ExitCode;

// The C library's allocator keeps what a crowd of clients once needed: its memory is given back from
// the top alone, and something small always stays there.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    vacancy::cli::run(vacancy::config::parse())
}
