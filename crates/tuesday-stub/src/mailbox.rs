//! Mailboxes of the stub world: what the IMAP server shows, and what the SMTP server delivers to once
//! somebody reads them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// One mail in a mailbox.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) uid: u32,
    pub(crate) flags: BTreeSet<String>,
    pub(crate) raw: Bytes,
}

/// The folders of the one account there is.
#[derive(Debug)]
pub(crate) struct Folders {
    pub(crate) by_name: BTreeMap<String, Vec<Letter>>,
    next_uid: u32,
    /// Somebody reads them; until then nothing is kept twice.
    pub(crate) open: bool,
    /// `MOVE` and `UIDPLUS` are offered.
    pub(crate) extensions: bool,
}

impl Default for Folders {
    fn default() -> Self {
        Self {
            by_name: BTreeMap::from([("INBOX".to_owned(), Vec::new())]),
            next_uid: 1,
            open: false,
            extensions: true,
        }
    }
}

impl Folders {
    /// Puts a mail into a folder that is there.
    pub(crate) fn put(&mut self, folder: &str, raw: Bytes) -> bool {
        let uid = self.next_uid;
        let Some(letters) = self.by_name.get_mut(folder) else {
            return false;
        };
        letters.push(Letter {
            uid,
            flags: BTreeSet::new(),
            raw,
        });
        self.next_uid += 1;
        true
    }
}

/// The mailboxes behind a lock.
#[derive(Debug, Default)]
pub(crate) struct Mailboxes(Mutex<Folders>);

impl Mailboxes {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Folders> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
