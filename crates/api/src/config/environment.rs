//! The environment as a whole.

use super::error::ConfigError;

/// What begins every variable of this program.
const PREFIX: &str = "VACANCY_";

/// How many letters may be wrong, missing, added or swapped in the name of a variable for it to count
/// as misspelt.
const MISSPELT_MAX: usize = 2;

/// Fails when a variable that this program may read is not UTF-8, or when one is named almost like one
/// of `known`, and names it. Such a variable must not count as absent: the bookings would go into a
/// database of the default name.
///
/// Other names with this program's prefix are let be: a cluster makes some for a service called
/// `vacancy`, and so do this project's scripts.
pub(super) fn check(known: &[String]) -> Result<(), ConfigError> {
    for (name, value) in std::env::vars_os() {
        let is_ours =
            name == "DATABASE_URL" || name.as_encoded_bytes().starts_with(PREFIX.as_bytes());
        if !is_ours {
            continue;
        }
        if value.to_str().is_none() || name.to_str().is_none() {
            let name = name.to_string_lossy();
            return Err(ConfigError::invalid(&format!("the variable {name} is not UTF-8")));
        }
        let name = name.to_string_lossy();
        if let Some(meant) = meant(&name, known) {
            let what = format!("there is no variable {name}; did you mean {meant}?");
            return Err(ConfigError::invalid(&what));
        }
    }
    Ok(())
}

/// The variable whose name is misspelt as `name`; none when it is right, or means something else.
fn meant<'a>(name: &str, known: &'a [String]) -> Option<&'a String> {
    let rest = name.strip_prefix(PREFIX).filter(|_| !known.iter().any(|known| known == name))?;
    let near = known.iter().filter_map(|known| {
        let right = known.strip_prefix(PREFIX)?;
        let wrong = strsim::damerau_levenshtein(rest, right);
        // In a short name two wrong letters make another word. A part of a name is one as well.
        let misspelt = wrong <= MISSPELT_MAX && 3 * wrong < right.len() + 1;
        let shortened = right.strip_prefix(rest).is_some_and(|end| end.starts_with('_'));
        (misspelt || shortened).then_some((wrong, known))
    });
    near.min_by_key(|(wrong, _)| *wrong).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::super::command_line::{Cli, variables};
    use super::*;

    #[test]
    fn a_misspelt_name_is_told_from_another() {
        let known = variables(&Cli::command());
        for (name, expected) in [
            ("VACANCY_LISTN", Some("VACANCY_LISTEN")),
            ("VACANCY_DATABSE_URL", Some("VACANCY_DATABASE_URL")),
            ("VACANCY_DATABASE", Some("VACANCY_DATABASE_URL")),
            ("VACANCY_RETRY_ATTEMPT", Some("VACANCY_RETRY_ATTEMPTS")),
            ("VACANCY_SWEEP_INTERVALL", Some("VACANCY_SWEEP_INTERVAL")),
            ("VACANCY_LOGFORMAT", Some("VACANCY_LOG_FORMAT")),
            ("VACANCY_LGO", Some("VACANCY_LOG")),
            ("VACANCY_OUATH", None),
            ("VACANCY_LISTEN", None),
            // What Kubernetes makes for a service called vacancy.
            ("VACANCY_PORT", None),
            ("VACANCY_PORT_8080_TCP_ADDR", None),
            ("VACANCY_SERVICE_HOST", None),
            ("VACANCY_SERVICE_PORT_HTTP", None),
            // What this project's scripts use.
            ("VACANCY_BINARY", None),
            ("VACANCY_BACKUP_KEEP", None),
            ("VACANCY_DEPLOY_TOOLS", None),
            ("VACANCY_REPLICA_A", None),
            ("VACANCY_REQUIRE_POSTGRES", None),
            ("VACANCY_TEST_SEED", None),
            ("VACANCY_URL", None),
        ] {
            assert_eq!(meant(name, &known).map(String::as_str), expected, "{name}");
        }
    }
}
