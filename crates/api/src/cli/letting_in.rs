//! Who a service lets in that is started so: there is no default that puts bookings on a network
//! without a credential.

use std::net::SocketAddr;
use std::time::Duration;

use vacancy_persistence::Store;

use crate::auth::guard::GuardOptions;
use crate::auth::root_key::RootKey;
use crate::config::{AuthConfig, AuthMode, ConfigError};

/// How often a service that is open to a network says so.
const WARNING_INTERVAL: Duration = Duration::from_hours(1);

/// Decides who is let in by a service that listens at `address`. Fails when that was to be said and
/// was not, and when the root key cannot be read.
pub(super) fn guard(config: &AuthConfig, address: SocketAddr) -> Result<GuardOptions, ConfigError> {
    let loopback = address.ip().is_loopback();
    let required = match config.auth {
        Some(mode) => mode == AuthMode::Required,
        None if loopback => false,
        None => {
            return Err(ConfigError::invalid(&format!(
                "{address} can be reached from a network: make a key (vacancy keys create) and \
                 start with --auth required, or say --auth none"
            )));
        }
    };
    let root_key = config.root_key_file.as_deref().map(|path| {
        let unfit =
            |why| ConfigError::invalid(&format!("--root-key-file {}: {why}", path.display()));
        RootKey::read(path).map_err(unfit)
    });
    let (rate, burst) = (config.rate_limit, config.rate_burst);
    let (root_key, jwt) = (root_key.transpose()?, config.oidc.options()?);
    Ok(GuardOptions { required, loopback, root_key, jwt, rate, burst })
}

/// Fails when requests need a credential and there is none that is accepted.
pub(super) async fn check_any_key(guard: &GuardOptions, store: &Store) -> anyhow::Result<()> {
    let other = guard.root_key.is_some() || guard.jwt.is_some();
    if !guard.required || other || store.has_api_keys().await? {
        return Ok(());
    }
    let why = "--auth required, and there is no key: make one (vacancy keys create), or name a \
               --root-key-file or an --oidc-issuer";
    Err(ConfigError::invalid(why).into())
}

/// Warns now and every hour that every caller may do everything, if that is so.
pub(super) fn warn_if_open(guard: &GuardOptions, address: SocketAddr) {
    if guard.required || guard.loopback {
        return;
    }
    tokio::spawn(async move {
        let mut hours = tokio::time::interval(WARNING_INTERVAL);
        loop {
            hours.tick().await;
            tracing::warn!(%address, "--auth none: every caller that reaches this address may do everything");
        }
    });
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::Arc;

    use vacancy_testkit::folder::Folder;

    use super::*;

    fn said(auth: Option<AuthMode>) -> AuthConfig {
        AuthConfig { auth, ..crate::config::parse_from(["vacancy"]).expect("the defaults").auth }
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_is_open_to_a_network_says_so_at_once_and_every_hour() {
        let folder = Folder::new("warnings");
        let log = folder.path().join("log");
        let file = File::create(&log).expect("a new folder can be written");
        let subscriber = tracing_subscriber::fmt().with_writer(Arc::new(file)).finish();
        let _seen = tracing::subscriber::set_default(subscriber);
        // The one that warns last: it does not end.
        for (address, mode, warnings) in [
            ("0.0.0.0:80", AuthMode::Required, 0),
            ("127.0.0.1:80", AuthMode::None, 0),
            ("0.0.0.0:80", AuthMode::None, 3),
        ] {
            let address = address.parse().expect("an address");
            warn_if_open(&guard(&said(Some(mode)), address).expect("it is said"), address);
            tokio::time::sleep(Duration::from_mins(150)).await;
            let log = std::fs::read_to_string(&log).expect("it is there");
            assert_eq!(log.matches("every caller that reaches").count(), warnings, "{log}");
        }
    }

    #[test]
    fn only_on_loopback_is_there_a_default() {
        use AuthMode::{None as Open, Required};
        for (address, mode, expect) in [
            ("127.0.0.1:80", None, Some((false, true))),
            ("127.9.9.9:80", None, Some((false, true))),
            ("[::1]:80", None, Some((false, true))),
            ("[::1]:80", Some(Required), Some((true, true))),
            ("0.0.0.0:80", None, None),
            ("[::]:80", None, None),
            ("192.0.2.1:80", None, None),
            ("[::ffff:127.0.0.1]:80", None, None),
            ("0.0.0.0:80", Some(Open), Some((false, false))),
            ("0.0.0.0:80", Some(Required), Some((true, false))),
        ] {
            let guard = guard(&said(mode), address.parse().expect("an address"));
            let decided = guard.ok().map(|guard| (guard.required, guard.loopback));
            assert_eq!(decided, expect, "{address} {mode:?}");
        }
    }
}
