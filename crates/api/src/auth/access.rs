//! What one request may see and do. It travels with the request to the snapshot that the request is
//! decided on, because whose a booking is, and of which hotel, is known there.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::Extensions;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use vacancy_domain::{Booking, Hotel, HotelId, Room};

use super::denials::Denials;
use super::scopes::Scopes;
use crate::about::Scope;
use crate::http::problem::Problem;
use crate::metrics::Denial;

/// What one request may see and do. Clones are the same.
#[derive(Clone, Debug)]
pub struct Access(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    means: Means,
    principal: Option<Arc<str>>,
    scopes: Scopes,
    hotels: Option<Arc<BTreeSet<HotelId>>>,
    expires_at: Option<DateTime<Utc>>,
    /// The credential, and where it is said what is hidden from it.
    hidden: Option<(Arc<str>, Arc<Denials>)>,
}

/// By what a request was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// By nothing: the service needs no credential.
    None,
    /// An API key.
    Key,
    /// A token of an issuer.
    Jwt,
    /// The root key.
    Root,
    /// It is the service's own work.
    System,
}

impl Means {
    /// The name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Key => "key",
            Self::Jwt => "jwt",
            Self::Root => "root",
            Self::System => "system",
        }
    }
}

/// What a credential grants.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The credential in logs: a key's id, a token's subject.
    pub credential: Arc<str>,
    /// The name it stands for.
    pub principal: Arc<str>,
    /// What it may do.
    pub scopes: Scopes,
    /// The hotels it is limited to; absent: none.
    pub hotels: Option<Arc<BTreeSet<HotelId>>>,
    /// From when on it is not accepted.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What belongs to a hotel, and perhaps to the principal that made it.
pub trait Owned {
    /// The hotel.
    fn hotel(&self) -> HotelId;

    /// The principal; none where owning means nothing.
    fn owner(&self) -> Option<Option<&str>> {
        None
    }
}

impl Owned for Hotel {
    fn hotel(&self) -> HotelId {
        self.id
    }
}

impl Owned for HotelId {
    fn hotel(&self) -> HotelId {
        *self
    }
}

impl Owned for Room {
    fn hotel(&self) -> HotelId {
        self.hotel
    }
}

impl Owned for Booking {
    fn hotel(&self) -> HotelId {
        self.hotel
    }

    fn owner(&self) -> Option<Option<&str>> {
        Some(self.made_by.as_deref())
    }
}

impl<T: Owned> Owned for &T {
    fn hotel(&self) -> HotelId {
        (*self).hotel()
    }

    fn owner(&self) -> Option<Option<&str>> {
        (*self).owner()
    }
}

impl Access {
    /// Without a credential, where none is needed: everything.
    #[must_use]
    pub fn open() -> Self {
        Self::all(Means::None, None)
    }

    /// For work of the service itself, such as `sweeper`.
    #[must_use]
    pub fn system(name: &str) -> Self {
        Self::all(Means::System, Some(format!("system:{name}").into()))
    }

    fn all(means: Means, principal: Option<Arc<str>>) -> Self {
        let scopes = Scopes::admin();
        let (hotels, expires_at, hidden) = (None, None, None);
        Self(Arc::new(Inner { means, principal, scopes, hotels, expires_at, hidden }))
    }

    /// What a credential grants; what is hidden from it is counted and logged.
    #[must_use]
    pub fn granted(means: Means, grant: Grant, denials: Arc<Denials>) -> Self {
        let Grant { credential, principal, scopes, hotels, expires_at } = grant;
        let (principal, hidden) = (Some(principal), Some((credential, denials)));
        Self(Arc::new(Inner { means, principal, scopes, hotels, expires_at, hidden }))
    }

    /// What the layer that checks credentials has left in the request. Fails with 500 without it: a
    /// route that no layer guards must not be open to all.
    pub fn of(extensions: &Extensions) -> Result<Self, Problem> {
        let access = extensions.get::<Self>().cloned();
        access.ok_or_else(|| Problem::internal("the route is not guarded"))
    }

    /// The name the credential stands for; absent where none is needed.
    #[must_use]
    pub fn principal(&self) -> Option<&Arc<str>> {
        self.0.principal.as_ref()
    }

    /// The principal, or `anonymous`: for the access log.
    #[must_use]
    pub fn actor(&self) -> &str {
        self.principal().map_or("anonymous", |principal| principal)
    }

    /// By what it was let in.
    #[must_use]
    pub fn means(&self) -> Means {
        self.0.means
    }

    /// What it may do.
    #[must_use]
    pub fn scopes(&self) -> Scopes {
        self.0.scopes
    }

    /// The hotels it is limited to; absent: none.
    #[must_use]
    pub fn hotels(&self) -> Option<Vec<HotelId>> {
        self.0.hotels.as_ref().map(|hotels| hotels.iter().copied().collect())
    }

    /// From when on its credential is not accepted.
    #[must_use]
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.0.expires_at
    }

    /// Whether it sees all bookings, with who made them, and not only its own.
    #[must_use]
    pub fn sees_all_bookings(&self) -> bool {
        self.0.scopes.allow(Scope::Desk)
    }

    /// The principal whose bookings alone it sees, if it does not see all.
    #[must_use]
    pub fn only_made_by(&self) -> Option<String> {
        (!self.sees_all_bookings()).then(|| self.actor().to_owned())
    }

    /// Whether these hotels, none for all, are among its own.
    #[must_use]
    pub fn covers(&self, hotels: Option<&[HotelId]>) -> bool {
        let Some(own) = &self.0.hotels else { return true };
        hotels.is_some_and(|hotels| hotels.iter().all(|hotel| own.contains(hotel)))
    }

    /// What was found, if it may be seen: of one of its hotels, and its own if it is a booking. This
    /// is the one place where that is decided; what is hidden counts as not there.
    #[must_use]
    pub fn visible<T: Owned>(&self, found: Option<T>) -> Option<T> {
        let found = found?;
        let denied = if self.0.hotels.as_ref().is_some_and(|own| !own.contains(&found.hotel())) {
            Some(Denial::Hotel)
        } else if let Some(owner) = found.owner() {
            let own = self.sees_all_bookings() || owner == Some(self.actor());
            (!own).then_some(Denial::Owner)
        } else {
            None
        };
        let Some(denied) = denied else { return Some(found) };
        if let Some((credential, denials)) = &self.0.hidden {
            denials.deny(credential, denied);
        }
        None
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Access {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.extensions)
    }
}
