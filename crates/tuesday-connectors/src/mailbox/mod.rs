//! The mailbox that reports of wrong outputs are sent to, over IMAP.
//!
//! `conversation` speaks to the server, `parse` makes of the bytes what the domain knows as a mail.
//! Everything in the mailbox is a report, read by a person or not: whoever opens the mailbox with a mail
//! program does not make a report disappear. What was taken is moved to a folder, never deleted.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tuesday_domain::mailbox::{Mail, Mailbox, MailboxFault, PutAway};
use tuesday_domain::port::{Call, Secrets};
use tuesday_domain::record::MailOutcome;
use tuesday_domain::time::Span;

use crate::destinations::smtp::Server;

mod conversation;
mod parse;

/// Longest conversation.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Between two looks where the configuration does not say.
const EVERY: Duration = Duration::from_secs(60);

/// `[reports.mail]` of `tuesday.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailboxSettings {
    /// `host:port` of the IMAP server.
    pub server: String,
    /// `tls` (when absent), `starttls` or `none`.
    #[serde(default)]
    pub tls: Option<String>,
    /// User name for the login.
    pub user: String,
    /// Reference to the password.
    pub password: String,
    /// The address that people write to; the user name when absent and an address.
    #[serde(default)]
    pub address: Option<String>,
    /// The mailbox that is read; it should hold nothing else. `INBOX` when absent.
    #[serde(default = "inbox")]
    pub mailbox: String,
    /// Where mails go that became reports; made when it is not there.
    #[serde(default = "taken")]
    pub taken: String,
    /// Where mails go that a person should look at themselves; made when it is not there.
    #[serde(default = "aside")]
    pub aside: String,
    /// How often; a minute when absent.
    #[serde(default)]
    pub every: Option<Span>,
}

fn inbox() -> String {
    "INBOX".to_owned()
}

fn taken() -> String {
    "tuesday-taken".to_owned()
}

fn aside() -> String {
    "tuesday-aside".to_owned()
}

/// A mailbox over IMAP.
pub struct ImapMailbox {
    settings: MailboxSettings,
    place: String,
    address: Option<String>,
    secrets: Arc<dyn Secrets>,
}

impl ImapMailbox {
    /// The mailbox of these settings. The password is looked up with each conversation, so that a new
    /// one counts without a restart.
    ///
    /// # Errors
    /// Names the setting that makes no sense.
    pub fn new(settings: MailboxSettings, secrets: Arc<dyn Secrets>) -> Result<Self, String> {
        let s = &settings;
        // Refused here and not with the first look, when nobody watches any more.
        Server::new(
            &s.server,
            Some(s.tls.as_deref().unwrap_or("tls")),
            Some(s.user.clone()),
            Some(Vec::new()),
        )?;
        if s.mailbox == s.taken || s.mailbox == s.aside {
            return Err("`taken` and `aside` must be other folders than `mailbox`".to_owned());
        }
        if s.every.is_some_and(|e| e.0 < Duration::from_secs(1)) {
            return Err("`every` must be at least a second".to_owned());
        }
        let address = s.address.clone().or_else(|| Some(s.user.clone()));
        Ok(Self {
            place: format!("{} of {} at {}", s.mailbox, s.user, s.server),
            address: address.filter(|a| a.contains('@')),
            settings,
            secrets,
        })
    }

    fn server(&self) -> Result<Server, MailboxFault> {
        let s = &self.settings;
        let bad = |detail: String| MailboxFault {
            refused: false,
            detail,
        };
        let password = self.secrets.resolve(&s.password).map_err(bad)?;
        let tls = Some(s.tls.as_deref().unwrap_or("tls"));
        Server::new(&s.server, tls, Some(s.user.clone()), Some(password)).map_err(bad)
    }

    async fn within<T>(
        &self,
        talk: impl Future<Output = Result<T, MailboxFault>> + Send,
    ) -> Result<T, MailboxFault> {
        let late = |_| MailboxFault {
            refused: false,
            detail: format!("{} did not answer within {TIMEOUT:?}", self.settings.server),
        };
        tokio::time::timeout(TIMEOUT, talk).await.map_err(late)?
    }

    /// Signs in and counts what waits, without touching anything.
    ///
    /// # Errors
    /// In words, without a secret.
    pub async fn probe(&self) -> Result<usize, String> {
        let found = self.within(async {
            let server = self.server()?;
            conversation::count(&server, &self.settings.mailbox).await
        });
        found.await.map_err(|f| f.detail)
    }
}

impl Mailbox for ImapMailbox {
    fn place(&self) -> &str {
        &self.place
    }

    fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }

    fn every(&self) -> Duration {
        self.settings.every.map_or(EVERY, |e| e.0)
    }

    fn waiting(&self, limit: usize) -> Call<'_, Result<Vec<Mail>, MailboxFault>> {
        Box::pin(self.within(async move {
            let server = self.server()?;
            conversation::read(&server, &self.settings.mailbox, limit).await
        }))
    }

    fn put_away<'a>(&'a self, mails: &'a [PutAway]) -> Call<'a, Result<(), MailboxFault>> {
        Box::pin(self.within(async move {
            if mails.is_empty() {
                return Ok(());
            }
            let server = self.server()?;
            let moves: Vec<_> = mails
                .iter()
                .map(|m| (m.handle.as_str(), self.folder(m.outcome)))
                .collect();
            conversation::put_away(&server, &self.settings.mailbox, &moves).await
        }))
    }

    fn folder(&self, outcome: MailOutcome) -> &str {
        match outcome {
            MailOutcome::Reported => &self.settings.taken,
            MailOutcome::TooLarge
            | MailOutcome::Unreadable
            | MailOutcome::WithoutText
            | MailOutcome::Automatic
            | MailOutcome::TooMany => &self.settings.aside,
        }
    }
}
