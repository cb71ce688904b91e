//! What the program does: `serve`, `migrate`, `audit`, `keys`, `openapi`, `healthcheck`. Whatever goes wrong
//! ends in one line on standard error and a status other than 0.

mod database;
mod keys;
mod letting_in;
mod output;
mod run;
mod serve;
mod signals;

pub use self::run::run;
pub use self::serve::run_until_stopped;
