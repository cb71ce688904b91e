//! Idempotency keys: what a request was answered, kept with what it did.

use std::time::Duration;

use vacancy_domain::Version;

use crate::StoreError;
use crate::entity::idempotency_key;

/// What a write was answered, kept with it so that a retry hears the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The version in the `ETag`, if it has one.
    pub version: Option<Version>,
    /// The path in `Location`, if it has one.
    pub location: Option<String>,
    /// The JSON text of the body, if it has one.
    pub body: Option<String>,
}

/// Names a request, so that it is carried out once however often it is sent or tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// The client's key, or one of our own that no client can send.
    pub text: String,
    /// SHA-256 over what makes it the same request.
    pub fingerprint: [u8; 32],
    /// How long the answer is kept, from the time of the snapshot that was decided on.
    pub time_to_live: Duration,
}

/// A key and the answer that a commit remembers under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Of the request.
    pub key: RequestKey,
    /// Of this service.
    pub answer: Answer,
}

/// What a request with some key was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// Of the request that was answered, to tell a retry from another request under the same key.
    pub fingerprint: Vec<u8>,
    /// The answer, word for word.
    pub answer: Answer,
}

impl TryFrom<idempotency_key::Model> for StoredAnswer {
    type Error = StoreError;

    fn try_from(row: idempotency_key::Model) -> Result<Self, StoreError> {
        let status = u16::try_from(row.status);
        Ok(Self {
            fingerprint: row.fingerprint,
            answer: Answer {
                status: status.map_err(|why| {
                    StoreError::corrupt(
                        "idempotency_keys",
                        "status",
                        row.key.as_str(),
                        why.to_string(),
                    )
                })?,
                version: row.version.map(Version),
                location: row.location,
                body: row.body,
            },
        })
    }
}
