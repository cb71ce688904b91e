//! The environment as a whole.

use super::error::ConfigError;

/// Fails when a variable that this program may read is not UTF-8, and names it. Such a variable must
/// not count as absent: the bookings would go into a database of the default name.
pub(super) fn check_readable() -> Result<(), ConfigError> {
    for (name, value) in std::env::vars_os() {
        let is_ours = name == "DATABASE_URL" || name.as_encoded_bytes().starts_with(b"VACANCY_");
        if is_ours && (value.to_str().is_none() || name.to_str().is_none()) {
            let name = name.to_string_lossy();
            return Err(ConfigError::invalid(&format!("the variable {name} is not UTF-8")));
        }
    }
    Ok(())
}
