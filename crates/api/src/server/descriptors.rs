//! How many file descriptors the process may have, and how many of them are for connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// More than this is never asked for.
const DESCRIPTORS_MAX: u64 = 1 << 20;
/// A connection to SQLite has the file, its log and its index open.
const PER_DATABASE_CONNECTION: u64 = 3;
/// The runtime's own, standard streams, locks, name resolution.
const OWN: u64 = 32;

/// Raises the soft limit on file descriptors to the hard one, and returns what holds then. Where
/// that is refused, the soft limit stays.
#[must_use]
pub fn raise_descriptors() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.unwrap_or(DESCRIPTORS_MAX).min(DESCRIPTORS_MAX);
    let current = current.unwrap_or(DESCRIPTORS_MAX);
    let raised = Rlimit { current: Some(wanted), maximum };
    if current < wanted && setrlimit(Resource::Nofile, raised).is_ok() { wanted } else { current }
}

/// How many clients may be connected, of `wanted`, when the process has `descriptors` and this many
/// connections to its database, and keeps some for probes. Half of a very small limit is for clients all the same.
#[must_use]
pub fn connections_for(
    wanted: usize,
    descriptors: u64,
    database_connections: u32,
    probes: usize,
) -> usize {
    let kept = OWN + probes as u64 + PER_DATABASE_CONNECTION * u64::from(database_connections);
    let left = descriptors.saturating_sub(kept).max(descriptors / 2);
    wanted.min(usize::try_from(left).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_database_and_the_process_need_is_kept() {
        for (descriptors, database, expected) in [
            (1_048_576, 16, 4_096),
            (1_024, 16, 880),
            (256, 16, 128),
            (64, 16, 32),
            (1_024, 1_000, 512),
            (0, 16, 0),
        ] {
            assert_eq!(
                connections_for(4_096, descriptors, database, 64),
                expected,
                "{descriptors}"
            );
        }
    }

    #[test]
    fn the_soft_limit_is_the_hard_one_afterwards() {
        let descriptors = raise_descriptors();
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!(current.unwrap_or(DESCRIPTORS_MAX), descriptors);
        assert_eq!(descriptors, maximum.unwrap_or(DESCRIPTORS_MAX).min(DESCRIPTORS_MAX));
    }
}
