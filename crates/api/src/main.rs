//! The program: reads its configuration and does what it is told.

use std::process::ExitCode;

fn main() -> ExitCode {
    vacancy::cli::run(vacancy::config::parse())
}
