//! Who is asking, and what they may do.
//!
//! Machines show a token (`bearer`), people have a session (`session`). Both end in a value whose
//! type says what was checked; handlers take such a value as an argument and cannot run without it.

mod access;
mod bearer;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod candidates;
mod doors;
mod form;
mod oidc;
mod passkey;
mod session;
mod source;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod trace;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod walk;

pub(crate) use bearer::{ApiAdmin, ApiReader, ApiReviewer, bearer};
pub(crate) use form::{PostForm, same_site};
pub(crate) use oidc::{Back, Oidc};
pub(crate) use passkey::{Challenge, Passkeys};
pub(crate) use session::{Flashes, User, clear_cookie, cookie, cookie_name, is_half, set_cookie};
pub(crate) use source::Source;

/// Equality that takes the same time wherever the texts differ.
pub(crate) fn same_secret(a: &str, b: &str) -> bool {
    use subtle::ConstantTimeEq as _;
    a.as_bytes().ct_eq(b.as_bytes()).into()
}
