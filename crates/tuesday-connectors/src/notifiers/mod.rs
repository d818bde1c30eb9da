//! Notices to people: mail, a chat webhook, a file or the console, tried in this order of the
//! configuration. A notice holds a title and a link, never content.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tuesday_domain::definition::SecretHeader;
use tuesday_domain::port::{Call, Message, Notifier, Secrets};

use crate::net::Http;

mod file;
mod mail;
mod webhook;

/// Longest one channel may take; the next one is tried after that.
const TIMEOUT: Duration = Duration::from_secs(15);

/// One way to reach people.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Channel {
    /// Mail over SMTP to the person's own address.
    Mail {
        /// `host:port`.
        server: String,
        /// Sender address.
        from: String,
        /// `none`, `starttls` (when absent) or `tls`.
        #[serde(default)]
        tls: Option<String>,
        /// User name for the login.
        #[serde(default)]
        user: Option<String>,
        /// Reference to the password.
        #[serde(default)]
        password: Option<String>,
    },
    /// POST of `{"text": …}`.
    Webhook {
        /// Address, or a secret reference to it: many chat addresses are secrets themselves.
        url: String,
        /// Reference to a Standard Webhooks secret; the call is signed when set.
        #[serde(default)]
        secret: Option<String>,
        /// A header with a credential.
        #[serde(default)]
        auth: Option<SecretHeader>,
    },
    /// One JSON line per notice.
    File {
        /// Relative to the installation's data folder.
        path: String,
    },
    /// Standard error.
    Console,
}

impl Channel {
    const fn word(&self) -> &'static str {
        match self {
            Self::Mail { .. } => "mail",
            Self::Webhook { .. } => "webhook",
            Self::File { .. } => "file",
            Self::Console => "console",
        }
    }
}

/// Tries the channels in order.
pub struct Notifiers {
    channels: Vec<Channel>,
    http: Http,
    secrets: Arc<dyn Secrets>,
    base: PathBuf,
}

impl Notifiers {
    /// `channels` in the order they are tried; `base` is the installation's data folder.
    #[must_use]
    pub fn new(
        channels: Vec<Channel>,
        http: Http,
        secrets: Arc<dyn Secrets>,
        base: impl Into<PathBuf>,
    ) -> Self {
        Self {
            channels,
            http,
            secrets,
            base: base.into(),
        }
    }

    async fn through(&self, channel: &Channel, message: &Message) -> Result<(), String> {
        match channel {
            Channel::Mail {
                server,
                from,
                tls,
                user,
                password,
            } => {
                let password = password
                    .as_deref()
                    .map(|p| self.secrets.resolve(p))
                    .transpose()?;
                mail::send(
                    server,
                    tls.as_deref(),
                    user.clone(),
                    password,
                    from,
                    message,
                )
                .await
            }
            Channel::Webhook { url, secret, auth } => {
                webhook::send(
                    &self.http,
                    &*self.secrets,
                    url,
                    secret.as_deref(),
                    auth.as_ref(),
                    message,
                )
                .await
            }
            Channel::File { path } => file::append(self.base.join(path), message).await,
            Channel::Console => file::print(message),
        }
    }
}

impl Notifier for Notifiers {
    fn notify<'a>(&'a self, message: &'a Message) -> Call<'a, Result<String, String>> {
        Box::pin(async move {
            let mut failed = Vec::new();
            for channel in &self.channels {
                match self.through(channel, message).await {
                    Ok(()) if failed.is_empty() => return Ok(channel.word().to_owned()),
                    Ok(()) => return Ok(format!("{} ({})", channel.word(), failed.join("; "))),
                    Err(why) => failed.push(format!("{} failed: {why}", channel.word())),
                }
            }
            Err(if failed.is_empty() {
                "no channel is set up".to_owned()
            } else {
                failed.join("; ")
            })
        })
    }
}

/// The notice as one text.
fn text(message: &Message) -> String {
    let due = message
        .due_at
        .map(|at| format!(" (due {at})"))
        .unwrap_or_default();
    format!("{}{due}\n{}", message.title, message.link)
}

/// The same for the same notice, so that a receiver can drop a repeated one.
fn id(message: &Message) -> String {
    use sha2::{Digest as _, Sha256};
    let mut hash = Sha256::new();
    for part in [&message.email, &message.title, &message.link] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.update(message.due_at.map_or(0, |at| at.micros()).to_be_bytes());
    hex::encode(&hash.finalize()[..16])
}
